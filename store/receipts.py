"""Answers sent in at once: all of them become facts or none does, under one receipt; and who may correct which."""

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Row, select
from sqlalchemy.exc import IntegrityError

from models.facts import Fact
from models.tables import FactRow, NoticeRow, PathwayRow, Receipt
from models.working_days import LONDON, add_working_days, london_date
from settings import Settings
from store.database import in_batches, reading
from store.links import LEAD, PROVIDER, Holder
from store.pathways import as_fact, fact_rows
from store.record import Outcome, Recorded, Reported, record_together

facts = FactRow.__table__
pathways = PathwayRow.__table__
receipts = Receipt.__table__
REFERENCE = re.compile("RC-[0-9A-F]{8}")


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
            "fields": {"receipt": receipt, "fact": line["fact"], "number": line["number"], "result": _in_a_word(line)}
            | _which(line["said"]),
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


def _which(said: dict[str, Any]) -> dict[str, Any]:
    """Which session, and when it is; or which week."""
    found = {"session": said.get("session"), "week": said.get("week")}
    found |= {"starts": said.get("starts_at"), "ends": said.get("ends_at")}
    return {name: value for name, value in found.items() if value is not None}


def _of(holder: Holder) -> Any:
    """The receipts of this provider or practitioner, and of nobody else of the same code."""
    theirs = receipts.c.role.in_((PROVIDER, LEAD))
    return (receipts.c.code == holder.code) & (~theirs if holder.is_staff else theirs)


def receipt(connection: Connection, holder: Holder, reference: str) -> Row[Any] | None:
    """A receipt of this provider or practitioner; None for anybody else's."""
    return connection.execute(select(receipts).where(receipts.c.reference == reference, _of(holder))).first()


MOST_RECENT = 50


def recent(connection: Connection, holder: Holder, today: date, settings: Settings) -> list[Row[Any]]:
    """The receipts of the last days, the latest first: while what they hold may be corrected, and some days more."""
    days = settings.site.correction_days + settings.site.receipt_days
    since = datetime.combine(add_working_days(today, -days), time(), LONDON).astimezone(UTC)
    query = select(receipts).where(_of(holder), receipts.c.given_at >= since)
    return list(connection.execute(query.order_by(receipts.c.given_at.desc()).limit(MOST_RECENT)))


# Corrections --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mine:
    """A fact that somebody recorded, whether they may still correct it themselves, and what stands in its place."""

    fact: Fact
    pathway: str
    until: date | None
    """The last day on which they correct it themselves, where there is one."""
    may_correct: bool
    corrected_by: int | None
    """The number of the fact that stands in its place by now."""


def recorded_by(
    connection: Connection, holder: Holder, numbers: Collection[int], today: date, settings: Settings
) -> dict[int, Mine]:
    """Those of some facts that this provider or practitioner recorded about a pathway, by their numbers.

    A provider corrects one once, and until some working days after its recording; staff as on the command line.
    """
    found = {}
    for some in in_batches(sorted(set(numbers))):
        query = select(facts.c.supersedes, facts.c.id).where(facts.c.supersedes.in_(some))
        later = dict(connection.execute(query).all())
        query = fact_rows.join(pathways, pathways.c.reference == facts.c.subject)
        for row in connection.execute(query.where(facts.c.id.in_(some), facts.c.recorded_by == holder.code)):
            found[row.id] = _mine(row, holder, later.get(row.id), today, settings)
    return found


def _mine(row: Row[Any], holder: Holder, corrected_by: int | None, today: date, settings: Settings) -> Mine:
    until = None if holder.is_staff else add_working_days(london_date(row.recorded_at), settings.site.correction_days)
    may = holder.is_staff or (row.supersedes is None and today <= until)
    return Mine(as_fact(row, row.id), row.subject, until, may and corrected_by is None, corrected_by)
