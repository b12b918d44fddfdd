"""A fact that is not entered: why, and which column is at fault."""

import re
from collections.abc import Callable
from typing import Any

from models.facts import KINDS, Fact
from models.working_days import say
from store.pathways import Loaded

Rules = tuple[tuple[Callable[[Any, Loaded], None], Any], ...]
"""What is judged of the facts of some kinds, beyond what holds for all."""


class Refused(Exception):
    """{why}"""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field, self.why = field, why


def contradicts(standing: Fact) -> Refused:
    said = f"contradicts fact {standing.id}, {summary(standing)}"
    return Refused("fact", f"{said}; to correct that one, give supersedes {standing.id}")


def summary(fact: Fact) -> str:
    said = ", ".join(f"{name} {value}" for name, value in fact.details.items())
    return f"{fact.label} on {say(fact.happened_on)}" + (f" ({said})" if said else "")


def in_words(why: str) -> str:
    """Why something is refused, for who types no names of kinds of fact: what each is called in their place."""
    return re.sub(r"\b[a-z]+(_[a-z]+)+\b", lambda name: KINDS[name[0]].label if name[0] in KINDS else name[0], why)
