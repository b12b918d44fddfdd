"""Deliver: what the outbox holds becomes mail."""

from collections import Counter

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from notifications.channels import Channels
from settings import settings
from tasks.deliver import gather, send_batch


@flow(name="deliver", timeout_seconds=3600)
def deliver() -> State:
    """Put notices into messages and send what may be sent at this hour."""
    gather()
    done: Counter[str] = Counter()
    with Channels(settings()) as channels:
        while batch := send_batch(channels):
            done += batch
    said = ", ".join(f"{count} {state}" for state, count in sorted(done.items()))
    return Completed(name="Failures to see to" if done["failed"] else "Delivered", message=said or "nothing to send")
