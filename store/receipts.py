"""Answers sent in at once: all of them become facts or none does, under one receipt; and who may correct which."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Row, select
from sqlalchemy.exc import IntegrityError

from models.facts import Fact
from models.facts.base import KINDS
from models.tables import FactRow, NoticeRow, PathwayRow, Receipt
from models.working_days import add_working_days, london_date
from settings import Settings
from store.database import reading
from store.links import LEAD, PROVIDER, Holder
from store.record import Outcome, Recorded, Reported, record_together

facts = FactRow.__table__
pathways = PathwayRow.__table__
receipts = Receipt.__table__


@dataclass(frozen=True)
class Sent:
    """What became of answers sent in at once: a receipt, or nothing recorded and why."""

    receipt: str | None
    refused: Sequence[Outcome] = ()
    touched: frozenset[tuple[str, str]] = frozenset()


def new_submission() -> str:
    return secrets.token_urlsafe(12)


def send_in(
    engine: Engine, holder: Holder, reported: Sequence[Reported], submission: str, now: datetime, settings: Settings, *,
    keep: Literal["all", "sound"] = "all",
) -> Sent:  # fmt: skip
    """Record answers and write their receipt with them; the same form sent twice is one receipt.

    All of them are recorded or none; or what is "sound", where one does not hang on the others.
    """
    reference = f"RC-{secrets.token_hex(4).upper()}"
    mark = _mark(submission or new_submission(), holder)

    def along(connection: Connection, done: Recorded) -> None:
        lines = [_line(outcome) for outcome in done.outcomes if outcome.result != "refused"]
        if lines:
            row = {"reference": reference, "submission": mark, "role": holder.role, "code": holder.code}
            connection.execute(receipts.insert(), row | {"given_at": now, "lines": lines})
            _tell(connection, holder, reference, lines, now)

    try:
        done = record_together(engine, reported, now, settings, keep=keep, along=along)
    except IntegrityError:
        with reading(engine) as connection:  # the same form came in twice at one moment
            if before := receipt_of(connection, submission, holder):
                return Sent(before)
        raise
    refused = [outcome for outcome in done.outcomes if outcome.result == "refused"]
    if len(refused) == len(done.outcomes) or (refused and keep == "all"):
        return Sent(None, refused)
    return Sent(reference, refused, frozenset(done.touched))


def receipt_of(connection: Connection, submission: str, holder: Holder) -> str | None:
    """The receipt of a form that came in already."""
    query = select(receipts.c.reference).where(receipts.c.submission == _mark(submission, holder))
    return connection.execute(query).scalar()


def _mark(submission: str, holder: Holder) -> str:
    """A digest: what comes back in a form may hold anything by then, and nobody's words are stored with a receipt."""
    return hashlib.sha256(f"{holder.code}|{submission}".encode(errors="replace")).hexdigest()


def _line(outcome: Outcome) -> dict[str, Any]:
    fact = outcome.reported.fact
    said = {name: value for name, value in fact.payload.items() if name not in ("provider", "signed_by")}
    return {
        "pathway": outcome.reported.subject,
        "fact": fact.kind,
        "label": fact.label,
        "on": fact.happened_on.isoformat(),
        "number": outcome.fact_id,
        "result": outcome.result,
        "said": said,
    }


def _tell(connection: Connection, holder: Holder, receipt: str, lines: Sequence[dict[str, Any]], now: datetime) -> None:
    """Providers get their receipt by mail too; staff see it on the page."""
    if holder.is_staff:
        return
    rows = [
        {
            "pathway": line["pathway"],
            "to_role": holder.role,
            "to_code": holder.code,
            "wording": "receipt",
            "occasion": f"receipt:{receipt}:{line['number']}",
            "fields": {"receipt": receipt, "fact": line["fact"], "number": line["number"], "result": _in_a_word(line)},
            "created_at": now,
            "withheld": None,
        }
        for line in lines
    ]
    connection.execute(NoticeRow.__table__.insert(), rows)


def _in_a_word(line: dict[str, Any]) -> str:
    """What a line of a receipt says in a word of ours: attended, or recorded where there is no such word."""
    for name in ("result", "decision", "outcome", "progress", "reason", "step", "cancelled_by"):
        if isinstance(word := line["said"].get(name), str):
            return word
    return "recorded" if line["result"] == "recorded" else "known_already"


def receipt(connection: Connection, holder: Holder, reference: str) -> Row[Any] | None:
    """A receipt of this provider or practitioner; None for anybody else's."""
    query = select(receipts).where(receipts.c.reference == reference, receipts.c.code == holder.code)
    row = connection.execute(query).first()
    same_side = row is not None and (row.role in (PROVIDER, LEAD)) != holder.is_staff
    return row if same_side else None


# Corrections --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mine:
    """A fact that somebody recorded, and whether they may still correct it themselves."""

    fact: Fact
    pathway: str
    may_correct: bool


def recorded_by(connection: Connection, holder: Holder, number: int, today: date, settings: Settings) -> Mine | None:
    """A fact this provider or practitioner recorded and that still stands; None for any other.

    A provider corrects it once, and until some working days after its recording; staff as on the command line.
    """
    later = select(facts.c.id).where(facts.c.supersedes == number)
    row = connection.execute(select(facts).where(facts.c.id == number)).first()
    if row is None or row.recorded_by != holder.code or connection.execute(later).first():
        return None
    if connection.execute(select(pathways.c.reference).where(pathways.c.reference == row.subject)).first() is None:
        return None
    common = {name: getattr(row, name) for name in ("id", "happened_on", "recorded_at", "told_already")}
    fact = KINDS[row.kind].model_validate({**row.payload, **common, "recorded_by": row.recorded_by})
    until = add_working_days(london_date(row.recorded_at), settings.site.correction_days)
    return Mine(fact, row.subject, holder.is_staff or (row.supersedes is None and today <= until))
