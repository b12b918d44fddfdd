"""Canaries: a word that nobody else would use in every field that is personal, and the forms in which it could appear.

The fields are those of the data dictionary: a new one is planted without anybody thinking of it, or the test says that
it has no idea how.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Table

from models.encrypted import Encrypted
from models.personal import ENCRYPTED, columns_of, tables


def personal_tables() -> dict[str, Table]:
    """The tables that hold anything personal, or free text."""
    return {table.name: table for table in tables() if columns_of(table.name, *ENCRYPTED)}


def planted(table: str, number: int = 1) -> dict[str, Any]:
    """Something in every personal field of a table; for another number, something else."""
    columns = personal_tables()[table].columns
    return {name: _planted(columns[name].type, f"{table}.{name}.{number}") for name in columns_of(table, *ENCRYPTED)}


def _planted(kind: Encrypted, seed: str) -> Any:
    drawn = sha256(seed.encode()).digest()
    if kind.of is date:
        return date(1911, 1, 1) + timedelta(days=int.from_bytes(drawn[:2]) % 3000)
    if kind.of is float:
        return 70 + int.from_bytes(drawn[:3]) % 9_000_000 / 1_000_000 + 0.000_000_5  # no seconds of any clock
    assert kind.of is str, f"nobody said how a {kind.of.__name__} is planted"
    column = seed.split(".")[1]
    if column == "email":
        return f"{_word(drawn)}@{_word(drawn[5:])}.example"
    if column == "phone":
        return f"01632 {int.from_bytes(drawn[:4]) % 1_000_000:06}"
    return f"{_word(drawn).capitalize()} {_word(drawn[5:]).capitalize()}"


def _word(drawn: bytes) -> str:
    """A word of nobody's language."""
    return "".join(a + b for a, b in ((("kvzq")[n % 4], "aeiou"[n % 5]) for n in drawn[:5]))


def needles(*values: Mapping[str, Any] | Iterable[Any]) -> list[str]:
    """What to look for: each word of a text, a number with and without its space, a day and a place in any form."""
    found: set[str] = set()
    for one in values:
        for value in one.values() if isinstance(one, Mapping) else one:
            found |= _forms(value)
    return sorted(found)


def _forms(value: Any) -> set[str]:
    if isinstance(value, date):
        return {value.isoformat(), f"{value:%d/%m/%Y}", f"{value.day} {value:%B %Y}"}
    if isinstance(value, float):
        return {str(value)[:9]}
    if value.replace(" ", "").isdigit():
        return {value, value.replace(" ", "")}
    return {word for word in value.replace("@", " ").replace(".", " ").split() if word != "example"}


def heard(words: Iterable[str], *said: str) -> list[str]:
    """Which of these words stand in what was said, in whatever capitals."""
    whole = "\n".join(said).lower()
    return [word for word in words if word.lower() in whole]
