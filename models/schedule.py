"""Laying the sessions of a programme inside its window: a proposal, and what must move when one of them slips.

Pure reckoning in days. Sessions are held in the order given, on working days on which nobody who comes to them is away,
and some days apart. The joint meeting is held by its day wherever that is possible, and the rest is laid so that any
one session may be lost and all that is left can still be held inside the window (cppp2020; the numbers are limits).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise

from models.facts.cppp import Sitting
from models.working_days import is_working_day, say

Away = Mapping[str, Sequence[tuple[date, date]]]
"""The days on which people cannot come, by their codes: from a day to a day, both included."""
Cost = tuple[int, ...]
"""What speaks against a day, the weightiest first."""


class NoPlan(Exception):
    """The sessions cannot be laid inside their window. Says which cannot, and what can be done."""


@dataclass(frozen=True)
class Session:
    """One session and the codes of all who come to it; `day` is empty until one is found."""

    code: str
    sitting: Sitting
    who: frozenset[str]
    day: date | None = None


@dataclass(frozen=True)
class Window:
    """When sessions may be held: from the day of the first to `last`, both included."""

    first: date
    last: date
    joint_by: date
    """The day by which the joint meeting is to be held, where that is possible."""
    gap: timedelta
    """The least time between two sessions."""
    slack: timedelta
    """The time a proposal keeps free at the end, where that is possible."""
    away: Away = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A day for every session. `slack` says whether any one of those to come may be lost on its day, and the rest fit.

    What fits then is what `replan` finds from the day after.
    """

    sessions: tuple[Session, ...]
    slack: bool


def window(
    first: date, *, weeks: int, joint_by_week: int, least_gap_days: int, slack_days: int, until: date | None = None,
    away: Away | None = None,
) -> Window:  # fmt: skip
    """The window that the first session opens: so many weeks, or until the day the court has given."""
    last, joint_by = until or first + timedelta(weeks=weeks), first + timedelta(weeks=joint_by_week)
    return Window(first, last, joint_by, timedelta(least_gap_days), timedelta(slack_days), away or {})


def propose(sessions: Sequence[Session], window: Window) -> Plan:
    """Lay sessions in the order given: the first on the first day, the others spread evenly up to the slack.

    Raises NoPlan where they cannot all be held inside the window.
    """
    free = [_free(session, window) for session in sessions]
    if window.first not in free[0]:
        raise NoPlan(_why_not_first(sessions[0], window))
    latest, wanted = _latest(free, window.gap), _evenly(sessions, window)

    def cost(n: int, day: date) -> Cost:
        into_slack = day > window.last - window.slack
        return (*_late(sessions[n], day, latest[n], window), into_slack, (day - wanted[n]).days ** 2)

    gaps = [window.gap] * len(sessions)
    days = _laid(sessions, [[window.first], *free[1:]], gaps, cost, window)
    return Plan(_on(days, sessions), _may_slip(days, latest, window))


def replan(sessions: Sequence[Session], slipped: str, window: Window, since: date) -> Plan:
    """Find another day for the session that slipped, and move no other that need not move.

    `sessions` all have a day: those held, those to come, and the slipped one with the day it has lost. Days can be set
    from `since` on, so what has an earlier one stays. Two that people have set closer together than the gap may stay
    so. The slipped one keeps its place in the order, as soon after its old day as can be. Raises NoPlan where not
    all can be held inside the window.
    """
    in_order = sorted(sessions, key=lambda session: (_day(session), session.code))
    stay = [session for session in in_order if _day(session) < since and session.code != slipped]
    coming = [session for session in in_order if session not in stay]
    window = replace(window, first=max([since, *(_day(session) + window.gap for session in stay)]))
    free = [[d for d in _free(one, window) if (one.code, d) != (slipped, one.day)] for one in coming]
    latest = _latest(free, window.gap)

    def cost(n: int, day: date) -> Cost:
        old = _day(coming[n])
        return (day != old, *_late(coming[n], day, latest[n], window), day < old, abs((day - old).days))

    possible = [_with_own(one, days, slipped, window) for one, days in zip(coming, free, strict=True)]
    days = _laid(coming, possible, _gaps(coming, slipped, window), cost, window)
    return Plan((*stay, *_on(days, coming)), _may_slip(days, latest, window))


def moved(before: Iterable[Session], plan: Plan) -> list[Session]:
    """The sessions of a plan that had another day before."""
    days = {session.code: session.day for session in before}
    return [session for session in plan.sessions if session.day != days[session.code]]


# The cheapest way -----------------------------------------------------------------------------------------------------

_Way = tuple[tuple[date, ...], Cost]
"""Days for the sessions so far, and what they cost together."""


def _laid(
    sessions: Sequence[Session], possible: Sequence[Sequence[date]], gaps: Sequence[timedelta],
    cost: Callable[[int, date], Cost], window: Window,
) -> tuple[date, ...]:  # fmt: skip
    """The cheapest of the possible days, each by its gap later than the one before. Raises NoPlan.

    The cheapest way to each day of a session goes on from a cheapest way to one of the session before, so one pass
    finds the cheapest of all, and a way wherever there is one.
    """
    ways: list[_Way] = []
    for n, days in enumerate(possible):
        priced = [(day, cost(n, day)) for day in days]
        soonest = ways[0][0][-1] + gaps[n] if n else window.first
        ways = list(_onward(ways, gaps[n], priced)) if n else [((day,), price) for day, price in priced]
        if not ways:
            raise NoPlan(_why_nowhere(sessions[: n + 1], soonest, window))
    return min(ways, key=_dearness)[0]


def _onward(ways: Iterable[_Way], gap: timedelta, days: Iterable[tuple[date, Cost]]) -> Iterator[_Way]:
    """The cheapest way to each of these days. Days come in order, and so do ways, by their last day."""
    waiting, best = deque(ways), None
    for day, cost in days:
        while waiting and waiting[0][0][-1] + gap <= day:
            best = min(filter(None, (best, waiting.popleft())), key=_dearness)
        if best:
            yield (*best[0], day), tuple(map(sum, zip(best[1], cost, strict=True)))


def _dearness(way: _Way) -> tuple[Cost, tuple[date, ...]]:
    return way[1], way[0]


def _late(session: Session, day: date, latest: date, window: Window) -> Cost:
    """Whether a day is too late for a joint meeting, and whether a session could not slip from it."""
    return session.sitting == "joint" and day > window.joint_by, day >= latest


def _latest(free: Sequence[Sequence[date]], gap: timedelta) -> list[date]:
    """The last day of each session on which it and all that follow can be held; the first of all days for never."""
    found, end = [], date.max
    for days in reversed(free):
        found.append(max((day for day in days if day <= end), default=date.min))
        end = max(found[-1], date.min + gap) - gap
    return found[::-1]


def _may_slip(days: Sequence[date], latest: Sequence[date], window: Window) -> bool:
    """Whether each session could be held later, and far enough from those held by then."""
    return all(
        day < end and all(other + window.gap <= end for m, other in enumerate(days) if m != n and other <= day)
        for n, (day, end) in enumerate(zip(days, latest, strict=True))
    )


# Days -----------------------------------------------------------------------------------------------------------------


def _free(session: Session, window: Window) -> list[date]:
    """The working days of the window on which all who come can."""
    days = (window.first + timedelta(n) for n in range((window.last - window.first).days + 1))
    return [day for day in days if is_working_day(day) and not _missing(session, day, window)]


def _missing(session: Session, day: date, window: Window) -> list[str]:
    """Who of those who come to a session cannot on a day."""
    spans = [(code, *span) for code in session.who for span in window.away.get(code, ())]
    return sorted({code for code, begins, ends in spans if begins <= day <= ends})


def _evenly(sessions: Sequence[Session], window: Window) -> list[date]:
    """The days on which sessions would be held if every day were free."""
    by = window.joint_by if sessions[-1].sitting == "joint" else window.last
    whole = max(timedelta(), min(window.last - window.slack, by) - window.first)
    return [window.first + timedelta(whole.days * n // max(1, len(sessions) - 1)) for n in range(len(sessions))]


def _gaps(coming: Sequence[Session], slipped: str, window: Window) -> list[timedelta]:
    """The least time from the session before each: what people chose where both were set by them."""
    chosen = [_day(one) - _day(before) for before, one in pairwise(coming)]
    free = [slipped in (before.code, one.code) for before, one in pairwise(coming)]
    return [timedelta(), *(window.gap if f else min(window.gap, c) for f, c in zip(free, chosen, strict=True))]


def _with_own(session: Session, free: Sequence[date], slipped: str, window: Window) -> list[date]:
    """The days a session may have: the free ones, and its own if it can keep that."""
    own = _day(session)
    keeps = session.code != slipped and own <= window.last and not _missing(session, own, window)
    return sorted({*free, own} if keeps else free)


def _on(days: Sequence[date], sessions: Sequence[Session]) -> tuple[Session, ...]:
    return tuple(replace(session, day=day) for session, day in zip(sessions, days, strict=True))


def _day(session: Session) -> date:
    assert session.day, f"{session.code} has no day"
    return session.day


# Why not --------------------------------------------------------------------------------------------------------------


def _why_not_first(session: Session, window: Window) -> str:
    day = say(window.first)
    if missing := _missing(session, window.first, window):
        return f"The first session cannot be on {day}: {' and '.join(missing)} cannot come. Choose another day."
    if window.last < window.first:
        return f"The window ends on {say(window.last)}, before its first session. Ask the court for an extension."
    return f"The first session cannot be on {day}, which is not a working day. Choose another day."


def _why_nowhere(sessions: Sequence[Session], soonest: date, window: Window) -> str:
    """Why no day is left for the last of these sessions, which cannot be held before `soonest`."""
    one, end = f"the {sessions[-1].sitting} session {sessions[-1].code}", say(window.last)
    if soonest > window.last:
        away = _who_is_away(frozenset().union(*(s.who for s in sessions)), window.first, window)
        said = f"There is no room for {one}: it cannot be before {say(soonest)}, and the window ends on {end}"
    else:
        away = _who_is_away(sessions[-1].who, soonest, window)
        said = f"There is no common working day for {one} from {say(soonest)} until {end}"
    return f"{said}{away}. {'Ask them for other days, or ask' if away else 'Ask'} the court for an extension."


def _who_is_away(who: Iterable[str], begin: date, window: Window) -> str:
    spans = [(code, *span) for code in sorted(who) for span in window.away.get(code, ())]
    said = [f"{code} from {say(a)} to {say(b)}" for code, a, b in spans if b >= begin and a <= window.last]
    return f"; away are {', '.join(said)}" if said else ""
