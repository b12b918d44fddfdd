"""The safety rules of DVPP, each through the real store: what is refused, what stands still, what is never said."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from models import tables as t
from store.database import writing
from store.record import Outcome
from tests.life import Life, day, moment
from tests.smtp_sink import Sink
from tests.world import SETTINGS, Office, empty, mailing

MAN = "DVPP-D1"


@pytest.fixture
def office(engine: Engine) -> Office:
    """A man's DVPP, ordered by the court, and a SPIP of the other parent; P1 and P2 are accredited until 2030."""
    return ordered(Office(engine).case())


def ordered(office: Office, **terms: Any) -> Office:
    assert (office.opens(MAN, "PA", **terms), office.opens("SPIP-D2", "PB")) == ("", "")
    return office


def one(lines: dict[str, Any] | None = None, **terms: Any) -> Office:
    """The same in memory, for the rules that no database has a part in. `lines` is what is told of P1's line."""
    return ordered(Office(empty(), P1_dvpp=lines or {}).case(), **terms)


def taken(*outcomes: Outcome) -> None:
    assert not [outcome.why for outcome in outcomes if outcome.result != "recorded"]


def refused(outcome: Outcome, by: str | None, says: str = "") -> str:
    """The words of a refusal: by this rule, or where None by no safety rule at all."""
    assert (outcome.result, outcome.rule) == ("refused", by), outcome
    assert says in outcome.why
    return outcome.why


def gate_passed(office: Office, on: str = "2026-01-06") -> Office:
    taken(office.says(MAN, "violence_established", on, basis="admitted"), office.says(MAN, "survivor_plan_made", on))
    return office


def refer(office: Office, on: str = "2026-01-07", provider: str = "P1", **more: Any) -> Outcome:
    return office.says(MAN, "referral_sent", on, provider=provider, **more)


def assessed(office: Office, result: str = "accepted", **more: Any) -> Office:
    """P1 took the referral on 8 January and reports on him on the 21st."""
    taken(
        refer(gate_passed(office)),
        office.says(MAN, "acknowledged", "2026-01-08", by="P1", provider="P1"),
        office.says(MAN, "assessment_reported", "2026-01-21", by="P1", result=result, **more),
    )
    return office


def in_programme(office: Office) -> Office:
    """He began on 4 February, a Wednesday, under P1."""
    taken(assessed(office).says(MAN, "programme_started", "2026-02-04", by="P1", weeks=26))
    return office


def reports(office: Office, week: int, result: str = "attended", on: str | None = None, **more: Any) -> Outcome:
    held = on or date(2026, 2, 4) + timedelta(weeks=week - 1)
    return office.says(MAN, "weekly_attendance", held, week=week, result=result, **{"by": "P1", **more})


# SR-04: live accreditation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "result"), [("2026-01-06", "refused"), ("2026-01-07", "recorded"), (None, "refused")]
)
def test_sr_04_the_accreditation_is_live_on_the_day_of_the_referral(engine: Engine, until: str | None, result: str):
    office = ordered(Office(engine, P1_dvpp={"accredited_until": until and day(until)}).case())
    outcome = refer(gate_passed(office))
    assert outcome.result == result
    if result == "refused":
        assert refused(outcome, "SR-04") == "SR-04: P1 has no live Respect accreditation on 07/01/2026"


@pytest.mark.parametrize("accreditation", ["NACCC", "NACCC enhanced", "", None])
def test_sr_04_another_accreditation_or_none_is_not_enough(accreditation: str | None):
    refused(refer(gate_passed(one({"accreditation": accreditation}))), "SR-04")


def test_sr_04_a_referral_made_now_is_judged_by_today_whatever_its_date():
    office = gate_passed(one({"accredited_until": day("2026-01-20")}))
    refused(refer(office, "2026-01-19", at=moment(day("2026-01-21"))), "SR-04", "on 21/01/2026")


def test_sr_04_one_that_was_made_before_it_came_to_us_is_judged_by_its_own_day():
    office = gate_passed(one({"accredited_until": day("2026-01-20")}))
    past = {"at": moment(day("2026-02-16")), "provider": "P1", "told_already": True}
    taken(office.says(MAN, "referral_sent", "2026-01-19", **past))
    late = gate_passed(one({"accredited_until": day("2026-01-18")}))
    refused(late.says(MAN, "referral_sent", "2026-01-19", **past), "SR-04", "on 19/01/2026")


def test_sr_04_nobody_without_live_accreditation_is_proposed():
    office = gate_passed(one({"accredited_until": day("2026-01-05")})).round("2026-01-06")
    proposed = next(n.fields["proposed"] for n in office.rows(t.NoticeRow, wording="ready-to-refer"))
    assert proposed == ["P2"]


def test_sr_04_with_nobody_accredited_the_manager_hears_that_nobody_is_open():
    office = gate_passed(one({"accreditation": "NACCC"}))
    office.put(t.ServiceLine, {"provider": "P2", "programme": "DVPP"}, accredited_until=None)
    assert office.round("2026-01-06").pathway(MAN).label == "No provider open"
    assert ("CM1", "no-provider") in office.told(MAN)


def test_sr_04_spip_needs_no_accreditation():
    office = one({"accredited_until": None})
    assert office.referred("SPIP-D2").rows(t.FactRow, kind="referral_sent")


def test_sr_04_when_it_runs_out_in_the_programme_the_commissioning_manager_decides():
    office = in_programme(one({"accredited_until": day("2026-02-20")}))
    office.rounds("2026-02-16", "2026-02-20")
    assert "accreditation_review" not in office.owed(MAN)
    assert office.round("2026-02-21").owed(MAN)["accreditation_review"] == "CM1"
    assert ("CM1", "accreditation-lapsed") in office.told(MAN)
    taken(office.says(MAN, "accreditation_reviewed", "2026-02-24", by="CM1", decision="continue"))
    assert "accreditation_review" not in office.round("2026-02-24").owed(MAN)


def test_sr_04_a_renewal_answers_as_well():
    office = in_programme(one({"accredited_until": day("2026-02-20")})).round("2026-02-21")
    office.put(t.ServiceLine, {"provider": "P1", "programme": "DVPP"}, accredited_until=day("2029-02-20"))
    office.put(t.PathwayRow, {"reference": MAN}, look_on=day("2026-02-23"))
    assert "accreditation_review" not in office.round("2026-02-23").owed(MAN)


# The gate -------------------------------------------------------------------------------------------------------------


def test_gate_nobody_is_referred_before_violence_is_established_and_there_is_a_plan_for_the_survivor(office: Office):
    refused(refer(office), "gate", "still missing: finding, survivor plan")
    taken(office.says(MAN, "violence_established", "2026-01-06", basis="found"))
    refused(refer(office), "gate", "still missing: survivor plan")
    taken(office.says(MAN, "survivor_plan_made", "2026-01-06"))
    taken(refer(office))


def test_gate_a_referral_cannot_be_dated_before_the_day_it_was_passed():
    office = gate_passed(one(), on="2026-01-08")
    refused(refer(office, "2026-01-07", at=moment(day("2026-01-09"))), "gate")


def test_gate_finished_enquiries_do_not_pass_it_nor_does_it_pass_that_of_spip():
    office = one()
    taken(office.says("CASE1", "safeguarding_letter_filed", "2026-01-06"))
    refused(refer(office), "gate")
    office = gate_passed(one())
    refused(office.says("SPIP-D2", "referral_sent", "2026-01-07", provider="P1"), "SR-01")


def test_gate_what_the_adviser_found_unsuitable_is_not_referred():
    office = gate_passed(one())
    taken(office.says(MAN, "suitability_decided", "2026-01-06", suitable=False))
    refused(refer(office), "gate", "not suitable")


def test_gate_time_alone_never_passes_it():
    office = one()
    for n in range(1, 400, 9):
        office.round(date(2026, 1, 5) + timedelta(days=n))
    assert office.pathway(MAN).state == "suitability_gate"
    assert not office.rows(t.NoticeRow, pathway=MAN, to_role="provider")


@pytest.mark.parametrize("kind", ["violence_established", "survivor_plan_made"])
@pytest.mark.parametrize("by", ["P1", "CO1", "CM1", "BS1"])
def test_gate_only_an_adviser_or_service_manager_opens_it(kind: str, by: str):
    basis = {"basis": "found"} if kind == "violence_established" else {}
    outcome = one().says(MAN, kind, "2026-01-06", by=by, **basis)
    assert (outcome.result, outcome.field) == ("refused", "recorded_by")


# SR-13: nothing goes to a court without the adviser's signature -------------------------------------------------------


def sign(office: Office, on: str, paper: str = "report", by: str = "FCA1") -> Outcome:
    return office.says(MAN, "court_paper_signed", on, by=by, paper=paper, signed_by=by)


def test_sr_13_the_court_report_waits_for_the_signature_of_the_cases_adviser(office: Office):
    assessed(office, "failed", reason="not_motivated").round("2026-01-21")
    assert office.round("2026-03-31").pathway(MAN).label == "Awaiting court report"
    for other in ("FCA2", "SM1", "CO1"):
        refused(sign(office, "2026-03-31", by=other), "SR-13", "signed by the case's adviser, FCA1")
    assert sign(office, "2026-03-31", by="P1").result == "refused"
    taken(sign(office, "2026-03-31"))
    row = office.round("2026-03-31").pathway(MAN)
    assert (row.state, row.reason) == ("closed_failed_assessment", "failed_assessment")


def test_sr_13_nothing_is_signed_before_anything_calls_for_it():
    office = one()
    for paper in ("report", "note", "advice"):
        refused(sign(office, "2026-01-06", paper), "SR-13", "calls for a paper of this kind")
    in_programme(office)
    for n in (1, 2):
        taken(reports(office, n, "absent"))
    for paper in ("report", "note"):
        refused(sign(office, "2026-02-12", paper), "SR-13")
    taken(office.says(MAN, "final_reported", "2026-08-05", by="P1", outcome="completed"))
    refused(sign(office, "2026-08-06", "note"), "SR-13")
    taken(sign(office, "2026-08-06"))


def test_sr_13_an_accepted_assessment_calls_for_a_report_only_where_nothing_else_was_ordered():
    refused(sign(assessed(one()), "2026-01-22"), "SR-13")
    taken(sign(assessed(one(assessment_only=True)), "2026-01-22"))


def test_sr_13_one_missed_appointment_calls_for_no_report_and_the_second_does():
    office = one()
    taken(refer(gate_passed(office)), office.says(MAN, "acknowledged", "2026-01-08", by="P1", provider="P1"))
    taken(office.says(MAN, "assessment_missed", "2026-01-13", by="P1"))
    refused(sign(office, "2026-01-13"), "SR-13")
    taken(office.says(MAN, "assessment_missed", "2026-01-20", by="P1"), sign(office, "2026-01-20"))


@pytest.mark.parametrize(("monitoring", "result"), [(True, "recorded"), (False, "refused")])
def test_sr_13_half_way_the_court_is_told_only_where_it_asked_for_monitoring(monitoring: bool, result: str):
    office = in_programme(one(monitoring=monitoring))
    taken(office.says(MAN, "midway_reported", "2026-05-05", by="P1", progress="partly"))
    assert sign(office, "2026-05-06", "note").result == result
    assert ("midway_note" in office.round("2026-05-05").owed(MAN)) is False  # signed, or never asked for


def test_sr_13_the_court_is_no_recipient_of_any_message():
    life = Life(reference=MAN, monitoring=True, in_final_order=True).add("2026-01-06", "survivor_plan_made")
    life.add("2026-01-06", "violence_established", basis="found").add("2026-01-07", "referral_sent", provider="P1")
    life.add("2026-01-08", "acknowledged", provider="P1")
    life.add("2026-01-21", "assessment_reported", result="failed", reason="risk")
    known = {"provider", "adviser", "commissioning_officer", "commissioning_manager", "service_manager"}
    assert {notice.to.role for notice in life.on("2026-02-10").notices} <= known


def test_a_note_that_no_provider_is_in_reach_is_signed_before_it_closes():
    office = gate_passed(one())
    taken(office.says(MAN, "no_provider_in_reach", "2026-01-09"))
    refused(refer(office, "2026-01-12"), None, "is over")
    row = office.rounds("2026-01-09", "2026-02-09").pathway(MAN)
    assert (row.label, row.closed_on) == ("Awaiting court note", None)
    taken(sign(office, "2026-02-10", "note"))
    assert office.round("2026-02-10").pathway(MAN).state == "closed_no_provider"


def test_no_provider_is_in_reach_only_while_none_has_the_referral():
    office = gate_passed(one())
    taken(refer(office))
    refused(office.says(MAN, "no_provider_in_reach", "2026-01-08"), None, "P1 holds this referral")


# SR-14: a new risk ----------------------------------------------------------------------------------------------------


def test_sr_14_a_new_risk_stops_every_pathway_of_the_case_of_whatever_programme(office: Office):
    in_programme(office).referred("SPIP-D2", "P2")
    taken(office.says("CASE1", "risk_raised", "2026-02-10", by="P2"))
    office.round("2026-02-10")
    for reference, provider in ((MAN, "P1"), ("SPIP-D2", "P2")):
        assert office.pathway(reference).label == "On hold: awaiting risk review"
        assert {("FCA1", "new-risk"), (provider, "referral-paused")} <= office.told(reference)
    taken(office.says(MAN, "risk_reviewed", "2026-02-12", decision="continue"))
    office.round("2026-02-12")
    assert (office.pathway(MAN).state, office.pathway("SPIP-D2").state) == ("in_programme", "safeguarding_hold")


def test_sr_14_nobody_is_referred_under_a_new_risk(office: Office):
    gate_passed(office)
    taken(office.says("CASE1", "risk_raised", "2026-01-06"))
    refused(refer(office), "SR-14")
    office.round("2026-01-07")
    refused(office.says(MAN, "risk_reviewed", "2026-01-07", by="FCA2", decision="continue"), "SR-14")
    taken(office.says(MAN, "risk_reviewed", "2026-01-07", decision="continue"), refer(office))


def test_sr_14_while_it_waits_for_the_review_nobody_is_asked_to_refer():
    office = one()
    taken(office.says("CASE1", "risk_raised", "2026-01-06"))
    gate_passed(office, "2026-01-07").rounds("2026-01-06", "2026-01-12")
    assert ("CO1", "ready-to-refer") not in office.told(MAN)
    taken(office.says(MAN, "risk_reviewed", "2026-01-13", decision="continue"))
    assert ("CO1", "ready-to-refer") in office.round("2026-01-13").told(MAN)


def test_sr_14_what_is_reported_under_a_new_risk_is_taken_and_an_absence_reaches_the_adviser():
    office = in_programme(one())
    taken(reports(office, 1, "absent"), office.says("CASE1", "risk_raised", "2026-02-05"))
    taken(reports(office.round("2026-02-05"), 2, "absent"))
    assert ("FCA1", "absence-rule") in office.round("2026-02-11").told(MAN)
    assert office.pathway(MAN).state == "safeguarding_hold"
    office.rounds("2026-02-12", "2026-02-20")
    chased = {row.fields["duty"] for row in office.rows(t.NoticeRow, wording="chase", pathway=MAN)}
    assert chased == {"risk_review", "absence_review", "letter_referral_made"}


# SR-16, SR-19, SR-21 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("on", "result"), [("2022-06-30", "recorded"), ("2022-07-01", "refused")])
def test_sr_16_on_its_real_dates_the_service_takes_no_referral_after_30_june_2022(engine: Engine, on: str, result: str):
    office = Office(engine, SETTINGS.model_copy(update={"profile": "dated"})).case()
    assert office.opens(MAN, on="2022-06-27") == ""
    taken(
        office.says(MAN, "violence_established", "2022-06-28", basis="admitted"),
        office.says(MAN, "survivor_plan_made", "2022-06-28"),
    )
    outcome = refer(office, on)
    assert outcome.result == result
    if result == "refused":
        refused(outcome, "SR-16", "DVPP takes no referrals on 01/07/2022")


def test_sr_16_nor_does_a_direction_of_a_later_day_open_it():
    office = Office(empty(), SETTINGS.model_copy(update={"profile": "dated"})).case()
    assert "takes no referrals on 01/07/2022" in office.opens(MAN, on="2022-07-01")


def test_sr_16_a_suspended_provider_takes_no_referral():
    office = gate_passed(one())
    office.put(t.Provider, {"code": "P1"}, suspended_from=day("2026-01-01"))
    refused(refer(office), "SR-16", "P1 is suspended")
    taken(refer(office, provider="P2"))


def test_sr_19_a_final_order_asks_the_service_manager_and_blocks_nothing(office: Office):
    with writing(office.engine) as c:
        c.execute(t.Direction.__table__.update().where(t.Direction.reference == "D1").values(in_final_order=True))
    office.round("2026-01-05")
    assert office.pathway(MAN).label == "Awaiting final order review"
    assert {("SM1", "final-order"), ("FCA1", "final-order")} <= office.told(MAN)
    taken(refer(gate_passed(office)))
    assert office.round("2026-01-07").owed(MAN)["final_order_review"] == "SM1"
    refused(office.says(MAN, "final_order_reviewed", "2026-01-08", decision="go_on"), None, "by a service manager")
    taken(office.says(MAN, "final_order_reviewed", "2026-01-08", by="SM1", decision="go_on"))
    assert "final_order_review" not in office.round("2026-01-08").owed(MAN)


@pytest.mark.parametrize("silent_from", ["referred", "assessed", "in the programme", "half way"])
def test_sr_21_wherever_it_falls_silent_it_is_never_complete(silent_from: str):
    office = one()
    if silent_from == "referred":
        taken(refer(gate_passed(office)))
    elif silent_from == "assessed":
        assessed(office)
    else:
        in_programme(office)
    for week in range(1, 14 if silent_from == "half way" else 1):
        taken(reports(office, week))
    for n in (1, 60, 120, 240, 400):
        office.round(date(2026, 5, 1) + timedelta(days=n))
    assert office.pathway(MAN).closed_on is None
    assert {row.wording for row in office.rows(t.NoticeRow, pathway=MAN)}.isdisjoint({"report-received", "not-engaged"})


def test_sr_21_a_week_still_to_come_is_not_reported_on():
    office = in_programme(one())
    refused(reports(office, 3, on="2026-02-11"), None, "week 3 begins on 12 February 2026 at the earliest")
    taken(reports(office, 3, on="2026-02-12"))


# What belongs to which programme, and to whom ------------------------------------------------------------------------


def test_what_is_of_dvpp_is_refused_on_spip_and_the_other_way_round():
    office = one()
    refused(
        office.says("SPIP-D2", "survivor_plan_made", "2026-01-06"),
        None,
        "survivor_plan_made is of DVPP; SPIP-D2 is SPIP",
    )
    refused(office.books(MAN, "S1", "2026-01-06", "2026-01-16"), None, "session_booked is of SPIP; DVPP-D1 is DVPP")
    assert office.says(MAN, "assessment_opened", "2026-01-06").result == "refused"


@pytest.mark.parametrize(
    ("kind", "details"),
    [("programme_started", {"weeks": 26}), ("assessment_done", {}), ("assessment_missed", {}), ("refused", {})],
)
def test_only_the_provider_that_was_sent_the_referral_reports_on_him(
    office: Office, kind: str, details: dict[str, Any]
):
    assessed(office)
    outcome = office.says(MAN, kind, "2026-02-04", by="P2", **details)
    assert (outcome.result, outcome.field) == ("refused", "recorded_by")
    taken(office.says(MAN, kind, "2026-02-04", by="P1", **details))


def test_a_provider_that_gave_it_back_reports_on_him_no_more():
    office = in_programme(one())
    taken(office.says(MAN, "referral_recalled", "2026-02-10", provider="P1", reason="other"))
    refused(reports(office, 2, on="2026-02-11"), None, "does not hold this referral")
    taken(refer(office, "2026-02-11", "P2"))
    refused(reports(office, 2, on="2026-02-11"), None, "P1 does not hold this referral; P2 does")


@pytest.mark.parametrize(("weeks", "result"), [(25, "refused"), (26, "recorded"), (32, "recorded"), (33, "refused")])
def test_a_programme_has_26_to_32_weeks(weeks: int, result: str):
    outcome = assessed(one()).says(MAN, "programme_started", "2026-02-04", by="P1", weeks=weeks)
    assert outcome.result == result
    if result == "refused":
        assert (outcome.field, outcome.why) == ("weeks", "a programme has 26 to 32 weekly sessions")


def test_a_week_is_reported_on_once_and_otherwise_corrected(office: Office):
    in_programme(office)
    first = reports(office, 1, "absent")
    assert reports(office, 1, "absent").result == "unchanged"
    refused(reports(office, 1, "attended"), None, f"contradicts fact {first.fact_id}")
    refused(reports(office, 1, "attended", on="2026-02-05"), None, f"contradicts fact {first.fact_id}")
    taken(reports(office, 1, "attended", supersedes=first.fact_id), reports(office, 2))


@pytest.mark.parametrize(
    ("kind", "details"),
    [("assessment_reported", {"result": "failed", "reason": "risk"}), ("programme_started", {"weeks": 30})],
)
def test_a_provider_says_once_what_happens_once(kind: str, details: dict[str, Any]):
    office = in_programme(one())
    refused(office.says(MAN, kind, "2026-02-10", by="P1", **details), None, "contradicts fact")


def test_under_another_provider_he_is_assessed_and_begins_anew_with_week_1(office: Office):
    in_programme(office)
    taken(reports(office, 1), office.says(MAN, "referral_recalled", "2026-02-10", provider="P1", reason="other"))
    office.round("2026-02-10")
    taken(
        refer(office, "2026-02-11", "P2"),
        office.says(MAN, "acknowledged", "2026-02-11", by="P2", provider="P2"),
        office.says(MAN, "assessment_reported", "2026-02-25", by="P2", result="accepted"),
        office.says(MAN, "programme_started", "2026-03-04", by="P2", weeks=26),
    )
    again = reports(office, 1, "absent", on="2026-03-04", by="P2")
    taken(again)
    refused(reports(office, 1, "attended", on="2026-03-04", by="P2"), None, f"contradicts fact {again.fact_id}")
    refused(reports(office, 3, on="2026-03-06", by="P2"), None, "week 3 begins on 12 March 2026")
    weeks = office.round("2026-03-05").rows(t.DutyRow, pathway=MAN, kind="weekly_attendance")
    assert [(row.on_code, row.state) for row in weeks] == [("P1", "met"), ("P2", "met")]


def test_a_failed_assessment_says_why():
    with pytest.raises(ValueError, match="a failed assessment says why"):
        assessed(one(), "failed")
    with pytest.raises(ValueError, match="a failed assessment says why"):
        assessed(one(), "accepted", reason="risk")


def test_in_weeks_in_which_the_providers_groups_are_closed_nothing_is_owed_and_it_ends_later():
    office = in_programme(one())
    with writing(office.engine) as c:
        closed = {"provider": "P1", "closed_from": day("2026-03-30"), "closed_until": day("2026-04-12")}
        c.execute(t.Closure.__table__.insert(), closed)
    office.round("2026-08-13")
    opened = [row.opened_on for row in office.rows(t.DutyRow, pathway=MAN, kind="weekly_attendance")]
    assert len(opened) == 26
    assert not [one for one in opened if day("2026-03-30") <= one <= day("2026-04-12")]
    assert opened[-1] == day("2026-08-12")  # 29 July, had there been none


# What mail says -------------------------------------------------------------------------------------------------------


def test_an_absence_is_mailed_at_any_hour_of_any_day():
    with Sink() as sink:
        office = in_programme(ordered(Office(empty(), mailing(sink)).case()))
        for week in (1, 2):
            taken(reports(office, week, "absent"))
        office.round("2026-02-13").mail(moment(day("2026-02-14"), 3))  # a Saturday, at three in the morning
        subjects = [mail.message["Subject"] for mail in sink.received]
    assert "DVPP-D1: absences, your review is due" in subjects


# What others rest on --------------------------------------------------------------------------------------------------


def test_the_gate_is_not_taken_back_once_he_was_referred_on_it():
    office = gate_passed(one())
    plan = office.rows(t.FactRow, kind="survivor_plan_made")[0].id
    taken(refer(office))
    why = refused(office.says(MAN, "retracted", "2026-01-08", supersedes=plan), None)
    assert (
        why
        == "survivor plan made is not corrected any more: he was referred on it; record suitability_decided, or raise a risk"
    )


def test_a_referral_is_taken_once_and_not_given_back_before_what_its_provider_has_done():
    office = in_programme(one())
    refused(
        office.says(MAN, "acknowledged", "2026-01-09", by="P1", provider="P1"),
        None,
        "acknowledged this referral on 8 January",
    )
    recall = {"by": "CO1", "provider": "P1", "reason": "suspended", "at": moment(date(2026, 2, 5))}
    refused(
        office.says(MAN, "referral_recalled", "2026-01-20", **recall),
        None,
        "did something under this referral on 4 February",
    )


def test_nobody_has_completed_a_programme_whose_weeks_are_not_over():
    office = in_programme(one())
    why = refused(office.says(MAN, "final_reported", "2026-03-04", by="P1", outcome="completed"), None)
    assert "weekly sessions until 29 July 2026 at the earliest" in why
    taken(office.says(MAN, "final_reported", "2026-03-04", by="P1", outcome="not_completed"))


def test_what_stands_in_for_a_retraction_is_of_the_kind_that_was_retracted():
    """Or a new risk could take the place of something older than the review of another, and count as reviewed."""
    office = one()
    heard = office.says("CASE1", "hearing_listed", "2026-01-06", hearing_on="2026-03-02")
    gone = office.says("CASE1", "retracted", "2026-01-07", supersedes=heard.fact_id)
    refused(
        office.says("CASE1", "risk_raised", "2026-01-08", supersedes=gone.fact_id),
        None,
        "is hearing_listed; a correction is of the same kind",
    )
    again = {"supersedes": gone.fact_id, "hearing_on": "2026-03-09"}
    taken(office.says("CASE1", "hearing_listed", "2026-01-08", **again))


def test_a_correction_after_the_referral_was_given_back_leaves_the_pathway_in_order():
    office = gate_passed(one())
    sent = refer(office)
    acknowledged = office.says(MAN, "acknowledged", "2026-01-08", by="P1", provider="P1")
    taken(
        sent,
        acknowledged,
        office.says(MAN, "referral_recalled", "2026-01-12", by="CO1", provider="P1", reason="suspended"),
    )
    office.round("2026-01-12")
    office.says(
        MAN,
        "acknowledged",
        "2026-01-09",
        by="P1",
        provider="P1",
        supersedes=acknowledged.fact_id,
        at=moment(date(2026, 1, 13)),
    )
    office.round("2026-01-13")
    assert office.pathway(MAN).label == "Awaiting referral"
