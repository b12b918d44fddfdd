"""What somebody owes, and their answers: each becomes a fact, and all that was sent in at once is one receipt."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, or_, select
from sqlalchemy.exc import IntegrityError

from models.answers import kinds_of, meant
from models.facts import Fact
from models.facts.base import KINDS
from models.tables import Area, Case, DutyRow, FactRow, NoticeRow, PathwayRow, Practitioner, Receipt
from models.working_days import add_working_days, london_date, working_days_after
from settings import Settings
from store.database import in_batches, reading
from store.links import LEAD, PROVIDER, Holder
from store.pathways import record_of
from store.record import Answering, Outcome, Recorded, Reported, record_together

duties = DutyRow.__table__
facts = FactRow.__table__
pathways = PathwayRow.__table__
receipts = Receipt.__table__


@dataclass(frozen=True)
class Owed:
    """One open duty of somebody, as they see it."""

    duty: Row[Any]
    session: str | None
    """The code of the session it is about, where it is about one."""
    late: int
    """How many working days late it is."""
    seen: int
    """The number of the last fact known of its pathway."""

    @property
    def which(self) -> str:
        """What else tells it apart: a week, a party."""
        return self.duty.key.split(":", 2)[2] if self.duty.key.count(":") > 1 else ""

    @property
    def anchor(self) -> int:
        """The number of the fact it follows from."""
        return _anchor(self.duty.key)


def _anchor(key: str) -> int:
    number = key.split(":", 2)[1]
    return int(number) if number.isdigit() else 0


def _of(holder: Holder) -> Any:
    """The duties that are somebody's: a provider's, or those of one of the staff in any role."""
    role = duties.c.on_role == PROVIDER if not holder.is_staff else duties.c.on_role != PROVIDER
    return (duties.c.on_code == holder.code) & role & (duties.c.state == "open")


def owed(connection: Connection, holder: Holder, today: date, number: int | None = None) -> list[Owed]:
    """What somebody owes, the latest first; only one duty where its number is given. What is on hold is left out."""
    query = select(duties, pathways.c.look_on, pathways.c.case).join(pathways, pathways.c.reference == duties.c.pathway)
    query = query.where(_of(holder), ~duties.c.paused).order_by(duties.c.due_on, duties.c.id)
    if number is not None:
        query = query.where(duties.c.id == number)
    rows = connection.execute(query).all()
    rows = _not_answered(connection, rows, today)
    sessions = _sessions(connection, [_anchor(row.key) for row in rows if row.kind in _OF_SESSIONS])
    seen = _last_facts(connection, {row.pathway: row.case for row in rows})
    return [
        Owed(
            row,
            sessions.get(_anchor(row.key)) if row.kind in _OF_SESSIONS else None,
            max(0, working_days_after(row.counts_from or row.due_on, today)),
            seen.get(row.pathway, 0),
        )
        for row in rows
    ]


def _not_answered(connection: Connection, rows: Sequence[Row[Any]], today: date) -> list[Row[Any]]:
    """Without those whose answer is recorded and whose pathway is only still to be looked at."""
    waiting = {row.pathway for row in rows if row.look_on and row.look_on <= today}
    if not waiting:
        return list(rows)
    given: dict[str, list[Fact]] = {ref: one.live for ref, one in record_of(connection, waiting).items()}

    def answered(row: Row[Any]) -> bool:
        live = given.get(row.pathway, [])
        anchor = next((fact for fact in live if fact.place == _anchor(row.key)), None)
        which = _told_apart(meant(row, anchor, row.on_code, None))
        return Answering(kinds_of(row.kind), which, _anchor(row.key)).given(live) is not None

    return [row for row in rows if row.pathway not in waiting or not answered(row)]


def _told_apart(said: Mapping[str, Any]) -> dict[str, Any]:
    """What tells a duty apart from others of its kind on one pathway."""
    return {name: said[name] for name in ("session", "week", "party", "letter") if name in said}


_OF_SESSIONS = ("attendance_report", "session_result")


def _sessions(connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """The session that each of these facts is about, or what corrects it by now."""
    found: dict[int, str] = {}
    corrected: dict[int, int] = {}
    for some in in_batches(sorted(set(numbers))):
        for row in connection.execute(select(facts.c.id, facts.c.payload).where(facts.c.id.in_(some))):
            found[row.id] = row.payload.get("session")
            corrected[row.id] = row.id
    while corrected:
        query = select(facts.c.id, facts.c.supersedes, facts.c.payload).where(facts.c.supersedes.in_(corrected))
        later = {}
        for row in connection.execute(query):
            first = corrected[row.supersedes]
            found[first], later[row.id] = row.payload.get("session") or found[first], first
        corrected = later
    return found


def _last_facts(connection: Connection, cases: Mapping[str, str]) -> dict[str, int]:
    """The number of the last fact about each pathway or its case; `cases` holds the case of each pathway."""
    last: dict[str, int] = {}
    for some in in_batches(sorted({*cases, *cases.values()})):
        query = select(facts.c.subject, func.max(facts.c.id)).where(facts.c.subject.in_(some))
        last |= dict(connection.execute(query.group_by(facts.c.subject)).all())
    return {pathway: max(last.get(pathway, 0), last.get(case, 0)) for pathway, case in cases.items()}


# Who may see what ---------------------------------------------------------------------------------------------------

_OFFICES = ("commissioning_officer", "commissioning_manager", "service_manager", "assistant_director",
            "business_support", "research_analyst")  # fmt: skip


def _part_in(holder: Holder) -> Any:
    """The pathways that one of the staff has a part in: of their cases, of their area's offices, or given to them."""
    offices = [getattr(Area, name) == holder.code for name in _OFFICES]
    return or_(Case.adviser == holder.code, pathways.c.provider == holder.code, *offices)


def _with_people(query: Any) -> Any:
    return query.join(Case, Case.reference == pathways.c.case).join(Area, Area.code == pathways.c.area)


def may_read(connection: Connection, holder: Holder, reference: str) -> bool:
    """Whether somebody may read a pathway's story: staff with a part in it. Providers see what they owe, no stories."""
    query = _with_people(select(pathways.c.reference)).where(pathways.c.reference == reference, _part_in(holder))
    return holder.is_staff and connection.execute(query).first() is not None


def role_of(connection: Connection, holder: Holder) -> str:
    """What one of the staff is: an adviser, a service manager; empty for providers."""
    query = select(Practitioner.role).where(Practitioner.code == holder.code)
    return (connection.execute(query).scalar() or "") if holder.is_staff else ""


def my_pathways(
    connection: Connection, holder: Holder, *, page: int, size: int, label: str = "", reference: str = ""
) -> tuple[list[Row[Any]], int]:
    """One page of the open pathways somebody has a part in, what is due first; and how many there are."""
    where = [pathways.c.closed_on.is_(None), _part_in(holder)]
    if label:
        where.append(pathways.c.label.icontains(label, autoescape=True))
    if reference:
        where.append(pathways.c.reference.icontains(reference, autoescape=True))
    count = connection.execute(_with_people(select(func.count()).select_from(pathways)).where(*where)).scalar_one()
    due_first = (pathways.c.due_on.is_(None), pathways.c.due_on, pathways.c.reference)
    query = _with_people(select(pathways)).where(*where).order_by(*due_first)
    return list(connection.execute(query.offset((page - 1) * size).limit(size))), count


def held_by(connection: Connection, provider: str, programme: str = "") -> list[str]:
    """The open pathways a provider holds."""
    query = select(pathways.c.reference).where(pathways.c.provider == provider, pathways.c.closed_on.is_(None))
    if programme:
        query = query.where(pathways.c.programme == programme)
    return list(connection.execute(query.order_by(pathways.c.reference)).scalars())


def said_of(connection: Connection, references: Sequence[str], fact: Fact) -> set[str]:
    """Those of these pathways of which the same was said already."""
    query = select(facts.c.subject).where(facts.c.identity == fact.identity)
    return {
        subject
        for some in in_batches(references)
        for subject in connection.execute(query.where(facts.c.subject.in_(some))).scalars()
    }


# Answers ------------------------------------------------------------------------------------------------------------


def answering(one: Owed, which: Mapping[str, Any]) -> Answering:
    """What an answer to a duty answers: the first of two stands, where one meets it."""
    return Answering(kinds_of(one.duty.kind), _told_apart(which), one.seen)


@dataclass(frozen=True)
class Sent:
    """What became of answers sent in at once: a receipt, or nothing recorded and why."""

    receipt: str | None
    refused: Sequence[Outcome] = ()
    touched: frozenset[tuple[str, str]] = frozenset()


def new_submission() -> str:
    return secrets.token_urlsafe(12)


def send_in(
    engine: Engine, holder: Holder, reported: Sequence[Reported], submission: str, now: datetime, settings: Settings, *,
    sound_ones: bool = False,
) -> Sent:  # fmt: skip
    """Record answers, all of them or none, and write their receipt with them. The same form sent twice is one receipt.

    With `sound_ones`, what is sound is recorded and the rest is not.
    """
    reference = f"RC-{secrets.token_hex(4).upper()}"
    mark = _mark(submission or new_submission(), holder)

    def along(connection: Connection, done: Recorded) -> None:
        lines = [_line(outcome) for outcome in done.outcomes if outcome.result != "refused"]
        if lines:
            row = {"reference": reference, "submission": mark, "role": holder.role, "code": holder.code}
            connection.execute(receipts.insert(), row | {"given_at": now, "lines": lines})
            _tell(connection, holder, reference, lines, now)

    keep = "sound" if sound_ones else "all"
    try:
        done = record_together(engine, reported, now, settings, keep=keep, along=along)
    except IntegrityError:
        with reading(engine) as connection:  # the same form came in twice at one moment
            if before := receipt_of(connection, submission, holder):
                return Sent(before)
        raise
    refused = [outcome for outcome in done.outcomes if outcome.result == "refused"]
    kept = len(refused) < len(done.outcomes) if sound_ones else not refused
    return Sent(reference if kept else None, refused, frozenset(done.touched) if kept else frozenset())


def receipt_of(connection: Connection, submission: str, holder: Holder) -> str | None:
    """The receipt of a form that came in already."""
    query = select(receipts.c.reference).where(receipts.c.submission == _mark(submission, holder))
    return connection.execute(query).scalar()


def _mark(submission: str, holder: Holder) -> str:
    """A digest: what comes back in a form may hold anything by then, and nobody's words are stored with a receipt."""
    return hashlib.sha256(f"{holder.code}|{submission}".encode(errors="replace")).hexdigest()


def _line(outcome: Outcome) -> dict[str, Any]:
    fact = outcome.reported.fact
    said = {name: value for name, value in fact.payload.items() if name not in ("provider", "signed_by")}
    return {
        "pathway": outcome.reported.subject,
        "fact": fact.kind,
        "label": fact.label,
        "on": fact.happened_on.isoformat(),
        "number": outcome.fact_id,
        "result": outcome.result,
        "said": said,
    }


def _tell(connection: Connection, holder: Holder, receipt: str, lines: Sequence[dict[str, Any]], now: datetime) -> None:
    """Providers get their receipt by mail too; staff see it on the page."""
    if holder.is_staff:
        return
    rows = [
        {
            "pathway": line["pathway"],
            "to_role": holder.role,
            "to_code": holder.code,
            "wording": "receipt",
            "occasion": f"receipt:{receipt}:{line['number']}",
            "fields": {"receipt": receipt, "fact": line["fact"], "number": line["number"], "result": _in_a_word(line)},
            "created_at": now,
            "withheld": None,
        }
        for line in lines
    ]
    connection.execute(NoticeRow.__table__.insert(), rows)


def _in_a_word(line: dict[str, Any]) -> str:
    """What a line of a receipt says in a word of ours: attended, or recorded where there is no such word."""
    for name in ("result", "decision", "outcome", "progress", "reason", "step", "cancelled_by"):
        if isinstance(word := line["said"].get(name), str):
            return word
    return "recorded" if line["result"] == "recorded" else "known_already"


def receipt(connection: Connection, holder: Holder, reference: str) -> Row[Any] | None:
    """A receipt of this provider or practitioner; None for anybody else's."""
    query = select(receipts).where(receipts.c.reference == reference, receipts.c.code == holder.code)
    row = connection.execute(query).first()
    same_side = row is not None and (row.role in (PROVIDER, LEAD)) != holder.is_staff
    return row if same_side else None


# Corrections --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mine:
    """A fact that somebody recorded, and whether they may still correct it themselves."""

    fact: Fact
    pathway: str
    may_correct: bool


def recorded_by(connection: Connection, holder: Holder, number: int, today: date, settings: Settings) -> Mine | None:
    """A fact this provider or practitioner recorded and that still stands; None for any other.

    A provider corrects it once, and until some working days after its recording.
    """
    later = select(facts.c.id).where(facts.c.supersedes == number)
    row = connection.execute(select(facts).where(facts.c.id == number)).first()
    if row is None or row.recorded_by != holder.code or connection.execute(later).first():
        return None
    if connection.execute(select(pathways.c.reference).where(pathways.c.reference == row.subject)).first() is None:
        return None
    common = {
        "id": row.id,
        "happened_on": row.happened_on,
        "recorded_at": row.recorded_at,
        "told_already": row.told_already,
    }
    fact = KINDS[row.kind].model_validate({**row.payload, **common, "recorded_by": row.recorded_by})
    until = add_working_days(london_date(row.recorded_at), settings.site.correction_days)
    return Mine(fact, row.subject, row.supersedes is None and today <= until)
