"""What a load says of itself: rows counted, rows refused, and why."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


class FileRefused(Exception):
    """The whole file cannot be read as what it should be; the message is a sentence without anything from its cells."""


@dataclass(frozen=True)
class Problem:
    """Why one row was not taken. `value` is the cell as it was read, and may be personal: never log it."""

    line: int
    column: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.column}: {self.expected}"


@dataclass
class Report:
    """What became of the rows of one file."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    rejected_file: Path | None = None
    """Where the refused rows were written, each with its problem; correct them there and load that file."""
    touched: set[tuple[str, str]] = field(default_factory=set)
    """The pathways whose standing may change, as (programme, reference): those to nudge."""

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def as_dict(self) -> dict[str, Any]:
        """The report as values that can be written as JSON."""
        beside = str(self.rejected_file) if self.rejected_file else None
        return {**asdict(self), "rejected_file": beside, "touched": sorted(self.touched)}
