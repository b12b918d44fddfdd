"""For staff: the pathways they have a part in, and the story of each from its facts. Nothing is changed here."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from models.working_days import london_date
from store import owed as store
from store.ask import details, story
from store.concerns import risks_to_read
from store.database import reading
from web.page import page
from web.visit import Here, Named, NotYours, Staff

router = APIRouter()
A_PAGE = 50


@router.get("/pathways")
def mine(
    request: Request, site: Here, visitor: Staff, number: int = 1, stands: str = "", reference: str = ""
) -> Response:
    """The open pathways of this adviser or office: where they owe an answer first, then by the day it is due."""
    number = max(1, min(number, 100_000))
    said = {"label": stands.strip()[:60], "reference": reference.strip()[:40]}
    with reading(site.engine) as connection:
        rows, count = store.my_pathways(connection, visitor.holder, page=number, size=A_PAGE, **said)
    pages = max(1, -(-count // A_PAGE))
    today = london_date(site.now())
    return page(
        request, "pathways.html", visitor, rows=rows, count=count, number=number, pages=pages, said=said, today=today
    )


@router.get("/pathways/{reference}")
def one(request: Request, site: Here, visitor: Staff, reference: Named) -> Response:
    """Where a pathway stands, what is owed, what was said and what happened."""
    with reading(site.engine) as connection:
        if not store.may_read(connection, visitor.holder, reference):
            raise NotYours
        told = story(connection, reference, london_date(site.now()), site.settings)
        risks = risks_to_read(connection, visitor.holder, told)
    today = london_date(site.now())
    return page(request, "story.html", visitor, shows=reference, story=told, risks=risks, today=today, details=details)
