"""Sending what the outbox holds: gathered into messages, claimed in batches, and what happened written down."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parseaddr

from prefect import task
from sqlalchemy import Engine

from notifications.channels import Channels, Refused, Undelivered, fit_to_send
from notifications.invitation import invitation
from notifications.letters import Letter, compose
from notifications.wording import NotSayable, wording
from settings import Settings, settings
from store import outbox
from store.database import database
from tasks.safely import safely


@task(name="gather notices", retries=3, retry_delay_seconds=[2, 10, 60], timeout_seconds=300)
@safely
def gather() -> int:
    """Put waiting notices into messages. Returns how many messages that made."""
    return outbox.gather(database(), datetime.now(UTC), settings())


@task(name="send a batch", retries=3, retry_delay_seconds=[2, 10, 60], timeout_seconds=1800)
@safely
def send_batch(channels: Channels) -> Counter[str]:
    """Send one batch of messages. Returns how many ended in which state; empty when there was none to send."""
    return send(database(), channels, datetime.now(UTC), settings())


def send(
    engine: Engine, channels: Channels, now: datetime, settings: Settings, never: frozenset[str] = frozenset()
) -> Counter[str]:
    """Claim a batch, send each, write down what happened. No lock is held while mail is sent.

    `never` is what no message may hold, besides what is personal in its own cases.
    """
    claimed = outbox.claim(engine, now, settings)
    claimed = [replace(one, forbidden=one.forbidden | never) for one in claimed]
    results = [_send_one(channels, one, now, settings) for one in claimed]
    return outbox.settle(engine, results, now, settings) if results else Counter()


def _send_one(channels: Channels, one: outbox.Claimed, now: datetime, settings: Settings) -> outbox.Result:
    message = one.row.id
    if not one.address:
        return outbox.Result(message, "failed", error="no address is known")
    try:
        letter = _letter(one, one.address, settings)
        if unfit := fit_to_send(letter, one.link, one.forbidden, (one.address, _sender(settings))):
            return outbox.Result(message, "failed", error=f"SR-12: {unfit}")
        channels.deliver(one.row.channel, letter, one.address, one.row.message_id, now)
    except (NotSayable, KeyError) as problem:
        return outbox.Result(message, "failed", error=f"SR-12: {type(problem).__name__}")
    except Undelivered as problem:
        # What the settings get wrong is ours to mend, so the message waits for that.
        return outbox.Result(message, "failed" if isinstance(problem, Refused) else "again", error=problem.code)
    return outbox.Result(message, "sent", address=one.address)


def _letter(one: outbox.Claimed, address: str, settings: Settings) -> Letter:
    """The words of a message, and the invitation that goes with them: only what goes alone has one."""
    letter = compose(one.notices, one.row.to_role, one.row.bundle, one.link)
    method = wording(one.notices[0].wording).calendar if len(one.notices) == 1 else None
    if method is None:
        return letter
    notice = one.notices[0]
    fields = {name: value for name, value in notice.fields.items() if value is not None}
    times = [datetime.fromisoformat(fields[name]) for name in ("starts", "ends")]
    # Stamped with the moment of the notice: a message sent twice is the same invitation.
    between = {"organizer": _sender(settings), "attendee": address, "domain": settings.mail_domain}
    about = (notice.pathway, fields["session"], fields["sitting"], *times, int(fields["sequence"]))
    return replace(letter, calendar=invitation(method, *about, stamp=notice.created_at, **between))


def _sender(settings: Settings) -> str:
    return parseaddr(settings.sender)[1]
