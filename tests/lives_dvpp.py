"""Random lives of a DVPP pathway: all in good time, early, late or never, and anything that may come at any time."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.life import Life

BEGIN = date(2026, 1, 5)
REASONS = {
    "withdrawn": {"reason": "agreement_reached"},
    "proceedings_ended": {},
    "direction_discharged": {},
    "no_provider_in_reach": {},
    "suitability_decided": {"suitable": False},
}


class Book:
    """What is reported, on its day or later. A life hears of it in the order it was reported."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.reports: list[tuple[date, date, str, dict[str, Any]]] = []
        self.now = BEGIN

    def maybe(self, percent: int) -> bool:
        return self.chance.randint(1, 100) <= percent

    def later(self, most: int) -> date:
        self.now += timedelta(days=self.chance.randint(0, most))
        return self.now

    def says(self, kind: str, on: date | None = None, late: int = 0, **details: Any) -> None:
        happened = on or self.now
        recorded = happened + timedelta(days=self.chance.randint(0, late))
        self.reports.append((recorded, happened, kind, details))

    def told_to(self, life: Life) -> Life:
        for recorded, happened, kind, details in sorted(self.reports, key=lambda report: report[0]):
            life.add(happened, kind, recorded, **details)
        return life

    def give_back(self, provider: str, since: int) -> None:
        """At some time the provider gives it back; what it had to say after that is not said."""
        days = sorted({recorded for recorded, *_ in self.reports[since:]})
        day = self.chance.choice(days) + timedelta(days=self.chance.randint(0, 3))
        sent, *later = self.reports[since:]
        self.reports[since:] = [sent, *(report for report in later if report[0] < day)]
        self.now = day
        if self.maybe(50):
            self.says("referral_declined", provider=provider, reason="no_capacity")
        else:
            self.says("referral_recalled", provider=provider, reason="no_answer")


def programme(book: Book, weeks: int) -> None:
    """Week by week; reports that come late, in any order, or not at all."""
    book.says("programme_started", weeks=weeks)
    first, usual = book.now, book.chance.choice(["attended", "attended", "absent"])
    for week in range(1, weeks + book.chance.randint(0, 3)):
        if book.maybe(10):
            continue
        result = usual if book.maybe(70) else book.chance.choice(["attended", "absent", "not_held"])
        late = 40 if book.maybe(15) else 3
        book.says("weekly_attendance", first + timedelta(weeks=week - 1), late, week=week, result=result)
        if book.maybe(12):
            book.says("absence_reviewed", first + timedelta(weeks=week - 1, days=2), 9)
    half, end = first + timedelta(weeks=weeks // 2), first + timedelta(weeks=weeks)
    if book.maybe(70):
        book.says("midway_reported", half - timedelta(days=3), 20, progress="partly")
        if book.maybe(50):
            book.says("court_paper_signed", half + timedelta(days=9), 20, paper="note", signed_by="FCA1")
    book.now = end
    if book.maybe(25):
        book.now = first + (end - first) * book.chance.randint(0, 110) // 100
        book.says("dropped", late=9, reason="absences") if book.maybe(70) else book.says("refused", late=9)
    if book.maybe(75):
        book.now = max(book.now, end - timedelta(days=10))
        book.later(25)
        book.says("final_reported", late=3, outcome=book.chance.choice(["completed", "not_completed"]))


def course(book: Book, provider: str) -> None:
    """All that happens under one referral, from the day it is sent."""
    book.says("referral_sent", provider=provider)
    book.later(8)
    book.says("acknowledged", provider=provider)
    for _ in range(book.chance.choice([0, 0, 0, 0, 1, 1, 2])):
        book.later(12)
        book.says("assessment_missed", late=5)
    book.later(25)
    if book.maybe(5):
        book.says("refused", late=5)
    if book.maybe(80):
        book.says("assessment_done", late=4)
    book.later(8)
    failed = book.maybe(15)
    book.says("assessment_reported", result="failed" if failed else "accepted", reason="risk" if failed else None)
    for _ in range(book.chance.randint(0, 3)):
        book.later(25)
        book.says("wait_reviewed", cause="no_group_yet")
    book.later(40)
    if book.maybe(85):
        programme(book, book.chance.choice([2, 3, 4, 6, 26]))


def at_any_time(book: Book) -> None:
    """Risks, holds, hearings and ends, each on a day of its own."""
    last = max(recorded for recorded, *_ in book.reports)

    def some_day() -> date:
        return BEGIN + (last - BEGIN) * book.chance.randint(0, 100) // 100

    def between(kind: str, until: str, most: int, more: Callable[[], dict[str, Any]], **details: Any) -> None:
        for _ in range(book.chance.choice([0, 0, 0, 1, 1, 2])):
            begun = some_day()
            book.says(kind, begun, 3, **details)
            if book.maybe(75):
                ended = begun + timedelta(days=book.chance.randint(0, most))
                book.says(until, ended, 3, **more())

    decisions = ["continue", "continue", "continue", "unsuitable"]
    between("risk_raised", "risk_reviewed", 8, lambda: {"decision": book.chance.choice(decisions)})
    between("held", "released", 25, dict, reason="court_request")
    if book.maybe(30):
        listed = some_day()
        book.says("hearing_listed", listed, hearing_on=listed + timedelta(days=book.chance.randint(1, 60)))
    if book.maybe(12):
        kind = book.chance.choice(sorted(REASONS))
        book.says(kind, some_day(), 3, **REASONS[kind])
    if book.maybe(40):
        book.says("court_paper_signed", some_day(), 3, paper="note", signed_by="FCA1")
    if book.maybe(30):
        book.says("accreditation_reviewed", some_day(), 3, decision="continue")


@st.composite
def lives(draw: st.DrawFn) -> tuple[Life, date]:
    """A life, and the day it is looked at last."""
    book = Book(draw(st.randoms(use_true_random=True)))
    book.later(8)
    book.says("violence_established", late=6, basis="admitted")
    book.later(8)
    book.says("survivor_plan_made", late=6)
    if book.maybe(40):
        book.says("final_order_reviewed", late=20, decision="go_on")
    book.now = max(recorded for recorded, *_ in book.reports)
    for provider in ("P1", "P2"):
        book.later(7)
        since = len(book.reports)
        course(book, provider)
        if book.maybe(65):
            break
        book.give_back(provider, since)
    book.now = max(recorded for recorded, *_ in book.reports)
    book.later(9)
    if book.maybe(60):
        book.says("court_paper_signed", paper="report", signed_by="FCA1")
    at_any_time(book)
    end = max(recorded for recorded, *_ in book.reports) + timedelta(days=book.chance.randint(0, 30))
    lapses = BEGIN + (end - BEGIN) * book.chance.randint(0, 100) // 100
    life = Life(
        BEGIN, reference="DVPP-D1", monitoring=book.maybe(50), in_final_order=book.maybe(25),
        assessment_only=book.maybe(8), accredited_until=lapses.isoformat() if book.maybe(30) else None,
        closed_weeks=[("2026-03-30", "2026-04-12")] if book.maybe(30) else (),
    )  # fmt: skip
    return book.told_to(life), end
