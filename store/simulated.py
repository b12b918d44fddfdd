"""What a simulated year asks of its database: who owes what by now, and how much of everything there was in the end."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, case, create_engine, func, inspect, literal, select

from models.tables import DutyRow, FactRow, MessageRow, NoticeRow, PathwayRow
from store.database import _with_psycopg, in_batches
from store.pathways import Directories, Loaded, load, pathway_rows

duties = DutyRow.__table__
facts = FactRow.__table__
messages = MessageRow.__table__
notices = NoticeRow.__table__
pathways = PathwayRow.__table__
Rows = Sequence[Row[Any]]


def untouched(url: str) -> bool:
    """Whether there is no table in a database yet. To look leaves nothing in it, not even the number of a key."""
    engine = create_engine(_with_psycopg(url), hide_parameters=True)
    try:
        return not inspect(engine).get_table_names()
    finally:
        engine.dispose()


# Who owes what --------------------------------------------------------------------------------------------------------


def opened_after(connection: Connection, number: int) -> Rows:
    """The duties with a later number than this, open or not, the last one at the end."""
    return connection.execute(select(duties).where(duties.c.id > number).order_by(duties.c.id)).all()


def still_open(connection: Connection, numbers: Iterable[int]) -> list[Row[Any]]:
    """Those of these duties that are open."""
    return _open(connection, duties.c.id, sorted(numbers))


def owed_on(connection: Connection, references: Iterable[str]) -> list[Row[Any]]:
    """The open duties of these pathways."""
    return _open(connection, duties.c.pathway, sorted(references))


def _open(connection: Connection, column: Any, values: Sequence[Any]) -> list[Row[Any]]:
    query = select(duties).where(duties.c.state == "open")
    return [row for some in in_batches(values) for row in connection.execute(query.where(column.in_(some)))]


def known_of(
    connection: Connection, references: Iterable[str], today: date, directories: Directories
) -> dict[str, Loaded]:
    """What is known of these pathways."""
    found: dict[str, Loaded] = {}
    for some in in_batches(sorted(references)):
        rows = connection.execute(pathway_rows.where(pathways.c.reference.in_(some))).all()
        found |= {one.row.reference: one for one in load(connection, rows, today, directories)}
    return found


# How much there was ---------------------------------------------------------------------------------------------------


def requested(connection: Connection) -> Rows:
    """How many pathways were opened: programme, count."""
    return _counted(connection, pathways.c.programme)


def outcomes(connection: Connection) -> Rows:
    """How pathways ended: programme, reason, count; the reason is empty of those that are open."""
    reason = case((pathways.c.closed_on.is_not(None), pathways.c.reason), else_=None)
    return _counted(connection, pathways.c.programme, reason.label("reason"))


def told(connection: Connection) -> Rows:
    """Notices: wording, channel, what became of it, count."""
    state = func.coalesce(notices.c.withheld, messages.c.state, literal("waiting")).label("state")
    joined = notices.outerjoin(messages, messages.c.bundle == notices.c.bundle)
    return _counted(connection, notices.c.wording, messages.c.channel, state, of=joined)


def sent(connection: Connection) -> Rows:
    """Messages: channel, whether a digest, state, count."""
    digest = messages.c.bundle.like("digest:%").label("digest")
    return _counted(connection, messages.c.channel, digest, messages.c.state)


def owed(connection: Connection) -> Rows:
    """Duties: kind, state, the day from which they are late, the day they were closed, count."""
    late_from = func.coalesce(duties.c.counts_from, duties.c.due_on).label("due_on")
    return _counted(connection, duties.c.kind, duties.c.state, late_from, duties.c.closed_on)


_SAID_OF_SESSIONS = (
    "attendance_reported", "session_cancelled", "weekly_attendance", "session_held", "session_called_off",
)  # fmt: skip


def sessions(connection: Connection) -> Rows:
    """What was said of sessions, one person's place in each: programme, kind of fact, result, count."""
    result = facts.c.payload["result"].as_string().label("result")
    return _counted(connection, pathways.c.programme, facts.c.kind, result, of=_OF_PATHWAYS, where=_STANDS)


_LATER = facts.alias()
_OF_PATHWAYS = facts.join(pathways, pathways.c.reference == facts.c.subject)
_STANDS = (
    facts.c.kind.in_(_SAID_OF_SESSIONS) & ~select(_LATER.c.id).where(_LATER.c.supersedes == facts.c.id).exists()
)  # what was corrected does not count


def people_who(connection: Connection, kind: str, results: Sequence[str] = ()) -> int:
    """Of how many pathways such a fact is on record, with one of these results where any are given."""
    said = facts.c.kind == kind
    if results:
        said &= facts.c.payload["result"].as_string().in_(results)
    return connection.execute(select(func.count(facts.c.subject.distinct())).where(said)).scalar_one()


def _counted(connection: Connection, *columns: Any, of: Any = None, where: Any = None) -> Rows:
    query = select(*columns, func.count().label("count")).group_by(*columns).order_by(*columns)
    query = query.select_from(of) if of is not None else query
    return connection.execute(query.where(where) if where is not None else query).all()
