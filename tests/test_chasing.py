"""Chasing through the real store: the ladder of m03 day by day, what stops it, and the digests it goes out in."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from models import tables as t
from models.limits import limits_on
from notifications.ladder import Climb, climbed, next_day, steps_due
from settings import Sending
from tests.smtp_sink import Sink
from tests.world import Office, empty, mailing

Ladder = dict[str, set[tuple[str, str]]]


@pytest.fixture
def office() -> Office:
    """PA's pathway at P1: its session is on Friday 16 January 2026, so its report is due on Friday the 23rd."""
    made = Office(empty()).case()
    made.opens()
    return made.awaiting_report(held="2026-01-16")


def chased(office: Office, duty: str = "attendance_report", reference: str = "SPIP-D1") -> Ladder:
    """Who was chased about a duty, by day: (step, code), the provider's named contact as P1*."""
    found: Ladder = defaultdict(set)
    for row in office.rows(t.NoticeRow, wording="chase", pathway=reference):
        if row.fields["duty"] == duty:
            star = "*" if row.to_role == "provider_lead" else ""
            found[row.created_at.date().isoformat()].add((row.fields["step"], row.to_code + star))
    return dict(found)


def step(name: str, *codes: str) -> set[tuple[str, str]]:
    return {(name, code) for code in codes}


R0, R1, R2 = step("R0", "P1"), step("R1", "P1"), step("R2", "P1", "P1*", "FCA1", "CO1")
E1, E2, H = step("E1", "CM1", "P1*"), step("E2", "SM1", "FCA1"), step("H", "P1", "CM1", "FCA1")
LADDER = {"2026-01-21": R0, "2026-01-26": R1, "2026-01-30": R2, "2026-02-06": E1, "2026-02-13": E2}
"""Two working days before, then 1, 5, 10 and 15 after the 23rd."""


# The ladder ----------------------------------------------------------------------------------------------------------


def test_a_late_report_climbs_the_ladder_of_m03_day_by_day_and_then_waits(office: Office):
    office.rounds("2026-01-08", "2026-04-30")
    assert chased(office) == LADDER


def test_the_second_chase_opens_a_phone_task_and_it_climbs_the_staff_ladder(office: Office):
    office.rounds("2026-01-08", "2026-01-29")
    assert "phone_provider" not in office.owed()
    office.round("2026-01-30")
    assert (office.owed()["phone_provider"], office.duty("phone_provider").due_on) == ("CO1", date(2026, 2, 2))
    office.rounds("2026-01-31", "2026-03-31")
    assert chased(office, "phone_provider") == {"2026-02-03": step("S1", "CO1"), "2026-02-09": step("S2", "CO1", "SM1")}


def test_the_phone_task_is_done_when_the_provider_was_phoned_and_does_not_come_back(office: Office):
    office.rounds("2026-01-08", "2026-01-30")
    office.says("SPIP-D1", "provider_phoned", "2026-02-02", by="CO1")
    office.rounds("2026-02-02", "2026-03-31")
    assert (office.duty("phone_provider").state, office.duty("phone_provider").closed_on) == ("met", date(2026, 2, 2))
    assert chased(office, "phone_provider") == {}
    assert chased(office) == LADDER


def test_the_phone_task_goes_when_the_report_comes(office: Office):
    office.rounds("2026-01-08", "2026-01-30")
    office.says("SPIP-D1", "attendance_reported", "2026-02-02", by="P1", session="S-SPIP-D1", result="attended")
    office.rounds("2026-02-02", "2026-02-13")
    assert office.duty("phone_provider").state == "dropped"
    assert chased(office, "phone_provider") == {}


def test_escalation_to_commissioning_marks_the_contract_on_that_day_and_not_before(office: Office):
    office.rounds("2026-01-08", "2026-02-05")
    assert office.duty("attendance_report").marked_on is None
    office.rounds("2026-02-06", "2026-03-31")
    assert office.duty("attendance_report").marked_on == date(2026, 2, 6)


@pytest.mark.parametrize(
    ("hearing", "told"),
    [("2026-03-06", True), ("2026-03-09", False), (None, False)],  # 15 and 16 working days after 13 February
)
def test_the_assistant_director_is_told_when_the_hearing_is_within_15_working_days(office: Office, hearing, told: bool):
    if hearing:
        office.says("CASE1", "hearing_listed", "2026-01-08", hearing_on=hearing)
    office.rounds("2026-01-08", "2026-02-13")
    assert chased(office)["2026-02-13"] == (E2 | step("E2", "AD1") if told else E2)


def test_bank_holidays_are_no_days_of_the_ladder():
    office = Office(empty()).case()
    office.opens(on="2026-03-02")
    office.referred(on="2026-03-03")
    office.says("SPIP-D1", "acknowledged", "2026-03-04", by="P1", provider="P1")
    office.books("SPIP-D1", "S1", "2026-03-05", "2026-03-24")  # due on Tuesday the 31st; Easter from 3 to 6 April
    office.rounds("2026-03-05", "2026-05-12")
    expected = {"2026-03-27": R0, "2026-04-01": R1, "2026-04-09": R2, "2026-04-16": E1, "2026-04-23": E2}
    assert chased(office) == expected


def test_an_acknowledgement_is_chased_from_the_first_chase_on_without_a_courtesy_reminder():
    office = Office(empty()).case()
    office.opens()
    office.referred(on="2026-01-06").rounds("2026-01-06", "2026-02-13")  # due on the 8th
    expected = {"2026-01-09": R1, "2026-01-15": R2, "2026-01-22": E1, "2026-01-29": E2}
    assert chased(office, "acknowledgement") == expected


def test_a_booking_has_the_courtesy_reminder():
    office = Office(empty()).case()
    office.opens()
    office.acknowledged(on="2026-01-07").rounds("2026-01-07", "2026-01-22")  # due on the 21st
    assert chased(office, "booking") == {"2026-01-19": R0, "2026-01-22": R1}


def test_what_staff_owe_is_told_to_themselves_and_then_to_the_service_manager():
    office = Office(empty()).case()
    office.opens()
    office.rounds("2026-01-05", "2026-03-31")  # enquiries due on the 12th
    expected = {"2026-01-13": step("S1", "FCA1"), "2026-01-19": step("S2", "FCA1", "SM1")}
    assert chased(office, "safeguarding_enquiries") == expected


# A near hearing ------------------------------------------------------------------------------------------------------


def test_a_near_hearing_makes_the_ladder_jump_and_repeats_every_second_working_day_until_it_is_held(office: Office):
    office.says("CASE1", "hearing_listed", "2026-01-08", hearing_on="2026-02-02")
    office.rounds("2026-01-08", "2026-03-31")
    assert chased(office) == {
        "2026-01-21": R0,
        "2026-01-26": H,
        "2026-01-28": H,
        "2026-01-30": H,
        "2026-02-13": E2,  # the jump passed by R1, R2 and E1
    }
    assert office.duty("attendance_report").marked_on == date(2026, 1, 26)
    assert "phone_provider" not in office.owed()


def test_a_hearing_that_comes_near_later_makes_it_jump_from_that_day(office: Office):
    office.says("CASE1", "hearing_listed", "2026-01-08", hearing_on="2026-02-11")  # ten working days after 28 January
    office.rounds("2026-01-08", "2026-02-20")
    days = ["2026-01-28", "2026-01-30", "2026-02-03", "2026-02-05", "2026-02-09", "2026-02-11"]
    assert chased(office) == {"2026-01-21": R0, "2026-01-26": R1, **dict.fromkeys(days, H), "2026-02-13": E2}


def test_a_hearing_that_is_vacated_makes_it_jump_no_more(office: Office):
    office.says("CASE1", "hearing_listed", "2026-01-08", hearing_on="2026-02-02")
    office.rounds("2026-01-08", "2026-01-26")
    office.says("CASE1", "hearing_vacated", "2026-01-27", hearing_on="2026-02-02")
    office.rounds("2026-01-27", "2026-03-31")
    assert chased(office) == {"2026-01-21": R0, "2026-01-26": H, "2026-02-13": E2}


def test_what_is_not_late_is_not_chased_for_a_hearing(office: Office):
    office.says("CASE1", "hearing_listed", "2026-01-08", hearing_on="2026-01-23")
    office.rounds("2026-01-08", "2026-01-26")
    assert chased(office) == {"2026-01-21": R0, "2026-01-26": R1}


def test_a_near_hearing_hurries_only_what_providers_owe():
    office = Office(empty()).case()
    office.opens()
    office.says("CASE1", "hearing_listed", "2026-01-05", hearing_on="2026-01-20")
    office.rounds("2026-01-05", "2026-01-30")
    assert set(chased(office, "safeguarding_enquiries")) == {"2026-01-13", "2026-01-19"}


# What stops it -------------------------------------------------------------------------------------------------------


def reports(office: Office) -> None:
    office.says("SPIP-D1", "attendance_reported", "2026-01-27", by="P1", session="S-SPIP-D1", result="attended")


def withdraws(office: Office) -> None:
    office.says("SPIP-D1", "withdrawn", "2026-01-27", reason="agreement_reached")


def ends_proceedings(office: Office) -> None:
    office.says("CASE1", "proceedings_ended", "2026-01-27")


def holds(office: Office) -> None:
    office.says("SPIP-D1", "held", "2026-01-27", reason="court_request")


def suspends(office: Office) -> None:
    office.put(t.Provider, {"code": "P1"}, suspended_from=date(2026, 1, 27))


@pytest.mark.parametrize("stop", [reports, withdraws, ends_proceedings, holds, suspends])
def test_nothing_more_is_chased_after(office: Office, stop):
    office.rounds("2026-01-08", "2026-01-26")
    stop(office)
    office.rounds("2026-01-27", "2026-03-31")
    assert chased(office) == {"2026-01-21": R0, "2026-01-26": R1}
    assert chased(office, "phone_provider") == {}


def test_a_suspension_stops_the_chasing_from_its_day_on_and_not_of_another_provider(office: Office):
    office.opens("SPIP-D2", "PB")
    office.awaiting_report("SPIP-D2", "P2", held="2026-01-16")
    suspends(office)
    office.rounds("2026-01-08", "2026-01-30")
    assert set(chased(office)) == {"2026-01-21", "2026-01-26"}
    assert set(chased(office, reference="SPIP-D2")) == {"2026-01-21", "2026-01-26", "2026-01-30"}


def test_what_a_suspended_provider_owes_is_not_looked_at_every_day(office: Office):
    suspends(office)
    office.rounds("2026-01-08", "2026-01-30")
    assert [office.chase(f"2026-02-0{day}").duties for day in (2, 3, 4)] == [0, 0, 0]
    assert ("CO1", "suspended") in office.told()


def test_when_a_suspension_ends_the_current_step_is_sent(office: Office):
    suspends(office)
    office.rounds("2026-01-08", "2026-02-09")
    office.put(t.Provider, {"code": "P1"}, suspended_from=None)
    office.put(t.PathwayRow, {"provider": "P1"}, look_on=date(2026, 2, 10))  # as the file of providers does
    office.rounds("2026-02-10", "2026-02-13")
    assert chased(office) == {"2026-01-21": R0, "2026-01-26": R1, "2026-02-10": E1, "2026-02-13": E2}


def test_after_a_hold_the_ladder_goes_on_where_it_was_with_the_days_given_back(office: Office):
    office.rounds("2026-01-08", "2026-01-21")
    office.says("SPIP-D1", "held", "2026-01-22", reason="court_request")
    office.rounds("2026-01-22", "2026-02-04")
    office.says("SPIP-D1", "released", "2026-02-05")
    office.rounds("2026-02-05", "2026-02-20")
    assert office.duty("attendance_report").due_on == date(2026, 2, 6)  # ten working days later than it was
    assert chased(office) == {"2026-01-21": R0, "2026-02-09": R1, "2026-02-13": R2, "2026-02-20": E1}


# After an outage, and twice ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("back", "sent"),
    [
        ("2026-01-25", {}),
        ("2026-01-29", R1),
        ("2026-02-02", R2),
        ("2026-02-12", E1),
        ("2026-02-16", E2),
        ("2026-06-01", E2),
    ],
)
def test_after_an_outage_the_current_step_goes_out_once_and_those_it_passed_do_not(
    office: Office, back: str, sent: Any
):
    office.rounds("2026-01-08", "2026-01-21").round(back)
    assert chased(office) == {"2026-01-21": R0} | ({back: sent} if sent else {})
    before = office.rows(t.NoticeRow)
    office.round(back)
    assert office.rows(t.NoticeRow) == before
    assert chased(office) == {"2026-01-21": R0} | ({back: sent} if sent else {})


def test_after_an_outage_the_contract_is_marked_though_its_own_step_was_passed(office: Office):
    office.rounds("2026-01-08", "2026-01-21").round("2026-02-16")
    assert office.duty("attendance_report").marked_on == date(2026, 2, 16)
    assert "phone_provider" not in office.owed()


def test_chasing_twice_on_a_day_sends_nothing_new(office: Office):
    for n in range(60):
        today = date(2026, 1, 8) + timedelta(days=n)
        office.round(today)
        before = office.rows(t.NoticeRow), office.rows(t.DutyRow)
        assert office.chase(today).duties == 0
        office.round(today)
        assert (office.rows(t.NoticeRow), office.rows(t.DutyRow)) == before, today


def test_a_chase_counts_the_duties_it_took_up_a_step(office: Office):
    office.rounds("2026-01-08", "2026-01-29").advance("2026-01-30")
    done = office.chase("2026-01-30")
    assert done.steps["R2"] == 1


# The reckoning by itself ---------------------------------------------------------------------------------------------


def test_a_rung_is_never_sent_before_its_day_and_the_next_day_told_is_the_first_on_which_one_is():
    limits = limits_on("SPIP", date(2026, 1, 5))
    climb = Climb("attendance_report", date(2026, 1, 23), date(2026, 2, 11))
    for n in range(80):
        today = date(2026, 1, 12) + timedelta(days=n)
        day, steps = next_day(limits, climb), steps_due(limits, climb, today)
        assert bool(steps) is (day is not None and day <= today), today
        climb = climbed(limits, climb, steps, today)
    assert next_day(limits, climb) is None


# Digests -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def sink():
    with Sink() as running:
        yield running


def morning(on: str | date, hour: int = 9) -> datetime:
    return datetime.fromisoformat(f"{on}T{hour:02}:00:00+00:00")


def late_ones(sink: Sink, **sending: Any) -> Office:
    """Three pathways at P1, in three cases, whose reports were due on 21, 22 and 23 January; one at P2."""
    office = Office(empty(), mailing(sink, sending=Sending(**sending)))
    for n, (provider, held) in enumerate([("P1", "14"), ("P1", "15"), ("P1", "16"), ("P2", "16")], 1):
        office.case(f"CASE-{n}", (f"PA{n}",)).opens(f"SPIP-D{n}", f"PA{n}", case=f"CASE-{n}")
        office.awaiting_report(f"SPIP-D{n}", provider, held=f"2026-01-{held}")
    office.rounds("2026-01-08", "2026-01-23")
    office.mail(morning("2026-01-23", 10))
    sink.received.clear()
    return office


def digests(sink: Sink, to: str = "p1@p.example") -> list[str]:
    return [mail.message.get_body(("plain",)).get_content() for mail in sink.received if mail.to == [to]]


def test_a_provider_gets_one_digest_a_working_day_with_all_its_late_reports(sink: Sink):
    office = late_ones(sink)
    office.rounds("2026-01-24", "2026-01-26")  # only SPIP-D3 takes a step on the 26th; the others did before
    office.mail(morning("2026-01-27"))
    digest = digests(sink)
    assert len(digest) == 1
    assert [f"SPIP-D{n}: attendance report, due 2{n} January 2026" in digest[0] for n in (1, 2, 3)] == [True] * 3
    assert "SPIP-D4" not in digest[0]
    assert "silence is never taken as attendance" in digest[0]
    assert "SPIP-D4" in digests(sink, "p2@p.example")[0] and "SPIP-D1" not in digests(sink, "p2@p.example")[0]


def test_a_digest_says_how_late_on_the_day_it_is_sent_the_latest_first(sink: Sink):
    office = late_ones(sink)
    office.rounds("2026-01-24", "2026-01-26")
    office.mail(morning("2026-01-27"))
    mail = next(mail.message for mail in sink.received if mail.to == ["p1@p.example"])
    assert mail["Subject"].startswith("3 late or due; SPIP-D1: attendance report 4 working days late")
    text = digests(sink)[0]
    assert text.index("SPIP-D1") < text.index("SPIP-D2") < text.index("SPIP-D3")


def test_what_has_been_reported_or_put_on_hold_is_in_no_digest(sink: Sink):
    office = late_ones(sink)
    office.says("SPIP-D1", "attendance_reported", "2026-01-24", by="P1", session="S-SPIP-D1", result="attended")
    office.says("SPIP-D2", "held", "2026-01-24", reason="court_request")
    office.rounds("2026-01-24", "2026-01-26")
    office.mail(morning("2026-01-27"))
    late = [text for text in digests(sink) if "attendance report" in text]
    assert len(late) == 1
    assert ["SPIP-D1" in late[0], "SPIP-D2" in late[0], "SPIP-D3" in late[0]] == [False, False, True]


def test_a_digest_made_earlier_the_same_day_takes_no_more_and_the_next_one_does(sink: Sink):
    office = late_ones(sink)
    office.notice(
        "chase", ("provider", "P1"), "first", duty="booking", owed_by="P1", due="2026-01-20", late=4, step="R1"
    )
    office.mail(morning("2026-01-26"))
    assert len(digests(sink)) == 1
    office.notice(
        "chase", ("provider", "P1"), "second", duty="rebooking", owed_by="P1", due="2026-01-20", late=4, step="R1"
    )
    office.mail(morning("2026-01-26", 15))
    assert len(digests(sink)) == 1
    office.mail(morning("2026-01-27"))
    assert len(digests(sink)) == 2
    assert "rebooking" in digests(sink)[1] and "rebooking" not in digests(sink)[0]


def test_every_recipient_of_chases_gets_one_digest_a_day(sink: Sink):
    office = late_ones(sink)
    office.rounds("2026-01-24", "2026-01-30")
    office.mail(morning("2026-02-02"))
    tos = [mail.to[0] for mail in sink.received if "late or due" in mail.message["Subject"]]
    # P1's mailbox twice: its named contact has no address of its own.
    assert sorted(tos).count("p1@p.example") == 2
    assert {to: tos.count(to) for to in ("fca1@staff.example", "co1@staff.example")} == {
        "fca1@staff.example": 1,
        "co1@staff.example": 1,
    }


def test_on_a_weekend_and_on_a_bank_holiday_there_is_no_digest(sink: Sink):
    office = late_ones(sink)
    office.rounds("2026-01-24", "2026-01-30")
    assert office.mail(morning("2026-01-31")).total() == 0
    assert office.mail(morning("2026-05-04")).total() == 0
    assert sink.received == []
    assert office.mail(morning("2026-05-05"))["sent"] == len(sink.received) > 0
