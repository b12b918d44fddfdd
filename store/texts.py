"""What providers write freely: screened before anything is stored, held for a person of the strand, taken back (SR-11).

What is known of survivors is only ever read here. Nothing that is said to the other side tells why a text is held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, select, update

from models.details import Details
from models.facts.referral import ReferralSent
from models.restricted import HeldText
from models.screen import found_in
from models.tables import FactRow, Party, PathwayRow, ProviderText
from store.database import insert_new, is_sqlite, reading, writing
from store.strand import followed, survivors

texts = ProviderText.__table__
held = HeldText.__table__
SURVIVOR = "details of a survivor"
LONGEST = 50_000


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
        _may_write(connection, pathway, by, body)
    found = screened(main, strand, pathway, body)
    row = {"pathway": pathway, "recorded_by": by, "recorded_at": now, "body": body}
    if found:
        with writing(strand) as connection:
            return Taken(_once(connection, held, held.c.number, row | {"found": said(found), "state": "held"}), True)
    with writing(main) as connection:
        return Taken(_once(connection, texts, texts.c.id, row), False)


def _may_write(connection: Connection, pathway: str, by: str, body: str) -> None:
    programme = connection.execute(select(PathwayRow.programme).where(PathwayRow.reference == pathway)).scalar()
    if programme is None:
        raise NotKnown(f"There is no pathway {pathway}.")
    if programme != "DVPP":
        raise NotTaken(f"{pathway} is not a DVPP; no texts are kept under it.")
    query = select(FactRow.payload).where(FactRow.subject == pathway, FactRow.kind == ReferralSent.kind)
    if by not in {payload.get("provider") for payload in connection.execute(query).scalars()}:
        raise NotTaken(f"{by} was not sent the referral {pathway}.")
    if not body.strip() or len(body) > LONGEST or "\0" in body:
        raise NotTaken(f"A text has from 1 to {LONGEST:,} characters, and no control characters.")


def _once(connection: Connection, table: Any, number: Any, row: dict[str, Any]) -> int:
    """The number of a text; of the one before, where the same was given in already and still stands."""
    same = [table.c[name] == row[name] for name in row if name != "recorded_at"]
    before = connection.execute(select(number).where(*same)).scalar()
    return before or connection.execute(table.insert().values(row).returning(number)).scalar_one()


# Screening ------------------------------------------------------------------------------------------------------------


def screened(main: Engine, strand: Engine, pathway: str, body: str) -> set[str]:
    """What speaks against a text about a man's pathway. Raises what the database raises, where it cannot be asked."""
    found = found_in(body)
    with reading(main) as here, reading(strand) as there:
        return found | {SURVIVOR} if _Known(there).said_in(body, here, pathway) else found


class _Known:
    """All that is known of survivors at one moment."""

    def __init__(self, there: Connection) -> None:
        query = select(survivors, followed.c.man).join(followed, followed.c.reference == survivors.c.pathway)
        self._of_man = {row.man: row for row in there.execute(query)}
        self._far = Details()
        for row in self._of_man.values():
            _add(self._far, row, near=False)
        self._near: dict[str, Details] = {}

    def said_in(self, body: str, here: Connection, pathway: str) -> bool:
        """Whether a text about a man's pathway says anything of his survivor, or the whole of what is another's."""
        if pathway not in self._near:
            self._near[pathway] = self._around(here, pathway)
        return self._near[pathway].said_in(body) or self._far.said_in(body)

    def _around(self, here: Connection, pathway: str) -> Details:
        """His survivor, and the other parties of his case, one of whom she may well be."""
        details = Details()
        if pathway in self._of_man:
            _add(details, self._of_man[pathway], near=True)
        me = select(PathwayRow.case, PathwayRow.party).where(PathwayRow.reference == pathway).subquery()
        query = select(Party.name, Party.address, Party.phone, Party.email)
        for row in here.execute(query.where(Party.case == me.c.case, Party.reference != me.c.party)):
            details.add(row.name, [row.address], [row.phone, row.email], near=True)
        return details


def _add(details: Details, row: Any, *, near: bool) -> None:
    details.add(row.name, [row.address, row.workplace, row.school], [row.phone, row.email], near=near)
    if near:
        details.add(row.safe_times, [], [], near=False)  # as a whole: a day of the week by itself is everybody's


def said(found: set[str]) -> str:
    return ", ".join(sorted(found))


def forbidden(strand: Engine) -> frozenset[str]:
    """All that is personal of survivors, which the strand's own mail does not carry either (SR-12)."""
    columns = [column for column in survivors.c if column.name not in ("pathway", "safe_times")]
    with reading(strand) as connection:
        return frozenset(value for row in connection.execute(select(*columns)) for value in row if value)


def take_back(main: Engine, strand: Engine, now: datetime) -> int:
    """Take back every text that says what is known of a survivor by now. Returns how many.

    It is held first and then deleted, so that it is never nowhere. Whoever is interrupted between does it again.
    """
    with reading(main) as here, reading(strand) as there:
        known = _Known(there)
        back = [row for row in here.execute(select(texts)).all() if known.said_in(row.body, here, row.pathway)]
    if not back:
        return 0
    with writing(strand) as connection:
        insert_new(connection, held, [_taken_back(row) for row in back])
    _erase(main, [row.id for row in back])
    return len(back)


def _taken_back(row: Any) -> dict[str, Any]:
    same = {name: getattr(row, name) for name in ("pathway", "recorded_by", "recorded_at", "body")}
    return same | {"found": SURVIVOR, "state": "held", "taken_back": row.id}


def _erase(main: Engine, numbers: Sequence[int]) -> None:
    """Delete texts and, in SQLite's files, what is left of them on the disk."""
    with writing(main) as connection:
        if is_sqlite(connection):
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
        connection.execute(delete(texts).where(texts.c.id.in_(numbers)))
    if main.dialect.name == "sqlite":
        with main.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# What a person of the strand decides ----------------------------------------------------------------------------------


def release(
    main: Engine, strand: Engine, number: int, by: str, now: datetime, *, corrected: str | None, as_it_is: bool
) -> None:
    """Let a held text, or a corrected one in its place, pass. Raises Unsafe; a survivor's details never pass."""
    with reading(strand) as connection:
        row = _still_held(connection, number)
    body = row.body if corrected is None else corrected
    found = screened(main, strand, row.pathway, body)
    if SURVIVOR in found:
        raise Unsafe("SR-11: it holds what must not be said on the other side. Give a corrected text (--text).")
    if found and not as_it_is:
        raise Unsafe(f"SR-11: it holds {said(found)}. Give a corrected text (--text), or release it --as-it-is.")
    with writing(strand) as connection:
        _decide(connection, number, "released", by, now)
        text = {"pathway": row.pathway, "recorded_by": row.recorded_by, "recorded_at": now, "body": body}
        with writing(main) as other:
            insert_new(other, texts, [text | {"held": number}])


def refuse(strand: Engine, number: int, by: str, now: datetime) -> None:
    """Let a held text never pass. It stays where it is."""
    with writing(strand) as connection:
        _decide(connection, number, "refused", by, now)


def _still_held(connection: Connection, number: int) -> Any:
    row = connection.execute(select(held).where(held.c.number == number, held.c.state == "held")).first()
    if row is None:
        raise NotKnown(f"No text is held under the number {number}.")
    return row


def _decide(connection: Connection, number: int, state: str, by: str, now: datetime) -> None:
    """Decided once: whoever comes second finds nothing held."""
    query = update(held).where(held.c.number == number, held.c.state == "held")
    if not connection.execute(query.values(state=state, decided_by=by, decided_at=now)).rowcount:
        raise NotKnown(f"No text is held under the number {number}.")


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
