"""Record: the forms by which operations staff record a fact, hold a pathway or release it from the Prefect UI.

Every field is a reference, a code, a date or a choice, for Prefect keeps what is typed here.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args, get_origin

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import BaseModel, Field, create_model

from models.facts import KINDS, Held, Reference, payload_fields
from tasks.record import record_one


def _choices(name: str) -> Any:
    """The type of a detail: every choice that any kind of fact offers under this name, or the type it has."""
    kinds = [payload_fields(kind)[name] for kind in KINDS.values() if name in payload_fields(kind)]
    if all(get_origin(field.annotation) is Literal for field in kinds):
        values = dict.fromkeys(value for field in kinds for value in get_args(field.annotation))
        return Literal[tuple(values)]
    first = kinds[0]
    return Annotated[first.annotation, *first.metadata] if first.metadata else first.annotation


_NAMES = dict.fromkeys(name for kind in KINDS.values() for name in payload_fields(kind))
FactKind = StrEnum("FactKind", {kind.upper(): kind for kind in KINDS if kind not in ("requested", "held", "released")})
Details: type[BaseModel] = create_model(
    "Details", **{name: (_choices(name) | None, Field(default=None)) for name in _NAMES if name != "route"}
)
HoldReason = get_args(payload_fields(Held)["reason"].annotation)


@flow(name="record", flow_run_name="{about}: {fact}", timeout_seconds=120)
def record_fact(
    about: Reference,
    fact: FactKind,
    happened_on: date,
    recorded_by: Reference,
    details: Details = Details(),
    supersedes: int | None = None,
) -> State:
    """Record a fact about a pathway or a case. Fill in only the details that this kind of fact has."""
    return _state(*record_one(about, str(fact), happened_on, recorded_by, details.model_dump(), supersedes))


@flow(name="hold", flow_run_name="{pathway}: hold", timeout_seconds=120)
def hold(pathway: Reference, reason: Literal[HoldReason], recorded_by: Reference, since: date) -> State:
    """Put a pathway on hold: its clocks stop and nobody is chased until it is released."""
    return _state(*record_one(pathway, "held", since, recorded_by, {"reason": reason}))


@flow(name="release", flow_run_name="{pathway}: release", timeout_seconds=120)
def release(pathway: Reference, recorded_by: Reference, on: date) -> State:
    """Release a pathway from its hold: its clocks go on with the time they had."""
    return _state(*record_one(pathway, "released", on, recorded_by, {}))


def _state(result: str, said: str) -> State:
    if result == "refused":
        return Failed(name="Refused", message=said)
    return Completed(name="Recorded" if result == "recorded" else "Known already", message=said)
