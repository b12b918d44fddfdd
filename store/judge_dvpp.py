"""Whether a fact fits the weeks of a DVPP: how many they are, which have come, and said once."""

from datetime import timedelta

from models.facts import Fact
from models.facts.dvpp import (
    AssessmentDone,
    AssessmentReported,
    Dropped,
    FinalReported,
    MidwayReported,
    ProgrammeStarted,
    WeeklyAttendance,
)
from models.facts.referral import ReferralSent
from models.pathway import Pathway
from models.weeks import nth, session_days
from models.working_days import say
from store.pathways import Loaded
from store.refusal import Refused, Rules, contradicts

_ONCE = (AssessmentDone, AssessmentReported, ProgrammeStarted, WeeklyAttendance, Dropped, MidwayReported, FinalReported)


def _as_long_as_it_is(fact: ProgrammeStarted, one: Loaded) -> None:
    least, most = (one.known.limits.number(name) for name in ("least_weeks", "most_weeks"))
    if not least <= fact.weeks <= most:
        raise Refused("weeks", f"a programme has {least} to {most} weekly sessions")


def _programme_is_over(fact: FinalReported, one: Loaded) -> None:
    """Nobody has completed a programme whose weeks are not over."""
    started = Pathway(one.known, fact.recorded_on).first(ProgrammeStarted)
    last = nth(session_days(started.happened_on, ()), started.weeks) if started else fact.happened_on
    if fact.outcome == "completed" and fact.happened_on < last - timedelta(days=6):
        why = f"it has weekly sessions until {say(last)} at the earliest; report not_completed, or that he was dropped"
        raise Refused("outcome", why)


def _week_has_come(fact: WeeklyAttendance, one: Loaded) -> None:
    """Nobody reports on a week still to come: what is not known is not attendance (SR-21)."""
    starts = [f.happened_on for f in Pathway(one.known, fact.recorded_on).all(ProgrammeStarted)]
    started = max(day for day in starts if day <= fact.happened_on)
    begins = nth(session_days(started, ()), fact.week) - timedelta(days=6)
    if fact.happened_on < begins:
        raise Refused("week", f"week {fact.week} begins on {say(begins)} at the earliest")


def _once_under_a_referral(fact: Fact, one: Loaded) -> None:
    """A provider assesses, begins, reports on a week and ends once; another one it goes to does so anew."""
    p = Pathway(one.known, fact.recorded_on)
    sent = [f for f in p.all(ReferralSent) if f.happened_on <= fact.happened_on]
    which = {"week": fact.week} if isinstance(fact, WeeklyAttendance) else {}
    said = p.all(type(fact), after=sent[-1], **which) if sent else []
    if standing := next((f for f in said if f.id != fact.supersedes), None):
        raise contradicts(standing)


RULES: Rules = (
    (_as_long_as_it_is, ProgrammeStarted),
    (_week_has_come, WeeklyAttendance),
    (_programme_is_over, FinalReported),
    (_once_under_a_referral, _ONCE),
)
