"""From a form to facts: what an answer asks for, and what was typed, read as the command line reads it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from intake.cells import fact_from_text
from models.answers import BOOKS, SAID, Answer, choices, details
from models.facts import Fact, payload_fields
from models.facts.base import Timed
from models.forms import BadFact, base_type
from models.working_days import LONDON

Options = Sequence[tuple[str, str]]
"""Values to choose from, with their words."""

_LABELS = {
    "reason": "Why?",
    "cancelled_by": "Who called it off?",
    "session": "Session",
    "venue": "Venue",
    "weeks": "How many weekly sessions has the programme?",
    "step": "Which?",
    "provider": "To which provider?",
    "party": "Which parent?",
    "basis": "Which of the two?",
    "cause": "Why has he not begun?",
    "criterion": "Which criterion?",
    "met": "Is it met?",
    "attempts": "How often was it tried?",
    "practitioner": "To whom?",
    "file_by": "By which day is the report to be filed?",
    "until": "Until which day?",
    "result": "What is right?",
    "sitting": "With whom?",
}
_HINTS = {
    "session": "Your code for the session, the same for everybody in it: at most five letters or digits in a row, with "
    "hyphens between, as in GRP-12. No names.",
    "venue": "Your code for the place, as in HALL-2. No addresses.",
    "provider": "The provider's code. No provider open to it is proposed.",
}


@dataclass(frozen=True)
class Field:
    """One question of a form."""

    name: str
    detail: str
    label: str
    shape: str
    """choice, day, times, number or code"""
    options: Options = ()
    hint: str = ""
    optional: bool = False


def fields_of(answer: Answer, known: Mapping[str, Options], prefix: str = "") -> list[Field]:
    """The questions an answer asks; `known` gives the choices that this pathway leaves for some of them."""
    prefix = prefix or answer.name
    fields = [Field(f"{prefix}-on", "on", "When did this happen?", "day")] if answer.on == "asked" else []
    for name in answer.asks:
        if name == "starts_at":
            fields.append(Field(f"{prefix}-times", "times", "When is the session?", "times"))
        elif name != "ends_at":
            fields.append(_field(answer, name, known, prefix))
    return fields


def _field(answer: Answer, name: str, known: Mapping[str, Options], prefix: str) -> Field:
    base = base_type(payload_fields(answer.fact)[name].annotation)
    fixes = issubclass(answer.fact, Timed) and name == "session"  # one that is only being fixed is not chosen
    options = [] if fixes else known.get(name) or [(v, in_words(name, v)) for v in choices(answer, name)]
    if base is bool:
        options = [("yes", "Yes"), ("no", "No")]
    shape = "choice" if options else {date: "day", int: "number"}.get(base, "code")
    hint = "" if options else _HINTS.get(name, "")
    return Field(f"{prefix}-{name}", name, _LABELS[name], shape, options, hint, name in answer.optional)


def in_words(name: str, value: str) -> str:
    """A value of a detail as it is read."""
    said = SAID.get((name, value), value.replace("_", " "))
    return f"{said[:1].upper()}{said[1:]}"


def as_typed(answer: Answer, fields: Sequence[Field], fact: Fact) -> dict[str, str]:
    """A fact as somebody would have typed it into the form of its answer."""
    typed = {"answer": answer.name}
    for one in fields:
        if one.shape == "times":
            begins, ends = (at.astimezone(LONDON) for at in (fact.starts_at, fact.ends_at))
            typed |= _in_boxes(one.name, begins.date())
            typed |= {f"{one.name}-from": f"{begins:%H:%M}", f"{one.name}-to": f"{ends:%H:%M}"}
            continue
        value = fact.happened_on if one.detail == "on" else getattr(fact, one.detail)
        if value is not None:
            typed |= _in_boxes(one.name, value) if isinstance(value, date) else {one.name: _as_text(value)}
    return typed


def _in_boxes(name: str, day: date) -> dict[str, str]:
    return {f"{name}-day": str(day.day), f"{name}-month": str(day.month), f"{name}-year": str(day.year)}


# Reading ------------------------------------------------------------------------------------------------------------


@dataclass
class Reading:
    """What a form says, and what is wrong with it, by the names of its fields."""

    values: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.values.get(name, "").strip()

    def day(self, name: str, wanted: str = "") -> str:
        """A day in its three boxes, as it would be typed in one; empty where nothing is in them, or no day."""
        parts = [self.text(f"{name}-{part}") for part in ("day", "month", "year")]
        if all(part.isdecimal() for part in parts):
            return "/".join(parts)
        if why := "Enter the day, the month and the year in digits" if any(parts) else wanted:
            self.errors[name] = why
        return ""


@dataclass(frozen=True)
class By:
    """Who answers, and when."""

    code: str
    now: datetime


def read(
    reading: Reading, answer: Answer, fields: Sequence[Field], meant: Mapping[str, Any], by: By, on: date | None,
    supersedes: int | None = None,
) -> Fact | None:  # fmt: skip
    """The fact an answer makes, or None with what is wrong in `reading.errors`. `on` is the day of the duty."""
    said = {name: _as_text(value) for name, value in details(answer, meant).items()}
    names = {one.detail: one.name for one in fields}
    before = len(reading.errors)
    happened = _day_of(reading, answer, names, on, meant)
    for one in fields:
        if one.detail != "on":
            said |= _typed(reading, one)
    if len(reading.errors) > before:
        return None
    try:
        return fact_from_text(answer.fact.kind, said, on=happened, by=by.code, now=by.now, supersedes=supersedes)
    except BadFact as bad:
        reading.errors[where(fields, bad.field)] = _sentence(bad.why)
        return None


_STANDS_IN = {"starts_at": "times", "ends_at": "times", "fact": "times", "happened_on": "on"}


def where(fields: Sequence[Field], detail: str) -> str:
    """The name of the question in which a detail is given; of the first one where it is in none of them."""
    names = {one.detail: one.name for one in fields}
    return names.get(_STANDS_IN.get(detail, detail)) or next(iter(names.values()), "answer")


def _day_of(
    reading: Reading, answer: Answer, names: Mapping[str, str], on: date | None, meant: Mapping[str, Any]
) -> str | None:
    if "on" in names:
        return reading.day(names["on"], "Enter the day it happened")
    if answer.on == "session":
        on = meant.get("days", {}).get(reading.text(names["session"]))
        return on.isoformat() if on else None
    return on.isoformat() if answer.on == "duty" and on else None


def _typed(reading: Reading, one: Field) -> dict[str, str]:
    """The details that one question gives, as text; none where it is empty, which is an error if it must not be."""
    if one.shape == "times":
        return _times(reading, one)
    if one.shape == "day":
        text = reading.day(one.name, "" if one.optional else f"Enter the day: {one.label}")
    else:
        text = reading.text(one.name)
        if not text and not one.optional:
            verb = "Choose an answer" if one.shape == "choice" else "Enter an answer"
            reading.errors[one.name] = f"{verb}: {one.label}"
        elif text and one.options and text not in {value for value, _ in one.options}:
            reading.errors[one.name] = f"Choose one of the answers: {one.label}"
    if one.shape == "code":
        text = text.upper()
    return {one.detail: text} if text else {}


def _times(reading: Reading, one: Field) -> dict[str, str]:
    day = reading.day(one.name, "Enter the day of the session")
    begins = _clock(reading, f"{one.name}-from", "Enter when the session begins, as in 18:00")
    ends = _clock(reading, f"{one.name}-to", "Enter when the session ends, as in 22:00")
    return {"starts_at": f"{day} {begins}", "ends_at": f"{day} {ends}"} if day and begins and ends else {}


def _clock(reading: Reading, name: str, wanted: str) -> str:
    """A time on the clock; empty, which is an error, where it is none."""
    text = reading.text(name).replace(".", ":")
    if re.fullmatch(r"\d{1,2}:\d{2}", text):
        return text
    reading.errors[name] = wanted
    return ""


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _sentence(why: str) -> str:
    return f"{why[:1].upper()}{why[1:]}"


AGAIN = "again"
REBOOKS = fields_of(BOOKS, {}, AGAIN)
"""The questions of a session booked in the same breath; all of them may stay empty."""


def wants_another(reading: Reading) -> bool:
    """Whether any of the boxes of another session is filled in."""
    return any(reading.text(name) for name in reading.values if name.startswith(f"{AGAIN}-"))
