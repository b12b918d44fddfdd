"""Heads of the audit trail: who knows one from elsewhere can tell if anything before it is changed."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, select

from models.chain import START
from store.audit import audit


@dataclass(frozen=True)
class Head:
    """The number and the hash of an entry, once the last one."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


def head(connection: Connection) -> Head:
    """That of the trail as it is now."""
    query = select(audit.c.number, audit.c.hash).where(audit.c.number.is_not(None)).order_by(audit.c.number.desc())
    row = connection.execute(query.limit(1)).first()
    return Head(row.number, row.hash) if row else Head(0, START)


# Written down outside the database ------------------------------------------------------------------------------------


_WRITTEN = re.compile(r"^(\S+) (\d+):([0-9a-f]{64})$", re.MULTILINE)


def heads_in(file: Path) -> list[Head]:
    """The heads that were written down on this machine, the oldest first."""
    return _read(file.read_text(encoding="ascii")) if file.exists() else []


def last_head(file: Path) -> Head | None:
    if not file.exists():
        return None
    with file.open("rb") as lines:
        lines.seek(max(0, file.stat().st_size - 1000))
        found = _read(lines.read().decode("ascii", "replace"))
    return found[-1] if found else None


def _read(text: str) -> list[Head]:
    return [Head(int(number), hashed) for _, number, hashed in _WRITTEN.findall(text)]


def write_down(heads: Path, reached: Head, now: datetime) -> None:
    """Add a head to a file that only its owner can read."""
    heads.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    heads.touch(mode=0o600)
    with heads.open("a", encoding="ascii") as out:
        out.write(f"{now.astimezone(UTC).isoformat(timespec='seconds')} {reached}\n")
