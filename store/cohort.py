"""What reports are made from: records as they stood at the end of a day, read in batches so that memory stays flat."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from models.facts import Fact
from models.facts.dvpp import NoProviderInReach
from models.facts.every import Requested, Retracted
from models.limits import Limits
from models.standing import Known, People
from models.tables import FactRow, Party, PathwayRow
from models.working_days import LONDON
from reports.cppp import READ, Family
from reports.unmet_need import CLOSED_FOR_IT, NO_PROVIDER_OPEN
from store.pathways import Record, as_fact, fact_rows, limits_of

facts = FactRow.__table__
pathways = PathwayRow.__table__
NOBODY = People(*[""] * 6)


def families(connection: Connection, as_at: date, batch: int = 250) -> Iterator[Family]:
    """Every CPPP with what was recorded of it and its case by the end of a day, case by case."""
    last = ""
    while cases := _cases_after(connection, last, batch):
        last = cases[-1]
        yield from _families(connection, cases, as_at)


def _cases_after(connection: Connection, last: str, batch: int) -> Sequence[str]:
    query = select(pathways.c.case).distinct().where(pathways.c.programme == "CPPP", pathways.c.case > last)
    return connection.execute(query.order_by(pathways.c.case).limit(batch)).scalars().all()


def _families(connection: Connection, cases: Sequence[str], as_at: date) -> Iterator[Family]:
    query = select(pathways.c.reference, pathways.c.case, pathways.c.programme, pathways.c.limits)
    query = query.where(pathways.c.programme == "CPPP", pathways.c.case.in_(cases))
    rows = connection.execute(query.order_by(pathways.c.case, pathways.c.reference)).all()
    records = _records(connection, [*cases, *(row.reference for row in rows)], as_at)
    limits = limits_of(connection, {row.limits for row in rows})
    parties = defaultdict(list)
    for case, party in connection.execute(select(Party.case, Party.reference).where(Party.case.in_(cases))):
        parties[case].append(party)
    for row in rows:
        yield _family(row, parties[row.case], limits[row.limits], records[row.reference], records[row.case])


def _family(row: Row[Any], parties: list[str], limits: Limits, own: Record, of_case: Record) -> Family:
    live: list[Fact] = [*own.live, *of_case.live]
    known = Known(row.reference, row.programme, None, sorted(parties), NOBODY, limits, live)
    return Family(row.case, known, own.unreadable or of_case.unreadable)


def _records(connection: Connection, subjects: Sequence[str], as_at: date) -> dict[str, Record]:
    """What stood at the end of a day, of the kinds that are counted; a later correction had not been made yet.

    What opened a pathway is read whenever it was written down, for it says by which route it came.
    """
    midnight = datetime.combine(as_at + timedelta(days=1), time(), LONDON)
    query = fact_rows.where(facts.c.subject.in_(subjects), facts.c.kind.in_(_KINDS))
    query = query.where(or_(facts.c.recorded_at < midnight, facts.c.kind == Requested.kind))
    rows = connection.execute(query.order_by(facts.c.id)).all()
    superseded = {row.supersedes for row in rows}
    found: dict[str, Record] = defaultdict(Record)
    place: dict[int, int] = {}
    for row in rows:
        place[row.id] = place.get(row.supersedes, row.id)
        if row.id not in superseded and row.kind != Retracted.kind:
            _keep(found[row.subject], row, place[row.id])
    return found


_KINDS = sorted({Retracted.kind, *(kind.kind for kind in READ)})


def _keep(record: Record, row: Row[Any], place: int) -> None:
    try:
        record.live.append(as_fact(row, place))
    except (ValueError, KeyError, TypeError) as problem:  # one bad row must not stop the report
        record.unreadable = type(problem).__name__


def without_provider(connection: Connection) -> Sequence[Row[Any]]:
    """The pathways that closed for want of a provider, and the open ones that have none in reach now."""
    query = select(
        pathways.c.reference, pathways.c.programme, pathways.c.area, pathways.c.since, pathways.c.closed_on
    ).where(
        or_(
            pathways.c.reason == CLOSED_FOR_IT,
            pathways.c.closed_on.is_(None) & (pathways.c.label == NO_PROVIDER_OPEN),
            pathways.c.closed_on.is_(None) & pathways.c.programme.in_(NoProviderInReach.of) & _none_in_reach,
        )
    )
    return connection.execute(query).all()


_later = facts.alias()
_none_in_reach = (
    select(facts.c.id)
    .where(facts.c.subject == pathways.c.reference, facts.c.kind == NoProviderInReach.kind)
    .where(~select(_later.c.id).where(_later.c.supersedes == facts.c.id).exists())
    .exists()
)
"""The adviser recorded that nobody is in reach; such a pathway closes once the court has been told."""
