"""Working days of England and Wales, against what GOV.UK published and against themselves."""

from datetime import UTC, date, datetime, timedelta

import pytest
from govuk_bank_holidays.bank_holidays import BankHolidays
from hypothesis import given
from hypothesis import strategies as st

from models.working_days import (
    add_days,
    add_working_days,
    bank_holidays,
    is_working_day,
    london_date,
    next_working_day,
    say,
    working_days_after,
)

PUBLISHED = [
    row["date"] for row in BankHolidays(use_cached_holidays=True).get_holidays(division=BankHolidays.ENGLAND_AND_WALES)
]
DAYS = st.dates(date(2010, 1, 1), date(2035, 12, 31))


def d(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize("year", sorted({day.year for day in PUBLISHED}))
def test_bank_holidays_are_those_gov_uk_published_for_england_and_wales(year: int):
    assert sorted(day for day in bank_holidays(year) if day.weekday() < 5) == [d for d in PUBLISHED if d.year == year]


def test_gov_uk_published_enough_years_to_compare_with():
    assert len({day.year for day in PUBLISHED}) >= 8


@pytest.mark.parametrize(
    ("what", "day"),
    [
        ("the coronation", "2023-05-08"),
        ("the funeral of Queen Elizabeth", "2022-09-19"),
        ("the spring bank holiday moved for the Platinum Jubilee", "2022-06-02"),
        ("the early May bank holiday moved to VE day", "2020-05-08"),
        ("Boxing Day in lieu", "2026-12-28"),
    ],
)
def test_a_bank_holiday_of_one_year_only_is_no_working_day(what: str, day: str):
    assert not is_working_day(d(day))


@pytest.mark.parametrize(
    ("what", "day"),
    [
        ("the usual day of the early May bank holiday in 2020", "2020-05-04"),
        ("the usual day of the spring bank holiday in 2022", "2022-05-30"),
        ("a bank holiday of Scotland", "2026-01-02"),
        ("a bank holiday of Northern Ireland", "2026-03-17"),
    ],
)
def test_a_day_that_is_a_holiday_only_elsewhere_or_in_other_years_is_a_working_day(what: str, day: str):
    assert is_working_day(d(day))


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2026-01-05", 0, "2026-01-05"),
        ("2026-01-10", 0, "2026-01-10"),  # zero is the day itself, a Saturday as well
        ("2026-01-05", 4, "2026-01-09"),
        ("2026-01-09", 1, "2026-01-12"),
        ("2026-01-10", 1, "2026-01-12"),
        ("2026-01-11", 1, "2026-01-12"),
        ("2026-01-12", -1, "2026-01-09"),
        ("2026-01-11", -1, "2026-01-09"),
        ("2026-01-10", -2, "2026-01-08"),
        ("2023-05-05", 1, "2023-05-09"),
        ("2023-05-09", -1, "2023-05-05"),
        ("2026-04-02", 1, "2026-04-07"),  # over Easter
        ("2026-04-07", -1, "2026-04-02"),
        ("2025-12-24", 2, "2025-12-30"),
        ("2026-03-27", 1, "2026-03-30"),  # the clocks change on the Sunday between
        ("2026-10-23", 1, "2026-10-26"),
    ],
)
def test_working_days_are_counted_over_weekends_and_bank_holidays_either_way(start: str, count: int, end: str):
    assert add_working_days(d(start), count) == d(end)


@pytest.mark.parametrize(
    ("pauses", "end"),
    [
        ([], "2026-01-12"),
        ([("2026-01-06", "2026-01-08")], "2026-01-14"),  # of two working days, the 7th and the 8th
        ([("2026-01-06", "2026-01-06")], "2026-01-12"),  # put on hold and released on one day
        ([("2026-01-05", "2026-01-11")], "2026-01-16"),
        ([("2026-01-06", "2026-01-07"), ("2026-01-08", "2026-01-09")], "2026-01-14"),
        ([("2026-01-06", "2026-01-08"), ("2026-01-07", "2026-01-08")], "2026-01-14"),  # one inside the other
        ([("2025-12-01", "2025-12-20")], "2026-01-12"),
        ([("2026-02-01", "2026-02-20")], "2026-01-12"),
    ],
)
def test_days_on_hold_do_not_count(pauses: list[tuple[str, str]], end: str):
    assert add_working_days(d("2026-01-05"), 5, [(d(a), d(b)) for a, b in pauses]) == d(end)


def test_calendar_days_on_hold_do_not_count_either():
    assert add_days(d("2026-01-05"), 7) == d("2026-01-12")
    assert add_days(d("2026-01-05"), 7, [(d("2026-01-06"), d("2026-01-09"))]) == d("2026-01-15")


@given(DAYS, st.integers(0, 80))
def test_adding_working_days_and_counting_them_back_agree(start: date, count: int):
    end = add_working_days(start, count)
    assert working_days_after(start, end) == count
    assert count == 0 or is_working_day(end)
    assert working_days_after(end, start) == -count


@given(DAYS.filter(is_working_day), st.integers(-80, 80))
def test_from_a_working_day_there_and_back_is_the_same_day(start: date, count: int):
    assert add_working_days(add_working_days(start, count), -count) == start


@given(DAYS, st.integers(0, 30), st.integers(0, 20), st.integers(0, 20))
def test_a_hold_never_brings_a_day_forward_nor_back_by_more_than_its_length(
    start: date, count: int, lead: int, held: int
):
    begun = start + timedelta(days=lead)
    plain, paused = (
        add_working_days(start, count),
        add_working_days(start, count, [(begun, begun + timedelta(days=held))]),
    )
    assert plain <= paused
    assert working_days_after(start, paused) <= count + held


@given(DAYS)
def test_the_next_working_day_is_the_day_itself_or_the_first_after_it(day: date):
    following = next_working_day(day)
    assert following == (day if is_working_day(day) else add_working_days(day, 1))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        # Until 29 March 2026 at 01:00 UTC London keeps UTC; then it is an hour ahead, until 25 October at 01:00 UTC.
        ("2026-03-28T23:59", "2026-03-28"),
        ("2026-03-29T00:59", "2026-03-29"),
        ("2026-03-29T22:59", "2026-03-29"),
        ("2026-03-29T23:00", "2026-03-30"),
        ("2026-10-24T22:59", "2026-10-24"),
        ("2026-10-24T23:00", "2026-10-25"),
        ("2026-10-25T23:59", "2026-10-25"),
        ("2026-10-26T00:00", "2026-10-26"),
    ],
)
def test_a_moment_belongs_to_its_day_in_london_at_both_clock_changes(moment: str, day: str):
    assert london_date(datetime.fromisoformat(moment).replace(tzinfo=UTC)) == d(day)


def test_a_date_is_said_without_a_leading_nought():
    assert say(d("2022-02-07")) == "7 February 2022"
