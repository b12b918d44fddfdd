"""The store on both databases: recording facts, opening pathways, referring, advancing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine

from flows.spip import spip
from models import tables as t
from models.facts import KINDS
from models.pathway import Pathway
from store.ask import failures
from store.database import change, insert, insert_new, reading, writing
from store.open import open_pathways
from tests.life import day, moment
from tests.world import SETTINGS, Office, at_once, evening


@pytest.fixture
def office(engine: Engine) -> Office:
    """One case, parents PA and PB; PA's pathway SPIP-D1 is open."""
    made = Office(engine).case()
    assert made.opens() == ""
    return made


# Rows in sets ---------------------------------------------------------------------------------------------------------


def test_rows_go_in_and_are_changed_in_sets_each_to_its_own_values(office: Office):
    notices = t.NoticeRow.__table__
    said = {"pathway": "SPIP-D1", "to_role": "adviser", "to_code": "FCA1", "created_at": moment(day("2026-01-07"))}
    rows = [
        said | {"wording": f"w{n}", "occasion": f"o{n}", "fields": {"of": [n, None, 'a "b" {c}, d']}, "withheld": why}
        for n, why in enumerate(["told already", None, "it's, {over}"])
    ]
    with writing(office.engine) as connection:
        insert(connection, notices, rows[:2])
        insert_new(connection, notices, [row | {"wording": "another"} for row in rows])
        was = [{"occasion": row["occasion"], "wording": f"now {row['occasion']}"} for row in rows]
        waiting = notices.c.withheld.is_(None) | (notices.c.occasion == "o2")
        found = change(connection, notices, was, by=("occasion",), where=waiting, bundle="B")
    stored = [row for row in office.rows(t.NoticeRow) if row.occasion in ("o0", "o1", "o2")]
    assert found == 2
    assert [(n.wording, n.bundle, n.withheld) for n in stored] == [
        ("w0", None, "told already"), ("now o1", "B", None), ("now o2", "B", "it's, {over}"),
    ]  # fmt: skip
    assert [n.fields for n in stored] == [row["fields"] for row in rows]


# Recording ------------------------------------------------------------------------------------------------------------


def test_a_fact_reported_twice_is_recorded_once(office: Office):
    office.referred()
    first = office.says("SPIP-D1", "acknowledged", "2026-01-07", provider="P1")
    again = office.says("SPIP-D1", "acknowledged", "2026-01-07", provider="P1", at=moment(day("2026-01-08")), by="CO1")
    assert (first.result, again.result, again.fact_id) == ("recorded", "unchanged", first.fact_id)
    assert len(office.rows(t.FactRow, kind="acknowledged")) == 1


def test_a_session_told_in_summer_time_and_in_utc_is_one(office: Office):
    office.acknowledged()
    told = [
        office.says("SPIP-D1", "session_booked", "2026-01-08", by="P1", session="S1", starts_at=begins, ends_at=ends)
        for begins, ends in (
            ("2026-06-10T18:00:00+01:00", "2026-06-10T22:00:00+01:00"), ("2026-06-10T17:00:00Z", "2026-06-10T21:00:00Z"),
        )
    ]  # fmt: skip
    assert [outcome.result for outcome in told] == ["recorded", "unchanged"]
    [row] = office.rows(t.FactRow, kind="session_booked")
    assert row.payload["starts_at"] == "2026-06-10T17:00:00Z"
    refused = office.books("SPIP-D1", "S1", "2026-01-08", "2026-01-23")
    assert "starts_at 2026-06-10T18:00:00+01:00" in refused.why, "people read London's clock"


def test_a_moment_for_which_utc_has_no_day_is_a_wrong_value_and_no_more():
    with pytest.raises(ValidationError, match="between the years 1 and 9999, in UTC too"):
        KINDS["session_booked"](
            happened_on=day("2026-01-08"), recorded_at=moment(day("2026-01-08")), recorded_by="P1", session="S1",
            starts_at="0001-01-01T00:00:00+14:00", ends_at="2026-06-10T21:00:00Z",
        )  # fmt: skip


def test_a_fact_reported_twice_in_one_call_is_recorded_once(office: Office):
    letter = office.reported("CASE1", "safeguarding_letter_filed", "2026-01-06")
    done = office.record(letter, letter)
    assert sorted(outcome.result for outcome in done.outcomes) == ["recorded", "unchanged"]


def test_a_contradiction_is_refused_and_the_refusal_says_what_to_supersede(office: Office):
    office.acknowledged()
    booked = office.books("SPIP-D1", "S1", "2026-01-08", "2026-01-16")
    refused = office.books("SPIP-D1", "S1", "2026-01-08", "2026-01-23")
    assert refused.result == "refused"
    assert f"contradicts fact {booked.fact_id}, session booked on 8 January 2026" in refused.why
    assert refused.why.endswith(f"give supersedes {booked.fact_id}")
    assert office.books("SPIP-D1", "S1", "2026-01-08", "2026-01-23", supersedes=booked.fact_id).result == "recorded"


def report(office: Office, result: str, on: str = "2026-01-19", **more):
    return office.says("SPIP-D1", "attendance_reported", on, by="P1", session="S-SPIP-D1", result=result, **more)


def test_a_correction_takes_the_place_of_what_it_corrects_and_so_does_its_own_correction(office: Office):
    office.awaiting_report()
    absent = report(office, "absent")
    office.round("2026-01-19")
    assert office.pathway().state == "not_attended"
    attended = report(office, "attended", at=moment(date(2026, 1, 20)), supersedes=absent.fact_id)
    office.round("2026-01-20")
    assert office.pathway().state == "next_step_offered"
    assert "rebooking" not in office.owed()
    part = report(office, "part", at=moment(date(2026, 1, 21)), supersedes=attended.fact_id)
    office.round("2026-01-21")
    assert office.pathway().state == "not_attended"
    assert part.result == "recorded"
    # The adviser was told each time that it is another: nobody goes on thinking that the person attended.
    told = [
        (r.wording, r.fields.get("result")) for r in office.rows(t.NoticeRow, to_code="FCA1") if "atten" in r.wording
    ]
    assert told == [("not-attended", "absent"), ("attended", None), ("not-attended", "part")]


def test_loading_the_mistake_again_does_not_undo_its_correction(office: Office):
    office.awaiting_report()
    absent = report(office, "absent")
    report(office, "attended", supersedes=absent.fact_id)
    assert report(office, "absent").result == "unchanged"
    assert report(office, "attended", supersedes=absent.fact_id).result == "unchanged"
    office.round("2026-01-19")
    assert office.pathway().state == "next_step_offered"


def test_what_was_corrected_cannot_be_corrected_a_second_time_nor_stated_otherwise(office: Office):
    office.awaiting_report()
    absent = report(office, "absent")
    attended = report(office, "attended", supersedes=absent.fact_id)
    assert report(office, "part", supersedes=absent.fact_id).why == f"fact {absent.fact_id} was corrected already"
    assert f"to correct that one, give supersedes {attended.fact_id}" in report(office, "part").why


def test_within_one_call_too_a_correction_counts_for_what_comes_after_it(office: Office):
    office.awaiting_report()
    absent = report(office, "absent")
    given = {"by": "P1", "session": "S-SPIP-D1"}
    attended, part = (
        office.reported(
            "SPIP-D1", "attendance_reported", "2026-01-19", supersedes=absent.fact_id, result=result, **given
        )
        for result in ("attended", "part")
    )
    again = office.reported("SPIP-D1", "attendance_reported", "2026-01-19", result="absent", **given)
    outcomes = office.record(attended, part, again).outcomes
    assert {(o.result, o.why) for o in outcomes} == {
        ("recorded", ""),
        ("unchanged", ""),
        ("refused", f"fact {absent.fact_id} was corrected already"),
    }


def test_what_is_retracted_never_happened_until_it_is_stated_again_by_name(office: Office):
    office.awaiting_report()
    absent = report(office, "absent")
    taken_back = office.says("SPIP-D1", "retracted", "2026-01-20", supersedes=absent.fact_id)
    office.round("2026-01-20")
    assert office.pathway().state == "report_due"
    assert report(office, "absent").result == "unchanged"  # the file it came in, loaded again
    again = f"this was recorded before and corrected; to say it again, give supersedes {taken_back.fact_id}"
    assert report(office, "part").why == again
    assert report(office, "part", supersedes=taken_back.fact_id).result == "recorded"
    office.round("2026-01-21")
    assert office.pathway().state == "not_attended"


def test_a_retraction_says_which_fact_and_a_correction_is_of_the_same_kind_and_subject(office: Office):
    office.opens("SPIP-D2", "PB")
    office.awaiting_report()
    absent = report(office, "absent")
    assert office.says("SPIP-D1", "retracted", "2026-01-20").field == "supersedes"
    assert "is attendance_reported" in office.says("SPIP-D1", "refused", "2026-01-20", supersedes=absent.fact_id).why
    other = office.says("SPIP-D2", "retracted", "2026-01-20", supersedes=absent.fact_id)
    assert other.why == f"fact {absent.fact_id} is no fact about SPIP-D2"


def test_of_two_people_who_correct_one_fact_at_once_one_is_told_that_it_was_corrected(office: Office):
    office.awaiting_report()
    absent = report(office, "absent")
    outcomes = at_once(
        lambda: report(office, "attended", supersedes=absent.fact_id),
        lambda: report(office, "part", supersedes=absent.fact_id),
    )
    assert sorted(outcome.result for outcome in outcomes) == ["recorded", "refused"]
    assert [o.why for o in outcomes if o.why] == [f"fact {absent.fact_id} was corrected already"]


def test_of_two_people_who_contradict_each_other_at_once_one_is_refused(office: Office):
    office.awaiting_report()
    outcomes = at_once(lambda: report(office, "attended"), lambda: report(office, "absent"))
    assert sorted(outcome.result for outcome in outcomes) == ["recorded", "refused"]
    assert len(office.rows(t.FactRow, kind="attendance_reported")) == 1


def test_the_same_fact_reported_by_several_at_once_is_recorded_once(office: Office):
    office.awaiting_report()
    outcomes = at_once(*[lambda: report(office, "attended")] * 4)
    assert sorted(outcome.result for outcome in outcomes) == ["recorded", "unchanged", "unchanged", "unchanged"]


@pytest.mark.parametrize(
    ("kind", "details", "needs"),
    [
        ("acknowledged", {"provider": "P1"}, "acknowledged needs referral_sent first for provider P1"),
        ("contact_attempted", {}, "contact_attempted needs acknowledged first"),
        ("session_cancelled", {"session": "S1", "cancelled_by": "person"}, "needs session_booked first for session S1"),
        ("attendance_reported", {"session": "S1", "result": "attended"}, "needs session_booked first for session S1"),
        ("rebooking_declined", {}, "needs attendance_reported or session_cancelled first"),
        ("breach_decided", {"decision": "retry"}, "needs acknowledged or session_booked first"),
        ("court_result", {"result": "ended"}, "needs court_paper_signed first"),
        ("next_step_taken", {"step": "none"}, "needs attendance_reported first"),
        ("released", {}, "needs held first"),
        ("hearing_vacated", {"hearing_on": "2026-02-02"}, "needs hearing_listed first for hearing_on 2026-02-02"),
        ("risk_reviewed", {"decision": "continue"}, "needs risk_raised first"),
    ],
)
def test_a_fact_is_refused_before_what_it_depends_on(office: Office, kind: str, details: dict, needs: str):
    refused = office.says("SPIP-D1", kind, "2026-01-07", **details)
    assert refused.result == "refused"
    assert needs in refused.why and refused.why.endswith("none is recorded")


def test_a_fact_cannot_have_happened_before_the_day_of_what_it_answers(office: Office):
    office.referred(on="2026-01-08")
    refused = office.says("SPIP-D1", "acknowledged", "2026-01-07", provider="P1", at=moment(date(2026, 1, 9)))
    assert (refused.field, "before 8 January 2026" in refused.why) == ("happened_on", True)


def test_attendance_is_reported_from_the_day_of_the_session_on(office: Office):
    office.awaiting_report(held="2026-01-16")
    assert "before 16 January 2026" in report(office, "attended", on="2026-01-15").why
    assert report(office, "attended", on="2026-01-16").result == "recorded"


def test_facts_of_one_call_may_stand_in_any_order(office: Office):
    at = moment(date(2026, 1, 30))
    backwards = [
        office.reported("SPIP-D1", "next_step_taken", "2026-01-16", at=at, step="none"),
        office.reported("SPIP-D1", "attendance_reported", "2026-01-16", at=at, session="S1", result="attended"),
        office.booking("SPIP-D1", "S1", "2026-01-06", "2026-01-16", at=at),
        office.reported("SPIP-D1", "acknowledged", "2026-01-06", at=at, provider="P1"),
        office.reported("SPIP-D1", "referral_sent", "2026-01-06", at=at, provider="P1"),
        office.reported("CASE1", "safeguarding_letter_filed", "2026-01-06", at=at),
        office.reported("SPIP-D1", "held", "2026-01-05", at=at, reason="other"),
    ]
    done = office.record(*backwards)
    assert [outcome.why for outcome in done.outcomes if outcome.result != "recorded"] == []
    assert done.touched == {("SPIP", "SPIP-D1")}


def test_one_refused_fact_leaves_the_others_of_its_call_in(office: Office):
    good = office.reported("CASE1", "safeguarding_letter_filed", "2026-01-06")
    bad = office.reported("SPIP-D1", "acknowledged", "2026-01-06", provider="P1")
    done = office.record(bad, good, now=evening(date(2026, 1, 6)))
    assert [(o.reported.fact.kind, o.result) for o in done.outcomes] == [
        ("safeguarding_letter_filed", "recorded"),
        ("acknowledged", "refused"),
    ]


def test_a_closed_pathway_takes_letters_and_corrections_and_nothing_else(office: Office):
    office.acknowledged()
    withdrawn = office.says("SPIP-D1", "withdrawn", "2026-01-08", reason="data_error")
    office.round("2026-01-08")
    assert office.pathway().closed_on == date(2026, 1, 8)
    assert office.says("SPIP-D1", "refused", "2026-01-09").why.startswith("SPIP-D1 closed on 8 January 2026")
    assert office.says("SPIP-D1", "letter_sent", "2026-01-09", by="BS1", letter="referral-ended").result == "recorded"
    assert office.says("SPIP-D1", "retracted", "2026-01-09", supersedes=withdrawn.fact_id).result == "recorded"
    office.round("2026-01-09")
    assert (office.pathway().closed_on, office.pathway().label) == (None, "Awaiting booking")


def test_an_unknown_reference_is_refused_and_says_what_to_load(office: Office):
    refused = office.says("SPIP-D99", "refused", "2026-01-06")
    assert (refused.field, refused.why[:8]) == ("about", "SPIP-D99")
    assert "load its case or direction first" in refused.why


def test_a_fact_about_one_pathway_is_not_taken_for_its_case_but_a_case_fact_is_taken_by_way_of_a_pathway(
    office: Office,
):
    office.opens("SPIP-D2", "PB")
    assert office.says("CASE1", "refused", "2026-01-06").why.endswith("its pathways: SPIP-D1, SPIP-D2")
    assert office.says("SPIP-D2", "safeguarding_letter_filed", "2026-01-06").result == "recorded"
    assert [row.subject for row in office.rows(t.FactRow, kind="safeguarding_letter_filed")] == ["CASE1"]


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"on": "2026-01-07"}, "happened_on", "7 January 2026 is still to come"),
        ({"at": evening(date(2026, 1, 6)) + timedelta(minutes=1)}, "recorded_at", "a time still to come"),
        ({"at": moment(date(2026, 1, 5))}, "recorded_at", "recorded before it happened, on 6 January 2026"),
        ({"by": "FCA99"}, "recorded_by", "FCA99 is neither a practitioner nor a provider we know"),
        ({"on": "2026-01-04"}, "happened_on", "was only requested on 5 January 2026"),
    ],
)
def test_dates_that_cannot_be_and_unknown_people_are_refused(office: Office, change: dict, field: str, says: str):
    given = {"on": "2026-01-06", "by": "FCA1", "reason": "other"} | change
    refused = office.record(office.reported("SPIP-D1", "held", **given), now=evening(date(2026, 1, 6))).outcomes[0]
    assert (refused.result, refused.field) == ("refused", field)
    assert says in refused.why


def test_midnight_is_londons_so_in_summer_a_fact_of_the_new_day_can_be_recorded_at_2330_utc(engine: Engine):
    office = Office(engine).case()
    office.opens(on="2026-06-01")
    late = datetime.fromisoformat("2026-06-02T23:30:00+00:00")
    reported = office.reported("SPIP-D1", "held", "2026-06-03", at=late, reason="other")
    assert office.record(reported, now=late).outcomes[0].result == "recorded"
    reported = office.reported("SPIP-D1", "held", "2026-06-04", at=late, reason="other")
    assert office.record(reported, now=late).outcomes[0].field == "happened_on"


# Opening and referring ------------------------------------------------------------------------------------------------


def test_a_person_has_one_open_pathway_of_a_programme(office: Office):
    assert office.opens("SPIP-D9") == "this person has SPIP-D1 open already; close or withdraw that one first"
    assert office.opens("SPIP-D2", "PB") == ""
    office.says("SPIP-D1", "withdrawn", "2026-01-06", reason="data_error")
    office.advance("2026-01-06")
    assert office.opens("SPIP-D9", on="2026-01-07") == ""


def test_one_call_opens_one_pathway_for_a_person(office: Office):
    office.case("CASE2", ("PC",))
    openings = [office.opening("SPIP-D7", "PC", case="CASE2"), office.opening("SPIP-D8", "PC", case="CASE2")]
    with writing(office.engine) as connection:
        refused = open_pathways(connection, openings, SETTINGS)
    assert list(refused) == ["SPIP-D8"]
    assert [row.reference for row in office.rows(t.PathwayRow, case="CASE2")] == ["SPIP-D7"]


def test_opening_a_pathway_again_changes_nothing(office: Office):
    before = office.rows(t.PathwayRow), office.rows(t.FactRow)
    assert office.opens() == ""
    assert (office.rows(t.PathwayRow), office.rows(t.FactRow)) == before


def refer(office: Office, reference: str, provider: str = "P1", on: str = "2026-01-06"):
    office.says(reference, "safeguarding_letter_filed", on)
    return office.says(reference, "referral_sent", on, provider=provider)


def test_a_provider_with_as_many_referrals_as_it_has_room_for_takes_no_more(engine: Engine):
    office = Office(engine, P1={"capacity": 1}).case().case("CASE2", ("PC",))
    office.opens()
    office.opens("SPIP-D2", "PC", case="CASE2")
    assert refer(office, "SPIP-D1").result == "recorded"
    refused = refer(office, "SPIP-D2")
    assert (refused.rule, "P1 holds 1 referrals, as many as it has room for" in refused.why) == ("SR-16", True)
    office.advance("2026-01-06")
    assert refer(office, "SPIP-D2").result == "refused"
    office.says("SPIP-D1", "withdrawn", "2026-01-06", reason="data_error")
    office.advance("2026-01-06")
    assert refer(office, "SPIP-D2").result == "recorded"


def test_within_one_call_too_the_last_place_is_given_once(engine: Engine):
    office = Office(engine, P1={"capacity": 1}).case().case("CASE2", ("PC",))
    office.opens()
    office.opens("SPIP-D2", "PC", case="CASE2")
    for case in ("CASE1", "CASE2"):
        office.says(case, "safeguarding_letter_filed", "2026-01-06")
    sent = [office.reported(r, "referral_sent", "2026-01-06", provider="P1") for r in ("SPIP-D1", "SPIP-D2")]
    assert [o.result for o in office.record(*sent).outcomes] == ["recorded", "refused"]


def test_the_last_place_is_given_once_to_two_who_refer_at_once(engine: Engine):
    office = Office(engine, P1={"capacity": 1})
    references = [f"SPIP-D{n}" for n in range(4)]
    for n, reference in enumerate(references):
        office.case(f"CASE-{n}", (f"PA{n}",)).opens(reference, f"PA{n}", case=f"CASE-{n}")
        office.says(reference, "safeguarding_letter_filed", "2026-01-06")
    works = [
        lambda reference=reference: office.says(reference, "referral_sent", "2026-01-06", provider="P1")
        for reference in references
    ]
    outcomes = at_once(*works)
    assert sorted(o.result for o in outcomes) == ["recorded", "refused", "refused", "refused"]


def test_the_date_of_a_referral_can_be_corrected_though_its_provider_is_full_or_closed_by_now(engine: Engine):
    office = Office(engine, P1={"capacity": 1}).case()
    office.opens()
    sent = refer(office, "SPIP-D1", on="2026-01-07")
    office.advance("2026-01-07")
    corrected = office.says("SPIP-D1", "referral_sent", "2026-01-08", provider="P1", supersedes=sent.fact_id)
    assert (corrected.result, corrected.why) == ("recorded", "")
    office.put(t.ServiceLine, {"provider": "P1", "programme": "SPIP"}, open_to_referrals=False)
    office.put(t.ServiceLine, {"provider": "P2"}, open_to_referrals=False)
    again = office.says("SPIP-D1", "referral_sent", "2026-01-09", provider="P1", supersedes=corrected.fact_id)
    assert (again.result, again.why) == ("recorded", "")
    moved = office.says("SPIP-D1", "referral_sent", "2026-01-09", provider="P2", supersedes=again.fact_id)
    assert moved.rule == "SR-16"


def proposed(office: Office, occasion: int = -1) -> list[str]:
    return office.rows(t.NoticeRow, wording="ready-to-refer")[occasion].fields["proposed"]


def test_after_a_decline_the_next_provider_is_proposed_and_the_one_who_declined_is_not(office: Office):
    office.says("SPIP-D1", "safeguarding_letter_filed", "2026-01-06")
    office.round("2026-01-06")
    assert proposed(office) == ["P1", "P2"]
    office.says("SPIP-D1", "referral_sent", "2026-01-06", provider="P1")
    office.round("2026-01-06")
    assert office.pathway().provider == "P1"
    office.says("SPIP-D1", "referral_declined", "2026-01-07", by="P1", provider="P1", reason="no_capacity")
    office.round("2026-01-07")
    assert (proposed(office), office.pathway().provider, office.pathway().label) == (["P2"], None, "Awaiting referral")
    office.says("SPIP-D1", "referral_sent", "2026-01-07", provider="P2")
    office.round("2026-01-07")
    assert (office.pathway().provider, office.pathway().state) == ("P2", "referred")
    assert {("P1", "referral"), ("P2", "referral")} <= office.told()


def ready(engine: Engine, home: dict | None = None, **lines: dict) -> list[str]:
    office = Office(engine, **lines).case(**(home or {}))
    office.opens()
    office.says("SPIP-D1", "safeguarding_letter_filed", "2026-01-06")
    office.round("2026-01-06")
    return proposed(office)


LEEDS, YORK, HULL = ({"latitude": a, "longitude": b} for a, b in ((53.80, -1.55), (53.96, -1.08), (53.74, -0.33)))


def test_the_nearest_provider_is_proposed_first_however_full_it_is(engine: Engine):
    office = Office(engine, P1=HULL, P2=YORK | {"capacity": 2}).case(**LEEDS).case("CASE2", ("PC", "PD"))
    office.opens("SPIP-D2", "PC", case="CASE2")
    refer(office, "SPIP-D2", "P2")
    office.opens()
    office.says("SPIP-D1", "safeguarding_letter_filed", "2026-01-06")
    office.round("2026-01-06")
    assert office.rows(t.NoticeRow, wording="ready-to-refer", pathway="SPIP-D1")[0].fields["proposed"] == ["P2", "P1"]


def test_a_provider_without_coordinates_is_proposed_after_those_with(engine: Engine):
    assert ready(engine, LEEDS, P2=HULL) == ["P2", "P1"]


def test_without_coordinates_the_provider_with_most_room_is_proposed_first(engine: Engine):
    office = Office(engine, P1={"capacity": 2}, P2={"capacity": 10}).case().case("CASE2", ("PC", "PD"))
    office.opens("SPIP-D2", "PC", case="CASE2")
    refer(office, "SPIP-D2", "P1")
    office.opens()
    office.says("SPIP-D1", "safeguarding_letter_filed", "2026-01-06")
    office.round("2026-01-06")
    assert office.rows(t.NoticeRow, wording="ready-to-refer", pathway="SPIP-D1")[0].fields["proposed"] == ["P2", "P1"]


CLOSED = [
    ({"suspended_from": date(2026, 1, 6)}, {}, "P1 is suspended since 06/01/2026"),
    ({}, {"contracted_until": date(2026, 1, 5)}, "P1 has no contract for SPIP on 06/01/2026"),
    ({}, {"contracted_from": date(2026, 1, 7)}, "P1 has no contract for SPIP on 06/01/2026"),
    ({}, {"open_to_referrals": False}, "P1 is not open to referrals"),
    ({}, {"areas": "SA02 SA03"}, "P1 does not serve area SA01"),
    ({}, {"programme": "OTHER"}, "P1 does not deliver SPIP"),
]


@pytest.mark.parametrize(("provider", "line", "why"), CLOSED)
def test_a_provider_that_may_take_no_referral_is_not_proposed_and_not_accepted(
    office: Office, provider: dict, line: dict, why: str
):
    if provider:
        office.put(t.Provider, {"code": "P1"}, **provider)
    if line:
        office.put(t.ServiceLine, {"provider": "P1", "programme": "SPIP"}, **line)
    refused = refer(office, "SPIP-D1")
    assert (refused.result, refused.rule, refused.why) == ("refused", "SR-16", f"SR-16: {why}")
    office.round("2026-01-06")
    assert proposed(office) == ["P2"]


def test_the_last_day_of_a_contract_still_counts_and_a_later_suspension_does_not_yet(office: Office):
    office.put(t.ServiceLine, {"provider": "P1", "programme": "SPIP"}, contracted_until=date(2026, 1, 6))
    office.put(t.Provider, {"code": "P1"}, suspended_from=date(2026, 1, 7))
    assert refer(office, "SPIP-D1").result == "recorded"


def test_with_nobody_open_the_manager_is_told_once_and_a_provider_that_opens_is_found_the_next_day(office: Office):
    for code in ("P1", "P2"):
        office.put(t.ServiceLine, {"provider": code}, open_to_referrals=False)
    office.says("SPIP-D1", "safeguarding_letter_filed", "2026-01-06")
    office.rounds("2026-01-06", "2026-01-08")
    assert office.pathway().label == "No provider open"
    assert [r.to_code for r in office.rows(t.NoticeRow, wording="no-provider")] == ["CM1"]
    office.put(t.ServiceLine, {"provider": "P2"}, open_to_referrals=True)
    office.round("2026-01-09")
    assert office.pathway().label == "Awaiting referral"


# Advancing ------------------------------------------------------------------------------------------------------------


def breaks_on(reference: str) -> Callable[[Pathway], None]:
    def story(p: Pathway) -> None:
        if p.reference == reference:
            raise RuntimeError("secret words")
        spip(p)

    return story


def test_a_pathway_whose_function_raises_is_marked_and_stops_no_other_and_is_repaired_later(office: Office):
    office.opens("SPIP-D2", "PB")
    done = office.advance("2026-01-05", story=breaks_on("SPIP-D1"))
    assert [(one.reference, one.failure) for one in done.failed] == [("SPIP-D1", "RuntimeError")]
    assert (office.pathway("SPIP-D1").label, office.pathway("SPIP-D2").state) == ("Requested", "safeguarding_hold")
    with reading(office.engine) as connection:
        assert failures(connection) == [{"pathway": "SPIP-D1", "error": "RuntimeError"}]
    assert office.advance("2026-01-05", story=breaks_on("SPIP-D1")).moved == []  # tried again tomorrow, not at once
    assert len(office.advance("2026-01-06", story=breaks_on("SPIP-D1")).failed) == 1
    office.advance("2026-01-07")
    repaired = office.pathway()
    assert (repaired.failure, repaired.state) == (None, "safeguarding_hold")
    assert ("FCA1", "referral-held") in office.told()


def test_a_failure_leaves_what_is_owed_and_was_told_as_it_was(office: Office):
    office.acknowledged().advance("2026-01-07")
    before = office.rows(t.DutyRow), office.rows(t.NoticeRow)
    office.says("SPIP-D1", "refused", "2026-01-08")
    office.advance("2026-01-08", story=breaks_on("SPIP-D1"))
    assert (office.rows(t.DutyRow), office.rows(t.NoticeRow)) == before
    office.advance("2026-01-08", "SPIP-D1")
    assert office.pathway().state == "breach_review"


def test_a_large_caseload_is_advanced_batch_by_batch_with_failures_among_it(engine: Engine):
    office = Office(engine, SETTINGS.model_copy(update={"batch": 3}))
    for n in range(8):
        office.case(f"CASE-{n}", (f"PA{n}",)).opens(f"SPIP-D{n}", f"PA{n}", case=f"CASE-{n}")
    done = office.advance("2026-01-05", story=breaks_on("SPIP-D4"))
    assert sorted(one.reference for one in done.moved) == [f"SPIP-D{n}" for n in range(8)]
    assert len(done.failed) == 1


def test_advancing_is_for_those_whose_day_has_come(office: Office):
    office.acknowledged().advance("2026-01-07")
    assert office.pathway().look_on is None  # only a fact, or the ladder, moves it on
    assert office.advance("2026-01-08").moved == []
    assert [one.reference for one in office.advance("2026-01-08", "SPIP-D1").moved] == ["SPIP-D1"]


def test_two_who_advance_at_once_advance_each_pathway_once(postgres_engine: Engine):
    office = Office(postgres_engine, SETTINGS.model_copy(update={"batch": 4}))
    references = {f"SPIP-D{n}" for n in range(24)}
    for n in range(24):
        office.case(f"CASE-{n}", (f"PA{n}",)).opens(f"SPIP-D{n}", f"PA{n}", case=f"CASE-{n}")
    done = at_once(*[lambda: office.advance("2026-01-05")] * 3)
    office.advance("2026-01-05")  # an advancer that meets only what others hold leaves it to them and to the next
    moved = [one.reference for some in done for one in some.moved]
    assert len(moved) == len(set(moved))
    assert {row.pathway for row in office.rows(t.NoticeRow)} == references
    assert len(office.rows(t.NoticeRow)) == len(references)
    assert {row.state for row in office.rows(t.PathwayRow)} == {"safeguarding_hold"}


def test_a_fact_recorded_while_its_pathway_is_being_advanced_is_not_lost(postgres_engine: Engine):
    office = Office(postgres_engine).case()
    office.opens()
    with ThreadPoolExecutor(1) as threads:
        meanwhile = []

        def story(p: Pathway) -> None:
            meanwhile.append(threads.submit(office.says, "SPIP-D1", "safeguarding_letter_filed", "2026-01-05"))
            spip(p)

        office.advance("2026-01-05", story=story)
        assert meanwhile[0].result(30).result == "recorded"
    office.advance("2026-01-05")
    assert office.pathway().state == "ready_to_refer"


def test_a_case_that_gets_another_adviser_takes_its_open_duties_along_and_nobody_is_told_old_news(office: Office):
    office.round("2026-01-05")
    assert office.owed() == {"safeguarding_enquiries": "FCA1"}
    before = office.rows(t.NoticeRow)
    office.put(t.Case, {"reference": "CASE1"}, adviser="FCA2")
    office.put(t.PathwayRow, {"case": "CASE1"}, look_on=date(2026, 1, 6))
    office.round("2026-01-06")
    assert office.owed() == {"safeguarding_enquiries": "FCA2"}
    assert office.rows(t.NoticeRow) == before
    assert office.pathway().on_code == "FCA2"
    office.round("2026-01-13")
    assert office.chases("2026-01-13") == [("S1", "adviser", "FCA2")]


def test_of_twins_neither_is_in_the_others_duties_or_notices(office: Office):
    office.opens("SPIP-D2", "PB")
    office.says("CASE1", "hearing_listed", "2026-01-05", hearing_on="2026-02-20")
    office.acknowledged("SPIP-D1", "P1").acknowledged("SPIP-D2", "P2")
    office.books("SPIP-D1", "S1", "2026-01-08", "2026-01-16")
    office.books("SPIP-D2", "S2", "2026-01-08", "2026-01-16")
    office.rounds("2026-01-08", "2026-02-20")
    for mine, other in (("SPIP-D1", "SPIP-D2"), ("SPIP-D2", "SPIP-D1")):
        own, provider = {"SPIP-D1": ("PA", "P1"), "SPIP-D2": ("PB", "P2")}[mine], office.pathway(other).provider
        assert office.pathway(mine).provider == own[1]
        said = [*office.rows(t.DutyRow, pathway=mine), *office.rows(t.NoticeRow, pathway=mine)]
        text = " ".join(str(dict(row._mapping) | {"id": 0}) for row in said if "proposed" not in str(row))
        assert mine in text
        assert other not in text
        assert f"'{provider}'" not in text


def test_what_happens_on_one_twin_moves_nothing_of_the_other(office: Office):
    office.opens("SPIP-D2", "PB")
    office.acknowledged("SPIP-D1", "P1").acknowledged("SPIP-D2", "P2").round("2026-01-08")
    kept = (
        office.pathway("SPIP-D2"),
        office.rows(t.DutyRow, pathway="SPIP-D2"),
        office.rows(t.NoticeRow, pathway="SPIP-D2"),
    )
    office.says("SPIP-D1", "refused", "2026-01-08")
    done = office.advance("2026-01-08")
    assert [one.reference for one in done.moved] == ["SPIP-D1"]
    assert (
        office.pathway("SPIP-D2"),
        office.rows(t.DutyRow, pathway="SPIP-D2"),
        office.rows(t.NoticeRow, pathway="SPIP-D2"),
    ) == kept
