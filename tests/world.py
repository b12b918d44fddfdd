"""Databases with the people, providers and cases a pathway needs; a life told to one, and an office that uses one."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from threading import Barrier
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, select
from sqlmodel import SQLModel

from flows.programmes import PROGRAMMES
from models import tables as t
from models.facts import KINDS
from models.limits import limits_on
from models.pathway import Pathway
from notifications.channels import Channels
from settings import Channel, Settings
from store import outbox
from store.advance import Advanced, advance
from store.chase import Chased, chase
from store.database import database, reading, writing
from store.open import Opening, keep, open_pathways
from store.record import Outcome, Recorded, Reported, as_row, record
from tasks.deliver import send
from tests.life import Life, day, moment
from tests.smtp_sink import Sink

T = TypeVar("T")
SETTINGS = Settings(profile="composite")
PEOPLE = {
    "FCA1": "adviser", "FCA2": "adviser", "CO1": "commissioning_officer", "CM1": "commissioning_manager",
    "SM1": "service_manager", "AD1": "assistant_director", "BS1": "business_support", "RA1": "research_analyst",
    "FCA3": "adviser",
}  # fmt: skip

FIELDS = {
    "due": "2026-01-12", "session_on": "2026-01-20", "missing": ["enquiries", "conversation with PB"], "proposed": ["P1", "P2"],
    "provider": "P1", "result": "part", "duty": "attendance_report", "owed_by": "P1", "late": 5, "step": "R2",
    "step_name": "second chase", "hearing": "2026-02-02", "reason": "not_motivated", "report": "midway", "paper": "note",
    "answer": "not_referred", "ground": "threshold_not_met", "week": 8, "number": 17, "corrects": 17, "declined_by": "P1", "fact": "attendance_reported", "receipt": "RC-1A2B3C4D", "weeks": 26, "held": 3, "until": "2026-04-02",
    "day": "2026-01-20", "session": "CP-1", "sitting": "child", "starts": "2026-03-30T09:00:00+00:00",
    "ends": "2026-03-30T10:00:00+00:00", "sequence": 0,
}  # fmt: skip
"""Something for every field that a notice may have."""


def evening(day: date) -> datetime:
    return datetime.combine(day, time(20), UTC)


def empty(url: str = "sqlite://") -> Engine:
    """A fresh database; in memory unless said otherwise."""
    database.cache_clear()
    engine = database(url)
    with engine.connect() as connection:
        _tables().backup(connection.connection.driver_connection)
    return engine


@cache
def _tables() -> sqlite3.Connection:
    """A database in memory with the tables of the models, made once and copied ever after."""
    made, engine = sqlite3.connect(":memory:", check_same_thread=False), database.__wrapped__("sqlite://")
    SQLModel.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.connection.driver_connection.backup(made)
    return made


def furnish(engine: Engine, providers: Sequence[str] = ("P1", "P2"), **lines: dict[str, Any]) -> None:
    """The staff, one area, one court, two providers of SPIP and DVPP, P1 and P2; FCA3 is trained in CPPP."""
    with writing(engine) as c:
        c.execute(t.Practitioner.__table__.insert(), [
            {"code": code, "name": f"Name {code}", "email": f"{code.lower()}@staff.example", "role": role, "telling": "instant",
             "trained_in": "CPPP" if code == "FCA3" else ""}
            for code, role in PEOPLE.items()
        ])  # fmt: skip
        c.execute(t.Area.__table__.insert(), {
            "code": "SA01", "label": "Area 1", "commissioning_officer": "CO1", "commissioning_manager": "CM1",
            "service_manager": "SM1", "assistant_director": "AD1", "business_support": "BS1", "research_analyst": "RA1",
        })  # fmt: skip
        c.execute(t.Court.__table__.insert(), {"code": "CT01", "name": "Alder Family Court", "area": "SA01"})
        for code in providers:
            c.execute(
                t.Provider.__table__.insert(),
                {"code": code, "name": f"Provider {code}", "mailbox": f"{code.lower()}@p.example"},
            )
            line = {"provider": code, "areas": "SA01", "contracted_from": date(2010, 4, 1), "open_to_referrals": True}
            c.execute(t.ServiceLine.__table__.insert(), line | {"programme": "SPIP"} | lines.get(code, {}))
            respect = {"programme": "DVPP", "accreditation": "Respect", "accredited_until": date(2030, 3, 31)}
            c.execute(t.ServiceLine.__table__.insert(), line | respect | lines.get(f"{code}_dvpp", {}))


def add_case(
    engine: Engine, life: Life, case: str = "CASE1", party: str = "PA", parties: tuple[str, ...] = ("PA", "PB")
) -> None:
    """The life's case, its parties, its direction and its pathway; none of its facts yet."""
    limits = limits_on(life.programme, life.requested)
    direction = life.reference.partition("-")[2] if life.facts[0].route == "court" else None
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
        if direction:
            c.execute(t.Direction.__table__.insert(), {
                "reference": direction, "order": "O1", "case": case, "party": party, "activity": life.programme,
                "made_on": life.requested, **asdict(life.terms),
            })  # fmt: skip
        c.execute(t.PathwayRow.__table__.insert(), {
            "reference": life.reference, "programme": life.programme, "case": case, "party": life.party and party, "area": "SA01",
            "limits": limits.id, "direction": direction, "opened_on": life.requested, "since": life.requested,
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
        lapses = {"accredited_until": life.accredited_until} if life.accredited_until else {}
        # P3 is open always: that on some day nobody is, is no fact, and is said on the days it is looked at only.
        furnish(engine, ("P1", "P2", "P3"), P1_dvpp=lapses, P2_dvpp=lapses)
        add_case(engine, life)
        with writing(engine) as c:
            for provider in ("P1", "P2"):
                for begins, ends in life.closed_weeks:
                    row = {"provider": provider, "closed_from": begins, "closed_until": ends}
                    c.execute(t.Closure.__table__.insert(), row)
            # What a pathway writes down of itself is numbered after all that its life has still to tell.
            last = as_row("NOBODY", life.facts[0].model_copy(update={"id": 1_000_000}))
            c.execute(t.FactRow.__table__.insert(), last)
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
        done = advance(self.engine, self.life.programme, self.life.story, evening(today), SETTINGS)
        assert not done.failed, done.failed
        chase(self.engine, evening(today), SETTINGS)

    def _rows(self, table: Any) -> list[dict[str, Any]]:
        with reading(self.engine) as c:
            return [dict(row) for row in c.execute(select(table.__table__)).mappings()]

    def standing(self) -> dict[str, Any]:
        row = next(row for row in self._rows(t.PathwayRow) if row["reference"] == self.life.reference)
        return {name: value for name, value in row.items() if name not in ("look_on", "version")}

    def duties(self) -> dict[str, Any]:
        columns = ("kind", "on_code", "opened_on", "due_on", "state", "closed_on", "paused")
        rows = [row for row in self._rows(t.DutyRow) if row["kind"] != "phone_provider"]
        return {row["key"]: tuple(row[name] for name in columns) for row in rows}

    def notices(self) -> set[tuple[str, str]]:
        return {(row["to_code"], row["occasion"]) for row in self._rows(t.NoticeRow) if row["wording"] != "chase"}

    def chases(self) -> dict[str, set[str]]:
        """The steps sent for each duty; one for a near hearing, which comes round again, each time it came."""
        steps: dict[str, set[str]] = defaultdict(set)
        for row in self._rows(t.NoticeRow):
            if row["wording"] == "chase":
                _, step, duty = row["occasion"].split(":", 2)
                steps[duty.partition(":2026-")[0]].add(step + row["created_at"].isoformat())
        return steps

    def rungs(self) -> dict[str, str | None]:
        """How far up its ladder each duty stands that is still chased; a near hearing's step counts as the rung it is."""
        rows = [row for row in self._rows(t.DutyRow) if row["state"] == "open" and not row["paused"]]
        return {row["key"]: row["step"] for row in rows if not row["key"].startswith("phone_provider")}

    def everything(self) -> list[Any]:
        return [self._rows(table) for table in (t.PathwayRow, t.DutyRow, t.NoticeRow, t.MessageRow)]


def mailing(sink: Sink, **more: Any) -> Settings:
    """Settings under which everybody's mail goes to a server of ours."""
    channels = {"mail": Channel(url=f"pathways-mail://127.0.0.1:{sink.port}?security=none&timeout=5")}
    return Settings(profile="composite", channels=more.pop("channels", channels), **more)


class Office:
    """The real store and what people do with it, each on its day. Staff FCA1 advises; P1 and P2 are providers.

    A fact is recorded at noon of the day it happened, unless said otherwise; the office advances and chases at 20:00.
    """

    def __init__(self, engine: Engine, settings: Settings = SETTINGS, **lines: dict[str, Any]) -> None:
        self.engine = engine
        self.settings = settings
        furnish(engine, **lines)

    @classmethod
    def at(cls, engine: Engine, settings: Settings = SETTINGS) -> "Office":
        """An office over a database that is furnished already."""
        made = cls.__new__(cls)
        made.engine, made.settings = engine, settings
        return made

    # What people do --------------------------------------------------------------------------------------------------

    def case(
        self, case: str = "CASE1", parties: Sequence[str] = ("PA", "PB"), adviser: str = "FCA1", **personal: Any
    ) -> "Office":
        """A case and its parties. `personal` is what is known of each of them."""
        with writing(self.engine) as c:
            c.execute(t.Case.__table__.insert(), {
                "reference": case, "same_as": case, "court": "CT01", "adviser": adviser, "sample": False,
                "received_on": date(2020, 1, 1),
            })  # fmt: skip
            for party, role in zip(parties, ("applicant", "respondent"), strict=False):
                row = {"reference": party, "case": case, "role": role, "name": f"Person {party}", **personal}
                c.execute(t.Party.__table__.insert(), row)
        return self

    def opening(
        self,
        reference: str,
        party: str = "PA",
        case: str = "CASE1",
        on: str | date = "2026-01-05",
        route: str = "court",
        **more: Any,
    ) -> Opening:
        programme = reference.partition("-")[0]
        return Opening(reference, programme, route, case, party, "SA01", day(on), "FCA1", moment(day(on)), **more)

    def opens(
        self,
        reference: str = "SPIP-D1",
        party: str | None = "PA",
        monitoring: bool = False,
        in_final_order: bool = False,
        assessment_only: bool = False,
        **more: Any,
    ) -> str:
        """Open a pathway. Returns why not; empty when it was opened."""
        opening = self.opening(reference, party, **more)
        with writing(self.engine) as c:
            if opening.route == "court":
                direction = {
                    "reference": reference.partition("-")[2], "order": "O1", "case": opening.case, "party": party,
                    "activity": opening.programme, "made_on": opening.requested_on, "monitoring_requested": monitoring,
                    "in_final_order": in_final_order, "assessment_only": assessment_only,
                }  # fmt: skip
                keep(c, t.Direction.__table__, [direction])
                opening = self.opening(reference, party, **more, direction=direction["reference"])
            return open_pathways(c, [opening], self.settings).get(reference, "")

    def reported(
        self,
        subject: str,
        kind: str,
        on: str | date,
        by: str = "FCA1",
        at: datetime | None = None,
        supersedes: int | None = None,
        **details: Any,
    ) -> Reported:
        common = {"happened_on": day(on), "recorded_at": at or moment(day(on)), "recorded_by": by}
        return Reported(subject, KINDS[kind](**common, supersedes=supersedes, **details))

    def booking(self, subject: str, session: str, on: str | date, held: str | date, hour: int = 18, **more: Any) -> Any:
        starts = moment(day(held), hour)
        times = {"starts_at": starts, "ends_at": starts + timedelta(hours=4)}
        return self.reported(subject, "session_booked", on, session=session, **times, **more)

    def record(self, *reported: Reported, now: datetime | None = None) -> Recorded:
        now = now or max(evening(one.fact.recorded_on) for one in reported)
        return record(self.engine, reported, now, self.settings)

    def says(self, subject: str, kind: str, on: str | date, **more: Any) -> Outcome:
        """Report one fact. Returns what became of it."""
        return self.record(self.reported(subject, kind, on, **more)).outcomes[0]

    def books(self, subject: str, session: str, on: str | date, held: str | date, **more: Any) -> Outcome:
        return self.record(self.booking(subject, session, on, held, **more)).outcomes[0]

    def referred(self, reference: str = "SPIP-D1", provider: str = "P1", on: str | date = "2026-01-06") -> "Office":
        """The gate is passed and the referral is sent, on one day."""
        self._taken(self.says(reference, "safeguarding_letter_filed", on))
        self._taken(self.says(reference, "referral_sent", on, provider=provider))
        return self

    def acknowledged(self, reference: str = "SPIP-D1", provider: str = "P1", on: str | date = "2026-01-07") -> "Office":
        self.referred(reference, provider)
        self._taken(self.says(reference, "acknowledged", on, by=provider, provider=provider))
        return self

    def awaiting_report(self, reference: str = "SPIP-D1", provider: str = "P1", held: str = "2026-01-16") -> "Office":
        """A session was booked and held, and nothing is heard of it since."""
        self.acknowledged(reference, provider)
        self._taken(self.books(reference, f"S-{reference}", "2026-01-08", held))
        return self

    @staticmethod
    def _taken(outcome: Outcome) -> None:
        assert outcome.result in ("recorded", "unchanged"), outcome.why

    # What the machine does -------------------------------------------------------------------------------------------

    def advance(
        self,
        on: str | date,
        *references: str,
        story: Callable[[Pathway], None] | None = None,
        settings: Settings | None = None,
    ) -> Advanced:
        """Advance pathways of every programme, or by a story of the test's own those of SPIP."""
        done = Advanced()
        for programme, theirs in ({"SPIP": story} if story else PROGRAMMES).items():
            names = [name for name in references if name.startswith(f"{programme}-")]
            if names or not references:
                done.add(
                    advance(self.engine, programme, theirs, evening(day(on)), settings or self.settings, names or None)
                )
        return done

    def chase(self, on: str | date) -> Chased:
        return chase(self.engine, evening(day(on)), self.settings)

    def round(self, on: str | date) -> "Office":
        """What the day makes due: advance, then chase."""
        assert not (failed := self.advance(on).failed), failed
        self.chase(on)
        return self

    def rounds(self, first: str | date, last: str | date) -> "Office":
        """A round every day from the first to the last."""
        for n in range((day(last) - day(first)).days + 1):
            self.round(day(first) + timedelta(days=n))
        return self

    def gather(self, now: datetime) -> int:
        return outbox.gather(self.engine, now, self.settings)

    def send(self, now: datetime) -> Counter[str]:
        with Channels(self.settings) as channels:
            return send(self.engine, channels, now, self.settings)

    def mail(self, now: datetime) -> Counter[str]:
        """Gather, then send all that may go."""
        self.gather(now)
        done: Counter[str] = Counter()
        while batch := self.send(now):
            done += batch
        return done

    # What there is to see --------------------------------------------------------------------------------------------

    def rows(self, table: Any, **matching: Any) -> list[Any]:
        columns = table.__table__
        query = select(columns).order_by(*columns.primary_key)
        for name, value in matching.items():
            query = query.where(columns.c[name] == value)
        with reading(self.engine) as c:
            return list(c.execute(query))

    def pathway(self, reference: str = "SPIP-D1") -> Any:
        return self.rows(t.PathwayRow, reference=reference)[0]

    def duty(self, kind: str, reference: str = "SPIP-D1") -> Any:
        """The latest duty of a kind."""
        return self.rows(t.DutyRow, pathway=reference, kind=kind)[-1]

    def owed(self, reference: str = "SPIP-D1") -> dict[str, str]:
        """What is open: kind of duty, to by whom."""
        return {row.kind: row.on_code for row in self.rows(t.DutyRow, pathway=reference, state="open")}

    def told(self, reference: str = "SPIP-D1") -> set[tuple[str, str]]:
        """Who was told what but chases: (code, wording)."""
        return {(r.to_code, r.wording) for r in self.rows(t.NoticeRow, pathway=reference) if r.wording != "chase"}

    def chases(self, on: str | date | None = None, **matching: Any) -> list[tuple[str, str, str]]:
        """Chases, of one day or all: (step, role, code), in order."""
        rows = self.rows(t.NoticeRow, wording="chase", **matching)
        return sorted(
            (row.fields["step"], row.to_role, row.to_code)
            for row in rows
            if on is None or row.created_at.date() == day(on)
        )

    def put(self, table: Any, where: dict[str, Any], **values: Any) -> None:
        """Change rows by hand, as the files of the directory do."""
        query = table.__table__.update().values(**values)
        for name, value in where.items():
            query = query.where(table.__table__.c[name] == value)
        with behind_its_back(self.engine) if table is t.FactRow else writing(self.engine) as c:
            c.execute(query)

    def notice(
        self, wording: str, to: tuple[str, str], occasion: str = "", pathway: str = "SPIP-D1", **fields: Any
    ) -> None:
        """A notice as the store writes it."""
        row = {
            "pathway": pathway, "to_role": to[0], "to_code": to[1], "wording": wording, "fields": fields,
            "occasion": occasion or f"{wording}:1", "created_at": moment(date(2026, 1, 5)), "withheld": None,
        }  # fmt: skip
        with writing(self.engine) as c:
            c.execute(t.NoticeRow.__table__.insert(), row)
            if to[0] == "provider":  # who is written to about a referral is who holds it
                c.execute(t.PathwayRow.__table__.update().values(provider=to[1]))


@contextmanager
def behind_its_back(engine: Engine) -> Iterator[Connection]:
    """A transaction of somebody who owns the database: nothing of it keeps them from changing what is only added to."""
    with writing(engine) as c:
        if engine.dialect.name == "sqlite":
            guards = c.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
            off, on = [f"DROP TRIGGER {guard.name}" for guard in guards], [guard.sql for guard in guards]
        else:
            off, on = ([f"ALTER TABLE {x} {y} TRIGGER USER" for x in ("fact", "audit")] for y in ("DISABLE", "ENABLE"))
        for statement in off:
            c.exec_driver_sql(statement)
        yield c
        for statement in on:
            c.exec_driver_sql(statement)


def at_once(*works: Callable[[], T]) -> list[T | Exception]:
    """Do several things in threads that start together. Returns what each gave or raised."""
    gate = Barrier(len(works))

    def begun(work: Callable[[], T]) -> T | Exception:
        gate.wait(10)
        try:
            return work()
        except Exception as problem:
            return problem

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(begun, works))
