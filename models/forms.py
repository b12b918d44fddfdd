"""Facts as they come from outside: a kind and loose fields, made into a typed fact."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError

from models.facts import KINDS, Fact, payload_fields


class BadFact(Exception):
    """{field}: {why}"""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field, self.why = field, why


def fact(
    kind: str,
    details: Mapping[str, Any],
    *,
    happened_on: date,
    recorded_at: datetime,
    recorded_by: str,
    kinds: Mapping[str, type[Fact]] = KINDS,
    **more: Any,
) -> Fact:
    """Make a fact of its kind and details; details that are None count as not given.

    Raises BadFact, naming the field and what was expected, for an unknown kind, a field the kind does not have, one it
    lacks, or a value it cannot take.
    """
    if kind not in kinds:
        raise BadFact("fact", unknown_kind(kind, kinds))
    given = {name: value for name, value in details.items() if value is not None}
    fields = payload_fields(kinds[kind])
    for name in given:
        if name not in fields:
            raise BadFact(name, f"{kind} has no {name}" + (f"; it has {', '.join(fields)}" if fields else ""))
    common = {"happened_on": happened_on, "recorded_at": recorded_at, "recorded_by": recorded_by, **more}
    try:
        return kinds[kind].model_validate({**given, **common})
    except ValidationError as problem:
        raise _bad(kinds[kind], problem) from None


_MANY = 20


def unknown_kind(kind: str, kinds: Iterable[str]) -> str:
    """That there is no such kind of fact, and what may have been meant."""
    kinds = sorted(kinds)
    if len(kinds) < _MANY:
        return f'"{kind}" is no kind of fact; expected one of {", ".join(kinds)}'
    near = get_close_matches(kind.lower(), kinds, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(near)}? All" if near else "all"
    return f'"{kind}" is no kind of fact; {meant} are listed in docs/facts.md'


def _bad(kind: type[Fact], problem: ValidationError) -> BadFact:
    first = problem.errors(include_url=False, include_input=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "fact"
    if first["type"] == "missing":
        return BadFact(name, f"{kind.kind} needs {name}: {expected(kind, name)}")
    if first["type"] == "value_error":
        return BadFact(name, str(first["ctx"]["error"]))
    return BadFact(name, f"expected {expected(kind, name)}")


def expected(kind: type[Fact], name: str) -> str:
    """What a field of a fact must look like, in words."""
    if name in {"session", "venue", "risk", "hold"}:
        return "a code of capitals, digits and hyphens, at most five letters and five digits in a row"
    if name in {"recorded_by", "party", "provider", "practitioner", "who", "accepted_by", "signed_by"}:
        return "a reference or code: capitals, digits and hyphens"
    field = payload_fields(kind).get(name)
    return in_words(field.annotation) if field else "a value of its form"


def base_type(annotation: Any) -> Any:
    """What an annotation comes down to: a type, or the tuple of words of a Literal."""
    inner = [one for one in getattr(annotation, "__args__", ()) if one is not type(None)]
    if getattr(annotation, "__origin__", None) is Literal:
        return tuple(inner)
    return base_type(inner[0]) if inner else annotation


def in_words(annotation: Any) -> str:
    """What a type expects, in words."""
    if get_origin(annotation) is Annotated:
        return in_words(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(str(value) for value in get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(in_words(a) for a in get_args(annotation) if a is not type(None))
    named = {
        bool: "yes or no",
        int: "a whole number",
        date: "a date, 31/01/2022 or 2022-01-31",
        datetime: "a date and time",
    }
    return named.get(annotation, "text")
