"""Recording facts: each is checked against what is known, in the transaction that writes it.

A fact already recorded changes nothing. One that contradicts another, comes before what it depends on, or breaks a
safety rule is refused with a sentence. The others of the same call go in.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, func, select, update

from models.facts import (
    AttendanceReported,
    ContactFailed,
    Fact,
    LetterSent,
    ProviderPhoned,
    ReferralSent,
    Requested,
    Retracted,
    SessionBooked,
)
from models.pathway import Pathway
from models.safety import Around, Blocked, check, seats_of
from models.tables import Case, FactRow, PathwayRow, Practitioner, Provider
from models.working_days import london_date, say
from settings import Settings
from store.database import in_batches, is_sqlite, reading, writing
from store.pathways import Directories, Loaded, load, pathway_rows, record_of

pathways = PathwayRow.__table__
facts = FactRow.__table__


@dataclass(frozen=True)
class Reported:
    """A fact somebody reports about a pathway or a case. `tag` is the caller's own, handed back with the outcome."""

    subject: str
    fact: Fact
    tag: object = None


@dataclass(frozen=True)
class Outcome:
    """What became of a reported fact: "recorded", "unchanged" or "refused", and then why."""

    reported: Reported
    result: str
    fact_id: int | None = None
    field: str = "fact"
    """The column at fault, where it was refused."""
    why: str = ""
    rule: str | None = None
    """The safety rule that refused it, if one did."""


class Refused(Exception):
    """{why}"""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field, self.why = field, why


@dataclass
class Recorded:
    outcomes: list[Outcome] = field(default_factory=list)
    touched: set[tuple[str, str]] = field(default_factory=set)
    """The pathways whose standing may change, as (programme, reference): those to nudge."""

    def count(self, result: str) -> int:
        return sum(outcome.result == result for outcome in self.outcomes)


def record(
    engine: Engine, reported: Sequence[Reported], now: datetime, settings: Settings,
    progress: Callable[[int], None] = lambda count: None,
) -> Recorded:  # fmt: skip
    """Record facts, a few hundred cases a transaction. Nothing here asks or waits for Prefect."""
    done = Recorded()
    for some in _by_case(engine, reported):
        with writing(engine) as connection:
            _record_batch(connection, some, now, settings, done)
        progress(len(some))
    return done


def _by_case(engine: Engine, reported: Sequence[Reported]) -> Iterator[list[Reported]]:
    """Batches in which all that is about one case stays together, in the order it happened."""
    case_of: dict[str, str] = {}
    with reading(engine) as connection:
        for some in in_batches(sorted({one.subject for one in reported})):
            query = select(pathways.c.reference, pathways.c.case).where(pathways.c.reference.in_(some))
            case_of |= dict(connection.execute(query).all())
    by_case: dict[str, list[Reported]] = defaultdict(list)
    for one in sorted(reported, key=lambda one: one.fact.happened_on):
        by_case[case_of.get(one.subject, one.subject)].append(one)
    for cases in in_batches(list(by_case), 400):
        yield [one for case in cases for one in by_case[case]]


def _record_batch(
    connection: Connection, some: Sequence[Reported], now: datetime, settings: Settings, done: Recorded
) -> None:
    book = _Book(connection, some, now, settings)
    waiting, moved = list(some), True
    while waiting and moved:
        # What is reported in one file for one day may stand in any order: what was refused is tried again for as long
        # as something else is taken.
        outcomes = [book.enter(one) for one in waiting]
        taken = [outcome for outcome in outcomes if outcome.result != "refused"]
        moved = any(outcome.result == "recorded" for outcome in taken)
        done.outcomes += taken
        refused = [outcome for outcome in outcomes if outcome.result == "refused"]
        waiting = [outcome.reported for outcome in refused]
    done.outcomes += refused if some else []
    book.write()
    done.touched |= {(book.loaded[reference].row.programme, reference) for reference in book.touched}


class _Book:
    """The cases a batch is about: what is known of their pathways, and what is being added."""

    def __init__(self, connection: Connection, some: Sequence[Reported], now: datetime, settings: Settings) -> None:
        self.connection = connection
        self.now = now
        self.today = london_date(now)
        self.directories = Directories(connection, settings.profile, settings.limits)
        cases = self._lock_cases({one.subject for one in some})
        self._lock_providers({one.fact.provider for one in some if isinstance(one.fact, ReferralSent)})
        rows = _rows_of(connection, cases)
        self.loaded = {one.row.reference: one for one in load(connection, rows, self.today, self.directories)}
        self.of_case: dict[str, list[Loaded]] = {case: [] for case in cases}
        for one in self.loaded.values():
            self.of_case[one.row.case].append(one)
        self.records = record_of(connection, cases | set(self.loaded))
        self.roles = dict(connection.execute(select(Practitioner.code, Practitioner.role)).all())
        self.providers = set(connection.execute(select(Provider.code)).scalars())
        self.numbers = fact_numbers(connection)
        self.new: list[dict[str, object]] = []
        self.touched: set[str] = set()
        self.referred: dict[str, str] = {}

    def _lock_cases(self, subjects: set[str]) -> set[str]:
        """The cases of the subjects, held until the end: two people recording on one case take turns."""
        found: set[str] = set()
        for some in in_batches(sorted(subjects)):
            of_pathways = select(pathways.c.case).where(pathways.c.reference.in_(some))
            found |= set(self.connection.execute(of_pathways).scalars())
            found |= set(self.connection.execute(select(Case.reference).where(Case.reference.in_(some))).scalars())
        if not is_sqlite(self.connection):
            for some in in_batches(sorted(found)):
                query = select(Case.reference).where(Case.reference.in_(some)).order_by(Case.reference)
                self.connection.execute(query.with_for_update())
        return found

    def _lock_providers(self, codes: set[str]) -> None:
        """Nobody else refers to these providers meanwhile: the last place is given once."""
        if codes and not is_sqlite(self.connection):
            query = select(Provider.code).where(Provider.code.in_(codes)).order_by(Provider.code)
            self.connection.execute(query.with_for_update())

    def enter(self, reported: Reported) -> Outcome:
        """Take a fact into the book, or say why not."""
        try:
            subject, about = self._subject(reported)
            fact = reported.fact
            if known := self._known_already(subject, fact):
                return Outcome(reported, "unchanged", fact_id=known.id)
            self._sound(fact, about)
            for one in about:
                self._follows(one, subject, fact)
            self._agrees(subject, fact)
            for one in about:
                check(Pathway(one.known, self.today), fact, self._around(one))
        except Refused as refusal:
            return Outcome(reported, "refused", field=refusal.field, why=refusal.why)
        except Blocked as blocked:
            return Outcome(reported, "refused", why=str(blocked), rule=blocked.rule)
        return Outcome(reported, "recorded", fact_id=self._enter(subject, fact, about))

    def _subject(self, reported: Reported) -> tuple[str, list[Loaded]]:
        """What the fact is about, and the pathways it touches. What happens in a case touches all its pathways."""
        given, fact = reported.subject, reported.fact
        one = self.loaded.get(given)
        if one is None and given not in self.of_case:
            raise Refused("about", f"{given} is neither a pathway nor a case we know; load its case or direction first")
        about_case = fact.about == "case" or (isinstance(fact, Retracted) and one is None)
        if about_case:
            case = one.row.case if one else given
            return case, self.of_case[case]
        if one is None:
            names = ", ".join(each.row.reference for each in self.of_case[given]) or "none yet"
            raise Refused("about", f"{fact.label} is about one pathway, not the case {given}; its pathways: {names}")
        return given, [one]

    def _known_already(self, subject: str, fact: Fact) -> Fact | None:
        """The same thing said before, even if corrected since: loading a file again must not undo a correction."""
        record = self.records[subject]
        alike = (f for f in (*record.live, *record.corrected.values()) if f.identity == fact.identity)
        return next((f for f in alike if f.supersedes == fact.supersedes and f.content == fact.content), None)

    def _sound(self, fact: Fact, about: list[Loaded]) -> None:
        """Dates that can be, and codes we know."""
        if fact.happened_on > self.today:
            raise Refused("happened_on", f"{say(fact.happened_on)} is still to come; a fact has happened")
        if fact.recorded_at > self.now:
            raise Refused("recorded_at", "it cannot be recorded at a time still to come")
        if fact.recorded_on < fact.happened_on:
            raise Refused("recorded_at", f"it was recorded before it happened, on {say(fact.happened_on)}")
        if fact.recorded_by not in self.roles and fact.recorded_by not in self.providers:
            raise Refused("recorded_by", f"{fact.recorded_by} is neither a practitioner nor a provider we know")
        if isinstance(fact, ContactFailed) and self.roles.get(fact.accepted_by) != "service_manager":
            raise Refused(
                "accepted_by", f"a failed contact is accepted by a service manager; {fact.accepted_by} is not one"
            )
        party = getattr(fact, "party", None)
        if party and about and party not in about[0].known.parties:
            raise Refused(
                "party", f"{party} is not a party of this case; its parties: {', '.join(about[0].known.parties)}"
            )

    def _follows(self, one: Loaded, subject: str, fact: Fact) -> None:
        """Not before what it depends on, and not on a pathway that is over."""
        row, known = one.row, one.known
        if subject == row.reference and not isinstance(fact, Requested):
            if row.closed_on and fact.supersedes is None and not isinstance(fact, _AFTER_THE_END):
                why = f"{row.reference} closed on {say(row.closed_on)}; correct an earlier fact if that was wrong"
                raise Refused("fact", why)
            if fact.happened_on < row.opened_on:
                raise Refused("happened_on", f"{row.reference} was only requested on {say(row.opened_on)}")
        if not fact.needs:
            return
        causes = [f for f in known.facts if f.kind in fact.needs and _same_thing(f, fact)]
        if not causes:
            needed = " or ".join(fact.needs)
            raise Refused("fact", f"{fact.kind} needs {needed} first{_of_what(fact)}; none is recorded")
        earliest = min(_begins(cause, fact) for cause in causes)
        if fact.happened_on < earliest:
            raise Refused("happened_on", f"it cannot have happened before {say(earliest)}, the day of what it answers")

    def _agrees(self, subject: str, fact: Fact) -> None:
        """No contradiction: what stands is corrected by name, and only once."""
        record = self.records[subject]
        if fact.supersedes is not None:
            target = next((f for f in record.live if f.id == fact.supersedes), None)
            if target is None:
                corrected = fact.supersedes in record.corrected
                why = "was corrected already" if corrected else f"is no fact about {subject}"
                raise Refused("supersedes", f"fact {fact.supersedes} {why}")
            if target.kind != fact.kind and Retracted.kind not in (target.kind, fact.kind):
                raise Refused(
                    "supersedes", f"fact {target.id} is {target.kind}; a correction is of the same kind, or retracted"
                )
        elif isinstance(fact, Retracted):
            raise Refused("supersedes", "say by its number which fact never happened")
        standing = next((f for f in record.live if f.identity == fact.identity and f.id != fact.supersedes), None)
        if standing:
            said = f"contradicts fact {standing.id}, {_summary(standing)}"
            raise Refused("fact", f"{said}; to correct that one, give supersedes {standing.id}")
        if fact.supersedes is None and any(f.identity == fact.identity for f in record.corrected.values()):
            raise Refused("fact", "this was recorded before and corrected; supersede the correction instead")

    def _around(self, one: Loaded) -> Around:
        """What the safety rules may see beside the pathway: seats taken by others of its case, and the directory."""
        others = [o for o in self.of_case[one.row.case] if o.row.party != one.row.party]
        area, programme = one.row.area, one.row.programme
        return Around(
            seats=tuple(seat for other in others for seat in seats_of(Pathway(other.known, self.today))),
            why_not=lambda provider, fact: self.directories.of(programme).why_not(
                provider, area, fact.happened_on, already_made=_made_already(one, fact)
            ),
        )

    def _enter(self, subject: str, fact: Fact, about: list[Loaded]) -> int:
        target = next((f for f in self.records[subject].live if f.id == fact.supersedes), None)
        number = next(self.numbers)
        fact = fact.model_copy(update={"id": number, "place": target.place if target else number})
        facts_of = [self.records[subject].live, *(one.known.facts for one in about)]
        for some in facts_of:
            if target in some:
                some.remove(target)
            some.append(fact)
        if target:
            self.records[subject].corrected[target.id] = target
        self.touched |= {one.row.reference for one in about}
        if isinstance(fact, ReferralSent):
            self.referred[about[0].row.reference] = fact.provider
            self.directories.of(about[0].row.programme).holding[fact.provider] += 1
        self.new.append(as_row(subject, fact))
        return number

    def write(self) -> None:
        if self.new:
            self.connection.execute(facts.insert(), self.new)
        for some in in_batches(sorted(self.touched)):
            query = update(pathways).where(pathways.c.reference.in_(some))
            self.connection.execute(query.values(look_on=self.today))
        if self.referred:
            query = update(pathways).where(pathways.c.reference == bindparam("ref"))
            rows = [{"ref": reference, "to": provider} for reference, provider in self.referred.items()]
            self.connection.execute(query.values(provider=bindparam("to")), rows)


_AFTER_THE_END = (LetterSent, ProviderPhoned, Requested)
_SHARED = ("session", "provider", "hearing_on")


def fact_numbers(connection: Connection) -> Iterator[int]:
    """Numbers for new facts: from PostgreSQL's sequence, or after the last one in SQLite, where one writer is alone."""
    if is_sqlite(connection):
        yield from count((connection.execute(select(func.max(facts.c.id))).scalar() or 0) + 1)
    while True:
        sequence = func.nextval(func.pg_get_serial_sequence(FactRow.__tablename__, "id"))
        yield from connection.execute(select(sequence).select_from(func.generate_series(1, 100))).scalars().all()


def as_row(subject: str, fact: Fact) -> dict[str, Any]:
    """A fact as a row of its table."""
    return {
        "id": fact.id,
        "subject": subject,
        "kind": fact.kind,
        "identity": fact.identity,
        "happened_on": fact.happened_on,
        "recorded_at": fact.recorded_at,
        "recorded_by": fact.recorded_by,
        "told_already": fact.told_already,
        "supersedes": fact.supersedes,
        "payload": fact.payload,
    }


def _rows_of(connection: Connection, cases: set[str]) -> list[Row[Any]]:
    queries = (pathway_rows.where(pathways.c.case.in_(some)) for some in in_batches(sorted(cases)))
    return [row for query in queries for row in connection.execute(query)]


def _same_thing(cause: Fact, fact: Fact) -> bool:
    """Whether a fact that another needs is about the same session, provider or hearing."""
    return all(
        getattr(cause, name) == getattr(fact, name) for name in _SHARED if hasattr(cause, name) and hasattr(fact, name)
    )


def _begins(cause: Fact, fact: Fact) -> date:
    """The first day on which one fact can follow another: attendance is reported from the day of the session on."""
    if isinstance(cause, SessionBooked) and isinstance(fact, AttendanceReported):
        return cause.session_on
    return cause.happened_on


def _of_what(fact: Fact) -> str:
    named = [f"{name} {getattr(fact, name)}" for name in _SHARED if getattr(fact, name, None)]
    return f" for {', '.join(named)}" if named else ""


def _summary(fact: Fact) -> str:
    said = ", ".join(f"{name} {value}" for name, value in fact.payload.items())
    return f"{fact.label} on {say(fact.happened_on)}" + (f" ({said})" if said else "")


def _made_already(one: Loaded, fact: Fact) -> bool:
    """Whether a referral was made elsewhere, or corrects one to the same provider and so takes no new place there."""
    corrected = next((f for f in one.known.facts if f.id == fact.supersedes), None)
    return fact.told_already or (isinstance(corrected, ReferralSent) and corrected.identity == fact.identity)
