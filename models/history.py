"""Facts in the order they happened, those of a kind found without looking at the others."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cached_property
from itertools import chain
from typing import TypeVar

from models.facts import Fact
from models.facts.case import HearingListed, HearingVacated
from models.facts.cppp import PractitionerMatched
from models.facts.referral import ReferralDeclined, ReferralRecalled, ReferralSent
from models.standing import Who

F = TypeVar("F", bound=Fact)


def in_order(fact: Fact) -> tuple[date, int]:
    """What facts are ordered by: the day they happened, then their place in the record."""
    return fact.happened_on, fact.place


class History(list[Fact]):
    """Facts in the order they happened. It is not changed: what is known otherwise is another history."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        super().__init__(sorted(facts, key=in_order))
        self._of_kind: dict[type[Fact], list[Fact]] = {}
        for fact in self:
            self._of_kind.setdefault(type(fact), []).append(fact)

    def of(self, *kinds: type[F]) -> Sequence[F]:
        """Those of some kinds, in order."""
        if len(kinds) == 1:
            return self._of_kind.get(kinds[0], ())
        found = [some for kind in kinds if (some := self._of_kind.get(kind))]
        return found[0] if len(found) == 1 else sorted(chain(*found), key=in_order)

    @cached_property
    def holder(self) -> Who | None:
        """Who held it when this was all that was known: whoever it went to last and has kept it."""
        held: Who | None = None
        for fact in self.of(PractitionerMatched, ReferralSent, ReferralDeclined, ReferralRecalled):
            if isinstance(fact, PractitionerMatched):
                held = Who("adviser", fact.practitioner)
            elif isinstance(fact, ReferralSent):
                held = Who("provider", fact.provider)
            elif held and held.code == fact.provider:
                held = None
        return held

    def hearing_after(self, day: date) -> date | None:
        """The first listed and not vacated hearing later than a day."""
        return self.hearing_from(day + timedelta(days=1))

    def hearing_from(self, day: date) -> date | None:
        """The first listed and not vacated hearing on a day or later."""
        listed = self.of(HearingListed)
        if not listed:
            return None
        vacated = {fact.hearing_on for fact in self.of(HearingVacated)}
        ahead = {fact.hearing_on for fact in listed if fact.hearing_on >= day}
        return min(ahead - vacated, default=None)
