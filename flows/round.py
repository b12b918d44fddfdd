"""Round: what the day itself makes due. Pathways advance, what is late is chased, mail goes out, pictures are drawn.

It finds whatever a lost nudge left behind, so nothing depends on anybody having been told.
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.chase import chase
from flows.cppp import advance_cppp
from flows.deliver import deliver
from flows.dvpp import advance_dvpp
from flows.spip import advance_spip
from flows.watch import watch
from tasks.show import sweep_name


@flow(name="round", flow_run_name=sweep_name, timeout_seconds=7200)
def go_round() -> State:
    """Advance every pathway whose day has come, chase, deliver and watch, in that order."""
    # Each runs whatever became of the one before: a pathway that needs repair must not stop the chasing of others.
    steps = (advance_spip, advance_dvpp, advance_cppp, chase, deliver, watch)
    ended = {step.name: step(return_state=True) for step in steps}
    troubled = [f"{name}: {state.name}" for name, state in ended.items() if state.is_failed()]
    if troubled:
        return Failed(name="Round with troubles", message="; ".join(troubled))
    return Completed(name="Round done", message="; ".join(f"{name}: {state.message}" for name, state in ended.items()))
