"""Advancing pathways of one programme, some batches a task, and showing operations staff what came of it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from prefect import get_run_logger, task
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from settings import settings
from store.advance import Advanced, Story, advance
from store.database import database, in_batches
from tasks.nudge import nudge, run_now
from tasks.safely import safely
from tasks.show import show_run, show_runs, state_of

BATCHES = 10
"""How many batches one task advances, a transaction each: a task costs Prefect as much CPU as a hundred pathways us."""


@task(name="advance some batches", retries=3, retry_delay_seconds=[2, 10, 60], timeout_seconds=600)
@safely
def advance_some(programme: str, story: Story, references: Sequence[str] | None = None) -> Advanced:
    """Advance the pathways named, or a few batches of those whose day has come."""
    return advance(database(), programme, story, datetime.now(UTC), settings(), references, batches=BATCHES)


def advance_all(programme: str, story: Story, references: Sequence[str] | None) -> State:
    """Advance pathways batch by batch; end in the state of the one pathway, or in a summary of many."""
    done = Advanced()
    if references:
        for some in in_batches(sorted(set(references)), BATCHES * settings().batch):
            done.add(advance_some(programme, story, some))
    else:
        while len((some := advance_some(programme, story)).moved) >= BATCHES * settings().batch:
            done.add(some)
        done.add(some)
    for one in done.failed:
        get_run_logger().error("%s could not be advanced: %s", one.reference, one.failure)
    nudge(settings().prefect_api, done.opened)
    if references and done.notices:
        run_now(settings().prefect_api, "deliver/deliver")
    if references and len(references) == 1:
        return _state_of_one(references[0], done)
    show_runs(programme, done.changed[: settings().show_runs_up_to])
    return _state_of_many(done)


def _state_of_one(reference: str, done: Advanced) -> State:
    if not done.moved:
        return Failed(name="Not found", message="No such pathway, or another run is advancing it")
    one = done.moved[0]
    show_run(one)
    return state_of(one)


def _state_of_many(done: Advanced) -> State:
    counts = f"{len(done.moved)} advanced, {len(done.changed)} moved, {done.notices} notices"
    if done.failed:
        names = ", ".join(one.reference for one in done.failed[:10])
        return Failed(name="Some need repair", message=f"{counts}; {len(done.failed)} failed: {names}")
    return Completed(name="Advanced", message=counts)
