"""One run a home folder: two would write each other's settings, and go rounds over one database with two servers."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from local.stack import CannotStart
from settings import Settings


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Have the home folder to oneself. Raises CannotStart where another run has it, and says where that one is.

    The lock dies with its process, however that ends.
    """
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)  # names and addresses are in there
    with (settings.home / "run.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise CannotStart(
                f"Case Pathways runs already from {settings.home}: {lock.read().strip()}. Stop that one first (Ctrl-C "
                "where it was started), or give this one a folder of its own: PATHWAYS_HOME=~/another pathways run"
            ) from None
        lock.truncate(0)
        lock.write(f"Prefect UI http://127.0.0.1:{settings.ports.prefect}, site {settings.site.url}")
        lock.flush()
        yield
