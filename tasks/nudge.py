"""Asking Prefect to look at something now. A nudge that fails is lost and nothing else is: the next round finds it.

It speaks to Prefect's API directly, so that whoever records a fact neither imports Prefect nor waits for it.
"""

import os
import time
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from ssl import SSLContext, create_default_context
from typing import Any
from uuid import uuid4

import httpx

GUARD = "Prefect-Csrf-Token"
MANY = 20
"""From this many pathways on, one round is asked for instead of a run each."""
TICK = 3
"""Seconds in which asking for a run again is asking for the same one."""


def nudge(api: str, pathways: Iterable[tuple[str, str]]) -> bool:
    """Ask for runs of pathways, given as (programme, reference). False when Prefect could not be reached."""
    some = sorted(set(pathways))
    if not some:
        return True
    wanted: Sequence[tuple[str, dict[str, Any]]] = [("round/round", {})]
    if len(some) <= MANY:
        wanted = [(f"{p.lower()}/{p.lower()}", {"parameters": {"references": [r]}, "name": r}) for p, r in some]
    return _asked(api, wanted)


def run_now(api: str, deployment: str) -> bool:
    """Ask for one run of a deployment without parameters. False when Prefect could not be reached.

    It starts with the next tick, and is one run for all who ask before that: a run that begins after what each of them
    has committed, and neither one apiece nor one that was under way too early to see it.
    """
    tick = datetime.fromtimestamp((time.time() // TICK + 1) * TICK, UTC).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": tick}}
    return _asked(api, [(deployment, {"state": state, "idempotency_key": tick})])


def _asked(api: str, wanted: Sequence[tuple[str, dict[str, Any]]]) -> bool:
    ids: dict[str, str] = {}
    try:
        with client_of(api, httpx.Timeout(3.0, connect=0.5)) as client:
            for deployment, body in wanted:
                if deployment not in ids:
                    ids[deployment] = ask(client, "GET", f"deployments/name/{deployment}")["id"]
                ask(client, "POST", f"deployments/{ids[deployment]}/create_flow_run", json=body)
    except (httpx.HTTPError, OSError):  # the latter where there is no such certificate
        return False
    return True


def client_of(api: str, timeout: float | httpx.Timeout) -> httpx.Client:
    """A client of Prefect's API. It says the password that Prefect's own clients say, where there is one."""
    said = os.environ.get("PREFECT_API_AUTH_STRING") or os.environ.get("PREFECT_SERVER_API_AUTH_STRING")
    headers = {"Authorization": f"Basic {b64encode(said.encode()).decode()}"} if said else {}
    return httpx.Client(base_url=api, timeout=timeout, headers=headers, verify=_checked_by(api))


def _checked_by(api: str) -> SSLContext | bool:
    """What the server is checked by: nothing in the clear, or the certificate that Prefect's own clients are given."""
    if not api.startswith("https:"):
        return False
    file = os.environ.get("PREFECT_API_SSL_CERT_FILE")
    return create_default_context(cafile=file) if file else True


def ask(client: httpx.Client, method: str, path: str, **more: Any) -> Any:
    """What Prefect's API answers. Its SQLite says 503 when two writers meet, and has then done nothing: ask again."""
    for pause in (0.1, 0.3, 0.9, 2.7):
        response = client.request(method, path, **more)
        if response.status_code == httpx.codes.FORBIDDEN and GUARD not in client.headers:
            client.headers.update(_guarded(client))
        elif response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(pause)
    return response.raise_for_status().json()


def _guarded(client: httpx.Client) -> dict[str, str]:
    """What a server guarded against forged requests wants to see whenever something is to change."""
    name = uuid4().hex
    token = client.get("csrf-token", params={"client": name}).raise_for_status().json()["token"]
    return {GUARD: token, "Prefect-Csrf-Client": name}
