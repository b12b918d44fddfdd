"""What somebody owes, as a list in which most of it is answered in place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import Response

from models.answers import ANSWERS, in_one_word, meant
from models.working_days import london_date
from store import owed as store
from store import receipts
from store.database import reading
from store.directory import own_line
from store.links import Visitor
from store.owed import Owed
from store.record import Reported
from web.form import By, Reading, fields_of, read
from web.page import page
from web.sending import as_shown, received, sent_before, why_not
from web.visit import Here, Provider, Reader, Written, texts

router = APIRouter()


@router.get("/owed")
def listed(request: Request, site: Here, visitor: Reader) -> Response:
    """Everything that is owed, the latest first."""
    return _list(request, site, visitor, {}, {})


@cache
def quick(duty: str, by_link: bool) -> Sequence[tuple[str, str]]:
    """What can be answered to a kind of duty by one choice from a list."""
    return tuple((value, says) for value, says, _, _ in in_one_word(duty, by_link=by_link))


def _list(
    request: Request, site: Here, visitor: Visitor, chosen: Mapping[str, str], errors: Mapping[str, str]
) -> Response:
    with reading(site.engine) as connection:
        rows = store.owed(connection, visitor.holder, london_date(site.now()))
        accredited = not visitor.holder.is_staff and own_line(connection, visitor.holder.code, "DVPP") is not None
        sent = receipts.recent(connection, visitor.holder, london_date(site.now()), site.settings)
    chosen, errors = _as_called_now(chosen, rows), _as_called_now(errors, rows)
    shown = list_of(visitor, rows, chosen) | {"accredited": accredited, "errors": errors}
    shown |= {"sent": sent, "most": receipts.MOST_RECENT}
    return page(request, "owed.html", visitor, status=422 if errors else 200, **shown)


def _as_called_now(said: Mapping[str, str], rows: Sequence[Owed]) -> dict[str, str]:
    """What is said of rows, by their names: a row is called anew when something is recorded on its pathway."""
    names = {str(one.duty.id): f"answer-{one.duty.id}-{one.seen}" for one in rows} if said else {}
    return {names.get(_number_in(name), name): text for name, text in said.items()}


def _number_in(name: str) -> str:
    """The number of the duty that a field of the list is about."""
    return name.removeprefix("answer-").partition("-")[0]


def list_of(visitor: Visitor, rows: Sequence[Owed], chosen: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """What the list shows: what is owed, what may be answered in place, and what was `chosen` so far."""
    by_link, kinds = not visitor.verified, {one.duty.kind for one in rows}
    offered = {} if visitor.holder.is_staff else {kind: quick(kind, by_link) for kind in kinds}
    new = receipts.new_submission()
    return {"rows": rows, "chosen": chosen, "offered": offered, "answerable": ANSWERS.keys(), "submission": new}


@router.post("/owed")
def answer_several(request: Request, site: Here, visitor: Provider, form: Written, tasks: BackgroundTasks) -> Response:
    """Several answers at once, each a choice from its list. All of them are recorded, or none and it is said why."""
    said, now = texts(form), site.now()
    if before := sent_before(site, visitor, said.get("submission", "")):
        return before
    chosen = {name: value for name, value in said.items() if name.startswith("answer-") and value}
    with reading(site.engine) as connection:
        mine = {str(one.duty.id): one for one in store.owed(connection, visitor.holder, london_date(now))}
    reported, errors = [], {}
    for name, value in chosen.items():
        number, _, seen = name.removeprefix("answer-").partition("-")
        one = mine.get(number)
        if one is None:
            errors[name] = "One of these was answered meanwhile, or is not owed any more. The list holds the others"
        elif fact := _one_word(one, value, seen, By(visitor.holder.code, now), visitor, name, errors):
            reported.append(fact)
    if not chosen:
        errors["owed"] = "Choose an answer for at least one of them"
    if not errors:
        sent = receipts.send_in(site.engine, visitor.holder, reported, said.get("submission", ""), now, site.settings)
        if sent.receipt:
            return received(site, sent, tasks)
        errors = {outcome.reported.tag: why_not(outcome, visitor.holder) for outcome in sent.refused}
    return _list(request, site, visitor, chosen, {name: _of_which(name, mine) + why for name, why in errors.items()})


def _of_which(name: str, mine: Mapping[str, Owed]) -> str:
    """The reference an error is about, to go before it: there may be as many as there are rows."""
    one = mine.get(_number_in(name))
    return f"{one.duty.pathway}: " if one else ""


def _one_word(
    one: Owed, value: str, seen: str, by: By, visitor: Visitor, name: str, errors: dict[str, str]
) -> Reported | None:
    """The fact that one choice from a list makes."""
    found = {v: (a, given) for v, _, a, given in in_one_word(one.duty.kind, by_link=not visitor.verified)}
    if value not in found:
        errors[name] = "Choose one of the answers in the list"
        return None
    answer, given = found[value]
    said = meant(one.duty, _Session(one.session), by.code, visitor.holder.code) | given
    form = Reading({f"{answer.name}-{detail}": word for detail, word in given.items()})
    fact = read(form, answer, fields_of(answer, {}), said, by, one.duty.opened_on)
    if fact is None:
        errors[name] = next(iter(form.errors.values()))
        return None
    return Reported(one.duty.pathway, fact, name, store.answering(as_shown(one, seen), said))


@dataclass(frozen=True)
class _Session:
    """The session a duty is about, as much of the fact behind it as a list needs."""

    session: str | None
