"""The figures a simulation is made of: those of `shares.toml`, or of a file that says what is different."""

import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

SHIPPED = Path(__file__).with_name("shares.toml")
Table = Mapping[str, Any]


class SharesError(Exception):
    """The shares file says something that cannot be followed."""


def read(file: Path | None = None) -> "Shares":
    """The shipped figures, and in their place those of a file. Raises SharesError."""
    shares = Shares(_document(SHIPPED))
    if file:
        shares = Shares(_merged(shares.tables, _document(file), ()))
    for name, table in _tables(shares.tables):
        percents = [row["percent"] for row in table.values()]
        if name[0] != "happenings" and sum(percents) != 100:
            raise SharesError(f"shares: [{'.'.join(name)}] makes {sum(percents)} percent, not 100")
    return shares


def _document(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        why = getattr(problem, "strerror", None) or "it is not laid out as TOML"
        raise SharesError(f"shares: {file} cannot be read: {why}") from None


def _merged(shipped: dict[str, Any], own: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Tables of figures, with those of somebody's own in the place of the shipped ones. There are no other names."""
    merged = dict(shipped)
    for name, value in own.items():
        where = ".".join((*path, name))
        if name not in shipped:
            raise SharesError(f"shares: there is no {where}; there are {', '.join(shipped)}")
        if isinstance(shipped[name], dict) != isinstance(value, dict):
            raise SharesError(f"shares: {where} is laid out otherwise in the shipped file")
        if isinstance(value, dict):
            merged[name] = _merged(shipped[name], value, (*path, name))
        else:
            merged[name] = _like(shipped[name], value, where)
    return merged


def _like(shipped: Any, value: Any, where: str) -> Any:
    """A value that can stand for the shipped one: a number for a number, as many for a list of them."""
    if isinstance(shipped, (int, float)):
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
    else:
        fits = isinstance(value, type(shipped)) and (not isinstance(value, list) or _alike(shipped, value))
    if not fits:
        raise SharesError(f"shares: {where} cannot be {value!r}; the shipped file says {shipped!r}")
    return value


def _alike(shipped: list[Any], value: list[Any]) -> bool:
    numbers = all(isinstance(one, (int, float)) for one in shipped)
    same = all(isinstance(one, (int, float)) == numbers for one in value)
    return bool(value) and same and (not numbers or (len(value) == len(shipped) and sum(value) > 0))


def _tables(tables: Table, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Table]]:
    """The tables whose rows are shares of a whole, with their names."""
    if all(isinstance(row, dict) and "percent" in row for row in tables.values()):
        return [(path, tables)]
    inner = (_tables(row, (*path, name)) for name, row in tables.items() if isinstance(row, dict))
    return [found for some in inner for found in some]


class Shares:
    """The figures, by their tables."""

    def __init__(self, tables: dict[str, Any]) -> None:
        self.tables = tables

    @cached_property
    def _weights(self) -> dict[tuple[str, ...], tuple[list[str], list[float]]]:
        return {name: (list(table), [row["percent"] for row in table.values()]) for name, table in _tables(self.tables)}

    def has(self, *name: str) -> bool:
        return name in self._weights

    def drawn(self, chance: Random, *name: str) -> str:
        """One of the rows of a table, each as often as its share says."""
        names, weights = self._weights[name]
        return chance.choices(names, weights)[0]

    def number(self, *name: str) -> float:
        return self._row(*name)["is"]

    def list_of(self, *name: str) -> list[Any]:
        return self._row(*name)["are"]

    def happens(self, chance: Random, *name: str) -> bool:
        """Whether what so many percent do is done."""
        return chance.random() * 100 < self._row(*name).get("is", self._row(*name).get("percent", 0))

    def days(self, chance: Random, name: str) -> int:
        """How many days something is off."""
        row = self._row("days", name)
        return chance.randint(row["from"], max(row["from"], row["to"]))

    def _row(self, *name: str) -> Table:
        found: Any = self.tables
        for one in name:
            found = found[one]
        return found

    def within(self, happening: str) -> int:
        return self._row("happenings", happening)["within"]

    def spend(self, programme: str) -> tuple[float, str, str]:
        """What one costs in pounds, of whom it is counted, and the source of it."""
        row = self._row("spend", programme)
        return row["pounds"], row["per"], row["source"]


def chance(*of: object) -> Random:
    """A chance of its own for each thing, which is the same in whatever order and on whatever machine it is taken."""
    return Random(":".join(map(str, of)))
