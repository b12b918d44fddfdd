"""The outbox: notices become messages, messages are claimed a batch at a time, and what happened is written down.

A message is claimed by moving its next try into the future. Whoever dies in mid-send leaves it to be tried again after
that, with the same Message-ID: at worst it arrives twice. No lock is held while mail is sent.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Row, and_, func, select, tuple_, update

from models.tables import DutyRow, MessageRow, NoticeRow, Party, PathwayRow, Practitioner, Provider
from models.working_days import london_date
from notifications.hours import digest_day, may_send
from notifications.letters import Notice
from notifications.wording import wording
from settings import Settings
from store import audit, links, overtaken
from store.chase import late_fields
from store.database import change, claiming, in_batches, insert_returning, one_of, reading, writing
from store.restored import nothing_held
from store.sent import mark, shown

messages = MessageRow.__table__
notices = NoticeRow.__table__
duties = DutyRow.__table__

LATER = timedelta(hours=1)
"""After which a message that must wait is looked at again."""
ON_ITS_WAY = ("waiting", "sending")
RECIPIENTS = 50
"""For how many recipients notices are gathered in one transaction."""
_not_sent = messages.c.state != "sent"
held_up = and_(one_of(messages.c.state, *ON_ITS_WAY), messages.c.state == "waiting", messages.c.error.is_not(None))
"""Messages that wait after a try in vain."""
_waiting = and_(notices.c.bundle.is_(None), notices.c.withheld.is_(None))


@dataclass(frozen=True)
class Claimed:
    """A message to send now, with the notices it carries and where it goes."""

    row: Row[Any]
    address: str | None
    notices: Sequence[Notice]
    forbidden: frozenset[str]
    """What may not appear in it: names, addresses and numbers of the parties of its cases (SR-12)."""
    link: str
    """What a reference in it leads to, with {reference} in it."""


def gather(engine: Engine, now: datetime, settings: Settings) -> int:
    """Put waiting notices into messages: one each, or one digest a recipient and working day. Returns how many."""
    made, last = 0, ("", "")
    while True:
        with writing(engine) as connection:
            some = _recipients(connection, last)
            if not some:
                return made
            made += _gather_for(connection, some, now, settings)
        last = some[-1]


def _recipients(connection: Connection, after: tuple[str, str]) -> list[tuple[str, str]]:
    """The next few for whom something waits. All that waits for one of them is gathered in one go."""
    recipient = (notices.c.to_code, notices.c.to_role)
    query = select(*recipient).where(_waiting, tuple_(*recipient) > after).distinct()
    return [tuple(row) for row in connection.execute(query.order_by(*recipient).limit(RECIPIENTS))]


def _gather_for(
    connection: Connection, recipients: Sequence[tuple[str, str]], now: datetime, settings: Settings
) -> int:
    theirs = tuple_(notices.c.to_code, notices.c.to_role).in_(recipients)
    rows = connection.execute(select(notices).where(_waiting, theirs).order_by(notices.c.id)).all()
    people = select(Practitioner.code, Practitioner.telling).where(
        Practitioner.code.in_(code for code, _ in recipients)
    )
    telling = dict(connection.execute(people).all())
    day = digest_day(now, settings.sending)
    bundles: dict[_Bundle, dict[int, str]] = defaultdict(dict)
    for row in rows:
        if bundle := _bundle_of(row, telling, day):
            bundles[bundle][row.id] = shown(row) if bundle.occasion == "digest" else mark(row)
    return _make(connection, bundles, now, settings)


@dataclass(frozen=True)
class _Bundle:
    key: str
    role: str
    code: str
    occasion: str
    urgent: bool = False


def _bundle_of(row: Row[Any], telling: dict[str, str], day: date | None) -> _Bundle | None:
    """Which message carries a notice; None while it waits for the next day's digest to begin."""
    try:
        said = wording(row.wording)
    except KeyError:  # of another version; it fails by itself, where somebody sees it
        return _Bundle(f"notice:{row.id}", row.to_role, row.to_code, row.wording)
    if said.bundle == "digest" or (said.bundle == "preference" and telling.get(row.to_code) == "daily"):
        key = f"digest:{day}:{row.to_role}:{row.to_code}"
        return _Bundle(key, row.to_role, row.to_code, "digest") if day else None
    if said.bundle == "receipt":
        key = f"receipt:{row.fields['receipt']}:{row.to_role}:{row.to_code}"
        return _Bundle(key, row.to_role, row.to_code, row.wording)
    return _Bundle(f"notice:{row.id}", row.to_role, row.to_code, row.wording, said.urgent)


def _make(connection: Connection, bundles: dict[_Bundle, dict[int, str]], now: datetime, settings: Settings) -> int:
    """Write messages, one a channel. A digest made earlier today takes no more: what came later waits for the next."""
    rows = [
        _message(bundle, carried.values(), name, now, settings)
        for bundle, carried in bundles.items()
        for name, channel in settings.channels.items()
        if channel.serves(bundle.role, bundle.occasion)
    ]
    made = insert_returning(connection, messages, rows, messages.c.bundle)
    ours = set(made)
    links = [{"id": n, "bundle": b.key} for b, numbers in bundles.items() if b.key in ours for n in numbers]
    change(connection, notices, links)
    return len(made)


def _message(
    bundle: _Bundle, carried: Iterable[str], channel: str, now: datetime, settings: Settings
) -> dict[str, Any]:
    """A message, numbered by what it says: said again after a restore it is the same mail, and no other ever is."""
    which = [bundle.key] if bundle.occasion == "digest" else []  # there is one a recipient and day
    token = hashlib.sha256(":".join([channel, *which, *sorted(carried)]).encode()).hexdigest()[:24]
    return {
        "bundle": bundle.key,
        "channel": channel,
        "to_role": bundle.role,
        "to_code": bundle.code,
        "message_id": f"<{token}@{settings.mail_domain}>",
        "urgent": bundle.urgent,
        "state": "waiting",
        "created_at": now,
        "try_at": now,
        "attempts": 0,
    }


def claim(engine: Engine, now: datetime, settings: Settings) -> list[Claimed]:
    """Take a batch of messages to send, for a few minutes; others deliver others meanwhile."""
    while True:
        with writing(engine) as connection:
            mine = _mine(connection, now, settings)
            claimed = _carrying(connection, mine, now, settings) if mine else []
        if claimed or not mine:  # of a batch that events have overtaken nothing is left, but others may wait behind it
            return claimed


def _mine(connection: Connection, now: datetime, settings: Settings) -> list[int]:
    due = select(messages.c.id).where(one_of(messages.c.state, *ON_ITS_WAY), messages.c.try_at <= now, nothing_held)
    if not may_send(now, settings.sending):
        due = due.where(messages.c.urgent)
    due = due.order_by(messages.c.try_at).limit(settings.sending.batch)
    mine = list(connection.execute(claiming(connection, due, messages)).scalars())
    until = now + timedelta(minutes=settings.sending.claim_minutes)
    taken = {"state": "sending", "try_at": until, "attempts": messages.c.attempts + 1}
    connection.execute(update(messages).where(messages.c.id.in_(mine)).values(taken))
    return mine


def _carrying(connection: Connection, ids: Sequence[int], now: datetime, settings: Settings) -> list[Claimed]:
    rows = connection.execute(select(messages).where(messages.c.id.in_(ids)).order_by(messages.c.id)).all()
    carried = _still_to_say(connection, rows, now)
    rows = [row for row in rows if row.bundle in carried]
    for row in rows:
        if row.to_role == "provider" and row.bundle.startswith("digest:"):
            carried[row.bundle] += _also_late(connection, row.to_code, carried[row.bundle], london_date(now))
    addresses = _addresses(connection, {row.to_code for row in rows})
    forbidden = _forbidden(connection, {notice.pathway for some in carried.values() for notice in some})
    return [
        Claimed(
            row=row,
            address=addresses.get((row.to_role, row.to_code)) or addresses.get(("", row.to_code)),
            notices=carried[row.bundle],
            forbidden=frozenset().union(*(forbidden[n.pathway] for n in carried[row.bundle])),
            link=settings.link or _return_link(connection, row, now, settings),
        )
        for row in rows
    ]


def _return_link(connection: Connection, row: Row[Any], now: datetime, settings: Settings) -> str:
    channel = settings.channels.get(row.channel)
    holder = links.holder_of(connection, row.to_role, row.to_code)
    if holder is None or channel is None or not channel.reaches_one:
        return f"{settings.site.url}/pathways/{{reference}}"  # which asks whoever opens it for their own mailbox
    return links.issue(connection, holder, now, settings)


def _still_to_say(connection: Connection, rows: Sequence[Row[Any]], now: datetime) -> dict[str, list[Notice]]:
    """The notices of each bundle that are still true. A bundle with none left, or one that must wait, is left out."""
    query = select(notices).where(notices.c.bundle.in_({row.bundle for row in rows}), notices.c.withheld.is_(None))
    found = connection.execute(query.order_by(notices.c.id)).all()
    checked = overtaken.check(connection, found)
    gone = update(notices).where(notices.c.id.in_(checked.overtaken)).values(withheld="overtaken")
    connection.execute(gone)
    carried: dict[str, list[Notice]] = defaultdict(list)
    waits = {notice.bundle for notice in found if notice.id in checked.waiting}
    for notice in found:
        if notice.id not in checked.overtaken and notice.bundle not in waits:
            carried[notice.bundle].append(notice)
    for row in rows:
        if row.bundle in waits:
            _put_back(connection, row, state="waiting", try_at=now + LATER, attempts=row.attempts - 1)
        elif row.bundle not in carried:
            _put_back(connection, row, state="withheld", error="overtaken")
            audit.note_messages(connection, now, [row.id])
    return carried


def _put_back(connection: Connection, row: Row[Any], **values: Any) -> None:
    connection.execute(update(messages).where(messages.c.id == row.id).values(values))


@dataclass(frozen=True)
class _Late:
    """A duty that is late and took no step today, as a line of a digest."""

    pathway: str
    fields: dict[str, Any]
    wording: str = "chase"


def _also_late(connection: Connection, provider: str, said: Sequence[Notice], today: date) -> list[Notice]:
    """What else this provider owes and is late with: a digest shows all of it, whatever made it go out today."""
    owed = (one_of(duties.c.state, "open"), duties.c.due_on < today, ~duties.c.paused)
    rows = connection.execute(select(duties).where(*owed, duties.c.on_role == "provider", duties.c.on_code == provider))
    have = {(notice.pathway, notice.fields.get("duty")) for notice in said}
    return [_Late(row.pathway, late_fields(row, today)) for row in rows if (row.pathway, row.kind) not in have]


def _addresses(connection: Connection, codes: set[str]) -> dict[tuple[str, str], str | None]:
    """Where each recipient is reached, looked up at the moment of sending so that a corrected address is used."""
    found: dict[tuple[str, str], str | None] = {}
    providers = select(Provider.code, Provider.mailbox, Provider.lead_email).where(Provider.code.in_(codes))
    for code, mailbox, lead in connection.execute(providers):
        found["provider", code] = mailbox
        found["provider_lead", code] = lead or mailbox
    staff = select(Practitioner.code, Practitioner.email).where(Practitioner.code.in_(codes))
    for code, email in connection.execute(staff):
        found["", code] = email
    return found


def _forbidden(connection: Connection, references: set[str]) -> dict[str, set[str]]:
    """What is personal in the cases of these pathways."""
    found: dict[str, set[str]] = defaultdict(set)
    query = (
        select(PathwayRow.reference, Party.name, Party.address, Party.phone, Party.email)
        .join(Party, Party.case == PathwayRow.case)
        .where(PathwayRow.reference.in_(references))
    )
    for reference, *personal in connection.execute(query):
        found[reference] |= {value.strip() for value in personal if value and value.strip()}
    return found


def put_back(engine: Engine, some: Sequence[Claimed], now: datetime) -> None:
    """Let go of messages that are claimed and were not tried, for whoever comes next."""
    if some:
        with writing(engine) as connection:
            mine = messages.c.id.in_([one.row.id for one in some])
            query = update(messages).where(mine, messages.c.state == "sending", messages.c.try_at == some[0].row.try_at)
            connection.execute(query.values(state="waiting", try_at=now, attempts=messages.c.attempts - 1))


@dataclass(frozen=True)
class Result:
    """What happened to a message: sent to an address; failed for good; or to be tried again."""

    message: int
    state: Literal["sent", "failed", "again"]
    address: str | None = None
    error: str | None = None


def settle(engine: Engine, results: Sequence[Result], now: datetime, settings: Settings) -> Counter[str]:
    """Write down what happened. One that keeps failing waits longer each time and at last is shown to a person."""
    done: Counter[str] = Counter()
    with writing(engine) as connection:
        for some in in_batches(results):
            ids = [result.message for result in some]
            query = select(messages.c.id, messages.c.attempts).where(messages.c.id.in_(ids))
            attempts = dict(connection.execute(query).all())
            rows = [_settled(result, attempts[result.message], now, settings) for result in some]
            done.update(row["state"] for row in rows)
            # One who was so slow that another sent it meanwhile does not put it back.
            change(connection, messages, rows, where=_not_sent)
            audit.note_messages(connection, now, ids)
    return done


def _settled(result: Result, attempts: int, now: datetime, settings: Settings) -> dict[str, Any]:
    waits = settings.sending.retry_minutes
    again = result.state == "again" and attempts <= len(waits)
    state = "waiting" if again else "sent" if result.state == "sent" else "failed"
    return {
        "id": result.message,
        "state": state,
        "try_at": now + timedelta(minutes=waits[attempts - 1]) if again else now,
        "sent_at": now if state == "sent" else None,
        "sent_to": result.address if state == "sent" else None,
        "error": result.error,
    }


def tried_in_vain(engine: Engine) -> Sequence[Row[Any]]:
    """How many messages wait after a try in vain, by channel and what was wrong, and when the first is tried again."""
    what = (messages.c.channel, messages.c.error)
    query = select(*what, func.count().label("messages"), func.min(messages.c.try_at).label("try_at"))
    with reading(engine) as connection:
        return connection.execute(query.where(held_up).group_by(*what).order_by(*what)).all()


def resend(engine: Engine, message: int, now: datetime, by: str) -> bool:
    """Put a failed message back, to be sent as if it were new. False when there is no failed message of that number."""
    with writing(engine) as connection:
        query = update(messages).where(messages.c.id == message, messages.c.state == "failed")
        failed = connection.execute(query.values(state="waiting", try_at=now, attempts=0, error=None)).rowcount
        if failed:
            audit.note_messages(connection, now, [message], by, "sent again")
        return bool(failed)


def correct_address(engine: Engine, code: str, address: str, now: datetime, by: str) -> bool:
    """Give a provider or practitioner another address. False when nobody has that code."""
    with writing(engine) as connection:
        changed = connection.execute(update(Provider).where(Provider.code == code).values(mailbox=address)).rowcount
        query = update(Practitioner).where(Practitioner.code == code).values(email=address)
        changed += connection.execute(query).rowcount
        if changed:
            audit.note(connection, now, by, "changed the address", code)
        return bool(changed)
