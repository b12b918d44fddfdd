"""Deliver: what the outbox holds becomes mail."""

from collections import Counter

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from notifications.channels import Channels
from settings import settings
from tasks.deliver import gather, send_batch
from tasks.show import sweep_name


@flow(name="deliver", flow_run_name=sweep_name, timeout_seconds=3600)
def deliver() -> State:
    """Put notices into messages and send what may be sent at this hour."""
    done: Counter[str] = Counter()
    with Channels(settings()) as channels:
        # Until nothing is left: what was written meanwhile goes out with it.
        while gather() + sum((batch := send_batch(channels)).values()):
            done += batch
    said = ", ".join(f"{count} {state}" for state, count in sorted(done.items()))
    return Completed(name="Failures to see to" if done["failed"] else "Delivered", message=said or "nothing to send")
