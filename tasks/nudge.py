"""Asking Prefect to look at something now. A nudge that fails is lost and nothing else is: the next round finds it.

It speaks to Prefect's API directly, so that whoever records a fact neither imports Prefect nor waits for it.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import httpx

MANY = 20
"""From this many pathways on, one round is asked for instead of a run each."""


def nudge(api: str, pathways: Iterable[tuple[str, str]]) -> bool:
    """Ask for runs of pathways, given as (programme, reference). False when Prefect could not be reached."""
    some = sorted(set(pathways))
    if not some:
        return True
    wanted: Sequence[tuple[str, dict[str, Any], str | None]]
    if len(some) > MANY:
        wanted = [("round/round", {}, None)]
    else:
        wanted = [(f"{p.lower()}/{p.lower()}", {"references": [r]}, r) for p, r in some]
    try:
        with httpx.Client(base_url=api, timeout=httpx.Timeout(3.0, connect=0.5)) as client:
            ids: dict[str, str] = {}
            for deployment, parameters, name in wanted:
                _run(client, ids, deployment, parameters, name)
    except httpx.HTTPError:
        return False
    return True


def run_now(api: str, deployment: str) -> bool:
    """Ask for one run of a deployment without parameters. False when Prefect could not be reached."""
    try:
        with httpx.Client(base_url=api, timeout=httpx.Timeout(3.0, connect=0.5)) as client:
            _run(client, {}, deployment, {}, None)
    except httpx.HTTPError:
        return False
    return True


def _run(
    client: httpx.Client, ids: dict[str, str], deployment: str, parameters: dict[str, Any], name: str | None
) -> None:
    if deployment not in ids:
        ids[deployment] = ask(client, "GET", f"deployments/name/{deployment}")["id"]
    body = {"parameters": parameters} | ({"name": name} if name else {})
    ask(client, "POST", f"deployments/{ids[deployment]}/create_flow_run", json=body)


def ask(client: httpx.Client, method: str, path: str, **more: Any) -> Any:
    """What Prefect's API answers. Its SQLite says 503 when two writers meet, and has then done nothing: ask again."""
    for pause in (0.1, 0.3, 0.9, 2.7):
        response = client.request(method, path, **more)
        if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(pause)
    return response.raise_for_status().json()
