"""The limits a pathway keeps: read from `limits.toml`, chosen by the day it was requested, copied when it opens."""

import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from models.working_days import Pause, add_days, add_working_days

SHIPPED = Path(__file__).with_name("limits.toml")
Profile = Literal["composite", "dated"]


class LimitsError(Exception):
    """The limits file says something that cannot be followed."""


@dataclass(frozen=True)
class Span:
    """A length of time as it is said: "5 working days", "20 weeks"."""

    count: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> "Span":
        """Read a span. Raises LimitsError when it is not a number and one of the four units."""
        number, _, unit = text.strip().partition(" ")
        unit = unit.strip().removesuffix("s") + "s"
        if not number.isdigit() or unit not in {"working days", "days", "weeks", "months"}:
            raise LimitsError(
                f'limits: "{text}" is not a limit; write it as "5 working days", "10 days", "20 weeks" or "24 months"'
            )
        return cls(int(number), unit)

    def after(self, day: date, pauses: Sequence[Pause] = ()) -> date:
        """The last day inside the span that starts on `day`, leaving pauses out."""
        if self.unit == "working days":
            return add_working_days(day, self.count, pauses)
        if self.unit == "months":
            month = day.month - 1 + self.count
            year, month = day.year + month // 12, month % 12 + 1
            end = min(day.day, 28) if month == 2 else min(day.day, 30 if month in {4, 6, 9, 11} else 31)
            return date(year, month, end)
        return add_days(day, self.count * (7 if self.unit == "weeks" else 1), pauses)


@dataclass(frozen=True)
class Step:
    """One rung of a ladder: how many working days from the due date, and who is told."""

    step: str
    at: int
    name: str
    tells: tuple[str, ...]
    opens: str | None = None
    marks_contract: bool = False
    also_near_hearing: tuple[str, ...] = ()
    also_within: int = 0


class Limits:
    """One programme's limits, numbers and ladder as they stood on one day; `content` is what a pathway keeps."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    @cached_property
    def id(self) -> str:
        """The same limits have the same id wherever they were read."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def spans(self) -> dict[str, Span]:
        return {name: Span.parse(text) for name, text in self.content["limits"].items()}

    def number(self, name: str) -> int:
        return self.content["numbers"][name]

    @property
    def lists(self) -> dict[str, list[Any]]:
        return self.content.get("lists", {})

    @property
    def hearing_within(self) -> int:
        return self.content["ladder"]["hearing_within"]

    @property
    def repeat(self) -> int:
        return self.content["ladder"]["repeat"]

    @cached_property
    def at_hearing(self) -> Step:
        return _steps(self.content["ladder"]["at_hearing"])[0]

    @cache  # noqa: B019 - one Limits lives as long as the process, and there are a handful
    def ladder(self, duty: str) -> tuple[Step, ...]:
        """The steps a kind of duty climbs; the staff ladder where the file names none."""
        ladder = self.content["ladder"]
        climb = ladder["climbs"].get(duty, {"ladder": "staff"})
        steps = _steps(ladder[climb["ladder"]])
        first = climb.get("from", steps[0].step)
        return steps[[step.step for step in steps].index(first) :]

    def read_through(self) -> None:
        """Read all of it once, so that a mistake shows before a pathway keeps it. Raises what the mistake raises."""
        steps = [step for duty in ("", *self.content["ladder"]["climbs"]) for step in self.ladder(duty)]
        counts = [self.hearing_within, self.repeat, self.at_hearing.at, *(step.at for step in steps)]
        if not all(type(count) is int for count in (*counts, *self.content["numbers"].values())):
            raise TypeError("a number is none")
        self.spans  # noqa: B018 - each is read when the first is asked for
        for span in filter(None, (step.opens for step in steps)):
            self.spans[span]

    @cache  # noqa: B019
    def jumps_at_hearing(self, duty: str) -> bool:
        """Whether a near hearing makes this duty's ladder jump (m03 H): what providers owe."""
        ladder = self.content["ladder"]
        return ladder["climbs"].get(duty, {}).get("ladder") in ladder.get("jumps_at_hearing", ["provider"])


def _steps(rows: list[dict[str, Any]]) -> tuple[Step, ...]:
    return tuple(
        Step(
            step=row["step"],
            at=row["at"],
            name=row["name"],
            tells=tuple(row["tells"]),
            opens=row.get("opens"),
            marks_contract=row.get("marks_contract", False),
            also_near_hearing=tuple(row.get("tells_when_hearing_within", {}).get("also", ())),
            also_within=row.get("tells_when_hearing_within", {}).get("days", 0),
        )
        for row in rows
    )


@lru_cache(maxsize=8)
def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as problem:
        raise LimitsError(f"limits: {path} cannot be read: {problem}") from None


def _in_force(blocks: list[dict[str, Any]], day: date) -> dict[str, Any]:
    """The newest block in force on the day; the oldest one for anything earlier."""
    ordered = sorted(blocks, key=lambda block: block["in_force_from"])
    return next((b for b in reversed(ordered) if b["in_force_from"] <= day), ordered[0])


@lru_cache(maxsize=4096)
def limits_on(programme: str, day: date, path: Path = SHIPPED) -> Limits:
    """The limits in force for a programme on a day. Raises LimitsError for an unknown programme or a bad file."""
    return _limits_of(programme, day, _read(path))


@lru_cache(maxsize=256)
def with_what_is_newer(kept: Limits, programme: str, path: Path = SHIPPED) -> Limits:
    """The limits a pathway keeps; those that a later version of the code has added are the newest of the file."""
    try:
        newest = limits_on(programme, date.max, path).content
    except LimitsError:  # whoever opens a pathway is told so; those that are under way need nothing of it
        return kept
    named = ("limits", "numbers", "lists")
    added = {part: newest.get(part, {}) | kept.content.get(part, {}) for part in named}
    return Limits(kept.content | added)


def _limits_of(programme: str, day: date, document: dict[str, Any]) -> Limits:
    try:
        block = _in_force(document[programme.lower()], day)
        ladder = {k: v for k, v in _in_force(document["ladder"], day).items() if k != "in_force_from"}
        limits = Limits(
            {
                "limits": {name: row["within"] for name, row in block["limits"].items()},
                "numbers": {name: row["is"] for name, row in block.get("numbers", {}).items()},
                "lists": {name: row["are"] for name, row in block.get("lists", {}).items()},
                "ladder": ladder | {"climbs": block.get("climbs", {})},
            }
        )
        limits.read_through()
        return limits
    except KeyError as missing:
        raise LimitsError(f"limits: nothing is said of {missing} for {programme}") from None
    except (TypeError, ValueError, AttributeError):
        raise LimitsError(f"limits: what is said for {programme} is not laid out as in the shipped file") from None


def programmes(path: Path = SHIPPED) -> set[str]:
    """The programmes the file gives limits for. Raises LimitsError for a file that cannot be read."""
    blocks = {name.upper(): of_name[0] for name, of_name in _read(path).items()}
    return {name for name, block in blocks.items() if "limits" in block and not block.get("restricted")}


def routes(programme: str, day: date, path: Path = SHIPPED) -> list[str]:
    """How a programme is entered: by a direction of the court, by an adviser's request, or both."""
    return _in_force(_read(path)[programme.lower()], day).get("routes", ["court", "adviser"])


def for_both_parents(programme: str, path: Path = SHIPPED) -> bool:
    """Whether one pathway of a programme is for both parents of a case, rather than for one person."""
    return _read(path)[programme.lower()][0].get("for_both_parents", False)


def open_to_referrals(programme: str, day: date, profile: Profile = "dated", path: Path = SHIPPED) -> bool:
    """Whether the service as a whole takes referrals on a day (SR-16).

    The "composite" profile leaves out the closing date, so that services of different years can be run side by side.
    """
    blocks = _read(path).get(programme.lower())
    if not blocks:
        return False
    block = _in_force(blocks, day)
    closed = profile == "dated" and "referrals_open_to" in block and day > block["referrals_open_to"]
    return day >= block["referrals_open_from"] and not closed
