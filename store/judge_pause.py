"""What stops a pathway and what lets it go on: which of the two is open, and which of one day is which."""

from collections.abc import Iterable
from itertools import count

from models.facts import Fact
from models.facts.case import RiskRaised
from models.facts.every import Held, Released, RiskReviewed
from models.working_days import say
from store.pathways import Loaded, Record
from store.refusal import Refused, Rules

_ENDED_BY: dict[type[Fact], type[Fact]] = {RiskRaised: RiskReviewed, Held: Released}
_CODE: dict[type[Fact], str] = {RiskReviewed: "risk", Released: "hold"}
"""The detail that tells two of one day apart."""


def _end_of(pause: Fact, facts: Iterable[Fact]) -> Fact | None:
    """What was said after it to end it. One answer ends all that stood open."""
    ends = _ENDED_BY.get(type(pause))
    return next((fact for fact in facts if ends and isinstance(fact, ends) and fact.place > pause.place), None)


def answered(pause: Fact, facts: Iterable[Fact]) -> str:
    """What to say of a risk or hold that was answered since, where it is said again: it may be another one."""
    return _another(pause, "answered") if _end_of(pause, facts) else ""


def why_known(known: Fact, record: Record, about: Iterable[Loaded]) -> str:
    """The same of one that is known already, or was: that it is known does not mean that it stops anything."""
    if type(known) in _ENDED_BY and known.id in record.corrected:
        return _another(known, "corrected")
    return answered(known, (fact for one in about for fact in one.known.facts))


def _another(pause: Fact, what: str) -> str:
    own = "its own reference (risk=...)" if isinstance(pause, RiskRaised) else "it a reference (hold=...)"
    said = f"{pause.label} on {say(pause.happened_on)} is fact {pause.id} and was {what} since"
    return f"{said}; for another of that day give {own}"


def told_apart(fact: Fact, record: Record, about: Iterable[Loaded]) -> Fact:
    """An answer to what is open now, told apart from one that somebody gave on the same day to what was open then.

    Not for files: the same file loaded again would release what was put on hold since.
    """
    code = _CODE.get(type(fact))
    if not code or getattr(fact, code) or not any(_open(type(fact), one) for one in about):
        return fact
    said = {one.identity for one in (*record.live, *record.corrected.values())}
    others = (fact.model_copy(update={code: f"N-{n}"}) for n in count(2))
    return fact if fact.identity not in said else next(other for other in others if other.identity not in said)


def _open(end: type[Fact], one: Loaded) -> list[Fact]:
    facts = one.known.facts
    return [fact for fact in facts if _ENDED_BY.get(type(fact)) is end and not _end_of(fact, facts)]


def _something_is_held(fact: Released, one: Loaded) -> None:
    if fact.supersedes is None and not _open(Released, one):
        last = max((f for f in one.known.facts if isinstance(f, Released)), key=lambda f: f.place)
        why = f"{one.row.reference} is not on hold; it was released on {say(last.happened_on)}, fact {last.id}"
        raise Refused("fact", why)


def _is_held_still(fact: Held, one: Loaded) -> None:
    """To correct a hold that is over would put nothing on hold, and look as if it did."""
    corrected = next((f for f in one.known.facts if f.id == fact.supersedes), None)
    if corrected and (end := _end_of(corrected, one.known.facts)):
        why = f"this hold is over, released on {say(end.happened_on)}; put it on hold anew, with a reference (hold=...)"
        raise Refused("supersedes", why)


RULES: Rules = ((_something_is_held, Released), (_is_held_still, Held))
