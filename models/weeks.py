"""Weeks of a programme: on which days a weekly group meets, and when absences become a concern.

Weeks are counted in calendar days, so a change of the clock moves nothing. A week whose day falls into a closure of the
group or into a hold does not count; a bank holiday does, for the group may meet on another day of that week.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import count, islice

from models.facts.dvpp import WeeklyAttendance
from models.standing import Days
from models.working_days import Pause


def session_days(first: date, closed: Sequence[Days], pauses: Sequence[Pause] = ()) -> Iterator[date]:
    """The day of each week of a programme that began on `first`, without end."""
    for n in count():
        day = first + timedelta(weeks=n)
        shut = any(begins <= day <= ends for begins, ends in closed)
        if n == 0 or not (shut or any(begun < day <= ended for begun, ended in pauses)):
            yield day


def nth(days: Iterator[date], week: int) -> date:
    return next(islice(days, week - 1, None))


def week_reached(sessions: int, days: Sequence[date], reports: Sequence[WeeklyAttendance]) -> int:
    """The week in which so many sessions have been held: one more for each week in which the group did not meet.

    Only what was known by then counts; what is reported later moves nothing that has begun.
    """
    week = sessions
    while True:
        day = days[week - 1]
        lost = sum(f.result == "not_held" and f.week <= week and f.recorded_on <= day for f in reports)
        if sessions + lost == week:
            return week
        week = sessions + lost


def alarming(reports: Sequence[WeeklyAttendance], *, running: int, in_all: int) -> list[WeeklyAttendance]:
    """Each report that, when it was told, showed `running` absences in a row or one more of `in_all` and above.

    A week in which the group did not meet neither breaks a row nor is part of it; told late, it may join two absences.
    """
    found, known = [], []
    for report in sorted(reports, key=lambda fact: (fact.recorded_at, fact.id)):
        known.append(report)
        before, after = _in_a_row(known, report)
        if report.result == "absent":
            too_many = sum(fact.result == "absent" for fact in known) >= in_all
            alarm = too_many or before + 1 + after >= running
        else:
            alarm = report.result == "not_held" and before and after and before + after >= running
        if alarm:
            found.append(report)
    return found


def _in_a_row(known: Sequence[WeeklyAttendance], report: WeeklyAttendance) -> tuple[int, int]:
    """How many absences stand in a row before and after a week. A week nobody has reported on yet breaks the row."""
    results = {fact.week: fact.result for fact in known}
    return _absences(results, report.week, -1), _absences(results, report.week, 1)


def _absences(results: dict[int, str], week: int, step: int) -> int:
    """The absences next to a week, going back or forward."""
    found = 0
    while (result := results.get(week := week + step)) in ("absent", "not_held"):
        found += result == "absent"
    return found
