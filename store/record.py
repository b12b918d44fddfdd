"""Recording facts: each is checked against what is known, in the transaction that writes it.

A fact already recorded changes nothing. One that contradicts another, comes before what it depends on, or breaks a
safety rule is refused with a sentence. The others of the same call go in.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain, count, repeat
from typing import Any, Literal

from sqlalchemy import Connection, Engine, bindparam, func, literal, select, union_all, update

from models.facts import Fact
from models.facts.cppp import PractitionerMatched, SpipConsidered
from models.facts.every import Retracted
from models.facts.referral import ReferralSent
from models.limits import open_to_referrals
from models.pathway import Pathway
from models.safety import Around, Blocked, Seat, check, seats_of
from models.tables import Case, FactRow, Party, PathwayRow, Practitioner, Provider
from models.working_days import london_date
from settings import Settings
from store import judge, judge_pause
from store.database import among, change, in_batches, insert, is_sqlite, one_among, reading, writing
from store.pathways import Directories, Loaded, Unreadable, load, pathway_rows, record_of
from store.refusal import Refused

pathways = PathwayRow.__table__
facts = FactRow.__table__
BATCH = 400
"""About how many cases one transaction records."""
_case_of = select(pathways.c.reference, pathways.c.case).where(one_among(pathways.c.reference))
_cases = (
    select(Case.reference)
    .where(
        one_among(Case.reference) | Case.reference.in_(select(pathways.c.case).where(one_among(pathways.c.reference)))
    )
    .order_by(Case.reference)
)
_held = _cases.with_for_update(key_share=True)
_of_cases = pathway_rows.where(one_among(pathways.c.case))
_names = select(Party.case, Party.name).where(one_among(Party.case))
_people = union_all(
    select(Practitioner.code, Practitioner.role).where(one_among(Practitioner.code)),
    select(Provider.code, literal(None)).where(one_among(Provider.code)),
)
_next_numbers = select(func.nextval(func.pg_get_serial_sequence(FactRow.__tablename__, "id"))).select_from(
    func.generate_series(1, bindparam("size"))
)
_look_at = update(pathways).where(one_among(pathways.c.reference)).values(look_on=bindparam("day"))


@dataclass(frozen=True)
class Answering:
    """Something owed that one answer meets: the kinds of fact that would, and what else tells it apart.

    `seen` is the number of the last fact that whoever answers has seen: a later one of these kinds came first.
    """

    kinds: frozenset[str]
    which: Mapping[str, Any]
    seen: int

    def given(self, facts: Iterable[Fact]) -> Fact | None:
        """The answer somebody else gave meanwhile."""
        later = (fact for fact in facts if fact.id > self.seen and fact.kind in self.kinds)
        return next((f for f in later if all(getattr(f, name, v) == v for name, v in self.which.items())), None)


@dataclass(frozen=True)
class Reported:
    """A fact somebody reports about a pathway or a case."""

    subject: str
    fact: Fact
    tag: object = None
    """The caller's own, handed back with the outcome."""
    answers: Answering | None = None
    """What it answers, where somebody else could have answered the same meanwhile."""
    now: bool = False
    """Whether somebody says it of what is open now, not in a file of what was said before."""


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


@dataclass
class Recorded:
    outcomes: list[Outcome] = field(default_factory=list)
    touched: set[tuple[str, str]] = field(default_factory=set)
    """The pathways whose standing may change, as (programme, reference): those to nudge."""

    def count(self, result: str) -> int:
        return sum(outcome.result == result for outcome in self.outcomes)


class _NotKept(Exception):
    """What was written in this transaction is not to stay."""


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


def record_together(
    engine: Engine, reported: Sequence[Reported], now: datetime, settings: Settings, *,
    keep: Literal["all", "sound", "none"], along: Callable[[Connection, Recorded], None] = lambda *_: None,
) -> Recorded:  # fmt: skip
    """Record facts in one transaction, and what `along` writes with them.

    `keep` says what stays: "all" or nothing where one is refused; what is "sound", as `record` does it; or "none", to
    see what would become of them.
    """
    done = Recorded()
    with suppress(_NotKept), writing(engine) as connection:
        ordered = [one for some in _by_case(engine, reported) for one in some]
        _record_batch(connection, ordered, now, settings, done)
        if keep == "none" or (keep == "all" and done.count("refused")):
            raise _NotKept
        along(connection, done)
    return done


def _by_case(engine: Engine, reported: Sequence[Reported]) -> Iterator[list[Reported]]:
    """Batches in which all that is about one case stays together, in the order it happened."""
    in_order = sorted(reported, key=lambda one: one.fact.happened_on)
    subjects = sorted({one.subject for one in reported})
    if len(subjects) <= BATCH:
        if in_order:
            yield in_order
        return
    with reading(engine) as connection:
        case_of = dict(among(connection, _case_of, subjects))
    by_case: dict[str, list[Reported]] = defaultdict(list)
    for one in in_order:
        by_case[case_of.get(one.subject, one.subject)].append(one)
    for cases in in_batches(list(by_case), BATCH):
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
        self.settings = settings
        self.directories = Directories(connection, settings.profile, settings.limits)
        cases = self._lock_cases({one.subject for one in some})
        self._lock_providers({holder for one in some if (holder := new_holder(one.fact))})
        rows = list(among(connection, _of_cases, cases))
        self.records = record_of(connection, cases.union(row.reference for row in rows))
        known = load(connection, rows, self.today, self.directories, self.records)
        self.loaded = {one.row.reference: one for one in known}
        self.of_case: dict[str, list[Loaded]] = {case: [] for case in cases}
        for one in self.loaded.values():
            self.of_case[one.row.case].append(one)
        self.people = _who(connection, {code for one in some for code in judge.codes_in(one.fact)})
        self.of_person: dict[tuple[str, str | None], list[Loaded]] = defaultdict(list)
        for one in self.loaded.values():
            self.of_person[one.row.programme, one.row.party].append(one)
        self.numbers = fact_numbers(connection)
        self._names: dict[str, list[str]] | None = None
        self.new: list[dict[str, object]] = []
        self.touched: set[str] = set()
        self.referred: dict[str, str] = {}

    def _lock_cases(self, subjects: set[str]) -> set[str]:
        """The cases of the subjects, held until the end: two people recording on one case take turns."""
        query = _cases if is_sqlite(self.connection) else _held
        return {case for (case,) in among(self.connection, query, subjects)}

    def _lock_providers(self, codes: set[str]) -> None:
        """Nobody else refers to these providers meanwhile: the last place is given once."""
        if codes and not is_sqlite(self.connection):
            for table in (Provider, Practitioner):
                query = select(table.code).where(table.code.in_(codes)).order_by(table.code)
                self.connection.execute(query.with_for_update())

    def enter(self, reported: Reported) -> Outcome:
        """Take a fact into the book, or say why not."""
        try:
            subject, about = self._subject(reported)
            fact = reported.fact
            if reported.now or reported.answers:
                fact = judge_pause.told_apart(fact, self.records[subject], about)
            known = self._known_already(subject, fact)
            if known and reported.answers and known.id in self.records[subject].corrected:
                why = f"this was recorded as fact {known.id} and corrected since; ask commissioning to record it"
                raise Refused("fact", why)
            if known:
                why = judge_pause.why_known(known, self.records[subject], about)
                return Outcome(reported, "unchanged", fact_id=known.id, why=why)
            judge.sent_here(fact, about, self.people)
            judge.first_to_answer(reported.answers, about)
            judge.sound(fact, self.now, self.people)
            judge.can_be_meant(fact, self.settings.sessions)
            if judge.made_up(fact):
                judge.names_nobody(fact, self._names_of(subject))
            judge.agrees(fact, subject, self.records[subject])
            for one in about:
                if one.unreadable:
                    raise Unreadable(f"a stored fact about {one.row.reference} cannot be read; it needs repair first")
                judge.follows(fact, one, subject)
                check(one.known, self.today, fact, partial(self._around, one))
                judge.fits(fact, one, self.of_person[one.row.programme, one.row.party])
                self._may_reopen(fact, one)
                self._may_open_another(fact, one)
            judge.permitted(fact, about, self.people)
        except Refused as refusal:
            return Outcome(reported, "refused", field=refusal.field, why=refusal.why)
        except Blocked as blocked:
            return Outcome(reported, "refused", why=str(blocked), rule=blocked.rule)
        except Unreadable as which:
            return Outcome(reported, "refused", why=str(which))
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

    def _names_of(self, subject: str) -> list[str]:
        """What the parties of a subject's case are called."""
        if self._names is None:
            self._names = defaultdict(list)
            for case, name in among(self.connection, _names, self.of_case):
                self._names[case].append(name)
        return self._names[self.loaded[subject].row.case if subject in self.loaded else subject]

    def _known_already(self, subject: str, fact: Fact) -> Fact | None:
        """The same thing said before, even if corrected since: loading a file again must not undo a correction."""
        record = self.records[subject]
        alike = (f for f in (*record.live, *record.corrected.values()) if f.same_as(fact))
        return next((f for f in alike if f.supersedes == fact.supersedes and f.content == fact.content), None)

    def _around(self, one: Loaded) -> Around:
        """What the safety rules may see beside the pathway: seats taken by others of its case, and the directory."""
        others = [o for o in self.of_case[one.row.case] if o.row.party != one.row.party]
        return Around(
            seats=tuple(seat for other in others for seat in self._seats(other)),
            why_not=lambda provider, fact: self._why_not(one, provider, fact),
            not_accredited=lambda provider, fact: self._not_accredited(one, provider, fact),
        )

    def _seats(self, one: Loaded) -> Iterator[Seat]:
        """Those of a pathway that is over count until their sessions are: nobody knows that the person stays away."""
        for seat in seats_of(Pathway(one.known, self.today)):
            if not one.row.closed_on or seat.booking.ends_at > self.now:
                yield seat

    def _why_not(self, one: Loaded, provider: str, fact: Fact) -> str | None:
        """Why a provider may not take a referral (SR-16); one made now is judged by today too, whatever its date."""
        already = _made_already(one, fact)
        directory = self.directories.of(one.row.programme)
        days = [fact.happened_on] if already else [fact.happened_on, self.today]
        reasons = (directory.why_not(provider, one.row.area, day, already_made=already) for day in days)
        return next(filter(None, reasons), None)

    def _not_accredited(self, one: Loaded, provider: str, fact: Fact) -> str | None:
        """Why accreditation is not live (SR-04) on the day of the referral; nor today, if it is made now."""
        directory = self.directories.of(one.row.programme)
        days = [fact.happened_on] if _made_already(one, fact) else [fact.happened_on, self.today]
        return next(filter(None, (directory.not_accredited(provider, day) for day in days)), None)

    def _may_open_another(self, fact: Fact, one: Loaded) -> None:
        """A fact that opens a pathway of another programme is refused where that one could not be opened."""
        if not isinstance(fact, SpipConsidered) or fact.decision != "refer":
            return
        if other := next((o for o in self.of_person["SPIP", fact.party] if not o.row.closed_on), None):
            raise Refused("decision", f"this person has {other.row.reference} open already; there is nothing to add")
        if not open_to_referrals("SPIP", fact.happened_on, self.settings.profile, self.settings.limits):
            raise Refused("decision", f"SPIP takes no referrals on {fact.happened_on:%d/%m/%Y}; record not_refer")

    def _may_reopen(self, fact: Fact, one: Loaded) -> None:
        """Nothing goes on for people of whom nothing is known any more: a name would not be seen for what it is."""
        if fact.supersedes is None or not one.row.closed_on:
            return
        gone = select(Party.reference).where(Party.case == one.row.case, Party.erased_on.is_not(None)).limit(1)
        if self.connection.execute(gone).first():
            why = f"what is personal in this case was erased, so {one.row.reference} is not corrected any more"
            raise Refused("supersedes", why)

    def _enter(self, subject: str, fact: Fact, about: list[Loaded]) -> int:
        target = next((f for f in self.records[subject].live if f.id == fact.supersedes), None)
        number = next(self.numbers)
        fact = fact.recorded_as(id=number, place=target.place if target else number)
        facts_of = [self.records[subject].live, *(one.known.facts for one in about)]
        for some in facts_of:
            if target in some:
                some.remove(target)
            some.append(fact)
        if target:
            self.records[subject].corrected[target.id] = target
        self.touched |= {one.row.reference for one in about}
        if holder := new_holder(fact):
            self.referred[about[0].row.reference] = holder
            self.directories.of(about[0].row.programme).holding[holder] += 1
        self.new.append(as_row(subject, fact))
        return number

    def write(self) -> None:
        insert(self.connection, facts, self.new)
        for some in in_batches(sorted(self.touched)):
            self.connection.execute(_look_at, {"some": some, "day": self.today})
        given = [{"reference": reference, "provider": provider} for reference, provider in self.referred.items()]
        change(self.connection, pathways, given, by=("reference",))


def new_holder(fact: Fact) -> str | None:
    """Whom a fact gives the pathway to: a provider, or a practitioner."""
    if isinstance(fact, ReferralSent):
        return fact.provider
    return fact.practitioner if isinstance(fact, PractitionerMatched) else None


def fact_numbers(connection: Connection) -> Iterator[int]:
    """Numbers for new facts: from PostgreSQL's sequence, or after the last one in SQLite, where one writer is alone."""
    if is_sqlite(connection):
        yield from count((connection.execute(select(func.max(facts.c.id))).scalar() or 0) + 1)
    # One at first, for a person records one; then more at a time, for a file records thousands.
    for size in chain((1, 9, 90), repeat(100)):
        yield from connection.execute(_next_numbers, {"size": size}).scalars().all()


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


def _who(connection: Connection, codes: set[str]) -> judge.People:
    """Who of these codes is a practitioner, in which role, and who a provider."""
    found = list(among(connection, _people, codes))
    of_staff = {code: role for code, role in found if role is not None}
    return judge.People(of_staff, {code for code, role in found if role is None})


def _made_already(one: Loaded, fact: Fact) -> bool:
    """Whether a referral was made elsewhere, or corrects one to the same provider and so takes no new place there."""
    corrected = next((f for f in one.known.facts if f.id == fact.supersedes), None)
    return fact.told_already or (isinstance(corrected, ReferralSent) and corrected.provider == fact.provider)
