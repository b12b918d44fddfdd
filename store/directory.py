"""Who can take a referral, and who is told: providers with their lines, read once a batch."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, select

from models.facts import Fact
from models.facts.referral import ReferralDeclined
from models.limits import Profile, open_to_referrals
from models.standing import Days
from models.tables import Closure, PathwayRow, Practitioner, Provider, ServiceLine

NEEDS_ACCREDITATION = {"DVPP": "Respect", "CCI": "NACCC enhanced", "SUPPORTED": "NACCC"}
"""Programmes that only an accredited provider may take (SR-04, SR-05, SR-08); SPIP needs none."""
OF_OUR_OWN = {"CPPP"}
"""Programmes run by our own practitioners and not by providers."""
WATCHED = {"tracking"}
"""States in which whoever held a pathway has done their part: it takes up no room with them."""

Place = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One programme of one provider; or of one practitioner, who serves every area."""

    provider: str
    areas: frozenset[str] | None
    contracted_from: date
    contracted_until: date | None
    open_to_referrals: bool
    capacity: int | None
    accreditation: str | None
    accredited_until: date | None
    suspended_from: date | None
    place: Place | None


@dataclass
class Directory:
    """The providers of one programme as they stand now."""

    programme: str
    profile: Profile
    limits: Path
    lines: dict[str, Line] = field(default_factory=dict)
    holding: Counter[str] = field(default_factory=Counter)
    """How many open pathways each provider holds, of those that have room for so many only."""
    closures: dict[str, list[Days]] = field(default_factory=dict)
    """The days on which each provider's groups do not meet."""

    def why_not(self, provider: str, area: str, day: date, *, already_made: bool = False) -> str | None:
        """Why a provider may take no new referral on a day (SR-16); None when it may.

        A referral that was already made elsewhere is judged by the dates of that day only: whether the provider is open
        and has room now says nothing about then.
        """
        line = self.lines.get(provider)
        if not open_to_referrals(self.programme, day, self.profile, self.limits):
            return f"{self.programme} takes no referrals on {day:%d/%m/%Y}"
        if line is None:
            trained = self.programme in OF_OUR_OWN
            return f"{provider} {'is not trained in' if trained else 'does not deliver'} {self.programme}"
        if line.areas is not None and area not in line.areas:
            return f"{provider} does not serve area {area}"
        if day < line.contracted_from or (line.contracted_until and day > line.contracted_until):
            return f"{provider} has no contract for {self.programme} on {day:%d/%m/%Y}"
        if line.suspended_from and day >= line.suspended_from:
            return f"{provider} is suspended since {line.suspended_from:%d/%m/%Y}"
        if already_made:
            return None
        if not line.open_to_referrals:
            return f"{provider} is not open to referrals"
        if line.capacity is not None and self.holding[provider] >= line.capacity:
            return f"{provider} holds {self.holding[provider]} referrals, as many as it has room for"
        return None

    def not_accredited(self, provider: str, day: date) -> str | None:
        """Why a provider's accreditation is not enough for the programme on a day (SR-04); None when it is."""
        wanted, line = NEEDS_ACCREDITATION.get(self.programme), self.lines.get(provider)
        if not wanted or line is None:
            return None
        if line.accreditation != wanted or not line.accredited_until or day > line.accredited_until:
            return f"{provider} has no live {wanted} accreditation on {day:%d/%m/%Y}"
        return None

    def accredited_until(self, provider: str) -> date | None:
        """The last day of the accreditation the programme needs; None where it needs none, or nothing is known."""
        line = self.lines.get(provider)
        return line.accredited_until if line and self.programme in NEEDS_ACCREDITATION else None

    def proposed(self, area: str, home: Place | None, day: date, facts: Iterable[Fact]) -> list[str]:
        """Providers a person could be referred to, the nearest first; without coordinates, the one with most room."""
        declined = {fact.provider for fact in facts if isinstance(fact, ReferralDeclined)}
        able = [code for code in self.lines if code not in declined and self._able(code, area, day)]
        return sorted(able, key=lambda code: (self._distance(code, home), self._fullness(code), code))

    def _able(self, provider: str, area: str, day: date) -> bool:
        return not self.why_not(provider, area, day) and not self.not_accredited(provider, day)

    def _distance(self, provider: str, home: Place | None) -> float:
        place = self.lines[provider].place
        return kilometres(home, place) if home and place else math.inf

    def _fullness(self, provider: str) -> float:
        capacity = self.lines[provider].capacity
        return self.holding[provider] / capacity if capacity else 0.0


def kilometres(a: Place, b: Place) -> float:
    """The distance between two points in degrees of latitude and longitude, over the ground."""
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*a, *b))
    h = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * 6371.0 * math.asin(math.sqrt(h))


def place_of(latitude: float | None, longitude: float | None) -> Place | None:
    return (latitude, longitude) if latitude is not None and longitude is not None else None


def directory(connection: Connection, programme: str, profile: Profile, limits: Path) -> Directory:
    """Read the providers of one programme, and how many open referrals each holds that has not room for any number."""
    lines = _practitioners(connection, programme) if programme in OF_OUR_OWN else _providers(connection, programme)
    limited = [code for code, line in lines.items() if line.capacity is not None]
    held = (
        select(PathwayRow.provider, func.count())
        .where(PathwayRow.provider.in_(limited), PathwayRow.programme == programme, PathwayRow.closed_on.is_(None))
        .where(PathwayRow.state.not_in(WATCHED))
        .group_by(PathwayRow.provider)
    )
    holding = Counter(dict(connection.execute(held).all())) if limited else Counter()
    closures: dict[str, list[Days]] = {}
    for row in connection.execute(select(Closure.__table__).where(Closure.provider.in_(lines))):
        closures.setdefault(row.provider, []).append((row.closed_from, row.closed_until))
    return Directory(programme, profile, limits, lines, holding, closures)


def own_line(connection: Connection, provider: str, programme: str) -> Row[Any] | None:
    """One programme of one provider, as the directory has it; None where the provider does not deliver it."""
    table = ServiceLine.__table__
    query = select(table).where(table.c.provider == provider, table.c.programme == programme)
    return connection.execute(query).first()


def _practitioners(connection: Connection, programme: str) -> dict[str, Line]:
    """Our own people trained in a programme."""
    query = select(Practitioner.code, Practitioner.trained_in, Practitioner.capacity)
    return {
        row.code: Line(row.code, None, date.min, None, True, row.capacity, None, None, None, None)
        for row in connection.execute(query.where(Practitioner.trained_in != ""))
        if programme in row.trained_in.split()
    }


def _providers(connection: Connection, programme: str) -> dict[str, Line]:
    query = select(ServiceLine, Provider.suspended_from).join(Provider, Provider.code == ServiceLine.provider)
    lines = {}
    for row in connection.execute(query.where(ServiceLine.programme == programme)):
        lines[row.provider] = Line(
            provider=row.provider, areas=frozenset(row.areas.split()), contracted_from=row.contracted_from,
            contracted_until=row.contracted_until, open_to_referrals=row.open_to_referrals, capacity=row.capacity,
            accreditation=row.accreditation, accredited_until=row.accredited_until,
            suspended_from=row.suspended_from, place=place_of(row.latitude, row.longitude),
        )  # fmt: skip
    return lines
