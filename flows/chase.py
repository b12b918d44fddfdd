"""Chase: what is late goes up the ladder; each owner gets one digest a working day."""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.chase import chase_late
from tasks.show import sweep_name


@flow(name="chase", flow_run_name=sweep_name, timeout_seconds=1800)
def chase() -> State:
    """Take every late duty to the step of the ladder it has reached."""
    done = chase_late()
    steps = ", ".join(f"{count} {step}" for step, count in sorted(done.steps.items()))
    return Completed(name="Chased", message=steps or "nothing was due to be chased")
