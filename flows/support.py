"""SUPPORT: what the survivor is offered while a man is on DVPP. A strand of its own, which nothing else sees (SR-11).

In Prefect it is a sweep without a trace: no reference, no count, no tag.
"""

from typing import NoReturn

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from models.facts import Fact
from models.facts.support import (
    ManAbsent,
    ManDropped,
    ManFinished,
    ManStarted,
    NoContactMade,
    RiskHeard,
    SupportAccepted,
    SupportDeclined,
    SupportEnded,
    SurvivorContactTried,
)
from models.pathway import Pathway
from models.restricted import NOBODY
from models.standing import Who
from tasks.safely import Fault
from tasks.support import sweep


def support(p: Pathway) -> None:
    """From the day he is referred until she or her worker ends it; what he does or does not do never ends it."""
    worker = Who("support_worker", p.known.people.business_support)
    p.ends_with(SupportEnded, "closed_ended")
    heard_of_him(p, worker)
    contact = offered(p, worker)
    answer = answered(p, worker, contact)
    accompanied(p, worker, answer)


def heard_of_him(p: Pathway, worker: Who) -> None:
    """The worker is told of a new risk, of absences and of his dropping out: that it is so, and the day (N10)."""
    if worker.code == NOBODY:
        return  # told as soon as somebody is there
    for kind, wording in (
        (RiskHeard, "support-risk"),
        (ManStarted, "support-started"),
        (ManAbsent, "support-absence"),
        (ManDropped, "support-dropped"),
    ):
        for fact in p.all(kind, after=p.request):
            p.tell(worker, wording, about=fact, day=fact.happened_on)
    if over := p.first(ManFinished, after=p.request):
        p.tell(worker, "support-over", about=over, day=over.happened_on)


def offered(p: Pathway, worker: Who) -> Fact:
    """A women's support worker tries to reach her (N07). With no worker in the area it is shown until there is one."""
    due = p.within("offer", p.request)
    answers = (SurvivorContactTried, SupportAccepted, SupportDeclined)
    offer = p.owe("support_offer", *answers, by=worker, due=due, after=p.request)
    if worker.code != NOBODY:
        # Said even where he was referred long ago: nobody may be left without an offer.
        p.tell(worker, "support-wanted", about=p.request, due=due, anyway=True, overtaken=bool(offer.fact))
    return offer.fact or p.stand("offer_due", offer, label="Nobody to take it" if worker.code == NOBODY else None)


def answered(p: Pathway, worker: Who, contact: Fact) -> Fact:
    """She takes it or not. Silence is no answer: only the worker says that she could not be reached."""
    if not isinstance(contact, SurvivorContactTried):
        return contact
    due = p.within("answer", contact)
    answers = (SupportAccepted, SupportDeclined, NoContactMade)
    return p.wait_for("support_answer", *answers, state="offered", by=worker, due=due, after=contact)


def accompanied(p: Pathway, worker: Who, answer: Fact) -> NoReturn:
    """She has support while his programme lasts. When that is over, she and her worker bring it to its end."""
    if isinstance(answer, SupportDeclined):
        p.close("closed_declined", "declined", on=answer)
    if isinstance(answer, NoContactMade):
        p.close("closed_no_contact", "no_contact", on=answer)
    over = p.first(ManFinished, ManDropped)
    due = p.within("ending", max(over.happened_on, answer.happened_on)) if over else p.within("engaged", answer)
    ending = p.owe("support_end", SupportEnded, by=worker, due=due, after=answer)
    p.stand("engaged", ending, label=None if over else "Support goes on")


@flow(name="support", flow_run_name="support", timeout_seconds=3600)
def support_sweep() -> State:
    """Listen, advance, chase and deliver in the restricted strand. Prefect hears only that it is done."""
    try:
        sweep(support)
    except Fault as fault:
        return Failed(name="Failed", message=str(fault))
    return Completed(name="Done")
