"""A peer at work: its process, and what it has written to the outbox, which is all that we look at."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from benchmarks.measure import Postgres
from benchmarks.peers.environments import HERE, Missing, cache, python

OUTBOX = """CREATE TABLE outbox (
    case_ref text, occasion text, report text, said integer NOT NULL DEFAULT 1, PRIMARY KEY (case_ref, occasion)
)"""
LOOK = 0.05  # seconds between two looks at the outbox
STILL = 75.0  # nothing more is to be expected when nothing came for so long: DBOS looks for lost messages each minute


class Driver:
    """The driver of one peer in a fresh database. It can be killed and started again: what is durable stays."""

    def __init__(self, peer: str, postgres: Postgres, environments: Path | None = None) -> None:
        self._python, self._peer, self._postgres = python(peer, environments or cache()), peer, postgres
        self._name = f"peer_{peer}"
        self._url = postgres.create(self._name)
        self._folder = Path(tempfile.mkdtemp(prefix="pathways-peer-"))
        self._outbox = psycopg.connect(self._url, autocommit=True)
        self._outbox.execute(OUTBOX)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()
        self._outbox.close()
        self._postgres.drop(self._name)
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Returns when the peer takes commands."""
        with (self._folder / "errors").open("a") as errors:
            self._process = subprocess.Popen(
                [self._python, HERE / f"on_{self._peer}.py", self._url, self._folder],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True,
            )  # fmt: skip
        self._answer()

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """kill -9 of the driver and of all that it started."""
        os.killpg(self.pid, signal.SIGKILL)
        self._process.communicate()

    def ask(self, do: str, **given: Any) -> Counter[str]:
        """Have it done. The errors that the caller of the peer was given are counted."""
        self._process.stdin.write(json.dumps({"do": do, **given}) + "\n")
        self._process.stdin.flush()
        return Counter(self._answer())

    def _answer(self) -> Any:
        if line := self._process.stdout.readline():
            return json.loads(line)
        said = (self._folder / "errors").read_text(encoding="utf-8").strip().splitlines() or ["it said nothing"]
        raise Missing(f"{self._peer} ended by itself: {said[-1]}")

    def settled(self, occasion: str, wanted: int, still: float = STILL) -> int:
        """How many rows there are of an occasion, when they are all there or no more are coming."""
        had, since = self.count(occasion), time.monotonic()
        while had < wanted and time.monotonic() - since < still:
            time.sleep(LOOK)
            now = self.count(occasion)
            had, since = now, time.monotonic() if now > had else since
        return had

    def count(self, occasion: str) -> int:
        return self.one("SELECT count(*) FROM outbox WHERE occasion = %s", occasion)

    def one(self, sql: str, *given: Any) -> Any:
        return self._outbox.execute(sql, given).fetchone()[0]

    def bytes(self) -> int:
        """What all that is durable takes on disk."""
        files = [file for file in self._folder.iterdir() if file.name != "errors"]
        return self._postgres.bytes(self._name) + sum(file.stat().st_size for file in files)
