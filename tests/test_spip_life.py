"""The life of one case as a table: a day, what is recorded on it, where the pathway then stands, who is told what."""

import pytest

from tests.life import Life, day, moment, owed, told

COURT = [
    # day, facts recorded that day, state, label, newly told
    ("2026-01-05", [], "safeguarding_hold", "Awaiting safeguarding enquiries", {("FCA1", "referral-held")}),
    (
        "2026-01-06",
        [("safeguarding_letter_filed", {})],
        "ready_to_refer",
        "Awaiting referral",
        {("CO1", "ready-to-refer")},
    ),
    (
        "2026-01-07",
        [("referral_sent", {"provider": "P1"})],
        "referred",
        "Awaiting acknowledgement",
        {("P1", "referral")},
    ),
    (
        "2026-01-08",
        [("referral_declined", {"provider": "P1", "reason": "no_capacity"})],
        "ready_to_refer",
        "Awaiting referral",
        {("CO1", "ready-to-refer")},
    ),
    (
        "2026-01-09",
        [("referral_sent", {"provider": "P2"})],
        "referred",
        "Awaiting acknowledgement",
        {("P2", "referral")},
    ),
    ("2026-01-12", [("acknowledged", {"provider": "P2"})], "acknowledged", "Awaiting booking", set()),
    ("2026-01-15", [("book", ("S1", "2026-01-29"))], "booked", "Awaiting session", set()),
    ("2026-01-29", [], "booked", "Awaiting session", set()),
    ("2026-01-30", [], "report_due", "Awaiting attendance report", set()),
    (
        "2026-02-02",
        [("attendance_reported", {"session": "S1", "result": "absent"})],
        "not_attended",
        "Awaiting rebooking",
        {("FCA1", "not-attended")},
    ),
    ("2026-02-04", [("book", ("S2", "2026-02-12"))], "booked", "Awaiting session", set()),
    (
        "2026-02-16",
        [("attendance_reported", {"session": "S2", "result": "part"})],
        "breach_review",
        "Awaiting breach review",
        {("FCA1", "not-attended"), ("FCA1", "breach-review")},
    ),
    (
        "2026-02-17",
        [("breach_decided", {"decision": "report"})],
        "breach_review",
        "Awaiting signature",
        {("FCA1", "paper-to-sign")},
    ),
    ("2026-02-18", [("court_paper_signed", {"signed_by": "FCA1"})], "court_notified", "Awaiting court result", set()),
    (
        "2026-03-10",
        [("court_result", {"result": "reordered"})],
        "acknowledged",
        "Awaiting booking",
        {("P2", "book-again")},
    ),
    ("2026-03-12", [("book", ("S3", "2026-03-26"))], "booked", "Awaiting session", set()),
    (
        "2026-03-30",
        [("attendance_reported", {"session": "S3", "result": "attended"})],
        "next_step_offered",
        "Awaiting next step",
        {("FCA1", "attended")},
    ),
    ("2026-04-08", [("next_step_taken", {"step": "mediation"})], "closed_completed", "Closed: completed", set()),
]


def test_a_court_ordered_pathway_from_request_through_decline_absence_and_court_to_completion():
    life, before = Life(monitoring=True), set()
    for today, facts, state, label, newly in COURT:
        for kind, details in facts:
            life.booked(today, *details) if kind == "book" else life.add(today, kind, **details)
        decision = life.on(today)
        keys = {(n.to.code, n.wording, n.occasion) for n in decision.notices}
        assert (decision.standing.state, decision.standing.label) == (state, label), today
        assert {(code, wording) for code, wording, _ in keys - before} == newly, today
        before |= keys


def test_an_advisers_own_referral_waits_until_both_parents_are_spoken_to():
    life = Life(route="adviser").add("2026-01-06", "enquiries_done").add("2026-01-07", "parent_spoken_to", party="PA")
    assert life.on("2026-01-07").standing.state == "safeguarding_hold"
    life.add("2026-01-08", "parent_spoken_to", party="PB")
    assert life.on("2026-01-08").standing.state == "ready_to_refer"


def test_limits_are_reckoned_in_working_days_from_what_they_follow():
    life = Life().acknowledged("2026-01-07")
    assert owed(life.on("2026-01-07"))["booking"] == ("P1", "2026-01-21")
    life.booked("2026-01-08", "S1", "2026-01-20")
    assert owed(life.on("2026-01-21"))["attendance_report"] == ("P1", "2026-01-27")


def test_a_near_hearing_brings_the_booking_forward():
    life = Life().acknowledged("2026-01-07").add("2026-01-08", "hearing_listed", hearing_on="2026-01-26")
    assert owed(life.on("2026-01-08"))["booking"] == ("P1", "2026-01-19")
    life.add("2026-01-09", "hearing_vacated", hearing_on="2026-01-26")
    assert owed(life.on("2026-01-09"))["booking"] == ("P1", "2026-01-21")


def test_a_cancellation_by_the_provider_does_not_use_up_the_rebooking():
    life = Life().acknowledged().booked("2026-01-08", "S1", "2026-01-20")
    life.add("2026-01-19", "session_cancelled", session="S1", cancelled_by="provider")
    assert life.on("2026-01-19").standing.label == "Awaiting booking"
    life.booked("2026-01-20", "S2", "2026-01-27").add(
        "2026-01-28", "attendance_reported", session="S2", result="absent"
    )
    assert life.on("2026-01-28").standing.state == "not_attended"


def test_with_no_second_place_in_time_the_adviser_decides_and_a_late_booking_still_counts():
    life = Life().acknowledged().booked("2026-01-08", "S1", "2026-01-20")
    life.add("2026-01-21", "attendance_reported", session="S1", result="absent")
    assert life.on("2026-01-28").standing.state == "not_attended"
    after = life.on("2026-01-29")
    assert after.standing.state == "breach_review"
    assert ("FCA1", "breach-review") in told(after)
    life.booked("2026-01-30", "S2", "2026-02-05")
    assert life.on("2026-01-30").standing.state == "booked"


def test_a_person_twice_not_reached_or_once_refusing_brings_the_adviser_in():
    life = Life().acknowledged().add("2026-01-09", "contact_attempted").add("2026-01-12", "contact_attempted")
    assert life.on("2026-01-09").standing.state == "acknowledged"
    assert life.on("2026-01-12").standing.state == "breach_review"
    assert Life().acknowledged().add("2026-01-09", "refused").on("2026-01-09").standing.state == "breach_review"


def test_the_adviser_is_asked_to_decide_when_the_last_attempt_became_known_and_not_before():
    life = Life().acknowledged().add("2026-01-14", "contact_attempted")
    life.add("2026-01-09", "contact_attempted", recorded="2026-01-26")
    assert life.on("2026-01-25").standing.label == "Awaiting booking"
    decision = life.on("2026-01-26")
    days = {duty.kind: (duty.opened_on, duty.closed_on) for duty in decision.duties.values()}
    assert days["booking"] == (day("2026-01-07"), day("2026-01-26"))
    assert days["breach_review"] == (day("2026-01-26"), None)


def test_an_attempt_reported_late_undoes_neither_a_booking_nor_a_decision_asked_for():
    booked = Life().acknowledged().add("2026-01-09", "contact_attempted").booked("2026-01-14", "S1", "2026-01-29")
    booked.add("2026-01-12", "contact_attempted", recorded="2026-01-20")
    assert booked.on("2026-01-20").standing.label == "Awaiting session"
    asked = Life().acknowledged().add("2026-01-09", "contact_attempted").add("2026-01-14", "contact_attempted")
    before = asked.on("2026-01-14").duties["breach_review:6"]
    asked.add("2026-01-12", "contact_attempted", recorded="2026-01-20")
    assert asked.on("2026-01-20").duties["breach_review:6"] == before


@pytest.mark.parametrize("decided", [None, "2026-01-20"])
def test_a_booking_made_before_the_last_attempt_and_reported_late_still_counts(decided: str | None):
    life = Life().acknowledged().add("2026-01-09", "contact_attempted").add("2026-01-14", "contact_attempted")
    if decided:
        life.add(decided, "breach_decided", decision="retry")
    starts = {"starts_at": moment(day("2026-02-03"), 18), "ends_at": moment(day("2026-02-03"), 22)}
    life.add("2026-01-12", "session_booked", recorded="2026-01-26", session="S1", **starts)
    assert life.on("2026-01-25").standing.label == ("Awaiting booking" if decided else "Awaiting breach review")
    assert life.on("2026-01-26").standing.label == "Awaiting session"


def test_a_first_booking_corrected_after_a_second_one_stays_the_first():
    life = Life().acknowledged().booked("2026-01-08", "S1", "2026-01-20")
    life.add("2026-01-21", "attendance_reported", session="S1", result="absent")
    life.booked("2026-01-22", "S2", "2026-01-28").correct(5, "2026-01-23", venue="V1")
    assert "rebooking:6" in life.on("2026-01-23").duties


def test_the_adviser_may_close_without_telling_the_court():
    life = Life().acknowledged().add("2026-01-09", "refused").add("2026-01-12", "breach_decided", decision="no_report")
    standing = life.on("2026-01-12").standing
    assert (standing.state, standing.reason) == ("closed_not_completed", "never_attended")


def test_with_no_next_step_in_time_the_pathway_is_complete_all_the_same():
    life = Life().acknowledged().booked("2026-01-08", "S1", "2026-01-20")
    life.add("2026-01-21", "attendance_reported", session="S1", result="attended")
    assert life.on("2026-02-18").standing.state == "next_step_offered"
    assert life.on("2026-02-19").standing.state == "closed_completed"


@pytest.mark.parametrize("at", ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08", "2026-01-21"])
def test_a_withdrawal_ends_it_wherever_it_stands(at):
    life = Life().acknowledged().booked("2026-01-08", "S1", "2026-01-20")
    life.add("2026-01-05", "withdrawn", recorded=at, reason="agreement_reached")
    decision = life.on("2026-01-30")
    assert (decision.standing.state, decision.standing.reason) == ("closed_withdrawn", "agreement_reached")
    assert not {kind for kind in owed(decision) if not kind.startswith("letter")}
    referred = at >= "2026-01-06"
    assert (("P1", "referral-withdrawn") in told(decision)) is referred


def test_a_hold_stops_the_clock_and_gives_back_the_time_there_was():
    life = Life().acknowledged("2026-01-07").add("2026-01-09", "held", reason="court_request")
    held = life.on("2026-01-20")
    assert held.standing.label == "On hold: awaiting hold review"
    assert held.duties["booking:4"].paused
    life.add("2026-01-23", "released")
    assert owed(life.on("2026-01-23"))["booking"] == ("P1", "2026-02-04")  # ten working days, ten of them on hold


def test_with_no_provider_open_the_manager_is_told_and_it_is_looked_at_again_tomorrow():
    decision = Life(proposed=()).gate_passed().on("2026-01-06")
    assert decision.standing.label == "No provider open"
    assert ("CM1", "no-provider") in told(decision)
    assert decision.look_on.isoformat() == "2026-01-07"


def test_where_the_last_provider_closes_before_anybody_was_referred_the_manager_is_told_on_the_next_day():
    life = Life().gate_passed("2026-01-06")
    assert life.on("2026-01-06").look_on == day("2026-01-07")
    life.proposed = ()
    decision = life.on("2026-01-07")
    assert decision.standing.label == "No provider open"
    assert ("CM1", "no-provider") in told(decision)


def test_a_pathway_that_is_over_does_not_ask_who_could_take_it():
    life = (
        Life()
        .gate_passed("2026-01-06")
        .add("2026-01-07", "withdrawn", reason="agreement_reached", recorded="2026-01-08")
    )
    life.proposed = ()
    decision = life.on("2026-06-01")
    assert ("CM1", "no-provider") not in told(decision)
    assert said(life, "2026-06-01", "ready-to-refer")[0][0] == "overtaken"  # as on the day it was withdrawn
    assert decision.look_on is None


def test_what_the_court_ordered_stays_on_hold_when_unsuitable_until_the_court_takes_it_back():
    life = Life().gate_passed().add("2026-01-06", "suitability_decided", suitable=False)
    decision = life.on("2026-01-06")
    assert decision.standing.label == "Awaiting court variation"
    assert ("FCA1", "direction-stands") in told(decision)
    assert life.add("2026-01-20", "direction_discharged").on("2026-01-20").standing.closed


def test_parents_get_a_letter_task_and_never_mail():
    decision = Life().acknowledged().on("2026-01-07")
    assert owed(decision)["letter_referral_made"] == ("BS1", "2026-01-09")
    assert {notice.to.role for notice in decision.notices} <= {"adviser", "provider", "commissioning_officer"}


def test_what_people_know_already_is_withheld():
    life = Life().gate_passed().add("2026-01-06", "referral_sent", provider="P1", told_already=True)
    notice = next(n for n in life.on("2026-01-06").notices if n.wording == "referral")
    assert notice.withheld == "told already"


# What is new, and what is put right -----------------------------------------------------------------------------------


def said(life: Life, on: str, wording: str) -> list[tuple[str | None, dict]]:
    """The notices of a wording: why each is withheld, if it is, and its fields."""
    return [(n.withheld, n.fields) for n in life.on(on).notices if n.wording == wording]


def test_a_referral_made_possible_by_something_new_is_asked_for_although_the_request_was_known():
    """Cases brought in while they waited for safeguarding: the enquiries are news, the request is none."""
    life = Life(told_already=True).gate_passed("2026-01-07")
    [(withheld, fields)] = said(life, "2026-01-07", "ready-to-refer")
    assert withheld is None and fields["due"] == day("2026-01-09")
    nobody = Life(told_already=True, proposed=()).gate_passed("2026-01-07")
    assert [withheld for withheld, _ in said(nobody, "2026-01-07", "no-provider")] == [None]


@pytest.mark.parametrize(("gate", "requested"), [("2026-01-06", "2026-01-05"), ("2026-01-02", "2026-01-05")])
def test_what_made_a_referral_possible_and_was_known_is_not_said_again(gate: str, requested: str):
    """Whichever came later counts: the letter after the request, or a request in a case that was clear before."""
    last = gate > requested
    life = Life(requested, told_already=not last).add(gate, "safeguarding_letter_filed", told_already=last)
    assert [withheld for withheld, _ in said(life, "2026-01-06", "ready-to-refer")] == ["told already"]


def test_the_request_to_refer_is_known_by_the_request_whatever_made_it_possible():
    """So that a database of an earlier version, which holds it under that name, sends none of them again."""
    life = Life(told_already=True).gate_passed("2026-01-07")
    assert [n.occasion for n in life.on("2026-01-07").notices if n.wording == "ready-to-refer"] == ["ready-to-refer:1"]


@pytest.mark.parametrize("later", ["safeguarding_letter_filed", "parent_spoken_to"])
def test_what_comes_in_after_the_gate_was_passed_moves_nothing(later: str):
    life = Life().add("2026-01-06", "enquiries_done").add("2026-01-06", "parent_spoken_to", party="PA")
    failed = {"party": "PB", "attempts": 3, "accepted_by": "SM1", "reason": "no_answer"}
    life.add("2026-01-07", "contact_failed", **failed).add("2026-01-08", "referral_sent", provider="P1")
    life.add("2026-01-20", later, **({"party": "PB"} if later == "parent_spoken_to" else {}))
    days = {duty.kind: (duty.opened_on, duty.closed_on) for duty in life.on("2026-01-20").duties.values()}
    assert days["safeguarding_enquiries"] == (day("2026-01-05"), day("2026-01-07"))
    assert days["referral"] == (day("2026-01-07"), day("2026-01-08"))


def test_commissioning_hears_who_declined_and_why():
    life = Life().referred().add("2026-01-07", "referral_declined", provider="P1", reason="access_needs")
    *_, (withheld, fields) = said(life, "2026-01-07", "ready-to-refer")
    assert (withheld, fields["declined_by"], fields["reason"]) == (None, "P1", "access_needs")
    life.proposed = ()
    assert said(life, "2026-01-07", "no-provider")[0][1]["declined_by"] == "P1"


def test_the_time_for_a_next_step_runs_from_the_day_attendance_became_known():
    life = Life().acknowledged().booked("2026-01-08", "S1", "2026-01-20")
    life.add("2026-01-20", "attendance_reported", recorded="2026-03-10", session="S1", result="attended")
    decision = life.on("2026-03-10")
    assert (decision.standing.state, decision.standing.since) == ("next_step_offered", day("2026-03-10"))
    assert owed(decision)["next_step"] == (
        "P1",
        "2026-04-09",
    )  # twenty working days, with Good Friday and Easter Monday
    assert ("FCA1", "attended") in told(decision)
    assert life.on("2026-04-10").standing.state == "closed_completed"


def test_an_attendance_corrected_after_the_end_opens_nothing_again():
    life = Life().acknowledged().booked("2026-01-08", "S1", "2026-01-20")
    life.add("2026-01-20", "attendance_reported", session="S1", result="attended")
    life.correct(6, "2026-05-05", on="2026-01-21")
    standing = life.on("2026-05-05").standing
    assert (standing.state, standing.since) == ("closed_completed", day("2026-02-18"))


def test_an_absence_corrected_to_attendance_leaves_the_whole_time_for_a_next_step():
    life = Life().acknowledged().booked("2026-01-08", "S1", "2026-01-20")
    life.add("2026-01-20", "attendance_reported", session="S1", result="absent").correct(6, "2026-05-05", result="late")
    decision = life.on("2026-05-05")
    assert decision.standing.state == "next_step_offered"
    assert [fields for _, fields in said(life, "2026-05-05", "attended")] == [{"corrects": 6}]


def test_what_was_answered_in_time_stays_so_when_it_is_put_right_later():
    life = Life().acknowledged().booked("2026-01-08", "S1", "2026-01-20")
    life.add("2026-01-21", "attendance_reported", session="S1", result="absent")
    life.booked("2026-01-23", "S2", "2026-02-05").correct(6, "2026-02-02", reason="illness")
    life.correct(7, "2026-02-03", venue="V1")
    decision = life.on("2026-02-03")
    closed = {duty.kind: duty.closed_on for duty in decision.duties.values()}
    assert (closed["attendance_report"], closed["rebooking"]) == (day("2026-01-21"), day("2026-01-23"))
    assert decision.standing.label == "Awaiting session" and "breach_review" not in closed


def test_why_somebody_was_absent_put_right_later_gives_no_new_time_for_a_second_session():
    life = Life().acknowledged().booked("2026-01-08", "S1", "2026-01-20")
    life.add("2026-01-21", "attendance_reported", session="S1", result="absent").correct(6, "2026-02-02", reason="work")
    decision = life.on("2026-02-03")
    assert (decision.standing.label, decision.standing.since) == ("Awaiting breach review", day("2026-01-28"))


def result_told(life: Life, on: str) -> list[tuple[str, str]]:
    return [(n.occasion, n.fields.get("result", "")) for n in life.on(on).notices if n.wording == "not-attended"]


def test_a_result_that_is_corrected_is_told_again_and_a_correction_of_something_else_is_not():
    life = Life().acknowledged().booked("2026-01-08", "S1", "2026-01-20")
    life.add("2026-01-20", "attendance_reported", session="S1", result="absent")
    assert result_told(life, "2026-01-20") == [("not-attended:6", "absent")]
    life.correct(6, "2026-01-21", reason="illness")
    assert result_told(life, "2026-01-21") == [("not-attended:6", "absent")]
    life.correct(7, "2026-01-22", result="part")
    assert result_told(life, "2026-01-22") == [("not-attended:6:8", "part")]
    life.correct(8, "2026-01-23", result="attended", reason=None).correct(9, "2026-01-26", result="absent")
    assert result_told(life, "2026-01-26") == [("not-attended:6:10", "absent")]


def test_an_attendance_corrected_to_an_absence_is_told_as_it_was_before_corrections_were():
    """Told under the name that a database of an earlier version holds, and so not again."""
    life = Life().acknowledged().booked("2026-01-08", "S1", "2026-01-20")
    life.add("2026-01-20", "attendance_reported", session="S1", result="attended").correct(
        6, "2026-01-21", result="part"
    )
    assert result_told(life, "2026-01-21") == [("not-attended:6", "part")]


def test_a_decision_that_days_have_made_due_is_asked_for_although_the_absence_was_known():
    life = Life(told_already=True).acknowledged().booked("2026-01-08", "S1", "2026-01-20")
    life.add("2026-01-20", "attendance_reported", session="S1", result="absent", told_already=True)
    assert [withheld for withheld, _ in said(life, "2026-01-28", "breach-review")] == [None]
    life.booked("2026-01-21", "S2", "2026-01-22")
    life.add("2026-01-22", "attendance_reported", session="S2", result="absent", told_already=True)
    assert [withheld for withheld, _ in said(life, "2026-01-28", "breach-review")] == ["told already"]
