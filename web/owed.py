"""What somebody owes, answered in place or on a page of its own; the receipt; and corrections."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Request
from fastapi.responses import RedirectResponse, Response

from models.answers import ANSWERS, BOOKS, Answer, answers_to, choices, in_one_word, meant
from models.facts import Fact
from models.facts.cppp import SessionCalledOff, SessionHeld, SessionMoved, SessionSet
from models.facts.referral import CorrectionAsked
from models.working_days import london_date, say
from notifications.papers import court_paper
from store import owed as store
from store import receipts
from store.ask import Story, story
from store.concerns import risks_to_read
from store.database import reading
from store.directory import own_line
from store.links import Holder, Visitor
from store.owed import Owed
from store.record import Outcome, Reported
from tasks.nudge import nudge, run_now
from web.form import AGAIN, REBOOKS, By, Field, Options, Reading, fields_of, in_words, read, wants_another
from web.page import page
from web.visit import GoTo, NotYours, Number, Site, provider, reader, site, texts, written

router = APIRouter()
Here = Annotated[Site, Depends(site)]
Known = Annotated[Visitor, Depends(reader)]
Written = Annotated[Any, Depends(written)]


# The list -----------------------------------------------------------------------------------------------------------


@router.get("/owed")
def listed(request: Request, site: Here, visitor: Known) -> Response:
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
    chosen, errors = _as_called_now(chosen, rows), _as_called_now(errors, rows)
    shown = list_of(visitor, rows, chosen) | {"accredited": accredited, "errors": errors}
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
def answer_several(
    request: Request, site: Here, visitor: Annotated[Visitor, Depends(provider)], form: Written, tasks: BackgroundTasks
) -> Response:
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


def sent_before(site: Site, visitor: Visitor, submission: str) -> Response | None:
    """The receipt of a form that came in already: whoever sends it twice, or goes back to it, has sent it once."""
    with reading(site.engine) as connection:
        before = receipts.receipt_of(connection, submission, visitor.holder)
    return RedirectResponse(f"/receipts/{before}", 303) if before else None


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
    return Reported(one.duty.pathway, fact, name, store.answering(_as_shown(one, seen), said))


def _as_shown(one: Owed, seen: str) -> Owed:
    """The duty as it stood when its page was shown. What was seen is never later than now, whatever the form says."""
    shown = int(seen) if re.fullmatch("[0-9]{1,12}", seen) else one.seen
    return replace(one, seen=min(shown, one.seen))


@dataclass(frozen=True)
class _Session:
    """The session a duty is about, as much of the fact behind it as a list needs."""

    session: str | None


def why_not(outcome: Outcome, holder: Holder) -> str:
    """Why an answer was refused. Providers are told nothing of others: not who holds a referral, nor of a party."""
    if holder.is_staff or not (outcome.rule or outcome.field in ("provider", "about")):
        return f"{outcome.why[:1].upper()}{outcome.why[1:]}"
    if outcome.rule == "SR-03":
        return "This person cannot be in that session. Choose another one (SR-03)"
    if outcome.field in ("provider", "about"):
        return "You do not hold this referral any more, so nothing is recorded under it"
    return f"This cannot go on now. Please wait until you are told ({outcome.rule})"


def received(site: Site, sent: receipts.Sent, tasks: BackgroundTasks) -> Response:
    """On to the receipt; what was recorded is looked at by Prefect meanwhile, or by the next round."""
    tasks.add_task(nudged, site.settings.prefect_api, sorted(sent.touched))
    return RedirectResponse(f"/receipts/{sent.receipt}", 303, background=tasks)


def nudged(api: str, touched: Sequence[tuple[str, str]]) -> None:
    if touched and nudge(api, touched):
        run_now(api, "deliver/deliver")


# One on a page of its own -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """One duty, how it may be answered, and what is asked for each answer."""

    one: Owed
    story: Story
    answers: Sequence[Answer]
    fields: Mapping[str, Sequence[Field]]
    said: Mapping[str, Any]
    """What follows from the duty itself."""

    @property
    def rebooks(self) -> bool:
        return any(answer.rebooks for answer in self.answers)


def _question(site: Site, visitor: Visitor, number: int) -> Question:
    """A duty of this visitor. Raises NotYours for any other; GoTo where all its answers need a code first."""
    today = london_date(site.now())
    with reading(site.engine) as connection:
        rows = store.owed(connection, visitor.holder, today, number)
        told = story(connection, rows[0].duty.pathway, today, site.settings) if rows else None
        if told is None:
            raise NotYours
        role, left = store.role_of(connection, visitor.holder), _choices(told)
    one = rows[0]
    by_link_only = not visitor.verified
    if by_link_only and not any(a.by_link for a in answers_to(one.duty.kind)):
        raise GoTo(f"/code?then=/owed/{number}")
    open_still = [a for a in answers_to(one.duty.kind, role) if _can_be_said(a, told, left)]
    offered = [a for a in open_still if a.by_link or not by_link_only]
    anchor = next((fact for fact in told.facts if fact.place == one.anchor), None)
    said = meant(one.duty, anchor, visitor.holder.code, told.loaded.row.provider) | {"days": _days(told)}
    return Question(one, told, offered, {a.name: fields_of(a, _left(a, told, left)) for a in offered}, said)


def _choices(story: Story) -> dict[str, Options]:
    """What this pathway leaves to choose from: its parties, who could take it, its sessions still to be reported on."""
    known = story.loaded.known
    proposed = [(code, code) for code in known.proposed()]
    return {
        "party": [(party, party) for party in known.parties],
        "provider": proposed,
        "practitioner": proposed,
        "session": [(code, f"{code}, {say(day)}") for code, day in _days(story).items()],
    }


def _days(story: Story) -> dict[str, date]:
    """The sessions whose day has come and of which nothing is heard yet, with their days."""
    over = {fact.session for fact in story.facts if isinstance(fact, (SessionHeld, SessionCalledOff))}
    fixed = [fact for fact in story.facts if isinstance(fact, (SessionSet, SessionMoved))]
    days = {fact.session: fact.session_on for fact in fixed if fact.session not in over}
    return {code: day for code, day in days.items() if day <= story.today}


def _left(answer: Answer, story: Story, known: dict[str, Options]) -> dict[str, Options]:
    """The choices, without those of which this was said already: the parents spoken to, the criteria assessed."""
    told_apart = answer.fact.one_per
    if answer.meets or not told_apart or len(told_apart) != 1:
        return known
    name = told_apart[0]
    said = {getattr(fact, name) for fact in story.facts if isinstance(fact, answer.fact)}
    options = known.get(name) or [(value, in_words(name, value)) for value in choices(answer, name)]
    return {**known, name: [one for one in options if one[0] not in said]}


def _can_be_said(answer: Answer, story: Story, known: dict[str, Options]) -> bool:
    """Whether an answer is still open: what is said once was not said, and there is something to choose from."""
    if "session" in answer.asks and answer.on == "session":
        return bool(known["session"])
    said = [fact for fact in story.facts if isinstance(fact, answer.fact)]
    return not (said and answer.fact.one_per == () and not answer.meets)


@router.get("/owed/{number}")
def question(request: Request, site: Here, visitor: Known, number: Number) -> Response:
    return _ask(request, site, visitor, _question(site, visitor, number), Reading({}))


def _ask(request: Request, site: Site, visitor: Visitor, asked: Question, form: Reading) -> Response:
    today = london_date(site.now())
    draft = court_paper(asked.story, today) if any("paper" in answer.given for answer in asked.answers) else None
    with reading(site.engine) as connection:
        risk = risks_to_read(connection, visitor.holder, asked.story).get(asked.one.anchor)
    return page(
        request, "answer.html", visitor, status=422 if form.errors else 200, asked=asked, form=form, errors=form.errors,
        again=REBOOKS if asked.rebooks else (), rebooking=wants_another(form), draft=draft, risk=risk,
        submission=receipts.new_submission(), today=today,
    )  # fmt: skip


@router.post("/owed/{number}")
def answered(
    request: Request, site: Here, visitor: Known, number: Number, form: Written, tasks: BackgroundTasks
) -> Response:
    """One answer, and perhaps the next session with it."""
    said = Reading(texts(form))
    if before := sent_before(site, visitor, said.text("submission")):
        return before
    asked = _question(site, visitor, number)
    reported = _facts(asked, said, By(visitor.holder.code, site.now()))
    if not said.errors:
        submission = said.text("submission")
        sent = receipts.send_in(site.engine, visitor.holder, reported, submission, site.now(), site.settings)
        if sent.receipt:
            return received(site, sent, tasks)
        said.errors |= {str(outcome.reported.tag): why_not(outcome, visitor.holder) for outcome in sent.refused}
    return _ask(request, site, visitor, asked, said)


def _facts(asked: Question, form: Reading, by: By) -> list[Reported]:
    answer = next((answer for answer in asked.answers if answer.name == form.text("answer")), None)
    if answer is None:
        form.errors["answer"] = "Choose an answer"
        return []
    one = asked.one
    answering = store.answering(_as_shown(one, form.text("seen")), asked.said)
    facts = [read(form, answer, asked.fields[answer.name], asked.said, by, one.duty.opened_on)]
    if wants_another(form) and not answer.rebooks:
        form.errors[REBOOKS[0].name] = "Leave this empty, or choose an answer after which there is another session"
    elif wants_another(form):
        facts.append(read(form, BOOKS, REBOOKS, {}, by, None))
    first = next((f.name for f in asked.fields[answer.name]), "answer")
    tags = (first, f"{AGAIN}-times")
    return [
        Reported(one.duty.pathway, fact, tag, answering if tag == first else None)
        for fact, tag in zip(facts, tags, strict=False)
        if fact
    ]


# Receipts and corrections -------------------------------------------------------------------------------------------


@router.get("/receipts/{reference}")
def receipt(request: Request, site: Here, visitor: Known, reference: str) -> Response:
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
def correction(request: Request, site: Here, visitor: Known, number: Number) -> Response:
    return _correct(request, site, visitor, _mine(site, visitor, number), Reading({}))


@router.post("/corrections/{number}")
def corrected(
    request: Request, site: Here, visitor: Known, number: Number, form: Written, tasks: BackgroundTasks
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
    """The answers that a fact may be corrected to: those of its own kind."""
    same = [[a for a in some if a.fact is type(fact)] for some in ANSWERS.values()]
    return next((some for some in same if some), [])


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
