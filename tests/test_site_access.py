"""Who may see and do what: every page and action of the site, and everybody who may come to it."""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

import web.owed
from models import tables as t
from models.answers import ANSWERS, in_one_word
from models.restricted import HarmConcern
from store import links
from store.database import database, writing
from store.links import Holder, Visitor
from store.strand import strand
from tests.fresh import with_tables
from tests.site import HOST, OpenSite, Pages, text_of
from tests.smtp_sink import Sink
from tests.world import Office, empty

MATRIX = """
                                       P1    P1+   lead  lead+ P2    P2+   FCA1  FCA1+ FCA2  FCA2+ SM1   SM1+  expired withdrawn moved tampered none
GET  /health                           page  page  page  page  page  page  page  page  page  page  page  page  page    page      page  page     page
GET  /static/{file}                    page  page  page  page  page  page  page  page  page  page  page  page  page    page      page  page     page
GET  /                                 on    on    on    on    on    on    on    on    on    on    on    on    link    link      link  link     link
GET  /link                             page  page  page  page  page  page  page  page  page  page  page  page  page    page      page  page     page
POST /link                             page  page  page  page  page  page  page  page  page  page  page  page  page    page      page  page     page
GET  /l/{own}                          page  page  page  page  page  page  page  page  page  page  page  page  over    over      over  over     over
GET  /l/{own}/open                     on    on    on    on    on    on    on    on    on    on    on    on    over    over      over  over     over
GET  /l/{of P1}/open                   on    on    page  page  page  page  page  page  page  page  page  page  over    over      over  on       on
POST /l/{of P1}/open                   on    on    on    on    on    on    on    on    on    on    on    on    link    link      link  link     link
POST /sign-out                         page  page  page  page  page  page  page  page  page  page  page  page  page    page      page  page     page
GET  /code                             page  on    page  on    page  on    page  on    page  on    page  on    link    link      link  link     link
POST /code                             no    on    no    on    no    on    no    on    no    on    no    on    link    link      link  link     link
POST /code/send                        page  page  page  page  page  page  page  page  page  page  page  page  link    link      link  link     link

GET  /owed                             sees  sees  sees  sees  sees  sees  code  sees  code  page  code  page  link    link      link  link     link
POST /owed                             does  does  does  does  no    no    404   404   404   404   404   404   link    link      link  link     link
GET  /owed/{report of P1}              sees  sees  sees  sees  404   404   code  404   code  404   code  404   link    link      link  link     link
POST /owed/{report of P1}              does  does  does  does  404   404   code  404   code  404   code  404   link    link      link  link     link
GET  /owed/{acceptance of P1}          code  sees  code  sees  404   404   code  404   code  404   code  404   link    link      link  link     link
POST /owed/{acceptance of P1}          code  does  code  does  404   404   code  404   code  404   code  404   link    link      link  link     link
GET  /owed/{enquiries of FCA1}         404   404   404   404   404   404   code  sees  code  404   code  404   link    link      link  link     link
POST /owed/{enquiries of FCA1}         404   404   404   404   404   404   code  does  code  404   code  404   link    link      link  link     link

GET  /receipts/{attendance}            sees  sees  sees  sees  404   404   code  404   code  404   code  404   link    link      link  link     link
GET  /receipts/{refusal}               code  sees  code  sees  404   404   code  404   code  404   code  404   link    link      link  link     link
GET  /receipts/{of FCA1}               404   404   404   404   404   404   code  sees  code  404   code  404   link    link      link  link     link
GET  /corrections/{attendance}         sees  sees  sees  sees  404   404   code  404   code  404   code  404   link    link      link  link     link
POST /corrections/{attendance}         does  does  does  does  404   404   code  404   code  404   code  404   link    link      link  link     link
GET  /corrections/{refusal}            code  sees  code  sees  404   404   code  404   code  404   code  404   link    link      link  link     link
POST /corrections/{refusal}            code  does  code  does  404   404   code  404   code  404   code  404   link    link      link  link     link
GET  /corrections/{by FCA1 of P1}      404   404   404   404   404   404   code  sees  code  404   code  404   link    link      link  link     link
POST /corrections/{by FCA1 of P1}      404   404   404   404   404   404   code  no    code  404   code  404   link    link      link  link     link
GET  /corrections/{by FCA1 of a case}  404   404   404   404   404   404   code  404   code  404   code  404   link    link      link  link     link
POST /corrections/{by FCA1 of a case}  404   404   404   404   404   404   code  404   code  404   code  404   link    link      link  link     link

GET  /upload                           page  page  page  page  page  page  404   404   404   404   404   404   link    link      link  link     link
GET  /upload/attendance.csv            sees  sees  sees  sees  sees  sees  404   404   404   404   404   404   link    link      link  link     link
POST /upload                           page  page  page  page  no    no    404   404   404   404   404   404   link    link      link  link     link
POST /upload/send                      does  does  does  does  no    no    404   404   404   404   404   404   link    link      link  link     link
POST /upload/attendance.rejected.csv   page  page  page  page  page  page  404   404   404   404   404   404   link    link      link  link     link

GET  /accreditation                    code  page  code  page  code  page  code  404   code  404   code  404   link    link      link  link     link
POST /accreditation                    code  no    code  no    code  no    code  404   code  404   code  404   link    link      link  link     link
GET  /concerns                         code  sees  code  sees  code  sees  code  404   code  404   code  404   link    link      link  link     link
GET  /concerns/{of P1}                 code  sees  code  sees  code  404   code  404   code  404   code  404   link    link      link  link     link
POST /concerns/{of P1}                 403   does  403   does  404   404   404   404   404   404   404   404   link    link      link  link     link

GET  /pathways                         code  404   code  404   code  404   code  sees  code  sees  code  sees  link    link      link  link     link
GET  /pathways/{of P1}                 code  404   code  404   code  404   code  sees  code  404   code  sees  link    link      link  link     link
GET  /pathways/{of P1}/concerns/{risk} code  404   code  404   code  404   code  sees  code  404   code  sees  link    link      link  link     link
"""
"""P1 holds pathways whose adviser is FCA1, P2 one whose adviser is FCA2, and SM1 manages the area of all. "+" is with a
code typed in; expired, withdrawn and moved (another mailbox is registered) are P1's links, opened while they were good.

sees: their own references. page: no reference. does: something is recorded, and there is a receipt. no: it is said what
is wrong, and nothing is recorded. on: to another page. code, link: to the page that asks for it. over: 410."""

SEES = {
    "P1": {"SPIP-D1", "SPIP-D4", "SPIP-D5", "SPIP-D6"},
    "lead": {"SPIP-D1", "SPIP-D4", "SPIP-D5", "SPIP-D6"},
    "P2": {"SPIP-D2"},
    "FCA1+": {"SPIP-D1", "SPIP-D3", "SPIP-D4", "SPIP-D5", "SPIP-D6"},
    "FCA2+": {"SPIP-D2"},
    "SM1+": {"SPIP-D1", "SPIP-D2", "SPIP-D3", "SPIP-D4", "SPIP-D5", "SPIP-D6"},
}
"""The references that are anybody's to see."""
ROLES = {"P1": "provider", "P2": "provider", "lead": "provider_lead"}
LATE = datetime(2026, 2, 10, 9, tzinfo=UTC)
"""The eleventh working day after today's."""
NOTHING = {
    "number": "987654",
    "reference": "SPIP-D99",
    "receipt": "RC-00000000",
    "risk": "Z9Z9-Z9Z9-Z9Z9-Z9Z9",
    "file": "none",
}


def lines() -> list[tuple[str, str, dict[str, str]]]:
    """The matrix: method, page, and what is to become of everybody who asks for it."""
    head, *rest = [line for line in MATRIX.splitlines() if line.strip()]
    found = []
    for line in rest:
        method, rest_of_it = line.split(maxsplit=1)
        page, *cells = re.split(r"\s+(?![^{]*})", rest_of_it.strip())
        found.append((method, page, dict(zip(head.split(), cells, strict=True))))
    return found


@dataclass
class Somebody:
    """Who comes: the link they hold, what their browser keeps, and the token of their forms."""

    link: str = "/l/nothing"
    secret: str = ""
    token: str = ""


class World:
    """A site at which there is something of everybody, put back as it was before each request."""

    def __init__(self, folder: Path, smtp: int) -> None:
        engine = with_tables(database(f"sqlite:///{folder / 'pathways.db'}"))
        self.folder, self.office = folder, Office(engine).case().case("CASE2", ("PC", "PD"), adviser="FCA2")
        for case, party in (("CASE3", "PH"), ("CASE4", "PE"), ("CASE5", "PF"), ("CASE6", "PG")):
            self.office.case(case, (party, f"{party}2"))
        self.office.put(t.Provider, {"code": "P1"}, lead_email="lead@p.example")
        self._people_work()
        self.site = OpenSite(self.office, folder, "2026-01-26", smtp)
        self._answers_come_in()
        self.everybody = {name: self._come(name) for name in lines()[0][2]}
        self.now = self.site.site.now()
        self.client = TestClient(self.site.app, HOST, follow_redirects=False)
        self.kept = sqlite3.connect(":memory:")
        self._copy(folder / "pathways.db", self.kept)

    def _people_work(self) -> None:
        office = self.office
        office.opens()
        office.opens("SPIP-D2", "PC", case="CASE2")
        office.opens("SPIP-D3", "PH", case="CASE3")  # its enquiries are still to be made
        for number, party in (("4", "PE"), ("5", "PF"), ("6", "PG")):
            office.opens(f"SPIP-D{number}", party, case=f"CASE{number}")
        office.awaiting_report("SPIP-D1")
        office.awaiting_report("SPIP-D2", "P2")
        office.awaiting_report("SPIP-D4")
        office.referred("SPIP-D5")
        office.acknowledged("SPIP-D6")
        office.round("2026-01-26")

    def _answers_come_in(self) -> None:
        """P1 reports on SPIP-D4 and that the person of SPIP-D6 refuses; FCA1 accounts for SPIP-D3."""
        site, office = self.site, self.office
        with_tables(strand(site.settings), restricted=True)
        row = {
            "pathway": "SPIP-D1",
            "risk": "B2B2-B2B2-B2B2-B2B2",
            "about": "child",
            "body": "Words.",
            "recorded_by": "P1",
        }
        with writing(strand(site.settings)) as connection:
            connection.execute(HarmConcern.__table__.insert(), row | {"recorded_at": site.site.now()})
        self.receipts, self.facts = {}, {}
        provider, adviser = site.enter("provider", "P1", verified=True), site.enter("staff", "FCA1", verified=True)
        refused = {"refused-on-day": "26", "refused-on-month": "1", "refused-on-year": "2026"}
        spoken = {
            "spoken_to-on-day": "26",
            "spoken_to-on-month": "1",
            "spoken_to-on-year": "2026",
            "spoken_to-party": "PH",
        }
        self._answer("attendance", provider, "SPIP-D4", "attendance_report", {"answer": "attended"})
        self._answer("refusal", provider, "SPIP-D6", "booking", {"answer": "refused"} | refused)
        self._answer("of FCA1", adviser, "SPIP-D3", "safeguarding_enquiries", {"answer": "spoken_to"} | spoken)
        office.advance("2026-01-26")
        self.duties = {
            "report of P1": office.duty("attendance_report").id,
            "acceptance of P1": office.duty("acknowledgement", "SPIP-D5").id,
            "enquiries of FCA1": office.duty("safeguarding_enquiries", "SPIP-D3").id,
        }
        self.facts |= {
            "by FCA1 of P1": office.rows(t.FactRow, kind="referral_sent", subject="SPIP-D1")[0].id,
            "by FCA1 of a case": office.rows(t.FactRow, kind="safeguarding_letter_filed", subject="CASE1")[0].id,
        }

    def _answer(self, name: str, pages: Pages, pathway: str, duty: str, form: dict[str, str]) -> None:
        done = pages.post(f"/owed/{self.office.duty(duty, pathway).id}", form)
        self.receipts[name] = done.url.path.removeprefix("/receipts/")
        assert self.receipts[name].startswith("RC-"), text_of(done)
        self.facts[name] = self.office.rows(t.FactRow)[-1].id

    def _come(self, name: str) -> Somebody:
        code = name.removesuffix("+")
        if name == "none":
            return Somebody()
        if name == "tampered":
            link = self.site.link("provider", "P1")
            return Somebody(link[:-4] + link[-4:].swapcase())
        holder = "P1" if code in ("lead", "expired", "withdrawn", "moved") else code
        role = ROLES.get(code, "provider" if holder == "P1" else "staff")
        pages = self.site.enter(role, holder, verified=name.endswith("+"))
        secret = pages.client.cookies["__Host-session"]
        token = Visitor(Holder("", "", ""), "", secret, verified=False).token
        return Somebody(self.site.link(role, holder), secret, token)

    @staticmethod
    def _copy(source: Path | sqlite3.Connection, target: Path | sqlite3.Connection) -> None:
        ends = [end if isinstance(end, sqlite3.Connection) else sqlite3.connect(end) for end in (source, target)]
        ends[0].backup(ends[1])
        for end, given in zip(ends, (source, target), strict=True):
            if end is not given:
                end.close()

    def ask(self, who: str, method: str, page: str, form: dict[str, str] | None = None) -> httpx.Response:
        """Ask for a page as somebody, in the state everything is in at first."""
        self._copy(self.kept, self.folder / "pathways.db")
        self.site.at(LATE if who == "expired" else self.now)
        if who == "withdrawn":
            with writing(self.site.engine) as connection:
                links.withdraw(connection, "P1", self.now)
        if who == "moved":
            self.office.put(t.Provider, {"code": "P1"}, mailbox="another@p.example")
        somebody = self.everybody[who]
        headers = {"cookie": f"__Host-session={somebody.secret}"} if somebody.secret else {}
        form = {"token": somebody.token, **(form or {})}
        file = {"file": ("attendance.csv", form.pop("file"))} if "file" in form else None
        more = {"data": form, "files": file} if method == "POST" else {}
        self.client.cookies.clear()
        return self.client.request(method, page, headers=headers, **more)

    def of(self, who: str, page: str, *, real: bool = True) -> str:
        """An address of the matrix, with what there is in it; or with what there is not."""

        def thing(found: re.Match[str]) -> str:
            name = found[1]
            if name == "own":
                return self.everybody[who].link.removeprefix("/l/")
            if page.startswith("/l/"):
                return self.everybody["P1"].link.removeprefix("/l/")
            known: dict[str, dict[str, Any]] = {
                "number": self.duties if page.startswith("/owed") else self.facts, "receipt": self.receipts,
                "reference": {"of P1": "SPIP-D1"}, "risk": {"risk": "B2B2-B2B2-B2B2-B2B2"}, "file": {"file": "site.css"},
            }  # fmt: skip
            kinds = ("receipt",) if page.startswith("/receipts") else ("number", "reference", "risk", "file")
            kind = next(kind for kind in kinds if name in known[kind])
            return str(known[kind][name] if real else NOTHING[kind])

        return re.sub(r"{([^}]*)}", thing, page)

    def form(self, page: str, *, real: bool = True) -> dict[str, str]:
        """What is sent to a page of the matrix: the right answer of whoever may give it."""
        duty = self.duties["report of P1"] if real else NOTHING["number"]
        today = {"day": "26", "month": "1", "year": "2026"}
        rows = f"reference,session,result\n{'SPIP-D1' if real else NOTHING['reference']},S-SPIP-D1,attended\n"
        return {
            "/link": {"mailbox": "p1@p.example"},
            "/code": {"digits": "no code", "then": "/owed"},
            "/owed": {f"answer-{duty}-999": "attended", "submission": "form"},
            "/owed/{report of P1}": {"answer": "attended"},
            "/owed/{acceptance of P1}": {"answer": "accepted"},
            "/owed/{enquiries of FCA1}": {"answer": "done", **{f"done-on-{part}": v for part, v in today.items()}},
            "/corrections/{attendance}": {"answer": "late"},
            "/corrections/{refusal}": {"answer": "refused", "refused-on-day": "23", "refused-on-month": "1", "refused-on-year": "2026"},
            "/corrections/{by FCA1 of P1}": {"answer": "sent", "sent-provider": "P2"},
            "/concerns/{of P1}": {"about": "child", "words": "Words.", "submission": "form"},
            "/upload": {"file": rows},
            "/upload/send": {"rows": rows, "submission": "form"},
            "/upload/attendance.rejected.csv": {"rows": rows},
        }.get(page, {})  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Sink() as sink:
        made = World(tmp_path_factory.mktemp("access"), sink.port)
        with made.client:
            yield made


_UPLOADS = ("/upload", "/upload/send", "/upload/attendance.rejected.csv")


@dataclass(frozen=True)
class Shown:
    """An answer without what is drawn anew for each page, and without what was asked for or sent itself."""

    status: int
    text: str
    where: str


def bare(world: World, who: str, page: str, answer: httpx.Response) -> Shown:
    text, where = answer.text, answer.headers.get("location", "")
    text = re.sub(r'(name="(?:token|submission)" value=)"\S*"', r"\1", text)
    for real in (True, False) if "{" in page else ():
        where = where.replace(world.of(who, page, real=real), "it")
    where = re.sub(r"&about=SPIP-D\d+$", "&about=it", where)
    if page == "/owed":
        text = re.sub(r"answer-\d+-", "answer-", text)
    if page in _UPLOADS:
        text = text.replace(NOTHING["reference"], "it").replace("SPIP-D1", "it")
    return Shown(answer.status_code, text, where)


def became(world: World, who: str, asked: str, shown: Shown, facts: int) -> str:
    """What became of a request, in a word of the matrix."""
    recorded = len(world.office.rows(t.FactRow)) > facts
    if shown.status == 303 and (page := shown.where.removeprefix("/").partition("?")[0]) in ("code", "link"):
        word = page
    elif shown.status == 303:
        word = "does" if shown.where.startswith("/receipts/") and recorded else "on"
    else:
        named = "sees" if re.search(r"SPIP-D\d", shown.text) else "page"
        word = {200: named, 410: "over", 422: "no"}.get(shown.status, str(shown.status))
    assert word == "does" or not recorded, f"{asked} as {who} recorded something"
    return word


def is_anothers(who: str, page: str, cells: dict[str, str]) -> bool:
    """Whether somebody asks for another's thing, and is not to know even with a code whether there is one."""
    if page in ("/owed", *_UPLOADS):
        return who.startswith("P2") and cells[who] != "sees"
    with_code = cells.get(f"{who.removesuffix('+')}+", cells[who])
    return "{" in page and not page.startswith("/l/") and with_code in ("404", "link")


@pytest.mark.parametrize(("method", "page", "cells"), lines(), ids=[f"{line[0]} {line[1]}" for line in lines()])
def test_everybody_sees_and_does_what_is_theirs_and_nothing_else(
    world: World, method: str, page: str, cells: dict[str, str]
) -> None:
    """Somebody else's thing is refused as one that does not exist: the same page, but for what is drawn anew."""
    facts, told = len(world.office.rows(t.FactRow)), {}
    for who in cells:
        answer = world.ask(who, method, world.of(who, page), world.form(page))
        shown = bare(world, who, page, answer)
        told[who] = became(world, who, f"{method} {page}", shown, facts)
        seen = set(re.findall(r"[A-Z]{4}-D\d+", shown.text))
        own = SEES.get(who, SEES.get(who.removesuffix("+"), set()))
        assert seen <= own, f"{who} sees {seen - own} at {method} {page}"
        for personal in ("Person P", "Name F", "@p.example", "@staff.example"):
            assert personal not in answer.text, f"{who} sees {personal} at {method} {page}"
        if is_anothers(who, page, cells):
            nothing = world.ask(who, method, world.of(who, page, real=False), world.form(page, real=False))
            assert shown == bare(world, who, page, nothing), f"{who} can tell at {method} {page}"
    assert told == cells


def test_the_matrix_holds_every_page_and_action_there_is(world: World) -> None:
    there = {(method, re.sub(r"{\w+}", "{}", one.path)) for one in world.site.routes() for method in one.methods}
    assert ("POST", "/owed/{}") in there
    held = {(method, re.sub(r"{[^}]*}", "{}", page)) for method, page, _ in lines()}
    assert held == there | {("GET", "/static/{}")}


# Around the matrix -----------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> OpenSite:
    """P1 owes a report on SPIP-D1, an acceptance of SPIP-D2 and a booking of SPIP-D3, all of FCA1's cases."""
    return of_fca1(Office(empty(f"sqlite:///{tmp_path / 'pathways.db'}")), tmp_path)


def of_fca1(office: Office, folder: Path) -> OpenSite:
    for case, party in (("CASE1", "PA"), ("CASE2", "PC"), ("CASE3", "PE")):
        office.case(case, (party, f"{party}2"))
        office.opens(f"SPIP-D{case[-1]}", party, case=case)
    office.awaiting_report()
    office.referred("SPIP-D2")
    office.acknowledged("SPIP-D3")
    office.round("2026-01-26")
    return OpenSite(office, folder, "2026-01-26")


BY_LINK = {"attendance_reported", "session_booked", "session_cancelled", "weekly_attendance"}


def test_a_link_alone_gives_dates_and_attendance_codes_and_nothing_else() -> None:
    kinds = {(answer.fact.kind, answer.by_link) for some in ANSWERS.values() for answer in some}
    assert {kind for kind, by_link in kinds if by_link} == BY_LINK
    assert not {kind for kind, by_link in kinds if not by_link} & BY_LINK  # for a correction is judged by its kind


def test_whatever_a_link_alone_sends_it_records_dates_and_attendance_only(site: OpenSite) -> None:
    pages, before = site.enter("provider", "P1"), {row.id for row in site.office.rows(t.FactRow)}
    token = pages.token()
    today = {"day": "26", "month": "1", "year": "2026"}
    for duty in site.office.rows(t.DutyRow, on_code="P1", state="open"):
        for name in sorted({answer.name for answer in ANSWERS[duty.kind]} - {"booked"} | {"signed", "accepted"}):
            form = {f"{name}-on-{part}": value for part, value in today.items()} | {f"{name}-reason": "other"}
            pages.post(f"/owed/{duty.id}", {"answer": name} | form, token=token)
        for value, *_ in in_one_word(duty.kind, by_link=False):
            pages.post("/owed", {f"answer-{duty.id}-1": value}, token=token)
    new = [row for row in site.office.rows(t.FactRow) if row.id not in before]
    assert [row.kind for row in new] == ["attendance_reported"]  # of the many one stands; the others met nothing
    assert "A code first" in text_of(pages.get(f"/owed/{site.office.duty('acknowledgement', 'SPIP-D2').id}"))


@pytest.mark.parametrize("page", ["the list", "its own"])
def test_a_form_that_claims_to_have_seen_what_is_still_to_come_is_not_believed(
    site: OpenSite, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    """Between the look at what is owed and the recording of its answer, somebody else answers."""
    pages, duty, real = (
        site.enter("provider", "P1"),
        site.office.duty("attendance_report").id,
        web.owed.receipts.send_in,
    )

    def beaten(*given: Any, **more: Any) -> Any:
        site.office.says("SPIP-D1", "session_cancelled", "2026-01-26", session="S-SPIP-D1", cancelled_by="provider")
        return real(*given, **more)

    monkeypatch.setattr(web.owed.receipts, "send_in", beaten)
    form = {f"answer-{duty}-999999999999": "attended"}
    if page == "its own":
        form = {"answer": "attended", "seen": "999999999999"}
    answer = pages.post("/owed" if page == "the list" else f"/owed/{duty}", form)
    assert "omebody else has answered this meanwhile" in answer.text
    assert not site.office.rows(t.FactRow, kind="attendance_reported")


def test_a_receipt_is_no_others_of_the_same_code(site: OpenSite) -> None:
    given = site.enter("provider", "P1").post("/owed", {f"answer-{site.office.duty('attendance_report').id}-1": "late"})
    person = {"code": "P1", "name": "Name P1", "email": "p@staff.example", "role": "adviser"}
    with writing(site.engine) as connection:
        connection.execute(t.Practitioner.__table__.insert(), person)
    assert site.enter("staff", "P1", verified=True).get(given.url.path).status_code == 404
    assert site.enter("provider_lead", "P1").get(given.url.path).status_code == 200


def test_whoever_is_not_the_adviser_any_more_sees_the_pathway_no_more(site: OpenSite) -> None:
    first, second = (site.enter("staff", code, verified=True) for code in ("FCA1", "FCA2"))
    assert [pages.get("/pathways/SPIP-D1").status_code for pages in (first, second)] == [200, 404]
    site.office.put(t.Case, {"reference": "CASE1"}, adviser="FCA2")
    assert [pages.get("/pathways/SPIP-D1").status_code for pages in (first, second)] == [404, 200]
    assert "SPIP-D1" not in first.get("/pathways").text and "SPIP-D1" in second.get("/pathways").text


def test_a_suspended_provider_still_answers_what_it_owes(site: OpenSite) -> None:
    site.office.put(t.Provider, {"code": "P1"}, suspended_from=date(2026, 1, 20))
    pages = site.enter("provider", "P1")
    done = pages.post("/owed", {f"answer-{site.office.duty('attendance_report').id}-1": "attended"})
    assert "Receipt RC-" in text_of(done)


def test_a_search_looks_for_what_was_typed_and_for_no_pattern(engine: Engine, tmp_path: Path) -> None:
    pages = of_fca1(Office(engine), tmp_path).enter("staff", "FCA1", verified=True)
    assert "3 open" in text_of(pages.get("/pathways", params={"reference": "spip-d"}))
    for typed in ("%", "_", "SPIP%", "SPIP_D1", "\\", "'"):
        assert "0 open" in text_of(pages.get("/pathways", params={"reference": typed}))
        assert "0 open" in text_of(pages.get("/pathways", params={"stands": typed}))


def test_a_reference_in_an_address_may_be_typed_in_small_letters(site: OpenSite) -> None:
    staff, provider = site.enter("staff", "FCA1", verified=True), site.enter("provider", "P1", verified=True)
    given = provider.post("/owed", {f"answer-{site.office.duty('attendance_report').id}-1": "late"}).url.path
    assert text_of(staff.get("/pathways/spip-d1")) == text_of(staff.get("/pathways/SPIP-D1"))
    assert provider.get(given.lower()).status_code == provider.get("/concerns/spip-d2").status_code == 200
    assert "SPIP-D2" in provider.get("/concerns/spip-d2").text
    assert provider.get("/concerns/spip-d9").status_code == 404


def test_the_story_of_what_the_court_ordered_does_not_say_that_an_adviser_suggested_it(site: OpenSite) -> None:
    told = text_of(site.enter("staff", "FCA1", verified=True).get("/pathways/SPIP-D1"))
    assert "route court by FCA1" in told and "suggested" not in told


def test_an_advisers_list_begins_with_what_waits_for_them_and_then_goes_by_day(engine: Engine, tmp_path: Path) -> None:
    """SPIP-D1 waits for P1's report, SPIP-D2 and D3 for P1's answers; of SPIP-D4 the adviser owes the enquiries."""
    site = of_fca1(Office(engine), tmp_path)
    site.office.case("CASE4", ("PG", "PH")).opens("SPIP-D4", "PG", case="CASE4", on="2026-01-23")
    site.office.round("2026-01-26")
    due = {f"SPIP-D{n}": site.office.pathway(f"SPIP-D{n}").due_on for n in range(1, 5)}
    shown = site.enter("staff", "FCA1", verified=True).get("/pathways")
    listed = re.findall(r'href="/pathways/(SPIP-D\d)"', shown.text)
    assert listed == ["SPIP-D4", *sorted(["SPIP-D1", "SPIP-D2", "SPIP-D3"], key=due.get)]
    assert due["SPIP-D4"] > min(due.values())  # by the day alone it would not be first
    assert "SPIP-D4 CASE4" in text_of(shown) and re.search(r"SPIP-D4.*?<strong>you</strong>", shown.text, re.S)
    assert shown.text.count("<strong>you</strong>") == 1
