"""Receipts, and corrections of what was sent in."""

from collections.abc import Sequence
from dataclasses import replace

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import Response

from models.answers import ANSWERS, Answer
from models.facts import Fact
from models.facts.every import Retracted
from models.facts.referral import CorrectionAsked
from models.working_days import london_date
from store import receipts
from store.database import reading
from store.links import Holder, Visitor
from store.record import Reported
from web.form import By, Reading, as_typed, fields_of, read, where
from web.page import page
from web.sending import received, sent_before, why_not
from web.visit import GoTo, Here, Named, NotYours, Number, Reader, Site, Written, texts

router = APIRouter()


@router.get("/receipts/{reference}")
def receipt(request: Request, site: Here, visitor: Reader, reference: Named) -> Response:
    """What was sent in at once, and what of it may still be corrected."""
    holder, today = visitor.holder, london_date(site.now())
    with reading(site.engine) as connection:
        row = receipts.receipt(connection, holder, reference)
        numbers = {line["number"] for line in row.lines if line["fact"] in CORRECTABLE} if row else ()
        mine = receipts.recorded_by(connection, holder, numbers, today, site.settings)
    if row is None:
        raise NotYours
    if not visitor.verified and any(line["fact"] not in BY_LINK for line in row.lines):
        raise GoTo(f"/code?then=/receipts/{reference}")
    return page(request, "receipt.html", visitor, shows=reference, receipt=row, mine=mine)


BY_LINK = frozenset(answer.fact.kind for some in ANSWERS.values() for answer in some if answer.by_link)
"""What a return link alone is enough to say, to read again and to correct."""


CORRECTABLE = frozenset(answer.fact.kind for some in ANSWERS.values() for answer in some)
"""What is corrected on the site: a risk never is, and what a provider says of itself is said anew."""


# Corrections --------------------------------------------------------------------------------------------------------


@router.get("/corrections/{number}")
def correction(request: Request, site: Here, visitor: Reader, number: Number) -> Response:
    mine = _mine(site, visitor, number)
    said = _said(mine.fact) if mine.may_correct else None
    typed = as_typed(said, fields_of(said, {}), mine.fact) if said else {}
    return _correct(request, site, visitor, mine, Reading(typed))


@router.post("/corrections/{number}")
def corrected(
    request: Request, site: Here, visitor: Reader, number: Number, form: Written, tasks: BackgroundTasks
) -> Response:
    """Another answer in the place of one already given; or a request to commissioning to correct it."""
    said, now = Reading(texts(form)), site.now()
    if before := sent_before(site, visitor, said.text("submission")):
        return before
    mine = _mine(site, visitor, number)
    if answer := _chosen(_offered(mine, visitor.holder), said):
        if answer is ASKS and not visitor.verified:
            raise GoTo(f"/code?then=/corrections/{number}")
        if fact := _read(mine, answer, said, By(visitor.holder.code, now)):
            reported = [Reported(mine.pathway, fact)]
            sent = receipts.send_in(site.engine, visitor.holder, reported, said.text("submission"), now, site.settings)
            if sent.receipt:
                return received(site, sent, tasks)
            why = sent.refused[0]
            said.errors[where(fields_of(answer, {}), why.field)] = why_not(why, visitor.holder)
    return _correct(request, site, visitor, mine, said)


def _mine(site: Site, visitor: Visitor, number: int) -> receipts.Mine:
    """A fact of this visitor that stands and is corrected here. Raises NotYours for any other."""
    with reading(site.engine) as connection:
        found = receipts.recorded_by(connection, visitor.holder, {number}, london_date(site.now()), site.settings)
    mine = found.get(number)
    if mine is None or mine.corrected_by or mine.fact.kind not in CORRECTABLE:
        raise NotYours
    if not visitor.verified and not (mine.may_correct and mine.fact.kind in BY_LINK):
        raise GoTo(f"/code?then=/corrections/{number}")
    return mine


ASKS = Answer("ask", "None of these: commissioning has to correct it", CorrectionAsked, asks=("reason",))
"""What a provider may not correct itself: another answer than one of its kind, or one of earlier days."""
_TAKES_BACK = Answer("took_back", "None of these: it never happened", Retracted)


def _offered(mine: receipts.Mine, holder: Holder) -> list[Answer]:
    """What may be said of a fact: what is right, or that none of it is."""
    return [*(_of_its_kind(mine.fact) if mine.may_correct else ()), _TAKES_BACK if holder.is_staff else ASKS]


def _of_its_kind(fact: Fact) -> list[Answer]:
    """The answers that a fact may be corrected to: those of its own kind, beside the one that it could have been."""
    same = [[a for a in some if a.fact is type(fact)] for some in ANSWERS.values()]
    return next((some for some in same if any(_says(a, fact) for a in some)), [])


def _says(answer: Answer, fact: Fact) -> bool:
    return answer.given.items() <= fact.payload.items()


def _said(fact: Fact) -> Answer | None:
    """The answer that made a fact."""
    return next((answer for answer in _of_its_kind(fact) if _says(answer, fact)), None)


def _chosen(offered: Sequence[Answer], form: Reading) -> Answer | None:
    """The answer that was chosen, or the only one there is; otherwise what is wrong is in `form.errors`."""
    name = form.text("answer") or (offered[0].name if len(offered) == 1 else "")
    found = next((answer for answer in offered if answer.name == name), None)
    if found is None:
        form.errors["answer"] = "Choose what is right"
    return found


def _read(mine: receipts.Mine, answer: Answer, form: Reading, by: By) -> Fact | None:
    """What is right; it happened on the same day unless another one is asked for."""
    fields = fields_of(answer, {})
    if answer is ASKS:
        return read(form, answer, fields, {"fact_number": mine.fact.id}, by, None)
    anew = {name for a in _of_its_kind(mine.fact) for name in (*a.given, *a.asks)}
    stays = {name: value for name, value in mine.fact.payload.items() if name not in anew}
    on_its_day = answer if answer.on == "asked" else replace(answer, on="duty")
    fact = read(form, on_its_day, fields, stays, by, mine.fact.happened_on, mine.fact.id)
    if fact and fact.content == mine.fact.content:
        form.errors["answer"] = "This is what is recorded. Change what is wrong in it, or leave it as it is"
        return None
    return fact


def _correct(request: Request, site: Site, visitor: Visitor, mine: receipts.Mine, form: Reading) -> Response:
    offered = _offered(mine, visitor.holder)
    return page(
        request, "correction.html", visitor, status=422 if form.errors else 200, mine=mine, offered=offered, form=form,
        fields={answer.name: fields_of(answer, {}) for answer in offered}, errors=form.errors,
        submission=receipts.new_submission(), shows=mine.pathway,
    )  # fmt: skip
