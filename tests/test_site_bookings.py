"""Sessions: what cannot be meant is refused wherever it is typed, and each is on its own day."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from models import tables as t
from models.facts.base import Timed
from models.facts.cppp import SessionMoved
from models.facts.spip import SessionBooked
from settings import Sessions
from store.judge import can_be_meant
from store.refusal import Refused
from tests.site import OpenSite, text_of, two_reports_owed
from tests.test_command_line import Desk
from tests.test_cppp_safety import R1 as FAMILY
from tests.test_cppp_safety import upto
from tests.test_site_upload import as_csv, check, recorded, row, send
from tests.world import Office, empty

BOOKED_ON = date(2026, 1, 8)


@pytest.fixture
def site(tmp_path: Path) -> OpenSite:
    return two_reports_owed(empty(f"sqlite:///{tmp_path / 'pathways.db'}"), tmp_path)


def why_not(kind: type[Timed], starts: str, ends: str, **limits: Any) -> tuple[str, str] | None:
    """The field at fault and why, of a session that was fixed on 8 January 2026; None where it can be meant."""
    times = {"starts_at": datetime.fromisoformat(f"{starts}Z"), "ends_at": datetime.fromisoformat(f"{ends}Z")}
    noon = datetime(2026, 1, 8, 12, tzinfo=UTC)
    fact = kind(session="S-1", happened_on=BOOKED_ON, recorded_at=noon, recorded_by="P1", **times)
    try:
        return can_be_meant(fact, Sessions(**limits))
    except Refused as refused:
        return refused.field, refused.why


@pytest.mark.parametrize(
    ("starts", "ends", "field"),
    [
        ("2026-02-16T18:00", "2026-02-16T22:00", None),  # ends when the latest does
        ("2026-02-16T07:00", "2026-02-16T12:00", None),  # begins when the earliest does, and is as long as any
        ("2026-07-18T06:00", "2026-07-18T10:00", None),  # a Saturday; 07:00 on the clocks of summer
        ("2026-07-18T05:59", "2026-07-18T09:00", "starts_at"),
        ("2026-07-18T18:00", "2026-07-18T22:00", "starts_at"),  # 23:00 on the clocks of summer
        ("2026-02-16T06:59", "2026-02-16T10:00", "starts_at"),
        ("2026-02-16T20:00", "2026-02-16T22:01", "starts_at"),
        ("2026-02-16T21:00", "2026-02-17T01:00", "starts_at"),
        ("2026-02-16T10:00", "2026-02-16T15:01", "ends_at"),
        ("2026-02-14T03:00", "2026-02-14T23:00", "ends_at"),
        ("2026-02-16T10:00", "2026-02-17T11:00", "ends_at"),
        ("2027-07-08T17:00", "2027-07-08T20:00", None),  # eighteen months to the day
        ("2027-07-09T17:00", "2027-07-09T20:00", "starts_at"),
        ("2036-02-16T18:00", "2036-02-16T22:00", "starts_at"),
    ],
)
def test_a_session_at_night_for_a_day_or_in_ten_years_is_not_meant(starts: str, ends: str, field: str | None) -> None:
    found = why_not(SessionBooked, starts, ends)
    assert (found and found[0]) == field
    assert not found or "again" in found[1]


def test_how_long_a_session_may_be_is_said_of_each_programme_and_all_of_it_in_the_settings() -> None:
    evening = ("2026-02-16T17:00", "2026-02-16T21:30")
    assert why_not(SessionBooked, *evening) is None
    assert why_not(SessionMoved, *evening) == (
        "ends_at", "a session of CPPP is over after 4 hours; look at when it ends again",
    )  # fmt: skip
    assert why_not(SessionMoved, *evening, hours={}) is None
    assert why_not(SessionBooked, *evening, closes="21:00")[0] == "starts_at"
    assert why_not(SessionBooked, *evening, months_ahead=1)[1].startswith("16 February 2026 is more than")


SLIPS = [
    ({"day": "9", "month": "2", "year": "2036"}, "more than 18 months ahead"),
    ({"from": "03:00", "to": "23:00"}, "over after 5 hours"),
    ({"from": "20:00", "to": "23:00"}, "No session is held between 22:00 and 07:00"),
]


def booking(slip: dict[str, str], prefix: str) -> dict[str, str]:
    times = {"day": "9", "month": "2", "year": "2026", "from": "18:00", "to": "22:00"} | slip
    return {f"{prefix}-times-{part}": value for part, value in times.items()} | {f"{prefix}-session": "GRP-7"}


@pytest.mark.parametrize(("slip", "says"), SLIPS)
def test_a_slip_in_a_booking_is_said_at_its_times_and_nothing_is_recorded(
    site: OpenSite, slip: dict[str, str], says: str
) -> None:
    pages, duty = site.enter("provider", "P1"), site.office.duty("attendance_report").id
    form = {"answer": "absent", "absent-reason": "illness", "submission": "one"}
    done = pages.post(f"/owed/{duty}", form | booking(slip, "again"))
    assert done.status_code == 422 and says in text_of(done)
    assert re.findall(r'<a href="#([^"]*)">', done.text.partition("error-summary__list")[2])[0] == "again-times"
    assert not site.office.rows(t.FactRow, kind="attendance_reported")
    assert "Receipt" in text_of(pages.post(f"/owed/{duty}", form | booking({}, "again")))


def test_the_command_line_refuses_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], site: OpenSite
) -> None:
    desk = Desk(monkeypatch, capsys, site.settings.home)
    said = ("record", "SPIP-D1", "session_booked", "session=GRP-7", "starts_at=09/02/2026 03:00", "--by", "P1")
    done = desk(*said, "ends_at=09/02/2026 04:00", "--on", "26/01/2026")
    assert done.code == 1 and "no session is held between 22:00 and 07:00" in done.err + done.out
    assert len(site.office.rows(t.FactRow, kind="session_booked", subject="SPIP-D1")) == 1


# Its own day ----------------------------------------------------------------------------------------------------------


def test_the_page_of_a_rebooking_says_the_day_of_the_session_that_was_missed(site: OpenSite) -> None:
    site.office.says("SPIP-D1", "attendance_reported", "2026-01-20", by="P1", session="S-SPIP-D1", result="absent")
    site.office.round("2026-01-26")
    shown = text_of(site.enter("provider", "P1").get(f"/owed/{site.office.duty('rebooking').id}"))
    assert "Session S-SPIP-D1, 16 January 2026" in shown and "20 January" not in shown.partition("Due")[0]


def test_a_booking_after_the_provider_called_one_off_says_the_day_of_that_one(site: OpenSite) -> None:
    site.office.says(
        "SPIP-D1", "session_cancelled", "2026-01-20", by="P1", session="S-SPIP-D1", cancelled_by="provider"
    )
    site.office.round("2026-01-26")
    shown = text_of(site.enter("provider", "P1").get(f"/owed/{site.office.duty('booking').id}"))
    assert "Session S-SPIP-D1, 16 January 2026" in shown


def test_a_session_called_off_is_of_its_own_day_from_the_list_a_page_and_a_file_alike(site: OpenSite) -> None:
    office = site.office.case("CASE3", ("PE", "PF"))
    office.opens("SPIP-D3", "PE", case="CASE3")
    office.awaiting_report("SPIP-D3")
    office.round("2026-01-26")
    pages = site.enter("provider", "P1")
    name = re.search(rf'name="(answer-{office.duty("attendance_report").id}-\d+)"', pages.get("/owed").text)[1]
    pages.post("/owed", {name: "cancelled.provider", "submission": "list"})
    by_page = {"answer": "cancelled", "cancelled-cancelled_by": "provider", "submission": "page"}
    pages.post(f"/owed/{office.duty('attendance_report', 'SPIP-D2').id}", by_page)
    send(pages, check(pages, as_csv(row("SPIP-D3", "cancelled", "provider"))))
    called_off = {(subject, on) for subject, kind, on, _ in recorded(site) if kind == "session_cancelled"}
    assert called_off == {(f"SPIP-D{n}", "2026-01-16") for n in (1, 2, 3)}


def test_a_session_of_cppp_that_did_not_take_place_is_called_off_on_its_own_day(tmp_path: Path) -> None:
    office = Office(empty(f"sqlite:///{tmp_path / 'pathways.db'}")).case()
    assert not office.opens(FAMILY, None, route="adviser")
    site = OpenSite(upto(office, "session_held").round("2026-02-25"), tmp_path, "2026-02-25")
    pages, duty = site.enter("staff", "FCA3", verified=True), office.duty("session_result", FAMILY).id
    assert "Receipt" in text_of(pages.post(f"/owed/{duty}", {"answer": "called_off", "submission": "one"}))
    assert [fact.happened_on for fact in office.rows(t.FactRow, kind="session_called_off")] == [date(2026, 2, 23)]
