"""What people answer on a SPIP: the gate, a place in a group, who came, and what follows when somebody did not."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from models.answers import BOOKS
from models.facts import Fact
from models.facts.spip import AttendanceReported, BreachDecided, CourtResult, SessionCancelled
from models.working_days import LONDON, is_working_day
from simulate.answering import Asked, NotYet, Says

BEGINS, ENDS = time(17, 30), time(21, 30)
"""Four hours in the evening [assumption]."""


def life(asked: Asked) -> str:
    return asked.shares.drawn(asked.of_life("life"), "spip", "life")


def breach(asked: Asked) -> str:
    return asked.shares.drawn(asked.of_life("breach"), "spip", "breach") if life(asked) == "breach" else ""


def safeguarding(asked: Asked) -> Sequence[Fact]:
    """The checks, and a conversation with each parent; or for what the court ordered, the letter filed with it."""
    if asked.p.court_ordered and asked.happens("spip", "numbers", "letter_filed"):
        return [asked.says("filed")]
    return [asked.says("done"), *(asked.says("spoken_to", party=party) for party in asked.one.known.parties)]


def booking(asked: Asked) -> Sequence[Fact]:
    if not asked.p.all(BreachDecided, CourtResult):
        if breach(asked) == "refuses":
            return [asked.says("refused")]
        if breach(asked) == "not_reached":
            return [asked.says("not_reached")]
    return [booked(asked)]


def booked(asked: Asked) -> Fact:
    """A place in one of the next weekly groups of the provider."""
    provider = asked.one.row.provider
    if provider is None:
        raise NotYet
    day = _evening(provider, asked.today + timedelta(days=asked.days("group")))
    starts, ends = (datetime.combine(day, at, LONDON) for at in (BEGINS, ENDS))
    return asked.fact(BOOKS.fact, session=f"{provider}-{day:%y-%m%d}", starts_at=starts, ends_at=ends)


def _evening(provider: str, since: date) -> date:
    """The next day on which a provider's groups meet: one evening of the week that is its own."""
    day = since + timedelta(days=(int(provider.removeprefix("P")) % 5 - since.weekday()) % 7)
    while not is_working_day(day):
        day += timedelta(weeks=1)
    return day


def attendance(asked: Asked) -> Sequence[Fact]:
    if asked.happens("spip", "numbers", "session_cancelled"):
        return [asked.says("cancelled", cancelled_by="provider")]
    if _comes(asked):
        return [asked.says("late" if asked.happens("spip", "numbers", "came_late") else "attended")]
    how = asked.shares.drawn(asked.chance, "spip", "missing")
    return [asked.says(how, cancelled_by="person")] if how == "cancelled" else [asked.says(how)]


def _comes(asked: Asked) -> bool:
    missed = [f for f in asked.p.all(AttendanceReported) if not f.attended]
    missed += asked.p.all(SessionCancelled, cancelled_by="person")
    if asked.p.all(BreachDecided, CourtResult):
        return asked.happens("spip", "numbers", "attends_in_the_end")
    lives = {"breach": False, "attends_after_rebooking": bool(missed)}
    return lives.get(life(asked), True)


def rebooking(asked: Asked) -> Sequence[Fact]:
    if life(asked) == "breach" and asked.happens("spip", "numbers", "no_second_place"):
        return [asked.says(asked.chance.choice(["none", "refused"]))]
    return [booked(asked)]


def breach_review(asked: Asked) -> Sequence[Fact]:
    if asked.happens("spip", "numbers", "tried_again"):
        return [asked.says("retry")]
    return [asked.says("report" if asked.p.monitoring_requested else "no_report")]


def next_step(asked: Asked) -> Sequence[Fact]:
    return [asked.says("step", step=asked.shares.drawn(asked.chance, "answers", "next_step"))]


ANSWERS: dict[str, Says] = {
    "safeguarding_enquiries": safeguarding,
    "booking": booking,
    "attendance_report": attendance,
    "rebooking": rebooking,
    "breach_review": breach_review,
    "next_step": next_step,
}
