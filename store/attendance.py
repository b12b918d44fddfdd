"""What is known of the attendance a provider reports on: its referrals, their sessions and their weeks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from models.facts import Fact
from models.facts.dvpp import WeeklyAttendance
from models.facts.referral import ReferralSent
from models.tables import DutyRow, PathwayRow
from store.database import in_batches
from store.pathways import record_of

duties = DutyRow.__table__
pathways = PathwayRow.__table__


@dataclass(frozen=True)
class Held:
    """A pathway that a provider holds, or held when it ended."""

    programme: str
    facts: Sequence[Fact]
    """What stands since it was referred last."""
    weeks: Mapping[int, date]
    """The day of each week that was asked for or reported on since."""
    seen: int
    """The number of the last fact about it."""


def held(connection: Connection, provider: str, references: Collection[str]) -> dict[str, Held]:
    """Those of some references that this provider holds; another's are as unknown as if there were none."""
    programmes: dict[str, str] = {}
    days: dict[str, list[tuple[int, int, date]]] = {}
    for some in in_batches(sorted(references)):
        query = select(pathways.c.reference, pathways.c.programme)
        query = query.where(pathways.c.reference.in_(some), pathways.c.provider == provider)
        programmes |= dict(connection.execute(query).all())
        weekly = select(duties.c.pathway, duties.c.key, duties.c.opened_on)
        weekly = weekly.where(duties.c.pathway.in_(some), duties.c.kind == "weekly_attendance")
        for pathway, key, day in connection.execute(weekly):
            _, begun, week = key.split(":")
            days.setdefault(pathway, []).append((int(begun), int(week), day))
    records = record_of(connection, programmes)
    found = {}
    for reference, programme in programmes.items():
        live = records[reference].live
        since = max((fact.place for fact in live if isinstance(fact, ReferralSent)), default=0)
        facts = [fact for fact in live if fact.place >= since]
        weeks = {fact.week: fact.happened_on for fact in facts if isinstance(fact, WeeklyAttendance)}
        weeks |= {week: day for begun, week, day in sorted(days.get(reference, ())) if begun > since}
        found[reference] = Held(programme, facts, weeks, max((fact.id for fact in live), default=0))
    return found
