"""Who holds a referral, and what is said of it: one provider at a time, and never anything that is no longer true."""

from collections import Counter
from dataclasses import replace

import pytest

from models import tables as t
from store.ask import overdue
from store.database import reading
from store.record import Outcome
from tests.life import day
from tests.smtp_sink import Sink
from tests.world import Office, empty, evening, mailing, moment


@pytest.fixture
def office() -> Office:
    made = Office(empty()).case()
    made.opens()
    return made


@pytest.fixture
def twins(office: Office) -> Office:
    """Both parents, each with a pathway of their own."""
    office.opens("SPIP-D2", "PB")
    return office


@pytest.fixture
def sink():
    with Sink() as running:
        yield running


# One holder at a time ------------------------------------------------------------------------------------------------


def test_a_second_referral_waits_until_the_first_is_given_back(office: Office):
    office.acknowledged()
    refused = office.says("SPIP-D1", "referral_sent", "2026-01-08", provider="P2")
    assert refused.result == "refused" and "P1 holds this referral" in refused.why
    office.says("SPIP-D1", "referral_recalled", "2026-01-08", provider="P1", reason="no_answer")
    assert office.says("SPIP-D1", "referral_sent", "2026-01-08", provider="P2").result == "recorded"
    office.advance("2026-01-08")
    assert office.pathway().provider == "P2"
    assert {("P1", "referral-withdrawn"), ("P2", "referral")} <= office.told()


def test_only_the_provider_that_holds_a_referral_answers_it(office: Office):
    office.referred()
    for kind, more in (("acknowledged", {}), ("referral_declined", {"reason": "other"})):
        assert office.says("SPIP-D1", kind, "2026-01-07", provider="P2", **more).result == "refused"


def test_a_decline_after_the_acknowledgement_sends_it_to_the_next(office: Office):
    office.acknowledged()
    office.says("SPIP-D1", "referral_declined", "2026-01-09", provider="P1", reason="no_capacity")
    office.advance("2026-01-09")
    assert (office.pathway().label, office.pathway().provider) == ("Awaiting referral", None)
    assert office.owed()["referral"] == "CO1"


def test_the_parent_is_written_to_about_each_provider_that_takes_it(office: Office):
    def letters() -> list[tuple[str, object]]:
        return [(row.state, row.closed_on) for row in office.rows(t.DutyRow, kind="letter_referral_made")]

    written = {"by": "BS1", "letter": "referral-made"}
    office.acknowledged().says("SPIP-D1", "letter_sent", "2026-01-08", **written)
    office.says("SPIP-D1", "referral_recalled", "2026-02-02", by="CO1", provider="P1", reason="no_answer")
    office.says("SPIP-D1", "referral_sent", "2026-02-03", by="CO1", provider="P2")
    office.says("SPIP-D1", "acknowledged", "2026-02-04", by="P2", provider="P2")
    office.round("2026-02-04")
    assert letters() == [("met", day("2026-01-08")), ("open", None)]
    assert office.says("SPIP-D1", "letter_sent", "2026-02-05", **written).result == "recorded"
    office.round("2026-02-05")
    assert letters() == [("met", day("2026-01-08")), ("met", day("2026-02-05"))]


def test_a_letter_about_the_second_provider_is_none_about_the_first(office: Office):
    office.acknowledged().round("2026-01-07")
    office.says("SPIP-D1", "referral_declined", "2026-01-08", provider="P1", reason="no_capacity")
    office.says("SPIP-D1", "referral_sent", "2026-01-09", provider="P2")
    office.says("SPIP-D1", "acknowledged", "2026-01-12", by="P2", provider="P2")
    office.says("SPIP-D1", "letter_sent", "2026-01-13", by="BS1", letter="referral-made")
    office.round("2026-01-13")
    states = [(row.state, row.closed_on) for row in office.rows(t.DutyRow, kind="letter_referral_made")]
    assert states == [("dropped", day("2026-01-08")), ("met", day("2026-01-13"))]


def test_a_provider_that_declined_may_be_asked_again_on_another_day(office: Office):
    office.referred()
    office.says("SPIP-D1", "referral_declined", "2026-01-07", provider="P1", reason="no_capacity")
    assert office.says("SPIP-D1", "referral_sent", "2026-01-12", provider="P1").result == "recorded"


def test_a_referral_that_went_out_is_recalled_and_not_corrected_to_another_provider(office: Office):
    office.referred()
    sent = office.rows(t.FactRow, kind="referral_sent")[0].id
    for kind, more in (("referral_sent", {"provider": "P2"}), ("retracted", {})):
        assert "recall" in office.says("SPIP-D1", kind, "2026-01-07", supersedes=sent, **more).why


def test_sr_03_a_seat_outlives_the_referral_until_it_is_cancelled(twins: Office):
    twins.acknowledged("SPIP-D1")
    twins.books("SPIP-D1", "S1", "2026-01-08", "2026-01-20")
    twins.says("SPIP-D1", "referral_declined", "2026-01-09", provider="P1", reason="other")
    twins.acknowledged("SPIP-D2")
    assert twins.books("SPIP-D2", "S1", "2026-01-10", "2026-01-20").rule == "SR-03"
    twins.says("SPIP-D1", "session_cancelled", "2026-01-11", session="S1", cancelled_by="provider")
    assert twins.books("SPIP-D2", "S1", "2026-01-12", "2026-01-20").result == "recorded"


@pytest.fixture
def withdrawn(twins: Office) -> Office:
    """One parent withdrew with a session still to come; the other is to be booked by the same provider."""
    twins.acknowledged("SPIP-D1")
    twins.books("SPIP-D1", "S1", "2026-01-08", "2026-01-20")
    twins.says("SPIP-D1", "withdrawn", "2026-01-09", reason="agreement_reached")
    assert twins.round("2026-01-09").pathway("SPIP-D1").closed_on
    return twins.acknowledged("SPIP-D2")


def test_sr_03_a_withdrawn_parents_seat_keeps_the_other_out_until_it_is_cancelled(withdrawn: Office):
    assert withdrawn.books("SPIP-D2", "S1", "2026-01-10", "2026-01-20").rule == "SR-03"
    cancelled = withdrawn.says(
        "SPIP-D1", "session_cancelled", "2026-01-12", session="S1", cancelled_by="provider", by="P1"
    )
    assert cancelled.result == "recorded", cancelled.why
    assert withdrawn.books("SPIP-D2", "S1", "2026-01-13", "2026-01-20").result == "recorded"
    assert withdrawn.round("2026-01-13").pathway("SPIP-D1").label == "Closed: agreement reached"


def test_sr_03_a_session_that_is_over_keeps_nobody_out_of_another_that_is_called_alike(withdrawn: Office):
    assert withdrawn.books("SPIP-D2", "S1", "2026-01-20", "2026-01-27", at=moment(day("2026-01-20"))).rule == "SR-03"
    assert withdrawn.books("SPIP-D2", "S1", "2026-01-21", "2026-01-27").result == "recorded"


def test_what_was_attended_is_not_cancelled_after_the_end(office: Office):
    office.awaiting_report()
    said = {"by": "P1", "session": "S-SPIP-D1"}
    office.says("SPIP-D1", "attendance_reported", "2026-01-16", **said, result="attended")
    office.says("SPIP-D1", "next_step_taken", "2026-01-16", by="P1", step="none")
    assert office.round("2026-01-16").pathway().closed_on
    refused = office.says("SPIP-D1", "session_cancelled", "2026-01-19", **said, cancelled_by="person")
    assert (refused.result, "was reported on (attended)" in refused.why) == ("refused", True)


# What is put right ---------------------------------------------------------------------------------------------------


def test_no_next_step_is_taken_from_an_attendance_that_was_corrected_to_an_absence(office: Office):
    office.awaiting_report()
    report = {"by": "P1", "session": "S-SPIP-D1"}
    attended = office.says("SPIP-D1", "attendance_reported", "2026-01-16", **report, result="attended").fact_id
    office.says("SPIP-D1", "attendance_reported", "2026-01-16", **report, result="absent", supersedes=attended)
    refused = office.says("SPIP-D1", "next_step_taken", "2026-01-19", by="P1", step="girfc")
    assert (refused.result, "a session that was attended" in refused.why) == ("refused", True)
    office.books("SPIP-D1", "S2", "2026-01-20", "2026-01-27")
    office.says("SPIP-D1", "attendance_reported", "2026-01-27", by="P1", session="S2", result="late")
    assert office.says("SPIP-D1", "next_step_taken", "2026-01-26", by="P1", step="girfc").result == "refused"
    assert office.says("SPIP-D1", "next_step_taken", "2026-01-27", by="P1", step="girfc").result == "recorded"


# What opens a pathway stays ------------------------------------------------------------------------------------------


def test_what_opened_a_pathway_is_neither_recorded_corrected_nor_retracted(office: Office):
    opened = office.rows(t.FactRow, kind="requested")[0].id
    for kind, more in (
        ("requested", {"route": "adviser"}),
        ("requested", {"route": "adviser", "supersedes": opened}),
        ("retracted", {"supersedes": opened}),
    ):
        assert office.says("SPIP-D1", kind, "2026-01-06", **more).result == "refused"
    assert not office.advance("2026-01-06").failed


def test_a_withdrawal_is_not_taken_back_once_the_person_has_another_pathway(office: Office):
    office.referred()
    office.says("SPIP-D1", "withdrawn", "2026-01-07", reason="data_error")
    office.advance("2026-01-07")
    assert office.opens("SPIP-D9", on="2026-01-08") == ""
    withdrawn = office.rows(t.FactRow, kind="withdrawn")[0].id
    assert "SPIP-D9 open" in office.says("SPIP-D1", "retracted", "2026-01-09", supersedes=withdrawn).why


def test_no_pathway_opens_once_proceedings_have_ended(office: Office):
    office.says("CASE1", "proceedings_ended", "2026-01-06")
    assert "ended" in office.opens("SPIP-D2", "PB", on="2026-01-07")


# Risk and suitability ------------------------------------------------------------------------------------------------


def test_sr_14_two_risks_of_one_day_are_told_apart_by_their_reference(office: Office):
    office.acknowledged()
    office.says("CASE1", "risk_raised", "2026-01-08")
    office.says("SPIP-D1", "risk_reviewed", "2026-01-09", decision="continue")
    again = office.record(office.reported("CASE1", "risk_raised", "2026-01-08", at=moment(day("2026-01-20")))).outcomes[
        0
    ]
    assert again.result == "unchanged" and "risk=" in again.why
    other = office.reported("CASE1", "risk_raised", "2026-01-08", at=moment(day("2026-01-20")), risk="RISK-2")
    assert office.record(other).outcomes[0].result == "recorded"
    office.advance("2026-01-20")
    assert office.pathway().state == "safeguarding_hold"


def test_sr_14_a_risk_entered_after_a_review_needs_one_of_its_own_whatever_its_dates(office: Office):
    office.acknowledged()
    office.says("CASE1", "risk_raised", "2026-01-12", risk="RISK-1")
    office.says("SPIP-D1", "risk_reviewed", "2026-01-13", decision="continue")
    backdated = office.reported("CASE1", "risk_raised", "2026-01-08", at=moment(day("2026-01-09")), risk="RISK-2")
    office.record(backdated, now=evening(day("2026-01-20")))
    office.advance("2026-01-20")
    assert office.pathway().state == "safeguarding_hold"


def test_what_is_unsuitable_is_neither_referred_nor_booked_and_its_provider_is_told_to_wait(office: Office):
    office.acknowledged()
    office.says("SPIP-D1", "suitability_decided", "2026-01-09", suitable=False)
    office.advance("2026-01-09")
    assert office.books("SPIP-D1", "S1", "2026-01-10", "2026-01-20").rule == "SR-01"
    assert ("P1", "referral-paused") in office.told()
    assert office.pathway().provider == "P1"  # its place is not given away


def test_a_gate_that_is_lost_after_the_referral_stops_bookings_and_tells_the_provider(office: Office):
    office.acknowledged()
    letter = office.rows(t.FactRow, kind="safeguarding_letter_filed")[0].id
    office.says("CASE1", "retracted", "2026-01-08", supersedes=letter)
    office.advance("2026-01-08")
    assert office.books("SPIP-D1", "S1", "2026-01-09", "2026-01-20").rule == "SR-01"
    assert ("P1", "referral-paused") in office.told()


def test_a_risk_after_the_end_asks_nothing_of_anybody(office: Office):
    office.acknowledged()
    office.says("SPIP-D1", "refused", "2026-01-08")
    office.says("SPIP-D1", "breach_decided", "2026-01-09", decision="no_report")
    office.advance("2026-01-09")
    before = office.told()
    office.says("CASE1", "risk_raised", "2026-01-20")
    office.advance("2026-01-20")
    assert office.told() == before
    assert "risk_review" not in office.owed()


def test_sr_16_a_referral_dated_back_is_judged_by_today_too(office: Office):
    office.says("SPIP-D1", "safeguarding_letter_filed", "2026-01-06")
    office.put(t.Provider, {"code": "P1"}, suspended_from=day("2026-01-10"))
    dated_back = office.reported("SPIP-D1", "referral_sent", "2026-01-09", at=moment(day("2026-01-15")), provider="P1")
    assert office.record(dated_back).outcomes[0].rule == "SR-16"


def test_the_officer_is_told_when_a_late_provider_is_suspended_and_so_not_chased(office: Office):
    office.awaiting_report(held="2026-01-09").round("2026-01-12")
    office.put(t.Provider, {"code": "P1"}, suspended_from=day("2026-01-13"))
    office.rounds("2026-01-13", "2026-01-30")
    assert ("CO1", "suspended") in office.told()
    assert not [chase for chase in office.chases() if chase[2] == "P1" and chase[0] != "R0"]


# What is still true when it goes out ---------------------------------------------------------------------------------


def test_a_referral_withdrawn_before_its_mail_went_is_not_announced(sink: Sink):
    office = Office(empty(), mailing(sink)).case()
    office.opens()
    office.referred(on="2026-01-09").advance("2026-01-09")  # a Friday, after hours
    office.says("SPIP-D1", "withdrawn", "2026-01-10", reason="data_error")
    office.advance("2026-01-10")
    office.mail(moment(day("2026-01-12"), 9))
    subjects = [mail.message["Subject"] for mail in sink.received if "p1@" in mail.message["To"]]
    assert subjects == ["SPIP-D1: referral withdrawn"]


def test_a_referral_on_hold_waits_and_goes_out_when_it_goes_on(sink: Sink):
    office = Office(empty(), mailing(sink)).case()
    office.opens()
    office.referred(on="2026-01-09").advance("2026-01-09")
    office.says("SPIP-D1", "held", "2026-01-10", reason="data_query")
    office.advance("2026-01-10")
    office.mail(moment(day("2026-01-12"), 9))
    assert not [mail for mail in sink.received if "new SPIP referral" in mail.message["Subject"]]
    office.says("SPIP-D1", "released", "2026-01-12")
    office.advance("2026-01-12")
    office.mail(moment(day("2026-01-13"), 9))
    assert [mail for mail in sink.received if "new SPIP referral" in mail.message["Subject"]]


def test_nobody_is_chased_for_what_they_did_before_the_digest_went(sink: Sink):
    office = Office(empty(), mailing(sink)).case()
    office.opens()
    office.awaiting_report(held="2026-01-09").rounds("2026-01-12", "2026-01-19")  # due on the 16th, chased on the 19th
    office.says("SPIP-D1", "attendance_reported", "2026-01-19", session="S-SPIP-D1", result="attended")
    office.advance("2026-01-19")
    office.mail(moment(day("2026-01-20"), 9))
    assert not [mail for mail in sink.received if "p1@" in mail.message["To"] and "late" in mail.message["Subject"]]


def test_a_providers_digest_holds_all_it_is_late_with_whatever_took_a_step(sink: Sink):
    office = Office(empty(), mailing(sink)).case()
    for n, held in enumerate(("2026-01-07", "2026-01-09"), 1):
        office.case(f"CASE{n + 1}", (f"P{n}A", f"P{n}B"))
        office.opens(f"SPIP-D{n}", f"P{n}A", case=f"CASE{n + 1}", on="2026-01-02")
        office.says(f"SPIP-D{n}", "safeguarding_letter_filed", "2026-01-02")
        office.says(f"SPIP-D{n}", "referral_sent", "2026-01-02", provider="P1")
        office.says(f"SPIP-D{n}", "acknowledged", "2026-01-02", provider="P1")
        office.books(f"SPIP-D{n}", f"S{n}", "2026-01-02", held)
    office.rounds("2026-01-12", "2026-01-19")  # due on the 14th and the 16th; first chased on the 15th and the 19th
    office.gather(moment(day("2026-01-19"), 9))
    sent: Counter[str] = office.send(moment(day("2026-01-19"), 9))
    assert sent
    digest = next(
        mail for mail in sink.received if mail.message["To"] == "p1@p.example" and "late" in mail.message["Subject"]
    )
    text = digest.message.get_body(("plain",)).get_content()
    assert "SPIP-D1" in text and "SPIP-D2" in text


def test_a_fact_that_cannot_be_read_stops_its_own_pathway_only(twins: Office):
    twins.referred("SPIP-D1").opens("SPIP-D3", "PB")
    twins.put(t.FactRow, {"kind": "referral_sent"}, payload={"provider": None})
    done = twins.advance("2026-01-07")
    assert [one.reference for one in done.failed] == ["SPIP-D1"]
    assert twins.pathway("SPIP-D2").label == "Awaiting referral"
    assert "cannot be read" in twins.says("SPIP-D1", "acknowledged", "2026-01-08", provider="P1").why


def test_a_hold_after_the_due_date_gives_the_ladder_its_days_back(office: Office):
    office.awaiting_report(held="2026-01-09").rounds("2026-01-12", "2026-01-20")  # due on the 16th, R1 on the 19th
    office.says("SPIP-D1", "held", "2026-01-20", reason="court_request")
    office.rounds("2026-01-21", "2026-02-10")
    office.says("SPIP-D1", "released", "2026-02-10")
    office.rounds("2026-02-10", "2026-02-13")
    assert {step for step, role, _ in office.chases() if role == "provider"} == {"R0", "R1", "R2"}
    assert {row.step for row in office.rows(t.DutyRow, kind="attendance_report")} == {"R2"}


# Who may say what ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["safeguarding_letter_filed", "enquiries_done", "proceedings_ended"])
def test_a_provider_does_not_open_the_gate_or_end_the_case(office: Office, kind: str):
    assert "for staff" in office.says("CASE1", kind, "2026-01-06", by="P1").why


@pytest.mark.parametrize("kind", ["safeguarding_letter_filed", "enquiries_done"])
def test_sr_01_nor_does_a_provider_open_the_gate_of_a_pathway_still_to_come(kind: str):
    office = Office(empty()).case()
    assert "for staff" in office.says("CASE1", kind, "2026-01-04", by="P1").why


def test_a_provider_reports_only_under_a_referral_it_was_sent(office: Office):
    office.awaiting_report()
    report = {"session": "S-SPIP-D1", "result": "attended"}
    assert "was not sent" in office.says("SPIP-D1", "attendance_reported", "2026-01-16", by="P2", **report).why
    assert office.says("SPIP-D1", "attendance_reported", "2026-01-16", by="P1", **report).result == "recorded"


def test_a_provider_may_raise_a_risk_at_any_time(office: Office):
    assert office.says("CASE1", "risk_raised", "2026-01-06", by="P2").result == "recorded"


def test_only_advisers_and_service_managers_decide_a_breach(office: Office):
    office.acknowledged().says("SPIP-D1", "refused", "2026-01-08")
    assert office.says("SPIP-D1", "breach_decided", "2026-01-09", by="CO1", decision="retry").result == "refused"
    assert office.says("SPIP-D1", "breach_decided", "2026-01-09", by="SM1", decision="retry").result == "recorded"


def test_a_second_hold_of_one_day_has_a_reference_of_its_own(office: Office):
    office.says("SPIP-D1", "held", "2026-01-06", reason="data_query")
    office.says("SPIP-D1", "released", "2026-01-06")
    assert "hold=" in office.says("SPIP-D1", "held", "2026-01-06", reason="data_query").why
    assert office.says("SPIP-D1", "held", "2026-01-06", reason="data_query", hold="HOLD-2").result == "recorded"
    office.advance("2026-01-06")
    assert office.pathway().state == "on_hold"


def by_hand(office: Office, subject: str, kind: str, on: str, **more) -> Outcome:
    """What somebody says of what stands open now."""
    return office.record(replace(office.reported(subject, kind, on, **more), now=True)).outcomes[0]


def test_what_is_put_on_hold_again_on_the_day_of_its_release_is_released_again(office: Office):
    for hold in (None, "H-2", "H-3"):
        assert office.says("SPIP-D1", "held", "2026-01-06", reason="data_query", hold=hold).result == "recorded"
        assert office.round("2026-01-06").pathway().state == "on_hold"
        assert by_hand(office, "SPIP-D1", "released", "2026-01-06").result == "recorded"
        assert office.round("2026-01-06").pathway().state != "on_hold"
    assert by_hand(office, "SPIP-D1", "released", "2026-01-06").result == "unchanged"


def test_a_release_ends_every_hold_that_is_open(office: Office):
    for hold in ("H-1", "H-2"):
        office.says("SPIP-D1", "held", "2026-01-06", reason="data_query", hold=hold)
    office.says("SPIP-D1", "released", "2026-01-07")
    assert office.round("2026-01-07").pathway().state != "on_hold"


def test_what_is_on_hold_is_listed_after_what_is_late_and_can_be_done(twins: Office):
    twins.awaiting_report("SPIP-D1", held="2026-01-12").awaiting_report("SPIP-D2", held="2026-01-19")
    twins.round("2026-02-02").says("SPIP-D1", "held", "2026-02-02", reason="court_request")

    def late() -> list[tuple[str, str]]:
        with reading(twins.engine) as connection:
            return [(row["pathway"], row["owed"]) for row in overdue(connection, day("2026-02-13"))]

    reports = [("SPIP-D1", "attendance report"), ("SPIP-D2", "attendance report")]
    assert [one for one in late() if one in reports] == reports
    twins.round("2026-02-02")
    assert late()[-1] == reports[0] and reports[1] in late()


def test_what_is_not_on_hold_is_not_released(office: Office):
    office.says("SPIP-D1", "held", "2026-01-06", reason="data_query")
    office.says("SPIP-D1", "released", "2026-01-07")
    refused = by_hand(office, "SPIP-D1", "released", "2026-01-08")
    assert refused.result == "refused" and "not on hold; it was released on 7 January 2026" in refused.why


def test_a_file_loaded_again_does_not_release_what_was_put_on_hold_since(office: Office):
    office.says("SPIP-D1", "held", "2026-01-06", reason="data_query")
    office.says("SPIP-D1", "released", "2026-01-06")
    office.says("SPIP-D1", "held", "2026-01-06", reason="data_query", hold="H-2")
    assert office.says("SPIP-D1", "released", "2026-01-06").result == "unchanged"
    assert office.round("2026-01-06").pathway().state == "on_hold"


@pytest.mark.parametrize("reason", ["data_query", "party_unwell"])
def test_a_hold_that_is_over_is_not_corrected_into_a_new_one(office: Office, reason: str):
    held = office.says("SPIP-D1", "held", "2026-01-06", reason="data_query").fact_id
    office.says("SPIP-D1", "released", "2026-01-06")
    assert "hold=" in office.says("SPIP-D1", "held", "2026-01-06", reason=reason).why
    refused = office.says("SPIP-D1", "held", "2026-01-06", reason=reason, hold="H-9", supersedes=held)
    assert refused.result == "refused" and "this hold is over" in refused.why


def test_a_hold_recorded_in_error_is_put_anew_with_a_reference(office: Office):
    held = office.says("SPIP-D1", "held", "2026-01-06", reason="data_query").fact_id
    office.says("SPIP-D1", "retracted", "2026-01-06", supersedes=held)
    assert "hold=" in by_hand(office, "SPIP-D1", "held", "2026-01-06", reason="data_query").why


def test_sr_14_a_second_risk_of_one_day_is_reviewed_on_that_day_too(office: Office):
    office.acknowledged()
    for risk in ("R-1", "R-2"):
        office.says("CASE1", "risk_raised", "2026-01-08", risk=risk)
        assert office.round("2026-01-08").pathway().state == "safeguarding_hold"
        assert by_hand(office, "SPIP-D1", "risk_reviewed", "2026-01-08", decision="continue").result == "recorded"
        assert office.round("2026-01-08").pathway().state != "safeguarding_hold"


# Found by fuzzing ----------------------------------------------------------------------------------------------------


def test_sr_03_a_provider_whose_referral_was_recalled_books_nothing(twins: Office):
    twins.acknowledged("SPIP-D1")
    twins.says("SPIP-D1", "referral_recalled", "2026-01-08", provider="P1", reason="no_answer")
    assert twins.books("SPIP-D1", "S1", "2026-01-09", "2026-01-20", by="P1").result == "refused"
    twins.says("SPIP-D1", "referral_sent", "2026-01-09", provider="P2")
    assert "P2 does" in twins.books("SPIP-D1", "S1", "2026-01-10", "2026-01-20", by="P1").why


def test_neither_a_decline_nor_a_recall_is_taken_back(office: Office):
    office.referred()
    office.says("SPIP-D1", "referral_declined", "2026-01-07", provider="P1", reason="no_capacity")
    office.says("SPIP-D1", "referral_sent", "2026-01-08", provider="P2")
    declined = office.rows(t.FactRow, kind="referral_declined")[0].id
    assert "not corrected" in office.says("SPIP-D1", "retracted", "2026-01-09", supersedes=declined).why


def test_a_referral_is_not_dated_before_the_last_was_given_back(office: Office):
    office.referred()
    office.says("SPIP-D1", "referral_declined", "2026-01-09", provider="P1", reason="no_capacity")
    dated_back = office.reported("SPIP-D1", "referral_sent", "2026-01-08", at=moment(day("2026-01-09")), provider="P2")
    assert "given back on 9 January" in office.record(dated_back).outcomes[0].why


def test_a_withdrawal_recorded_earlier_than_the_request_still_ends_it(office: Office):
    early = office.reported("SPIP-D1", "withdrawn", "2026-01-05", at=moment(day("2026-01-05"), 9), reason="data_error")
    office.record(early)
    assert not office.advance("2026-01-05").failed
    assert office.pathway().state == "closed_withdrawn"


def test_nobody_is_told_to_go_on_while_something_else_still_holds_it(office: Office):
    office.acknowledged()
    office.says("SPIP-D1", "held", "2026-01-08", reason="court_request")
    office.says("CASE1", "risk_raised", "2026-01-09")
    office.says("SPIP-D1", "released", "2026-01-12")
    office.advance("2026-01-12")
    resumed = office.rows(t.NoticeRow, wording="referral-resumed")
    assert [notice.withheld for notice in resumed] == ["overtaken"]


@pytest.mark.parametrize(
    "end", [("SPIP-D1", "withdrawn", {"reason": "data_error"}), ("CASE1", "proceedings_ended", {})]
)
def test_nothing_is_sent_or_booked_after_the_end_even_before_the_pathway_is_advanced(office: Office, end):
    about, kind, details = end
    office.acknowledged()
    office.says(about, kind, "2026-01-08", **details)
    assert "is over" in office.books("SPIP-D1", "S1", "2026-01-09", "2026-01-20").why


def test_a_discharge_is_not_taken_back_once_the_person_has_another_pathway(office: Office):
    office.says("SPIP-D1", "direction_discharged", "2026-01-06")
    office.advance("2026-01-06")
    assert office.opens("SPIP-D9", on="2026-01-07") == ""
    discharged = office.rows(t.FactRow, kind="direction_discharged")[0].id
    assert "SPIP-D9 open" in office.says("SPIP-D1", "retracted", "2026-01-08", supersedes=discharged).why
