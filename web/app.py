"""The site: its pages put together, what stands before them, and what is said when something goes wrong."""

from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles

from settings import Settings
from store.database import database
from web import accreditation, answer, concern, entry, owed, receipt, stories, upload
from web.guard import TOO_MUCH, Guard, Rates
from web.page import TEMPLATES, page
from web.visit import Elsewhere, Forged, GoTo, NotYours, Site, opened

STATIC = TEMPLATES.with_name("static")


def create_app(settings: Settings) -> FastAPI:
    """The site under these settings. Its pages are for people, so none of them is described to machines."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.site = Site(database(settings.database_url), settings)
    app.state.rates = Rates(settings)
    for pages in (entry, owed, answer, receipt, upload, concern, accreditation, stories):
        app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.get("/health")(_health)
    app.exception_handler(GoTo)(_go_to)
    app.exception_handler(Elsewhere)(_from_elsewhere)
    app.exception_handler(NotYours)(_not_yours)
    app.exception_handler(Forged)(_forged)
    app.exception_handler(RequestValidationError)(_not_yours)
    app.exception_handler(HTTPException)(_said)
    for out_of_reach in (OperationalError, NoneFree):
        app.exception_handler(out_of_reach)(_out_of_reach)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=_hosts(settings), www_redirect=False)
    app.add_middleware(Guard, settings=settings, rates=app.state.rates)
    return app


async def _health() -> Response:
    """That the process answers, however busy its pages are."""
    return PlainTextResponse("ok")


def _hosts(settings: Settings) -> list[str]:
    return settings.site.hosts or [urlsplit(settings.site.url).hostname or "127.0.0.1", "127.0.0.1", "localhost"]


def _go_to(request: Request, first: GoTo) -> Response:
    return RedirectResponse(first.path, 303)


def _from_elsewhere(request: Request, _: Elsewhere) -> Response:
    return page(request, "arrive.html", then=quote(request.url.path))


def _visitor(request: Request):
    try:
        return opened(request, request.app.state.site)
    except Exception:  # the page that says what went wrong must not fail for the same reason
        return None


def _not_yours(request: Request, _: Exception) -> Response:
    says = ["There is no such page for you. It may have been answered or closed since."]
    return page(request, "said.html", _visitor(request), status=404, title="Page not found", says=says)


def _forged(request: Request, _: Forged) -> Response:
    says = [
        "This form is too old, or was opened by somebody else. Nothing was recorded. Go back to the list and try again."
    ]
    return page(request, "said.html", _visitor(request), status=403, title="Please try again", says=says)


def _said(request: Request, why: HTTPException) -> Response:
    if why.status_code == 404:
        return _not_yours(request, why)
    if why.status_code == 413:
        return TOO_MUCH
    says = ["The page could not be shown as it was asked for.", "Nothing was recorded."]
    answer = page(request, "said.html", status=why.status_code, title="Please try again", says=says, anybody=True)
    answer.headers.update(why.headers or {})
    return answer


def _out_of_reach(request: Request, _: Exception) -> Response:
    says = ["Our records are out of reach just now. Try again in a few minutes; what is sent twice is recorded once."]
    return page(request, "said.html", status=503, title="Sorry, not just now", says=says, anybody=True)
