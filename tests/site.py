"""The site over an office of our own, and the browsers of people who open the link in their mail."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from settings import Channel, Settings
from settings import Site as SiteSettings
from store import links
from store.database import writing
from tests.life import day
from tests.world import Office
from web.app import create_app
from web.visit import Site

HOST = "https://pathways.example"


@dataclass(frozen=True)
class At(Site):
    """A site whose clock stands where a test puts it."""

    clock: list[datetime] = field(default_factory=lambda: [datetime(2026, 1, 5, 9, tzinfo=UTC)])

    def now(self) -> datetime:
        return self.clock[0]


class Pages:
    """One browser on the site."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.client.get(path, **more)

    def post(
        self, path: str, form: dict[str, Any] | None = None, *, token: str | None = None, **more: Any
    ) -> httpx.Response:
        """A form as the browser would send it: with its token, unless another is given."""
        token = self.token() if token is None else token
        return self.client.post(path, data={"token": token, **(form or {})}, **more)

    def token(self) -> str:
        """The token of this browser's forms; empty where it has no session."""
        for path in ("/owed", "/code"):
            if found := re.search(r'name="token" value="(\w+)"', self.client.get(path).text):
                return found[1]
        return ""


class OpenSite:
    """The site over the database of an office, with a clock of its own; its mail goes to `smtp`, if to anywhere."""

    def __init__(self, office: Office, home: Path, on: str | date, smtp: int | None = None, **site: Any) -> None:
        channels = {"mail": Channel(url=f"pathways-mail://127.0.0.1:{smtp}?security=none")} if smtp else {}
        rates = {"requests": "100000/minute", "askings": "1000/hour"}
        self.settings = Settings(
            home=home, profile="composite", channels=channels, prefect_api="http://127.0.0.1:9/api",
            site=SiteSettings(**{"url": HOST, **rates, **site}),
        )  # fmt: skip
        self.office = office
        self.engine = office.engine
        self.app = create_app(self.settings)
        self.app.state.site = self.site = At(self.engine, self.settings)
        self.at(datetime.combine(day(on), time(21), UTC))  # after what an office does on that day

    def routes(self) -> list[APIRoute]:
        """Every page and action there is."""
        found = []
        for one in self.app.routes:
            inner = getattr(one, "original_router", None)  # FastAPI keeps a router that was included as one route
            found += [route for route in (inner.routes if inner else [one]) if isinstance(route, APIRoute)]
        return found

    def at(self, now: datetime) -> None:
        """Put the clock of the site."""
        self.site.clock[0] = now

    def browser(self) -> Pages:
        return Pages(TestClient(self.app, base_url=HOST, follow_redirects=True, raise_server_exceptions=False))

    def link(self, role: str, code: str) -> str:
        """The path of a return link as mail would hold it: role is provider, provider_lead or staff."""
        with writing(self.engine) as connection:
            holder = links.holder_of(connection, role, code)
            assert holder, (role, code)
            whole = links.issue(connection, holder, self.site.now(), self.settings)
        return whole.removeprefix(self.settings.site.url).partition("?")[0]

    def enter(self, role: str, code: str, *, verified: bool = False) -> Pages:
        """A browser in which somebody opened their link, and typed in the code where that is wanted."""
        pages = self.browser()
        assert pages.get(f"{self.link(role, code)}/open").status_code == 200
        if verified:
            self.verify(pages)
        return pages

    def verify(self, pages: Pages) -> None:
        """Type in the code of a browser's session, without the mail."""
        self.verify_session(pages.client.cookies["__Host-session"])

    def verify_session(self, secret: str) -> None:
        with writing(self.engine) as connection:
            visitor = links.visitor(connection, secret, self.site.now())
            digits = links.new_code(connection, visitor.session, self.site.now(), self.settings)
            assert links.verify(connection, visitor.session, digits, self.site.now(), self.settings) == "right"


def two_reports_owed(engine: Engine, home: Path) -> OpenSite:
    """P1 owes reports on SPIP-D1 and SPIP-D2 since 16 January 2026; it is the evening of Monday, the 26th."""
    office = Office(engine).case().case("CASE2", ("PC", "PD"))
    office.opens()
    office.opens("SPIP-D2", "PC", case="CASE2")
    for reference in ("SPIP-D1", "SPIP-D2"):
        office.awaiting_report(reference)
    return OpenSite(office.round("2026-01-26"), home, "2026-01-26")


def text_of(answer: httpx.Response) -> str:
    """What a page says, without its tags."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())
