"""A harm concern: a provider's own words, on a form and in a record of their own (SR-09); and who may read them."""

from typing import Annotated
from unicodedata import category

from fastapi import APIRouter, BackgroundTasks, Depends, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.exc import SQLAlchemyError

from settings import OFF
from store import concerns as store
from store.database import reading
from store.links import Visitor
from store.owed import held_by
from store.receipts import new_submission
from store.strand import OUT_OF_REACH, strand
from store.texts import LONGEST
from web.form import Reading
from web.page import page
from web.sending import nudged
from web.visit import Here, Named, NotYours, Site, VerifiedProvider, Written, provider, staff, texts

router = APIRouter()


@router.get("/concerns")
def which(request: Request, site: Here, visitor: VerifiedProvider) -> Response:
    """The open references of this provider, to choose the one a concern is about."""
    with reading(site.engine) as connection:
        references = held_by(connection, visitor.holder.code)
    return page(request, "concerns.html", visitor, references=references)


@router.get("/concerns/{reference}")
def form(request: Request, site: Here, visitor: VerifiedProvider, reference: Named) -> Response:
    _of(site, visitor, reference)
    return _form(request, site, visitor, reference, Reading({}))


def _of(site: Site, visitor: Visitor, reference: str) -> None:
    """Somebody else's reference is refused as one that does not exist."""
    with reading(site.engine) as connection:
        if reference not in held_by(connection, visitor.holder.code):
            raise NotYours


def _form(
    request: Request, site: Site, visitor: Visitor, reference: str, said: Reading, trouble: str = "", status: int = 422
) -> Response:
    """The form with what was typed: it is on this page, and nowhere else."""
    errors = said.errors | ({"words": trouble} if trouble else {})
    off = site.settings.restricted_database == OFF
    return page(
        request, "concern.html", visitor, status=status if errors else 200, reference=reference, form=said, off=off,
        errors=errors, longest=LONGEST, submission=said.text("submission") or new_submission(),
    )  # fmt: skip


@router.post("/concerns/{reference}")
def sent(
    request: Request, site: Here, visitor: Annotated[Visitor, Depends(provider)], reference: Named, form: Written,
    tasks: BackgroundTasks,
) -> Response:  # fmt: skip
    """The words go into the restricted record and the risk into the record of the case; on to the receipt.

    Whatever stands in the way of that, what was typed is not lost: it is still on the page.
    """
    _of(site, visitor, reference)
    said = Reading(texts(form))
    if not visitor.verified:
        return _form(request, site, visitor, reference, said, _CODE_FIRST, 403)
    submission = said.text("submission") or new_submission()
    concern = _read(said, reference, store.risk_of(visitor.holder, reference, submission))
    if said.errors:
        return _form(request, site, visitor, reference, said)
    try:
        raised = store.raise_concern(site.engine, visitor.holder, concern, site.now(), site.settings)
    except store.SaidOtherwise:
        again = Reading({**said.values, "submission": new_submission()})
        return _form(request, site, visitor, reference, again, _AGAIN, 409)
    except SQLAlchemyError:
        return _form(request, site, visitor, reference, said, f"Nothing could be recorded just now. {_RING}", 503)
    tasks.add_task(nudged, site.settings.prefect_api, sorted(raised.sent.touched))
    if raised.kept and raised.sent.receipt:
        return RedirectResponse(f"/receipts/{raised.sent.receipt}", 303, background=tasks)
    return _form(request, site, visitor, reference, said, f"{_what_became(raised)} {_RING}", 503)


_CODE_FIRST = "Nothing was sent yet: it is an hour since you typed in a code. Type in another one first, as said below"
_AGAIN = "Something else was sent from this form before, and stays as it was. To send this as well, send it now"
_RING = (
    "Telephone the adviser now and read out what you wrote: it is still here. You can also try to send it again later"
)


def _what_became(raised: store.Raised) -> str:
    """What was recorded and what was not."""
    if raised.sent.receipt:
        return (
            f"The risk is recorded ({raised.sent.receipt}) and its adviser hears of it, but your words were not kept."
        )
    kept = "Your words are kept" if raised.kept else "Your words were not kept"
    return f"{kept}, but the risk could not be recorded, so nobody has heard of it."


def _read(said: Reading, reference: str, risk: str) -> store.Concern:
    """What was typed, with what is wrong with it in `said.errors`."""
    about, words = said.text("about"), "\n".join(said.text("words").replace("\t", " ").splitlines())
    if about not in store.ABOUT:
        said.errors["about"] = "Choose who is at risk"
    if not words:
        said.errors["words"] = "Write what happened"
    elif len(words) > LONGEST:
        said.errors["words"] = f"Write at most {LONGEST:,} characters; these are {len(words):,}"
    elif any(category(char) in ("Cc", "Cs") for char in words.replace("\n", "")):
        said.errors["words"] = "It holds control characters, which came with what was pasted. Type those places again"
    return store.Concern(reference, risk, about, words)


# Who reads it -------------------------------------------------------------------------------------------------------


@router.get("/pathways/{reference}/concerns/{risk}")
def kept(
    request: Request, site: Here, visitor: Annotated[Visitor, Depends(staff)], reference: Named, risk: Named
) -> Response:
    """What was written under a risk, for the adviser and the service manager. That they read it is written down."""
    with reading(site.engine) as connection:
        of_case = store.may_read(connection, visitor.holder, reference)
    if not of_case:
        raise NotYours
    try:
        row = store.read_of(strand(site.settings), risk, of_case, visitor.holder.code, site.now())
    except OUT_OF_REACH:
        says = ["What was written is out of reach from here just now. Telephone whoever raised the risk."]
        return page(request, "said.html", visitor, status=503, title="Out of reach", says=says)
    if row is None:
        says = ["Nothing is written down here under this risk. Telephone whoever raised it."]
        return page(request, "said.html", visitor, status=404, title="Nothing is written down", says=says)
    return page(request, "concern_kept.html", visitor, concern=row, reference=reference)
