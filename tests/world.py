"""A database with the people, provider and case a pathway needs, and a life told to it as its days pass."""

from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Engine, select
from sqlmodel import SQLModel

from flows.spip import spip
from models import tables as t
from models.limits import limits_on
from settings import Settings
from store.advance import advance
from store.chase import chase
from store.database import database, reading, writing
from store.record import as_row
from tests.life import Life

SETTINGS = Settings(profile="composite")
PEOPLE = {
    "FCA1": "adviser", "FCA2": "adviser", "CO1": "commissioning_officer", "CM1": "commissioning_manager",
    "SM1": "service_manager", "AD1": "assistant_director", "BS1": "business_support",
}  # fmt: skip


def evening(day: date) -> datetime:
    return datetime.combine(day, time(20), UTC)


def empty(url: str = "sqlite://") -> Engine:
    """A fresh database; in memory unless said otherwise."""
    database.cache_clear()
    engine = database(url)
    SQLModel.metadata.create_all(engine)
    return engine


def furnish(engine: Engine, **lines: dict[str, Any]) -> None:
    """The staff, one area, one court, and two providers of SPIP, P1 and P2."""
    with writing(engine) as c:
        c.execute(t.Practitioner.__table__.insert(), [
            {"code": code, "name": f"Name {code}", "email": f"{code.lower()}@staff.example", "role": role, "telling": "instant"}
            for code, role in PEOPLE.items()
        ])  # fmt: skip
        c.execute(t.Area.__table__.insert(), {
            "code": "SA01", "label": "Area 1", "commissioning_officer": "CO1", "commissioning_manager": "CM1",
            "service_manager": "SM1", "assistant_director": "AD1", "business_support": "BS1",
        })  # fmt: skip
        c.execute(t.Court.__table__.insert(), {"code": "CT01", "name": "Alder Family Court", "area": "SA01"})
        for code in ("P1", "P2"):
            c.execute(
                t.Provider.__table__.insert(),
                {"code": code, "name": f"Provider {code}", "mailbox": f"{code.lower()}@p.example"},
            )
            line = {
                "provider": code,
                "programme": "SPIP",
                "areas": "SA01",
                "contracted_from": date(2010, 4, 1),
                "open_to_referrals": True,
            }
            c.execute(t.ServiceLine.__table__.insert(), line | lines.get(code, {}))


def add_case(
    engine: Engine, life: Life, case: str = "CASE1", party: str = "PA", parties: tuple[str, ...] = ("PA", "PB")
) -> None:
    """The life's case, its parties, its direction and its pathway; none of its facts yet."""
    limits = limits_on("SPIP", life.requested)
    import json

    with writing(engine) as c:
        if not c.execute(select(t.Case.reference).where(t.Case.reference == case)).first():
            c.execute(t.Case.__table__.insert(), {
                "reference": case, "same_as": case, "court": "CT01", "adviser": "FCA1", "received_on": life.requested, "sample": False,
            })  # fmt: skip
            c.execute(t.Party.__table__.insert(), [
                {"reference": p, "case": case, "role": role, "name": f"Person {p}"}
                for p, role in zip(parties, ("applicant", "respondent"), strict=True)
            ])  # fmt: skip
        if not c.execute(select(t.LimitSet.id).where(t.LimitSet.id == limits.id)).first():
            c.execute(
                t.LimitSet.__table__.insert(), {"id": limits.id, "content": json.dumps(limits.content, sort_keys=True)}
            )
        c.execute(t.Direction.__table__.insert(), {
            "reference": life.reference.removeprefix("SPIP-"), "order": "O1", "case": case, "party": party, "activity": "SPIP",
            "made_on": life.requested, "monitoring_requested": life.monitoring,
        })  # fmt: skip
        c.execute(t.PathwayRow.__table__.insert(), {
            "reference": life.reference, "programme": "SPIP", "case": case, "party": party, "area": "SA01", "limits": limits.id,
            "direction": life.reference.removeprefix("SPIP-"), "opened_on": life.requested, "since": life.requested,
            "look_on": life.requested, "state": "requested", "label": "Requested",
        })  # fmt: skip


class World:
    """One life in one database, as its days pass."""

    def __init__(self, engine: Engine, life: Life) -> None:
        self.engine = engine
        self.life = life
        self.told = 0

    @classmethod
    def of(cls, life: Life) -> "World":
        engine = empty()
        furnish(engine)
        add_case(engine, life)
        return cls(engine, life)

    def go(self, today: date) -> None:
        """Record what had become known by the evening of a day, then advance and chase."""
        known = [fact for fact in self.life.facts[self.told :] if fact.recorded_on <= today]
        with writing(self.engine) as c:
            if known:
                case_kinds = {"case": "CASE1", "pathway": self.life.reference}
                c.execute(t.FactRow.__table__.insert(), [
                    as_row(case_kinds[fact.about], fact) | {"identity": f"{fact.id}"} for fact in known
                ])  # fmt: skip
                c.execute(t.PathwayRow.__table__.update().values(look_on=today))
        self.told += len(known)
        done = advance(self.engine, "SPIP", spip, evening(today), SETTINGS)
        assert not done.failed, done.failed
        chase(self.engine, evening(today), SETTINGS)

    def _rows(self, table: Any) -> list[dict[str, Any]]:
        with reading(self.engine) as c:
            return [dict(row) for row in c.execute(select(table.__table__)).mappings()]

    def standing(self) -> dict[str, Any]:
        return {name: value for name, value in self._rows(t.PathwayRow)[0].items() if name != "look_on"}

    def duties(self) -> dict[str, Any]:
        columns = ("kind", "on_code", "opened_on", "due_on", "state", "closed_on", "paused")
        rows = [row for row in self._rows(t.DutyRow) if row["kind"] != "phone_provider"]
        return {row["key"]: tuple(row[name] for name in columns) for row in rows}

    def notices(self) -> set[tuple[str, str]]:
        return {(row["to_code"], row["occasion"]) for row in self._rows(t.NoticeRow) if row["wording"] != "chase"}

    def chases(self) -> set[tuple[str, str]]:
        """Chases by recipient and step; those for a near hearing, which come round again, without their day."""
        rows = [row for row in self._rows(t.NoticeRow) if row["wording"] == "chase"]
        return {(row["to_code"], row["occasion"].partition(":2026-")[0]) for row in rows}

    def everything(self) -> list[Any]:
        return [self._rows(table) for table in (t.PathwayRow, t.DutyRow, t.NoticeRow, t.MessageRow)]
