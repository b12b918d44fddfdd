"""Receipts, and corrections of what was sent in."""

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import Response

from models.answers import ANSWERS, Answer
from models.facts import Fact
from models.facts.referral import CorrectionAsked
from models.working_days import london_date
from store import receipts
from store.database import reading
from store.links import Visitor
from store.record import Reported
from web.form import By, Reading, fields_of, read
from web.page import page
from web.sending import received, sent_before, why_not
from web.visit import GoTo, Here, NotYours, Number, Reader, Site, Written, texts

router = APIRouter()


@router.get("/receipts/{reference}")
def receipt(request: Request, site: Here, visitor: Reader, reference: str) -> Response:
    with reading(site.engine) as connection:
        row = receipts.receipt(connection, visitor.holder, reference)
    if row is None:
        raise NotYours
    if not visitor.verified and any(line["fact"] not in BY_LINK for line in row.lines):
        raise GoTo(f"/code?then=/receipts/{reference}")
    return page(request, "receipt.html", visitor, receipt=row, correctable=CORRECTABLE)


BY_LINK = frozenset(answer.fact.kind for some in ANSWERS.values() for answer in some if answer.by_link)
"""What a return link alone is enough to say, to read again and to correct."""


CORRECTABLE = frozenset(answer.fact.kind for some in ANSWERS.values() for answer in some)
"""What is corrected on the site: a risk never is, and what a provider says of itself is said anew."""


@router.get("/corrections/{number}")
def correction(request: Request, site: Here, visitor: Reader, number: Number) -> Response:
    return _correct(request, site, visitor, _mine(site, visitor, number), Reading({}))


@router.post("/corrections/{number}")
def corrected(
    request: Request, site: Here, visitor: Reader, number: Number, form: Written, tasks: BackgroundTasks
) -> Response:
    """Another answer in the place of one already given; or, later, a request to commissioning to correct it."""
    said, now = Reading(texts(form)), site.now()
    if before := sent_before(site, visitor, said.text("submission")):
        return before
    mine = _mine(site, visitor, number)
    by = By(visitor.holder.code, now)
    fact = _correction(mine, said, by) if mine.may_correct else _asks_for_one(mine, said, by)
    if fact and not said.errors:
        reported = [Reported(mine.pathway, fact, "answer")]
        sent = receipts.send_in(site.engine, visitor.holder, reported, said.text("submission"), now, site.settings)
        if sent.receipt:
            return received(site, sent, tasks)
        where = "answer" if mine.may_correct else "ask-reason"
        said.errors[where] = why_not(sent.refused[0], visitor.holder)
    return _correct(request, site, visitor, mine, said)


def _mine(site: Site, visitor: Visitor, number: int) -> receipts.Mine:
    with reading(site.engine) as connection:
        found = receipts.recorded_by(connection, visitor.holder, number, london_date(site.now()), site.settings)
    if found is None:
        raise NotYours
    if not visitor.verified and not (found.may_correct and found.fact.kind in BY_LINK):
        raise GoTo(f"/code?then=/corrections/{number}")
    return found


def _same_kind(fact: Fact) -> list[Answer]:
    """The answers that a fact may be corrected to: those of its own kind, beside the one that it could have been."""
    said = fact.payload
    same = [[a for a in some if a.fact is type(fact)] for some in ANSWERS.values()]
    return next((some for some in same if any(a.given.items() <= said.items() for a in some)), [])


def _correction(mine: receipts.Mine, form: Reading, by: By) -> Fact | None:
    same = _same_kind(mine.fact)
    answer = next((a for a in same if a.name == form.text("answer")), None)
    if answer is None:
        form.errors["answer"] = "Choose what is right"
        return None
    said_anew = {name for a in same for name in (*a.given, *a.asks)}
    stays = {name: value for name, value in mine.fact.payload.items() if name not in said_anew}
    return read(form, answer, fields_of(answer, {}), stays, by, mine.fact.happened_on, mine.fact.id)


_ASKS = Answer("ask", "Ask for a correction", CorrectionAsked, asks=("reason",))


def _asks_for_one(mine: receipts.Mine, form: Reading, by: By) -> Fact | None:
    return read(form, _ASKS, fields_of(_ASKS, {}), {"fact_number": mine.fact.id}, by, None)


def _correct(request: Request, site: Site, visitor: Visitor, mine: receipts.Mine, form: Reading) -> Response:
    answers = _same_kind(mine.fact) if mine.may_correct else [_ASKS]
    return page(
        request, "correction.html", visitor, status=422 if form.errors else 200, mine=mine, offered=answers, form=form,
        fields={answer.name: fields_of(answer, {}) for answer in answers}, errors=form.errors,
        submission=receipts.new_submission(),
    )  # fmt: skip
