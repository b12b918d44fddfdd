"""A month's attendance in one file, sent to the site: each row answers for one session, or one week, of a referral."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache

from intake.bounds import from_outside
from intake.cells import Day, Number, Ref, Text, fact_from_text
from intake.kinds import Kind
from intake.load import Line, Load
from intake.rows import FileRow, column
from intake.sheet import Sheet, understand
from intake.understand import check_columns, understood
from models.answers import ANSWERS, SAID, Answer, choices
from models.facts import Fact
from models.facts.spip import SessionBooked
from models.forms import BadFact
from models.working_days import say
from settings import Settings
from store.attendance import Held, held
from store.database import reading
from store.record import Answering, Reported


class AttendanceRow(FileRow):
    reference: Ref = column("The reference of the referral", "SPIP-D-0001")
    session: Ref | None = column("Of SPIP: the code of the session", "S-0001", None)
    week: Number | None = column("Of DVPP: the number of the week", "8", None)
    day: Day | None = column(
        "The day of that session or week; may stay empty once it was asked for", "31/01/2022", None
    )
    result: Text = column("What became of it; a row without a result is passed over", "absent")
    reason: Text | None = column("Why, where something was missed or called off", "illness", None)


KIND = Kind("attendance", "A month's attendance.", AttendanceRow, past=("day",))
_OTHER_NAMES = {"about": "reference", "ref": "reference", "happened_on": "day", "date": "day"}
ASKED = {"SPIP": ("attendance_report", "session"), "DVPP": ("weekly_attendance", "week")}
"""What a provider is asked for in each programme, and the column that says for which of them a row answers."""
_ALSO = {
    "attended_late": "late",
    "came_late": "late",
    "part_attended": "part",
    "attended_part": "part",
    "canceled": "cancelled",
}
"""Other ways in which results are written."""
_SOME_DAYS = 6
"""A group may meet on another day of the same week."""


@dataclass(frozen=True)
class Said:
    """What one row says: its line, and its answer in words."""

    line: Line
    words: str


@dataclass
class Checked:
    """A file of attendance: what its rows report, as far as they can be read. What is wrong is in the load's report."""

    load: Load
    sheet: Sheet
    reported: list[Reported] = field(default_factory=list)
    """Each with what its row `Said` as its tag."""
    empty: int = 0
    """How many rows have no result."""
    repeated: dict[int, int] = field(default_factory=dict)
    """Lines that say the same as a line before them."""
    standing: dict[int, Fact] = field(default_factory=dict)
    """Of lines that contradict it: what is recorded already."""


def read_attendance(content: bytes, settings: Settings) -> Sheet:
    """What a file holds, if it is one of attendance. Raises FileRefused."""
    name, site = "The file", settings.site
    sheet = understand(name, content, from_outside(site.upload_megabytes, site.upload_rows), _OTHER_NAMES)
    check_columns(name, sheet, AttendanceRow)
    return sheet


def checked(load: Load, sheet: Sheet, provider: str) -> Checked:
    """What the rows of a file say of referrals that this provider holds. Nothing is recorded."""
    rows = [row for row in sheet.rows if any(sheet.cell(row, name) for name in ("result", "reason"))]
    one = Checked(load, sheet, empty=len(sheet.rows) - len(rows))
    sheet.rows = rows
    lines = understood(load, KIND, sheet)
    with reading(load.engine) as connection:
        ours = held(connection, provider, {line.row.reference for line in lines})
    first: dict[tuple[str, str], tuple[Line, Fact]] = {}
    for line in lines:
        try:
            _take(one, line, ours, provider, first)
        except BadFact as bad:
            load.refuse(line, column_of(bad.field), bad.why)
    return one


def column_of(field: str) -> str:
    """The column in which a field of a fact stands."""
    return {"happened_on": "day", "cancelled_by": "reason", "about": "reference", "fact": "result"}.get(field, field)


def _take(
    one: Checked, line: Line, ours: Mapping[str, Held], provider: str, first: dict[tuple[str, str], tuple[Line, Fact]]
) -> None:
    """Take a row for what it reports. Raises BadFact, naming the column at fault."""
    row = line.row
    if (pathway := ours.get(row.reference)) is None:
        raise BadFact("reference", "you hold no referral with this reference")
    duty, which = _which(row, pathway)
    answer, more = _answer(duty, row.result)
    said = {**answer.given, **which, **_reason(answer, more, row.reason or "")}
    on = _day(row.day, which, pathway)
    fact = fact_from_text(answer.fact.kind, {n: str(v) for n, v in said.items()}, on=on, by=provider, now=one.load.now)
    if standing := _standing(duty, which, pathway.facts):
        if (standing.kind, standing.payload) != (fact.kind, fact.payload):
            one.standing[line.number] = standing
            raise BadFact("result", f'"{in_words(standing, duty)}" is recorded already, as fact {standing.id}')
        fact = fact.model_copy(update={"happened_on": standing.happened_on})
    before, same = first.setdefault((row.reference, str(which)), (line, fact))
    if before is not line and same.content != fact.content:
        raise BadFact("result", f"line {before.number} says otherwise of the same {next(iter(which))}")
    if before is not line:
        one.repeated[line.number] = before.number
        return
    answers = Answering(_kinds(duty), which, pathway.seen)
    one.reported.append(Reported(row.reference, fact, Said(line, in_words(fact, duty)), answers))


def _which(row: AttendanceRow, pathway: Held) -> tuple[str, dict[str, str | int]]:
    """The kind of duty a row answers, and which session or week."""
    if pathway.programme not in ASKED:
        raise BadFact("reference", "no attendance is reported on this referral")
    duty, name = ASKED[pathway.programme]
    other = "week" if name == "session" else "session"
    if (value := getattr(row, name)) is None:
        raise BadFact(name, f"it must be filled in: {pathway.programme} is reported on by {name}")
    if getattr(row, other) is not None:
        raise BadFact(other, f"leave it empty: {pathway.programme} is reported on by {name}")
    return duty, {name: value}


def _plain(text: str) -> str:
    return re.sub("[^a-z0-9]+", "_", text.lower()).strip("_")


@cache
def answers_by_word(duty: str) -> dict[str, Answer]:
    """The answers a row may give, by each of the words for it."""
    named = {answer.name: answer for answer in ANSWERS[duty] if answer.by_link}
    also = {word: named[name] for word, name in _ALSO.items() if name in named}
    return named | also | {_plain(answer.says): answer for answer in named.values()}


def _answer(duty: str, result: str) -> tuple[Answer, str]:
    """The answer that a result names, and what stands behind it in the same cell."""
    words, said = answers_by_word(duty), _plain(result)
    for word in sorted(words, key=len, reverse=True):
        if said == word or said.startswith(f"{word}_"):
            return words[word], said[len(word) + 1 :]
    raise BadFact("result", f"write one of {', '.join(dict.fromkeys(answer.name for answer in words.values()))}")


def _reason(answer: Answer, more: str, reason: str) -> dict[str, str]:
    """The one detail that an answer asks for, from its own cell or from that of the result."""
    given = {said.removeprefix("by_") for said in (more, _plain(reason)) if said}
    if not answer.asks:
        if given:
            raise BadFact("reason", f"leave it empty: none is given for {answer.name}")
        return {}
    detail = answer.asks[0]
    words = {_plain(w): v for v in choices(answer, detail) for w in (v, SAID.get((detail, v), v))}
    if len(given) == 1 and (found := words.get(*given)):
        return {detail: found}
    if not given and detail in answer.optional:
        return {}
    raise BadFact("reason", f"for {answer.name}, write one of {', '.join(choices(answer, detail))}")


def _day(day: date | None, which: Mapping[str, str | int], pathway: Held) -> str:
    """The day of a session or a week. The day in a row may stay empty, and must be no other."""
    if session := which.get("session"):
        booked = [fact for fact in pathway.facts if isinstance(fact, SessionBooked) and fact.session == session]
        if not booked:
            raise BadFact("session", "no session with this code is booked under this referral")
        known, others = booked[-1].ends_on, (booked[-1].session_on, booked[-1].ends_on)
        fits = day is None or day in others
    else:
        known = pathway.weeks.get(int(which["week"]), day)
        if known is None:
            raise BadFact("day", "it must be filled in: this week was not asked for yet")
        fits = day is None or abs((day - known).days) <= _SOME_DAYS
    if not fits:
        raise BadFact("day", f"it was on {say(known)}; write that day, or leave it empty")
    return (known if session else day or known).isoformat()


def _kinds(duty: str) -> frozenset[str]:
    return frozenset(answer.fact.kind for answer in answers_by_word(duty).values())


def _standing(duty: str, which: Mapping[str, str | int], facts: Sequence[Fact]) -> Fact | None:
    """What is recorded already of a session or a week."""
    return Answering(_kinds(duty), which, 0).given(facts)


def in_words(fact: Fact, duty: str) -> str:
    """What a fact says, in the words of the answer that makes it."""
    made = (answer for answer in ANSWERS[duty] if answer.fact.kind == fact.kind)
    answer = next(answer for answer in made if answer.given.items() <= fact.payload.items())
    more = [
        SAID.get((name, value), value.replace("_", " ")) for name in answer.asks if (value := fact.payload.get(name))
    ]
    return ": ".join([answer.says, *more])
