"""Sessions laid inside their window: every property, and against trying all days there are."""

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import tables as t
from models.schedule import NoPlan, Plan, Session, Window, moved, propose, replan, window
from models.sessions import at_times, facts_of, proposed, rearranged, sessions_of
from models.standing import Known
from models.working_days import is_working_day, london_date, next_working_day
from settings import settings as settings_now
from store.database import database
from tests.life import Life
from tests.test_command_line import Desk
from tests.world import Office, empty

DAY = timedelta(days=1)
JAN, APR = date(2026, 1, 13), date(2026, 4, 20)
P, PA, PB, CHILD = "FCA3", "PA", "PB", "CASE1"
FOUR = (
    Session("R1-1", "parent", frozenset({P, PA})),
    Session("R1-2", "parent", frozenset({P, PB})),
    Session("R1-3", "child", frozenset({P, CHILD})),
    Session("R1-4", "joint", frozenset({P, PA, PB})),
)
STARTS = [
    date(2026, 1, 12),
    date(2025, 12, 15),
    date(2025, 12, 22),
    date(2026, 3, 23),
    date(2026, 10, 19),
    date(2026, 5, 1),
]
"""An ordinary month, Christmas, Easter with the clocks going forward, the clocks going back, and two bank holidays."""


def weeks(first: str | date, count: int = 12, **more: object) -> Window:
    first = date.fromisoformat(str(first))
    return window(first, weeks=count, joint_by_week=10, least_gap_days=7, slack_days=14, **more)


def days(plan: Plan) -> list[date]:
    return [session.day for session in plan.sessions]


def laid(*on: str) -> list[Session]:
    return [replace(session, day=date.fromisoformat(day)) for session, day in zip(FOUR, on, strict=True)]


# Every day there is, tried --------------------------------------------------------------------------------------------


def can(session: Session, day: date, w: Window) -> bool:
    return is_working_day(day) and not any(a <= day <= b for who in session.who for a, b in w.away.get(who, ()))


def ways(sessions: Sequence[Session], w: Window, begin: date) -> Iterator[tuple[date, ...]]:
    """Every way to lay sessions one after the other from a day on."""
    if not sessions:
        yield ()
        return
    for n in range((w.last - begin).days + 1):
        if can(sessions[0], day := begin + n * DAY, w):
            yield from ((day, *rest) for rest in ways(sessions[1:], w, day + w.gap))


def may_slip(sessions: Sequence[Session], way: Sequence[date], w: Window) -> bool:
    begins = [max(day + DAY, *(before + w.gap for before in way[:n])) if n else day + DAY for n, day in enumerate(way)]
    return all(any(True for _ in ways(sessions[n:], w, begin)) for n, begin in enumerate(begins))


def spans(first: date, length: int) -> st.SearchStrategy:
    """Days away, from one to another, in and around the window."""
    edge = st.integers(-2, length + 2)
    return st.tuples(edge, st.integers(0, 6)).map(lambda pair: (first + pair[0] * DAY, first + sum(pair) * DAY))


@st.composite
def small(draw: st.DrawFn) -> tuple[list[Session], Window]:
    """A window of a few days, and who is away when."""
    first, length = draw(st.sampled_from(STARTS)) + draw(st.integers(0, 6)) * DAY, draw(st.integers(0, 15))
    away = draw(st.dictionaries(st.sampled_from([P, PA, PB, CHILD]), st.lists(spans(first, length), max_size=2)))
    sessions = list(FOUR[draw(st.integers(0, 3)) :])
    joint_by = first + draw(st.integers(0, length)) * DAY
    gap, slack = draw(st.integers(1, 5)), draw(st.integers(0, 6))
    return sessions, Window(first, first + length * DAY, joint_by, gap * DAY, slack * DAY, away)


@given(small())
@settings(max_examples=300, deadline=None)
def test_a_plan_is_found_wherever_there_is_one_with_slack_and_the_joint_meeting_in_time_where_there_is_that(made):
    sessions, w = made
    all_ways = (
        [(w.first, *rest) for rest in ways(sessions[1:], w, w.first + w.gap)] if can(sessions[0], w.first, w) else []
    )
    if not all_ways or w.last < w.first:
        with pytest.raises(NoPlan):
            propose(sessions, w)
        return
    plan = propose(sessions, w)
    assert tuple(days(plan)) in all_ways
    assert plan.slack is any(may_slip(sessions, way, w) for way in all_ways) is may_slip(sessions, days(plan), w)
    assert (days(plan)[-1] <= w.joint_by) is any(way[-1] <= w.joint_by for way in all_ways)
    assert (days(plan)[-1] <= w.last - w.slack) is any(way[-1] <= w.last - w.slack for way in all_ways)
    assert propose(sessions, w) == plan


@given(small(), st.data())
@settings(max_examples=300, deadline=None)
def test_a_slipped_session_is_laid_anew_wherever_it_can_be_and_as_few_others_as_can_be_are_moved(made, data):
    sessions, w = made
    try:
        plan = propose(sessions, w)
    except NoPlan:
        return
    n = data.draw(st.integers(0, len(sessions) - 1))
    lost = plan.sessions[n]
    since = lost.day + data.draw(st.integers(-3, 4)) * DAY
    news = data.draw(st.dictionaries(st.sampled_from([P, PA, PB, CHILD]), st.lists(spans(w.first, 15), max_size=1)))
    w = replace(w, away=w.away | news)
    stay = [one for one in plan.sessions if one.day < since and one is not lost]
    coming = [one for one in plan.sessions if one not in stay]
    begin = max([since, *(one.day + w.gap for one in stay)])

    def fine(one: Session, day: date) -> bool:
        return day != one.day and day >= begin if one is lost else day == one.day or day >= begin

    found = [way for way in ways(coming, w, min(begin, *(one.day for one in coming))) if all(map(fine, coming, way))]
    if not found:
        with pytest.raises(NoPlan):
            replan(plan.sessions, lost.code, w, since)
        return
    again = replan(plan.sessions, lost.code, w, since)
    assert tuple(days(again)[len(stay) :]) in found and list(again.sessions[: len(stay)]) == stay
    least = min(sum(day != one.day for one, day in zip(coming, way, strict=True)) for way in found)
    assert lost.code in {one.code for one in moved(plan.sessions, again)}
    assert len(moved(plan.sessions, again)) == least
    assert replan(tuple(reversed(plan.sessions)), lost.code, w, since) == again


# Whole windows --------------------------------------------------------------------------------------------------------


@st.composite
def whole(draw: st.DrawFn) -> Window:
    """A real window of twelve weeks, or one the court has extended, of any year the service ran and beyond."""
    first = draw(st.dates(date(2017, 11, 1), date(2030, 12, 31)))
    until = draw(st.none() | st.integers(85, 150).map(lambda n: first + n * DAY))
    away = draw(st.dictionaries(st.sampled_from([P, PA, PB, CHILD]), st.lists(spans(first, 84), max_size=4)))
    return weeks(first, until=until, away=away)


@given(whole())
@settings(max_examples=300, deadline=None)
def test_in_a_whole_window_every_rule_holds_and_slack_means_that_any_one_may_slip(w: Window):
    try:
        plan = propose(FOUR, w)
    except NoPlan as why:
        assert str(why).endswith(".") and ("Choose another day" in str(why) or "ask the court" in str(why).lower())
        return
    assert [session.code for session in plan.sessions] == [session.code for session in FOUR]
    assert days(plan)[0] == w.first and days(plan)[-1] <= w.last
    assert all(can(session, session.day, w) for session in plan.sessions)
    assert all(b - a >= w.gap for a, b in zip(days(plan), days(plan)[1:], strict=False))
    if not plan.slack:
        return
    for lost in plan.sessions:
        again = replan(plan.sessions, lost.code, w, lost.day + DAY)
        assert [session.code for session in again.sessions] == [session.code for session in plan.sessions]
        assert days(again)[-1] <= w.last and all(can(session, session.day, w) for session in again.sessions)
        assert all(b - a >= w.gap for a, b in zip(days(again), days(again)[1:], strict=False))
        assert {one.code for one in plan.sessions if one.day < lost.day}.isdisjoint(
            one.code for one in moved(plan.sessions, again)
        )


@given(whole(), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_slack_after_a_slip_means_that_another_may_slip_too(w: Window, n: int):
    try:
        plan = propose(FOUR, w)
        again = replan(plan.sessions, FOUR[n].code, w, plan.sessions[n].day + DAY)
    except NoPlan:
        return
    for lost in again.sessions[n:] if again.slack else ():
        replan(again.sessions, lost.code, w, lost.day + DAY)


def test_with_nobody_away_sessions_are_spread_evenly_and_leave_the_slack_free():
    plan = propose(FOUR, weeks("2026-01-12"))
    assert [str(day) for day in days(plan)] == ["2026-01-12", "2026-02-04", "2026-02-27", "2026-03-23"]
    assert plan.slack


def test_none_is_laid_on_a_bank_holiday_or_over_christmas():
    for first in (date(2025, 9, 1) + n * DAY for n in range(280)):  # so that every session meets every holiday
        if is_working_day(first):
            plan = propose(FOUR, weeks(first))
            assert all(is_working_day(day) for day in days(plan)) and plan.slack
    assert [str(d) for d in days(propose(FOUR, weeks("2025-12-01", 4)))] == [
        "2025-12-01",
        "2025-12-08",
        "2025-12-15",
        "2025-12-22",
    ]


def test_the_clock_change_moves_no_day():
    spring, autumn = propose(FOUR, weeks("2026-03-02")), propose(FOUR, weeks("2026-09-21"))
    assert [(day - spring.sessions[0].day).days for day in days(spring)] == [0, 23, 46, 70]
    assert [(day - autumn.sessions[0].day).days for day in days(autumn)] == [0, 23, 46, 70]


def test_a_plan_without_slack_says_so():
    away = {PA: [(JAN, date(2026, 4, 6))]}
    plan = propose(FOUR, weeks("2026-01-12", until=date(2026, 4, 7), away=away))
    assert days(plan)[-1] == date(2026, 4, 7) and not plan.slack


def test_a_late_joint_meeting_is_better_than_none():
    away = {PA: [(date(2026, 1, 13), date(2026, 3, 27))]}
    plan = propose(FOUR, weeks("2026-01-12", away=away))
    assert date(2026, 3, 23) < days(plan)[-1] <= date(2026, 4, 6)


# What cannot be -------------------------------------------------------------------------------------------------------

IMPOSSIBLE = [
    ({PA: [(JAN, APR)]}, "no common working day for the joint session R1-4 from 2 February 2026 until 6 April 2026; away are PA from 13 January 2026 to 20 April 2026. Ask them for other days, or ask the court for an extension."),
    ({PB: [(JAN, date(2026, 3, 30))]}, "no room for the child session R1-3: it cannot be before 7 April 2026, and the window ends on 6 April 2026; away are PB from 13 January 2026 to 30 March 2026."),
    ({P: [(date(2026, 1, 12), date(2026, 1, 12))]}, "cannot be on 12 January 2026: FCA3 cannot come. Choose another day."),
]  # fmt: skip


@pytest.mark.parametrize(("away", "says"), IMPOSSIBLE)
def test_what_cannot_be_laid_is_said_with_who_is_away_and_what_can_be_done(away: dict, says: str):
    with pytest.raises(NoPlan) as why:
        propose(FOUR, weeks("2026-01-12", away=away))
    assert says in str(why.value)


@pytest.mark.parametrize(
    ("first", "until", "says"),
    [
        ("2025-12-25", None, "25 December 2025, which is not a working day"),
        ("2026-01-12", date(2026, 1, 9), "The window ends on 9 January 2026, before its first session. Ask the court"),
        ("2026-01-12", date(2026, 1, 30), "no room for the joint session R1-4: it cannot be before 2 February 2026"),
        ("2026-03-13", date(2026, 4, 3), "no common working day for the joint session R1-4 from 3 April 2026"),
    ],
)
def test_a_window_too_short_is_said(first: str, until: date | None, says: str):
    with pytest.raises(NoPlan) as why:
        propose(FOUR, weeks(first, until=until))
    assert says in str(why.value)


# When one slips -------------------------------------------------------------------------------------------------------

SET = laid("2026-01-12", "2026-02-04", "2026-02-27", "2026-03-23")


def again(slipped: str, since: str, sessions: Sequence[Session] = SET, **more: object) -> dict[str, str]:
    made = replan(sessions, slipped, weeks("2026-01-12", **more), date.fromisoformat(since))
    return {session.code: str(session.day) for session in moved(sessions, made)}


def test_only_the_slipped_one_moves_where_there_is_room():
    assert again("R1-2", "2026-02-05") == {"R1-2": "2026-02-05"}
    assert again("R1-4", "2026-03-30") == {"R1-4": "2026-03-30"}


def test_where_it_is_known_before_it_is_held_soon_after_the_day_it_has_lost_and_sooner_only_if_nobody_can_then():
    assert again("R1-2", "2026-01-20") == {"R1-2": "2026-02-05"}
    away = {P: [(date(2026, 2, 5), date(2026, 2, 20))]}
    assert again("R1-2", "2026-01-20", away=away) == {"R1-2": "2026-02-03"}


def test_what_comes_after_moves_as_little_as_it_must():
    away = {P: [(date(2026, 2, 5), date(2026, 2, 20))]}
    assert again("R1-2", "2026-02-05", away=away) == {"R1-2": "2026-02-23", "R1-3": "2026-03-02"}


def test_one_on_whose_day_somebody_is_now_away_moves_too():
    away = {PB: [(date(2026, 3, 20), date(2026, 3, 25))]}
    assert again("R1-2", "2026-02-05", away=away) == {"R1-2": "2026-02-05", "R1-4": "2026-03-19"}


def test_what_people_set_closer_together_or_on_a_saturday_stays_when_it_can():
    close = laid("2026-01-12", "2026-02-05", "2026-02-05", "2026-03-21")
    assert again("R1-1", "2026-01-13", close) == {"R1-1": "2026-01-13"}


def test_with_no_day_left_it_says_so():
    with pytest.raises(NoPlan, match=r"the joint session R1-4 from 6 April 2026 until 6 April 2026. Ask the court"):
        again("R1-4", "2026-04-06")
    late = laid("2026-01-12", "2026-02-04", "2026-02-27", "2026-04-02")
    with pytest.raises(NoPlan, match="no room for the joint session R1-4: it cannot be before 8 April 2026"):
        again("R1-3", "2026-04-01", late)
    extended = again("R1-3", "2026-04-01", late, until=date(2026, 4, 30))
    assert extended == {"R1-3": "2026-04-01", "R1-4": "2026-04-08"}


# Speed ----------------------------------------------------------------------------------------------------------------


def test_it_takes_well_under_50_milliseconds_in_the_longest_window():
    away = {
        who: [(date(2026, 1, 13) + n * 9 * DAY, date(2026, 1, 14) + n * 9 * DAY) for n in range(15)]
        for who in (P, PA, PB)
    }
    w = weeks("2026-01-12", until=date(2026, 7, 31), away=away)

    def took() -> float:
        begun = time.perf_counter()
        plan = propose(FOUR, w)
        replan(plan.sessions, "R1-2", w, plan.sessions[1].day + DAY)
        return time.perf_counter() - begun

    assert min(took() for _ in range(5)) < 0.025


# From what is known of a pathway --------------------------------------------------------------------------------------


def life() -> Life:
    """A CPPP given to FCA3."""
    return Life("2025-12-01", "adviser", reference="CPPP-R0001").add(
        "2026-01-05", "practitioner_matched", practitioner="FCA3"
    )


def days_of(known: Known, first: str = "2026-01-12") -> list[str]:
    return [str(day) for day in days(proposed(known, CHILD, date.fromisoformat(first)))]


def test_what_is_known_makes_a_session_with_each_parent_one_with_the_child_and_a_joint_one():
    made = proposed(life().known(), CHILD, date(2026, 1, 12))
    assert [replace(session, day=None) for session in made.sessions] == [
        replace(s, code=s.code.replace("R1", "R0001")) for s in FOUR
    ]
    assert days_of(life().known()) == [str(session.day) for session in SET] and made.slack


@pytest.mark.parametrize(
    ("reference", "begins"),
    [
        ("CPPP-123456", "12345-6-1"), ("CPPP-R0123456789", "R01234-56789-1"), ("CPPP-NORTHWEST-7", "NORTH-WEST-7-1"),
        ("CPPP-2026--000123-", "2026-00012-3-1"), ("CPPP-A1-" + 7 * "B2C3", "B2C3" * 5 + "-1"),
    ],
)  # fmt: skip
def test_sessions_are_named_after_their_pathway_whatever_form_its_number_has(reference: str, begins: str):
    told = Life("2025-12-01", "adviser", reference=reference)
    told.add("2026-01-05", "practitioner_matched", practitioner="FCA3")
    facts = set_as_planned(told).facts[2:6]
    assert (facts[0].session, len({fact.session for fact in facts})) == (begins, 4)
    assert [session.code for session in sessions_of(told.known(), CHILD)] == [fact.session for fact in facts]


def test_whoever_is_away_is_known_from_facts():
    told = life().add("2026-01-05", "unavailable", who=PB, away_from="2026-02-02", away_until="2026-02-13")
    told.add("2026-01-05", "unavailable", who=CHILD, away_from="2026-02-16", away_until="2026-03-06")
    assert days_of(told.known()) == ["2026-01-12", "2026-01-30", "2026-03-09", "2026-03-23"]


def test_what_the_court_gives_and_a_hold_adds_makes_the_window_longer():
    told = life().add("2026-01-05", "unavailable", who=PA, away_from="2026-01-13", away_until="2026-04-10")
    with pytest.raises(NoPlan, match="away are PA"):
        days_of(told.known())
    assert days(proposed(told.known(), CHILD, date(2026, 1, 12), date(2026, 4, 30)))[-1] == date(2026, 4, 13)
    told.add("2026-01-05", "extension_granted", until="2026-05-01")
    assert days_of(told.known())[-1] > "2026-04-10"


def set_as_planned(told: Life) -> Life:
    """All four set, as they would be recorded."""
    known = told.known()
    made = proposed(known, CHILD, date(2026, 1, 12))
    timed = list(at_times(known, made.sessions, None, timedelta(minutes=90)))
    for fact in facts_of(known, timed, "FCA3", datetime(2026, 1, 5, 15, tzinfo=UTC), letters=True):
        told.facts.append(fact.model_copy(update={"id": len(told.facts) + 1, "place": len(told.facts) + 1}))
    return told


def test_what_is_recorded_says_when_in_utc_and_which_parent_comes():
    told = set_as_planned(life()).add(
        "2026-01-06", "unavailable", who=PB, away_from="2026-03-23", away_until="2026-03-27"
    )
    facts = told.facts[2:6]
    assert [(fact.session, fact.sitting, fact.party, fact.letters) for fact in facts] == [
        ("R0001-1", "parent", PA, True), ("R0001-2", "parent", PB, True), ("R0001-3", "child", None, True), ("R0001-4", "joint", None, True),
    ]  # fmt: skip
    assert all(fact.starts_at.hour == 10 and fact.ends_at - fact.starts_at == timedelta(minutes=90) for fact in facts)
    known = told.known()
    made = rearranged(known, CHILD, "R0001-4", date(2026, 3, 28))
    [again] = facts_of(
        known,
        at_times(known, moved(sessions_of(known, CHILD), made), None, None),
        "FCA3",
        datetime(2026, 3, 2, tzinfo=UTC),
        letters=False,
    )
    assert (again.kind, again.session, again.starts_at) == (
        "session_moved",
        "R0001-4",
        datetime(2026, 3, 30, 9, tzinfo=UTC),
    )
    assert again.ends_at - again.starts_at == timedelta(minutes=90)


def test_sessions_held_stay_those_called_off_are_gone_and_moves_count():
    told = set_as_planned(life()).add("2026-01-12", "session_held", session="R0001-1")
    told.moved("2026-01-20", "R0001-2", "2026-02-06").add("2026-01-20", "session_called_off", session="R0001-3")
    there = sessions_of(told.known(), CHILD)
    assert [(s.code, str(s.day)) for s in there] == [
        ("R0001-1", "2026-01-12"),
        ("R0001-2", "2026-02-06"),
        ("R0001-4", "2026-03-23"),
    ]
    made = rearranged(told.known(), CHILD, "R0001-2", date(2026, 2, 9))
    assert [str(s.day) for s in moved(there, made)] == ["2026-02-09"]


def test_a_session_that_does_not_stand_or_was_held_cannot_slip():
    told = set_as_planned(life()).add("2026-01-12", "session_held", session="R0001-1")
    with pytest.raises(NoPlan, match="R0001-1 was held"):
        rearranged(told.known(), CHILD, "R0001-1", date(2026, 2, 9))
    with pytest.raises(NoPlan, match="its sessions: R0001-1, R0001-2, R0001-3, R0001-4"):
        rearranged(told.known(), CHILD, "R0001-9", date(2026, 2, 9))


def test_nothing_is_planned_twice_or_without_a_practitioner_and_codes_are_used_once():
    with pytest.raises(NoPlan, match="no practitioner yet"):
        days_of(Life("2025-12-01", "adviser", reference="CPPP-R0001").known())
    told = set_as_planned(life())
    with pytest.raises(NoPlan, match="has sessions already: R0001-1, R0001-2"):
        days_of(told.known())
    for n in (1, 2, 3, 4):
        told.add("2026-01-06", "session_called_off", session=f"R0001-{n}")
    again = proposed(told.known(), CHILD, date(2026, 1, 19))
    assert [session.code for session in again.sessions] == ["R0001-5", "R0001-6", "R0001-7", "R0001-8"]
    with pytest.raises(NoPlan, match="is no CPPP"):
        days_of(Life().known())


# The command ----------------------------------------------------------------------------------------------------------

TODAY = london_date(datetime.now(UTC))
MATCHED = TODAY - timedelta(days=7)
FIRST = next_working_day(TODAY + timedelta(days=3))


def matched(office: Office) -> None:
    """A CPPP on its way to a practitioner, FCA3."""
    assert office.opens("CPPP-R0001", None, route="adviser", entry="section_7", on=MATCHED) == ""
    steps = [
        ("CASE1", "further_work_ordered", {"work": "section_7"}), ("", "assessment_opened", {}),
        *(("", "criterion_assessed", {"criterion": c, "met": True}) for c in ("both_willing", "court_still_needed", "harmful_conflict", "safe_together")),
        ("", "la_referral_considered", {"referred": False, "ground": "threshold_not_met"}),
        *(("", "spip_considered", {"party": p, "decision": "not_refer", "reason": "time"}) for p in (PA, PB)),
        ("", "suitability_decided", {"suitable": True}), ("", "programme_offered", {}),
        *(("", "consent_given", {"party": p}) for p in (PA, PB)),
        ("", "court_paper_signed", {"paper": "advice", "signed_by": "FCA1"}),
        ("", "court_timetabled", {"file_by": TODAY + timedelta(days=150)}),
        ("", "practitioner_matched", {"practitioner": "FCA3", "by": "SM1"}),
    ]  # fmt: skip
    for about, kind, details in steps:
        outcome = office.says(about or "CPPP-R0001", kind, MATCHED, **details)
        assert outcome.result == "recorded", outcome.why


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Desk]:
    office = Office(empty(f"sqlite:///{tmp_path / 'pathways.db'}")).case()
    matched(office)
    made = Desk(monkeypatch, capsys, tmp_path)
    made.office = office
    yield made
    settings_now.cache_clear()
    database.cache_clear()


def facts(desk: Desk, kind: str) -> list[t.FactRow]:
    return desk.office.rows(t.FactRow, kind=kind)


def test_one_session_that_moves_is_recorded_as_one_fact(desk: Desk):
    desk.monkeypatch.setenv("PATHWAYS_BY", "fca3")
    desk("plan", "CPPP-R0001", "--first", str(FIRST), "--record")
    assert re.search(r"Recorded as fact \d+; ", desk("plan", "CPPP-R0001", "--slipped", "r0001-4", "--record").out)


def test_the_command_proposes_and_records_nothing_unless_asked(desk: Desk):
    said = desk("plan", "cppp-r0001", "--first", str(FIRST))
    assert said.code == 0 and facts(desk, "session_set") == []
    assert [line.split("\t")[:2] for line in said.out.splitlines()[1:5]] == [
        ["R0001-1", "parent"], ["R0001-2", "parent"], ["R0001-3", "child"], ["R0001-4", "joint"],
    ]  # fmt: skip
    assert f"{FIRST:%d/%m/%Y} 10:00\t{FIRST:%d/%m/%Y} 11:00\tFCA3, PA" in said.out
    asked = json.loads(desk("plan", "CPPP-R0001", "--first", f"{FIRST:%d/%m/%Y}", "--json").out)[0]
    assert len(asked["sessions"]) == 4 and asked["slack"] is ("may slip" in said.out)


def test_what_is_proposed_is_recorded_then_replanned_when_one_slips(desk: Desk):
    desk.monkeypatch.setenv("PATHWAYS_BY", "fca3")
    said = desk("plan", "CPPP-R0001", "--first", str(FIRST), "--at", "14:30", "--minutes", "45", "--record")
    assert re.search(r"Recorded as facts \d+, \d+, \d+, \d+; invitations go out", said.out)
    assert [row.payload["session"] for row in facts(desk, "session_set")] == [f"R0001-{n}" for n in (1, 2, 3, 4)]
    assert {row.recorded_by for row in facts(desk, "session_set")} == {"FCA3"}
    again = desk("plan", "CPPP-R0001", "--first", str(FIRST))
    assert (again.code, "has sessions already" in again.err) == (1, True)
    slipped = desk("plan", "CPPP-R0001", "--slipped", "r0001-2", "--record")
    assert slipped.code == 0 and slipped.out.splitlines()[1].startswith("R0001-2\tparent\t")
    [fact] = facts(desk, "session_moved")
    assert fact.payload["session"] == "R0001-2" and len(slipped.out.splitlines()) == 4


def test_what_safety_forbids_is_not_recorded_by_planning_either(desk: Desk):
    desk.office.says("CPPP-R0001", "consent_withdrawn", TODAY - timedelta(days=1), party=PA)
    said = desk("plan", "CPPP-R0001", "--first", str(FIRST), "--record", "--by", "FCA3")
    assert said.code in (1, 4) and "R0001-1 is not recorded. SR-10" in said.err
    assert facts(desk, "session_set") == []


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["CPPP-R0001"], 2, "--first DAY or --slipped SESSION"),
        (["CPPP-R0001", "--first", "2026-01-12", "--slipped", "S1"], 2, "--first DAY or --slipped SESSION"),
        (["CPPP-R0001", "--first", "2026-01-12", "--record"], 2, "who you are"),
        (["CPPP-R0001", "--first", "soon"], 2, "--first: write the date as 31/01/2022"),
        (["CPPP-R0001", "--first", "2026-01-12", "--at", "25:00"], 2, '"25:00" is no time of day'),
        (["CPPP-R0001", "--first", "2025-12-25"], 1, "25 December 2025, which is not a working day"),
        (["CPPP-R0001", "--slipped", "S1"], 1, "its sessions: none yet"),
        (["CPPP-R9999", "--first", "2026-01-12"], 3, "There is no pathway CPPP-R9999"),
    ],
)
def test_what_cannot_be_planned_is_a_sentence(desk: Desk, words: list[str], code: int, says: str):
    said = desk("plan", *words)
    assert (said.code, says in said.err) == (code, True), said.err
