"""What stands before every page: headers, tokens, limits, hosts; what is said when things fail, and what is written down."""

import asyncio
import logging
import os
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import Engine, event

import web.entry
from models import tables as t
from settings import Settings
from settings import Site as SiteSettings
from store import links
from store.database import database, writing
from tests.engine import PATHWAYS, ROOT, free_ports
from tests.fresh import put_tables
from tests.site import HOST, OpenSite, text_of
from tests.smtp_sink import Sink
from tests.world import Office, empty
from web import serve as process
from web.guard import LARGEST_FORM, Rates

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> OpenSite:
    """P1 owes a report on SPIP-D1; it is the evening of 26 January 2026."""
    return owing(Office(engine), tmp_path)


@pytest.fixture
def fresh(tmp_path: Path) -> OpenSite:
    """As `site`, where it does not matter which database there is."""
    return owing(Office(empty(f"sqlite:///{tmp_path / 'pathways.db'}")), tmp_path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> OpenSite:
    """As `fresh`, for all tests that record nothing."""
    folder = tmp_path_factory.mktemp("plain")
    return owing(Office(empty(f"sqlite:///{folder / 'pathways.db'}")), folder)


def owing(office: Office, folder: Path) -> OpenSite:
    office.case().opens()
    office.awaiting_report()
    office.round("2026-01-26")
    return OpenSite(office, folder, "2026-01-26")


def another(site: OpenSite, **more: Any) -> OpenSite:
    """The same site with other settings."""
    return OpenSite(site.office, site.settings.home, site.site.now().date(), **more)


def sent(
    app: Any, method: str, path: str, *, headers: Iterable[tuple[str, str]] = (), chunks: Iterable[bytes] = (b"",),
    address: str = "203.0.113.9", heard: list[dict[str, Any]] | None = None,
) -> httpx.Response:  # fmt: skip
    """A request as a server hands it over, byte for byte; what the site says goes into `heard` as it says it."""
    heard = [] if heard is None else heard
    parts = [*chunks]
    bodies = [{"type": "http.request", "body": part, "more_body": n < len(parts) - 1} for n, part in enumerate(parts)]
    path, _, query = path.partition("?")
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(), "scheme": "https",
        "headers": [(b"host", b"pathways.example"), *((name.encode(), value.encode("latin-1")) for name, value in headers)],
        "client": (address, 1), "server": ("pathways.example", 443), "root_path": "", "http_version": "1.1",
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return bodies.pop(0) if bodies else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        heard.append(message)

    asyncio.run(app(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in heard)
    return httpx.Response(heard[0]["status"], headers=heard[0]["headers"], content=body)


# Headers --------------------------------------------------------------------------------------------------------------

ALWAYS = {
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "strict-transport-security": "max-age=31536000",
}


def test_every_answer_has_the_headers_errors_and_files_too(plain: OpenSite, monkeypatch: pytest.MonkeyPatch) -> None:
    pages, hurried = plain.enter("provider", "P1"), another(plain, requests="1/hour").browser()
    hurried.get("/link")
    seen = [
        (200, pages.get("/owed")), (200, pages.get("/static/site.css")), (200, pages.get("/health")),
        (303, pages.get("/", follow_redirects=False)), (400, pages.get("/link", headers={"host": "evil.example"})),
        (403, pages.post("/owed", token="no")), (404, pages.get("/nowhere")), (404, pages.get("/static/none")),
        (405, pages.client.delete("/owed")), (410, pages.get("/l/nothing")),
        (413, pages.client.post("/owed", content=b"x" * (LARGEST_FORM + 1))),
        (415, pages.client.post("/owed", json={})), (422, pages.post("/link", {"mailbox": "none"})), (429, hurried.get("/link")),
    ]  # fmt: skip
    monkeypatch.setattr(web.entry, "page", lambda *_, **__: 1 / 0)
    seen.append((500, pages.get("/link")))
    for status, answer in seen:
        assert answer.status_code == status
        assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS, status
        policy = dict(one.strip().split(" ", 1) for one in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert "unsafe" not in str(policy) and "*" not in str(policy)
        assert not {"server", "x-powered-by"} & set(answer.headers)
        assert status < 400 or len(answer.text) > 15, "an error is a sentence"
        assert "Traceback" not in answer.text and "ZeroDivision" not in answer.text


def test_a_browser_is_held_to_https_only_where_the_site_has_it(plain: OpenSite) -> None:
    assert "strict-transport-security" in plain.browser().get("/link").headers
    inside = another(plain, url="http://pathways.example")
    assert "strict-transport-security" not in inside.browser().get("/link").headers


def test_no_page_holds_a_script_or_style_of_its_own_or_asks_another_host(plain: OpenSite) -> None:
    provider, staff = plain.enter("provider", "P1", verified=True), plain.enter("staff", "FCA1", verified=True)
    duty = plain.office.duty("attendance_report").id
    shown = [provider.get(path).text for path in ("/link", "/code", "/owed", f"/owed/{duty}", "/upload", "/concerns")]
    shown += [staff.get(path).text for path in ("/pathways", "/pathways/SPIP-D1", plain.link("provider", "P1"))]
    for text in shown:
        assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:", text)
        assert all(
            address.startswith(("/", "#", "data:,")) for address in re.findall(r'\b(?:src|href|action)="([^"]*)"', text)
        )


# Tokens ---------------------------------------------------------------------------------------------------------------


def test_every_action_refuses_a_form_that_was_not_shown_to_this_visitor(fresh: OpenSite) -> None:
    pages, foreign, over = (
        fresh.enter(*who, verified=True) for who in (("provider", "P1"), ("provider", "P2"), ("provider", "P1"))
    )
    old = over.token()
    over.post("/sign-out")
    real = {
        "number": fresh.office.duty("attendance_report").id, "reference": "SPIP-D1", "token": fresh.link("provider", "P2").removeprefix("/l/"),
    }  # fmt: skip
    form = {"answer": "attended", f"answer-{real['number']}-1": "attended", "digits": "123456", "until-year": "2030"}
    actions = [route.path for route in fresh.routes() if "POST" in route.methods]
    assert len(actions) >= 10
    before = [fresh.office.rows(table) for table in (t.FactRow, t.Receipt, t.SiteSession, t.NoticeRow)]
    for action in set(actions) - {"/link"}:
        for token in ("", "wrong", "\u00e9", foreign.token(), old, pages.token()[:-1], pages.token().upper()):
            answer = pages.client.post(action.format(**real), data=form | {"token": token})
            assert answer.status_code == 403 and "Nothing was recorded" in text_of(answer), (action, token)
        assert pages.client.post(action.format(**real), data=form).status_code == 403, action
        assert pages.client.post(f"{action.format(**real)}?token={pages.token()}", data=form).status_code == 403, action
        with_file = {"token": ("token", pages.token())}
        assert pages.client.post(action.format(**real), data=form, files=with_file).status_code == 403, action
    assert before == [fresh.office.rows(table) for table in (t.FactRow, t.Receipt, t.SiteSession, t.NoticeRow)]
    assert "Receipt" in text_of(pages.post("/owed", {f"answer-{real['number']}-1": "attended"}))


def test_without_a_session_a_link_is_asked_for_and_the_site_is_left_without_a_token(plain: OpenSite) -> None:
    browser = plain.browser()
    assert browser.client.post("/link", data={"mailbox": "p1@p.example"}).status_code == 200
    assert browser.client.post("/sign-out").status_code == 200


# Hosts and addresses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["evil.example", "pathways.example.evil.example", "www.pathways.example", "", "pathways.example@evil.example"],
)
def test_a_host_that_is_not_ours_is_refused(plain: OpenSite, host: str) -> None:
    answer = plain.browser().get("/link", headers={"host": host}, follow_redirects=False)
    assert answer.status_code == 400 and "location" not in answer.headers


def test_no_header_of_a_visitor_makes_another_host_of_ours(plain: OpenSite) -> None:
    pages = plain.enter("provider", "P1")
    claims = {"x-forwarded-host": "evil.example", "x-original-url": "/pathways", "forwarded": "host=evil.example"}
    for path in ("/", "/owed", "/code?then=/owed", "/concerns"):
        answer = pages.get(path, headers=claims, follow_redirects=False)
        assert "evil" not in answer.text and answer.headers.get("location", "/").startswith("/")


def served(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> uvicorn.Config:
    """The server as the process would start it."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda app, **more: given.update(more, app=app))
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    process.serve(settings)
    monkeypatch.setattr(uvicorn.Config, "configure_logging", lambda _: None)
    return uvicorn.Config(**given)


@pytest.mark.parametrize(("proxies", "counted_alone"), [([], False), (["10.0.0.1"], True), (["10.0.0.2"], False)])
def test_the_address_of_a_visitor_is_taken_from_our_proxies_only(
    monkeypatch: pytest.MonkeyPatch, plain: OpenSite, proxies: list[str], counted_alone: bool
) -> None:
    settings = another(plain, requests="2/minute", proxies=proxies).settings
    config = served(monkeypatch, settings)
    config.load()
    statuses = [
        sent(
            config.loaded_app, "GET", "/link", address="10.0.0.1", headers=[("x-forwarded-for", f"192.0.2.{n}")]
        ).status_code
        for n in range(4)
    ]
    assert statuses == ([200] * 4 if counted_alone else [200, 200, 429, 429])


def test_the_process_keeps_addresses_to_itself_and_has_its_own_certificate(
    monkeypatch: pytest.MonkeyPatch, plain: OpenSite
) -> None:
    config = served(monkeypatch, another(plain, certificate="/srv/site.pem", certificate_key="/srv/site.key").settings)
    assert (str(config.ssl_certfile), str(config.ssl_keyfile)) == ("/srv/site.pem", "/srv/site.key")
    assert not config.access_log and config.log_level == "warning" and not config.proxy_headers and config.ws == "none"
    assert not config.server_header


# Size -----------------------------------------------------------------------------------------------------------------


def test_what_is_too_large_is_refused_whether_it_says_so_or_not(plain: OpenSite) -> None:
    asked = [("POST", "/link"), ("POST", "/owed"), ("POST", "/l/x/open")]
    kilobyte, much = b"a" * 1024, LARGEST_FORM // 1024 + 1
    secret = plain.enter("provider", "P1").client.cookies["__Host-session"]
    mine = [*FORM.items(), ("cookie", f"__Host-session={secret}")]
    for method, path in asked:
        said = sent(plain.app, method, path, headers=[*mine, ("content-length", str(LARGEST_FORM + 1))])
        unsaid = sent(plain.app, method, path, headers=mine, chunks=[kilobyte] * much)
        lying = sent(plain.app, method, path, headers=[*mine, ("content-length", "10")], chunks=[kilobyte] * much)
        assert [answer.status_code for answer in (said, unsaid, lying)] == [413] * 3
        assert "smaller parts" in said.text and "smaller parts" in unsaid.text
        assert sent(plain.app, method, path, headers=mine, chunks=[kilobyte]).status_code != 413


def test_what_is_refused_before_any_page_is_said_on_a_page_that_leads_back(plain: OpenSite) -> None:
    large = ("content-length", str(LARGEST_FORM + 1))
    much = sent(plain.app, "POST", "/owed", headers=[*FORM.items(), large])
    counted = sent(plain.app, "POST", "/link", headers=FORM.items(), chunks=[b"a" * LARGEST_FORM, b"a"])
    app = another(plain, requests="1/hour").app
    often = [sent(app, "GET", "/link") for _ in range(2)][1]
    for answer, status in ((much, 413), (counted, 413), (often, 429), (sent(plain.app, "GET", "/\0"), 404)):
        assert answer.status_code == status and "<h1" in answer.text and "/static/govuk.css" in answer.text
        assert 'href="/owed"' in answer.text  # which asks whoever has no link for a mailbox


@pytest.mark.parametrize("length", ["-1", "\u00b2", "1e3", "9" * 5000, "0x10", " ", "1, 1"])
def test_a_length_that_is_no_number_is_refused(plain: OpenSite, length: str) -> None:
    assert sent(plain.app, "POST", "/link", headers=[*FORM.items(), ("content-length", length)]).status_code == 413


def test_only_an_upload_may_be_larger_and_that_has_its_limit_too(plain: OpenSite) -> None:
    pages = plain.enter("provider", "P1", verified=True)
    large, too_large = (
        b"x" * (LARGEST_FORM + 1000),
        b"x" * (plain.settings.site.upload_megabytes * 1024 * 1024 + LARGEST_FORM),
    )
    assert pages.post("/upload", files={"file": ("a.csv", large)}).status_code == 422
    assert pages.post("/upload", files={"file": ("a.csv", too_large)}).status_code == 413
    assert pages.post("/owed", files={"file": ("a.csv", large)}).status_code == 413


def multipart(*parts: bytes, end: bytes = b"--b--\r\n") -> bytes:
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end


PART = b'content-disposition: form-data; name="a"\r\n\r\n1'
MULTIPART = "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (FORM["content-type"], b"&".join(b"a%d=1" % n for n in range(5001)), 400), (MULTIPART, multipart(*[PART] * 5001), 400),
        (MULTIPART, multipart(*[PART.replace(b'"a"', b'"a"; filename="f"')] * 2), 400),
        (MULTIPART, multipart(b"x: " + b"y" * 100_000 + b"\r\n" + PART), 400), (MULTIPART, multipart(b"x: y\r\n" * 1000 + PART), 400),
        (MULTIPART, multipart(b"x: y\r\n\r\n1"), 400), (MULTIPART, b"no part of anything", 400), (MULTIPART, multipart(PART, end=b"--b"), 422),
        ("multipart/form-data", multipart(PART), 415), ("multipart/form-data; boundary=", multipart(PART), 415),
        (f"{MULTIPART}; charset=utf-7", multipart(PART), 415), (f"{MULTIPART}; charset=undefined", multipart(PART), 415),
        (f"{MULTIPART}; charset=utf-8", multipart(PART), 422), ("application/json", b"{}", 415), ("text/plain", b"mailbox=a@b", 415),
        (f"{FORM['content-type']}; charset=UTF-8", b"mailbox=none", 422), ("", b"mailbox=none", 415), (f"{FORM['content-type']}\0", b"", 415),
        (FORM["content-type"], b"&" * 500_000, 422), (FORM["content-type"], b"=" * 500_000, 422), (FORM["content-type"], b"%" * 500_000, 422),
        (FORM["content-type"], b"mailbox=" + b"%00%ff%ed%a0%80" * 10_000, 422), (FORM["content-type"], b"", 422),
    ],
    ids=range(23),
)  # fmt: skip
def test_a_form_that_is_none_is_refused_at_once_with_a_sentence(
    plain: OpenSite, kind: str, body: bytes, status: int
) -> None:
    begun = time.monotonic()
    answer = sent(plain.app, "POST", "/link", headers=[("content-type", kind)], chunks=[body])
    assert answer.status_code == status and re.search(r"could not be shown|Enter your work mailbox", answer.text)
    assert time.monotonic() - begun < 3


# How often ------------------------------------------------------------------------------------------------------------


def test_an_address_a_link_and_a_session_may_ask_so_often(plain: OpenSite) -> None:
    for one in ("address", "link", "session"):
        hurried = another(plain, requests="3/minute")
        link, secret = hurried.link("provider", "P2"), plain.enter("provider", "P1").client.cookies["__Host-session"]
        asked = {
            "address": lambda _: ("/link", "192.0.2.7", ""), "link": lambda n, link=link: (link, f"192.0.2.{n}", ""),
            "session": lambda n, secret=secret: ("/owed", f"192.0.2.{n}", f"other={n}; __Host-session={secret}"),
        }[one]  # fmt: skip
        answers = []
        for n in range(5):
            path, address, cookie = asked(n)
            answers.append(
                sent(hurried.app, "GET", path, address=address, headers=[("cookie", cookie)] if cookie else [])
            )
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429], one
        assert answers[-1].headers["retry-after"] == "60" and "too often" in answers[-1].text


def test_files_and_the_health_of_the_site_are_not_held_up_by_pages(plain: OpenSite) -> None:
    hurried = another(plain, requests="1/minute").browser()
    assert [hurried.get("/static/site.css").status_code for _ in range(4)] == [200] * 4


def rates(**more: str) -> Rates:
    return Rates(Settings(site=SiteSettings(**({"requests": "3/minute", "askings": "2/hour"} | more))))


def test_one_machine_of_many_ipv6_addresses_is_one_address() -> None:
    some = rates()
    assert [some.request(f"2001:db8::{n:x}", None) for n in range(4)] == [True, True, True, False]
    assert some.request("2001:db8:0:1::1", None)
    assert [some.request(f"::ffff:192.0.2.{n}", None) for n in range(4)] == [True] * 4
    assert [some.request("192.0.2.1", None) for _ in range(3)] == [True, True, False]  # one of them came as IPv6


def test_what_a_refused_address_makes_up_is_not_kept() -> None:
    some = rates()
    for n in range(500):
        some.request("192.0.2.1", f"link {n}")
    assert len(some._limiter.storage.events) < 10


def test_links_and_codes_are_counted_apart_for_a_mailbox_and_together_for_an_address() -> None:
    some = rates()
    assert [some.asking("link", "P1@p.example", "192.0.2.1") for _ in range(3)] == [True, True, False]
    assert not some.asking("link", "p1@P.example", "192.0.2.2")
    assert some.asking("code", "p1@p.example", "192.0.2.1")  # nobody who only knows a mailbox uses up its codes
    assert [some.asking("link", f"{n}@p.example", "192.0.2.3") for n in range(21)] == [True] * 20 + [False]


def test_a_mailbox_is_sent_so_many_codes_an_hour_and_no_more(fresh: OpenSite) -> None:
    with Sink() as sink:
        hurried = OpenSite(fresh.office, fresh.settings.home, "2026-01-26", sink.port, askings="3/hour")
        one, other = hurried.enter("provider", "P1"), hurried.enter("provider", "P1")
        for _ in range(3):
            hurried.browser().post("/link", {"mailbox": "code:p1@p.example"})
        statuses = [pages.post("/code/send").status_code for pages in (one, other, one, other, one)]
        assert statuses == [200, 200, 200, 429, 429] and len(sink.received) == 3
        assert "Too many codes were asked for" in one.post("/code/send").text


def test_a_mailbox_is_sent_so_many_links_an_hour_and_the_answer_does_not_say_so(fresh: OpenSite) -> None:
    with Sink() as sink:
        hurried = OpenSite(fresh.office, fresh.settings.home, "2026-01-26", sink.port, askings="2/hour")
        answers = [hurried.browser().post("/link", {"mailbox": "p1@p.example"}) for _ in range(4)]
        assert len(sink.received) == 2 and len({answer.text for answer in answers}) == 1


# Who has which mailbox ------------------------------------------------------------------------------------------------


def test_a_link_asked_for_says_nothing_of_the_mailbox_and_is_sent_when_the_answer_is_out(fresh: OpenSite) -> None:
    with Sink() as sink:
        fresh = OpenSite(fresh.office, fresh.settings.home, "2026-01-26", sink.port)
        heard: list[dict[str, Any]] = []
        early: list[str] = []
        event.listen(fresh.engine, "begin", lambda _: early.append("work") if len(heard) < 2 else None)
        answers = {}
        for mailbox in (
            "p1@p.example",
            "fca1@staff.example",
            " P1@P.EXAMPLE ",
            "nobody@p.example",
            "p1@p.example.evil",
            "@",
        ):
            heard.clear()
            body = f"mailbox={mailbox}".encode()
            answer = sent(fresh.app, "POST", "/link", headers=FORM.items(), chunks=[body], heard=heard)
            answers[mailbox] = (answer.status_code, answer.content, [name for name, _ in answer.headers.items()])
        assert len(set(map(str, answers.values()))) == 1 and not early
        assert [one.to for one in sink.received] == [["p1@p.example"], ["fca1@staff.example"], ["p1@p.example"]]
        letter = sink.received[0].message.get_body(("plain",)).get_content()
        assert re.search(rf"{HOST}/l/\S+", letter) and "SPIP" not in letter


# Where a page leads ---------------------------------------------------------------------------------------------------

ELSEWHERE = [
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)", "/ /evil",
    "/owed\r\nset-cookie: a=b", "/owed%0d%0aset-cookie:a=b", "/\t/evil.example", "/\u2025/evil", "\uff0f\uff0fevil.example", "/.//evil.example",
    "data:text/html,x", "/owed?x=//evil.example", "/owed#//evil", "", "owed", "/l/x.y/open", "@evil.example", "/\0", "//", "/%2f%2fevil.example",
]  # fmt: skip


def test_nobody_is_sent_to_another_site(plain: OpenSite) -> None:
    known, verified = plain.enter("provider", "P1"), plain.enter("provider", "P1", verified=True)
    for then in ELSEWHERE:
        answer = verified.client.get("/code", params={"then": then}, follow_redirects=False)
        assert (answer.status_code == 404 and "\0" in then) or answer.headers["location"] == "/owed", then
        answer = verified.post("/code", {"digits": "123456", "then": then}, follow_redirects=False)
        assert answer.headers["location"] == "/owed" and "set-cookie" not in answer.headers, then
        answer = known.post("/code/send", {"then": then})
        assert set(re.findall(r'name="then" value="([^"]*)"', answer.text)) == {"/owed"}, then
    assert (
        verified.client.get("/code", params={"then": "/pathways/SPIP-D1"}, follow_redirects=False).headers["location"]
        == "/pathways/SPIP-D1"
    )


def test_what_a_link_is_about_is_a_reference_or_nothing(plain: OpenSite) -> None:
    provider, staff = plain.link("provider", "P1"), plain.link("staff", "FCA1")
    for about in {*ELSEWHERE, "../../static", "<script>", "SPIP-D1/../..", "x" * 60} - {"/\0", "owed"}:
        arrived = plain.browser().get(provider, params={"about": about})
        assert f'content="0; url={provider}/open?about="' in arrived.text, about
        for link in (provider, staff):
            opened = plain.browser().get(f"{link}/open", params={"about": about}, follow_redirects=False)
            assert opened.headers["location"] == "/owed", about
    opened = plain.browser().get(f"{staff}/open?about=spip-d1", follow_redirects=False)
    assert opened.headers["location"] == "/pathways/SPIP-D1"


# What reaches the database and the page -------------------------------------------------------------------------------


NO_PAGE = [
    "/owed/99999999999999999999",
    "/owed/2147483648",
    "/owed/0",
    "/owed/-1",
    "/owed/1.5",
    "/owed/%00",
    "/owed/x",
    "/corrections/2147483648",
    "/corrections/" + "9" * 5000,
    "/receipts/%00",
    "/receipts/" + "R" * 10_000,
    "/receipts/' OR 1=1 --",
    "/pathways/%00",
    "/pathways/%ff%fe",
    "/pathways?number=x",
    "/pathways?reference=%00",
    "/pathways?stands=a%00b",
    "/code?then=%00",
    "/pathways/SPIP-D1%00",
    "/concerns/%00",
    "/pathways/SPIP-D1/concerns/%00",
    "/nowhere",
    "/owed/",
    "/static/../app.py",
    "/static/%2e%2e/app.py",
    "/static/..%2f..%2fsettings.py",
    "/docs",
    "/openapi.json",
    "/redoc",
    "/upload/%00",
    "/static/%00",
    "/static/" + "x" * 5000,
    "/link/%00",
]


def test_what_is_no_page_is_not_found_and_no_error(site: OpenSite) -> None:
    for who in (("provider", "P1"), ("staff", "FCA1")):
        pages = site.enter(*who, verified=True)
        for path in NO_PAGE:
            answer = pages.get(path)
            assert answer.status_code == 404 and "There is no such page" in answer.text, (who, path[:40])


def test_a_page_number_that_is_too_large_shows_an_empty_page(site: OpenSite) -> None:
    pages = site.enter("staff", "FCA1", verified=True)
    for number in ("0", "-5", "99999999999999999999", "100000"):
        assert pages.get("/pathways", params={"number": number}).status_code == 200


HOSTILE = [
    "\0",
    "a\0b",
    "\ud7ff\uffff",
    "9" * 5000,
    "\u00b2",
    "\u0661",
    "-1",
    "%00",
    "x" * 100_000,
    "<script>alert(1)</script>",
    '"><img src=x>',
    "{{7*7}}",
]


def test_nothing_typed_into_a_form_is_an_error_of_ours_or_comes_back_as_more_than_text(site: OpenSite) -> None:
    put_tables(site.settings.home / "restricted.db", restricted=True)
    pages, duty = site.enter("provider", "P1", verified=True), site.office.duty("attendance_report").id
    given = pages.post("/owed", {f"answer-{duty}-1": "attended", "submission": "one"})
    fact = site.office.rows(t.FactRow)[-1].id
    assert "Receipt" in text_of(given)
    token = pages.token()
    for action in sorted(
        {route.path for route in site.routes() if "POST" in route.methods} - {"/sign-out", "/l/{token}/open"}
    ):
        names = [
            "answer",
            "submission",
            "seen",
            "about",
            "then",
            "digits",
            "mailbox",
            "rows",
            f"answer-{duty}-1",
            "absent-reason",
            "until-day",
        ]
        names += [
            "again-times-day",
            "again-times-from",
            "again-session",
            "cancelled-cancelled_by",
            "words",
            'answer-"><script>x</script>',
        ]
        for hostile in HOSTILE:
            path = action.format(number=fact if "corrections" in action else duty, reference="SPIP-D1")
            answer = pages.post(path, dict.fromkeys(names, hostile) | {"answer": "absent"}, token=token)
            assert answer.status_code < 500 or "could not be sent" in answer.text, (action, hostile[:20])
            assert (
                "<script>" not in answer.text
                and "<img" not in answer.text
                and "49" not in re.findall(r'value="(49)"', answer.text)
            )


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "LINK"])
def test_other_methods_do_nothing_whatever_they_claim_to_be(plain: OpenSite, method: str) -> None:
    secret = plain.enter("provider", "P1").client.cookies["__Host-session"]
    claims = [("cookie", f"__Host-session={secret}"), ("x-http-method-override", "POST"), *FORM.items()]
    for path in ("/owed", "/sign-out", "/link", plain.link("provider", "P1")):
        answer = sent(plain.app, method, path, headers=claims, chunks=[b"_method=POST"])
        assert answer.status_code == 405 and answer.headers["allow"]
    assert sent(plain.app, "GET", "/owed", headers=claims).status_code == 200


# When something fails -------------------------------------------------------------------------------------------------


def test_while_the_database_is_down_a_page_says_so(
    site: OpenSite, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pages = site.enter("provider", "P1")
    token, away = pages.token(), f"sqlite:///{tmp_path / 'no such folder' / 'pathways.db'}"
    if site.engine.dialect.name == "postgresql":
        away = "postgresql://nobody@127.0.0.1:9/none"
    object.__setattr__(site.site, "engine", database(away))
    for answer in (pages.get("/owed"), pages.post("/owed", {"submission": "x"}, token=token), pages.get("/l/x")):
        assert answer.status_code == 503 and "Our records are out of reach" in text_of(answer)
    assert pages.get("/nowhere").status_code == 404 and pages.get("/health").status_code == 200
    assert "Traceback" not in caplog.text


def test_while_the_database_is_locked_a_form_waits_and_then_says_so(fresh: OpenSite) -> None:
    pages = fresh.enter("provider", "P1")
    form = {f"answer-{fresh.office.duty('attendance_report').id}-1": "attended", "submission": "one"}
    token = pages.token()
    hurried = database(f"{fresh.engine.url}?timeout=0")
    event.listen(hurried, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout=50"))
    object.__setattr__(fresh.site, "engine", hurried)
    pages.get("/owed")  # whoever connects first writes down which key is used
    with writing(fresh.engine):
        assert "What you owe" in text_of(pages.get("/owed"))  # to read waits for nobody
        answer = pages.post("/owed", form, token=token)
        assert answer.status_code == 503 and "what is sent twice is recorded once" in text_of(answer)
    assert "Receipt RC-" in text_of(pages.post("/owed", form, token=token))


# What is written down -------------------------------------------------------------------------------------------------


def test_no_line_of_ours_or_the_servers_holds_what_opens_the_site_or_was_typed(
    fresh: OpenSite, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pathways", "uvicorn", "fastapi", "multipart", "python_multipart", "limits", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    with Sink() as sink:
        site = OpenSite(fresh.office, fresh.settings.home, "2026-01-26", sink.port)
        link, pages = site.link("provider", "P1"), site.browser()
        pages.get(link)
        pages.get(f"{link}/open?about=SPIP-D1")
        pages.post("/code/send")
        digits = re.search(r"\b\d{6}\b", sink.received[0].message.get_body(("plain",)).get_content())[0]
        secrets = [
            link.removeprefix("/l/"),
            pages.client.cookies["__Host-session"],
            pages.token(),
            digits,
            "p1@p.example",
            "zanzibar",
        ]
        pages.post("/code", {"digits": "999999" if digits != "999999" else "999998"})
        pages.post("/code", {"digits": digits})
        pages.post("/link", {"mailbox": "p1@p.example"})
        pages.post("/link", {"mailbox": "zanzibar@p.example"})
        pages.post("/owed", {"answer-1-zanzibar": "zanzibar", "submission": "zanzibar"})
        pages.post(f"/owed/{site.office.duty('attendance_report').id}", {"answer": "zanzibar", "seen": "zanzibar"})
        pages.client.post("/owed", content=b"zanzibar", headers={"content-type": MULTIPART})
        pages.get("/nowhere/zanzibar?zanzibar=zanzibar")
        pages.get(f"{link}zanzibar")
        sink.says["MAIL"] = "451 not now"
        pages.post("/link", {"mailbox": "p1@p.example"})
        pages.post("/code/send")

        def fails(*given: Any, **more: Any) -> Any:
            raise RuntimeError(f"zanzibar {link} {given} {more}")

        monkeypatch.setattr(links, "found", fails)
        assert pages.get(link).status_code == 500
        monkeypatch.setattr(web.entry, "send_links", fails)
        pages.post("/link", {"mailbox": "p1@p.example"})
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore", "mail.log"))]
    lines = [logging.Formatter().format(record) for record in ours]
    assert any("GET /l/{token} 200" in line for line in lines) and any("POST /code 303" in line for line in lines)
    assert any("a page failed: RuntimeError" in line for line in lines)
    for secret in secrets:
        assert not [line for line in lines if secret in line]
    assert "Traceback" not in "".join(lines)


def test_the_process_starts_answers_and_logs_pages_by_their_names_only(tmp_path: Path) -> None:
    put_tables(tmp_path / "pathways.db")
    (port,) = free_ports("site").values()
    keys = {name: value for name, value in os.environ.items() if name.endswith("_PERSONAL_KEYS")}
    environment = keys | {"PATHWAYS_HOME": str(tmp_path), "PATHWAYS_PORTS__SITE": str(port), "PATH": "/usr/bin:/bin"}
    command = [PATHWAYS, "site"]
    running = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            for _ in range(200):
                time.sleep(0.05)
                try:
                    client.get("/health")
                    break
                except httpx.ConnectError:
                    continue
            upgrade = {
                "connection": "upgrade",
                "upgrade": "websocket",
                "sec-websocket-key": "eA==",
                "sec-websocket-version": "13",
            }
            for path in ("/l/zanzibar", "/owed?zanzibar", "/receipts/zanzibar", "/zanzibar"):
                assert client.get(path).status_code in (303, 404, 410)
                client.get(path, headers=upgrade)
    finally:
        running.terminate()
        said = running.communicate(timeout=20)[0]
    assert "GET /l/{token} 410" in said and "GET /owed 303" in said
    assert "zanzibar" not in said and "Traceback" not in said


def test_settings_that_are_wrong_end_the_process_with_a_sentence(tmp_path: Path) -> None:
    environment = {
        "PATHWAYS_HOME": str(tmp_path),
        "PATHWAYS_SITE__KEYS": '["short-and-secret"]',
        "PATH": "/usr/bin:/bin",
    }
    ended = subprocess.run([PATHWAYS, "site"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and "site.keys" in ended.stderr
    assert "Traceback" not in ended.stderr and "short-and-secret" not in ended.stderr


def test_who_comes_from_another_site_to_a_page_is_taken_there_by_a_page_of_ours(site: OpenSite) -> None:
    pages = site.enter("staff", "FCA1", verified=True)
    secret = pages.client.cookies.pop("__Host-session")  # as the browser withholds it
    shown = pages.get("/pathways/SPIP-D1", headers={"sec-fetch-site": "cross-site"})
    assert 'content="0; url=/pathways/SPIP-D1"' in shown.text
    pages.client.cookies.set("__Host-session", secret)
    assert "Awaiting" in text_of(pages.get("/pathways/SPIP-D1", headers={"sec-fetch-site": "same-origin"}))


def test_who_has_no_link_yet_gets_one_that_leads_back_to_the_page(site: OpenSite) -> None:
    asked = site.browser().get("/pathways/SPIP-D1")
    assert 'name="about" value="SPIP-D1"' in asked.text
