"""The site in a real browser: sound on every page whoever comes, with and without scripts, wide and narrow, by keyboard."""

import re
from collections.abc import Iterator
from email.message import EmailMessage
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from models import tables as t
from samples import load_samples
from store.database import database
from tests.browser import NARROW, Served, Tab, chromium, code_in, link_in, routed
from tests.engine import wait_for
from tests.fresh import put_tables, with_tables
from tests.life import day
from tests.smtp_sink import Sink
from tests.world import SETTINGS, Office, evening

TODAY = "2026-01-26"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def site(tmp_path: Path, sink: Sink) -> Iterator[Served]:
    """P1 owes reports on SPIP-D1 to D3 and D8, an answer to D4's referral, a booking of D5 and the begin of DVPP-D6;
    FCA1 owes the enquiries of SPIP-D7. Today is 26 January 2026."""
    engine = with_tables(database(f"sqlite:///{tmp_path / 'pathways.db'}"))
    office = Office(engine)
    for number in range(1, 9):
        office.case(f"CASE{number}", (f"P{number}A", f"P{number}B"))
        office.opens(f"{'DVPP' if number == 6 else 'SPIP'}-D{number}", f"P{number}A", case=f"CASE{number}")
    for number in (1, 2, 3, 8):
        office.awaiting_report(f"SPIP-D{number}")
    office.referred("SPIP-D4")
    office.acknowledged("SPIP-D5")
    for kind, more in (
        ("violence_established", {"basis": "found"}), ("survivor_plan_made", {}), ("referral_sent", {"provider": "P1"}),
        ("acknowledged", {"provider": "P1"}), ("assessment_done", {}), ("assessment_reported", {"result": "accepted"}),
    ):  # fmt: skip
        assert (done := office.says("DVPP-D6", kind, "2026-01-06", **more)).result == "recorded", done.why
    served = Served(office.round(TODAY), tmp_path, TODAY, sink.port)
    office.settings = served.open.settings
    put_tables(tmp_path / "restricted.db", restricted=True)
    with served:
        yield served


def mail(sink: Sink, subject: str) -> EmailMessage:
    """The newest mail with these words in its subject, when it is there."""

    def there() -> list[EmailMessage]:
        return [one.message for one in sink.received if subject in one.message["Subject"]]

    return wait_for(f'the mail "{subject}"', there)[-1]


def code_of(sink: Sink) -> str:
    return code_in(mail(sink, "is your code"))


# Every page ----------------------------------------------------------------------------------------------------------


def stranger(tab: Tab, sink: Sink) -> str:
    """Somebody without a link asks for one. Returns it, as the mail has it."""
    tab.go("/").look("somebody without a link")
    tab.type("mailbox", "P1").press("Send me a link").look("no mailbox")
    tab.type("mailbox", "p1@p.example").press("Send me a link").look("a link was asked for")
    tab.go("/l/nonsense").look("a link that is none")
    tab.go("/nowhere").look("a page that is none")
    return link_in(mail(sink, "Your link"))


def without_refresh(route: Route) -> None:
    """A page that would go on by itself, kept for looking at."""
    answer = route.fetch()
    route.fulfill(response=answer, body=re.sub("<meta http-equiv.*?>", "", answer.text()))


def provider(tab: Tab, site: Served, sink: Sink, link: str) -> None:
    """A provider opens its link, and gets wrong what can be got wrong."""
    with routed(tab.page, re.compile(r"/l/[^/]+$"), without_refresh):
        tab.go(link).look("arriving")
    tab.follow("Go on").look("the list")
    tab.press("Send these answers").look("nothing is chosen")
    one_report(tab)
    correction(tab)
    code(tab, sink)
    tab.press("Ask for it").look("asking for a correction without a reason")
    too_large(tab)
    tab.go("/owed").look("receipts under the list").answer(SPIP_D2="Attended").press("Send these answers").look(
        "a receipt from the list"
    )
    tab.go("/owed").follow(re.compile("SPIP-D4, ack")).look("a referral")
    tab.choose("answer", "declined").press("Send this answer").look("no reason for declining")
    overtaken(tab, site)
    booking(tab)
    tab.go("/owed").follow(re.compile("DVPP-D6, start")).look("a number is asked for")
    tab.choose("answer", "started").on("started-on", 12, 1, 2026).type("started-weeks", "many")
    tab.press("Send this answer").look("a number that is none")
    accreditation(tab)
    upload(tab)
    concern(tab)
    tab.press("Leave").look("leaving")


def one_report(tab: Tab) -> None:
    tab.follow(re.compile("Other answer for SPIP-D1")).look("a report")
    tab.press("Send this answer").look("a report without an answer")
    tab.choose("answer", "part").press("Send this answer").look("a report without its reason")
    tab.choose("answer", "absent").choose("absent-reason", "illness").on("again-times", 31, 2, 2026)
    tab.press("Send this answer").look("rebooked without times")
    tab.choose("answer", "attended").press("Send this answer").look("nothing to rebook").choose("answer", "absent")
    tab.type("again-times-from", "18:00").type("again-times-to", "22:00").type("again-session", "Mrs Smith").press(
        "Send this answer"
    )
    tab.look("rebooked for a day that is none")
    tab.on("again-times", 9, 2, 2026).press("Send this answer").look("rebooked under a name")
    tab.type("again-session", "GRP-1").press("Send this answer").look("a receipt of two answers")


def correction(tab: Tab) -> None:
    tab.follow(re.compile("Correct fact")).look("a correction")
    assert tab.page.locator("[name='answer']:checked").input_value() == "absent"
    tab.press("Send this correction").look("a correction that changes nothing")
    tab.choose("answer", "late").press("Send this correction").look("a receipt of a correction")
    tab.go("/owed").follow(re.compile("RC-")).look("a receipt found again").go("/owed")
    tab.page.get_by_role("link", name=re.compile("RC-")).last.click()
    tab.page.wait_for_url(re.compile("/receipts/"))
    assert "Corrected since" in tab.look("a receipt that was corrected since").says


def code(tab: Tab, sink: Sink) -> None:
    """What needs one: asking for another correction."""
    tab.go("/owed").follow(re.compile("RC-")).follow(re.compile("Ask for a correction")).look("a code first")
    sink.refuses.add("p1@p.example")
    tab.press("Send me a code").look("a code that cannot be sent")
    sink.refuses.clear()
    tab.press("Send me a code").look("a code was sent")
    tab.type("digits", "").press("Go on").look("no code")
    digits = code_of(sink)
    wrong = f"{(int(digits) + 1) % 1_000_000:06}"
    for says in ("a wrong code", "", "", "", "a dead code"):
        tab.type("digits", wrong).press("Go on")
        tab = tab.look(says) if says else tab
    assert "this code is dead" in tab.says
    sent = len(sink.received)
    tab.press("Send me a code")
    wait_for("another code", lambda: len(sink.received) > sent)
    tab.type("digits", code_of(sink)).press("Go on").look("asking for a correction")


def too_large(tab: Tab) -> None:
    """What no page takes is said on a page."""
    tab.go("/owed").page.evaluate("document.querySelector('form [name=submission]').value = 'x'.repeat(600000)")
    tab.press("Send these answers").look("too much at once")
    assert "smaller parts" in tab.says


def overtaken(tab: Tab, site: Served) -> None:
    """Answers that others have overtaken: the one on a row that is still there, the other on one that is gone."""
    tab.go("/owed").answer(SPIP_D3="Attended", SPIP_D4="We accept the referral")
    office = site.open.office
    office.says("SPIP-D4", "referral_recalled", TODAY, provider="P1", reason="sent_in_error")
    tab.press("Send these answers").look("a referral was taken back meanwhile")
    assert tab.page.locator(".govuk-error-summary a").all_inner_texts() == tab.errors
    office.says("SPIP-D3", "attendance_reported", TODAY, by="P1", session="S-SPIP-D3", result="late")
    tab.press("Send these answers").look("somebody else has answered meanwhile")


def booking(tab: Tab) -> None:
    tab.go("/owed").follow(re.compile("SPIP-D5, booking")).look("a booking")
    tab.choose("answer", "refused").on("refused-on", 31, 2, 2026).press("Send this answer").look("a day that is none")
    tab.choose("answer", "booked").press("Send this answer").look("a booking of nothing")
    tab.on("booked-times", 9, 2, 2026).type("booked-times-from", "6 pm").type("booked-times-to", "22:00").type(
        "booked-session", "G-1"
    )
    tab.press("Send this answer").look("a time that is none")
    tab.type("booked-times-from", "18:00").on("booked-times", 9, 2, 2036).press("Send this answer").look("in ten years")
    assert tab.errors == ["9 February 2036 is more than 18 months ahead; look at the year again"]


def accreditation(tab: Tab) -> None:
    tab.go("/owed").follow("accreditation renewed").look("accreditation")
    tab.press("Send").look("accreditation without a day")
    tab.on("renewed-until", 31, 3, 2033).press("Send").look("a receipt of a renewal")


def upload(tab: Tab) -> None:
    tab.go("/upload").look("a file")
    assert tab.downloads("link", "Download a file") == "attendance.csv"
    tab.press("Check this file").look("no file")
    rows = "reference,session,week,day,result\nSPIP-D8,S-SPIP-D8,,16/01/2026,late\nDVPP-D6,,1,16/01/2026,ate\n"
    file = {"name": "month.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    tab.page.set_input_files("input[type=file]", file)
    tab.press("Check this file").look("a file with errors")
    assert tab.downloads("button", "Download 1 wrong row") == "attendance.rejected.csv"
    tab.press("Send 1 good row").look("a receipt of a file")


def concern(tab: Tab) -> None:
    tab.go("/concerns").look("concerns").follow("SPIP-D5").look("a concern")
    tab.press("Send this concern").look("a concern without words")
    tab.choose("about", "child").type("words", "He waits outside.").press("Send this concern").look(
        "a receipt of a concern"
    )


def adviser(tab: Tab, site: Served, sink: Sink) -> None:
    """An adviser opens the link that goes on by itself, and one of somebody else."""
    tab.go(f"{site.open.link('staff', 'FCA1')}?about=SPIP-D7").page.wait_for_url(re.compile("/code"))
    tab.press("Send me a code").type("digits", code_of(sink)).press("Go on").look("a story")
    tab.go("/owed").look("what an adviser owes").follow(re.compile("SPIP-D7")).look("an adviser's answer")
    tab.press("Send this answer").look("an adviser's answer without one")
    tab.choose("answer", "spoken_to").on("spoken_to-on", 1, 1, 2027).press("Send this answer").look("no parent")
    tab.choose("spoken_to-party", "P7A").press("Send this answer").look("a day still to come")
    tab.on("spoken_to-on", 26, 1, 2026).press("Send this answer").look("an adviser's receipt")
    tab.go("/pathways").look("pathways").type("reference", "nothing").press("Show").look("no pathways")
    tab.go("/pathways/spip-d5").follow("What was written").look("what was written")
    tab.go(f"{site.open.link('provider', 'P1')}/open").look("a link of somebody else").press("Go on as P1")


def test_who_is_kept_out_is_told_whom_to_call(browser: Browser, site: Served):
    """The page that stands when too many codes were asked for, and when too many were wrong."""
    tab = Tab(browser, site.url).enter(site.open, "provider", "P1").go("/concerns").look("a code for a concern")
    rates, mailbox = site.open.app.state.rates, "p1@p.example"
    while rates.asking("code", mailbox, "192.0.2.1"):
        pass
    assert "Wait an hour" in tab.press("Send me a code").look("too many codes were asked for").says
    while rates.may_try(mailbox):
        rates.tried(mailbox)
    assert "No more codes today" in tab.go("/code").look("no more codes today").says
    assert tab.troubles == [] and "call 999" in tab.says


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_every_page_is_sound(browser: Browser, site: Served, sink: Sink, script: bool):
    """axe finds nothing, errors lead to their fields, nothing is wider than a telephone, and nobody else is asked."""
    tab = Tab(browser, site.url, script=script)
    provider(tab, site, sink, stranger(tab, sink))
    adviser(tab, site, sink)
    assert tab.troubles == []
    there = {(method, route.path) for route in site.open.routes() for method in route.methods}
    assert there - site.visited == {("GET", "/health")}


@pytest.fixture
def samples(tmp_path: Path) -> Iterator[Served]:
    """The sample caseload: there is a duty of nearly every kind in it."""
    engine = with_tables(database(f"sqlite:///{tmp_path / 'pathways.db'}"))
    load_samples(engine, evening(day("2026-03-11")), SETTINGS)
    office = Office.at(engine).round("2026-03-11")
    with Served(office, tmp_path, "2026-03-11") as served:
        yield served


def who(row: Any) -> tuple[str, str]:
    """Whose a duty is, by the role of their link."""
    return ("provider" if row.on_role == "provider" else "staff", row.on_code)


def test_whatever_is_owed_its_page_is_sound(browser: Browser, samples: Served):
    """Whatever an answer asks for: a choice, a day, times, a number, a code or a signature under a draft."""
    tab = Tab(browser, samples.url)
    one_of_each = {row.kind: row for row in samples.open.office.rows(t.DutyRow, state="open", paused=False)}
    assert len(one_of_each) > 40
    for (role, code), rows in groupby(sorted(one_of_each.values(), key=who), who):
        tab.page.context.clear_cookies()
        tab.enter(samples.open, role, code, verified=True)
        for row in rows:
            assert "Send this answer" in tab.go(f"/owed/{row.id}").look(row.kind, [NARROW]).says, row.kind
    assert tab.troubles == []


# By hand --------------------------------------------------------------------------------------------------------------


def test_by_keyboard_alone_an_answer_is_chosen_and_sent(browser: Browser, site: Served):
    tab = Tab(browser, site.url).enter(site.open, "provider", "P1")
    stops = [stop["name"] for stop in islice(tab.stops("Tab"), 6)]
    assert stops == [
        "Skip to main content",
        "Case Pathways",
        "Leave",
        "What you owe",
        "Send a file",
        "Report a concern",
    ]
    next(stop for stop in tab.stops("Tab") if stop["name"].startswith("Answer for SPIP-D1, attendance report"))
    tab.page.keyboard.press("ArrowDown")
    next(stop for stop in tab.stops("Tab") if stop["name"] == "Send these answers")
    with tab.page.expect_navigation():
        tab.page.keyboard.press("Enter")
    assert "What was recorded" in tab.says and "result attended" in tab.says


@pytest.mark.parametrize("size", [(1100, 600), (NARROW, 568), (NARROW, 256)], ids=str)
def test_whatever_has_the_focus_is_seen_whichever_way_it_came(browser: Browser, site: Served, size: tuple[int, int]):
    """Nothing is under the bar that stays at the bottom, not even on a page of 1280 by 1024 at 400%."""
    tab = Tab(browser, site.url, width=size[0], height=size[1]).enter(site.open, "provider", "P1")
    there = list(tab.stops("Tab"))
    back = list(tab.stops("Shift+Tab"))
    assert len(there) > 10 and len(back) > 10
    assert [stop["name"] for stop in [*there, *back] if not stop["seen"]] == []


def test_an_error_takes_the_focus_and_leads_to_its_field(browser: Browser, site: Served):
    tab = Tab(browser, site.url).enter(site.open, "provider", "P1").press("Send these answers")
    assert tab.page.evaluate("document.activeElement.className") == "govuk-error-summary"
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")
    assert tab.page.evaluate("document.activeElement.tagName") == "SELECT"


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_an_answer_unfolds_what_it_asks_when_it_is_chosen(browser: Browser, site: Served, script: bool):
    tab = Tab(browser, site.url, script=script).enter(site.open, "provider", "P1")
    tab.follow(re.compile("Other answer for SPIP-D1"))
    reason, another = tab.page.locator("[name='part-reason']").first, tab.page.locator("[name='again-times-day']")
    assert (reason.is_visible(), another.is_visible()) == (False, False)
    tab.choose("answer", "part")
    assert (reason.is_visible(), another.is_visible()) == (True, True)
    tab.choose("answer", "attended")
    assert (reason.is_visible(), another.is_visible()) == (False, False)


def test_on_paper_is_what_is_owed_and_nothing_to_press(browser: Browser, site: Served):
    tab = Tab(browser, site.url).enter(site.open, "provider", "P1")
    tab.page.emulate_media(media="print")
    assert tab.page.get_by_role("rowheader", name="SPIP-D1").is_visible()
    for query in ("button", "select", "nav", "main a"):
        assert not any(one.is_visible() for one in tab.page.locator(query).all()), query
