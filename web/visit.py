"""Who is visiting: dependencies that a page asks for, each stricter than the one before."""

import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Path, Request
from pydantic import AfterValidator
from sqlalchemy import Engine
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from settings import Settings
from store.database import reading
from store.links import Visitor, visitor

COOKIE = "__Host-session"
MOST_FIELDS = 5000
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
"""A number in an address, as large as our tables number anything."""
Named = Annotated[str, AfterValidator(str.upper)]
"""A reference or code in an address, however somebody typed it."""


class GoTo(Exception):
    """Another page comes first."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Elsewhere(Exception):
    """The way here began on another site, so the browser has not said who is here: a page of ours has to come first."""


class NotYours(Exception):
    """There is no such page for this visitor: it is not said whether there is one for others."""


class Forged(Exception):
    """A form that was not shown to this visitor."""


@dataclass(frozen=True)
class Site:
    """What every page works with."""

    engine: Engine
    settings: Settings

    def now(self) -> datetime:
        return datetime.now(UTC)


def site(request: Request) -> Site:
    return request.app.state.site


def opened(request: Request, site: Annotated[Site, Depends(site)]) -> Visitor | None:
    """Whoever has opened a return link in this browser; None for anybody else."""
    secret = request.cookies.get(COOKIE)
    if not secret:
        return None
    with reading(site.engine) as connection:
        return visitor(connection, secret, site.now())


def known(request: Request, visitor: Annotated[Visitor | None, Depends(opened)]) -> Visitor:
    """Somebody with a return link that is good; anybody else is asked for their mailbox, and comes back here."""
    if visitor:
        return visitor
    if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
        raise Elsewhere
    pathway = request.url.path.startswith("/pathways/") and request.path_params.get("reference")
    raise GoTo(f"/link?over={int(COOKIE in request.cookies)}" + (f"&about={quote(pathway)}" if pathway else ""))


def verified(request: Request, visitor: Annotated[Visitor, Depends(known)]) -> Visitor:
    """Somebody who has typed in the code sent to their mailbox."""
    if not visitor.verified:
        then = request.url.path if request.method == "GET" else "/owed"
        raise GoTo(f"/code?then={quote(then)}")
    return visitor


def reader(request: Request, visitor: Annotated[Visitor, Depends(known)]) -> Visitor:
    """Somebody who may see what is theirs: a provider by a link alone, staff by a code too."""
    return verified(request, visitor) if visitor.holder.is_staff else visitor


def staff(visitor: Annotated[Visitor, Depends(verified)]) -> Visitor:
    """One of the staff, verified."""
    if not visitor.holder.is_staff:
        raise NotYours
    return visitor


def provider(visitor: Annotated[Visitor, Depends(known)]) -> Visitor:
    if visitor.holder.is_staff:
        raise NotYours
    return visitor


def verified_provider(visitor: Annotated[Visitor, Depends(verified)]) -> Visitor:
    """A provider, verified."""
    return provider(visitor)


_FORM = "application/x-www-form-urlencoded"
_FORMS = re.compile(rf'({_FORM}|multipart/form-data; *boundary=[^;]+)(; *charset="?utf-8"?)?', re.IGNORECASE)


async def sent(request: Request) -> FormData:
    """The form that came in, whoever sent it; in the one encoding our pages have."""
    if not _FORMS.fullmatch(request.headers.get("content-type", _FORM).strip()):
        raise HTTPException(415)
    # How large a field may be is for the guard to say, which bounds the whole.
    async with request.form(max_files=1, max_fields=MOST_FIELDS, max_part_size=sys.maxsize) as form:
        yield form


async def written(visitor: Annotated[Visitor, Depends(known)], form: Annotated[FormData, Depends(sent)]) -> FormData:
    """A form that was shown to this visitor, and to nobody else."""
    token = form.get("token")
    if not isinstance(token, str) or not visitor.wrote(token):
        raise Forged
    return form


# What a page asks for, by the name it has there.
Here = Annotated[Site, Depends(site)]
Reader = Annotated[Visitor, Depends(reader)]
Staff = Annotated[Visitor, Depends(staff)]
Provider = Annotated[Visitor, Depends(provider)]
VerifiedProvider = Annotated[Visitor, Depends(verified_provider)]
Written = Annotated[FormData, Depends(written)]


def texts(form: FormData) -> dict[str, str]:
    """The fields of a form that are text, without what is around them."""
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}
