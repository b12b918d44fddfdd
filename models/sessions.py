"""What is known of a CPPP, as sessions to be laid by `models.schedule`; and what is laid, as facts to be recorded.

Who is away is known from the fact `unavailable`: a parent, the practitioner, or the child under the case's reference.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

from models.facts.cppp import ExtensionGranted, SessionCalledOff, SessionHeld, SessionMoved, SessionSet, Unavailable
from models.pathway import Pathway
from models.schedule import NoPlan, Plan, Session, Window, propose, replan, window
from models.standing import Known
from models.working_days import LONDON, london_date


@dataclass(frozen=True)
class Timed:
    """A session and when it starts and ends, in UTC."""

    session: Session
    starts: datetime
    ends: datetime


def proposed(known: Known, child: str, first: date, until: date | None = None) -> Plan:
    """A day for every session the programme has, `child` being the code of the child.

    `until` is the last day, where that is not what the limits and the court have given. Raises NoPlan.
    """
    if known.programme != "CPPP":
        raise NoPlan(f"{known.reference} is no CPPP, so it has no sessions to plan.")
    if there := [session.code for session in sessions_of(known, child)]:
        said = f"{known.reference} has sessions already: {', '.join(there)}."
        raise NoPlan(f"{said} Move one with --slipped, or call them off (session_called_off) first.")
    return propose(_to_hold(known, child), _window(known, first, until))


def rearranged(known: Known, child: str, slipped: str, since: date, until: date | None = None) -> Plan:
    """The sessions with another day for the one that slipped, from `since` on. Raises NoPlan."""
    before = sessions_of(known, child)
    if slipped not in (codes := [session.code for session in before]):
        there = ", ".join(codes) or "none yet"
        raise NoPlan(f"{slipped} is no session of {known.reference} that can be moved; its sessions: {there}.")
    if _pathway(known).first(SessionHeld, session=slipped):
        raise NoPlan(f"{slipped} was held, so it cannot have slipped.")
    first = min(session.day for session in before if session.day)
    return replan(before, slipped, _window(known, first, until), since)


def sessions_of(known: Known, child: str) -> list[Session]:
    """The sessions set and not called off, each on the day it is set for now, held or not."""
    p = _pathway(known)
    off = {fact.session for fact in p.all(SessionCalledOff)}
    days = {fact.session: fact.session_on for fact in p.all(SessionSet, SessionMoved)}
    standing = [fact for fact in p.all(SessionSet) if fact.session not in off]
    return [Session(f.session, f.sitting, _who(p, child, f.sitting, f.party), days[f.session]) for f in standing]


def at_times(known: Known, sessions: Iterable[Session], at: time | None, lasting: timedelta | None) -> Iterator[Timed]:
    """When each session starts, by the clocks in London, and ends: as before, or at ten for an hour, if not said."""
    p = _pathway(known)
    for one in sessions:
        old = p.last(SessionSet, SessionMoved, session=one.code)
        clock = at or (old.starts_at.astimezone(LONDON).time() if old else time(10))
        starts = datetime.combine(one.day or date.min, clock, LONDON).astimezone(UTC)
        yield Timed(one, starts, starts + (lasting or (old.ends_at - old.starts_at if old else timedelta(hours=1))))


def facts_of(
    known: Known, timed: Iterable[Timed], by: str, now: datetime, *, letters: bool
) -> list[SessionSet | SessionMoved]:
    """What is to be recorded: sessions set, or moved where they are set already."""
    there = {fact.session for fact in _pathway(known).all(SessionSet)}
    common = {"happened_on": london_date(now), "recorded_at": now, "recorded_by": by}
    made: list[SessionSet | SessionMoved] = []
    for one in timed:
        when = {**common, "session": one.session.code, "starts_at": one.starts, "ends_at": one.ends}
        whose = {"sitting": one.session.sitting, "party": _parent(known, one.session), "letters": letters}
        made.append(SessionMoved(**when) if one.session.code in there else SessionSet(**when, **whose))
    return made


def _to_hold(known: Known, child: str) -> list[Session]:
    """One with each parent, one with the child, and the rest of both parents together, at least one (cppp2020)."""
    p = _pathway(known)
    alone = [*(("parent", party) for party in known.parties), ("child", None)]
    joint = max(p.number("joint_meetings"), p.number("sessions") - len(alone))
    used, number = {fact.session for fact in p.all(SessionSet)}, _as_code(known.reference.partition("-")[2])
    codes = (code for n in count(1) if (code := f"{number}-{n}") not in used)
    sittings = [*alone, *[("joint", None)] * joint]
    return [Session(next(codes), sitting, _who(p, child, sitting, party)) for sitting, party in sittings]


def _as_code(number: str) -> str:
    """What can begin a code somebody makes up (`models.facts.base.Code`): not too long, no six digits in a row."""
    parted = re.sub(r"\d{5}(?=\d)|[A-Z]{5}(?=[A-Z])", r"\g<0>-", number)
    return "-".join(filter(None, parted.split("-")))[-20:].strip("-")


def _who(p: Pathway, child: str, sitting: str, party: str | None) -> frozenset[str]:
    """Who comes to a session. Raises NoPlan where nobody is there to hold it."""
    if p.provider is None:
        raise NoPlan(f"{p.reference} is given to no practitioner yet (practitioner_matched).")
    return frozenset({p.provider.code, *{"parent": [party], "child": [child], "joint": p.known.parties}[sitting]})


def _parent(known: Known, session: Session) -> str | None:
    return next(party for party in known.parties if party in session.who) if session.sitting == "parent" else None


def _window(known: Known, first: date, until: date | None) -> Window:
    p, away = _pathway(known), defaultdict(list)
    for fact in p.all(Unavailable):
        away[fact.who].append((fact.away_from, fact.away_until))
    extended = [fact.until for fact in p.all(ExtensionGranted)]
    weeks = p.number("window_weeks")
    return window(
        first, weeks=weeks, joint_by_week=p.number("joint_by_week"), least_gap_days=p.number("least_gap_days"),
        slack_days=p.number("slack_days"), until=until or max([first + timedelta(weeks=weeks), *extended]), away=away,
    )  # fmt: skip


def _pathway(known: Known) -> Pathway:
    """Its facts, to be asked about; for that the day does not matter."""
    return Pathway(known, date.min)
