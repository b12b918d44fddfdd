"""What somebody owes and may see, and what of it is answered already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from models.answers import kinds_of, meant
from models.facts import Fact
from models.tables import Area, Case, DutyRow, FactRow, PathwayRow, Practitioner
from models.working_days import working_days_after
from store.database import in_batches
from store.links import PROVIDER, Holder
from store.pathways import record_of
from store.record import Answering

duties = DutyRow.__table__
facts = FactRow.__table__
pathways = PathwayRow.__table__


@dataclass(frozen=True)
class Owed:
    """One open duty of somebody, as they see it."""

    duty: Row[Any]
    session: str | None
    """The code of the session it is about, where it is about one."""
    late: int
    """How many working days late it is."""
    seen: int
    """The number of the last fact known of its pathway."""

    @property
    def which(self) -> str:
        """What else tells it apart: a week, a party."""
        return self.duty.key.split(":", 2)[2] if self.duty.key.count(":") > 1 else ""

    @property
    def anchor(self) -> int:
        """The number of the fact it follows from."""
        return _anchor(self.duty.key)


def _anchor(key: str) -> int:
    number = key.split(":", 2)[1]
    return int(number) if number.isdigit() else 0


def _of(holder: Holder) -> Any:
    """The duties that are somebody's: a provider's, or those of one of the staff in any role."""
    role = duties.c.on_role == PROVIDER if not holder.is_staff else duties.c.on_role != PROVIDER
    return (duties.c.on_code == holder.code) & role & (duties.c.state == "open")


def owed(connection: Connection, holder: Holder, today: date, number: int | None = None) -> list[Owed]:
    """What somebody owes, the latest first; only one duty where its number is given. What is on hold is left out."""
    query = select(duties, pathways.c.look_on, pathways.c.case).join(pathways, pathways.c.reference == duties.c.pathway)
    query = query.where(_of(holder), ~duties.c.paused).order_by(duties.c.due_on, duties.c.id)
    if number is not None:
        query = query.where(duties.c.id == number)
    rows = connection.execute(query).all()
    rows = _not_answered(connection, rows, today)
    sessions = _sessions(connection, [_anchor(row.key) for row in rows if row.kind in _OF_SESSIONS])
    seen = _last_facts(connection, {row.pathway: row.case for row in rows})
    return [
        Owed(
            row,
            sessions.get(_anchor(row.key)) if row.kind in _OF_SESSIONS else None,
            max(0, working_days_after(row.counts_from or row.due_on, today)),
            seen.get(row.pathway, 0),
        )
        for row in rows
    ]


def _not_answered(connection: Connection, rows: Sequence[Row[Any]], today: date) -> list[Row[Any]]:
    """Without those whose answer is recorded and whose pathway is only still to be looked at."""
    waiting = {row.pathway for row in rows if row.look_on and row.look_on <= today}
    if not waiting:
        return list(rows)
    given: dict[str, list[Fact]] = {ref: one.live for ref, one in record_of(connection, waiting).items()}

    def answered(row: Row[Any]) -> bool:
        live = given.get(row.pathway, [])
        anchor = next((fact for fact in live if fact.place == _anchor(row.key)), None)
        which = _told_apart(meant(row, anchor, row.on_code, None))
        return Answering(kinds_of(row.kind), which, _anchor(row.key)).given(live) is not None

    return [row for row in rows if row.pathway not in waiting or not answered(row)]


def _told_apart(said: Mapping[str, Any]) -> dict[str, Any]:
    """What tells a duty apart from others of its kind on one pathway."""
    return {name: said[name] for name in ("session", "week", "party", "letter") if name in said}


_OF_SESSIONS = ("attendance_report", "session_result")


def _sessions(connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """The session that each of these facts is about, or what corrects it by now."""
    found: dict[int, str] = {}
    corrected: dict[int, int] = {}
    for some in in_batches(sorted(set(numbers))):
        for row in connection.execute(select(facts.c.id, facts.c.payload).where(facts.c.id.in_(some))):
            found[row.id] = row.payload.get("session")
            corrected[row.id] = row.id
    while corrected:
        query = select(facts.c.id, facts.c.supersedes, facts.c.payload).where(facts.c.supersedes.in_(corrected))
        later = {}
        for row in connection.execute(query):
            first = corrected[row.supersedes]
            found[first], later[row.id] = row.payload.get("session") or found[first], first
        corrected = later
    return found


def _last_facts(connection: Connection, cases: Mapping[str, str]) -> dict[str, int]:
    """The number of the last fact about each pathway or its case; `cases` holds the case of each pathway."""
    last: dict[str, int] = {}
    for some in in_batches(sorted({*cases, *cases.values()})):
        query = select(facts.c.subject, func.max(facts.c.id)).where(facts.c.subject.in_(some))
        last |= dict(connection.execute(query.group_by(facts.c.subject)).all())
    return {pathway: max(last.get(pathway, 0), last.get(case, 0)) for pathway, case in cases.items()}


# Who may see what ---------------------------------------------------------------------------------------------------

_OFFICES = ("commissioning_officer", "commissioning_manager", "service_manager", "assistant_director",
            "business_support", "research_analyst")  # fmt: skip


def _part_in(holder: Holder) -> Any:
    """The pathways that one of the staff has a part in: of their cases, of their area's offices, or given to them."""
    offices = [getattr(Area, name) == holder.code for name in _OFFICES]
    return or_(Case.adviser == holder.code, pathways.c.provider == holder.code, *offices)


def _with_people(query: Any) -> Any:
    return query.join(Case, Case.reference == pathways.c.case).join(Area, Area.code == pathways.c.area)


def may_read(connection: Connection, holder: Holder, reference: str) -> bool:
    """Whether somebody may read a pathway's story: staff with a part in it. Providers see what they owe, no stories."""
    query = _with_people(select(pathways.c.reference)).where(pathways.c.reference == reference, _part_in(holder))
    return holder.is_staff and connection.execute(query).first() is not None


def role_of(connection: Connection, holder: Holder) -> str:
    """What one of the staff is: an adviser, a service manager; empty for providers."""
    query = select(Practitioner.role).where(Practitioner.code == holder.code)
    return (connection.execute(query).scalar() or "") if holder.is_staff else ""


def my_pathways(
    connection: Connection, holder: Holder, *, page: int, size: int, label: str = "", reference: str = ""
) -> tuple[list[Row[Any]], int]:
    """One page of the open pathways somebody has a part in, and how many there are.

    Those under which they owe an answer themselves (`waits`) come first, then the others, each by the day it is due.
    """
    where = [pathways.c.closed_on.is_(None), _part_in(holder)]
    if label:
        where.append(pathways.c.label.icontains(label, autoescape=True))
    if reference:
        where.append(pathways.c.reference.icontains(reference, autoescape=True))
    count = connection.execute(_with_people(select(func.count()).select_from(pathways)).where(*where)).scalar_one()
    waits = pathways.c.reference.in_(select(duties.c.pathway).where(_of(holder), ~duties.c.paused))
    order = (waits.desc(), pathways.c.due_on.is_(None), pathways.c.due_on, pathways.c.reference)
    query = _with_people(select(pathways, waits.label("waits"))).where(*where).order_by(*order)
    return list(connection.execute(query.offset((page - 1) * size).limit(size))), count


def held_by(connection: Connection, provider: str, programme: str = "") -> list[str]:
    """The open pathways a provider holds."""
    query = select(pathways.c.reference).where(pathways.c.provider == provider, pathways.c.closed_on.is_(None))
    if programme:
        query = query.where(pathways.c.programme == programme)
    return list(connection.execute(query.order_by(pathways.c.reference)).scalars())


def said_of(connection: Connection, references: Sequence[str], fact: Fact) -> set[str]:
    """Those of these pathways of which the same was said already."""
    query = select(facts.c.subject).where(facts.c.identity == fact.identity)
    return {
        subject
        for some in in_batches(references)
        for subject in connection.execute(query.where(facts.c.subject.in_(some))).scalars()
    }


# Answers ------------------------------------------------------------------------------------------------------------


def answering(one: Owed, which: Mapping[str, Any]) -> Answering:
    """What an answer to a duty answers: the first of two stands, where one meets it."""
    return Answering(kinds_of(one.duty.kind), _told_apart(which), one.seen)
