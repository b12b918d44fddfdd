"""Questions people ask of the database, answered in references and codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, case, func, select

from models.facts import Fact
from models.facts.spip import SessionBooked
from models.limits import programmes
from models.tables import (
    Area,
    Case,
    DutyRow,
    FactRow,
    MessageRow,
    NoticeRow,
    PathwayRow,
    Practitioner,
    Provider,
    Restored,
)
from models.working_days import working_days_after
from notifications.ladder import Climb, next_day, steps_due
from settings import Settings
from store.database import one_of
from store.outbox import ON_ITS_WAY, held_up
from store.pathways import Directories, Loaded, load, pathway_rows

pathways = PathwayRow.__table__
duties = DutyRow.__table__
notices = NoticeRow.__table__
messages = MessageRow.__table__

Table = list[dict[str, Any]]


def caseload(connection: Connection, today: date) -> Table:
    """How many open pathways wait for what, on whom, and how many of them are late."""
    late = func.sum(case((pathways.c.due_on < today, 1), else_=0))
    query = (
        select(
            pathways.c.programme, pathways.c.label, pathways.c.on_role, pathways.c.on_code,
            func.count().label("count"), late.label("late"), func.min(pathways.c.due_on).label("oldest"),
        )
        .where(pathways.c.closed_on.is_(None))
        .group_by(pathways.c.programme, pathways.c.label, pathways.c.on_role, pathways.c.on_code)
        .order_by(late.desc(), func.count().desc(), pathways.c.label, pathways.c.on_code)
    )  # fmt: skip
    return [
        {
            "programme": row.programme,
            "waits for": row.label,
            "on": _on(row.on_role, row.on_code),
            "pathways": row.count,
            "late": row.late,
            "worst": _late(row.oldest, today),
        }
        for row in connection.execute(query)
    ]


def overdue(connection: Connection, today: date, limit: int = 200) -> Table:
    """What is owed and late, the worst first; after it what is on hold, with which nobody can do anything."""
    query = (
        select(duties, pathways.c.area, pathways.c.provider)
        .join(pathways, pathways.c.reference == duties.c.pathway)
        .where(one_of(duties.c.state, "open"), duties.c.due_on < today)
        .order_by(duties.c.due_on, duties.c.pathway)
    )
    rows: list[Any] = []
    for paused in (False, True):  # each in the order of the index
        rows += connection.execute(query.where(duties.c.paused.is_(paused)).limit(limit - len(rows))).all()
    return [
        {
            "pathway": row.pathway,
            "owed": row.kind.replace("_", " "),
            "by": _on(row.on_role, row.on_code),
            "due": row.due_on,
            "late": _late(row.due_on, today),
            "last step": row.step or ("on hold" if row.paused else ""),
            "hearing": row.hearing_on,
            "marked": row.marked_on,
            "area": row.area,
        }
        for row in rows
    ]


def listed(connection: Connection, **matching: str | None) -> Table:
    """Pathways and where they stand; `matching` narrows by column. A label matches in any part of it."""
    query = select(pathways).order_by(pathways.c.reference)
    for column, value in matching.items():
        if value and column == "label":
            query = query.where(pathways.c.label.icontains(value, autoescape=True))
        elif value:
            query = query.where(pathways.c[column] == value)
    return [
        {
            "pathway": row.reference,
            "case": row.case,
            "stands": row.label,
            "since": row.since,
            "on": _on(row.on_role, row.on_code),
            "due": row.due_on,
            "provider": row.provider,
            "area": row.area,
        }
        for row in connection.execute(query)
    ]


_CODES = {
    "provider": (Provider.code, Practitioner.code),  # who holds a CPPP is a practitioner
    "area": (Area.code,),
    "case": (Case.reference,),
}


def unknown(connection: Connection, limits: Path, **named: str) -> list[tuple[str, str]]:
    """The codes and programmes among those asked for that there are none of."""
    found = []
    for column, code in named.items():
        known = programmes(limits) if column == "programme" else set()
        tables = _CODES.get(column, ())
        if code not in known and not any(connection.execute(select(c).where(c == code)).first() for c in tables):
            found.append((column, code))
    return found


def delivery(connection: Connection, now: datetime) -> Table:
    """How many messages are in which state, by channel, of those sent in the last week only; and how many wait."""
    since = now - timedelta(days=7)
    in_state = {
        "waiting": one_of(messages.c.state, *ON_ITS_WAY) & (messages.c.state == "waiting"),
        "sending": one_of(messages.c.state, *ON_ITS_WAY) & (messages.c.state == "sending"),
        "failed": one_of(messages.c.state, "failed"),
        "sent in the last week": one_of(messages.c.state, "sent") & (messages.c.sent_at >= since),
    }
    table = []
    for state, those in in_state.items():
        rows = connection.execute(select(messages.c.channel, func.count()).where(those).group_by(messages.c.channel))
        table += [{"channel": channel, "state": state, "messages": count} for channel, count in sorted(rows)]
    if connection.execute(select(Restored.as_of).limit(1)).first():
        table += [{"channel": "", "state": "all held back since a restore", "messages": None}]
    waiting = select(func.count()).where(notices.c.bundle.is_(None), notices.c.withheld.is_(None))
    return [
        *table,
        {"channel": "", "state": "notices not yet in a message", "messages": connection.execute(waiting).scalar()},
    ]


def outbox(connection: Connection, state: str = "failed", limit: int = 200) -> Table:
    """Messages in one state, or "held up" by a try in vain; newest first. The failed are for a person to correct."""
    those = held_up if state == "held up" else one_of(messages.c.state, state)
    query = select(messages).where(those).order_by(messages.c.id.desc()).limit(limit)
    return [
        {
            "message": row.id,
            "to": _on(row.to_role, row.to_code),
            "channel": row.channel,
            "attempts": row.attempts,
            "error": row.error,
            "created": row.created_at,
            "next try": row.try_at if row.state in ("waiting", "sending") else None,
        }
        for row in connection.execute(query)
    ]


def failures(connection: Connection) -> Table:
    """Pathways whose function raised when they were last advanced."""
    query = select(pathways.c.reference, pathways.c.failure).where(pathways.c.failure.is_not(None))
    return [{"pathway": row.reference, "error": row.failure} for row in connection.execute(query)]


@dataclass(frozen=True)
class Story:
    """One pathway for a person to read: its row, its facts, what is owed and what was said."""

    loaded: Loaded
    facts: Sequence[Fact]
    duties: Sequence[Any]
    notices: Sequence[Any]
    case: str
    next: str
    today: date


def story(connection: Connection, reference: str, today: date, settings: Settings) -> Story | None:
    """All that is known of one pathway; None when there is none of that reference."""
    rows = connection.execute(pathway_rows.where(pathways.c.reference == reference)).all()
    if not rows:
        return None
    one = load(connection, rows, today, Directories(connection, settings.profile, settings.limits))[0]
    one.known.parties = list(one.known.parties)  # read now: a story is read on when the connection is closed
    owed = connection.execute(select(duties).where(duties.c.pathway == reference).order_by(duties.c.due_on)).all()
    query = select(notices, messages.c.state.label("sent"), messages.c.sent_at, messages.c.channel)
    query = query.outerjoin(messages, messages.c.bundle == notices.c.bundle)
    told = connection.execute(query.where(notices.c.pathway == reference).order_by(notices.c.id)).all()
    facts = sorted(one.known.facts, key=lambda fact: (fact.happened_on, fact.place))
    return Story(one, facts, owed, told, one.row.case, _next(one, owed, today), today)


def _next(one: Loaded, owed: Sequence[Any], today: date) -> str:
    """What happens next if nobody does anything, and when."""
    limits = one.known.limits
    coming = []
    for duty in owed:
        climb = Climb(duty.kind, duty.counts_from or duty.due_on, duty.hearing_on, duty.step, duty.hearing_step_on)
        day = next_day(limits, climb) if duty.state == "open" and not duty.paused else None
        if day:
            names = " and ".join(step.name for step in steps_due(limits, climb, max(day, today)))
            coming.append((max(day, today), f"{names}: {duty.kind.replace('_', ' ')}"))
    if one.row.look_on and one.row.look_on > today:
        coming.append((one.row.look_on, "its standing is looked at again"))
    if not coming:
        return "nothing until a fact is recorded"
    day, what = min(coming)
    return f"{what}, {day:%d/%m/%Y}"


def details(fact: Fact) -> dict[str, Any]:
    """What a fact says, for a person: whose idea a request was is asked of CPPP only, which has an entry."""
    said = fact.details
    return {name: value for name, value in said.items() if name != "suggested_by" or "entry" in said}


def steps(story: Story) -> Table:
    """The steps of a pathway: what was done, by whom and when, and what is still owed, by whom and until when."""
    done = [
        {"step": fact.label, "state": "done", "by": fact.recorded_by, "on": fact.happened_on, "due": None}
        for fact in story.facts
    ]
    owed = [
        {
            "step": duty.kind.replace("_", " "),
            "state": "on hold" if duty.paused else "owed",
            "by": duty.on_code,
            "on": None,
            "due": duty.due_on,
        }
        for duty in story.duties
        if duty.state == "open"
    ]
    return [*done, *owed, {"step": story.next, "state": "next", "by": None, "on": None, "due": None}]


def worth_trying(connection: Connection) -> tuple[str, str, str] | None:
    """A pathway whose attendance report is the latest of all, its provider and session; None when none is due."""
    query = (
        select(duties.c.pathway, duties.c.on_code, FactRow.payload)
        .join(FactRow, FactRow.subject == duties.c.pathway)
        .where(duties.c.state == "open", duties.c.kind == "attendance_report", FactRow.kind == SessionBooked.kind)
        .order_by(duties.c.due_on, FactRow.id.desc())
        .limit(1)
    )
    found = connection.execute(query).first()
    return (found.pathway, found.on_code, found.payload["session"]) if found else None


def has_real_cases(connection: Connection) -> bool:
    """Whether any case here is not one of the samples."""
    return connection.execute(select(Case.reference).where(Case.sample.is_(False)).limit(1)).first() is not None


def has_samples(connection: Connection) -> bool:
    return connection.execute(select(Case.reference).where(Case.sample).limit(1)).first() is not None


def _on(role: str | None, code: str | None) -> str:
    return f"{role.replace('_', ' ')} {code}" if role and code else ""


def _late(due: date | None, today: date) -> str:
    """How late something due on a day is."""
    late = working_days_after(due, today) if due and due < today else 0
    return f"{late} working day{'' if late == 1 else 's'}" if late else ""
