"""Erasure: what is personal goes, and the counts stay: pathways, kinds of facts and dates under their references.

A reference is kept, that of a case among them (docs/decisions/0023). Nothing of a case is erased while any of its
pathways is open, for what is known of its people keeps each of them safe (SR-11, SR-12).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, Table, and_, delete, exists, func, or_, select, update

from models.facts.case import ProceedingsEnded
from models.limits import Span
from models.personal import PARTY, TEXT, columns_of
from models.restricted import HarmConcern, HeldText, Screened, Survivor, SurvivorBefore
from models.tables import FactRow, Party, PathwayRow, ProviderText
from models.working_days import london_date
from store.audit import note
from store.database import in_batches, is_sqlite, reading, writing
from store.strand import followed

parties = Party.__table__
pathways = PathwayRow.__table__
texts = ProviderText.__table__
survivors, befores, held, concerns, screens = (
    table.__table__ for table in (Survivor, SurvivorBefore, HeldText, HarmConcern, Screened)
)
ERASED = "erased what is personal"


class NotErased(Exception):
    """Why nothing was erased, as a sentence to act on."""


class NobodyKnown(NotErased):
    """Neither a case nor a party has that reference."""


@dataclass(frozen=True)
class Erasure:
    """What there is to erase of one case, or of one person in it."""

    case: str
    people: Sequence[str]
    pathways: Sequence[str]
    """Those under which texts are erased."""
    texts: int


def asked(connection: Connection, reference: str) -> Erasure:
    """What there is to erase under the reference of a case or of a party. Raises NotErased."""
    query = select(parties.c.case, parties.c.reference).order_by(parties.c.reference)
    query = query.where((parties.c.case == reference) | (parties.c.reference == reference))
    if not is_sqlite(connection):
        query = query.with_for_update()  # nobody opens a pathway for them meanwhile
    found = connection.execute(query).all()
    if not found:
        raise NobodyKnown(f"Nobody is known here as {reference}: it is neither a party nor a case.")
    case, people = found[0].case, [row.reference for row in found]
    of_case = connection.execute(select(pathways).where(pathways.c.case == case).order_by(pathways.c.reference)).all()
    if still := [row.reference for row in of_case if row.closed_on is None]:
        raise NotErased(f"Nothing of {case} is erased while a pathway of it is open: {', '.join(still)}.")
    theirs = [row.reference for row in of_case if reference == case or row.party in people]
    count = select(func.count()).where(texts.c.pathway.in_(theirs))
    return Erasure(case, people, theirs, connection.execute(count).scalar_one())


def erase(engine: Engine, reference: str, by: str, now: datetime) -> Erasure:
    """Erase what is personal of a case or of one person. It is done together with its entry in the audit trail."""
    with writing(engine) as connection:
        one = asked(connection, reference)
        mine = parties.c.reference.in_(one.people)
        empty = _empty(parties, PARTY) | {"erased_on": london_date(now)}
        connection.execute(update(parties).where(mine).values(empty))
        connection.execute(delete(texts).where(texts.c.pathway.in_(one.pathways)))
        note(connection, now, by, ERASED, reference)
    return one


def _empty(table: Table, *whats: Any) -> dict[str, Any]:
    """Values with nothing in them for what is personal in a table."""
    return {name: None if table.c[name].nullable else "" for name in columns_of(table.name, *whats)}


def taken_away(connection: Connection, cases: Sequence[str]) -> dict[str, date]:
    """Those of these cases whose people were erased and that have no open pathway since, with the day of it."""
    found: dict[str, date] = {}
    going_on = exists().where(pathways.c.case == parties.c.case, pathways.c.closed_on.is_(None))
    for some in in_batches(cases):
        erased = (parties.c.case.in_(some), parties.c.erased_on.is_not(None), ~going_on)
        found |= dict(connection.execute(select(parties.c.case, parties.c.erased_on).where(*erased)).all())
    return found


# By retention period --------------------------------------------------------------------------------------------------


def expired(connection: Connection, retention: Mapping[str, int], today: date) -> Iterator[str]:
    """The cases of which all is over for longer than it is kept, and of which there is something left to erase.

    The longest period of its programmes counts, from the last end of a pathway or of the proceedings. A case with a
    pathway of a programme for which no period is set is kept.
    """
    of_texts = select(pathways.c.case).join(texts, texts.c.pathway == pathways.c.reference)
    left = select(parties.c.case).where(parties.c.erased_on.is_(None)).union(of_texts)
    query = select(pathways.c.case, pathways.c.programme, pathways.c.closed_on).where(pathways.c.case.in_(left))
    for case, rows in groupby(connection.execute(query.order_by(pathways.c.case)).all(), lambda row: row.case):
        ends = [(row.closed_on, retention.get(row.programme)) for row in rows]
        if all(closed and months for closed, months in ends):
            last = max([closed for closed, _ in ends] + _ended(connection, case))
            if Span(max(months for _, months in ends), "months").after(last) < today:
                yield case


def _ended(connection: Connection, case: str) -> list[date]:
    """The days on which proceedings were said to end."""
    query = select(FactRow.happened_on).where(FactRow.subject == case, FactRow.kind == ProceedingsEnded.kind)
    return list(connection.execute(query).scalars())


# The restricted strand ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SurvivorErasure:
    """What there is to erase of one survivor."""

    pathway: str
    man: str
    before: int
    """How often what is known of her was written down otherwise."""
    texts: int
    """Texts about his pathway that were held."""
    concerns: int
    """What was written of harm under his pathway."""


def asked_of_survivor(main: Engine, there: Connection, pathway: str) -> SurvivorErasure:
    """What there is to erase. Raises NotErased while hers or his is open, or a text about him is still to be read."""
    man = there.execute(select(followed.c.man).where(followed.c.reference == pathway)).scalar_one()
    if there.execute(select(pathways.c.closed_on).where(pathways.c.reference == pathway)).scalar() is None:
        raise NotErased(f"{pathway} is open; what keeps her safe is not erased before it is over.")
    with reading(main) as here:
        kept = exists().where(texts.c.pathway == man)
        still = and_(pathways.c.reference == man, or_(pathways.c.closed_on.is_(None), kept))
        if here.execute(select(pathways.c.reference).where(still)).first():
            raise NotErased(
                f"{man} is open, or texts about it are kept, which are screened for her: erase those first."
            )
    if there.execute(select(held.c.number).where(held.c.pathway == man, held.c.state == "held")).first():
        raise NotErased(f"A text about {man} waits for somebody to look at it: release or refuse it first.")
    count = [
        select(func.count()).where(befores.c.pathway == pathway),
        select(func.count()).where(held.c.pathway == man),
        select(func.count()).where(concerns.c.pathway == man),
    ]
    return SurvivorErasure(pathway, man, *(there.execute(query).scalar_one() for query in count))


def erase_survivor(
    main: Engine, strand: Engine, pathway: str, by: str, now: datetime, *, words: bool
) -> SurvivorErasure:
    """Erase what is known of a survivor and the texts held for her; `words` of harm too, where those are to go.

    From then on nothing is known of her, so that the screen holds every text about him.
    """
    with writing(strand) as there:
        one = asked_of_survivor(main, there, pathway)
        for table in (survivors, befores):
            there.execute(delete(table).where(table.c.pathway == pathway))
        there.execute(delete(screens).where(screens.c.pathway == one.man))
        there.execute(update(held).where(held.c.pathway == one.man).values(_empty(held, TEXT)))
        if words:
            there.execute(update(concerns).where(concerns.c.pathway == one.man).values(_empty(concerns, TEXT)))
        note(there, now, by, ERASED, pathway)
    return one
