"""Listening: what the restricted strand may hear of the men it follows is written down as facts of its own (N10).

It goes one way only. The other database is read and never written or locked, and does not know that it is read. What is
written is a mirror: hearing the same twice changes nothing, and what was corrected there is corrected here.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, select, union, update

from models.facts import Fact
from models.facts.case import RiskRaised
from models.facts.dvpp import Dropped, FinalReported, ProgrammeStarted
from models.facts.every import Retracted
from models.facts.referral import ReferralSent
from models.facts.support import Heard, ManAbsent, ManDropped, ManFinished, ManStarted, RiskHeard
from models.restricted import Listened
from models.tables import DutyRow, PathwayRow
from models.working_days import london_date
from settings import Settings
from store.database import in_batches, insert_new, reading, writing
from store.pathways import Record, record_of
from store.record import as_row, fact_numbers, facts
from store.strand import HEARD, following, open_support

_HEARD_AS: dict[type[Fact], type[Heard]] = {
    ProgrammeStarted: ManStarted,
    Dropped: ManDropped,
    FinalReported: ManFinished,
    RiskRaised: RiskHeard,
}
"""What is heard of him, and as what. Absences are heard by the review they cause."""
pathways = PathwayRow.__table__
duties = DutyRow.__table__
listened = Listened.__table__
OVERLAP = 10_000
"""How many facts are heard again: numbers are given before what they number is committed, and a pathway that a fact
ends is advanced a little later."""


@dataclass(frozen=True)
class Man:
    """What may be heard of one man's pathway."""

    reference: str
    area: str
    referral: ReferralSent
    heard: dict[str, Heard]
    """By its source."""
    whole: bool = True
    """Whether all that is recorded of him could be read; if not, nothing is taken back that was heard."""


def listen(main: Engine, strand: Engine, now: datetime, settings: Settings) -> int:
    """Open a support pathway for every man who was referred, and write down what is new of each.

    It looks at those of whom something was recorded since it last listened; once a day at all of them, for a pathway
    may also end by itself. Returns how many pathways could not be opened.
    """
    failed, today = 0, london_date(now)
    with reading(strand) as connection:
        before = connection.execute(select(listened)).first()
    with reading(main) as connection:
        upto = connection.execute(select(func.max(facts.c.id))).scalar() or 0
        # With fewer facts than there were, the other database was restored: what is there now is all there is to hear.
        whole = before is None or before.whole_on < today or upto < before.upto
        rows = _men_rows(connection, None if whole else before.upto - OVERLAP)
        for some in in_batches(rows):
            failed += _hear(strand, list(_men(connection, some)), now, settings)
    if not failed:
        with writing(strand) as connection:
            row = {"id": 1, "upto": upto, "whole_on": today if whole else before.whole_on}
            insert_new(connection, listened, [row])
            connection.execute(update(listened).values(row))
    return failed


def _hear(strand: Engine, men: Sequence[Man], now: datetime, settings: Settings) -> int:
    with writing(strand) as connection:
        failed = open_support(connection, {man.reference: (man.area, man.referral) for man in men}, settings)
        _write_down(connection, men, now)
    return failed


def _men_rows(connection: Connection, since: int | None) -> Sequence[Row[Any]]:
    """The DVPP pathways of whom, or of whose case, something was recorded after a fact's number; or all of them."""
    query = select(pathways.c.reference, pathways.c.case, pathways.c.area, pathways.c.closed_on)
    query = query.where(pathways.c.programme == "DVPP")
    if since is None:
        return connection.execute(query).all()
    # Not their distinct ones: for those, SQLite would go through the index of all subjects there are.
    subjects = select(facts.c.subject).where(facts.c.id > since)
    of_whom = [query.where(column.in_(subjects)) for column in (pathways.c.reference, pathways.c.case)]
    return connection.execute(union(*of_whom)).all()


def _men(connection: Connection, rows: Sequence[Row[Any]]) -> Iterator[Man]:
    records = record_of(connection, {row.reference for row in rows} | {row.case for row in rows})
    concerns = _concerns(connection, [row.reference for row in rows])
    for row in rows:
        live = records[row.reference].live
        if referrals := [fact for fact in live if isinstance(fact, ReferralSent)]:
            heard = _heard(row, live + records[row.case].live, concerns[row.reference])
            first = min(referrals, key=lambda fact: (fact.happened_on, fact.place))
            whole = not (records[row.reference].unreadable or records[row.case].unreadable)
            yield Man(row.reference, row.area, first, {one.source: one for one in heard}, whole)


def _concerns(connection: Connection, references: Sequence[str]) -> dict[str, set[int]]:
    """The places of the absences that called for a review."""
    query = select(duties.c.pathway, duties.c.key).where(duties.c.kind == "absence_review")
    found: dict[str, set[int]] = defaultdict(set)
    for pathway, key in connection.execute(query.where(duties.c.pathway.in_(references))):
        found[pathway].add(int(key.split(":")[1]))
    return found


def _heard(row: Row[Any], live: Sequence[Fact], concerns: set[int]) -> Iterator[Heard]:
    for fact in live:
        kind = _HEARD_AS.get(type(fact)) or (ManAbsent if fact.place in concerns else None)
        if kind:
            yield _said(kind, f"F-{fact.place}", fact.happened_on, fact.recorded_at, fact.told_already)
    if row.closed_on:
        noon = datetime.combine(row.closed_on, time(12), UTC)
        yield _said(ManFinished, "CLOSED", row.closed_on, noon)


def _said(kind: type[Heard], source: str, day: Any, at: datetime, told_already: bool = False) -> Heard:
    return kind(source=source, happened_on=day, recorded_at=at, recorded_by=HEARD, told_already=told_already)


def _write_down(connection: Connection, men: Sequence[Man], now: datetime) -> None:
    supports = following(connection, [man.reference for man in men])
    records = record_of(connection, supports.values())
    numbers = fact_numbers(connection)
    rows = [
        as_row(supports[man.reference], fact.model_copy(update={"id": next(numbers)}))
        for man in men
        if man.reference in supports
        for fact in _news(records[supports[man.reference]], man, now)
    ]
    insert_new(connection, facts, rows)
    for some in in_batches(sorted({row["subject"] for row in rows})):
        query = update(pathways).where(pathways.c.reference.in_(some))
        connection.execute(query.values(look_on=london_date(now)))


def _news(record: Record, man: Man, now: datetime) -> Iterator[Fact]:
    """What is not written down yet, and corrections of what is no longer so."""
    heard = man.heard
    ever = [fact for fact in (*record.live, *record.corrected.values()) if isinstance(fact, Heard)]
    stands = {fact.place: fact for fact in record.live}
    known = {fact.source: stands[fact.place] for fact in ever if fact.place in stands}
    for source, fact in heard.items():
        standing = known.get(source)
        if standing is None:
            yield fact
        elif standing.content != fact.content:
            yield fact.model_copy(update={"supersedes": standing.id})
    for source in known.keys() - heard.keys() if man.whole else ():
        if not isinstance(known[source], Retracted):
            yield Retracted(
                happened_on=london_date(now), recorded_at=now, recorded_by=HEARD, supersedes=known[source].id
            )
