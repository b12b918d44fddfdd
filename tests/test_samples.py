"""The sample caseload: on any day it shows every stage of every programme, and nobody in it can be reached."""

import re
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from flows.programmes import PROGRAMMES
from flows.support import support
from models.facts.case import ParentSpokenTo
from models.restricted import Survivor
from models.tables import FactRow, NoticeRow, PathwayRow
from notifications.wording import said
from samples import cppp, dvpp, load_samples, page, spip
from samples.caseload import caseload
from samples.strand import load_strand
from settings import OFF, Settings
from store.advance import advance
from store.chase import chase
from store.database import database, reading
from store.record import Reported, record
from store.strand import strand
from tasks.support import sweep_strand
from tests.fresh import with_tables
from tests.strand import apart
from tests.world import empty

COMPOSITE = Settings(profile="composite")
DOCS = Path(__file__).parent.parent / "docs"
DAYS = {
    "a working day": "2026-03-11", "a Saturday": "2026-11-21", "a Sunday": "2026-11-22", "a Monday": "2026-11-23",
    "a bank holiday": "2026-08-31", "Good Friday": "2026-04-03", "Christmas Day": "2026-12-25",
    "27 December": "2026-12-27", "27 December, a substitute day": "2027-12-27", "the leap day": "2028-02-29",
    "the day the clocks go forward": "2026-03-29",
}  # fmt: skip
STATES = {
    "SPIP": "safeguarding_hold ready_to_refer referred acknowledged booked report_due not_attended breach_review "
    "court_notified next_step_offered closed_completed closed_not_completed closed_unsuitable closed_withdrawn on_hold",
    "DVPP": "ordered suitability_gate ready_to_refer referred assessment assessment_report_due awaiting_start "
    "in_programme midway_report_due attendance_concern final_report_due court_report_due closed_completed "
    "closed_failed_assessment closed_dropped closed_no_provider closed_assessment_only closed_withdrawn on_hold "
    "safeguarding_hold",
    "CPPP": "identified suitability consent court_timetabling practitioner_match in_programme joint_meeting_due "
    "report_due tracking closed_agreement closed_no_agreement closed_unsuitable closed_declined closed_stopped "
    "safeguarding_hold",
}
"""Every state of m01, but for a SPIP's `requested`, which is passed through at once; and what holds a pathway."""
STEPS = {"R0", "R1", "R2", "E1", "E2", "H", "S1", "S2", "D2-1", "D2-3", "D2-5"}

any_day = pytest.mark.parametrize("today", DAYS.values(), ids=DAYS)


def noon(today: str) -> datetime:
    return datetime.combine(date.fromisoformat(today), time(12), UTC)


@cache
def went_round(today: str) -> tuple[Engine, set[str]]:
    """The samples after one round on the day they were loaded, and the steps of the ladders it took."""
    engine, now = empty(), noon(today)
    assert load_samples(engine, now, COMPOSITE).new
    for programme, story in PROGRAMMES.items():
        assert not advance(engine, programme, story, now, COMPOSITE).failed
    return engine, set(chase(engine, now, COMPOSITE).steps)


def rows(engine: Engine, table: type) -> list:
    with reading(engine) as connection:
        return list(connection.execute(select(table.__table__)))


@any_day
def test_every_state_of_every_programme_is_reached_by_some_sample(today: str):
    pathways = rows(went_round(today)[0], PathwayRow)
    for programme, states in STATES.items():
        assert {row.state for row in pathways if row.programme == programme} - {"requested"} == set(states.split())


@any_day
def test_every_step_of_every_ladder_is_taken(today: str):
    steps = went_round(today)[1]
    assert steps >= STEPS
    assert {step for step in steps if step.startswith("F1")}


@any_day
def test_whatever_is_to_be_said_of_the_samples_can_be_said(today: str):
    notices = [row for row in rows(went_round(today)[0], NoticeRow) if not row.withheld]
    assert len({notice.wording for notice in notices}) >= 20
    for notice in notices:
        assert said(notice.pathway, notice.wording, notice.fields).subject


@any_day
def test_nobody_in_the_samples_can_be_reached(today: str):
    cells = [cell for kind in caseload(date.fromisoformat(today)).values() for row in kind for cell in row.values()]
    addresses = [cell for cell in cells if "@" in cell]
    assert len(addresses) > 20 and all(re.fullmatch(r"[^@\s]+@[a-z0-9.]+\.example", one) for one in addresses)
    assert not [cell for cell in cells if re.search(r"https?://|(?<!\d)0\d{3,4} ?\d{6}", cell)]


def asked_to_refer(engine: Engine) -> set[str]:
    """The pathways whose commissioning officers are told that they can be referred, or that nobody is open to them."""
    said = [row for row in rows(engine, NoticeRow) if row.wording in ("ready-to-refer", "no-provider")]
    return {row.pathway for row in said if not row.withheld}


@any_day
def test_what_became_ready_only_yesterday_is_to_be_referred_although_it_was_asked_for_long_ago(today: str):
    engine, _ = went_round(today)
    ready = {row.reference for row in rows(engine, PathwayRow) if row.state == "ready_to_refer"}
    assert {"SPIP-D0004", "SPIP-D0005", "DVPP-D0106"} <= ready & asked_to_refer(engine)


def test_a_sample_that_waits_for_safeguarding_is_to_be_referred_once_it_is_ready():
    engine = empty()
    load_samples(engine, noon("2026-03-11"), COMPOSITE)
    [waits] = [row for row in rows(engine, PathwayRow) if row.reference == "SPIP-R0002"]
    later = noon("2026-03-12")
    common = {"happened_on": later.date(), "recorded_at": later, "recorded_by": "FCA01"}
    spoken_to = ParentSpokenTo(party=f"{waits.case}-R", **common)
    assert record(engine, [Reported(waits.case, spoken_to)], later, COMPOSITE).count("recorded") == 1
    assert not advance(engine, "SPIP", PROGRAMMES["SPIP"], later, COMPOSITE, ["SPIP-R0002"]).failed
    assert "SPIP-R0002" in asked_to_refer(engine)


def test_spip_in_addition_to_a_cppp_has_a_pathway_of_its_own():
    engine, _ = went_round("2026-03-11")
    [added] = [row for row in rows(engine, PathwayRow) if row.programme == "SPIP" and row.reference.count("-") == 2]
    beside = next(
        row for row in rows(engine, PathwayRow) if row.reference == added.reference.replace("SPIP", "CPPP")[:-2]
    )
    assert (beside.programme, beside.case, beside.party) == ("CPPP", added.case, None)


def test_a_programme_of_many_weeks_is_told_week_by_week():
    engine, _ = went_round("2026-03-11")
    weekly = [row.subject for row in rows(engine, FactRow) if row.kind == "weekly_attendance"]
    assert max(weekly.count(subject) for subject in set(weekly)) == 26


@pytest.fixture
def both_sides(tmp_path: Path) -> Settings:
    """The samples in a database, and their restricted strand in its own."""
    made, now = apart(tmp_path), noon("2026-03-11")
    main = with_tables(database(made.database_url))
    with_tables(strand(made), restricted=True)
    load_samples(main, now, made)
    load_strand(now, made)
    for programme, story in PROGRAMMES.items():
        assert not advance(main, programme, story, now, made).failed
    return made


def test_beside_the_men_who_were_referred_support_stands_at_every_stage(both_sides: Settings):
    sweep_strand(support, noon("2026-03-11"), both_sides)
    states = {row.state for row in rows(strand(both_sides), PathwayRow)}
    assert states == {"offer_due", "offered", "engaged", "closed_ended", "closed_declined", "closed_no_contact"}
    assert len(rows(strand(both_sides), Survivor)) >= 20


def test_the_strand_is_left_alone_where_it_has_people_of_its_own_or_is_out_of_reach(both_sides: Settings):
    before = rows(strand(both_sides), FactRow)
    load_strand(noon("2026-03-12"), both_sides)
    assert rows(strand(both_sides), FactRow) == before
    load_strand(noon("2026-03-12"), both_sides.model_copy(update={"restricted_database": OFF}))


def test_what_the_documents_point_at_keeps_its_reference():
    told = {row["about"]: row for row in caseload(date(2026, 3, 11))["facts"]}
    assert (told["SPIP-D0030"]["fact"], told["SPIP-D0030"]["recorded_by"]) == ("session_booked", "P003")
    assert told["SPIP-D0043"]["fact"] == "session_booked"


def test_the_page_of_the_samples_says_what_is_loaded():
    assert (DOCS / "samples.md").read_text(encoding="utf-8") == page.page()
    loaded = caseload(date(2026, 3, 11))
    opened = len(loaded["directions"]) + len(loaded["requests"])
    assert f"{opened} fictional pathways" in page.page()
    assert all(sum(stage[0] for stage in one.STAGES) >= 20 for one in (spip, dvpp, cppp))
