"""Both sides of SR-11 for tests: a man's pathway in one database, the support that follows it in another."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, select

from flows.support import support
from intake.restricted_files import FILES
from models import tables as t
from models.facts import KINDS, RESTRICTED
from models.limits import limits_on
from models.restricted import HeldText
from models.standing import Known, People
from settings import Channel, Sending, Settings, restricted
from store import texts
from store.database import reading, writing
from store.open import keep
from store.record import Outcome, Reported, as_row, record
from store.strand import area_row, keep_survivors, strand, support_of
from tasks.support import sweep_strand
from tests.life import Life, day, moment
from tests.world import add_case, evening, furnish

WORKER = People("NOBODY", "SW1", "SMG1", "SMG1", "SMG1", "SW1")
UNTAKEN = People(*["NOBODY"] * 6)


class Supported(Life):
    """The life of one support pathway, in memory."""

    def __init__(self, requested: str = "2026-01-05", people: People = WORKER, **more: Any) -> None:
        self.requested, self.people, self.facts = day(requested), people, []
        self.story = support
        self.add(requested, "requested", by="HEARD", route="adviser", **more)

    def add(self, on: Any, kind: str, recorded: Any = None, by: str = "SW1", **details: Any) -> "Supported":
        kinds = KINDS | RESTRICTED
        number = len(self.facts) + 1
        if "source" in kinds[kind].model_fields:
            details, by = {"source": f"F-{number}"} | details, "HEARD"
        common = {"happened_on": day(on), "recorded_at": moment(day(recorded or on)), "recorded_by": by}
        self.facts.append(kinds[kind](id=number, place=number, **common, **details))
        return self

    def known(self, upto: date | None = None) -> Known:
        facts = [fact for fact in self.facts if upto is None or fact.recorded_on <= upto]
        limits = limits_on("SUPPORT", self.requested)
        return Known("SUPPORT-1", "SUPPORT", None, [], self.people, limits, facts)


class Sides:
    """A main database and a restricted one."""

    def __init__(self, main: Engine, settings: Settings) -> None:
        self.main, self.settings = main, settings
        self.strand = strand(settings)
        furnish(main)

    # The man's side --------------------------------------------------------------------------------------------------

    def man(
        self, reference: str = "DVPP-D1", on: str = "2026-01-05", case: str = "CASE1", parties: Sequence[str] = ("PA", "PB"),
        **personal: str,
    ) -> "Sides":  # fmt: skip
        """A man ordered to go on DVPP."""
        life = Life(on, reference=reference)
        add_case(self.main, life, case=case, party=parties[0], parties=tuple(parties))
        for party in parties[1:]:
            self.change(self.main, t.Party, {"reference": party}, **personal)
        return self.happens(reference, "requested", on, route="court")

    def happens(self, subject: str, kind: str, on: str, told_already: bool = False, **details: Any) -> "Sides":
        """A fact of his side, written as it is stored."""
        with writing(self.main) as c:
            number = 1 + len(c.execute(select(t.FactRow.id)).all())
            common = {"happened_on": day(on), "recorded_at": moment(day(on)), "recorded_by": "P1"}
            fact = KINDS[kind](id=number, place=number, told_already=told_already, **common, **details)
            c.execute(t.FactRow.__table__.insert(), as_row(subject, fact) | {"identity": f"{number}"})
        return self

    def referred(self, reference: str = "DVPP-D1", on: str = "2026-01-07", **more: Any) -> "Sides":
        return self.happens(reference, "referral_sent", on, provider="P1", **more)

    def writes(self, body: str, pathway: str = "DVPP-D1", by: str = "P1") -> texts.Taken:
        """The provider hands in a text."""
        return texts.add(self.main, self.strand, pathway, by, body, evening(day("2026-02-02")))

    def kept(self) -> list[str]:
        return [row.body for row in self.rows(self.main, t.ProviderText)]

    # Hers ------------------------------------------------------------------------------------------------------------

    def staffed(self) -> "Sides":
        """A worker and her manager for area SA01."""
        with writing(self.strand) as c:
            people = {"SW1": "support_worker", "SMG1": "support_manager"}
            rows = [
                {"code": code, "name": f"Name {code}", "email": f"{code.lower()}@support.example", "role": role}
                for code, role in people.items()
            ]
            keep(c, t.Practitioner.__table__, rows)
            keep(c, t.Area.__table__, [area_row("SA01", "Area 1", "SW1", "SMG1")])
            c.execute(t.PathwayRow.__table__.update().values(look_on=day("2026-01-01")))
        return self

    def reached(self, pathway: str = "DVPP-D1", **details: str) -> "Sides":
        """What is known of a survivor."""
        row = FILES["survivors"].model.model_validate({"pathway": pathway, **details})
        with writing(self.strand) as c:
            keep_survivors(c, [row.model_dump(exclude_unset=True) | {"pathway": support_of(c, pathway)}])
        return self

    def records(self, kind: str, on: str, man: str = "DVPP-D1", **details: Any) -> Outcome:
        common = {"happened_on": day(on), "recorded_at": moment(day(on)), "recorded_by": "SW1"}
        fact = (RESTRICTED | KINDS)[kind](**common, **details)
        reported = [Reported(self.support(man).reference, fact)]
        return record(self.strand, reported, evening(day(on)), restricted(self.settings)).outcomes[0]

    def sweep(self, on: str | date | datetime) -> "Sides":
        now = on if isinstance(on, datetime) else evening(day(on))
        sweep_strand(support, now, self.settings)
        return self

    # What there is to see --------------------------------------------------------------------------------------------

    def rows(self, engine: Engine, table: Any, **matching: Any) -> list[Any]:
        query = select(table.__table__).order_by(*table.__table__.primary_key)
        with reading(engine) as c:
            return list(c.execute(query.filter_by(**matching) if matching else query))

    def support(self, man: str = "DVPP-D1") -> Any:
        with reading(self.strand) as c:
            reference = support_of(c, man)
        return self.rows(self.strand, t.PathwayRow, reference=reference)[0]

    def told(self) -> list[tuple[str, str]]:
        return [(row.to_code, row.wording) for row in self.rows(self.strand, t.NoticeRow)]

    def heard(self) -> list[tuple[str, str]]:
        return [
            (row.kind, row.happened_on.isoformat())
            for row in self.rows(self.strand, t.FactRow)
            if row.kind != "requested"
        ]

    def held(self, state: str = "held") -> list[Any]:
        return self.rows(self.strand, HeldText, state=state)

    def change(self, engine: Engine, table: Any, where: dict[str, Any], **values: Any) -> None:
        if values:
            with writing(engine) as c:
                c.execute(table.__table__.update().filter_by(**where).values(**values))


def apart(folder: Any, **more: Any) -> Settings:
    """Settings of two SQLite files in one folder."""
    urls = {
        "database": f"sqlite:///{folder / 'pathways.db'}",
        "restricted_database": f"sqlite:///{folder / 'restricted.db'}",
    }
    sending = Sending(days="any", opens="00:00", closes="23:59:59")
    return Settings(home=folder, profile="composite", sending=sending, **urls | more)


def to_sink(port: int) -> dict[str, Channel]:
    return {"mail": Channel(url=f"pathways-mail://127.0.0.1:{port}?security=none&timeout=5")}
