"""Watch: the pictures operations staff look at, drawn anew; once a day the reports, which read all there ever was."""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.show import sweep_name
from tasks.watch import draw, draw_reports


@flow(name="watch", flow_run_name=sweep_name, timeout_seconds=600)
def watch() -> State:
    """Draw the caseload, the overdue, the delivery picture and what needs repair."""
    rows = draw()
    return Completed(name="Drawn", message=f"{rows['overdue']} overdue, {rows['failed-messages']} failed messages")


@flow(name="reports", flow_run_name=sweep_name, timeout_seconds=3600)
def reports() -> State:
    """Draw the evaluation of CPPP and the unmet need."""
    rows = draw_reports()
    return Completed(name="Drawn", message=f"{rows['unmet-need']} areas and programmes with unmet need")
