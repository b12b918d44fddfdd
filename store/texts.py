"""What providers write freely: screened before anything is stored, held for a person of the strand, taken back (SR-11).

What is known of survivors is only ever read here. Nothing that is said to the other side tells why a text is held.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, select, update

from models.facts.referral import ReferralSent
from models.restricted import HeldText, Screened
from models.screen import found_in
from models.tables import PathwayRow, ProviderText
from store.audit import note
from store.database import insert_new, reading, wiped, writing
from store.known import Known
from store.open import keep
from store.pathways import record_of
from store.strand import alone

texts = ProviderText.__table__
held = HeldText.__table__
screens = Screened.__table__
SURVIVOR = "details of a survivor"
UNKNOWN = "nothing is known of the survivor yet"
OTHERS = "another text about the same pathway is held"
LONGEST = 5_000


class NotTaken(Exception):
    """{why}"""


class NotKnown(NotTaken):
    """There is no such pathway or number."""


class Unsafe(NotTaken):
    """It must not pass (SR-11)."""


@dataclass(frozen=True)
class Taken:
    """What became of a text: kept under a number, or held under one."""

    number: int
    held: bool


def add(main: Engine, strand: Engine, pathway: str, by: str, body: str, now: datetime) -> Taken:
    """Take a provider's text: kept where nothing speaks against it, else held in the strand only. Raises NotTaken."""
    with reading(main) as connection:
        _may_write(connection, pathway, by)
    _fits(body)
    row = {"pathway": pathway, "recorded_by": by, "recorded_at": now, "body": body}
    with alone(strand) as there:
        found = _screened(main, there, pathway, body) or _others_held(there, pathway)
        if found:
            also = {"found": said(found), "state": "held", "left_behind": False}
            return Taken(_once(there, held, held.c.number, row, also), True)
        with writing(main) as here:
            return Taken(_once(here, texts, texts.c.id, row, {}), False)


def _may_write(connection: Connection, pathway: str, by: str) -> None:
    programme = connection.execute(select(PathwayRow.programme).where(PathwayRow.reference == pathway)).scalar()
    if programme is None:
        raise NotKnown(f"There is no pathway {pathway}.")
    if programme != "DVPP":
        raise NotTaken(f"{pathway} is not a DVPP; no texts are kept under it.")
    live = record_of(connection, {pathway})[pathway].live
    if by not in {fact.provider for fact in live if isinstance(fact, ReferralSent)}:
        raise NotTaken(f"{by} was not sent the referral {pathway}.")


def _fits(body: str) -> None:
    if not body.strip() or len(body) > LONGEST or "\0" in body:
        raise NotTaken(f"A text has from 1 to {LONGEST:,} characters, and no control characters.")


def _once(connection: Connection, table: Any, number: Any, row: dict[str, Any], also: dict[str, Any]) -> int:
    """The number of a text; of the one before, where the same was given in already and still stands."""
    told_apart_by = (row | also).keys() - {"recorded_at", "found", "left_behind", "body"}
    alike = select(number, table.c.body).filter_by(**{name: (row | also)[name] for name in told_apart_by})
    before = next((one for one, body in connection.execute(alike) if body == row["body"]), None)
    return before or connection.execute(table.insert().values(row | also).returning(number)).scalar_one()


# Screening ------------------------------------------------------------------------------------------------------------


def _screened(main: Engine, there: Connection, pathway: str, body: str) -> set[str]:
    """What speaks against a text about a man's pathway. Raises what the database raises, where it cannot be asked."""
    found = found_in(body)
    with reading(main) as here:
        known = Known(here, there)
        if known.said_in(body, pathway):
            found |= {SURVIVOR}
        return found if known.names(pathway) else found | {UNKNOWN}


def _others_held(there: Connection, pathway: str) -> set[str]:
    """One who guesses and is held learns nothing from what he writes next."""
    query = select(held.c.number).where(held.c.pathway == pathway, held.c.state == "held")
    return {OTHERS} if there.execute(query.limit(1)).first() else set()


def said(found: set[str]) -> str:
    return ", ".join(sorted(found))


def take_back(main: Engine, strand: Engine, now: datetime) -> int:
    """Take back every text that says what is known of a survivor by now. Returns how many.

    It is held first and then deleted, so that it is never nowhere. Whoever is interrupted between does it again.
    """
    back = []
    with alone(strand) as there, reading(main) as here:
        known = Known(here, there)
        before = {row.pathway: row for row in there.execute(select(screens))}
        for pathway, last in here.execute(select(texts.c.pathway, func.max(texts.c.id)).group_by(texts.c.pathway)):
            mark = known.fingerprint(pathway)
            if before.get(pathway) != (pathway, mark, last):
                rows = here.execute(select(texts).where(texts.c.pathway == pathway))
                back += [row for row in rows if known.said_in(row.body, pathway)]
                keep(there, screens, [{"pathway": pathway, "known": mark, "upto": last}])
        insert_new(there, held, [_taken_back(row) for row in back])
    erase(main, strand)
    return len(back)


def _taken_back(row: Any) -> dict[str, Any]:
    same = {name: getattr(row, name) for name in ("pathway", "recorded_by", "recorded_at", "body")}
    return same | {"found": SURVIVOR, "state": "held", "taken_back": row.id, "left_behind": True}


def erase(main: Engine, strand: Engine) -> None:
    """Delete what must not be on the other side and, in SQLite's files, what is left of it; again until it is gone."""
    with reading(strand) as there:
        rows = there.execute(select(held.c.number, held.c.taken_back, held.c.state).where(held.c.left_behind)).all()
    if not rows:
        return
    with writing(main) as here:
        here.execute(delete(texts).where(texts.c.id.in_([row.taken_back for row in rows if row.taken_back])))
        here.execute(delete(texts).where(texts.c.held.in_([row.number for row in rows if row.state == "refused"])))
    if wiped(main):
        with writing(strand) as there:
            there.execute(update(held).where(held.c.number.in_([r.number for r in rows])).values(left_behind=False))


# What a person of the strand decides ----------------------------------------------------------------------------------


def release(
    main: Engine, strand: Engine, number: int, by: str, now: datetime, *, corrected: str | None, as_it_is: bool
) -> None:
    """Let a held text, or a corrected one in its place, pass. Raises Unsafe; a survivor's details never pass."""
    if corrected is not None:
        _fits(corrected)
    with alone(strand) as there:
        row = _still_held(there, number)
        body = row.body if corrected is None else corrected
        found = _screened(main, there, row.pathway, body)
        if SURVIVOR in found:
            raise Unsafe("SR-11: it holds what must not be said on the other side. Give a corrected text (--text).")
        if found and not as_it_is:
            raise Unsafe(f"SR-11: {said(found)}. Give a corrected text (--text), or release it --as-it-is.")
        _decide(there, number, "released", by, now)
        text = {"pathway": row.pathway, "recorded_by": row.recorded_by, "recorded_at": now, "body": body}
        with writing(main) as here:
            here.execute(delete(texts).where(texts.c.held == number))  # of one who was interrupted
            here.execute(texts.insert().values(text | {"held": number}))


def refuse(main: Engine, strand: Engine, number: int, by: str, now: datetime) -> None:
    """Let a held text never pass: what somebody who was interrupted has let pass of it is deleted too."""
    with alone(strand) as there:
        _decide(there, number, "refused", by, now)
        there.execute(update(held).where(held.c.number == number).values(left_behind=True))
    erase(main, strand)


def _still_held(connection: Connection, number: int) -> Any:
    row = connection.execute(select(held).where(held.c.number == number, held.c.state == "held")).first()
    if row is None:
        raise NotKnown(f"No text is held under the number {number}.")
    return row


def _decide(connection: Connection, number: int, state: str, by: str, now: datetime) -> None:
    """Decided once: whoever comes second finds nothing held."""
    query = update(held).where(held.c.number == number, held.c.state == "held").returning(held.c.pathway)
    about = connection.execute(query.values(state=state, decided_by=by, decided_at=now)).scalar()
    if about is None:
        raise NotKnown(f"No text is held under the number {number}.")
    note(connection, now, by, f"{state} text {number}", about)


# What there is to see -------------------------------------------------------------------------------------------------


def listed(connection: Connection, pathway: str) -> list[dict[str, Any]]:
    """The texts kept about a pathway."""
    query = select(texts.c.id, texts.c.recorded_by, texts.c.recorded_at, texts.c.body)
    rows = connection.execute(query.where(texts.c.pathway == pathway).order_by(texts.c.id))
    return [{"text": row.id, "by": row.recorded_by, "recorded": row.recorded_at, "says": row.body} for row in rows]


def waiting(connection: Connection) -> list[dict[str, Any]]:
    """The texts that wait for somebody to look at them."""
    rows = connection.execute(select(held).where(held.c.state == "held").order_by(held.c.number))
    return [
        {
            "number": row.number,
            "pathway": row.pathway,
            "by": row.recorded_by,
            "recorded": row.recorded_at,
            "held for": row.found,
            "says": row.body,
        }
        for row in rows
    ]
