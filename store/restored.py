"""After a backup was brought back: nothing is sent, and what would go out is compared with what went out before.

The outbox of a backup believes that nothing was sent since. Files beside the database know better (`store.sent`). What
they show to have gone counts as sent; the rest is listed, and goes when somebody says so. What was told of facts that
are in no database any more is listed too, so that people know whom to ask.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, exists, select, update

from models.tables import MessageRow, NoticeRow, Restored
from notifications.wording import wording
from store import audit
from store.database import change, in_batches, insert_new, reading, writing
from store.sent import Sent, mark, read

restored = Restored.__table__
messages = MessageRow.__table__
notices = NoticeRow.__table__

BEFORE = timedelta(days=1)
"""How much earlier than the moment given the files are read: clocks differ, and a backup takes its time."""
ALREADY, IN_PART, ALIKE, UNKNOWN = "went already", "in part went already", "the like went", "not known to have gone"
HELD_BACK = "sent before the restore"
nothing_held = ~exists(select(restored.c.as_of))
"""For `outbox.claim`: there is nothing to send while somebody has still to look."""


class NotRestored(Exception):
    """No mail is held back. After a backup was brought back, say of when it is: --at "2026-02-03 18:00"."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@dataclass(frozen=True)
class Going:
    """A message that goes when it is released, or a notice that would go in the next one."""

    message: int | None
    notices: Sequence[int]
    to: str
    channel: str | None
    about: str
    says: str
    before: str
    """Whether it went before."""
    at: datetime | None
    """When it, or the like, went."""
    failed: bool = False
    """Whether it goes only when somebody resends it."""


def hold(engine: Engine, as_of: datetime, now: datetime, by: str) -> None:
    """Send nothing from this database, which is as it was at that moment, until it is released."""
    with writing(engine) as connection:
        insert_new(connection, restored, [{"as_of": as_of}])
        audit.note(connection, now, by, "held all mail back", "DATABASE")


def held_as_of(engine: Engine) -> datetime | None:
    """How the database stood when it was backed up, where mail is held back for it; None where none is."""
    with reading(engine) as connection:
        return connection.execute(select(restored.c.as_of).order_by(restored.c.as_of).limit(1)).scalar()


def release(
    engine: Engine, listed: Collection[Going], never: Collection[int], now: datetime, by: str
) -> tuple[int, int, int]:
    """Let mail go again: all but what went already, and but the messages that `never` says went too.

    Returns how many are kept from going twice, how many go, and how many had failed and go when they are resent.
    """
    gone = [one for one in listed if one.before == ALREADY or one.message in never]
    with writing(engine) as connection:
        _as_sent(connection, {one.message: one.at or now for one in gone if one.message}, now, by)
        _withhold(connection, [number for one in gone if not one.message for number in one.notices])
        connection.execute(delete(restored))
        audit.note(connection, now, by, "let mail go again", "DATABASE")
    failed = sum(one.failed for one in listed) - sum(one.failed for one in gone)
    return len(gone), len(listed) - len(gone) - failed, failed


def _as_sent(connection: Connection, went: dict[int, datetime], now: datetime, by: str) -> None:
    if went:
        rows = [{"id": number, "sent_at": at} for number, at in went.items()]
        change(connection, messages, rows, where=messages.c.state != "sent", state="sent", error=HELD_BACK)
        for some in in_batches(list(went)):
            audit.note_messages(connection, now, some, by, HELD_BACK)


def _withhold(connection: Connection, numbers: Sequence[int]) -> None:
    for some in in_batches(numbers):
        query = update(notices).where(notices.c.id.in_(some), notices.c.bundle.is_(None))
        connection.execute(query.values(withheld=HELD_BACK))


# What went before -----------------------------------------------------------------------------------------------------


class Before:
    """What went out since shortly before the backup, by the files of all machines that send."""

    def __init__(self, files: Sequence[Path], as_of: datetime) -> None:
        self.all: list[Sent] = list(read(files, as_of - BEFORE))
        self.since = any(one.at > as_of for one in self.all)
        """Whether they know of anything since; if not, the right files may not have been given."""
        self._exactly = {(one.channel, one.mark): one.at for one in self.all}
        self._told = {one.mark: one.at for one in self.all}
        self._alike = {(one.role, one.code, one.pathway, one.wording): one.at for one in self.all}

    def of(self, carried: Sequence[Row[Any]], channel: str | None) -> tuple[str, datetime | None]:
        """Whether notices went before on a channel, or on any where they are in no message yet; and when.

        What is urgent counts as the like of what went: a new risk may have the number of one that was lost, and is
        rather told twice than never.
        """
        went = [at for at in (self._when(notice, channel) for notice in carried) if at]
        if went and not any(_urgent(notice) for notice in carried):
            return (ALREADY if len(went) == len(carried) else IN_PART), max(went)
        likes = [self._alike.get((n.to_role, n.to_code, n.pathway, n.wording)) for n in carried]
        like = max((at for at in likes if at), default=None)
        return (ALIKE if like else UNKNOWN), like

    def _when(self, notice: Row[Any], channel: str | None) -> datetime | None:
        return self._exactly.get((channel, mark(notice))) if channel else self._told.get(mark(notice))


def _urgent(notice: Row[Any]) -> bool:
    with suppress(KeyError):  # of another version
        return wording(notice.wording).urgent
    return False


def going(engine: Engine, before: Before) -> list[Going]:
    """What would go out if it were released now: messages that are not sent, then notices in no message yet."""
    with reading(engine) as connection:
        query = select(messages).where(messages.c.state.in_(("waiting", "sending", "failed")))
        rows = connection.execute(query.order_by(messages.c.id)).all()
        carried = _carried(connection, {row.bundle for row in rows})
        loose = connection.execute(_loose).all()
    found = [
        replace(_going(row.id, row.channel, carried[row.bundle], before), failed=row.state == "failed")
        for row in rows
        if row.bundle in carried
    ]
    return [*found, *(_going(None, None, [notice], before) for notice in loose)]


_loose = select(notices).where(notices.c.bundle.is_(None), notices.c.withheld.is_(None)).order_by(notices.c.id)


def _carried(connection: Connection, bundles: Collection[str]) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for some in in_batches(sorted(bundles)):
        query = select(notices).where(notices.c.bundle.in_(some), notices.c.withheld.is_(None))
        for notice in connection.execute(query.order_by(notices.c.id)):
            found[notice.bundle].append(notice)
    return found


def _going(message: int | None, channel: str | None, carried: Sequence[Row[Any]], before: Before) -> Going:
    about = ", ".join(dict.fromkeys(notice.pathway for notice in carried))
    says = ", ".join(dict.fromkeys(notice.wording for notice in carried))
    to = f"{carried[0].to_role.replace('_', ' ')} {carried[0].to_code}"
    return Going(message, [notice.id for notice in carried], to, channel, about, says, *before.of(carried, channel))


def unfounded(engine: Engine, before: Before) -> list[Sent]:
    """What people were told since that nothing in the database says: its cause is lost, or still to be made.

    A round makes anew what the day itself makes due; what is left then came from facts that nobody has any more.
    """
    known: set[str] = set()
    with reading(engine) as connection:
        for some in in_batches(sorted({one.pathway for one in before.all})):
            known |= {mark(notice) for notice in connection.execute(select(notices).where(notices.c.pathway.in_(some)))}
    return sorted((one for one in before.all if one.mark not in known), key=lambda one: (one.at, one.pathway))
