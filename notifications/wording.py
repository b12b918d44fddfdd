"""What each occasion says, and when: read from `wording.toml`.

Only references, codes and dates can be put into a sentence: every field is checked against the form it must have, and
one that does not fit stops the message (SR-12).
"""

import re
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from models.working_days import LONDON, say
from notifications.invitation import Method

HERE = Path(__file__).parent
CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,39}")
ITEM = re.compile(r"enquiries|finding|survivor plan|conversation with [A-Z0-9][A-Z0-9-]{0,39}|[A-Z0-9][A-Z0-9-]{0,39}")
WORD = re.compile(r"[a-z][a-z0-9_]{1,29}")

Bundle = Literal["now", "preference", "digest", "receipt"]


class NotSayable(Exception):
    """A field of a notice is not a reference, a code or a date."""


@dataclass(frozen=True)
class Wording:
    subject: str
    says: str
    bundle: Bundle
    urgent: bool
    calendar: Method | None
    """What the invitation asks of a calendar that goes with it, where one does."""


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads((HERE / "wording.toml").read_text(encoding="utf-8"))


@cache
def wording(name: str) -> Wording:
    """The wording of an occasion. Raises KeyError for one nobody wrote."""
    row = _read()[name]
    return Wording(row["subject"], row["says"], row["bundle"], row.get("urgent", False), row.get("calendar"))


def digest_wording() -> dict[str, str]:
    return _read()["digest"]


def site_wording() -> dict[str, str]:
    return _read()["site"]


@dataclass(frozen=True)
class Said:
    """One notice in words."""

    reference: str
    subject: str
    sentence: str
    fields: dict[str, str]


def said(reference: str, name: str, fields: dict[str, Any]) -> Said:
    """Put a notice into words. Raises NotSayable for a field that could carry anything personal."""
    words = {"reference": _code(reference), "programme": reference.partition("-")[0], **_sayable(fields)}
    text = wording(name)
    sentences = [text.says, *(more for name, more in _read()["beside"].items() if name in words)]
    return Said(reference, text.subject.format(**words), " ".join(sentences).format(**words), words)


def _sayable(fields: dict[str, Any]) -> dict[str, str]:
    words = {name: _FORMS.get(name, _code)(value) for name, value in fields.items() if value is not None}
    if "late" in fields:
        words |= _lateness(fields)
    if "receipt" in fields:
        words["which"] = _which(words)
    return words


def _which(words: dict[str, str]) -> str:
    """Of a line of a receipt: which session or week it is about, and when that session is."""
    said = [f"{name} {words[name]}" for name in ("session", "week") if name in words]
    if "starts" in words:
        day, ends = words["starts"].partition(" at ")[0], words["ends"]
        said.append(f"{words['starts']} to {ends.removeprefix(f'{day} at ')}")
    return "".join(f", {one}" for one in said)


def _lateness(fields: dict[str, Any]) -> dict[str, str]:
    late = int(fields["late"])
    lateness = f"{late} working day{'s' if late != 1 else ''} late" if late else _nearly_late(fields)
    hearing = fields.get("hearing")
    near = fields.get("step") == "H" and hearing
    return {"lateness": lateness, "near_hearing": f", hearing on {_day(hearing)}" if near else ""}


def _nearly_late(fields: dict[str, Any]) -> str:
    """Of what is not a whole working day late. Over a weekend, or by days on hold, its day may be past all the same."""
    due, day = fields.get("due") or "", fields.get("day") or ""
    if due < day:
        return "less than a working day late"
    return "due today" if due == day else "due soon"


def _code(value: Any) -> str:
    if not isinstance(value, str) or not CODE.fullmatch(value):
        raise NotSayable("a field that should be a reference or a code is neither")
    return value


def _day(value: Any) -> str:
    try:
        return say(date.fromisoformat(value))
    except (TypeError, ValueError):
        raise NotSayable("a field that should be a date is none") from None


def _moment(value: Any) -> str:
    """A moment in UTC as it is said in London: 7 February 2022 at 10:00."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise NotSayable("a field that should be a moment with its zone is none")
    here = moment.astimezone(LONDON)
    return f"{say(here.date())} at {here:%H:%M}"


def _items(value: Any) -> str:
    if not isinstance(value, list) or not all(isinstance(v, str) and ITEM.fullmatch(v) for v in value):
        raise NotSayable("a list in a notice holds something other than references and codes")
    return ", ".join(value) or "nothing"


def _word(value: Any) -> str:
    if not isinstance(value, str) or not WORD.fullmatch(value):
        raise NotSayable("a field that should be a word of ours is none")
    return value.replace("_", " ")


_FORMS = {
    "due": _day,
    "day": _day,
    "hearing": _day,
    "session_on": _day,
    "starts": _moment,
    "ends": _moment,
    "sitting": _word,
    "sequence": lambda value: str(int(value)),
    "missing": _items,
    "proposed": _items,
    "duty": _word,
    "result": _word,
    "fact": _word,
    "reason": _word,
    "report": _word,
    "paper": _word,
    "answer": _word,
    "ground": _word,
    "until": _day,
    "week": lambda value: str(int(value)),
    "number": lambda value: str(int(value)),
    "corrects": lambda value: str(int(value)),
    "weeks": lambda value: str(int(value)),
    "held": lambda value: str(int(value)),
    "late": lambda value: str(int(value)),
    "step_name": lambda value: _word(value.replace(" ", "_")),
}
