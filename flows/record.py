"""Record: the forms by which operations staff record a fact, hold a pathway or release it from the Prefect UI.

Every field is a reference, a code, a date or a choice, for Prefect keeps what is typed here. A field left empty is not
given.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import BaseModel, ConfigDict, Field, create_model

from models.facts import KINDS, Reference, payload_fields
from models.facts.base import CODE
from models.facts.every import Held, Requested
from models.forms import base_type
from tasks.record import record_one

_PATTERNS: dict[Any, str] = {
    date: r"^(\d{4}-\d\d-\d\d)?$",
    bool: r"^(yes|no)?$",
    int: r"^\d{0,4}$",
    str: r"^([A-Z0-9][A-Z0-9-]{1,39})?$",
}
_CODES = ("session", "venue", "risk", "hold")
_CODE = rf"^({CODE})?$"
_DATE_AND_TIME = r"^(\d{4}-\d\d-\d\d \d\d:\d\d)?$"


def _detail(name: str) -> tuple[Any, Any]:
    """A field of the form: a choice of all that any kind of fact offers under this name, or text of one form."""
    kinds = [kind for kind in KINDS.values() if name in payload_fields(kind)]
    says = f"For {', '.join(kind.kind for kind in kinds)}."
    bases = [base_type(payload_fields(kind)[name].annotation) for kind in kinds]
    if isinstance(bases[0], tuple):
        offered = dict.fromkeys(value for base in bases for value in base)
        return Literal[("", *offered)], Field(default="", description=says)
    pattern = _CODE if name in _CODES else _PATTERNS.get(bases[0], _DATE_AND_TIME)
    return str, Field(default="", pattern=pattern, max_length=40, description=says)


_FIRST = ("provider", "session", "result", "starts_at", "ends_at", "reason", "decision")  # what is filled in most
_NAMES = dict.fromkeys(
    (*_FIRST, *(name for kind in KINDS.values() if kind is not Requested for name in payload_fields(kind)))
)
_ELSEWHERE = ("requested", "held", "released")
FactKind = StrEnum("FactKind", {kind.upper(): kind for kind in sorted(KINDS) if kind not in _ELSEWHERE})
Details: type[BaseModel] = create_model(
    "Details", __config__=ConfigDict(extra="forbid"), **{name: _detail(name) for name in _NAMES}
)
# Prefect's server heeds the pattern of a field but not its format: without one it would keep any text as a day.
Day = Annotated[date, Field(json_schema_extra={"pattern": r"^\d{4}-\d\d-\d\d$"})]
HoldReason = get_args(payload_fields(Held)["reason"].annotation)


@flow(name="record", flow_run_name="{about}: {fact}", timeout_seconds=120)
def record_fact(
    about: Reference,
    fact: FactKind,
    happened_on: Day,
    recorded_by: Reference,
    details: Details = Details(),
    supersedes: Annotated[int, Field(ge=0)] = 0,
) -> State:
    """Record a fact about a pathway or a case.

    Args:
        about: The reference of a pathway, such as SPIP-D0001, or of a case.
        fact: What happened.
        happened_on: The day it happened.
        recorded_by: Your code: a practitioner's or a provider's.
        details: Only those that this kind of fact has.
        supersedes: The number of the fact that this one corrects; 0 if none.
    """
    given = {name: value for name, value in details.model_dump().items() if value}
    return _state(*record_one(about, str(fact), happened_on, recorded_by, given, supersedes or None))


@flow(name="hold", flow_run_name="{pathway}: hold", timeout_seconds=120)
def hold(
    pathway: Reference,
    reason: Literal[HoldReason],
    recorded_by: Reference,
    since: Day,
    code: Annotated[str, Field(pattern=_CODE, max_length=24)] = "",
) -> State:
    """Put a pathway on hold: its clocks stop and nobody is chased until it is released.

    Args:
        pathway: The reference of a pathway, such as SPIP-D0001.
        reason: Why it waits.
        recorded_by: Your code: a practitioner's.
        since: The day from which it waits.
        code: A code of its own, such as H-2, for a second hold of one day.
    """
    details = {"reason": reason} | ({"hold": code} if code else {})
    return _state(*record_one(pathway, "held", since, recorded_by, details))


@flow(name="release", flow_run_name="{pathway}: release", timeout_seconds=120)
def release(pathway: Reference, recorded_by: Reference, on: Day) -> State:
    """Release a pathway from its hold: its clocks go on with the time they had."""
    return _state(*record_one(pathway, "released", on, recorded_by, {}))


def _state(result: str, said: str) -> State:
    if result == "refused":
        return Failed(name="Refused", message=said)
    return Completed(name="Recorded" if result == "recorded" else "Known already", message=said)
