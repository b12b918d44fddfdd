"""Deliver: what the outbox holds becomes mail."""

from collections import Counter

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from notifications.channels import Channels
from settings import settings
from tasks.audit import seal_trail
from tasks.deliver import gather, held_back, held_up, send_batch
from tasks.show import sweep_name


@flow(name="deliver", flow_run_name=sweep_name, timeout_seconds=3600)
def deliver() -> State:
    """Put notices into messages and send what may be sent at this hour; then seal the audit trail."""
    done: Counter[str] = Counter()
    with Channels(settings()) as channels:
        # Until nothing is left: what was written meanwhile goes out with it.
        while gather() + sum((batch := send_batch(channels)).values()):
            done += batch
    sealed = seal_trail(return_state=True)
    if not done and held_back():
        return Failed(name="Held back", message="a backup was brought back: see `pathways restored`")
    waits = held_up()
    said = ", ".join(f"{count} {state}" for state, count in sorted(done.items())) or "nothing to send"
    said = f"{said}; {waits}" if waits else said
    if sealed.is_failed():
        return Failed(name="Trail not sealed", message=f"see `pathways audit verify`; {said}")
    name = "Failures to see to" if done["failed"] else "To be tried again" if waits else "Delivered"
    return Completed(name=name, message=said)
