"""Coming in: a link is opened, asked for anew, and made more of by a code; and leaving."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, BackgroundTasks, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from intake.cells import reference
from store import links
from store.database import reading, writing
from store.links import Visitor
from web.mail import send_code, send_links
from web.page import page
from web.visit import COOKIE, Forged, Site, known, opened, sent, site, texts, written

router = APIRouter()
Here = Annotated[Site, Depends(site)]


@router.get("/")
def home(visitor: Annotated[Visitor | None, Depends(opened)]) -> Response:
    return RedirectResponse("/owed" if visitor else "/link", 303)


@router.get("/l/{token}")
def arrive(request: Request, token: str, site: Here, about: str = "") -> Response:
    """Where a link in mail leads. It goes on by itself, so that the browser takes the next page for one of ours."""
    with reading(site.engine) as connection:
        if links.found(connection, token, site.now(), site.settings) is None:
            return page(request, "ask.html", status=410, over=True)
    then = f"/l/{quote(token)}/open?about={quote(_about(about))}"
    return page(request, "arrive.html", then=then)


@router.get("/l/{token}/open")
def open_link(
    request: Request, token: str, site: Here, visitor: Annotated[Visitor | None, Depends(opened)], about: str = ""
) -> Response:
    """Begin a session, or go on with one of the same mailbox, which may have a code already."""
    now = site.now()
    with writing(site.engine) as connection:
        if (found := links.found(connection, token, now, site.settings)) is None:
            return page(request, "ask.html", status=410, over=True)
        link, holder = found
        goes_on = visitor is not None and visitor.holder == holder
        secret = visitor.secret if goes_on else links.open_session(connection, link, now, site.settings)
    about = _about(about)
    if holder.is_staff and about:
        answer = RedirectResponse(f"/pathways/{about}", 303)
    else:
        answer = RedirectResponse(f"/owed#{about}" if about else "/owed", 303)
    answer.set_cookie(COOKIE, secret, secure=True, httponly=True, samesite="strict", path="/")
    return answer


def _about(given: str) -> str:
    """The reference a link is about, if it is one."""
    try:
        return reference(given)
    except ValueError:
        return ""


@router.get("/link")
def ask(request: Request, over: int = 0) -> Response:
    return page(request, "ask.html", over=bool(over))


@router.post("/link")
def asked(
    request: Request, site: Here, form: Annotated[FormData, Depends(sent)], background: BackgroundTasks
) -> Response:
    """Send a link to a mailbox, if it is anybody's. The answer is the same, and takes as long, if it is not."""
    mailbox = texts(form).get("mailbox", "")
    if "@" not in mailbox or len(mailbox) > 200:
        errors = {"mailbox": "Enter your work mailbox, such as team@provider.example"}
        return page(request, "ask.html", status=422, errors=errors, mailbox=mailbox[:200])
    if request.app.state.rates.asking(mailbox, _address(request)):
        background.add_task(send_links, site, mailbox)
    answer = page(request, "said.html", title="Check your mailbox", says=[
        "If that mailbox is one we know, a link is on its way to it.",
        "It can take a few minutes. If nothing comes, ask the sender of your reminders which mailbox is registered.",
    ])  # fmt: skip
    answer.background = background
    return answer


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


# The second step ----------------------------------------------------------------------------------------------------


@router.get("/code")
def code(request: Request, visitor: Annotated[Visitor, Depends(known)], then: str = "/owed") -> Response:
    if visitor.verified:
        return RedirectResponse(_ours(then), 303)
    return page(request, "code.html", visitor, then=_ours(then), was_sent=False)


@router.post("/code/send")
def send(
    request: Request, site: Here, visitor: Annotated[Visitor, Depends(known)], form: Annotated[Any, Depends(written)]
) -> Response:
    """Send six digits to the registered mailbox."""
    then = _ours(texts(form).get("then", ""))
    if not request.app.state.rates.asking(f"code:{visitor.holder.mailbox}", _address(request)):
        errors = {"send": "Too many codes were asked for. Wait an hour, or use the last one that came"}
        return page(request, "code.html", visitor, status=429, then=then, was_sent=True, errors=errors)
    now = site.now()
    with writing(site.engine) as connection:
        digits = links.new_code(connection, visitor.session, now, site.settings)
    if not send_code(site.settings, visitor.holder, digits, now):
        errors = {"send": "The code could not be sent just now. Try again in a few minutes"}
        return page(request, "code.html", visitor, status=503, then=then, was_sent=False, errors=errors)
    return page(request, "code.html", visitor, then=then, was_sent=True)


@router.post("/code")
def typed(
    request: Request, site: Here, visitor: Annotated[Visitor, Depends(known)], form: Annotated[Any, Depends(written)]
) -> Response:
    """Six digits that are right make the session good for an hour, whatever it asks for."""
    said = texts(form)
    then, digits = _ours(said.get("then", "")), "".join(said.get("digits", "").split())
    with writing(site.engine) as connection:
        right = links.verify(connection, visitor.session, digits[:6], site.now(), site.settings)
    if right and len(digits) == 6:
        return RedirectResponse(then, 303)
    errors = {"digits": "That is not the code we sent, or it is too old. Check it, or ask for another"}
    return page(request, "code.html", visitor, status=422, then=then, was_sent=True, errors=errors)


def _ours(then: str) -> str:
    """A page of this site to go to; the first one for whatever else is asked for."""
    safe = then.startswith("/") and not then.startswith(("//", "/\\")) and then.isascii() and then.isprintable()
    return then if safe and "\\" not in then else "/owed"


@router.post("/sign-out")
def leave(
    request: Request, site: Here, visitor: Annotated[Visitor | None, Depends(opened)],
    form: Annotated[FormData, Depends(sent)],
) -> Response:  # fmt: skip
    if visitor:
        if not visitor.wrote(str(form.get("token", ""))):
            raise Forged
        with writing(site.engine) as connection:
            links.end_session(connection, visitor.session)
    answer = page(request, "said.html", title="You have left", says=["Open the link in your mail to come back."])
    answer.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict", path="/")
    return answer
