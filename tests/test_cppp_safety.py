"""CPPP through the real store: what is refused and by which rule, what is opened, who may run it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from models import tables as t
from models.facts.base import KINDS
from notifications.wording import said
from store.database import database, writing
from store.migrate import migrate
from store.record import Outcome
from tests.life import day, moment
from tests.test_intake import Desk
from tests.test_migrations import earlier
from tests.test_safety import refused
from tests.world import SETTINGS, Office, at_once, empty

R1 = "CPPP-R1"
CRITERIA = ("both_willing", "court_still_needed", "harmful_conflict", "safe_together")


def session(code: str, held: str, sitting: str, **whose: str) -> tuple[str, str, dict[str, Any]]:
    times = {"starts_at": moment(day(held)), "ends_at": moment(day(held), 13)}
    return "session_set", "2026-02-12", {"session": code, "sitting": sitting, **times, **whose}


STORY: list[tuple[str, str, dict[str, Any]]] = [
    ("further_work_ordered", "2026-01-05", {"work": "section_7"}),
    ("assessment_opened", "2026-01-07", {}),
    *[("criterion_assessed", "2026-01-12", {"criterion": one, "met": True}) for one in CRITERIA],
    ("la_referral_considered", "2026-01-12", {"referred": False, "ground": "threshold_not_met"}),
    *[("spip_considered", "2026-01-14", {"party": p, "decision": "not_refer", "reason": "time"}) for p in ("PA", "PB")],
    ("suitability_decided", "2026-01-15", {"suitable": True}),
    ("programme_offered", "2026-01-19", {}),
    ("consent_given", "2026-01-21", {"party": "PA"}),
    ("consent_given", "2026-01-23", {"party": "PB"}),
    ("court_paper_signed", "2026-01-27", {"paper": "advice", "signed_by": "FCA1"}),
    ("court_timetabled", "2026-02-09", {"file_by": "2026-07-31"}),
    ("practitioner_matched", "2026-02-11", {"practitioner": "FCA3", "by": "SM1"}),
    session("CP-1", "2026-02-23", "parent", party="PA"),
    session("CP-2", "2026-03-09", "parent", party="PB"),
    session("CP-3", "2026-03-23", "child"),
    session("CP-4", "2026-04-13", "joint"),
    ("session_held", "2026-02-23", {"session": "CP-1"}),
    ("session_held", "2026-03-09", {"session": "CP-2"}),
    ("session_held", "2026-03-23", {"session": "CP-3"}),
    ("child_letter_shared", "2026-03-27", {}),
    ("session_held", "2026-04-13", {"session": "CP-4"}),
    ("outcome_recorded", "2026-04-15", {"outcome": "agreement"}),
    ("followed_up", "2026-04-20", {}),
]
"""One family's whole way, in order; `followed_up` stands for the end of it."""


def upto(office: Office, until: str, but: tuple[str, ...] = (), reference: str = R1, case: str = "CASE1") -> Office:
    """The family lives up to the first fact of this kind, which does not happen any more, nor do those of `but`."""
    whose = {"PA": "PA", "PB": "PB"} if case == "CASE1" else {"PA": f"{case}A", "PB": f"{case}B"}
    for kind, on, details in STORY:
        if kind == until:
            return office
        subject = case if KINDS[kind].about == "case" else reference
        said = details | ({"party": whose[details["party"]]} if "party" in details else {})
        if kind not in but:
            taken(office.says(subject, kind, on, **said))
    raise AssertionError(until)


def taken(outcome: Outcome) -> int:
    assert outcome.result == "recorded", outcome.why
    return outcome.fact_id


def judged(outcome: Outcome, words: str, rule: str | None = None) -> None:
    """It was refused in these words, by this rule or because it does not go with what is known."""
    assert (outcome.result, outcome.rule) == ("refused", rule), outcome
    assert words in outcome.why


def opened(office: Office, reference: str = R1, **more: Any) -> Office:
    assert office.opens(reference, None, route="adviser", entry=more.pop("entry", "section_7"), **more) == ""
    return office


@pytest.fixture
def office(engine: Engine) -> Office:
    """One case with two parents, PA and PB, and a CPPP for both."""
    return opened(Office(engine).case())


@pytest.fixture
def family() -> Office:
    """The same in memory, for what no database has a part in."""
    return opened(Office(empty()).case())


def another(office: Office, case: str, reference: str) -> Office:
    """A second family of the same office."""
    office.case(case, (f"{case}A", f"{case}B"))
    return opened(office, reference, case=case)


# The whole way --------------------------------------------------------------------------------------------------------


def test_the_whole_way_through_the_store(office: Office):
    upto(office, "followed_up").round("2026-04-15")
    row = office.pathway(R1)
    assert (row.party, row.provider, row.label) == (None, "FCA3", "Awaiting court report")
    taken(office.says(R1, "court_paper_signed", "2026-04-20", by="FCA3", paper="report", signed_by="FCA3"))
    office.round("2026-04-20").round("2028-04-21")
    assert (office.pathway(R1).state, office.pathway(R1).reason) == ("closed_agreement", "completed")


def test_a_database_of_the_first_version_runs_it_once_it_is_migrated(tmp_path: Path):
    engine = database(f"sqlite:///{tmp_path / 'pathways.db'}")
    migrate(engine, "0001")
    earlier(engine)
    migrate(engine)
    with writing(engine) as c:
        c.execute(t.Party.__table__.insert(), {"reference": "PB", "case": "C1", "role": "respondent", "name": "C"})
    office = Office.at(engine)
    assert office.opens(R1, None, case="C1", route="adviser", entry="section_7") == ""
    for subject, kind, details in (
        ("C1", "further_work_ordered", {"work": "section_7"}), (R1, "assessment_opened", {}),
    ):  # fmt: skip
        taken(office.says(subject, kind, "2026-01-07", **details))
    assert office.advance("2026-01-07", R1).failed == []
    assert (office.pathway(R1).party, office.pathway(R1).label) == (None, "Awaiting suitability")


# SR-06: an adviser recommends -----------------------------------------------------------------------------------------


def test_sr_06_a_judges_suggestion_opens_an_assessment_and_nothing_more():
    office = opened(Office(empty()).case(), suggested_by="judge").round("2026-01-05")
    assert office.owed(R1) == {"assessment_opening": "FCA1"}
    upto(office, "suitability_decided")
    assert office.says(R1, "programme_offered", "2026-01-19").result == "refused"
    taken(office.says(R1, "suitability_decided", "2026-01-15", suitable=True))
    taken(office.says(R1, "programme_offered", "2026-01-19"))


def test_sr_06_what_an_adviser_found_unsuitable_is_not_offered(family: Office):
    upto(family, "suitability_decided")
    taken(family.says(R1, "suitability_decided", "2026-01-15", suitable=False))
    assert "an adviser must first have assessed" in refused(family.says(R1, "programme_offered", "2026-01-15"), "SR-06")


@pytest.mark.parametrize("by", ["P1", "BS1", "CO1"])
def test_sr_06_nobody_but_an_adviser_or_service_manager_recommends(family: Office, by: str):
    upto(family, "suitability_decided")
    assert family.says(R1, "suitability_decided", "2026-01-15", by=by, suitable=True).result == "refused"


def test_sr_06_a_direction_of_the_court_is_refused(tmp_path: Path):
    desk = Desk(tmp_path)
    for kind in ("practitioners", "areas", "courts", "providers", "cases"):
        desk.rows(kind, {})
    report = desk.rows("directions", {"activity": "CPPP"})
    assert "load a judge's suggestion as a request (SR-06)" in report.problems[0].expected
    assert desk.rows("requests", REQUEST | {"suggested_by": "judge"}).touched == {("CPPP", "CPPP-R-0002")}


REQUEST = {"programme": "CPPP", "request": "R-0002", "party": "", "entry": "rule_16_4"}


@pytest.mark.parametrize(("wrong", "column"), [({"party": "P-0001"}, "party"), ({"entry": ""}, "entry")])
def test_a_request_is_for_both_parents_and_says_how_it_came_about(tmp_path: Path, wrong: dict[str, str], column: str):
    desk = Desk(tmp_path)
    for kind in ("practitioners", "areas", "courts", "providers", "cases"):
        desk.rows(kind, {})
    report = desk.rows("requests", REQUEST | wrong)
    assert [problem.column for problem in report.problems] == [column]


# SR-07: only where further work is due --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "known", "result"),
    [
        ("first_hearing", [], "refused"),
        ("first_hearing", [("advised", "other")], "refused"),
        ("first_hearing", [("advised", "section_7")], "recorded"),
        ("section_7", [("advised", "section_7")], "refused"),
        ("section_7", [("ordered", "section_7")], "recorded"),
        ("section_7_to_16_4", [("ordered", "section_7")], "refused"),
        ("section_7_to_16_4", [("ordered", "section_7"), ("advised", "rule_16_4")], "recorded"),
        ("rule_16_4", [("ordered", "section_7")], "refused"),
        ("rule_16_4", [("ordered", "rule_16_4")], "recorded"),
    ],
)
def test_sr_07_each_way_in_rests_on_further_work(entry: str, known: list[tuple[str, str]], result: str):
    office = opened(Office(empty()).case(), entry=entry)
    for how, work in known:
        taken(office.says("CASE1", f"further_work_{how}", "2026-01-06", work=work))
    outcome = office.says(R1, "assessment_opened", "2026-01-07")
    assert (outcome.result, outcome.rule) == (result, "SR-07" if result == "refused" else None)


def test_sr_07_the_work_was_due_by_the_day_of_the_assessment(family: Office):
    taken(family.says("CASE1", "further_work_ordered", "2026-01-09", work="section_7"))
    refused(family.says(R1, "assessment_opened", "2026-01-08", at=moment(date(2026, 1, 9))), "SR-07")


def test_sr_07_the_court_gives_time_only_once_it_has_ordered_the_work():
    office = opened(Office(empty()).case(), entry="first_hearing")
    taken(office.says("CASE1", "further_work_advised", "2026-01-05", work="section_7"))
    upto(office, "court_timetabled", but=("further_work_ordered",))
    asked = {"file_by": "2026-07-31"}
    assert "has ordered neither" in refused(office.says(R1, "court_timetabled", "2026-02-09", **asked), "SR-07")
    taken(office.says("CASE1", "further_work_ordered", "2026-02-09", work="rule_16_4"))
    taken(office.says(R1, "court_timetabled", "2026-02-09", **asked))


# SR-10: two consents --------------------------------------------------------------------------------------------------

AFTER_CONSENT = {kind: details for kind, _, details in reversed(STORY)}


def only_one_agreed(office: Office) -> Office:
    upto(office, "consent_given")
    taken(office.says(R1, "consent_given", "2026-01-21", party="PB"))
    return office


def test_sr_10_the_consent_of_one_parent_does_not_stand_for_the_other(office: Office):
    only_one_agreed(office).round("2026-01-21")
    assert (office.pathway(R1).state, office.owed(R1)["consent"]) == ("consent", "FCA1")
    advice = {"paper": "advice", "signed_by": "FCA1"}
    assert "each in a record of their own" in refused(
        office.says(R1, "court_paper_signed", "2026-01-27", **advice), "SR-10"
    )
    taken(office.says(R1, "consent_given", "2026-01-27", party="PA"))
    taken(office.says(R1, "court_paper_signed", "2026-01-27", **advice))
    records = [
        (row.payload["party"], row.happened_on.isoformat()) for row in office.rows(t.FactRow, kind="consent_given")
    ]
    assert records == [("PB", "2026-01-21"), ("PA", "2026-01-27")]


def test_sr_10_a_consent_counts_from_its_own_day(family: Office):
    upto(family, "court_paper_signed")
    advice = {"paper": "advice", "signed_by": "FCA1", "at": moment(date(2026, 1, 26))}
    refused(family.says(R1, "court_paper_signed", "2026-01-22", **advice), "SR-10")


@pytest.mark.parametrize("party", ["PA", "PB"])
def test_sr_10_nothing_is_set_or_held_once_a_parent_withdrew(office: Office, party: str):
    upto(office, "child_letter_shared", but=("session_held",))
    taken(office.says(R1, "consent_withdrawn", "2026-03-02", party=party))
    kind, _, late = session("CP-9", "2026-04-20", "joint")
    why = refused(office.says(R1, kind, "2026-03-03", **late), "SR-10")
    assert why == "SR-10: a parent has withdrawn consent; nothing is set or held any more"
    refused(office.says(R1, "session_held", "2026-03-09", session="CP-2"), "SR-10")
    times = {"starts_at": moment(date(2026, 4, 20)), "ends_at": moment(date(2026, 4, 20), 13)}
    refused(office.says(R1, "session_moved", "2026-03-03", session="CP-2", **times), "SR-10")
    refused(office.says(R1, "practitioner_matched", "2026-03-03", by="SM1", practitioner="FCA3"), "SR-10")


def test_sr_10_a_session_held_before_the_withdrawal_can_still_be_recorded(office: Office):
    upto(office, "session_held")
    taken(office.says(R1, "consent_withdrawn", "2026-03-02", party="PA"))
    office.round("2026-03-02")
    taken(office.says(R1, "session_held", "2026-02-23", at=moment(date(2026, 3, 3)), session="CP-1"))
    office.round("2026-03-03")
    assert office.pathway(R1).label == "Awaiting court note"


def test_sr_10_a_withdrawal_is_of_a_consent_that_was_given_and_comes_after_it(family: Office):
    only_one_agreed(family)
    judged(family.says(R1, "consent_withdrawn", "2026-01-22", party="PA"), "needs consent_given first for party PA")
    judged(family.says(R1, "consent_withdrawn", "2026-01-20", at=moment(date(2026, 1, 22)), party="PB"), "before")
    judged(family.says(R1, "consent_refused", "2026-01-22", party="PB"), "a consent is withdrawn (consent_withdrawn)")


def test_sr_10_whoever_refused_does_not_consent_under_the_same_offer(family: Office):
    upto(family, "consent_given")
    taken(family.says(R1, "consent_refused", "2026-01-21", party="PA"))
    assert family.says(R1, "consent_given", "2026-01-22", party="PA").result == "refused"


def test_sr_10_one_parents_refusal_is_told_to_nobody_and_gives_no_reason(office: Office):
    only_one_agreed(office)
    taken(office.says(R1, "consent_refused", "2026-01-22", party="PA"))
    office.round("2026-01-22")
    assert office.pathway(R1).state == "closed_declined"
    assert office.told(R1) == {("SM1", "la-considered")}
    fields = set(KINDS["consent_refused"].model_fields) | set(KINDS["consent_withdrawn"].model_fields)
    assert not {name for name in fields if "reason" in name}


def test_sr_10_neither_silence_nor_time_is_consent(office: Office):
    only_one_agreed(office)
    for n in range(1, 13):
        office.round(date(2026, n, 28))
    assert office.pathway(R1).label == "Awaiting consent"


def test_a_party_of_another_case_does_not_consent(family: Office):
    another(family, "CASE2", "CPPP-R2")
    upto(family, "consent_given")
    judged(family.says(R1, "consent_given", "2026-01-21", party="CASE2A"), "is not a party of this case")


# SR-13: nothing goes to the court without a signature -----------------------------------------------------------------


def test_sr_13_the_advice_is_signed_by_the_cases_adviser(family: Office):
    upto(family, "court_paper_signed")
    for other in ("FCA2", "FCA3", "SM1", "P1"):
        refused(family.says(R1, "court_paper_signed", "2026-01-27", paper="advice", signed_by=other), "SR-13")
    taken(family.says(R1, "court_paper_signed", "2026-01-27", paper="advice", signed_by="FCA1"))
    again = family.says(R1, "court_paper_signed", "2026-01-28", paper="advice", signed_by="FCA1")
    judged(again, "the advice was signed on 27 January 2026")


def test_sr_13_the_report_is_signed_by_the_adviser_or_by_who_runs_it_and_only_with_an_outcome(office: Office):
    upto(office, "outcome_recorded")
    report = {"paper": "report", "signed_by": "FCA3"}
    assert "calls for a paper of this kind (report)" in refused(
        office.says(R1, "court_paper_signed", "2026-04-15", **report), "SR-13"
    )
    taken(office.says(R1, "outcome_recorded", "2026-04-15", outcome="recommendations"))
    refused(office.says(R1, "court_paper_signed", "2026-04-16", paper="report", signed_by="FCA2"), "SR-13")
    refused(office.says(R1, "court_paper_signed", "2026-04-14", at=moment(date(2026, 4, 16)), **report), "SR-13")
    taken(office.says(R1, "court_paper_signed", "2026-04-16", **report))


def test_sr_13_a_note_is_signed_only_where_something_stopped_it(family: Office):
    upto(family, "session_held")
    note = {"paper": "note", "signed_by": "FCA1"}
    refused(family.says(R1, "court_paper_signed", "2026-02-20", **note), "SR-13")
    taken(family.says("CASE1", "risk_raised", "2026-02-20"))
    taken(family.says(R1, "risk_reviewed", "2026-02-20", decision="continue"))
    refused(family.says(R1, "court_paper_signed", "2026-02-20", **note), "SR-13")
    taken(family.says(R1, "programme_stopped", "2026-02-21", reason="no_progress"))
    taken(family.says(R1, "court_paper_signed", "2026-02-21", **note))
    assert family.round("2026-02-21").pathway(R1).state == "closed_stopped"


def test_sr_13_unsigned_the_pathway_waits_however_long(office: Office):
    upto(office, "followed_up")
    for year in (2026, 2027, 2028, 2029):
        office.round(f"{year}-12-01")
    assert office.pathway(R1).label == "Awaiting court report"
    taken(office.says(R1, "programme_stopped", "2029-12-02", reason="no_progress"))
    office.round("2029-12-02").round("2031-01-06")
    assert (office.pathway(R1).label, office.pathway(R1).closed_on) == ("Awaiting court note", None)


def test_the_court_gives_time_only_after_it_was_advised(family: Office):
    upto(family, "court_paper_signed")
    assert family.says(R1, "court_timetabled", "2026-02-09", file_by="2026-07-31").result == "refused"
    taken(family.says(R1, "court_paper_signed", "2026-01-27", paper="advice", signed_by="FCA1"))
    early = family.says(R1, "court_timetabled", "2026-01-26", at=moment(date(2026, 2, 9)), file_by="2026-07-31")
    assert early.result == "refused"
    taken(family.says(R1, "court_timetabled", "2026-02-09", file_by="2026-07-31"))


# SR-14: a new risk ----------------------------------------------------------------------------------------------------


def test_sr_14_nothing_is_given_set_moved_or_reported_under_a_new_risk(office: Office):
    upto(office, "session_held")
    taken(office.says("CASE1", "risk_raised", "2026-02-20"))
    kind, _, late = session("CP-9", "2026-04-20", "joint")
    refused(office.says(R1, kind, "2026-02-20", **late), "SR-14")
    times = {"starts_at": moment(date(2026, 3, 2)), "ends_at": moment(date(2026, 3, 2), 13)}
    refused(office.says(R1, "session_moved", "2026-02-20", session="CP-1", **times), "SR-14")
    refused(office.says(R1, "practitioner_matched", "2026-02-20", by="SM1", practitioner="FCA3"), "SR-14")
    office.round("2026-02-20")
    assert office.pathway(R1).state == "safeguarding_hold"
    refused(office.says(R1, "risk_reviewed", "2026-02-21", by="FCA3", decision="continue"), "SR-14")
    taken(office.says(R1, "risk_reviewed", "2026-02-21", decision="continue"))
    taken(office.says(R1, "session_moved", "2026-02-21", session="CP-1", **times))


@pytest.mark.parametrize(("until", "paper"), [("court_paper_signed", "advice"), ("followed_up", "report")])
def test_sr_14_no_advice_and_no_report_goes_out_under_a_new_risk(family: Office, until: str, paper: str):
    upto(family, until)
    taken(family.says("CASE1", "risk_raised", "2026-04-15"))
    refused(family.says(R1, "court_paper_signed", "2026-04-16", paper=paper, signed_by="FCA1"), "SR-14")
    taken(family.says(R1, "risk_reviewed", "2026-04-16", decision="continue"))
    taken(family.says(R1, "court_paper_signed", "2026-04-16", paper=paper, signed_by="FCA1"))


def test_sr_14_a_risk_stops_spip_beside_it_too_and_each_is_released_by_itself(office: Office):
    upto(office, "consent_given")
    assert office.opens("SPIP-D1", "PA") == ""
    taken(office.says("CASE1", "risk_raised", "2026-01-21"))
    taken(office.says(R1, "risk_reviewed", "2026-01-22", decision="continue"))
    office.round("2026-01-22")
    assert (office.pathway(R1).state, office.pathway("SPIP-D1").state) == ("consent", "safeguarding_hold")


def test_sr_14_what_is_found_unsafe_in_mid_programme_stops_and_the_court_is_told(office: Office):
    upto(office, "child_letter_shared")
    taken(office.says("CASE1", "risk_raised", "2026-03-24"))
    taken(office.says(R1, "risk_reviewed", "2026-03-25", decision="unsuitable"))
    office.round("2026-03-25")
    assert office.owed(R1)["court_note"] == "FCA1"
    taken(office.says(R1, "court_paper_signed", "2026-03-26", paper="note", signed_by="FCA1"))
    row = office.round("2026-03-26").pathway(R1)
    assert (row.state, row.reason) == ("closed_stopped", "safety_stop")


# SR-15: what the court declined ---------------------------------------------------------------------------------------


def test_sr_15_what_the_court_declined_is_not_opened_by_an_adviser():
    office = Office(empty()).case()
    taken(office.says("CASE1", "court_declined", "2026-01-02", programme="CPPP"))
    assert office.opens(R1, None, route="adviser", entry="section_7").startswith("SR-15: ")


def test_sr_15_nor_gone_on_with(family: Office):
    upto(family, "practitioner_matched")
    taken(family.says("CASE1", "court_declined", "2026-02-10", programme="CPPP"))
    refused(family.says(R1, "practitioner_matched", "2026-02-11", by="SM1", practitioner="FCA3"), "SR-15")
    row = family.round("2026-02-11").pathway(R1)
    assert (row.state, row.reason) == ("closed_stopped", "court_declined")


def test_sr_15_that_the_court_declined_spip_is_no_word_on_cppp_but_on_spip_in_addition(family: Office):
    upto(family, "spip_considered")
    taken(family.says("CASE1", "court_declined", "2026-01-13", programme="SPIP"))
    why = refused(family.says(R1, "spip_considered", "2026-01-14", party="PA", decision="refer"), "SR-15")
    assert "record not_refer" in why
    taken(family.says(R1, "spip_considered", "2026-01-14", party="PA", decision="not_refer", reason="other"))
    assert family.round("2026-01-14").pathway(R1).state == "suitability"


# SR-22 and the criteria -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suitable", [True, False])
def test_sr_22_a_local_authority_referral_is_considered_in_every_suitability(office: Office, suitable: bool):
    upto(office, "suitability_decided", but=("la_referral_considered",))
    refused(office.says(R1, "suitability_decided", "2026-01-15", suitable=suitable), "SR-22")
    taken(office.says(R1, "la_referral_considered", "2026-01-15", referred=True, ground="child_in_need"))
    taken(office.says(R1, "suitability_decided", "2026-01-15", suitable=suitable))
    office.round("2026-01-15")
    assert ("SM1", "la-considered") in office.told(R1)


def test_sr_22_and_was_by_the_day_of_the_decision(family: Office):
    upto(family, "suitability_decided")
    refused(family.says(R1, "suitability_decided", "2026-01-11", at=moment(date(2026, 1, 15)), suitable=True), "SR-22")


@pytest.mark.parametrize(("referred", "ground"), [(True, "threshold_not_met"), (False, "section_47")])
def test_sr_22_the_answer_has_a_ground_that_goes_with_it(family: Office, referred: bool, ground: str):
    with pytest.raises(ValueError, match="without one, threshold_not_met"):
        family.says(R1, "la_referral_considered", "2026-01-12", referred=referred, ground=ground)


@pytest.mark.parametrize("missing", CRITERIA)
def test_a_family_is_found_suitable_only_when_every_criterion_is_assessed_and_met(missing: str):
    office = opened(Office(empty()).case())
    upto(office, "suitability_decided", but=("criterion_assessed",))
    for criterion in CRITERIA:
        if criterion != missing:
            taken(office.says(R1, "criterion_assessed", "2026-01-12", criterion=criterion, met=True))
    suitable = {"on": "2026-01-15", "suitable": True}
    assert refused(office.says(R1, "suitability_decided", **suitable), "criteria").endswith(f"not so: {missing}")
    unmet = taken(office.says(R1, "criterion_assessed", "2026-01-14", criterion=missing, met=False))
    assert refused(office.says(R1, "suitability_decided", **suitable), "criteria").endswith(f"not so: {missing}")
    taken(office.says(R1, "criterion_assessed", "2026-01-14", criterion=missing, met=True, supersedes=unmet))
    taken(office.says(R1, "suitability_decided", **suitable))


def test_a_family_is_found_unsuitable_whatever_the_criteria(family: Office):
    upto(family, "suitability_decided", but=("criterion_assessed",))
    taken(family.says(R1, "suitability_decided", "2026-01-15", suitable=False))
    assert family.round("2026-01-15").pathway(R1).state == "closed_unsuitable"


# Who runs it ----------------------------------------------------------------------------------------------------------


def gives(office: Office, to: str, reference: str = R1, on: str = "2026-02-11", **more: Any) -> Outcome:
    return office.says(reference, "practitioner_matched", on, **({"by": "SM1"} | more), practitioner=to)


def test_it_goes_to_a_practitioner_trained_in_it_and_by_a_service_manager(office: Office):
    upto(office, "practitioner_matched")
    for untrained in ("FCA2", "SM1"):
        assert f"{untrained} is not trained in CPPP" in refused(gives(office, untrained), "training")
    judged(gives(office, "FCA3", by="FCA1"), "recorded by a service manager")
    taken(gives(office, "FCA3"))
    office.round("2026-02-11")
    assert (office.pathway(R1).provider, office.owed(R1)) == ("FCA3", {"first_session": "FCA3"})


def test_the_manager_is_told_who_is_trained_and_has_room(office: Office):
    office.put(t.Practitioner, {"code": "FCA2"}, trained_in="CPPP", capacity=0)
    upto(office, "practitioner_matched").round("2026-02-09")
    notice = office.rows(t.NoticeRow, pathway=R1, wording="match-wanted")[0]
    assert (notice.to_code, notice.fields["proposed"]) == ("SM1", ["FCA3"])


def two_families(office: Office) -> Office:
    """Both wait for a practitioner, and FCA3 has room for one of them."""
    office.put(t.Practitioner, {"code": "FCA3"}, capacity=1)
    another(office, "CASE2", "CPPP-R2")
    upto(office, "practitioner_matched", reference="CPPP-R2", case="CASE2")
    return upto(office, "practitioner_matched")


def test_one_without_room_is_given_no_more(office: Office):
    two_families(office)
    taken(gives(office, "FCA3"))
    assert "as many as it has room for" in refused(gives(office, "FCA3", "CPPP-R2"), "training")
    taken(office.says(R1, "withdrawn", "2026-02-12", reason="transferred"))
    office.round("2026-02-12")
    taken(gives(office, "FCA3", "CPPP-R2", on="2026-02-12"))


def test_a_family_that_is_only_watched_takes_up_no_room(office: Office):
    two_families(office)
    taken(gives(office, "FCA3"))
    for kind, on, details in STORY[STORY.index(session("CP-1", "2026-02-23", "parent", party="PA")) : -1]:
        taken(office.says(R1, kind, on, **details))
    refused(gives(office.round("2026-04-15"), "FCA3", "CPPP-R2", on="2026-04-15"), "training")
    taken(office.says(R1, "court_paper_signed", "2026-04-20", paper="report", signed_by="FCA3"))
    taken(gives(office.round("2026-04-20"), "FCA3", "CPPP-R2", on="2026-04-20"))


def test_of_two_families_at_one_moment_the_last_place_is_given_once(office: Office):
    two_families(office)
    done = at_once(lambda: gives(office, "FCA3"), lambda: gives(office, "FCA3", "CPPP-R2"))
    assert sorted(outcome.result for outcome in done) == ["recorded", "refused"]


def test_it_is_given_on_to_another_and_not_corrected(office: Office):
    office.put(t.Practitioner, {"code": "FCA2"}, trained_in="CPPP")
    upto(office, "practitioner_matched")
    first = taken(gives(office, "FCA3"))
    judged(gives(office, "FCA2", supersedes=first), "give it to another (practitioner_matched)")
    judged(office.says(R1, "retracted", "2026-02-12", supersedes=first), "give it to another")
    judged(gives(office, "FCA3", on="2026-02-12"), "FCA3 has it since 11 February 2026")
    taken(gives(office, "FCA2", on="2026-02-12"))
    assert office.round("2026-02-12").pathway(R1).provider == "FCA2"
    assert ("FCA2", "matched") in office.told(R1)


# Sessions -------------------------------------------------------------------------------------------------------------


def test_what_went_out_as_an_invitation_is_moved_and_not_corrected(office: Office):
    upto(office, "session_held")
    sent = office.rows(t.FactRow, kind="session_set")[0]
    kind, on, other = session("CP-1", "2026-02-25", "parent", party="PA")
    judged(office.says(R1, kind, on, supersedes=sent.id, **other), "move the session (session_moved) or call it off")
    judged(office.says(R1, "retracted", "2026-02-13", supersedes=sent.id), "is not corrected")
    off = taken(office.says(R1, "session_called_off", "2026-02-13", session="CP-2"))
    judged(office.says(R1, "retracted", "2026-02-13", supersedes=off), "is not corrected")


def test_a_session_is_held_on_the_day_it_is_set_for(office: Office):
    upto(office, "session_held")
    judged(office.says(R1, "session_held", "2026-02-24", session="CP-1"), "is set for 23 February 2026")
    times = {"starts_at": moment(date(2026, 2, 24), 9), "ends_at": moment(date(2026, 2, 24), 10)}
    taken(office.says(R1, "session_moved", "2026-02-24", session="CP-1", **times))
    taken(office.says(R1, "session_held", "2026-02-24", session="CP-1"))
    judged(office.says(R1, "session_called_off", "2026-02-24", session="CP-1"), "CP-1 is over")


def test_a_session_is_set_only_with_a_parent_of_the_case(family: Office):
    upto(family, "session_set")
    kind, on, details = session("CP-1", "2026-02-23", "parent", party="NOBODY")
    judged(family.says(R1, kind, on, **details), "is not a party of this case")


def test_nothing_is_set_or_given_any_more_once_the_report_is_signed(office: Office):
    upto(office, "followed_up")
    taken(office.says(R1, "court_paper_signed", "2026-04-20", paper="report", signed_by="FCA3"))
    kind, _, details = session("CP-9", "2026-05-04", "joint")
    judged(office.says(R1, kind, "2026-04-21", **details), "is over")


def test_the_outcome_is_recorded_when_the_sessions_are_complete(office: Office):
    upto(office, "child_letter_shared")
    outcome = office.says(R1, "outcome_recorded", "2026-03-27", outcome="agreement")
    judged(outcome, "still missing: session 4, a joint meeting")
    judged(
        office.says(R1, "child_letter_shared", "2026-03-20", at=moment(date(2026, 3, 27))), "the child is seen first"
    )


@pytest.mark.parametrize(
    "kind", ["referral_sent", "session_booked", "acknowledged", "programme_started", "breach_decided"]
)
def test_facts_of_other_programmes_are_refused(family: Office, kind: str):
    upto(family, "session_held")
    times = {"starts_at": moment(date(2026, 3, 2)), "ends_at": moment(date(2026, 3, 2), 13)}
    details = {
        "referral_sent": {"provider": "P1"}, "acknowledged": {"provider": "P1"}, "breach_decided": {"decision": "retry"},
        "programme_started": {"weeks": 26}, "session_booked": {"session": "S1", **times},
    }  # fmt: skip
    judged(family.says(R1, kind, "2026-02-20", **details[kind]), "CPPP-R1 is CPPP")


def test_its_own_facts_are_refused_on_another_programme(family: Office):
    family.opens("SPIP-D1", "PA")
    judged(family.says("SPIP-D1", "assessment_opened", "2026-01-07"), "SPIP-D1 is SPIP")


# SPIP in addition, and one at a time ----------------------------------------------------------------------------------


def refers(office: Office, party: str, on: str = "2026-01-14") -> Outcome:
    return office.says(R1, "spip_considered", on, party=party, decision="refer")


def test_spip_in_addition_is_a_pathway_of_its_own_opened_once(office: Office):
    upto(office, "spip_considered")
    taken(refers(office, "PB"))
    assert office.advance("2026-01-14").opened == {("SPIP", "SPIP-R1-2")}
    for n in range(14, 20):
        assert office.advance(f"2026-01-{n}", R1).opened == set()
    office.round("2026-01-20")
    row = office.pathway("SPIP-R1-2")
    assert (row.programme, row.party, row.case, row.opened_on) == ("SPIP", "PB", "CASE1", date(2026, 1, 14))
    assert (row.state, row.label) == ("safeguarding_hold", "Awaiting safeguarding enquiries")
    requests = [r.payload for r in office.rows(t.FactRow, kind="requested", subject="SPIP-R1-2")]
    assert requests == [{"route": "adviser", "suggested_by": "adviser"}]
    assert len(office.rows(t.PathwayRow)) == 2


def test_its_gate_is_its_own_and_the_advisers(office: Office):
    upto(office, "spip_considered")
    taken(refers(office, "PA"))
    office.round("2026-01-14")
    taken(office.says("CASE1", "safeguarding_letter_filed", "2026-01-15"))
    refused(office.says("SPIP-R1-1", "referral_sent", "2026-01-15", provider="P1"), "SR-01")


def test_it_stays_when_the_cppp_ends_and_is_not_opened_again_when_it_closes(office: Office):
    upto(office, "spip_considered")
    taken(refers(office, "PA"))
    taken(office.says(R1, "withdrawn", "2026-01-14", reason="transferred"))
    office.round("2026-01-14").round("2026-01-15")
    assert (office.pathway(R1).state, office.pathway("SPIP-R1-1").closed_on) == ("closed_stopped", None)
    taken(office.says("SPIP-R1-1", "withdrawn", "2026-01-16", reason="transferred"))
    office.round("2026-01-16").advance("2026-01-17", R1)
    assert len(office.rows(t.PathwayRow)) == 2


def test_two_workers_who_advance_it_at_once_open_it_once(office: Office):
    upto(office, "spip_considered")
    taken(refers(office, "PA"))
    at_once(*[lambda: office.advance("2026-01-14", R1)] * 3)
    assert [row.reference for row in office.rows(t.PathwayRow, programme="SPIP")] == ["SPIP-R1-1"]
    assert len(office.rows(t.FactRow, subject="SPIP-R1-1")) == 1


def test_a_parent_who_has_spip_open_is_not_referred_to_it_again(office: Office):
    office.opens("SPIP-D1", "PA")
    upto(office, "spip_considered")
    judged(refers(office, "PA"), "this person has SPIP-D1 open already")
    taken(refers(office, "PB"))


def test_nobody_is_referred_to_spip_where_it_takes_no_referrals(engine: Engine):
    office = opened(Office(engine, SETTINGS.model_copy(update={"profile": "dated"})).case())
    upto(office, "spip_considered")
    judged(refers(office, "PA"), "SPIP takes no referrals on 14/01/2026; record not_refer")
    taken(office.says(R1, "spip_considered", "2026-01-14", party="PA", decision="not_refer", reason="resource"))


def test_one_at_a_time_for_a_case(office: Office):
    why = office.opens("CPPP-R2", None, route="adviser", entry="section_7")
    assert why == "these parents have CPPP-R1 open already; close or withdraw that one first"
    assert office.opens("SPIP-D1", "PA") == ""
    taken(office.says(R1, "withdrawn", "2026-01-06", reason="transferred"))
    office.round("2026-01-06")
    opened(office, "CPPP-R2", on="2026-01-07")


def test_of_two_asked_for_at_one_moment_one_is_opened(engine: Engine):
    office = Office(engine).case()
    asked = {"route": "adviser", "entry": "section_7"}
    done = at_once(lambda: office.opens(R1, None, **asked), lambda: office.opens("CPPP-R2", None, **asked))
    assert sorted(bool(why) for why in done) == [False, True]


def test_no_provider_is_ever_told_of_it(office: Office):
    upto(office, "followed_up").round("2026-04-15")
    assert not office.rows(t.NoticeRow, to_role="provider")
    assert office.says(R1, "held", "2026-04-16", by="P1", reason="other").result == "refused"


def test_every_answer_to_the_local_authority_question_can_be_said_to_the_manager():
    for ground in ("child_in_need", "section_47", "threshold_not_met"):
        assert (
            ground.replace("_", " ")
            in said("CPPP-R1", "la-considered", {"answer": "referred", "ground": ground}).sentence
        )
