"""What stands before every page: headers, tokens, limits of size and of number, hosts; and what is said when things fail."""

import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.site import OpenSite
from tests.world import Office, empty
from web.guard import LARGEST_FORM

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> OpenSite:
    """P1 owes a report on SPIP-D1; it is the evening of 26 January 2026."""
    office = Office(engine).case()
    office.opens()
    office.awaiting_report()
    office.round("2026-01-26")
    return OpenSite(office, tmp_path, "2026-01-26")


@pytest.fixture
def plain(tmp_path: Path) -> OpenSite:
    """Nobody owes anything: for what stands before the pages."""
    return OpenSite(Office(empty(f"sqlite:///{tmp_path / 'pathways.db'}")), tmp_path, "2026-01-26")


def another(site: OpenSite, **more: Any) -> OpenSite:
    """The same site with other settings."""
    return OpenSite(site.office, site.settings.home, site.site.now().date(), **more)


# Headers --------------------------------------------------------------------------------------------------------------

ALWAYS = {
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "strict-transport-security": "max-age=31536000",
}


def test_every_answer_has_the_headers_errors_and_files_too(site: OpenSite, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = site.enter("provider", "P1")
    seen = {
        200: pages.get("/owed"), 303: pages.get("/", follow_redirects=False), 403: pages.post("/owed", token="no"),
        404: pages.get("/nowhere"), 405: pages.client.request("DELETE", "/owed"), 410: pages.get("/l/nothing"),
        422: pages.post("/link", {"mailbox": "none"}), 400: pages.get("/link", headers={"host": "evil.example"}),
        413: pages.client.post("/owed", content=b"x" * (LARGEST_FORM + 1)),
        415: pages.client.post("/owed", content=b"{}", headers={"content-type": "application/json"}),
        "file": pages.get("/static/site.css"), "no file": pages.get("/static/none"), "health": pages.get("/health"),
        429: another(site, requests="1/hour").enter_twice("/link"),
    }  # fmt: skip
    monkeypatch.setattr(web_entry := sys.modules["web.entry"], "page", lambda *a, **k: 1 / 0)
    seen[500] = pages.get("/link")
    assert web_entry and [kind for kind in seen if isinstance(kind, int)] == [
        seen[kind].status_code for kind in seen if isinstance(kind, int)
    ]
    for kind, answer in seen.items():
        assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS, kind
        assert answer.headers["cache-control"] == "no-store", kind
        policy = dict(one.strip().split(" ", 1) for one in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert "unsafe" not in str(policy) and "*" not in str(policy)
        assert "server" not in answer.headers and "x-powered-by" not in answer.headers
