"""Weeks of a programme: days that survive clocks, closures and holds, and absences that are never lost."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.facts.dvpp import WeeklyAttendance
from models.standing import Days
from models.weeks import alarming, nth, session_days, week_reached
from models.working_days import Pause, is_working_day
from tests.life import Life, moment

FIRST = date(2026, 2, 4)
WEEK = timedelta(weeks=1)


def days(first: date, weeks: int, closed: Sequence[Days] = (), pauses: Sequence[Pause] = ()) -> list[date]:
    return list(islice(session_days(first, closed, pauses), weeks))


def report(week: int, result: str, number: int = 0, recorded: date | None = None) -> WeeklyAttendance:
    """A report on a week of the programme that began on FIRST; told on its day unless said otherwise."""
    held = FIRST + WEEK * (week - 1)
    return WeeklyAttendance(
        id=number or week, place=number or week, happened_on=held, recorded_at=moment(recorded or held),
        recorded_by="P1", week=week, result=result,
    )  # fmt: skip


def alarms(*results: str) -> list[int]:
    """The weeks whose absence was an alarm, of weeks reported one after the other."""
    reports = [report(week, result) for week, result in enumerate(results, 1)]
    return [fact.week for fact in alarming(reports, running=2, in_all=3)]


# Days -----------------------------------------------------------------------------------------------------------------


def test_weeks_are_seven_days_apart_through_both_changes_of_the_clock():
    through = days(date(2026, 3, 1), 40)  # Sundays: the clock changes on 29 March and 25 October
    assert {date(2026, 3, 29), date(2026, 10, 25)} <= set(through)
    assert {b - a for a, b in pairwise(through)} == {WEEK}


def test_a_report_just_after_midnight_in_summer_time_counts_for_its_london_day():
    late = report(2, "absent").model_copy(update={"recorded_at": moment(date(2026, 7, 1), 23) + timedelta(minutes=30)})
    assert late.recorded_on == date(2026, 7, 2)


def test_a_closure_at_christmas_is_left_out_and_the_programme_ends_later():
    closed = [(date(2026, 12, 21), date(2027, 1, 3))]
    held = days(date(2026, 12, 9), 4, closed)
    assert held == [date(2026, 12, 9), date(2026, 12, 16), date(2027, 1, 6), date(2027, 1, 13)]


def test_a_closure_counts_from_its_first_day_to_its_last():
    assert days(FIRST, 2, [(date(2026, 2, 11), date(2026, 2, 11))])[1] == date(2026, 2, 18)
    assert days(FIRST, 2, [(date(2026, 2, 12), date(2026, 2, 17))])[1] == date(2026, 2, 11)


def test_a_first_session_that_was_held_counts_whatever_the_calendar_of_closures_says():
    assert days(FIRST, 2, [(FIRST, FIRST)]) == [FIRST, FIRST + WEEK]


def test_a_bank_holiday_is_a_week_like_another_for_the_group_may_meet_on_another_day():
    mondays = days(date(2026, 3, 30), 6)
    assert [day for day in mondays if not is_working_day(day)] == [date(2026, 4, 6), date(2026, 5, 4)]


def test_a_session_moved_to_another_day_even_a_bank_holiday_is_reported_under_its_week():
    life = Life(reference="DVPP-D1").add("2026-01-06", "survivor_plan_made")
    life.add("2026-01-06", "violence_established", basis="admitted").add("2026-01-07", "referral_sent", provider="P1")
    life.add("2026-01-08", "acknowledged", provider="P1").add("2026-01-20", "assessment_reported", result="accepted")
    life.add("2026-03-24", "programme_started", weeks=26)  # a Tuesday
    life.add("2026-04-06", "weekly_attendance", week=2, result="absent")  # moved from 31 March to Easter Monday
    life.add("2026-04-09", "weekly_attendance", week=3, result="absent")  # moved from Tuesday to Thursday
    decision = life.on("2026-04-09")
    assert decision.standing.state == "attendance_concern"
    met = [d.key.rpartition(":")[2] for d in decision.duties.values() if d.kind == "weekly_attendance" and d.fact]
    assert met == ["2", "3"]


def test_the_day_a_hold_is_set_still_counts_and_the_day_it_is_released_does_not():
    pauses = [(date(2026, 2, 11), date(2026, 2, 25))]
    assert days(FIRST, 4, (), pauses) == [FIRST, date(2026, 2, 11), date(2026, 3, 4), date(2026, 3, 11)]


def spans() -> st.SearchStrategy[list[tuple[date, date]]]:
    begin = st.dates(date(2026, 1, 1), date(2027, 6, 30))
    return st.lists(st.builds(lambda a, n: (a, a + timedelta(days=n)), begin, st.integers(0, 60)), max_size=5)


@given(st.dates(date(2025, 1, 1), date(2026, 12, 31)), spans(), spans())
def test_every_week_has_a_day_of_its_own_in_order_and_on_the_day_of_the_first(
    first: date, closed: list[Days], pauses: list[Pause]
):
    found = days(first, 40, closed, pauses)
    assert found == sorted(set(found))
    assert {day.weekday() for day in found} == {first.weekday()}
    assert not any(begins <= day <= ends for begins, ends in closed for day in found[1:])
    assert not any(begun < day <= ended for begun, ended in pauses for day in found[1:])
    assert [nth(session_days(first, closed, pauses), n) for n in (1, 7, 40)] == [found[0], found[6], found[39]]


@given(spans(), st.data())
def test_a_hold_moves_no_week_from_before_it(pauses: list[Pause], data: st.DataObject):
    before = days(FIRST, 40, (), pauses)
    begun = data.draw(st.dates(date(2026, 2, 4), date(2026, 12, 31)))
    after = days(FIRST, 40, (), [*pauses, (begun, begun + timedelta(days=30))])
    assert [day for day in before if day <= begun] == [day for day in after if day <= begun]


# Absences -------------------------------------------------------------------------------------------------------------


def test_two_running_or_three_in_all_are_an_alarm():
    assert alarms("absent", "attended", "absent") == []
    assert alarms("attended", "absent", "absent") == [3]
    assert alarms("absent", "attended", "absent", "attended", "absent") == [5]


def test_a_week_not_held_neither_parts_two_absences_nor_is_one():
    assert alarms("absent", "not_held", "absent") == [3]
    assert alarms("not_held", "absent", "not_held", "not_held", "attended", "absent") == []


def test_a_week_of_which_nothing_is_known_parts_them():
    assert [f.week for f in alarming([report(1, "absent"), report(3, "absent")], running=2, in_all=3)] == []


def test_once_the_rule_is_met_every_further_absence_is_an_alarm():
    assert alarms("absent", "absent", "attended", "absent", "attended", "absent") == [2, 4, 6]


def test_it_is_the_report_that_completes_the_rule_that_alarms_even_when_its_week_came_first():
    late = report(1, "absent", number=9, recorded=date(2026, 3, 18))
    found = alarming([report(2, "absent"), report(3, "attended"), late], running=2, in_all=3)
    assert [fact.week for fact in found] == [1]


def test_a_week_told_late_not_to_have_been_held_joins_the_absences_on_both_sides():
    late = report(2, "not_held", number=9, recorded=date(2026, 3, 18))
    assert alarming([report(1, "absent"), report(3, "absent"), late], running=2, in_all=3) == [late]
    assert alarming([report(1, "absent"), report(3, "attended"), late], running=2, in_all=3) == []


WEEKS = st.lists(
    st.tuples(st.integers(1, 14), st.sampled_from(["attended", "absent", "not_held"])),
    max_size=14,
    unique_by=lambda w: w[0],
)


def in_the_order_told(told: list[tuple[int, str]]) -> list[WeeklyAttendance]:
    """Reports on weeks, told one a day in this order from the day on which all of them are over."""
    over = FIRST + WEEK * 20
    return [report(week, result, n, over + timedelta(days=n)) for n, (week, result) in enumerate(told, 1)]


@given(WEEKS)
def test_whatever_the_order_of_reports_two_absences_running_or_three_are_never_without_an_alarm(told):
    found = alarming(in_the_order_told(told), running=2, in_all=3)
    absent = sorted(week for week, result in told if result == "absent")
    between = {week for week, result in told if result == "not_held"}
    running = any(between.issuperset(range(a + 1, b)) for a, b in pairwise(absent))
    assert bool(found) is (running or len(absent) >= 3)


@given(WEEKS, WEEKS)
def test_what_is_reported_later_takes_no_alarm_back(told, more):
    weeks = {week for week, _ in told}
    all_told = [*told, *((week, result) for week, result in more if week not in weeks)]
    before = alarming(in_the_order_told(told), running=2, in_all=3)
    after = alarming(in_the_order_told(all_told), running=2, in_all=3)
    assert after[: len(before)] == before


@given(WEEKS, st.randoms(use_true_random=False))
def test_the_order_in_which_reports_are_given_is_nothing_to_it_but_that_in_which_they_were_recorded(told, chance):
    reports = in_the_order_told(told)
    shuffled = chance.sample(reports, len(reports))
    assert alarming(shuffled, running=2, in_all=3) == alarming(reports, running=2, in_all=3)


@given(st.lists(st.sampled_from(["attended", "absent"]), max_size=14), st.integers(0, 14))
def test_reported_in_time_a_week_not_held_changes_no_alarm_but_the_number_of_its_week(results: list[str], at: int):
    at = min(at, len(results))
    without, with_one = alarms(*results), alarms(*results[:at], "not_held", *results[at:])
    assert with_one == [week + (week > at) for week in without]


# How far it has come --------------------------------------------------------------------------------------------------


def test_each_week_not_held_and_known_by_then_adds_one():
    held = days(FIRST, 20)
    assert week_reached(13, held, []) == 13
    assert week_reached(13, held, [report(5, "not_held"), report(14, "not_held")]) == 15
    assert week_reached(13, held, [report(5, "not_held"), report(6, "absent")]) == 14
    assert week_reached(13, held, [report(15, "not_held")]) == 13


@given(st.sets(st.integers(1, 30)), st.lists(st.integers(0, 60), min_size=30, max_size=30), st.integers(1, 26))
def test_the_week_reached_moves_no_more_once_its_day_has_passed(weeks: set[int], late: list[int], sessions: int):
    reports = [
        report(week, "not_held", recorded=FIRST + WEEK * (week - 1) + timedelta(days=late[week - 1])) for week in weeks
    ]
    held = days(FIRST, sessions + len(reports))
    at_last = week_reached(sessions, held, reports)
    for today in (held[0] + timedelta(days=n) for n in range(0, 500, 3)):
        known = [fact for fact in reports if fact.recorded_on <= today]
        reached = week_reached(sessions, held, known)
        assert reached <= at_last
        assert today <= held[reached - 1] or reached == at_last
