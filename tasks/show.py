"""What operations staff see in the Prefect UI: runs named by pathway, tags, and artifacts with fixed keys.

Only references, codes, dates and words of ours are written here.
"""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from prefect import runtime, task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed, Failed

from models.working_days import LONDON, london_date
from settings import settings
from store.advance import Moved
from store.ask import Table, steps, story
from store.database import database, reading
from tasks.safely import safely


def tags_of(one: Moved) -> list[str]:
    """The tags a pathway's runs carry: its programme, area and provider."""
    return [tag for tag in (one.programme, one.area, one.provider) if tag]


def state_of(one: Moved) -> State:
    """The state a run of one pathway ends in: its name says what it waits for."""
    if one.failure:
        return Failed(name="Needs repair", message=one.failure)
    due = f"due {one.due_on.day} {one.due_on:%b}" if one.due_on else ""
    return Completed(name=one.label, message=", ".join(filter(None, (one.on, due))) or "no one")


@task(name="show the pathway", retries=2, retry_delay_seconds=2, timeout_seconds=60)
@safely
def show_run(one: Moved) -> None:
    """Name and tag this run by the pathway it advanced, and attach the pathway's steps."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(runtime.flow_run.id, name=one.reference, tags=tags_of(one))
        if one.changed:
            _attach_steps(client, one.reference, str(runtime.flow_run.id))


@task(name="show the pathways", retries=2, retry_delay_seconds=2, timeout_seconds=600)
@safely
def show_runs(programme: str, moved: Sequence[Moved]) -> int:
    """Leave a run for every pathway that a batch moved, in the state that says what it waits for. Returns how many."""
    if not moved:
        return 0
    with get_client(sync_client=True) as client:
        deployment = _deployment(client, f"{programme.lower()}/{programme.lower()}")
        if deployment is None:
            return 0
        for one in moved:
            run = _create_run(client, deployment, one)
            if len(moved) <= settings().show_steps_up_to:
                _attach_steps(client, one.reference, run)
    return len(moved)


def _deployment(client: SyncPrefectClient, name: str) -> str | None:
    try:
        return str(client.read_deployment_by_name(name).id)
    except ObjectNotFound:
        return None


def _create_run(client: SyncPrefectClient, deployment: str, one: Moved) -> str:
    state = state_of(one)
    body = {
        "name": one.reference,
        "tags": tags_of(one),
        "parameters": {"references": [one.reference]},
        "state": {"type": state.type.value, "name": state.name, "message": state.message},
    }
    response = client.request("POST", f"/deployments/{deployment}/create_flow_run", json=body)
    response.raise_for_status()
    return response.json()["id"]


def _attach_steps(client: SyncPrefectClient, reference: str, run: str) -> None:
    with reading(database()) as connection:
        known = story(connection, reference, london_date(datetime.now(UTC)), settings())
    if known:
        put_table(
            client, f"steps-{reference.lower()}", steps(known), f"{reference}: what was done and what is owed", run
        )
        _link_page(client, reference, run)


def _link_page(client: SyncPrefectClient, reference: str, run: str) -> None:
    """The way from a run to the pathway's page on the site."""
    page = f"[{reference}]({settings().site.url}/pathways/{reference})"
    body = {"key": f"page-{reference.lower()}", "type": "markdown", "data": page, "flow_run_id": run}
    client.request("POST", "/artifacts/", json=body | {"description": f"{reference}: its page"}).raise_for_status()


def put_table(client: SyncPrefectClient, key: str, table: Table, description: str, run: str | None) -> None:
    """Write a table artifact under a fixed key. An empty one says so under a heading: without one the UI breaks."""
    rows = [{name: _cell(value) for name, value in row.items()} for row in table] or [{"rows": "none"}]
    body = {"key": key, "type": "table", "data": json.dumps(rows), "description": description, "flow_run_id": run}
    client.request("POST", "/artifacts/", json=body).raise_for_status()


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}Z"
    return value.isoformat() if isinstance(value, date) else "" if value is None else value


def sweep_name() -> str:
    """What a run of a sweep is called: its flow and the hour in London."""
    return f"{runtime.flow_run.flow_name} {datetime.now(LONDON):%d %b %H:%M}"


def run_name() -> str:
    """What a run is called: the pathway it is about, or how many it is about."""
    references = runtime.flow_run.parameters.get("references")
    if references and len(references) == 1:
        return references[0]
    return (
        f"{runtime.flow_run.flow_name}, {len(references)} pathways"
        if references
        else f"{runtime.flow_run.flow_name}, all due"
    )
