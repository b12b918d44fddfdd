"""Who is referred to what, where and on which day. A larger caseload holds all of a smaller one."""

from bisect import bisect
from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from itertools import accumulate, count

from models.limits import for_both_parents
from models.working_days import is_working_day
from simulate.shares import Shares, chance

PROGRAMMES = ("SPIP", "DVPP", "CPPP")


@dataclass(frozen=True)
class Caseload:
    """What is to be simulated."""

    pathways: int
    weeks: int
    seed: int
    first: date
    programmes: tuple[str, ...] = PROGRAMMES

    @property
    def days(self) -> list[date]:
        """Its working days: what falls due on others is seen to on the next of them."""
        all_days = (self.first + timedelta(days=n) for n in range(7 * self.weeks))
        return [day for day in all_days if is_working_day(day)]


@dataclass(frozen=True)
class Referral:
    """Somebody who is referred, or for CPPP a family."""

    programme: str
    number: int
    case: str
    party: str | None
    court: str
    area: str
    adviser: str
    on: date

    @property
    def begins_case(self) -> bool:
        """Whether it is the one by which what happens to its case is told."""
        return self.party is None or self.party.endswith("A")


class Referrals:
    """All the referrals of a caseload, by their day."""

    def __init__(self, load: Caseload, shares: Shares) -> None:
        self.load, self.shares = load, shares

    @cached_property
    def by_day(self) -> dict[date, list[Referral]]:
        found: dict[date, list[Referral]] = defaultdict(list)
        for one in self._all():
            found[one.on].append(one)
        return found

    def _all(self) -> Iterator[Referral]:
        numbers: Counter[str] = Counter()
        for _, programme in zip(range(self.load.pathways), self._programmes(), strict=False):
            yield self._made(programme, numbers[programme])
            numbers[programme] += 1

    def _programmes(self) -> Iterator[str]:
        """Programmes in turn, so that any number of the first has them in their proportions."""
        volumes = {name: self.shares.number("volumes", "year", name) for name in self.load.programmes}
        whole, given = sum(volumes.values()), Counter[str]()
        for n in count(1):
            # Whichever lags furthest behind its share is next.
            name = max(volumes, key=lambda name: n * volumes[name] / whole - given[name])
            given[name] += 1
            yield name

    def _made(self, programme: str, number: int) -> Referral:
        case, side = self._place(programme, number)
        of_case = chance(self.load.seed, "case", case)
        courts: Sequence[str] = self.shares.list_of("country", "courts")
        court = of_case.randrange(len(courts))
        adviser = of_case.randrange(int(self.shares.number("country", "advisers")))
        area = courts[court]
        return Referral(
            programme, number + 1, case, side and f"{case}-{side}", f"CT{court + 1:02}", area,
            f"FCA{area.removeprefix('SA')}{adviser + 1:02}", self._day(programme, case),
        )  # fmt: skip

    def _place(self, programme: str, number: int) -> tuple[str, str | None]:
        """The case, and which of its parties: of two sent one after the other to SPIP, often both of one case."""
        if for_both_parents(programme):
            return f"{programme[0]}{number + 1:06}", None
        first = number - number % 2
        together = programme == "SPIP" and self.shares.happens(
            chance(self.load.seed, "together", first), "spip", "numbers", "both_parents"
        )
        return (f"S{first + 1:06}", "AB"[number % 2]) if together else (f"{programme[0]}{number + 1:06}", "A")

    def _day(self, programme: str, case: str) -> date:
        days, upto = self._calendar[programme]
        return days[bisect(upto, chance(self.load.seed, "day", case).random() * upto[-1])]

    @cached_property
    def _calendar(self) -> dict[str, tuple[list[date], list[float]]]:
        """The working days, and how likely a referral is up to each: a month has its share, however long it is."""
        months = {name: self.shares.list_of("volumes", "months", name) for name in self.load.programmes}
        days = self.load.days
        return {
            name: (days, list(accumulate(of_month[day.month - 1] / _working_days(day.year, day.month) for day in days)))
            for name, of_month in months.items()
        }


@cache
def _working_days(year: int, month: int) -> int:
    return sum(is_working_day(date(year, month, n + 1)) for n in range(monthrange(year, month)[1]))
