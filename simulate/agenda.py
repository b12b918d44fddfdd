"""Who will see to what on which day: in time, late or never, as their shares say."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from models.working_days import add_working_days, next_working_day, working_days_after
from simulate.answering import which
from simulate.shares import Shares, chance


@dataclass(frozen=True, order=True)
class Duty:
    """A duty that is seen to, for the first time or again."""

    number: int
    attempt: int = 1
    recall: bool = False
    """Whether nobody has answered for so long that the referral is taken back."""


@dataclass(frozen=True, order=True)
class Happening:
    """Something that comes by itself, to a pathway or its case."""

    pathway: str
    what: str


@dataclass
class Agenda:
    """What is to be seen to, by its day."""

    duties: dict[date, list[Duty]] = field(default_factory=lambda: defaultdict(list))
    happenings: dict[date, list[Happening]] = field(default_factory=lambda: defaultdict(list))
    never: set[int] = field(default_factory=set)
    """The duties nobody will ever answer."""
    elsewhere: set[int] = field(default_factory=set)
    """Those that are met by what is answered to others."""

    def happens(self, day: date, pathway: str, what: str) -> None:
        self.happenings[next_working_day(day)].append(Happening(pathway, what))

    def sees_to(self, day: date, duty: Duty) -> None:
        self.duties[next_working_day(day)].append(duty)

    def seen(self) -> Iterator[int]:
        """Every duty of which it is known what will become of it."""
        yield from self.never
        yield from self.elsewhere
        yield from (duty.number for some in self.duties.values() for duty in some)


RECALLED = {"acknowledgement", "booking", "assessment", "assessment_report", "start"}
"""What a provider owes for want of which commissioning takes the referral back in the end."""


def plan(agenda: Agenda, duties: Iterable[Any], today: date, seed: int, shares: Shares) -> None:
    """Enter duties that have been opened, each on the day its owner will answer it."""
    for row in duties:
        drawn = chance(seed, "when", row.pathway, row.kind, which(row.key), row.opened_on)
        day = answered_on(row, drawn, shares, today)
        if day:
            agenda.sees_to(day, Duty(row.id))
            continue
        agenda.never.add(row.id)
        if row.kind in RECALLED and shares.happens(drawn, "silence", "recalled"):
            after = add_working_days(row.due_on, int(shares.number("silence", "recalled_after")))
            agenda.sees_to(max(after, today + timedelta(days=1)), Duty(row.id, recall=True))


def answered_on(row: Any, drawn: Random, shares: Shares, today: date) -> date | None:
    """The day on which a duty is answered, from the next one on; None for never."""
    who = "provider" if row.on_role == "provider" else "staff"
    how = shares.drawn(drawn, "punctuality", who)
    if how == "on_time":
        days = working_days_after(today, row.due_on)
        return add_working_days(today, drawn.randint(1, max(days, 1)))
    if how == "late_over_10" and drawn.random() * 100 < shares.number("silence", "never_of_late_over_10"):
        return None
    longest = int(shares.number("silence", "longest_delay"))
    least, most = {"late_1_5": (1, 5), "late_6_10": (6, 10)}.get(how, (11, max(11, longest)))
    return max(add_working_days(row.due_on, drawn.randint(least, most)), next_working_day(today + timedelta(days=1)))
