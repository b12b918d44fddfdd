"""Who can take a referral, and who is told: providers with their lines, read once a batch."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, func, select

from models.facts import Fact
from models.facts.referral import ReferralDeclined
from models.limits import Profile, open_to_referrals
from models.tables import PathwayRow, Provider, ServiceLine

NEEDS_ACCREDITATION = {"DVPP": "Respect", "CCI": "NACCC enhanced", "SUPPORTED": "NACCC"}
"""Programmes that only an accredited provider may take (SR-04, SR-05, SR-08); SPIP needs none."""

Place = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One programme of one provider."""

    provider: str
    areas: frozenset[str]
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
    """How many open pathways each provider holds."""

    def why_not(self, provider: str, area: str, day: date, *, already_made: bool = False) -> str | None:
        """Why a provider may take no new referral on a day (SR-16); None when it may.

        A referral that was already made elsewhere is judged by the dates of that day only: whether the provider is open
        and has room now says nothing about then.
        """
        line = self.lines.get(provider)
        if not open_to_referrals(self.programme, day, self.profile, self.limits):
            return f"{self.programme} takes no referrals on {day:%d/%m/%Y}"
        if line is None:
            return f"{provider} does not deliver {self.programme}"
        if area not in line.areas:
            return f"{provider} does not serve area {area}"
        if day < line.contracted_from or (line.contracted_until and day > line.contracted_until):
            return f"{provider} has no contract for {self.programme} on {day:%d/%m/%Y}"
        if line.suspended_from and day >= line.suspended_from:
            return f"{provider} is suspended since {line.suspended_from:%d/%m/%Y}"
        wanted = NEEDS_ACCREDITATION.get(self.programme)
        if wanted and (line.accreditation != wanted or not line.accredited_until or day > line.accredited_until):
            return f"{provider} has no live {wanted} accreditation on {day:%d/%m/%Y}"
        if already_made:
            return None
        if not line.open_to_referrals:
            return f"{provider} is not open to referrals"
        if line.capacity is not None and self.holding[provider] >= line.capacity:
            return f"{provider} holds {self.holding[provider]} referrals, as many as it has room for"
        return None

    def proposed(self, area: str, home: Place | None, day: date, facts: Iterable[Fact]) -> list[str]:
        """Providers a person could be referred to, the nearest first; without coordinates, the one with most room."""
        declined = {fact.provider for fact in facts if isinstance(fact, ReferralDeclined)}
        able = [code for code in self.lines if code not in declined and not self.why_not(code, area, day)]
        return sorted(able, key=lambda code: (self._distance(code, home), self._fullness(code), code))

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
    """Read the providers of one programme and how many open referrals each holds."""
    query = select(ServiceLine, Provider.suspended_from).join(Provider, Provider.code == ServiceLine.provider)
    lines = {}
    for row in connection.execute(query.where(ServiceLine.programme == programme)):
        lines[row.provider] = Line(
            provider=row.provider, areas=frozenset(row.areas.split()), contracted_from=row.contracted_from,
            contracted_until=row.contracted_until, open_to_referrals=row.open_to_referrals, capacity=row.capacity,
            accreditation=row.accreditation, accredited_until=row.accredited_until,
            suspended_from=row.suspended_from, place=place_of(row.latitude, row.longitude),
        )  # fmt: skip
    held = (
        select(PathwayRow.provider, func.count())
        .where(PathwayRow.programme == programme, PathwayRow.closed_on.is_(None), PathwayRow.provider.is_not(None))
        .group_by(PathwayRow.provider)
    )
    holding = Counter(dict(connection.execute(held).all()))
    return Directory(programme, profile, limits, lines, holding)
