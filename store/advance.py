"""Advancing pathways: ask each one's function where it stands, compare with what is stored, commit the difference.

A batch is one transaction: its pathways are claimed, loaded in sets, decided in memory, and what changed is written in
sets. A pathway whose function raises is marked with the kind of error and left as it was; the others go on.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from models.decide import decide
from models.facts.referral import ProviderPhoned
from models.limits import Limits
from models.pathway import Pathway
from models.standing import Decision, Duty, Spawn
from models.tables import DutyRow, NoticeRow, PathwayRow
from models.working_days import london_date
from notifications.ladder import Climb, next_day
from settings import Settings
from store.database import among, change, claiming, in_batches, insert, insert_new, one_among, plain, writing
from store.open import Opening, open_pathways
from store.pathways import Directories, Loaded, load, pathway_rows

Story = Callable[[Pathway], None]
PHONE = "phone_provider"

pathways = PathwayRow.__table__
duties = DutyRow.__table__
notices = NoticeRow.__table__
_DUTY_COLUMNS = (
    "kind", "on_role", "on_code", "opened_on", "due_on", "hearing_on", "counts_from", "state", "closed_on", "paused",
    "chase_on",
)  # fmt: skip
DUTIES_OF = select(
    *(duties.c[name] for name in ("pathway", "key", "id", "step", "hearing_step_on", *_DUTY_COLUMNS))
).where(one_among(duties.c.pathway))
NOTICES_OF = select(notices.c.pathway, notices.c.to_role, notices.c.occasion).where(one_among(notices.c.pathway))
_NEXT = pathways.c.version + 1
_of_programme = pathway_rows.where(pathways.c.programme == bindparam("programme"))
_named = _of_programme.where(one_among(pathways.c.reference))
_due = (
    _of_programme.where(pathways.c.look_on <= bindparam("today")).order_by(pathways.c.look_on).limit(bindparam("size"))
)


class Outrun(Exception):
    """Somebody else wrote where a pathway stands while it was looked at. Nothing was written; look again."""


class Moved(NamedTuple):
    """One pathway after it was advanced: what operations staff are shown, in references and codes."""

    reference: str
    programme: str
    area: str
    provider: str | None
    label: str
    on: str | None
    due_on: date | None
    changed: bool
    failure: str | None = None


@dataclass
class Advanced:
    """What became of the pathways of one batch or of many."""

    moved: list[Moved] = field(default_factory=list)
    notices: int = 0
    opened: set[tuple[str, str]] = field(default_factory=set)
    """Pathways of other programmes that these have opened, as (programme, reference): those to nudge."""

    @property
    def failed(self) -> list[Moved]:
        return [one for one in self.moved if one.failure]

    @property
    def changed(self) -> list[Moved]:
        return [one for one in self.moved if one.changed]

    def add(self, other: "Advanced") -> None:
        self.moved += other.moved
        self.notices += other.notices
        self.opened |= other.opened


def advance(
    engine: Engine,
    programme: str,
    story: Story,
    now: datetime,
    settings: Settings,
    references: Sequence[str] | None = None,
    batches: int | None = None,
) -> Advanced:
    """Advance the pathways named, or every one of the programme whose day has come, a batch a transaction.

    `batches` is how many of them at most are advanced whose day has come.
    """
    done = Advanced()
    if references is not None:
        for some in in_batches(sorted(set(references)), settings.batch):
            done.add(advance_batch(engine, programme, story, now, settings, some))
        return done
    for _ in range(batches) if batches else count():
        batch = advance_batch(engine, programme, story, now, settings)
        done.add(batch)
        if len(batch.moved) < settings.batch:
            break
    return done


def advance_batch(
    engine: Engine,
    programme: str,
    story: Story,
    now: datetime,
    settings: Settings,
    references: Sequence[str] | None = None,
) -> Advanced:
    """Advance one batch in one transaction. What another worker is advancing at this moment is left to it."""
    today = london_date(now)
    with writing(engine) as connection:
        rows = _claim(connection, programme, today, settings.batch, references)
        if not rows:
            return Advanced()
        loaded = load(connection, rows, today, Directories(connection, settings.profile, settings.limits))
        stored = _stored_duties(connection, [one.row.reference for one in loaded])
        told = _stored_notices(connection, [one.row.reference for one in loaded])
        changes = _Changes(today, now)
        for one in loaded:
            changes.consider(one, story, stored.get(one.row.reference, {}), told)
        changes.write(connection)
        openings = _not_open_yet(connection, changes.openings)
        refused = open_pathways(connection, openings, settings)
    opened = {(one.programme, one.reference) for one in openings if one.reference not in refused}
    return Advanced(changes.moved, len(changes.new_notices), opened)


def _claim(
    connection: Connection, programme: str, today: date, size: int, references: Sequence[str] | None
) -> Sequence[Row[Any]]:
    if references is None:
        query, which = _due, {"today": today, "size": size}
    else:
        query, which = _named, {"some": list(references)}
    mine = connection.execute(claiming(connection, query, pathways), {"programme": programme} | which)
    return sorted(plain(mine), key=attrgetter("reference"))


def _stored_duties(connection: Connection, references: Sequence[str]) -> dict[str, dict[str, Row[Any]]]:
    found: dict[str, dict[str, Row[Any]]] = {}
    for row in among(connection, DUTIES_OF, references):
        found.setdefault(row.pathway, {})[row.key] = row
    return found


def _stored_notices(connection: Connection, references: Sequence[str]) -> set[tuple[str, str, str]]:
    return set(among(connection, NOTICES_OF, references))


class _Changes:
    """What a batch writes: gathered pathway by pathway, written in sets."""

    def __init__(self, today: date, now: datetime) -> None:
        self.today = today
        self.now = now
        self.moved: list[Moved] = []
        self.rows: list[dict[str, Any]] = []
        self.failures: list[dict[str, Any]] = []
        self.new_duties: list[dict[str, Any]] = []
        self.changed_duties: list[dict[str, Any]] = []
        self.new_notices: list[dict[str, Any]] = []
        self.openings: list[Opening] = []

    def consider(self, one: Loaded, story: Story, stored: dict[str, Row[Any]], told: set[tuple[str, str, str]]) -> None:
        if one.unreadable:
            self._failed(one, one.unreadable)
            return
        written = (self.moved, self.rows, self.new_duties, self.changed_duties, self.new_notices, self.openings)
        before = [len(some) for some in written]
        try:
            self._follow(one, decide(story, one.known, self.today), stored, told)
        except SQLAlchemyError:  # that is the database's fault, and not the pathway's
            raise
        except Exception as problem:  # one pathway's fault must not stop the others
            for some, count in zip(written, before, strict=True):
                del some[count:]
            self._failed(one, type(problem).__name__)

    def _follow(
        self, one: Loaded, decision: Decision, stored: dict[str, Row[Any]], told: set[tuple[str, str, str]]
    ) -> None:
        self._standing(one.row, decision)
        self._duties(one, decision, stored)
        self._notices(one.row, decision, told)
        self.openings += [_opening(one.row, spawn) for spawn in decision.spawned]

    def _failed(self, one: Loaded, kind: str) -> None:
        row = one.row
        self.failures.append({"reference": row.reference, "failure": kind, "look_on": self.today + timedelta(days=1)})
        self.moved.append(
            Moved(row.reference, row.programme, row.area, row.provider, row.label, row.on_code, row.due_on, True, kind)
        )

    def _standing(self, row: Row[Any], decision: Decision) -> None:
        new, standing = _stands(decision), decision.standing
        changed = _STANDS(row) != new
        if changed or row.look_on != decision.look_on or row.failure:
            stands = dict(zip(_PATHWAY_COLUMNS, new, strict=True))
            at = {"reference": row.reference, "version": row.version}
            self.rows.append({**at, **stands, "look_on": decision.look_on, "failure": None})
        on = standing.on.code if standing.on else None
        self.moved.append(
            Moved(
                row.reference, row.programme, row.area, decision.provider, standing.label, on, standing.due_on,
                changed or bool(row.failure),
            )
        )  # fmt: skip

    def _duties(self, one: Loaded, decision: Decision, stored: dict[str, Row[Any]]) -> None:
        limits = one.known.limits
        for key, duty in decision.duties.items():
            row = stored.get(key)
            self._duty(one.row.reference, key, _owed(limits, duty, row), row)
        for key, row in stored.items():
            if key not in decision.duties and row.state == "open":
                self._no_longer_owed(one, decision, key, row)

    def _no_longer_owed(self, one: Loaded, decision: Decision, key: str, row: Row[Any]) -> None:
        """A phone task lives, and is paused, as what it asks after; what else is no longer named is dropped."""
        parent = decision.duties.get(key.removeprefix(f"{PHONE}:"))
        phoned = next(
            (f for f in one.known.facts if isinstance(f, ProviderPhoned) and f.recorded_on >= row.opened_on), None
        )
        if row.kind == PHONE and phoned:
            ended = {"state": "met", "closed_on": phoned.recorded_on, "chase_on": None}
        elif row.kind == PHONE and parent and parent.state == "open":
            climb = Climb(row.kind, row.due_on, None, row.step)
            chase_on = None if parent.paused else next_day(one.known.limits, climb)
            ended = {"paused": parent.paused, "chase_on": chase_on}
        else:
            ended = {"state": "dropped", "closed_on": self.today, "chase_on": None}
        new = {**dict(zip(_DUTY_COLUMNS, _owes(row), strict=True)), **ended}
        self._duty(one.row.reference, key, tuple(new.values()), row)

    def _duty(self, reference: str, key: str, new: tuple[Any, ...], row: Row[Any] | None) -> None:
        if row is None:
            self.new_duties.append({"pathway": reference, "key": key, **dict(zip(_DUTY_COLUMNS, new, strict=True))})
        elif _owes(row) != new:
            self.changed_duties.append({"id": row.id, **dict(zip(_DUTY_COLUMNS, new, strict=True))})

    def _notices(self, row: Row[Any], decision: Decision, told: set[tuple[str, str, str]]) -> None:
        for notice in decision.notices:
            if (row.reference, notice.to.role, notice.occasion) not in told:
                self.new_notices.append(
                    {
                        "pathway": row.reference,
                        "to_role": notice.to.role,
                        "to_code": notice.to.code,
                        "wording": notice.wording,
                        "occasion": notice.occasion,
                        "fields": json.loads(json.dumps(as_fields(notice.fields))),  # or it fails here, by itself
                        "created_at": self.now,
                        "withheld": notice.withheld,
                    }
                )

    def write(self, connection: Connection) -> None:
        if change(connection, pathways, self.rows, by=("reference", "version"), version=_NEXT) != len(self.rows):
            raise Outrun
        change(connection, pathways, self.failures, by=("reference",))
        insert(connection, duties, self.new_duties)
        change(connection, duties, self.changed_duties)
        insert_new(connection, notices, self.new_notices)


def _opening(row: Row[Any], spawn: Spawn) -> Opening:
    """A pathway another one opens in its case; the adviser asks for it, as for any of their own."""
    because = spawn.because
    return Opening(
        reference=spawn.reference, programme=spawn.programme, route="adviser", case=row.case, party=spawn.party,
        area=row.area, requested_on=because.happened_on, recorded_by=because.recorded_by,
        recorded_at=because.recorded_at, told_already=because.told_already,
    )  # fmt: skip


def _not_open_yet(connection: Connection, openings: Sequence[Opening]) -> list[Opening]:
    if not openings:
        return []
    there = select(pathways.c.reference).where(pathways.c.reference.in_({one.reference for one in openings}))
    known = set(connection.execute(there).scalars())
    return [one for one in openings if one.reference not in known]


_PATHWAY_COLUMNS = ("state", "label", "since", "on_role", "on_code", "due_on", "provider", "reason", "closed_on")
_STANDS = attrgetter(*_PATHWAY_COLUMNS)


def _stands(decision: Decision) -> tuple[Any, ...]:
    standing = decision.standing
    on_role, on_code = standing.on or (None, None)
    closed_on = standing.since if standing.closed else None
    return (
        standing.state, standing.label, standing.since, on_role, on_code, standing.due_on, decision.provider,
        standing.reason, closed_on,
    )  # fmt: skip


def _owes(row: Row[Any]) -> tuple[Any, ...]:
    return row[-len(_DUTY_COLUMNS) :]


def _owed(limits: Limits, duty: Duty, stored: Row[Any] | None) -> tuple[Any, ...]:
    is_open = duty.state == "open"
    return (
        duty.kind, *duty.owed_by, duty.opened_on, duty.due_on, duty.hearing_on if is_open else None,
        duty.counts_from if is_open else None, duty.state, duty.closed_on, duty.paused, _chase_on(limits, duty, stored),
    )  # fmt: skip


def _chase_on(limits: Limits, duty: Duty, stored: Row[Any] | None) -> date | None:
    """The day the ladder's next step is due: none once the duty is closed or its clock is stopped (m03 STOP)."""
    if duty.state != "open" or duty.paused:
        return None
    step, hearing_step_on = (stored.step, stored.hearing_step_on) if stored else (None, None)
    return next_day(limits, Climb(duty.kind, duty.counts_from or duty.due_on, duty.hearing_on, step, hearing_step_on))


def as_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Notice fields as JSON: dates as ISO 8601, the rest as it is."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in fields.items()}
