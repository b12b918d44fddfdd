"""A provider says that its accreditation was renewed. Commissioning checks that; nothing becomes live by it (SR-04)."""

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import Response

from models.answers import Answer
from models.facts import Fact
from models.facts.dvpp import AccreditationRenewed
from models.working_days import london_date
from store import owed as store
from store import receipts
from store.database import reading
from store.directory import own_line
from store.links import Visitor
from store.record import Reported
from web.form import By, Reading, fields_of, read
from web.page import page
from web.sending import received, sent_before, why_not
from web.visit import Here, NotYours, Site, VerifiedProvider, Written, texts

router = APIRouter()
PROGRAMME = "DVPP"
RENEWED = Answer("renewed", "Our accreditation was renewed", AccreditationRenewed, asks=("until",))
FIELDS = fields_of(RENEWED, {})


@router.get("/accreditation")
def asks(request: Request, site: Here, visitor: VerifiedProvider) -> Response:
    return _ask(request, site, visitor, Reading({}))


def _ask(request: Request, site: Site, visitor: Visitor, form: Reading) -> Response:
    """Until when it runs, and until when it was renewed; only for those who deliver the programme."""
    with reading(site.engine) as connection:
        line = own_line(connection, visitor.holder.code, PROGRAMME)
        held = store.held_by(connection, visitor.holder.code, PROGRAMME)
    if line is None:
        raise NotYours
    return page(
        request, "accreditation.html", visitor, status=422 if form.errors else 200, line=line, held=held, form=form,
        fields=FIELDS, errors=form.errors, submission=receipts.new_submission(), today=london_date(site.now()),
    )  # fmt: skip


@router.post("/accreditation")
def said(request: Request, site: Here, visitor: VerifiedProvider, form: Written, tasks: BackgroundTasks) -> Response:
    """Recorded on every open pathway of the programme that this provider holds, as one receipt."""
    said = Reading(texts(form))
    if before := sent_before(site, visitor, said.text("submission")):
        return before
    holder, now = visitor.holder, site.now()
    if reported := _reported(site, visitor, said):
        # Where one pathway needs repair the others still say it: it is the provider's news, not the pathway's.
        sent = receipts.send_in(
            site.engine, holder, reported, said.text("submission"), now, site.settings, keep="sound"
        )
        if sent.receipt:
            return received(site, sent, tasks)
        said.errors[FIELDS[0].name] = why_not(sent.refused[0], holder)
    return _ask(request, site, visitor, said)


def _reported(site: Site, visitor: Visitor, form: Reading) -> list[Reported]:
    """The fact for each pathway of which it was not said yet; none, with what is wrong in `form.errors`."""
    code, now, name = visitor.holder.code, site.now(), FIELDS[0].name
    fact = read(form, RENEWED, FIELDS, {"provider": code}, By(code, now), None)
    if fact and fact.until <= london_date(now):
        form.errors[name] = "Enter a day to come: the last day for which it was renewed"
    if fact is None or form.errors:
        return []
    new = _not_said_yet(site, code, fact)
    if not new:
        form.errors[name] = "There is nothing to record it on: you hold no open DVPP of which you have not said so"
    return [Reported(reference, fact) for reference in new]


def _not_said_yet(site: Site, code: str, fact: Fact) -> list[str]:
    with reading(site.engine) as connection:
        held = store.held_by(connection, code, PROGRAMME)
        return sorted(set(held) - store.said_of(connection, held, fact))
