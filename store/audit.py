"""The audit trail: who recorded, saw, sent and released what. Noted here, and sealed by `store.seal`.

To record a fact costs nothing here: facts say already who recorded what, and when. What leaves no such row of its own
is noted in the transaction in which it is done.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import Connection, Engine, insert, literal, or_, select

from models.tables import AuditEntry, MessageRow, NoticeRow
from models.working_days import LONDON
from store.database import reading, writing

audit = AuditEntry.__table__
messages = MessageRow.__table__
notices = NoticeRow.__table__
SYSTEM = "PATHWAYS"
"""Who did what nobody in particular did."""
MESSAGE, KEY = "message", "key"
"""What entries stand for, besides rows of logs."""
OVER = ("sent", "failed", "withheld")
"""The states in which nothing more happens to a message by itself."""


# Noting ---------------------------------------------------------------------------------------------------------------


def note(connection: Connection, now: datetime, who: str, did: str, about: str) -> None:
    """Note what somebody did, in the transaction in which they do it; it is sealed with the next sweep.

    Codes and references only: what is noted stays for ever, and whoever reads the trail reads it.
    """
    connection.execute(insert(audit), {"at": now, "who": who, "did": did, "about": about})


def note_messages(
    connection: Connection, now: datetime, numbers: Sequence[int], who: str = SYSTEM, did: str | None = None
) -> None:
    """Note what became of messages that nothing more happens to; or, of all of these, what somebody `did` to them."""
    ended = messages.c.state.in_(OVER) if did is None else literal(True)
    said = messages.c.state if did is None else literal(did)
    row = select(
        literal(now, audit.c.at.type), literal(who), said, messages.c.to_code, literal(MESSAGE), messages.c.id
    ).where(messages.c.id.in_(numbers), ended)
    connection.execute(insert(audit).from_select(["at", "who", "did", "about", "kind", "row_id"], row))


def saw(engine: Engine, now: datetime, who: str, about: str) -> None:
    """Note that somebody was shown what is known of something, once a day. If it cannot be noted, nothing is shown."""
    today = datetime.combine(now.astimezone(LONDON).date(), time(), LONDON).astimezone(UTC)
    same = (audit.c.about == about, audit.c.who == who, audit.c.did == "saw", audit.c.at >= today)
    with reading(engine) as connection:
        if connection.execute(select(audit.c.id).where(*same).limit(1)).first():
            return
    with writing(engine) as connection:
        note(connection, now, who, "saw", about)


# What there is to see -------------------------------------------------------------------------------------------------


def listed(
    connection: Connection, about: str | None = None, by: str | None = None, limit: int = 200
) -> list[dict[str, Any]]:
    """What was done, the latest first. About a pathway, the messages that told of it are there too."""
    query = select(audit).order_by(audit.c.number.desc().nulls_first(), audit.c.id.desc()).limit(limit)
    if about:
        spelled = (about, about.upper())
        told = select(messages.c.id).join(notices, notices.c.bundle == messages.c.bundle)
        of_messages = (audit.c.kind == MESSAGE) & audit.c.row_id.in_(told.where(notices.c.pathway.in_(spelled)))
        query = query.where(or_(audit.c.about.in_(spelled), of_messages))
    if by:
        query = query.where(audit.c.who.in_((by, by.upper())))
    return [
        {
            "entry": row.number, "at": row.at, "who": row.who, "did": row.did, "about": row.about,
            "row": f"{row.kind} {row.row_id}" if row.row_id else None,
        }
        for row in connection.execute(query)
    ]  # fmt: skip
