"""Harm concerns: what a provider writes of harm goes into the restricted database only (SR-09).

The main database knows that a risk was raised (SR-14), under a code drawn by lot by which those who may read the words
find them. Every reading is written down.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, or_, select

from models.facts.case import RiskRaised
from models.restricted import ConcernRead, HarmConcern
from models.tables import Area, Case, PathwayRow
from models.working_days import london_date
from settings import Settings
from store.ask import Story
from store.database import insert_returning, reading, writing
from store.links import Holder
from store.receipts import Sent, receipt_of, send_in
from store.record import Reported
from store.strand import OUT_OF_REACH, strand

concerns = HarmConcern.__table__
reads = ConcernRead.__table__
pathways = PathwayRow.__table__
ABOUT = ("child", "adult", "both")
"""Who is at risk."""
_LETTERS, _DIGITS, _PAIRS, _PARTS = "BCDFGHJKLMNPQRSTVWXZ", "23456789", 2, 4


class SaidOtherwise(Exception):
    """Something else was written in the same form and sent before; it stays as it is."""


@dataclass(frozen=True)
class Concern:
    """What a provider says of harm to somebody, under the code of the risk that it raises."""

    pathway: str
    risk: str
    about: str
    body: str


@dataclass(frozen=True)
class Raised:
    """What became of a concern: the receipt for its risk, if that was recorded; and whether the words are kept."""

    sent: Sent
    kept: bool


def risk_of(holder: Holder, pathway: str, submission: str) -> str:
    """The code of the risk that a form raises: drawn by lot as its token was, and the same if it is sent twice."""
    lot = iter(hashlib.sha256("|".join((holder.code, pathway, submission)).encode(errors="replace")).digest())
    pairs = [_LETTERS[next(lot) % len(_LETTERS)] + _DIGITS[next(lot) % len(_DIGITS)] for _ in range(_PAIRS * _PARTS)]
    return "-".join("".join(pairs[n : n + _PAIRS]) for n in range(0, len(pairs), _PAIRS))


def raise_concern(main: Engine, holder: Holder, concern: Concern, now: datetime, settings: Settings) -> Raised:
    """Write the words down and record the risk, or the risk alone where the words cannot be kept. Raises SaidOtherwise.

    The risk is recorded while the words are written but not committed: whoever is interrupted leaves nothing, or a risk
    that its adviser hears of, and never words of which nobody is told. To do it again does what is left to do.
    """
    sent, kept = None, False
    try:
        with writing(strand(settings)) as there:
            _write_down(there, holder, concern, now)
            sent = _risk_raised(main, holder, concern, now, settings)
        kept = True
    except OUT_OF_REACH:
        pass  # what follows is no part of this handler, so that no error of it can show this one
    return Raised(sent or _risk_raised(main, holder, concern, now, settings), kept)


def _write_down(there: Connection, holder: Holder, concern: Concern, now: datetime) -> None:
    row = {"pathway": concern.pathway, "risk": concern.risk, "about": concern.about, "body": concern.body}
    row |= {"recorded_by": holder.code, "recorded_at": now}
    if not insert_returning(there, concerns, [row], concerns.c.number):
        before = there.execute(select(concerns.c.about, concerns.c.body).where(concerns.c.risk == row["risk"])).first()
        if before != (row["about"], row["body"]):
            raise SaidOtherwise


def _risk_raised(main: Engine, holder: Holder, concern: Concern, now: datetime, settings: Settings) -> Sent:
    with reading(main) as connection:
        if before := receipt_of(connection, concern.risk, holder):
            return Sent(before)
    said = {"happened_on": london_date(now), "recorded_at": now, "recorded_by": holder.code, "risk": concern.risk}
    return send_in(main, holder, [Reported(concern.pathway, RiskRaised(**said))], concern.risk, now, settings)


# Who reads them -----------------------------------------------------------------------------------------------------


def may_read(connection: Connection, holder: Holder, pathway: str) -> list[str]:
    """The pathways of one's case whose concerns somebody may read, this one among them; none where this one is not.

    It is for the adviser of the case and the service manager of the area, and for nobody else of the staff.
    """
    case = select(pathways.c.case).where(pathways.c.reference == pathway).scalar_subquery()
    theirs = or_(Case.adviser == holder.code, Area.service_manager == holder.code)
    query = select(pathways.c.reference).join(Case, Case.reference == pathways.c.case)
    query = query.join(Area, Area.code == pathways.c.area).where(pathways.c.case == case, theirs)
    found = list(connection.execute(query).scalars()) if holder.is_staff else []
    return found if pathway in found else []


def risks_to_read(connection: Connection, holder: Holder, story: Story) -> dict[int, str]:
    """The risks of a story under which this person may read what was written, if anything was; by the fact's place."""
    risks = {fact.place: fact.risk for fact in story.facts if isinstance(fact, RiskRaised) and fact.risk}
    return risks if risks and may_read(connection, holder, story.loaded.row.reference) else {}


def read_of(strand: Engine, risk: str, pathways: Sequence[str], by: str, now: datetime) -> Row[Any] | None:
    """What was written under a risk of these pathways, for somebody of the staff; None where nothing was."""
    return _read(strand, (concerns.c.risk == risk) & concerns.c.pathway.in_(pathways), by, now)


def read_by_strand(strand: Engine, number: int, by: str, now: datetime) -> Row[Any] | None:
    """One concern by its number, for a worker of the strand; None where there is none."""
    return _read(strand, concerns.c.number == number, by, now)


def _read(strand: Engine, which: ColumnElement[bool], by: str, now: datetime) -> Row[Any] | None:
    """It is shown once it is written down who read it: where that fails, nothing is."""
    with writing(strand) as connection:
        row = connection.execute(select(concerns).where(which)).first()
        if row:
            connection.execute(reads.insert().values(concern=row.number, read_by=by, read_at=now))
    return row


def readings(connection: Connection, number: int) -> list[dict[str, Any]]:
    """Who read a concern, and when."""
    query = select(reads.c.read_by, reads.c.read_at).where(reads.c.concern == number).order_by(reads.c.number)
    return [{"read by": row.read_by, "on": row.read_at} for row in connection.execute(query)]


def listed(connection: Connection) -> list[dict[str, Any]]:
    """All concerns, the latest first, without their words."""
    readers: dict[int, list[str]] = {}
    for row in connection.execute(select(reads.c.concern, reads.c.read_by).order_by(reads.c.number)):
        readers.setdefault(row.concern, []).append(row.read_by)
    columns = [column for column in concerns.c if column.name != "body"]
    return [
        {
            "number": row.number, "pathway": row.pathway, "risk": row.risk, "about": row.about, "by": row.recorded_by,
            "recorded": row.recorded_at, "read by": " ".join(dict.fromkeys(readers.get(row.number, ()))),
        }
        for row in connection.execute(select(*columns).order_by(concerns.c.number.desc()))
    ]  # fmt: skip
