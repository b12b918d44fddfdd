"""The clock of the machine is wrong for a while, or is put forward or back at night: nothing is un-said, nothing twice."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from models import tables as t
from models.working_days import LONDON
from settings import Sending
from store.record import Outcome
from tests import faults
from tests.faults import stored
from tests.life import day, moment
from tests.smtp_sink import Sink
from tests.world import Office, empty, mailing

FIRST, LAST = date(2026, 1, 5), date(2026, 2, 13)
FACTS = {
    # Of three pathways one goes its way, one is never reported on, and of one nothing more is heard after its risk.
    "2026-01-06": [("CASE1", "safeguarding_letter_filed", {}), ("SPIP-D1", "referral_sent", {"provider": "P1"})],
    "2026-01-07": [("SPIP-D1", "acknowledged", {"by": "P1", "provider": "P1"}), ("CASE2", "safeguarding_letter_filed", {})],
    "2026-01-12": [("SPIP-D3", "referral_sent", {"provider": "P2"}), ("CASE3", "safeguarding_letter_filed", {})],
    "2026-01-20": [("CASE2", "hearing_listed", {"hearing_on": "2026-02-20"}), ("CASE3", "risk_raised", {})],
    "2026-02-10": [("SPIP-D1", "attendance_reported", {"by": "P1", "session": "S1", "result": "attended"})],
}  # fmt: skip


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


class Months:
    """Some pathways and what is reported of them, and a machine whose clock says what a test lets it say."""

    def __init__(self, sink: Sink) -> None:
        self.office = Office(empty(), mailing(sink)).case()
        self.office.case("CASE2", ("PC", "PD")).case("CASE3", ("PE", "PF"))
        for reference, party, case in (("D1", "PA", "CASE1"), ("D3", "PC", "CASE2"), ("D5", "PE", "CASE3")):
            self.office.opens(f"SPIP-{reference}", party, case=case)
        self.sink = sink
        self.said: set[Any] = set()

    def reports(self, on: date) -> None:
        for subject, kind, details in FACTS.get(on.isoformat(), []):
            assert self.office.says(subject, kind, on, **details).result == "recorded", (subject, kind)
        if on == date(2026, 1, 8):
            assert self.office.books("SPIP-D1", "S1", on, "2026-01-29").result == "recorded"

    def round(self, now: datetime) -> None:
        """Whatever was told or owed before is told or owed still, or was in its time."""
        self.office.round(now.date())
        self.office.mail(now)
        duties = {(row.pathway, row.key) for row in self.office.rows(t.DutyRow)}
        notices = {(row.pathway, row.to_code, row.occasion) for row in self.office.rows(t.NoticeRow)}
        assert self.said <= duties | notices
        self.said = duties | notices

    def days(self, *clock: int) -> "Months":
        """All days in turn, each with rounds on the days that many days off."""
        for n in range((LAST - FIRST).days):
            today = FIRST + timedelta(days=n)
            self.reports(today)
            for off in clock:
                self.round(moment(today + timedelta(days=off), 9))
        self.round(moment(LAST, 9))
        return self

    def mails(self) -> Counter[tuple[str, str]]:
        return Counter((mail.to[0], mail.message["Message-ID"]) for mail in self.sink.received)


@pytest.fixture(scope="module")
def right() -> set[str]:
    """How all of it ends where the clock is right."""
    with Sink() as running:
        return set(stored(Months(running).days(0).office.engine))


@pytest.mark.parametrize("clock", [(0, 0), (0, -1, 0), (-1, 0)], ids=str)
def test_rounds_by_a_clock_that_jumps_back_a_day_and_forward_again_change_nothing(
    sink: Sink, right: set[str], clock: tuple[int, ...]
):
    months = Months(sink).days(*clock)
    assert set(stored(months.office.engine)) == right
    assert set(months.mails().values()) == {1}


def test_a_clock_a_day_ahead_tells_some_things_a_day_early_and_none_twice(sink: Sink, right: set[str]):
    """Every day is lived twice, first by the clock of the day after."""
    months = Months(sink).days(1, 0)
    ended = set(stored(months.office.engine))
    early = {line for line in ended - right if line.startswith(("NoticeRow", "Message"))}
    assert early and all(" chase:" in line for line in early), "what was done on its last day is chased before it"
    assert {line for line in right - ended if not line.startswith("DutyRow")} == set()
    climbed = {line.rpartition(" ")[0].rpartition(" ")[0] for line in ended if line.startswith("DutyRow")}
    assert climbed == {line.rpartition(" ")[0].rpartition(" ")[0] for line in right if line.startswith("DutyRow")}
    assert set(months.mails().values()) == {1}


def test_what_is_to_be_tried_again_by_a_clock_that_was_ahead_goes_when_that_time_comes(sink: Sink):
    office = Months(sink).office
    office.notice("attended", ("adviser", "FCA1"))
    ahead, right_now = moment(day("2026-01-07"), 9), moment(day("2026-01-06"), 9)
    sink.once["RCPT"] = "451 come back later"
    assert office.mail(ahead) == Counter(waiting=1)
    assert office.mail(right_now) == office.mail(ahead) == Counter()
    assert office.mail(ahead + timedelta(minutes=1)) == Counter(sent=1)


# The nights in which the clocks are changed ---------------------------------------------------------------------------

NIGHTS = ["2026-10-25", "2027-03-28"]


@pytest.mark.parametrize("sunday", NIGHTS)
def test_in_the_night_of_a_change_nothing_is_told_twice_or_left_out(sink: Sink, sunday: str):
    """A round every half hour from the evening before until Tuesday noon, beside one a day at noon."""
    night = datetime.combine(day(sunday), time(), UTC)
    offsets = [(night + timedelta(hours=hours)).astimezone(LONDON).utcoffset() for hours in (0, 2)]
    assert offsets[0] != offsets[1]
    with Sink() as other:
        often, daily = waiting_since(sunday, sink), waiting_since(sunday, other)
        for now in (night + timedelta(minutes=30 * n) for n in range(-6, 2 * 60 + 1)):
            for office in (often, daily):
                if risk := RISKS.get(now - night):
                    assert raise_risk(office, risk, now).result == "recorded"
            go_round(often, now)
            if now.hour == 12 and now.minute == 0:
                go_round(daily, now)
        assert stored(often.engine) == stored(daily.engine)
        assert subjects(sink) == subjects(other)
    assert set(subjects(sink).values()) == {1} and len(subjects(sink)) == 3


RISKS = {timedelta(minutes=30): "C0", timedelta(minutes=90): "C1"}
"""Cases on which a risk is raised, in the hour before the change and in the one after it."""


def raise_risk(office: Office, case: str, now: datetime) -> Outcome:
    on = now.astimezone(LONDON).date()
    return office.record(office.reported(case, "risk_raised", on, at=now), now=now).outcomes[0]


def waiting_since(sunday: str, sink: Sink) -> Office:
    """Pathways that are late by then, in an office that sends at any hour of any day."""
    sending = Sending(days="any", opens="00:00", closes="23:59:59")
    office = Office(empty(), mailing(sink, sending=sending)).case()
    for n in range(6):
        opened = day(sunday) - timedelta(days=5 + n)
        office.case(f"C{n}", (f"A{n}", f"B{n}")).opens(f"SPIP-D{n}", f"A{n}", case=f"C{n}", on=opened)
    go_round(office, datetime.combine(day(sunday) - timedelta(days=2), time(12), UTC))
    sink.received.clear()
    return office


def go_round(office: Office, now: datetime) -> None:
    """At a moment, where `Office.round` is for a day."""
    faults.rounds(office.settings, now, [], office.engine)


def subjects(sink: Sink) -> Counter[tuple[str, str]]:
    return Counter((mail.to[0], mail.message["Subject"]) for mail in sink.received)
