"""What people say to what they owe: facts, made from the answers there are to each kind of duty (`models.answers`)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any

from models.answers import Answer, answers_to, choices, details, meant
from models.facts import Fact
from models.forms import fact
from models.pathway import Pathway
from models.working_days import add_working_days, next_working_day
from simulate.shares import Shares, chance
from store.pathways import Loaded


class NotYet(Exception):
    """What the answer rests on is not known yet."""


class Elsewhere(Exception):
    """Nobody answers it as such: it is met by what is answered to others."""


@dataclass
class Asked:
    """One duty as it lies before whoever owes it, on the day they see to it."""

    duty: Any
    one: Loaded
    now: datetime
    today: date
    attempt: int
    seed: int
    shares: Shares

    @cached_property
    def chance(self) -> Random:
        """Another one for each duty and each time it is seen to; the same whatever numbers its facts have."""
        duty = self.duty
        return chance(self.seed, duty.pathway, duty.kind, which(duty.key), duty.opened_on, self.attempt)

    @cached_property
    def p(self) -> Pathway:
        """What is known, to be asked about."""
        return Pathway(self.one.known, self.today)

    @property
    def reference(self) -> str:
        return self.one.row.reference

    def of_life(self, what: str) -> Random:
        """The chance by which something was decided when the person was referred."""
        return chance(self.seed, what, self.reference)

    def happens(self, *name: str) -> bool:
        return self.shares.happens(self.chance, *name)

    def days(self, name: str) -> int:
        """How many days something is off."""
        return self.shares.days(self.chance, name)

    # Facts ------------------------------------------------------------------------------------------------------------

    def says(self, name: str, by: str | None = None, **said: Any) -> Fact:
        """The fact of the answer of this name, with what it asks for."""
        answer = next(one for one in answers_to(self.duty.kind, "service_manager") if one.name == name)
        by = by or self.duty.on_code
        follows = details(answer, self._follows(by))
        asked = {name: self._given(answer, name) for name in answer.asks if name not in said}
        return self.fact(answer.fact, self._day(answer), by, **{**follows, **asked, **said})

    def fact(self, kind: type[Fact], on: date | None = None, by: str | None = None, **said: Any) -> Fact:
        common = {"happened_on": on or self.today, "recorded_at": self.now, "recorded_by": by or self.duty.on_code}
        return fact(kind.kind, said, **common)

    def _follows(self, by: str) -> dict[str, Any]:
        _, anchor, *_ = self.duty.key.split(":")
        of = next((one for one in self.one.known.facts if str(one.place) == anchor), None)
        return meant(self.duty, of, by, self.one.row.provider)

    def _day(self, answer: Answer) -> date:
        if answer.on == "duty":
            return self.duty.opened_on
        if answer.on == "asked" and self.happens("silence", "told_later"):
            return max(self.duty.opened_on, self.today - timedelta(days=self.days("told_later")))
        return self.today

    def _given(self, answer: Answer, name: str) -> Any:
        """A detail that is asked for: one of a few, or as the kind of detail wants it."""
        if options := choices(answer, name):
            return self.chance.choice(options)
        return _DETAILS[name](self) if name in _DETAILS else None


def which(key: str) -> str:
    """What tells a duty apart from others of its kind, a week or a party, without the number of the fact it follows."""
    return key.split(":", 2)[2] if key.count(":") > 1 else ""


def _taker(asked: Asked) -> str:
    """Who could take it: one of those the directory proposes."""
    proposed = asked.one.known.proposed()
    if not proposed:
        raise NotYet
    return asked.chance.choice(list(proposed))


_DETAILS: dict[str, Callable[[Asked], Any]] = {
    "provider": _taker,
    "practitioner": _taker,
    "until": lambda asked: next_working_day(asked.today + timedelta(days=asked.days("extension"))),
    "file_by": lambda asked: add_working_days(asked.today, asked.days("file_by")),
}

Says = Callable[[Asked], Sequence[Fact]]


def one_of(asked: Asked) -> Sequence[Fact]:
    """The answer that most have: one of those there are, by their shares, or the first."""
    kind = asked.duty.kind
    if asked.shares.has("answers", kind):
        return [asked.says(asked.shares.drawn(asked.chance, "answers", kind))]
    return [asked.says(answers_to(kind)[0].name)]
