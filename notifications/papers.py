"""Papers for the court (N11, N12): facts, dates and chases, drafted for a named signature and sent by nobody else."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from models.facts import Fact
from models.facts.cppp import (
    ChildLetterShared,
    ConsentGiven,
    ConsentWithdrawn,
    CriterionAssessed,
    JointMeetingWaived,
    OutcomeRecorded,
    ProgrammeStopped,
    SessionHeld,
    SessionSet,
    SpipConsidered,
)
from models.facts.dvpp import (
    AssessmentMissed,
    AssessmentReported,
    Dropped,
    FinalReported,
    MidwayReported,
    NoProviderInReach,
    ProgrammeStarted,
    WeeklyAttendance,
)
from models.facts.every import CourtPaperSigned
from models.facts.referral import Refused
from models.facts.spip import AttendanceReported, SessionBooked
from models.working_days import say

_OWED = {
    "signature": "note",
    "court_note": "note",
    "midway_note": "note",
    "court_report": "report",
    "advice_to_court": "advice",
}
"""The duties that are met by a signature, each with the paper it is for."""
_TITLES = {"note": "Compliance", "report": "Report", "advice": "Advice and request for time"}
_TELLS: dict[str, tuple[type[Fact], ...]] = {
    "SPIP": (SessionBooked, AttendanceReported),
    "DVPP": (NoProviderInReach, AssessmentMissed, AssessmentReported, ProgrammeStarted, Refused, MidwayReported,
             Dropped, FinalReported),
    "CPPP": (CriterionAssessed, SpipConsidered, ConsentGiven, SessionHeld, ChildLetterShared, JointMeetingWaived,
             ConsentWithdrawn, ProgrammeStopped, OutcomeRecorded),
}  # fmt: skip
"""What each programme's papers tell of."""


def court_paper(story: Any, today: date) -> str | None:
    """Draft the paper that is to be signed for a pathway, or was last signed; None where the court waits for none."""
    row, facts = story.loaded.row, story.facts
    signed = [fact for fact in facts if isinstance(fact, CourtPaperSigned)]
    owed = next((_OWED[d.kind] for d in story.duties if d.kind in _OWED and d.state == "open"), None)
    if not owed and not signed:
        return None
    paper = owed or signed[-1].paper
    mine = next((fact for fact in reversed(signed) if fact.paper == paper), None) if not owed else None
    under = f"with direction {row.direction}" if row.direction else f"under {row.reference}"
    lines = [
        f"{_TITLES[paper]} {under}, {row.programme}, case {row.case}",
        f"Drafted {say(today)} for the court{_asked(row)}.",
        "",
        *_told(row.programme, facts),
        "",
        "Reports that were late: " + (_late(story.duties) or "none"),
        "",
        f"Signed by {mine.signed_by} on {say(mine.happened_on)}" if mine else "NOT SIGNED. Not to be sent.",
    ]
    return "\n".join(lines)


def _asked(row: Any) -> str:
    return ", which asked for monitoring (section 11G)" if row.monitoring_requested else ""


def _told(programme: str, facts: Sequence[Fact]) -> Iterator[str]:
    sittings = {fact.session: fact.sitting for fact in facts if isinstance(fact, SessionSet)}
    for fact in facts:
        if isinstance(fact, SessionHeld):
            yield f"{say(fact.happened_on)}: session {fact.session} held ({sittings.get(fact.session, '')})"
        elif isinstance(fact, _TELLS[programme]):
            yield f"{say(fact.happened_on)}: {_SAYS.get(type(fact), _plainly)(fact)}"
    if weeks := [fact for fact in facts if isinstance(fact, WeeklyAttendance)]:
        yield _attendance(weeks)


def _plainly(fact: Fact) -> str:
    details = ", ".join(f"{name.replace('_', ' ')} {_in_words(value)}" for name, value in fact.details.items())
    return fact.label + (f": {details}" if details else "")


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("_", " ") if str(value).islower() else str(value)


_SAYS: dict[type[Fact], Callable[[Any], str]] = {
    SessionBooked: lambda fact: f"session {fact.session} booked for {say(fact.session_on)}",
    AttendanceReported: lambda fact: f"provider reports on session {fact.session}: {fact.result}",
}


def _attendance(weeks: Sequence[WeeklyAttendance]) -> str:
    """The register in one line; a week nobody reported on is in none of its numbers (SR-21)."""
    absent = sorted(fact.week for fact in weeks if fact.result == "absent")
    came = sum(fact.result == "attended" for fact in weeks)
    which = f"week{'s' if len(absent) > 1 else ''} {', '.join(map(str, absent))}"
    missed = f", absent in {len(absent)} ({which})" if absent else ", absent in none"
    return f"Weekly register: reported for {len(weeks)} weeks, attended in {came}{missed}"


def _late(duties: Any) -> str:
    late = [d for d in duties if d.on_role == "provider" and d.step and d.step != "R0"]
    return "; ".join(f"{d.kind.replace('_', ' ')} due {say(d.due_on)}, chased up to {d.step}" for d in late)
