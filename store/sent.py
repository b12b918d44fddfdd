"""What went out, in a file that no restore of the database takes back: it then says what need not go again.

It holds references, codes, occasions and digests, and nothing of what was said.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from settings import Settings


def mark(notice: Any) -> str:
    """A digest of what a stored notice says and to whom: the same when it is made anew, on whatever day.

    Numbers of rows are no part of it, for a restored database gives them again to others. Nor is how late something is.
    """
    return _digest(notice, notice.occasion)


def shown(notice: Any) -> str:
    """The same of what its recipient reads of it: without numbers of facts, which would tell what else is recorded."""
    return _digest(notice, notice.wording)


def _digest(notice: Any, occasion: str) -> str:
    of_the_day = ("late", "day") if notice.wording == "chase" else ("late",)
    fields = {name: value for name, value in notice.fields.items() if name not in of_the_day}
    said = (notice.pathway, notice.to_role, notice.to_code, occasion, fields)
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Sent:
    """One notice as it went out in a message."""

    at: datetime
    message_id: str
    channel: str
    role: str
    code: str
    pathway: str
    occasion: str
    mark: str

    @property
    def wording(self) -> str:
        return self.occasion.partition(":")[0]


class NotWrittenDown(Exception):
    """What is sent cannot be written down in {path}, so nothing more is sent: make room, or set sent_log."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(self.__doc__).format(path=path))


def file_of(settings: Settings) -> Path:
    return settings.home / settings.sent_log


@contextmanager
def writing_down(settings: Settings) -> Iterator[Callable[[Any, datetime], None]]:
    """Open the file before anything is sent: what could not be written down does not go. Gives what adds a message.

    Raises NotWrittenDown.
    """
    path = file_of(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
    except OSError:
        raise NotWrittenDown(path) from None

    def add(message: Any, at: datetime) -> None:
        # A whole line at once, so that several who deliver from one machine do not mix theirs, and on a line of its
        # own, whatever was cut off before it.
        line = f"\n{_line(message, at)}\n".encode()
        with suppress(OSError):
            if os.write(file, line) == len(line):
                return
        raise NotWrittenDown(path)

    try:
        yield add
    finally:
        os.close(file)


def _line(message: Any, at: datetime) -> str:
    """A line of the file: a claimed message that was taken by its server. Lines a digest only repeats are left out."""
    said = [(one.pathway, one.occasion, mark(one)) for one in message.notices if hasattr(one, "occasion")]
    row = message.row
    return json.dumps([at.isoformat(), row.message_id, row.channel, row.to_role, row.to_code, said])


def read(files: Iterable[Path], since: datetime) -> Iterator[Sent]:
    """What went out since a moment, by these files. A line that was cut off is passed over."""
    for path in files:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                yield from _sent(line, since)


def _sent(line: str, since: datetime) -> Sequence[Sent]:
    try:
        at, number, channel, role, code, said = json.loads(line)
        at = datetime.fromisoformat(at)
        return [Sent(at, number, channel, role, code, *one) for one in said] if at >= since else []
    except (ValueError, TypeError):
        return []
