"""What people answer on a CPPP: suitability, consent, the court's time, the sessions and what came of them."""

from collections.abc import Sequence
from datetime import timedelta

from models.answers import answers_to, choices
from models.facts import Fact
from models.facts.case import FurtherWorkOrdered
from models.facts.cppp import (
    ConsentWithdrawn,
    CriterionAssessed,
    LocalAuthorityConsidered,
    OutcomeRecorded,
    ProgrammeStopped,
    SessionHeld,
    SessionSet,
)
from models.schedule import NoPlan
from models.sessions import at_times, facts_of, proposed, sessions_of
from models.working_days import add_working_days, next_working_day
from simulate.answering import Asked, Elsewhere, NotYet, Says, one_of


def _life(asked: Asked, what: str) -> bool:
    return asked.shares.happens(asked.of_life(what), "cppp", "numbers", what)


def criteria(asked: Asked) -> Sequence[Fact]:
    """All of them at once; of a family that does not suit, one is not met."""
    names = choices(answers_to("criteria")[0], "criterion")
    not_met = None if _life(asked, "suitable") else asked.of_life("criterion").choice(names)
    return [asked.says("assessed", criterion=name, met=name != not_met) for name in names]


def suitability(asked: Asked) -> Sequence[Fact]:
    criteria = choices(answers_to("criteria")[0], "criterion")
    if not asked.p.first(LocalAuthorityConsidered) or len(asked.p.all(CriterionAssessed)) < len(criteria):
        raise NotYet
    return [asked.says("suitable" if _life(asked, "suitable") else "unsuitable")]


def consent(asked: Asked) -> Sequence[Fact]:
    """Where a family does not agree it is one of the two who declines."""
    party = asked.duty.key.rpartition(":")[2]
    declines = None if _life(asked, "agrees") else asked.of_life("declines").choice(asked.one.known.parties)
    return [asked.says("refused" if party == declines else "given")]


def timetable(asked: Asked) -> Sequence[Fact]:
    """The court gives time once it has ordered the work the programme is a part of."""
    given = asked.says("timetabled")
    if asked.p.first(FurtherWorkOrdered):
        return [given]
    return [asked.fact(FurtherWorkOrdered, on=given.happened_on, work="section_7"), given]


def first_session(asked: Asked) -> Sequence[Fact]:
    """All the sessions are set, as `pathways plan` proposes them."""
    if asked.p.all(SessionSet):
        raise Elsewhere
    begin = add_working_days(asked.today, asked.days("first_session"))
    known = asked.one.known
    try:
        plan = proposed(known, asked.one.row.case, begin)
    except NoPlan:
        raise NotYet from None
    timed = at_times(known, plan.sessions, None, None)
    return facts_of(known, timed, asked.duty.on_code, asked.now, letters=asked.happens("cppp", "numbers", "letters"))


def session_result(asked: Asked) -> Sequence[Fact]:
    """Held, or called off, and then another is set in its place."""
    if _life(asked, "stops") and asked.p.all(SessionHeld):
        return [asked.says("held"), _stopped(asked)]
    if not asked.happens("cppp", "numbers", "called_off"):
        return [asked.says("held")]
    return [asked.says("called_off"), _another(asked)]


def _stopped(asked: Asked) -> Fact:
    if not asked.happens("cppp", "numbers", "withdraws"):
        return asked.fact(ProgrammeStopped, reason="no_progress")
    party = asked.chance.choice(list(asked.one.known.parties))
    return asked.fact(ConsentWithdrawn, by=asked.one.known.people.adviser, party=party)


def _another(asked: Asked) -> Fact:
    """A session like the one called off, some time later, with a code of its own."""
    off = next(f for f in asked.p.all(SessionSet) if f.session == asked.says("called_off").session)
    codes = {fact.session for fact in asked.p.all(SessionSet)}
    code = next(f"{off.session}-{n}" for n in range(2, 99) if f"{off.session}-{n}" not in codes)
    taken = {session.day for session in sessions_of(asked.one.known, asked.one.row.case)}
    day = next_working_day(asked.today + timedelta(days=asked.days("set_anew")))
    while day in taken:
        day = next_working_day(day + timedelta(days=1))
    later = timedelta(days=(day - off.session_on).days)
    said = {"sitting": off.sitting, "party": off.party, "letters": off.letters}
    return asked.fact(SessionSet, session=code, starts_at=off.starts_at + later, ends_at=off.ends_at + later, **said)


def sessions(asked: Asked) -> Sequence[Fact]:
    raise Elsewhere


def joint_meeting(asked: Asked) -> Sequence[Fact]:
    if not _life(asked, "waived"):
        raise Elsewhere
    if not asked.p.all(SessionHeld):
        raise NotYet
    return [asked.says("waived")]


def report(asked: Asked) -> Sequence[Fact]:
    """It is signed once it is known what it says."""
    outcome = asked.p.first(OutcomeRecorded)
    if outcome is None:
        raise NotYet
    (signed,) = one_of(asked)
    return [signed.recorded_as(happened_on=max(signed.happened_on, outcome.happened_on))]


ANSWERS: dict[str, Says] = {
    "criteria": criteria,
    "suitability": suitability,
    "consent": consent,
    "court_timetable": timetable,
    "first_session": first_session,
    "session_result": session_result,
    "sessions": sessions,
    "joint_meeting": joint_meeting,
    "court_report": report,
}
