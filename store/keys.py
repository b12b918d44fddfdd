"""Keys: files of them in the home folder; and those of personal details, with what each database knows of them."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from models.encrypted import NoKeys, Ring, WrongKey
from settings import settings

# Files of keys --------------------------------------------------------------------------------------------------------


def new_key() -> str:
    return secrets.token_urlsafe(32)


def make(file: Path) -> None:
    """Draw a key into a file of its own, where there is none yet."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = _draft(file, [new_key()])
        with suppress(FileExistsError):  # another process was first; its key is as good
            os.link(draft, file)
        draft.unlink()


def keys_in(file: Path, without: str) -> list[str]:
    """The keys of a file, the newest last. `without` says what new ones would mean, where it is empty."""
    if not (keys := file.read_text(encoding="ascii").split()):
        raise NoKeys(f"{file} is empty. Put its keys back; {without}.")
    return keys


def put(file: Path, keys: list[str]) -> None:
    """Put other keys into a file, all at once."""
    _draft(file, keys).replace(file)


def _draft(file: Path, keys: list[str]) -> Path:
    """A file of keys that only its owner can read, to be put in its place at once."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text("".join(f"{key}\n" for key in keys), encoding="ascii")
    return draft


# Keys of personal details ---------------------------------------------------------------------------------------------


class Kept(Ring):
    """The keys of one database's personal details: of the settings, or of a file in the home folder.

    The restricted database has keys of its own (SR-11).
    """

    def __init__(self, *, restricted: bool) -> None:
        super().__init__()
        self.setting = "restricted_personal_keys" if restricted else "personal_keys"
        self.file = settings().home / ("restricted.keys" if restricted else "personal.keys")
        self._seen: Any = None

    @property
    def of_settings(self) -> list[str]:
        return getattr(settings(), self.setting)

    def read(self) -> list[str]:
        self._seen = self._state()
        try:
            return self.of_settings or keys_in(self.file, "without them nobody reads what they have encrypted")
        except FileNotFoundError:
            raise NoKeys(
                f"Personal details are encrypted, and there is no key here: neither `{self.setting}` in the settings "
                f"nor {self.file}. Put the key there that the other machines have; for a database that is new "
                "draw one with `pathways personal key`."
            ) from None

    def changed(self) -> bool:
        """Whether another process has put other keys into the file."""
        return not self.of_settings and self._state() != self._seen

    def _state(self) -> Any:
        with suppress(FileNotFoundError):
            state = self.file.stat()
            return state.st_ino, state.st_mtime_ns


def ring_of(engine: Engine, *, restricted: bool = False) -> Ring:
    """The keys an engine encrypts with; it is given them at the first asking."""
    if not hasattr(engine.dialect, "personal_keys"):
        engine.dialect.personal_keys = Kept(restricted=restricted)
    return engine.dialect.personal_keys


def admit(engine: Engine, *, restricted: bool) -> None:
    """Have each connection checked: whoever lacks a key that this database was written with is not let in.

    Else a machine would write what the others cannot read. Connecting raises WrongKey, or NoKeys.
    """
    ring = ring_of(engine, restricted=restricted)
    event.listen(engine, "connect", lambda connection, _: _check(connection, ring, engine.dialect.name))


_THERE = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE name = 'personal_key'",
    "postgresql": "SELECT 1 WHERE to_regclass('personal_key') IS NOT NULL",
}


def _check(connection: Any, ring: Ring, backend: str) -> None:
    cursor = connection.cursor()
    try:
        if cursor.execute(_THERE[backend]).fetchone():
            know(cursor.execute, ring, backend)
        connection.commit()
    except BaseException:
        connection.close()
        raise


def know(execute: Callable[[str], Any], ring: Ring, backend: str) -> None:
    """Have a database know the key that is used from now on. Raises WrongKey where it knows others than there are here.

    A file with a first key is made beside SQLite only: another database may be used by other machines too.
    """
    known = _known(execute)
    if not known and backend == "sqlite" and isinstance(ring, Kept) and not ring.of_settings:
        make(ring.file)
    _has_all(ring, known)
    if ring.numbers[-1] not in known:
        if backend != "sqlite":  # of two machines with other keys than each other's, one is first
            execute("LOCK TABLE personal_key IN SHARE ROW EXCLUSIVE MODE")
            _has_all(ring, _known(execute))
        execute(f"INSERT INTO personal_key (number) VALUES ('{ring.numbers[-1]}') ON CONFLICT DO NOTHING")


def _known(execute: Callable[[str], Any]) -> set[str]:
    return {row[0] for row in execute("SELECT number FROM personal_key").fetchall()}


def _has_all(ring: Ring, known: set[str]) -> None:
    if lacking := sorted(known.difference(ring.numbers)):
        raise WrongKey(
            "This machine's key is not the one that personal details in this database are encrypted with: they need "
            f"{' and '.join(lacking)}, and here is {' and '.join(ring.numbers)}. Every machine has the same keys."
        )
