"""Working days of England and Wales: Monday to Friday, less bank holidays.

"Late" starts the day after the due date. Days inside a pause do not count, so a pathway on hold keeps the time it had.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import holidays

LONDON = ZoneInfo("Europe/London")

Pause = tuple[date, date]
"""The day a pause began and the day it ended; the days after the first, up to the second, do not count."""


@cache
def bank_holidays(year: int) -> frozenset[date]:
    """The bank holidays of one year, as GOV.UK publishes them for England and Wales."""
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))


@lru_cache(maxsize=4096)
def is_working_day(day: date) -> bool:
    return day.weekday() < 5 and day not in bank_holidays(day.year)


def _counts(day: date, pauses: Sequence[Pause]) -> bool:
    return not any(begun < day <= ended for begun, ended in pauses)


@lru_cache(maxsize=65536)
def _step_working_days(day: date, count: int) -> date:
    step = timedelta(days=1 if count >= 0 else -1)
    for _ in range(abs(count)):
        day += step
        while not is_working_day(day):
            day += step
    return day


def add_working_days(day: date, count: int, pauses: Sequence[Pause] = ()) -> date:
    """The working day `count` working days after `day` (before it, when negative). Zero is the day itself."""
    if not pauses:
        return _step_working_days(day, count)
    for _ in range(count):
        day += timedelta(days=1)
        while not (is_working_day(day) and _counts(day, pauses)):
            day += timedelta(days=1)
    return day


def add_days(day: date, count: int, pauses: Sequence[Pause] = ()) -> date:
    """The day `count` calendar days after `day`, leaving out days inside a pause."""
    if not pauses:
        return day + timedelta(days=count)
    for _ in range(count):
        day += timedelta(days=1)
        while not _counts(day, pauses):
            day += timedelta(days=1)
    return day


@lru_cache(maxsize=65536)
def working_days_after(start: date, end: date) -> int:
    """How many working days lie after `start` up to and including `end`; negative when `end` is the earlier."""
    if end < start:
        return -working_days_after(end, start)
    return sum(is_working_day(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


def next_working_day(day: date) -> date:
    """`day` itself when it is a working day, otherwise the first one after it."""
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=4096)
def london_date(moment: datetime) -> date:
    """The calendar day in London at a moment in UTC."""
    return moment.astimezone(LONDON).date()


def say(day: date) -> str:
    """A date as it is written to people: 7 February 2022."""
    return f"{day.day} {day:%B %Y}"
