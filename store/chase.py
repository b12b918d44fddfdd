"""Chasing: the duties whose next step of the ladder is due, and no others, are read; their notices are written once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from models.limits import Limits, Step
from models.restricted import NOBODY
from models.standing import Who
from models.tables import DutyRow, NoticeRow, PathwayRow, Provider
from models.working_days import london_date, working_days_after
from notifications.ladder import Climb, climbed, next_day, steps_due
from settings import Settings
from store.advance import PHONE
from store.database import change, claiming, insert_new, plain, writing
from store.pathways import limits_of, pathway_rows

duties = DutyRow.__table__
notices = NoticeRow.__table__
pathways = PathwayRow.__table__


@dataclass
class Chased:
    """What a chase did."""

    steps: dict[str, int] = field(default_factory=dict)
    """How many duties took each step of the ladder."""
    duties: int = 0


def chase(engine: Engine, now: datetime, settings: Settings) -> Chased:
    """Take every duty whose step is due up the ladder. Once a day is enough; twice changes nothing."""
    done = Chased()
    while True:
        with writing(engine) as connection:
            taken = _chase_batch(connection, now, settings.batch, done)
        if taken < settings.batch:
            return done


def _chase_batch(connection: Connection, now: datetime, size: int, done: Chased) -> int:
    today = london_date(now)
    due = select(duties).where(duties.c.chase_on <= today).order_by(duties.c.chase_on).limit(size)
    rows = plain(connection.execute(claiming(connection, due, duties)))
    if not rows:
        return 0
    around = _around(connection, {row.pathway for row in rows})
    kept = limits_of(connection, {pathway.limits for pathway in around.values()})
    suspended = _suspended(connection, today)
    told: list[dict[str, Any]] = []
    opened: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for row in rows:
        pathway = around[row.pathway]
        limits = kept[pathway.limits]
        climb = Climb(row.kind, row.counts_from or row.due_on, row.hearing_on, row.step, row.hearing_step_on)
        stopped = row.on_code in suspended
        steps = [] if stopped else steps_due(limits, climb, today)
        if stopped:
            told.append(_notice(row, Who("commissioning_officer", pathway.commissioning_officer), "suspended", now))
        after = climbed(limits, climb, steps, today)
        for step in steps:
            done.steps[step.step] = done.steps.get(step.step, 0) + 1
            told += _notices(row, pathway, step, today, now)
            opened += _phone_task(row, pathway, limits, step, today)
        marked = row.marked_on or (today if _marks(limits, after, steps) else None)
        day = None if stopped else next_day(limits, after)
        moved.append(_moved(row, after, day, marked, today))
    done.duties += len(rows)
    insert_new(connection, notices, told)
    insert_new(connection, duties, opened)
    change(connection, duties, moved)
    return len(rows)


def _moved(row: Row[Any], after: Climb, day: date | None, marked: date | None, today: date) -> dict[str, Any]:
    """Where the duty stands now, and when to look again: tomorrow at the earliest, so a batch never meets it twice."""
    return {
        "id": row.id,
        "step": after.step,
        "hearing_step_on": after.hearing_step_on,
        "chase_on": max(day, today.fromordinal(today.toordinal() + 1)) if day else None,
        "marked_on": marked,
    }


def _around(connection: Connection, references: set[str]) -> dict[str, Row[Any]]:
    query = pathway_rows.where(pathways.c.reference.in_(references))
    return {row.reference: row for row in plain(connection.execute(query))}


def _suspended(connection: Connection, today: date) -> set[str]:
    """Providers nobody chases, for they are suspended (m03 STOP), until a file says otherwise (`intake`)."""
    return set(connection.execute(select(Provider.code).where(Provider.suspended_from <= today)).scalars())


def _marks(limits: Limits, after: Climb, steps: Sequence[Step]) -> bool:
    """Whether the lateness is marked on the contract: a rung that marks it was sent or passed by."""
    if not steps:
        return False
    if limits.at_hearing in steps:
        return True
    ladder = limits.ladder(after.kind)
    reached = next((n for n, step in enumerate(ladder, 1) if step.step == after.step), 0)
    return any(step.marks_contract for step in ladder[:reached])


def _notices(row: Row[Any], pathway: Row[Any], step: Step, today: date, now: datetime) -> Iterator[dict[str, Any]]:
    """One notice to each whom the step names. A step for a near hearing is told again each time it comes round."""
    tells = list(step.tells)
    if row.hearing_on and step.also_near_hearing and working_days_after(today, row.hearing_on) <= step.also_within:
        tells += step.also_near_hearing
    again = f":{today.isoformat()}" if step.step == "H" else ""
    for who in dict.fromkeys(_who(role, row, pathway) for role in tells):
        if who.code == NOBODY:
            continue  # it is listed as nobody's until somebody has it
        fields = late_fields(row, today) | {"step": step.step, "step_name": step.name}
        yield _notice(row, who, "chase", now, occasion=f"chase:{step.step}:{row.key}{again}", fields=fields)


def _notice(row: Row[Any], who: Who, wording: str, now: datetime, **more: Any) -> dict[str, Any]:
    return {
        "pathway": row.pathway,
        "to_role": who.role,
        "to_code": who.code,
        "wording": wording,
        "occasion": f"{wording}:{row.key}",
        "fields": {"provider": row.on_code},
        "created_at": now,
        "withheld": None,
    } | more


def late_fields(row: Row[Any], today: date) -> dict[str, Any]:
    """What a line about a late duty says: what, by whom, since when, how late, and the hearing that is coming."""
    return {
        "duty": row.kind,
        "owed_by": row.on_code,
        "due": row.due_on.isoformat(),
        "day": today.isoformat(),
        "late": max(0, working_days_after(row.counts_from or row.due_on, today)),
        "hearing": row.hearing_on.isoformat() if row.hearing_on else None,
    }


def _who(role: str, row: Row[Any], pathway: Row[Any]) -> Who:
    """Who holds a role for this duty: its owner, its provider's named contact, or an office of the area."""
    if role in {"owner", "provider"}:
        return Who(row.on_role, row.on_code)
    if role == "provider_lead":
        return Who(role, row.on_code)
    return Who(role, getattr(pathway, role))


def _phone_task(row: Row[Any], pathway: Row[Any], limits: Limits, step: Step, today: date) -> Iterator[dict[str, Any]]:
    """The second chase asks commissioning to ring (m03 R2)."""
    if step.opens:
        due = limits.spans[step.opens].after(today)
        climb = Climb(step.opens, due)
        yield {
            "pathway": row.pathway,
            "key": f"{PHONE}:{row.key}",
            "kind": step.opens,
            "on_role": "commissioning_officer",
            "on_code": pathway.commissioning_officer,
            "opened_on": today,
            "due_on": due,
            "state": "open",
            "paused": False,
            "chase_on": next_day(limits, climb),
        }
