"""What every kind of load shares: lines, what is refused and counted, and transactions of some thousand rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, Engine, Table, select

from intake.cells import in_london
from intake.report import Problem, Report
from models.working_days import london_date
from settings import Settings
from store.database import in_batches, writing
from store.judge import holds_name
from store.open import look_again

ROWS_A_TRANSACTION = 2000


@dataclass(frozen=True)
class Line:
    """One line of a file that could be read: its number, its cells as typed, and what they mean."""

    number: int
    cells: dict[str, str]
    row: Any

    def saying(self, **values: Any) -> "Line":
        """The same line with some of its values understood otherwise."""
        return replace(self, row=self.row.model_copy(update=values))


@dataclass
class Load:
    """One file on its way in."""

    engine: Engine
    now: datetime
    settings: Settings
    progress: Callable[[int, int], None]
    total: int = 0
    done: int = 0
    report: Report = field(default_factory=Report)

    @property
    def today(self) -> date:
        return london_date(self.now)

    def recorded_at(self, day: date | None) -> datetime:
        """When something known since a day was written down: at noon of it, but never in the time to come."""
        noon = in_london(datetime.combine(day or self.today, time(12)))
        return self.now if day is None or noon > self.now else noon

    def refuse(self, line: Line, column: str, why: str) -> None:
        self.report.problems.append(Problem(line.number, column, line.cells.get(column, ""), why))

    def knows(self, line: Line, column: str, known: Any, kind: str) -> bool:
        """Whether the code in a column is known; refuses the line when it is not."""
        code = getattr(line.row, column)
        if code in known:
            return True
        self.refuse(line, column, f"{column.replace('_', ' ')} {code} is not known; load {kind} first")
        return False

    def is_name(self, line: Line, columns: Sequence[str], names: Sequence[str]) -> bool:
        """Whether a reference is what somebody of its case is called (SR-12); refuses the line when one is."""
        column = next((column for column in columns if holds_name(getattr(line.row, column), names)), None)
        if column:
            self.refuse(line, column, "it holds a name of somebody in this case; use a reference that is none (SR-12)")
        return column is not None

    def first_of(self, seen: dict[Any, Line], key: Any, line: Line) -> bool:
        """Whether a key is met for the first time in this file. A second line must say the same, or is refused."""
        first = seen.setdefault(key, line)
        if first is line:
            return True
        if column := differing(first.row, line.row):
            self.refuse(line, column, f"line {first.number} says otherwise of the same {next(iter(line.cells))}")
        else:
            self.report.unchanged += 1
        return False

    def count(self, results: Sequence[str]) -> None:
        self.report.added += results.count("added")
        self.report.changed += results.count("changed")
        self.report.unchanged += results.count("unchanged")

    def look_again(self, connection: Connection, column: Any, references: Sequence[str]) -> None:
        """Have the open pathways of changed cases or directions looked at: who owes what may have changed with them."""
        self.report.touched |= look_again(connection, column, references, self.today)

    def in_transactions(
        self, lines: Sequence[Line], keep_some: Callable[[Connection, Sequence[Line]], None],
        after: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """Keep lines, some thousand a transaction; `after` runs once each of them is committed."""
        for some in in_batches(lines, ROWS_A_TRANSACTION):
            with writing(self.engine) as connection:
                keep_some(connection, some)
            after()
            self.forward(len(some))

    def forward(self, count: int) -> None:
        self.done += count
        self.progress(self.done, self.total)


def differing(one: BaseModel, other: BaseModel, names: Sequence[str] = ()) -> str | None:
    """The first column in which two rows differ."""
    names = names or list(type(one).model_fields)
    return next((name for name in names if getattr(one, name) != getattr(other, name)), None)


def codes(connection: Connection, table: Table) -> set[str]:
    """All the codes of a table of the directory, which is small."""
    return set(connection.execute(select(*table.primary_key.columns)).scalars())


def together(main: str, *others: str) -> str:
    """What became of a line that stands in several tables: new as its main row is, else changed if any changed."""
    return "changed" if main == "unchanged" and any(other != "unchanged" for other in others) else main


def changed(references: Sequence[str], results: Sequence[str]) -> list[str]:
    return [reference for reference, result in zip(references, results, strict=True) if result == "changed"]
