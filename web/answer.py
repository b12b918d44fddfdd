"""One duty on a page of its own: how it may be answered here, and what is asked for each answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import Response

from models.answers import BOOKS, Answer, answers_to, choices, meant
from models.facts.base import Timed
from models.facts.cppp import SessionCalledOff, SessionHeld, SessionMoved, SessionSet
from models.working_days import london_date, say
from notifications.papers import court_paper
from store import owed as store
from store import receipts
from store.ask import Story, story
from store.concerns import risks_to_read
from store.database import reading
from store.links import Visitor
from store.owed import Owed
from store.record import Reported
from web.form import REBOOKS, By, Field, Options, Reading, fields_of, in_words, read, wants_another, where
from web.page import page
from web.sending import as_shown, received, sent_before, why_not
from web.visit import GoTo, Here, NotYours, Number, Reader, Site, Written, texts

router = APIRouter()


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

    @property
    def session_on(self) -> date | None:
        """The day of the session it is about: the duty may have been opened by what was said of that."""
        fixed = [f for f in self.story.facts if isinstance(f, Timed) and f.session == self.said.get("session")]
        return fixed[-1].session_on if fixed else None


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
def question(request: Request, site: Here, visitor: Reader, number: Number) -> Response:
    return _ask(request, site, visitor, _question(site, visitor, number), Reading({}))


def _ask(request: Request, site: Site, visitor: Visitor, asked: Question, form: Reading) -> Response:
    today = london_date(site.now())
    draft = court_paper(asked.story, today) if any("paper" in answer.given for answer in asked.answers) else None
    with reading(site.engine) as connection:
        risk = risks_to_read(connection, visitor.holder, asked.story).get(asked.one.anchor)
    return page(
        request, "answer.html", visitor, status=422 if form.errors else 200, asked=asked, form=form, errors=form.errors,
        again=REBOOKS if asked.rebooks else (), rebooking=wants_another(form), draft=draft, risk=risk,
        submission=receipts.new_submission(), today=today, shows=asked.one.duty.pathway,
    )  # fmt: skip


@router.post("/owed/{number}")
def answered(
    request: Request, site: Here, visitor: Reader, number: Number, form: Written, tasks: BackgroundTasks
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
        for refused in sent.refused:
            said.errors[where(refused.reported.tag, refused.field)] = why_not(refused, visitor.holder)
    return _ask(request, site, visitor, asked, said)


def _facts(asked: Question, form: Reading, by: By) -> list[Reported]:
    """What is reported, each fact with the questions it was made from as its tag."""
    answer = next((answer for answer in asked.answers if answer.name == form.text("answer")), None)
    if answer is None:
        form.errors["answer"] = "Choose an answer"
        return []
    one, fields = asked.one, asked.fields[answer.name]
    answering = store.answering(as_shown(one, form.text("seen")), asked.said)
    fact, again = read(form, answer, fields, asked.said, by, one.duty.opened_on), None
    if wants_another(form) and not answer.rebooks:
        form.errors[REBOOKS[0].name] = "Leave this empty, or choose an answer after which there is another session"
    elif wants_another(form):
        again = read(form, BOOKS, REBOOKS, {}, by, None)
    reported = [Reported(one.duty.pathway, fact, fields, answering)] if fact else []
    return [*reported, Reported(one.duty.pathway, again, REBOOKS)] if again else reported
