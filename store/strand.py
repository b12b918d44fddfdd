"""The restricted database: where it is, the pathways that support follows, and what is to be seen there (SR-11)."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from models.encrypted import NoKeys, WrongKey
from models.facts import RESTRICTED, Fact
from models.facts.every import Retracted
from models.facts.referral import ReferralSent
from models.facts.support import Heard
from models.limits import LimitsError
from models.restricted import NOBODY, ROLES, Followed, Survivor, SurvivorBefore
from models.tables import Area, Case, Court, PathwayRow, Practitioner
from settings import RestrictedOff, Settings, restricted, sqlite_file
from store.database import WrongDatabase, database, in_batches, insert_new, insert_returning, is_sqlite, writing
from store.open import Opening, keep, open_pathways

PROGRAMME = "SUPPORT"
HEARD = "HEARD"
"""Who is written down as having recorded what was heard."""
OUT_OF_REACH = (SQLAlchemyError, RestrictedOff, WrongDatabase, WrongKey, NoKeys, OSError)
"""What is raised where the restricted database cannot be asked just now, or not from this machine."""

followed = Followed.__table__
survivors = Survivor.__table__


class NotOpened(Exception):
    """A support pathway could not be opened. Nothing of it was written; the next sweep tries again."""


def strand(settings: Settings) -> Engine:
    """The restricted database. Raises RestrictedOff where it is out of reach of this machine."""
    url = restricted(settings).database_url
    if file := sqlite_file(url):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return database(url, restricted=True)


def following(connection: Connection, men: Sequence[str]) -> dict[str, str]:
    """The support pathways of some men's pathways, by the man's."""
    found: dict[str, str] = {}
    for some in in_batches(men):
        found |= dict(connection.execute(select(followed).where(followed.c.man.in_(some))).all())
    return found


def support_of(connection: Connection, reference: str) -> str | None:
    """A support pathway by its own reference, or by that of the man it follows; None when there is none."""
    query = select(followed.c.reference).where((followed.c.man == reference) | (followed.c.reference == reference))
    return connection.execute(query).scalar()


def open_support(connection: Connection, men: dict[str, tuple[str, ReferralSent]], settings: Settings) -> int:
    """Open a support pathway for each man's pathway that has none: given by area and the referral for assessment.

    Its reference is drawn by lot. Two who do this at once open one only. Returns how many could not be opened; they do
    not stop the others.
    """
    new = sorted(men.keys() - following(connection, sorted(men)))
    if _tried(connection, new, men, settings):
        return 0
    return sum(not _tried(connection, [man], men, settings) for man in new)


def _tried(connection: Connection, new: Sequence[str], men: dict[str, Any], settings: Settings) -> bool:
    """Whether all of these could be opened; else none of them is."""
    try:
        with connection.begin_nested():
            _open(connection, new, men, settings)
    except (NotOpened, LimitsError, ValueError):
        return False
    return True


def _open(connection: Connection, new: Sequence[str], men: dict[str, Any], settings: Settings) -> None:
    drawn = {drawn_reference(): man for man in new}
    rows = [{"man": man, "reference": reference} for reference, man in drawn.items()]
    ours = insert_returning(connection, followed, rows, followed.c.reference)
    if not ours:
        return
    asked = {reference: men[drawn[reference]] for reference in ours}
    _make_room(connection, asked)
    openings = [_opening(reference, area, referral) for reference, (area, referral) in asked.items()]
    if open_pathways(connection, openings, settings):
        raise NotOpened


def drawn_reference() -> str:
    """A reference drawn by lot. It begins with a letter, for ten digits look like a telephone number (SR-12)."""
    return f"{PROGRAMME}-{secrets.choice('ABCDEF')}{secrets.token_hex(5)[1:].upper()}"


def _make_room(connection: Connection, asked: dict[str, tuple[str, ReferralSent]]) -> None:
    """What the tables want around a pathway: its area, with nobody in its offices where it is not known; a case."""
    nobody = {"code": NOBODY, "name": "Nobody yet", "email": "", "role": "nobody"}
    insert_new(connection, Practitioner.__table__, [nobody])
    areas = sorted({area for area, _ in asked.values()})
    insert_new(connection, Area.__table__, [area_row(area, area, NOBODY, NOBODY) for area in areas])
    insert_new(connection, Court.__table__, [{"code": area, "name": area, "area": area} for area in areas])
    cases = [_case(reference, area, referral) for reference, (area, referral) in asked.items()]
    insert_new(connection, Case.__table__, cases)


def area_row(code: str, label: str, worker: str, manager: str) -> dict[str, str]:
    """An area of the strand: its worker and her manager hold the offices that are others' elsewhere."""
    of_manager = ("commissioning_manager", "service_manager", "assistant_director")
    of_worker = ("business_support", "commissioning_officer")
    return {"code": code, "label": label} | dict.fromkeys(of_manager, manager) | dict.fromkeys(of_worker, worker)


def _case(reference: str, area: str, referral: ReferralSent) -> dict[str, Any]:
    case = _case_of(reference)
    day = referral.happened_on
    return {"reference": case, "same_as": case, "court": area, "adviser": NOBODY, "received_on": day, "sample": False}


def _case_of(reference: str) -> str:
    return reference.replace(PROGRAMME, "CASE", 1)


def _opening(reference: str, area: str, referral: ReferralSent) -> Opening:
    return Opening(
        reference, PROGRAMME, "adviser", case=_case_of(reference), party=None, area=area,
        requested_on=referral.happened_on, recorded_by=HEARD, recorded_at=referral.recorded_at,
        told_already=referral.told_already,
    )  # fmt: skip


# What there is to see -------------------------------------------------------------------------------------------------


def workers(connection: Connection) -> set[str]:
    """The codes of the people of the strand."""
    return set(connection.execute(select(Practitioner.code).where(Practitioner.role.in_(ROLES))).scalars())


def listed(connection: Connection) -> list[dict[str, Any]]:
    """Every support pathway that is not over: whom it follows, where it stands and who has it."""
    pathways = PathwayRow.__table__.c
    query = select(pathways, followed.c.man).join(followed, followed.c.reference == pathways.reference)
    return [
        {
            "pathway": row.reference,
            "follows": row.man,
            "stands": row.label,
            "since": row.since,
            "on": "nobody to take it" if row.on_code == NOBODY else row.on_code,
            "due": row.due_on,
            "area": row.area,
            "repair": row.failure,
        }
        for row in connection.execute(query.where(pathways.closed_on.is_(None)).order_by(pathways.due_on))
    ]


def contact(connection: Connection, pathway: str) -> dict[str, str | None]:
    """Whom a support pathway follows, and how she is reached, as far as it is known."""
    man = connection.execute(select(followed.c.man).where(followed.c.reference == pathway)).scalar()
    row = connection.execute(select(survivors).where(survivors.c.pathway == pathway)).mappings().first()
    return {"follows": man, **{name: value for name, value in (row or {}).items() if name != "pathway"}}


@contextmanager
def alone(strand: Engine) -> Iterator[Connection]:
    """A transaction that writes, and in which nobody else keeps a survivor's details or takes a text."""
    with writing(strand) as connection:
        _lock(connection)
        yield connection


def _lock(connection: Connection) -> None:
    if not is_sqlite(connection):
        connection.exec_driver_sql("LOCK TABLE survivor IN SHARE ROW EXCLUSIVE MODE")


def keep_survivors(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Keep what is given of survivors; the rest stays as it is. What was known before stays known to the screen."""
    _lock(connection)
    query = select(survivors).where(survivors.c.pathway.in_([row["pathway"] for row in rows]))
    stored = {row["pathway"]: dict(row) for row in connection.execute(query).mappings()}
    nothing = dict.fromkeys(survivors.c.keys())
    whole = [stored.get(row["pathway"], nothing) | row for row in rows]
    before = [old for row in whole if (old := stored.get(row["pathway"], row)) != row]
    if before:
        connection.execute(SurvivorBefore.__table__.insert(), before)
    return keep(connection, survivors, whole)


def recordable(facts: Sequence[Fact], supersedes: int | None) -> dict[str, type[Fact]]:
    """The kinds of fact its people may record; what was heard they cannot correct, for it is corrected over there."""
    if any(fact.id == supersedes and isinstance(fact, Heard) for fact in facts):
        return {}
    own = {name: kind for name, kind in RESTRICTED.items() if not issubclass(kind, Heard)}
    return {**own, Retracted.kind: Retracted}
