"""Watch: the pictures operations staff look at, drawn anew."""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.show import sweep_name
from tasks.watch import draw


@flow(name="watch", flow_run_name=sweep_name, timeout_seconds=600)
def watch() -> State:
    """Draw the caseload, the overdue, the delivery picture and what needs repair."""
    rows = draw()
    return Completed(name="Drawn", message=f"{rows['overdue']} overdue, {rows['failed-messages']} failed messages")
