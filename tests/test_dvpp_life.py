"""The life of one man's DVPP as a table: a day, what is recorded on it, where it then stands, who is told what."""

from datetime import date, timedelta
from typing import Any

import pytest

from models.working_days import is_working_day
from tests.life import Life, day, owed, told

ORDERED, PLAN, FOUND, SENT, TAKEN = "2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08", "2026-01-12"
GATE = [
    (ORDERED, [], "suitability_gate", "Awaiting suitability gate", {("FCA1", "gate-open")}),
    (PLAN, [("survivor_plan_made", {})], "suitability_gate", "Awaiting suitability gate", set()),
    (
        FOUND,
        [("violence_established", {"basis": "found"})],
        "ready_to_refer",
        "Awaiting referral",
        {("CO1", "ready-to-refer")},
    ),
    (SENT, [("referral_sent", {"provider": "P1"})], "referred", "Awaiting acknowledgement", {("P1", "referral")}),
    (TAKEN, [("acknowledged", {"provider": "P1"})], "assessment", "Awaiting assessment", set()),
]
"""From the order to the day the provider takes the referral."""
ACCEPTED = [
    ("2026-01-26", [("assessment_done", {})], "assessment_report_due", "Awaiting assessment report", set()),
    (
        "2026-01-28",
        [("assessment_reported", {"result": "accepted"})],
        "awaiting_start",
        "Awaiting start",
        {("FCA1", "assessment-accepted")},
    ),
]
FIRST = date(2026, 2, 4)
"""His first session; a Wednesday. Week 13 is on 29 April, week 16 on 20 May, week 26 on 29 July, week 32 in September."""
STARTED = (
    FIRST.isoformat(),
    [("programme_started", {"weeks": 26})],
    "in_programme",
    "Awaiting end of the programme",
    {("FCA1", "programme-started")},
)


def of_week(week: int) -> date:
    return FIRST + timedelta(weeks=week - 1)


def weekly(week: int, result: str, state: str = "in_programme", newly: frozenset[Any] | set[Any] = frozenset()) -> Any:
    label = {
        "in_programme": "Awaiting end of the programme",
        "attendance_concern": "Awaiting absence review",
        "midway_report_due": "Awaiting midway report",
    }[state]
    said = [("weekly_attendance", {"week": week, "result": result})]
    return (of_week(week).isoformat(), said, state, label, set(newly))


def signed(on: str, state: str, label: str) -> Any:
    return (on, [("court_paper_signed", {"paper": "report", "signed_by": "FCA1"})], state, label, set())


def lived(table: list[Any], **kinds: Any) -> Life:
    """Tell a life as its table says, and compare on each day."""
    life, before = Life(reference="DVPP-D1", **kinds), set()
    for today, facts, state, label, newly in table:
        for kind, details in facts:
            life.add(today, kind, **details)
        decision = life.on(today)
        keys = {(n.to.code, n.wording, n.occasion) for n in decision.notices}
        assert (decision.standing.state, decision.standing.label) == (state, label), today
        assert {(code, wording) for code, wording, _ in keys - before} == newly, today
        before |= keys
    return life


# Lives as tables ------------------------------------------------------------------------------------------------------

RULE = {("FCA1", "absence-rule")}
SIGN = ("FCA1", "paper-to-sign")


def test_the_whole_way_to_completion_in_26_weeks_with_the_absence_rule_met_twice():
    table = [*GATE, *ACCEPTED, STARTED]
    table += [weekly(1, "attended"), weekly(2, "attended"), weekly(3, "absent")]
    table += [weekly(4, "absent", "attendance_concern", RULE)]  # two running
    table += [("2026-02-26", [("absence_reviewed", {})], "in_programme", "Awaiting end of the programme", set())]
    table += [weekly(week, "attended") for week in range(5, 9)]
    table += [weekly(9, "absent", "attendance_concern", RULE)]  # three in all
    table += [("2026-04-02", [("absence_reviewed", {})], "in_programme", "Awaiting end of the programme", set())]
    table += [weekly(week, "attended") for week in range(10, 14)]
    table += [
        ("2026-04-30", [], "midway_report_due", "Awaiting midway report", set()),
        (
            "2026-05-05",
            [("midway_reported", {"progress": "engaged"})],
            "in_programme",
            "Awaiting end of the programme",
            {("FCA1", "report-received")},
        ),
    ]
    table += [weekly(week, "attended") for week in range(14, 27)]
    table += [
        ("2026-07-30", [], "final_report_due", "Awaiting final report", set()),
        (
            "2026-08-06",
            [("final_reported", {"outcome": "completed"})],
            "court_report_due",
            "Awaiting court report",
            {("FCA1", "report-received"), SIGN},
        ),
        signed("2026-08-10", "closed_completed", "Closed: completed"),
    ]
    duties = lived(table).on("2026-09-30").duties.values()
    assert {duty.state for duty in duties if not duty.kind.startswith("letter")} == {"met"}
    assert sum(duty.kind == "weekly_attendance" for duty in duties) == 26


def test_of_32_weeks_half_is_week_16_and_the_last_week_32():
    life = lived([*GATE, *ACCEPTED]).add(FIRST, "programme_started", weeks=32)
    assert life.on(of_week(16)).standing.state == "in_programme"
    midway = life.on(of_week(16) + timedelta(days=1))
    assert midway.standing.state == "midway_report_due"
    assert owed(midway)["midway_report"] == ("P1", "2026-05-28")  # five working days and the spring bank holiday
    assert life.on(of_week(32)).standing.state == "midway_report_due"
    final = life.on(of_week(32) + timedelta(days=1))
    assert final.standing.state == "final_report_due"
    assert owed(final)["final_report"] == ("P1", "2026-09-23")


def test_an_odd_number_of_weeks_is_halved_downwards():
    life = lived([*GATE, *ACCEPTED]).add(FIRST, "programme_started", weeks=27)
    assert life.on(of_week(13) + timedelta(days=1)).standing.state == "midway_report_due"


@pytest.mark.parametrize(
    ("result", "reason", "wording"),
    [("accepted", None, "assessment-accepted"), ("failed", "not_motivated", "assessment-failed")],
)
def test_where_the_court_wanted_an_assessment_only_the_report_ends_it(result: str, reason: str | None, wording: str):
    reported = [("assessment_reported", {"result": result, "reason": reason})]
    told_of = {("FCA1", wording), SIGN}
    table = [*GATE, ACCEPTED[0], ("2026-01-28", reported, "court_report_due", "Awaiting court report", told_of)]
    table.append(signed("2026-02-03", "closed_assessment_only", "Closed: assessment only"))
    lived(table, assessment_only=True)


def test_a_failed_assessment_is_told_with_its_reason_and_reported_to_the_court():
    reported = [("assessment_reported", {"result": "failed", "reason": "denies_violence"})]
    told_of = {("FCA1", "assessment-failed"), SIGN}
    table = [*GATE, ACCEPTED[0], ("2026-01-28", reported, "court_report_due", "Awaiting court report", told_of)]
    table.append(signed("2026-02-03", "closed_failed_assessment", "Closed: failed assessment"))
    said = next(n for n in lived(table).on("2026-02-03").notices if n.wording == "assessment-failed")
    assert said.fields["reason"] == "denies_violence"


def test_after_the_second_missed_appointment_the_court_is_told():
    table = [
        *GATE,
        ("2026-01-19", [("assessment_missed", {})], "assessment", "Awaiting assessment", set()),
        (
            "2026-01-26",
            [("assessment_missed", {})],
            "court_report_due",
            "Awaiting court report",
            {("FCA1", "not-engaged"), SIGN},
        ),
        signed("2026-01-30", "closed_dropped", "Closed: dropped"),
    ]
    lived(table)


def test_he_may_refuse_the_place():
    told_of = {("FCA1", "not-engaged"), SIGN}
    table = [
        *GATE,
        *ACCEPTED,
        ("2026-02-03", [("refused", {})], "court_report_due", "Awaiting court report", told_of),
        signed("2026-02-05", "closed_dropped", "Closed: dropped"),
    ]
    lived(table)


def test_he_waits_longer_than_a_month_and_than_eight_weeks():
    life = lived([*GATE, *ACCEPTED])
    assert owed(life.on("2026-01-28"))["start"] == ("P1", "2026-03-25")
    assert "wait_review" not in owed(life.on("2026-02-28"))
    assert owed(life.on("2026-03-01"))["wait_review"] == ("FCA1", "2026-03-06")  # the month was over on 28 February
    life.add("2026-03-04", "wait_reviewed", cause="no_group_yet")
    assert "wait_review" not in owed(life.on("2026-03-04"))
    assert owed(life.on("2026-03-29")) == {
        "start": ("P1", "2026-03-25"), "wait_review": ("FCA1", "2026-04-07"), "letter_referral_made": ("BS1", "2026-01-14")
    }  # fmt: skip
    assert life.on("2026-03-29").standing.label == "Awaiting start"
    life.add("2026-04-01", "programme_started", weeks=26)
    begun = life.on("2026-04-01")
    assert begun.standing.state == "in_programme"
    assert [d.state for d in begun.duties.values() if d.kind == "wait_review"] == ["met", "met"]


def test_a_place_within_the_month_needs_no_review_of_the_wait():
    life = lived([*GATE, *ACCEPTED, STARTED])
    assert not [d for d in life.on("2026-05-01").duties.values() if d.kind == "wait_review"]


def test_he_drops_out_at_once_whatever_is_open():
    told_of = {("FCA1", "not-engaged"), SIGN}
    table = [
        *GATE, *ACCEPTED, STARTED, weekly(1, "absent"), weekly(2, "absent", "attendance_concern", RULE),
        ("2026-02-13", [("dropped", {"reason": "absences"})], "court_report_due", "Awaiting court report", told_of),
        signed("2026-02-18", "closed_dropped", "Closed: dropped"),
    ]  # fmt: skip
    after = lived(table).on("2026-12-31")
    assert sum(duty.kind == "weekly_attendance" for duty in after.duties.values()) == 2
    assert not {"midway_report", "final_report"} & {duty.kind for duty in after.duties.values()}


def test_a_programme_that_ended_without_completion_is_closed_as_dropped():
    life = in_programme(weeks=26)
    life.add("2026-07-31", "final_reported", outcome="not_completed")
    life.add("2026-08-03", "court_paper_signed", paper="report", signed_by="FCA1")
    standing = life.on("2026-08-03").standing
    assert (standing.state, standing.reason) == ("closed_dropped", "dropped")


def test_a_provider_declines_and_the_next_assesses():
    table = [
        *GATE[:4],
        (
            "2026-01-09",
            [("referral_declined", {"provider": "P1", "reason": "no_capacity"})],
            "ready_to_refer",
            "Awaiting referral",
            {("CO1", "ready-to-refer")},
        ),
        (
            "2026-01-12",
            [("referral_sent", {"provider": "P2"})],
            "referred",
            "Awaiting acknowledgement",
            {("P2", "referral")},
        ),
        ("2026-01-14", [("acknowledged", {"provider": "P2"})], "assessment", "Awaiting assessment", set()),
    ]
    assert lived(table).on("2026-01-14").provider == "P2"


def test_a_referral_recalled_in_the_programme_is_assessed_anew_by_the_next_and_what_was_is_kept():
    table = [
        *GATE, *ACCEPTED, STARTED, weekly(1, "attended"),
        (
            "2026-02-16",
            [("referral_recalled", {"provider": "P1", "reason": "suspended"})],
            "ready_to_refer",
            "Awaiting referral",
            {("P1", "referral-withdrawn"), ("CO1", "ready-to-refer")},
        ),
        ("2026-02-17", [("referral_sent", {"provider": "P2"})], "referred", "Awaiting acknowledgement", {("P2", "referral")}),
        ("2026-02-18", [("acknowledged", {"provider": "P2"})], "assessment", "Awaiting assessment", set()),
        (
            "2026-03-02",
            [("assessment_reported", {"result": "accepted"})],
            "awaiting_start",
            "Awaiting start",
            {("FCA1", "assessment-accepted")},
        ),
        (
            "2026-03-11",
            [("programme_started", {"weeks": 26})],
            "in_programme",
            "Awaiting end of the programme",
            {("FCA1", "programme-started")},
        ),
    ]  # fmt: skip
    decision = lived(table).on("2026-03-12")
    weeks = [(d.owed_by.code, d.state) for d in decision.duties.values() if d.kind == "weekly_attendance"]
    assert weeks == [("P1", "met"), ("P1", "dropped"), ("P2", "open")]


def test_with_no_provider_in_reach_the_court_is_told_and_only_then_it_closes():
    life = Life(reference="DVPP-D1", proposed=()).add(PLAN, "survivor_plan_made")
    life.add(FOUND, "violence_established", basis="found").add("2026-01-09", "no_provider_in_reach")
    decision = life.on("2026-01-09")
    assert decision.standing.label == "Awaiting court note"
    assert not decision.standing.closed
    assert owed(decision) == {"court_note": ("FCA1", "2026-01-16")}
    assert SIGN in told(decision)
    life.add("2026-01-14", "court_paper_signed", paper="note", signed_by="FCA1")
    standing = life.on("2026-01-14").standing
    assert (standing.state, standing.label) == ("closed_no_provider", "Closed: no provider")


def test_with_no_provider_open_the_commissioning_manager_is_told_and_it_is_looked_at_daily():
    life = Life(reference="DVPP-D1", proposed=()).add(PLAN, "survivor_plan_made")
    life.add(FOUND, "violence_established", basis="admitted")
    decision = life.on(FOUND)
    assert decision.standing.label == "No provider open"
    assert ("CM1", "no-provider") in told(decision)
    assert decision.look_on == day("2026-01-08")


def test_sr_19_a_condition_in_a_final_order_asks_a_manager_and_blocks_nothing():
    both = {("FCA1", "final-order"), ("SM1", "final-order")}
    first = (ORDERED, [], "ordered", "Awaiting final order review", {("FCA1", "gate-open"), *both})
    second = (PLAN, [("survivor_plan_made", {})], "ordered", "Awaiting final order review", set())
    life = lived([first, second, *GATE[2:], *ACCEPTED, STARTED], in_final_order=True)
    assert owed(life.on(FIRST))["final_order_review"] == ("SM1", "2026-01-07")
    life.add("2026-02-05", "final_order_reviewed", decision="go_on", by="SM1")
    assert "final_order_review" not in owed(life.on("2026-02-05"))


def test_with_the_managers_answer_the_gate_is_what_it_waits_for():
    life = Life(reference="DVPP-D1", in_final_order=True).add(PLAN, "final_order_reviewed", decision="go_on", by="SM1")
    assert life.on(PLAN).standing.label == "Awaiting suitability gate"


# What comes over it ---------------------------------------------------------------------------------------------------


def in_programme(weeks: int = 26, **kinds: Any) -> Life:
    """He began on 4 February; of no week anything is heard yet."""
    life = Life(reference="DVPP-D1", **kinds)
    for today, facts, *_ in [*GATE, *ACCEPTED]:
        for kind, details in facts:
            life.add(today, kind, **details)
    return life.add(FIRST, "programme_started", weeks=weeks)


def came(life: Life, *weeks: int, result: str = "attended", recorded: str | None = None) -> Life:
    for week in weeks:
        life.add(of_week(week), "weekly_attendance", recorded, week=week, result=result)
    return life


@pytest.mark.parametrize("at", [ORDERED, FOUND, SENT, TAKEN, "2026-01-27", "2026-02-02", "2026-02-20", "2026-08-06"])
def test_a_withdrawal_ends_it_wherever_it_stands(at: str):
    life = in_programme().add(at, "withdrawn", reason="not_resident")
    decision = life.on("2026-12-31")
    assert (decision.standing.state, decision.standing.reason) == ("closed_withdrawn", "not_resident")
    assert not {kind for kind in owed(decision) if not kind.startswith("letter")}


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ([], "proceedings_ended"),
        ([("suitability_decided", {"suitable": False})], "safety_stop"),
        ([("risk_raised", {}), ("risk_reviewed", {"decision": "unsuitable"})], "safety_stop"),
    ],
)
def test_when_the_court_takes_its_direction_back_the_reason_is_safety_where_it_was_unsafe(before: list, reason: str):
    life = in_programme()
    for kind, details in before:
        life.add("2026-02-20", kind, **details)
    life.add("2026-03-02", "direction_discharged")
    assert life.on("2026-03-02").standing.reason == reason


def test_what_is_unsuitable_but_ordered_stands_still_until_the_court_takes_it_back():
    life = came(in_programme(), 1).add("2026-02-12", "suitability_decided", suitable=False)
    decision = life.on("2026-06-30")
    assert (decision.standing.state, decision.standing.label) == ("safeguarding_hold", "Awaiting court variation")
    assert {("FCA1", "direction-stands"), ("P1", "referral-paused")} <= told(decision)
    assert {d.paused for d in decision.duties.values() if d.state == "open" and d.owed_by.code == "P1"} == {True}
    assert owed(decision)["court_variation"] == ("FCA1", "2026-03-12")
    assert life.add("2026-07-01", "direction_discharged").on("2026-07-01").standing.state == "closed_withdrawn"


def test_what_was_unsuitable_from_the_first_is_never_offered_to_a_provider():
    life = Life(reference="DVPP-D1").add(PLAN, "suitability_decided", suitable=False)
    life.add(FOUND, "survivor_plan_made").add(FOUND, "violence_established", basis="found")
    decision = life.on("2026-02-27")
    assert decision.standing.label == "Awaiting court variation"
    assert ("CO1", "ready-to-refer") not in told(decision)


def test_a_recall_under_an_unsuitable_direction_is_told_to_the_provider():
    life = in_programme().add("2026-02-12", "suitability_decided", suitable=False)
    life.add("2026-02-13", "referral_recalled", provider="P1", reason="other")
    decision = life.on("2026-02-13")
    assert decision.standing.label == "Awaiting court variation"
    assert ("P1", "referral-withdrawn") in told(decision)
    assert ("CO1", "ready-to-refer") not in {
        (n.to.code, n.wording) for n in decision.notices if n.since > day("2026-02-12")
    }


def test_sr_14_a_new_risk_stops_the_programme_and_the_provider_is_told_to_wait_and_not_why():
    life = came(in_programme(), 1).add("2026-02-13", "risk_raised", by="P1")
    stopped = life.on("2026-02-20")
    assert stopped.standing.label == "On hold: awaiting risk review"
    assert owed(stopped)["risk_review"] == ("FCA1", "2026-02-17")
    assert {("FCA1", "new-risk"), ("P1", "referral-paused")} <= told(stopped)
    life.add("2026-02-23", "risk_reviewed", decision="continue")
    released = life.on("2026-02-23")
    assert released.standing.state == "in_programme"
    assert ("P1", "referral-resumed") in told(released)


def test_weeks_of_a_hold_do_not_count():
    life = in_programme().add("2026-02-05", "held", reason="party_unwell").add("2026-02-26", "released")
    opened = [d.opened_on for d in life.on("2026-03-12").duties.values() if d.kind == "weekly_attendance"]
    assert opened == [day("2026-02-04"), day("2026-03-04"), day("2026-03-11")]  # 11, 18 and 25 February were on hold
    assert life.on(of_week(13 + 3)).standing.state == "in_programme"
    assert life.on(of_week(13 + 3) + timedelta(days=1)).standing.state == "midway_report_due"
    assert life.on(of_week(26 + 3) + timedelta(days=1)).standing.state == "final_report_due"


def test_two_holds_that_overlap_are_one_and_the_clock_stops_with_the_first():
    life = in_programme().add("2026-02-05", "held", reason="party_unwell").add("2026-02-19", "risk_raised")
    stopped = life.on("2026-02-26")
    assert [d.opened_on for d in stopped.duties.values() if d.kind == "weekly_attendance"] == [day("2026-02-04")]
    life.add("2026-02-26", "risk_reviewed", decision="continue").add("2026-03-02", "released")
    opened = [d.opened_on for d in life.on("2026-03-05").duties.values() if d.kind == "weekly_attendance"]
    assert opened == [day("2026-02-04"), day("2026-03-04")]


def test_accreditation_that_runs_out_in_the_programme_is_for_the_commissioning_manager():
    life = in_programme(accredited_until="2026-03-06")
    assert "accreditation_review" not in owed(life.on("2026-03-06"))
    lapsed = life.on("2026-03-07")
    assert owed(lapsed)["accreditation_review"] == ("CM1", "2026-03-13")
    assert ("CM1", "accreditation-lapsed") in told(lapsed)
    assert lapsed.standing.state == "in_programme"


def test_a_review_of_the_accreditation_or_a_recall_answers_for_it():
    for kind, details in (
        ("accreditation_reviewed", {"decision": "continue"}),
        ("referral_recalled", {"provider": "P1", "reason": "other"}),
    ):
        life = in_programme(accredited_until="2026-03-06").add("2026-03-10", kind, **details)
        duty = next(d for d in life.on("2026-03-10").duties.values() if d.kind == "accreditation_review")
        assert (duty.state, duty.closed_on) == ("met", day("2026-03-10"))


def test_a_review_from_before_it_ran_out_does_not_answer_for_it():
    life = in_programme(accredited_until="2026-03-06").add("2026-03-02", "accreditation_reviewed", decision="continue")
    assert "accreditation_review" in owed(life.on("2026-03-09"))


def test_once_it_is_renewed_nothing_is_owed():
    life = in_programme(accredited_until="2026-03-06")
    assert "accreditation_review" in owed(life.on("2026-03-09"))
    life.accredited_until = day("2028-03-31")
    assert "accreditation_review" not in owed(life.on("2026-03-10"))


def test_a_referral_given_back_before_the_accreditation_ran_out_is_no_concern():
    life = in_programme(accredited_until="2026-03-06")
    life.add("2026-03-06", "referral_recalled", provider="P1", reason="other")
    assert "accreditation_review" not in owed(life.on("2026-03-31"))


@pytest.mark.parametrize("monitoring", [True, False])
def test_the_midway_report_goes_to_a_court_that_asked_for_monitoring_and_to_no_other(monitoring: bool):
    life = came(in_programme(monitoring=monitoring), *range(1, 14))
    life.add("2026-05-05", "midway_reported", progress="partly")
    decision = life.on("2026-05-05")
    assert ("FCA1", "report-received") in told(decision)
    assert (SIGN in told(decision)) is monitoring
    assert (owed(decision).get("midway_note") == ("FCA1", "2026-05-12")) is monitoring
    life.add("2026-05-07", "court_paper_signed", paper="note", signed_by="FCA1")
    assert "midway_note" not in owed(life.on("2026-05-07"))


def test_a_midway_report_that_comes_early_is_told_at_once():
    life = in_programme().add("2026-04-20", "midway_reported", progress="engaged")
    assert ("FCA1", "report-received") in told(life.on("2026-04-20"))
    assert "midway_report" not in owed(life.on("2026-05-05"))


def test_the_court_report_is_due_in_time_for_the_next_hearing():
    life = in_programme().add("2026-02-16", "hearing_listed", hearing_on="2026-03-02")
    life.add("2026-02-20", "dropped", reason="behaviour")
    assert owed(life.on("2026-02-20"))["court_report"] == ("FCA1", "2026-02-23")


# Absences -------------------------------------------------------------------------------------------------------------


def alarm(life: Life, on: str | date) -> tuple[str, str, str] | None:
    """What the adviser is told of an absence on a day, and until when the review is due: week, day, due."""
    decision, before = life.on(on), life.on(day(on) - timedelta(days=1))
    new = [n for n in decision.notices if n.wording == "absence-rule" and n not in before.notices]
    due = {d.due_on for d in decision.duties.values() if d.kind == "absence_review" and d.opened_on == day(on)}
    fields = [
        (n.fields["week"], n.fields["session_on"].isoformat(), max(due).isoformat()) for n in new if not n.withheld
    ]
    return fields[-1] if fields else None


def test_one_absence_or_two_apart_are_no_concern():
    life = came(came(in_programme(), 1, 3, result="absent"), 2)
    assert life.on(of_week(3)).standing.state == "in_programme"


def test_a_week_that_was_not_held_is_no_absence_and_does_not_part_two_either():
    life = came(came(in_programme(), 1, result="absent"), 2, result="not_held")
    assert life.on(of_week(2)).standing.state == "in_programme"
    came(life, 3, result="absent")
    assert life.on(of_week(3)).standing.state == "attendance_concern"


def test_a_week_that_was_not_held_makes_the_programme_a_week_longer():
    life = came(in_programme(), 5, 9, result="not_held")
    assert life.on(of_week(15)).standing.state == "in_programme"
    assert life.on(of_week(15) + timedelta(days=1)).standing.state == "midway_report_due"
    assert life.on(of_week(28)).standing.state == "midway_report_due"
    assert life.on(of_week(28) + timedelta(days=1)).standing.state == "final_report_due"


def test_a_week_not_held_that_is_reported_after_the_last_one_moves_nothing_any_more():
    life = came(in_programme(), 20, result="not_held", recorded="2026-07-31")
    assert life.on("2026-07-30").standing.state == "final_report_due"
    assert life.on("2026-07-31").standing.state == "final_report_due"


@pytest.mark.parametrize(
    ("recorded", "due"),
    [
        ("2026-02-12", "2026-02-13"),  # a Thursday
        ("2026-02-13", "2026-02-16"),  # a Friday
        ("2026-02-14", "2026-02-16"),  # a Saturday
        ("2026-04-02", "2026-04-07"),  # before Easter, weeks late
        ("2026-05-22", "2026-05-26"),  # before the spring bank holiday, months late
    ],
)
def test_an_absence_reaches_the_adviser_the_day_it_is_reported_and_is_reviewed_by_the_next_working_day(
    recorded: str, due: str
):
    life = came(came(in_programme(), 1, result="absent"), 2, result="absent", recorded=recorded)
    assert alarm(life, recorded) == (2, "2026-02-11", due)
    assert is_working_day(day(due))


def test_an_absence_reported_late_is_told_even_where_a_later_one_was_told_and_reviewed_before():
    life = came(in_programme(), 1, 2, result="absent").add("2026-02-12", "absence_reviewed")
    came(life, 4, 5)
    came(life, 3, result="absent", recorded="2026-03-10")
    assert alarm(life, "2026-03-10") == (3, "2026-02-18", "2026-03-11")
    assert life.on("2026-03-10").standing.state == "attendance_concern"


def test_a_review_from_before_an_absence_was_reported_does_not_answer_for_it():
    life = came(in_programme(), 1, 2, result="absent").add("2026-02-25", "absence_reviewed")
    came(life, 3, result="absent", recorded="2026-02-27")
    assert owed(life.on("2026-02-27"))["absence_review"] == ("FCA1", "2026-03-02")


def test_an_absence_reaches_the_adviser_on_hold_too_and_the_hold_does_not_stop_the_review():
    life = came(in_programme(), 1, result="absent").add("2026-02-12", "held", reason="data_query")
    came(life, 2, result="absent", recorded="2026-02-16")
    assert alarm(life, "2026-02-16") == (2, "2026-02-11", "2026-02-17")
    held = life.on("2026-02-27")
    assert held.standing.state == "on_hold"
    assert not next(d for d in held.duties.values() if d.kind == "absence_review").paused


def test_an_absence_reaches_the_adviser_under_a_new_risk_and_when_the_programme_is_unsuitable():
    for stopped in (("risk_raised", {}), ("suitability_decided", {"suitable": False})):
        life = came(in_programme(), 1, result="absent").add("2026-02-10", stopped[0], **stopped[1])
        came(life, 2, result="absent", recorded="2026-02-16")
        assert alarm(life, "2026-02-16") == (2, "2026-02-11", "2026-02-17")


@pytest.mark.parametrize("late", ["midway_report", "final_report", "court_report", "weekly_attendance"])
def test_an_absence_reaches_the_adviser_whatever_else_is_late(late: str):
    life = came(in_programme(), 1, result="absent")
    if late == "court_report":
        life.add("2026-03-02", "final_reported", outcome="not_completed")
    recorded = {"weekly_attendance": "2026-04-01", "midway_report": "2026-06-01", "court_report": "2026-06-01"}
    on = recorded.get(late, "2026-09-01")
    came(life, 2, result="absent", recorded=on)
    decision = life.on(on)
    assert any(d.kind == late and d.state == "open" and d.due_on < day(on) for d in decision.duties.values())
    assert alarm(life, on)[:2] == (2, "2026-02-11")


def test_every_further_absence_is_told_once_the_rule_is_met():
    life = came(in_programme(), 1, 2, 4, 6, result="absent")
    assert sum(n.wording == "absence-rule" for n in life.on(of_week(6)).notices) == 3  # the second, third and fourth


# SR-21: silence is never attendance -----------------------------------------------------------------------------------


def test_sr_21_each_week_is_owed_and_silence_never_meets_it():
    decision = in_programme().on("2027-02-04")
    weeks = [d for d in decision.duties.values() if d.kind == "weekly_attendance"]
    assert [(len(weeks)), {d.state for d in weeks}] == [26, {"open"}]
    assert weeks[0].due_on == day("2026-02-11")
    assert decision.standing.state == "final_report_due"


def test_sr_21_every_week_attended_is_no_completion_without_the_final_report():
    decision = came(in_programme(), *range(1, 27)).on("2027-02-04")
    assert decision.standing.state == "final_report_due"


def test_sr_21_a_final_report_meets_no_week_of_which_nothing_is_heard():
    life = in_programme().add("2026-08-03", "final_reported", outcome="completed")
    weeks = [d.state for d in life.on("2026-08-03").duties.values() if d.kind == "weekly_attendance"]
    assert weeks == ["open"] * 26


def test_what_a_manager_decides_of_a_final_order_is_owed_and_blocks_nothing():
    life = Life(reference="DVPP-D1", in_final_order=True)
    life.add("2026-01-06", "final_order_reviewed", by="SM1", decision="ask_the_court")
    decision = life.on("2026-01-06")
    assert owed(decision)["court_variation"] == ("FCA1", "2026-02-03")
    assert ("FCA1", "ask-the-court") in told(decision)
    assert decision.standing.label == "Awaiting suitability gate"


def test_a_provider_whose_accreditation_ran_out_is_to_be_recalled_where_that_was_decided():
    life = Life(reference="DVPP-D1", accredited_until="2026-01-15")
    life.add("2026-01-06", "violence_established", basis="found").add("2026-01-06", "survivor_plan_made")
    life.add("2026-01-07", "referral_sent", provider="P1").add("2026-01-08", "acknowledged", provider="P1")
    life.add("2026-01-19", "accreditation_reviewed", by="CM1", decision="recall")
    assert owed(life.on("2026-01-19"))["recall"] == ("CO1", "2026-01-21")
    life.add("2026-01-20", "referral_recalled", by="CO1", provider="P1", reason="suspended")
    assert "recall" not in owed(life.on("2026-01-20"))


# What is put right ----------------------------------------------------------------------------------------------------


RESULTS = [
    ("final_reported", {"outcome": "completed"}, {"outcome": "not_completed"}, "report-received"),
    ("midway_reported", {"progress": "engaged"}, {"progress": "not_engaged"}, "report-received"),
    ("programme_started", {"weeks": 26}, {"weeks": 30}, "programme-started"),
    ("assessment_reported", {"result": "failed", "reason": "risk"}, {"reason": "language"}, "assessment-failed"),
]


@pytest.mark.parametrize(("kind", "first", "then", "wording"), RESULTS, ids=[row[0] for row in RESULTS])
def test_an_adviser_who_heard_one_result_hears_the_other_that_it_is_corrected_to(
    kind: str, first: dict[str, Any], then: dict[str, Any], wording: str
):
    life = lived(GATE if kind == "assessment_reported" else [*GATE, *ACCEPTED])
    if kind not in ("assessment_reported", "programme_started"):
        life.add(FIRST, "programme_started", weeks=26)
    life.add("2026-03-02", kind, **first)
    number = len(life.facts)
    life.correct(number, "2026-03-03", **then)
    notice = [n for n in life.on("2026-03-03").notices if n.wording == wording][-1]
    assert notice.occasion == f"{wording}:{number}:{number + 1}"
    assert set(map(str, then.values())) <= set(map(str, notice.fields.values()))
    life.correct(number + 1, "2026-03-04", on="2026-03-01")  # the day was wrong too, which says nothing new
    assert [n for n in life.on("2026-03-04").notices if n.wording == wording][-1].occasion == notice.occasion


def test_a_man_whose_gate_is_passed_after_his_case_was_brought_in_is_to_be_referred():
    life = Life(reference="DVPP-D1", told_already=True).add(PLAN, "survivor_plan_made", told_already=True)
    life.add(FOUND, "violence_established", basis="found")
    assert [n.withheld for n in life.on(FOUND).notices if n.wording == "ready-to-refer"] == [None]
