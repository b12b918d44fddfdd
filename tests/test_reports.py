"""Reports rebuilt from records: the CPPP pilot to the last figure, the rules of counting, and the unmet need."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from models import tables as t
from reports.cppp import ALL, FIGURES, Cohort, Evaluation, Family, Value, Weeks, as_dict, evaluate, rows, rules
from reports.pilot import compared, not_rebuilt, notes, pilot
from reports.unmet_need import unmet_need
from settings import settings
from store.cohort import families, without_provider
from store.database import database, reading
from tests.engine import ROOT
from tests.fresh import with_tables
from tests.life import Life, day, moment
from tests.pilot import Pilot
from tests.test_command_line import Desk
from tests.world import Office, behind_its_back, empty

MAY_2019, JANUARY_2020, JULY_2018 = date(2019, 5, 31), date(2020, 1, 31), date(2018, 7, 1)
OFFERED = {"offered_from": pilot()["offered_from"], "offered_to": pilot()["offered_to"]}


def evaluated(office: Office, as_at: str | date, batch: int = 250, **cohort: Any) -> Evaluation:
    with reading(office.engine) as connection:
        return evaluate(families(connection, day(as_at), batch), Cohort(day(as_at), **cohort))


def in_all(made: Evaluation) -> dict[str, int]:
    """Every count that is not nothing."""
    return {f.name: v.count for f in FIGURES if isinstance(v := made.value(f.name), Value) and v.count}


# The pilot ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def piloted() -> Office:
    return Pilot(Office(empty())).fill()


def test_in_may_2019_the_records_give_what_the_pilot_printed(piloted: Office):
    made = evaluated(piloted, MAY_2019, **OFFERED)
    said = {name: str(made.value(name)) for name in ("offered", "agreed", "completed", "under_way", "not_completed")}
    assert said == {
        "offered": "156", "agreed": "107 of 156 (69%)", "completed": "73 of 156 (47%)", "under_way": "34 of 156 (22%)",
        "not_completed": "49 of 156 (31%)",
    }  # fmt: skip
    assert str(made.value("weeks")) == "10.7 (of 73)"
    assert str(made.value("no_further_work")) == "46 of 73 (63%)"
    assert made.value("left").count == 0


def test_in_january_2020_three_of_the_33_tracked_have_returned(piloted: Office):
    made = evaluated(piloted, JANUARY_2020, **OFFERED, tracked_before=JULY_2018)
    counts = {name: made.value(name).count for name in ("tracked", "still_open", "closed", "returned")}
    assert counts == {"tracked": 33, "still_open": 1, "closed": 32, "returned": 3}
    assert str(made.value("returned")) == "3 of 33 (9%)"
    assert Value(3, 32).percent == 9


def test_every_printed_figure_is_rebuilt_on_one_of_the_two_days_and_agrees(piloted: Office):
    cohorts = [(MAY_2019, {}), (JANUARY_2020, {"tracked_before": JULY_2018})]
    tables = [compared(evaluated(piloted, as_at, **OFFERED, **more)) for as_at, more in cohorts]
    verdicts = [{one["agrees"] for one in both} for both in zip(*tables, strict=True)]
    assert len(verdicts) == 11 and all("yes" in verdict and "no" not in verdict for verdict in verdicts)


def test_what_disagrees_is_said_to_disagree(piloted: Office):
    assert [row["agrees"] for row in compared(evaluated(piloted, "2019-05-01", **OFFERED))][2] == "no"
    lax = compared(evaluated(piloted, JANUARY_2020, **OFFERED))
    assert lax[-1]["agrees"] == "not compared: it tracks who completed before 01/07/2018"


def test_another_cohort_is_not_compared_with_the_pilot(piloted: Office):
    assert compared(evaluated(piloted, MAY_2019)) == []


def test_the_base_is_families_formally_asked_and_no_others(piloted: Office):
    assert evaluated(piloted, JANUARY_2020).value("offered").count == 157
    assert len(piloted.rows(t.PathwayRow)) == 159


def test_routes_add_up_to_the_whole(piloted: Office):
    made = evaluated(piloted, MAY_2019, **OFFERED)
    assert set(made.routes) == {"first_hearing", "section_7", "section_7_to_16_4", "rule_16_4", ALL}
    for figure in (figure.name for figure in FIGURES if figure.name != "weeks"):
        assert sum(made.value(figure, route).count for route in made.routes[:-1]) == made.value(figure).count
    assert sum(made.value("weeks", route).days for route in made.routes[:-1]) == made.value("weeks").days == 5468


def test_the_papers_own_contradictions_are_told(piloted: Office):
    told = " ".join(notes())
    assert "10 of 15 is 66.7%, 10 of 14 is 71.4%" in told and "156 less 107" in told and "make 65, against 66" in told
    assert "both print as 9%" in told
    assert [round(1000 * 10 / n) for n in (15, 14)] == [667, 714]
    assert {row["source"] for row in not_rebuilt()} == {"cppp2020"} and len(not_rebuilt()) == 5


def test_the_pathways_stand_where_the_report_says_they_are(piloted: Office):
    """The report counts by facts, the pathway function decides by them: neither may say what the other does not."""
    made = evaluated(piloted, JANUARY_2020, **OFFERED)
    states = [row.state for row in piloted.rows(t.PathwayRow)]
    assert states.count("tracking") == made.value("completed").count
    assert states.count("closed_declined") + states.count("closed_stopped") == made.value("not_completed").count


# As at a day ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def office(engine: Engine) -> Office:
    """Four families on either kind of database: two complete in spring 2018, one declines, one is under way."""
    made = Pilot(Office(engine))
    made.completes(0, date(2017, 11, 20))
    made.completes(4, date(2017, 11, 20))
    made.declines(0, date(2017, 12, 4))
    made.sessions(made.matched(made.agreed(made.offered(date(2017, 12, 4)))), date(2017, 12, 4), [0, 7, 300, 307])
    made.keep()
    return made.office


def test_only_what_was_recorded_by_the_day_counts(office: Office):
    assert in_all(evaluated(office, "2017-11-19")) == {}
    assert in_all(evaluated(office, "2017-11-25")) == {"offered": 2, "under_way": 2}
    assert in_all(evaluated(office, "2017-12-31")) == {"offered": 4, "agreed": 3, "under_way": 3, "not_completed": 1}
    assert evaluated(office, "2020-01-31").value("completed").count == 2


def test_the_batches_it_is_read_in_change_nothing(office: Office):
    assert as_dict(evaluated(office, "2020-01-31", batch=1)) == as_dict(evaluated(office, "2020-01-31"))


def test_a_correction_counts_from_the_day_it_is_made(office: Office):
    outcome = next(
        row for row in office.rows(t.FactRow, kind="outcome_recorded") if row.payload["outcome"] == "agreement"
    )
    said = office.says(
        outcome.subject, "outcome_recorded", outcome.happened_on, at=moment(date(2019, 3, 4)), supersedes=outcome.id,
        outcome="recommendations",
    )  # fmt: skip
    assert said.result == "recorded", said.why
    assert evaluated(office, "2019-03-03").value("agreement").count == 1
    assert evaluated(office, "2019-03-04").value("agreement").count == 0


def test_a_retracted_return_is_none(office: Office):
    returned = office.rows(t.FactRow, kind="returned_to_court")[0]
    office.says(returned.subject, "retracted", "2019-06-03", supersedes=returned.id)
    assert evaluated(office, "2019-06-02").value("returned").count == 1
    assert evaluated(office, "2019-06-03").value("returned").count == 0


def test_the_day_ends_at_midnight_in_london(office: Office):
    case = office.pathway("CPPP-R000").case
    late = datetime(2019, 6, 3, 23, 30, tzinfo=UTC)  # half past midnight in London
    office.says(case, "returned_to_court", "2019-06-04", at=late)
    before, after = (evaluated(office, on).value("returned").count for on in ("2019-06-03", "2019-06-04"))
    assert (before, after) == (1, 2)


def test_a_family_whose_facts_cannot_be_read_is_named_and_not_counted(office: Office):
    with behind_its_back(office.engine) as c:
        table = t.FactRow.__table__
        spoilt = table.update().where(table.c.subject == "CPPP-R001", table.c.kind == "outcome_recorded")
        c.execute(spoilt.values(payload={"outcome": "nonsense"}))
    made = evaluated(office, "2020-01-31")
    assert (made.left_out, made.value("offered").count) == (["CPPP-R001"], 3)
    assert any("cannot be read: CPPP-R001" in rule for rule in rules(made))


# How it is counted ----------------------------------------------------------------------------------------------------


def asked(**more: Any) -> Life:
    """Both parents are asked on 2 February 2026."""
    life = Life("2026-01-12", "adviser", reference="CPPP-R1", **{"entry": "section_7"} | more)
    life.add("2026-01-12", "further_work_ordered", work="section_7").add("2026-01-14", "assessment_opened")
    return life.add("2026-01-26", "suitability_decided", suitable=True).add("2026-02-02", "programme_offered")


def agreed(**more: Any) -> Life:
    life = asked(**more)
    for party in ("PA", "PB"):
        life.add("2026-02-04", "consent_given", party=party)
    return life


def held(life: Life, *sessions: tuple[str, str]) -> Life:
    """Sessions set and held, each given as its sitting and its day."""
    life.add("2026-02-06", "court_paper_signed", paper="advice", signed_by="FCA1")
    life.add("2026-02-09", "court_timetabled", file_by=date(2026, 7, 31))
    for party in ("PA", "PB"):
        life.add("2026-02-09", "spip_considered", party=party, decision="not_refer", reason="time")
    life.add("2026-02-10", "practitioner_matched", by="SM1", practitioner="FCA3")
    for n, (sitting, on) in enumerate(sessions):
        life.set_session("2026-02-10", f"S{n}", on, sitting).add(on, "session_held", session=f"S{n}")
    return life


FOUR = [("parent", "2026-03-02"), ("parent", "2026-03-09"), ("child", "2026-03-16"), ("joint", "2026-05-11")]


def reported(life: Life, on: str = "2026-05-18", outcome: str = "agreement") -> Life:
    return life.add("2026-05-12", "outcome_recorded", outcome=outcome).add(
        on, "court_paper_signed", paper="report", signed_by="FCA1"
    )


def of(*lives: Life, case: str = "", as_at: str = "2026-12-31", **cohort: Any) -> Evaluation:
    """The figures of some families, each of a case of its own unless one is given."""
    made = [Family(case or f"CASE{n}", life.known(day(as_at))) for n, life in enumerate(lives)]
    return evaluate(made, Cohort(day(as_at), **cohort))


def test_one_parents_consent_is_not_agreement():
    life = asked().add("2026-02-04", "consent_given", party="PA")
    assert in_all(of(life)) == {"offered": 1, "under_way": 1}
    assert in_all(of(life.add("2026-02-05", "consent_given", party="PB"))) == {
        "offered": 1,
        "agreed": 1,
        "under_way": 1,
    }


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("consent_withdrawn", {"party": "PA"}),
        ("programme_stopped", {"reason": "no_progress"}),
        ("withdrawn", {"reason": "agreement_reached"}),
        ("proceedings_ended", {}),
        ("court_declined", {"programme": "CPPP"}),
        ("risk_reviewed", {"decision": "unsuitable"}),
    ],
)
def test_what_ends_it_is_what_ends_the_pathway(kind: str, details: dict[str, Any]):
    life = held(agreed(), *FOUR[:2])
    if kind == "risk_reviewed":
        life.add("2026-04-01", "risk_raised")
    assert in_all(of(life)) == {"offered": 1, "agreed": 1, "under_way": 1}
    life.add("2026-04-01", kind, **details)
    assert in_all(of(life)) == {"offered": 1, "agreed": 1, "not_completed": 1, "left": 1}
    stands = life.on("2026-04-01").standing
    assert stands.closed or stands.label == "Awaiting court note"


def test_a_refusal_ends_it_before_agreement():
    life = asked().add("2026-02-04", "consent_given", party="PA").add("2026-02-05", "consent_refused", party="PB")
    assert in_all(of(life)) == {"offered": 1, "not_completed": 1}
    assert life.on("2026-02-05").standing.closed


def test_what_is_recorded_after_the_end_changes_nothing():
    life = asked().add("2026-02-04", "consent_given", party="PA").add("2026-02-05", "consent_refused", party="PB")
    assert in_all(of(life.add("2026-02-06", "consent_given", party="PB"))) == {"offered": 1, "not_completed": 1}


def test_an_end_after_the_report_is_none():
    life = reported(held(agreed(), *FOUR)).add("2026-06-01", "proceedings_ended")
    assert {"completed": 1, "closed": 1}.items() <= in_all(of(life)).items()


def test_it_is_complete_only_with_a_report_and_an_outcome():
    life = held(agreed(), *FOUR).add("2026-05-18", "court_paper_signed", paper="report", signed_by="FCA1")
    assert "completed" not in in_all(of(life))
    assert "completed" in in_all(of(reported(held(agreed(), *FOUR))))


def test_weeks_run_from_the_first_session_held_to_what_completed_them():
    assert of(reported(held(agreed(), *FOUR))).value("weeks") == Weeks(70, 1)
    early = [("joint", "2026-03-02"), *FOUR[:3]]
    for sessions, last in ((FOUR, "2026-05-11"), (early, "2026-03-16")):
        life = held(agreed(), *sessions)
        duty = next(d for d in life.on("2026-05-12").duties.values() if d.kind == "sessions")
        took = (duty.closed_on - date(2026, 3, 2)).days
        assert of(reported(life)).value("weeks") == Weeks(took, 1) and duty.closed_on == day(last)


def test_a_joint_meeting_done_without_completes_them_on_the_day_that_is_decided():
    sessions = [*FOUR[:3], ("parent", "2026-03-23")]
    life = held(agreed(), *sessions).add("2026-04-06", "joint_meeting_waived", reason="unsafe")
    assert of(reported(life)).value("weeks") == Weeks(35, 1)


def test_who_completed_without_all_sessions_on_record_has_no_part_in_the_mean():
    made = of(reported(held(agreed(), *FOUR)), reported(held(agreed(), *FOUR[:2])))
    assert (made.value("completed").count, made.value("weeks")) == (2, Weeks(70, 1))
    assert str(made.value("weeks")) == "10.0 (of 1)"


@pytest.mark.parametrize(("on", "none"), [("2026-05-17", 1), ("2026-05-18", 1), ("2026-05-19", 0)])
def test_further_work_follows_the_report_from_the_day_after(on: str, none: int):
    life = reported(held(agreed(), *FOUR)).add(on, "further_work_ordered", work="other")
    assert of(life).value("no_further_work") == Value(none, 1)


@pytest.mark.parametrize(("on", "returned"), [("2026-05-18", 0), ("2026-05-19", 1)])
def test_a_return_follows_the_report_from_the_day_after(on: str, returned: int):
    assert of(reported(held(agreed(), *FOUR)).add(on, "returned_to_court")).value("returned") == Value(returned, 1)


@pytest.mark.parametrize(("before", "tracked"), [("2026-05-18", 0), ("2026-05-19", 1), (None, 1)])
def test_who_completed_before_a_day_is_tracked(before: str | None, tracked: int):
    made = of(reported(held(agreed(), *FOUR)), tracked_before=before and day(before))
    assert made.value("tracked") == Value(tracked, 1)


@pytest.mark.parametrize(("begins", "ends", "offered"), [
    ("2026-02-02", "2026-02-02", 1), ("2026-02-03", None, 0), (None, "2026-02-01", 0), (None, None, 1),
])  # fmt: skip
def test_a_cohort_has_its_first_and_its_last_day(begins: str | None, ends: str | None, offered: int):
    made = of(asked(), offered_from=begins and day(begins), offered_to=ends and day(ends))
    assert made.value("offered").count == offered


def test_a_case_offered_twice_is_one_family_and_its_last_offer_counts():
    again = Life("2026-03-02", "adviser", reference="CPPP-R2", entry="rule_16_4")
    again.add("2026-03-04", "assessment_opened").add("2026-03-09", "suitability_decided", suitable=True).add(
        "2026-03-16", "programme_offered"
    )
    refused = asked().add("2026-02-05", "consent_refused", party="PB")
    made = of(refused, again, case="CASE1")
    assert in_all(made) == {"offered": 1, "under_way": 1} and made.value("offered", "rule_16_4").count == 1
    early = of(refused, again, case="CASE1", offered_to=date(2026, 2, 28))
    assert in_all(early) == {"offered": 1, "not_completed": 1}


def test_a_family_whose_route_is_not_known_is_shown_as_such():
    assert "not known" not in rows(of(asked()))[0]
    assert rows(of(asked(entry=None)))[0]["not known"] == "1"


@pytest.mark.parametrize(("count", "of_", "percent"), [(1, 8, 13), (3, 8, 38), (1, 200, 1), (2, 401, 0), (1, 3, 33), (2, 3, 67), (0, 5, 0), (5, 5, 100), (0, 0, None)])  # fmt: skip
def test_half_a_percent_goes_up(count: int, of_: int, percent: int | None):
    assert Value(count, of_).percent == percent


@pytest.mark.parametrize(("days", "mean"), [(70, 10.0), (73, 10.4), (74, 10.6), (7, 1.0)])
def test_weeks_are_days_by_seven_to_a_tenth(days: int, mean: float):
    assert Weeks(days, 1).mean == mean
    assert Weeks(147, 20).mean == 1.1  # 1.05: a half goes up


def test_every_figure_has_its_unit_day_and_rule():
    for figure in as_dict(of(asked()))["figures"]:
        assert figure["unit"] in ("families", "weeks") and figure["rule"] and figure["as_at"] == date(2026, 12, 31)
    assert len(rules(of())) == 2 + len(FIGURES)


# Unmet need -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def unmet(engine: Engine) -> Office:
    """Nobody is open: two men and a parent are ready, and one of the men has nobody in reach."""
    closed = {"open_to_referrals": False}
    office = Office(engine, P1=closed, P2=closed, P1_dvpp=closed, P2_dvpp=closed).case().case("CASE2", ("PC", "PD"))
    office.opens("SPIP-D1", "PA")
    office.says("SPIP-D1", "safeguarding_letter_filed", "2026-01-30")
    for reference, party, case in (("DVPP-D2", "PA", "CASE1"), ("DVPP-D3", "PC", "CASE2")):
        assert office.opens(reference, party, case=case) == ""
        office.says(reference, "violence_established", "2026-02-02", basis="found")
        office.says(reference, "survivor_plan_made", "2026-02-02")
    return office.round("2026-02-02")


def needs(office: Office) -> list[tuple[Any, ...]]:
    with reading(office.engine) as connection:
        return [tuple(row.values()) for row in unmet_need(without_provider(connection))]


def test_who_waits_for_a_provider_is_an_unmet_need(unmet: Office):
    assert needs(unmet) == [
        ("DVPP", "SA01", "2026-02", 0, 2, "DVPP-D2, DVPP-D3"), ("SPIP", "SA01", "2026-01", 0, 1, "SPIP-D1")
    ]  # fmt: skip


def test_it_stays_one_while_the_court_is_told_and_once_it_is_closed(unmet: Office):
    unmet.says("DVPP-D3", "no_provider_in_reach", "2026-02-03")
    assert unmet.round("2026-02-03").pathway("DVPP-D3").label == "Awaiting court note"
    assert needs(unmet)[0] == ("DVPP", "SA01", "2026-02", 0, 2, "DVPP-D2, DVPP-D3")
    assert unmet.says("DVPP-D3", "court_paper_signed", "2026-03-02", signed_by="FCA1").result == "recorded"
    unmet.round("2026-03-02")
    assert needs(unmet)[:2] == [
        ("DVPP", "SA01", "2026-02", 0, 1, "DVPP-D2"), ("DVPP", "SA01", "2026-03", 1, 0, "DVPP-D3")
    ]  # fmt: skip


def test_who_finds_a_provider_has_no_unmet_need_any_more(unmet: Office):
    said = unmet.says("DVPP-D3", "no_provider_in_reach", "2026-02-03")
    unmet.says("DVPP-D3", "retracted", "2026-02-03", supersedes=said.fact_id)
    unmet.put(t.ServiceLine, {}, open_to_referrals=True)
    unmet.round("2026-02-03")
    assert needs(unmet) == []


# The command line and the pictures ------------------------------------------------------------------------------------


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Desk]:
    """Somebody at a database with one family of the pilot's time that completed, and a parent without a provider."""
    engine = with_tables(database(f"sqlite:///{tmp_path / 'pathways.db'}"))
    made = Pilot(Office(engine, P1={"open_to_referrals": False}, P2={"open_to_referrals": False}))
    made.completes(0, date(2017, 11, 20))
    made.keep()
    made.office.case().opens("SPIP-D1", "PA")
    made.office.says("SPIP-D1", "safeguarding_letter_filed", "2026-02-02")
    made.office.round("2026-02-02")
    yield Desk(monkeypatch, capsys, tmp_path)
    settings.cache_clear()
    database.cache_clear()


PILOT = ("evaluate", "CPPP", "--from", "01/11/2017", "--to", "2019-02-28")


def test_the_evaluation_is_printed_by_route_with_its_rules(desk: Desk):
    header, first, *rest = desk("evaluate", "cppp", "--as-at", "2019-05-31").out.splitlines()
    assert header.split("\t") == [
        "figure",
        "unit",
        "first hearing",
        "section 7",
        "section 7 to 16.4",
        "rule 16.4",
        "in all",
    ]
    assert first.split("\t") == ["offered", "families", "1", "0", "0", "0", "1"]
    assert "Of families offered CPPP, as recorded by 31 May 2019." in rest
    assert not any("pilot" in line for line in rest)


def test_the_pilots_cohort_is_printed_beside_the_paper(desk: Desk):
    said = desk(*PILOT, "--as-at", "31/05/2019").out
    assert "agreed\tfamilies\t107, 69%\tno day is given; read as May 2019\t1 of 1 (100%)\tno" in said
    assert "10 of 15 is 66.7%" in said and "Not rebuilt:" in said and "parents interviewed\t15 parents" in said


def test_the_evaluation_as_json_has_counts_and_bases(desk: Desk):
    (made,) = json.loads(desk(*PILOT, "--as-at", "2020-01-31", "--tracked-before", "2018-07-01", "--json").out)
    figures = {figure["figure"]: figure for figure in made["figures"]}
    assert figures["returned"]["in_all"] == {"count": 0, "of": 1, "percent": 0}
    assert figures["weeks"]["in_all"] == {"mean": 10.0, "days": 70, "families": 1}
    assert made["as_at"] == "2020-01-31" and len(made["pilot"]["compared"]) == 11 and made["pilot"]["not_rebuilt"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("SPIP", '"SPIP" is not evaluated; expected CPPP.'),
        ("CPPP --as-at 2099-01-01", "it is still to come"),
        ("CPPP --from 2019-02-28 --to 2017-11-01", "--to: it cannot be before --from."),
        ("CPPP --from yesterday", "--from: write the date as 31/01/2022"),
    ],
)
def test_what_cannot_be_evaluated_is_said(desk: Desk, words: str, says: str):
    said = desk("evaluate", *words.split())
    assert said.code == 2 and says in said.err


def test_unmet_need_is_printed_in_references(desk: Desk):
    header, row, *_ = desk("unmet").out.splitlines()
    assert header.split("\t") == ["programme", "area", "month", "closed", "waiting", "pathways"]
    assert row.split("\t") == ["SPIP", "SA01", "2026-02", "0", "1", "SPIP-D1"]
    assert json.loads(desk("unmet", "--json").out)[0]["pathways"] == "SPIP-D1"


def test_neither_command_imports_prefect(desk: Desk):
    code = """
import sys
from cli.app import main
for words in (["evaluate", "CPPP"], ["unmet"]):
    sys.argv = ["pathways", *words]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, words
assert "prefect" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_both_are_drawn_as_artifacts(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    from tasks import watch

    drawn: dict[str, Any] = {}
    settings.cache_clear()
    monkeypatch.setattr(watch, "get_client", lambda **_: nullcontext())
    monkeypatch.setattr(watch, "put_table", lambda client, key, table, *said: drawn.update({key: (table, said[0])}))
    watch.draw_reports.fn()
    table, description = drawn["cppp-evaluation"]
    assert table[2]["figure"] == "completed" and table[2]["in all"] == "1 of 1 (100%)" and "ended before" in description
    assert drawn["unmet-need"][0][0]["pathways"] == "SPIP-D1"
