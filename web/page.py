"""Pages: templates rendered in the look of the GOV.UK Design System."""

import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader
from markupsafe import Markup

from models.working_days import LONDON, say
from store.audit import saw
from store.links import Visitor

TEMPLATES = Path(__file__).with_name("templates")
_ISO = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d))?")


@cache
def templates() -> Environment:
    """Our templates and the macros of GOV.UK Frontend, which need undefined names to chain."""
    macros = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(TEMPLATES), macros]),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"day": _day, "moment": _moment, "words": _words, "sentence": _sentence}
    return made


def page(
    request: Request | None, template: str, visitor: Visitor | None = None, *, status: int = 200, shows: str = "",
    **context: Any,
) -> HTMLResponse:  # fmt: skip
    """Render a template. `errors`, where given, holds what is wrong by the name of each field.

    `shows` is the pathway or receipt on it: who is shown it is written into the audit trail first.
    """
    if request and visitor and shows:
        site = request.app.state.site
        saw(site.engine, site.now(), visitor.holder.code, shows)
    shown = {"visitor": visitor, "errors": {}, "path": request.url.path if request else "", **context}
    return HTMLResponse(templates().get_template(template).render(shown), status_code=status)


def _day(value: date | str | None) -> str:
    return say(date.fromisoformat(value) if isinstance(value, str) else value) if value else ""


def _moment(value: datetime) -> str:
    here = value.astimezone(LONDON)
    return f"{say(here.date())} at {here:%H:%M}"


def _words(value: object) -> str:
    """A value of ours as it is read: yes for true, no underscores, days as people say them, codes on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and _ISO.fullmatch(value):
        return _moment(datetime.fromisoformat(value)) if "T" in value else _day(value)
    text = str(value).replace("_", " ").replace("spip", "SPIP")
    return Markup('<span class="site-reference">{}</span>').format(text) if "-" in text else text


def _sentence(value: str) -> str:
    return f"{value[:1].upper()}{value[1:]}"
