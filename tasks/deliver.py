"""Sending what the outbox holds: gathered into messages, claimed in batches, and what happened written down."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parseaddr

from prefect import task
from sqlalchemy import Engine

from models.working_days import LONDON
from notifications.channels import Channels, Refused, Undelivered, called, fit_to_send
from notifications.invitation import invitation
from notifications.letters import Letter, compose
from notifications.wording import wording
from settings import Settings, settings
from store import outbox
from store.database import database
from store.restored import held_as_of
from store.sent import writing_down
from tasks.safely import safely

BEGUN_IN = 1 / 5
"""The share of a claim in which mails are begun. The rest of five minutes is enough for the one under way, though its
server should take twenty seconds for each of the eleven answers that a mail can need."""


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


@task(name="see whether mail is held back", timeout_seconds=60)
@safely
def held_back() -> bool:
    """Whether a backup was brought back and nobody has looked yet at what would go out."""
    return held_as_of(database()) is not None


@task(name="see what is held up", timeout_seconds=60)
@safely
def held_up() -> str:
    """What waits after a try in vain, in codes; empty when nothing does."""
    waiting, now = outbox.tried_in_vain(database()), datetime.now(UTC)
    return "; ".join(f"{one.messages} held up: {one.error}, next try {_when(one.try_at, now)}" for one in waiting)


def held_up_in_words(engine: Engine, now: datetime, settings: Settings) -> list[str]:
    """What waits after a try in vain, as sentences: for whom we wait and until when."""
    return [
        f"{one.messages} waiting: {called(one.channel, settings)} did not take {'it' if one.messages == 1 else 'them'} "
        f"({one.error}); next try {_when(one.try_at, now)}"
        for one in outbox.tried_in_vain(engine)
    ]


def _when(moment: datetime, now: datetime) -> str:
    if moment <= now:
        return "with the next delivery"
    there, here = moment.astimezone(LONDON), now.astimezone(LONDON)
    return f"{there:%H:%M}" if there.date() == here.date() else f"{there:%d/%m/%Y %H:%M}"


def send(
    engine: Engine, channels: Channels, now: datetime, settings: Settings, never: frozenset[str] = frozenset(),
    clock: Callable[[], float] = time.monotonic,
) -> Counter[str]:  # fmt: skip
    """Claim a batch, send each, write down what happened. No lock is held while mail is sent.

    `never` is what no message may hold, besides what is personal in its own cases. Where the server is so slow that the
    claim would run out, what is left is put back for the next batch.
    """
    stop_at = clock() + 60 * settings.sending.claim_minutes * BEGUN_IN
    results: list[outbox.Result] = []
    with writing_down(settings) as write_down:
        claimed = outbox.claim(engine, now, settings)
        try:
            for one in claimed:
                if results and clock() > stop_at:
                    break
                one = replace(one, forbidden=one.forbidden | never)
                results.append(_send_one(channels, one, now, settings))
                if results[-1].state == "sent":
                    write_down(one, now)
        finally:  # whatever ends it, what has gone does not go again
            done = outbox.settle(engine, results, now, settings) if results else Counter()
            outbox.put_back(engine, claimed[len(results) :], now)
    return done


def _send_one(channels: Channels, one: outbox.Claimed, now: datetime, settings: Settings) -> outbox.Result:
    message = one.row.id
    if not one.address:
        return outbox.Result(message, "failed", error="no address is known")
    # Whatever is wrong with one message, the others go, and none that went goes again.
    try:
        letter = _letter(one, one.address, settings)
        unfit = fit_to_send(letter, one.link, one.forbidden, (one.address, _sender(settings)))
    except Exception as problem:
        unfit = type(problem).__name__
    if unfit:
        return outbox.Result(message, "failed", error=f"SR-12: {unfit}")
    try:
        channels.deliver(one.row.channel, letter, one.address, one.row.message_id, now)
    except Refused as problem:
        return outbox.Result(message, "failed", error=problem.code)
    except Exception as problem:  # what the settings get wrong, say, is ours to mend, so the message waits for that
        return outbox.Result(
            message, "again", error=problem.code if isinstance(problem, Undelivered) else type(problem).__name__
        )
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
