"""Coming in: a link is opened, asked for anew, and made more of by a code; and leaving."""

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, BackgroundTasks, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from intake.cells import reference
from store import links, receipts
from store.database import reading, writing
from store.links import Holder, Visitor
from web.mail import send_code, send_links
from web.page import page
from web.visit import COOKIE, Forged, Here, Site, Written, known, opened, sent, texts

router = APIRouter()


@router.get("/")
def home(visitor: Annotated[Visitor | None, Depends(opened)]) -> Response:
    return RedirectResponse("/owed" if visitor else "/link", 303)


@router.get("/l/{token}")
def arrive(request: Request, token: str, site: Here, about: str = "") -> Response:
    """Where a link in mail leads. It goes on by itself, so that the browser takes the next page for one of ours."""
    if _found(site, token) is None:
        return _over(request)
    then = f"/l/{quote(token)}/open?about={quote(_about(about))}"
    return page(request, "arrive.html", then=then)


@router.get("/l/{token}/open")
def open_link(
    request: Request, token: str, site: Here, visitor: Annotated[Visitor | None, Depends(opened)], about: str = ""
) -> Response:
    """Begin a session, or go on with one of the same mailbox, which may have a code already."""
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return arrive(request, token, site, about)  # from elsewhere the browser does not say who is here already
    if (found := _found(site, token)) is None:
        return _over(request)
    link, holder = found
    if visitor is None:
        return _begin(site, link, holder, about)
    if _same(visitor.holder, holder):
        return _first_page(holder, about, visitor.secret)
    return page(request, "another.html", visitor, holder=holder, link=token, about=_about(about))


@router.post("/l/{token}/open")
def open_another(
    request: Request, token: str, site: Here, visitor: Annotated[Visitor, Depends(known)],
    form: Written,
) -> Response:  # fmt: skip
    """Leave one mailbox's session for another's. Nobody is taken from one to the other without being asked."""
    if (found := _found(site, token)) is None:
        return _over(request)
    with writing(site.engine) as connection:
        links.end_session(connection, visitor.session)
    return _begin(site, *found, texts(form).get("about", ""))


def _found(site: Site, token: str) -> tuple[str, Holder] | None:
    with reading(site.engine) as connection:
        return links.found(connection, token, site.now(), site.settings)


def _over(request: Request) -> Response:
    return page(request, "ask.html", status=410, over=True)


def _same(one: Holder, other: Holder) -> bool:
    """Whether two are the same people at the same mailbox, as a provider and its lead may be."""
    return (one.is_staff, one.code, one.mailbox.casefold()) == (other.is_staff, other.code, other.mailbox.casefold())


def _begin(site: Site, link: str, holder: Holder, about: str) -> Response:
    with writing(site.engine) as connection:
        secret = links.open_session(connection, link, site.now(), site.settings)
    return _first_page(holder, about, secret)


def _first_page(holder: Holder, about: str, secret: str) -> Response:
    """On to what the link is about, with the cookie that says who is here."""
    answer = RedirectResponse(_page_about(holder, _about(about)), 303)
    answer.set_cookie(COOKIE, secret, secure=True, httponly=True, samesite="strict", path="/")
    return answer


def _page_about(holder: Holder, about: str) -> str:
    if receipts.REFERENCE.fullmatch(about):
        return f"/receipts/{about}"
    pages = f"/pathways/{about}" if holder.is_staff else f"/owed#{about}"
    return pages if about else "/owed"


def _about(given: str) -> str:
    """The reference a link is about, if it is one: of a pathway or a receipt."""
    try:
        return reference(given)
    except ValueError:
        return ""


@router.get("/link")
def ask(request: Request, over: str = "", about: str = "") -> Response:
    return page(request, "ask.html", over=over == "1", about=_about(about))


@router.post("/link")
def asked(
    request: Request, site: Here, form: Annotated[FormData, Depends(sent)], background: BackgroundTasks
) -> Response:
    """Send a link to a mailbox, if it is anybody's. The answer is the same, and takes as long, if it is not."""
    said = texts(form)
    mailbox, about = said.get("mailbox", ""), _about(said.get("about", ""))
    if "@" not in mailbox or len(mailbox) > 200:
        errors = {"mailbox": "Enter your work mailbox, such as team@provider.example"}
        return page(request, "ask.html", status=422, errors=errors, mailbox=mailbox[:200], about=about)
    if request.app.state.rates.asking("link", mailbox, _address(request)):
        background.add_task(send_links, site, mailbox, about)
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
def code(request: Request, site: Here, visitor: Annotated[Visitor, Depends(known)], then: str = "/owed") -> Response:
    if visitor.verified:
        return RedirectResponse(_ours(then), 303)
    return _code(request, site, visitor, then)


def _code(
    request: Request, site: Site, visitor: Visitor, then: str, errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:  # fmt: skip
    """Where a code is asked for and, while there is one that was sent, typed in."""
    with reading(site.engine) as connection:
        was_sent = links.waits_for_code(connection, visitor.session, site.now(), site.settings)
    if errors and not was_sent and "digits" in errors:  # there is nothing to type them into any more
        errors = {"send": _NO_CODE}
    then, locked = _ours(then), not request.app.state.rates.may_try(visitor.holder.mailbox)
    concerns = not visitor.holder.is_staff and (locked or status == 429 or then.startswith("/concerns"))
    return page(
        request, "code.html", visitor, status=status, then=then, was_sent=was_sent, errors=errors or {}, locked=locked,
        concerns=concerns,
    )  # fmt: skip


@router.post("/code/send")
def send(request: Request, site: Here, visitor: Annotated[Visitor, Depends(known)], form: Written) -> Response:
    """Send six digits to the registered mailbox."""
    then = texts(form).get("then", "")
    if not request.app.state.rates.asking("code", visitor.holder.mailbox, _address(request)):
        errors = {"send": "Too many codes were asked for, so none was sent. Wait an hour before you ask again"}
        return _code(request, site, visitor, then, errors, 429)
    now = site.now()
    with writing(site.engine) as connection:
        digits = links.new_code(connection, visitor.session, now, site.settings)
    if not send_code(site.settings, visitor.holder, digits, now):
        with writing(site.engine) as connection:
            links.forget_code(connection, visitor.session)
        errors = {"send": "The code could not be sent just now. Try again in a few minutes"}
        return _code(request, site, visitor, then, errors, 503)
    return _code(request, site, visitor, then)


@router.post("/code")
def typed(request: Request, site: Here, visitor: Annotated[Visitor, Depends(known)], form: Written) -> Response:
    """Six digits that are right make the session good for an hour, whatever it asks for."""
    said, rates, mailbox = texts(form), request.app.state.rates, visitor.holder.mailbox
    then, digits = said.get("then", ""), "".join(said.get("digits", "").split())
    if visitor.verified:
        return RedirectResponse(_ours(then), 303)
    if not rates.may_try(mailbox):
        return _code(request, site, visitor, then, status=429)
    if not re.fullmatch("[0-9]{6}", digits):  # what could not be right is no guess, and shuts nobody out
        return _code(request, site, visitor, then, {"digits": "Enter the six digits of the code"}, 422)
    with writing(site.engine) as connection:
        tried = links.verify(connection, visitor.session, digits, site.now(), site.settings)
    if tried == "right":
        return RedirectResponse(_ours(then), 303)
    if tried in ("wrong", "dead"):
        rates.tried(mailbox)
    field, says = _NOT_RIGHT[tried]
    errors = {field: says.format(tries=site.settings.site.code_tries)}
    return _code(request, site, visitor, then, errors, 422)


_NO_CODE = "There is no code to type in: the last one is dead or too old. Ask for another one"
_NOT_RIGHT = {
    "wrong": ("digits", "That is not the code we sent. Check it: after {tries} wrong tries it is dead"),
    "dead": ("send", "That was wrong {tries} times, so this code is dead. Ask for another one"),
    "none": ("send", _NO_CODE),
}


def _ours(then: str) -> str:
    """A page of this site to go to; the first one for whatever else is asked for."""
    return then if re.fullmatch(r"(/[A-Za-z0-9-]{1,80}){1,3}", then) else "/owed"


@router.post("/sign-out")
def leave(
    request: Request, site: Here, visitor: Annotated[Visitor | None, Depends(opened)],
    form: Annotated[FormData, Depends(sent)],
) -> Response:  # fmt: skip
    """End the session. A browser that comes from elsewhere brings no cookie with it, and loses none by it."""
    answer = page(request, "said.html", title="You have left", says=["Open the link in your mail to come back."])
    if visitor:
        if not visitor.wrote(str(form.get("token", ""))):
            raise Forged
        with writing(site.engine) as connection:
            links.end_session(connection, visitor.session)
        answer.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict", path="/")
    return answer
