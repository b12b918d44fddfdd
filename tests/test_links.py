"""Return links and codes: what opens the site, for how long, and what does not."""

import base64
import re
import string
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from models import tables as t
from models.encrypted import NoKeys
from settings import Settings
from settings import Site as SiteSettings
from store import links
from store.database import database, reading, writing
from store.links import Holder, rotate_keys, signing_keys
from tests.fresh import put_tables
from tests.site import HOST, OpenSite, Pages, text_of
from tests.smtp_sink import Sink
from tests.test_command_line import Desk
from tests.world import Office, at_once, empty

MONDAY = "2026-01-26"


@pytest.fixture
def site(tmp_path: Path) -> OpenSite:
    """Two providers and the staff; it is the evening of Monday, 26 January 2026."""
    return OpenSite(Office(empty(f"sqlite:///{tmp_path / 'pathways.db'}")), tmp_path, MONDAY)


@pytest.fixture
def each(engine: Engine, tmp_path: Path) -> OpenSite:
    """The same on each kind of database."""
    return OpenSite(Office(engine), tmp_path, MONDAY)


def opens(site: OpenSite, link: str) -> bool:
    """Whether a link, as it stands in mail, leads to what is owed."""
    pages = site.browser()
    arrived, entered = pages.get(link), pages.get(f"{link}/open")
    assert (arrived.status_code == 200) == (entered.status_code == 200)
    if entered.status_code == 200:
        assert entered.url.path in ("/owed", "/code")
        return True
    assert arrived.status_code == entered.status_code == 410 and arrived.text == entered.text
    assert "This link is not good any more" in arrived.text and not pages.client.cookies
    return False


def holder_of(site: OpenSite, link: str) -> Holder | None:
    with reading(site.engine) as connection:
        found = links.found(connection, link.removeprefix("/l/"), site.site.now(), site.settings)
    return found and found[1]


def at(day: int, month: int = 1, hour: int = 21, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


# Links ----------------------------------------------------------------------------------------------------------------


def test_a_link_names_one_mailbox_and_is_the_same_all_day(site: OpenSite) -> None:
    link = site.link("provider", "P1")
    assert holder_of(site, link) == Holder("provider", "P1", "p1@p.example")
    site.at(at(26, hour=23, minute=30))
    assert site.link("provider", "P1") == link
    site.at(at(27, hour=0, minute=30))
    assert len({link, *(site.link(*who) for who in (("provider", "P1"), ("provider", "P2"), ("staff", "FCA1")))}) == 4
    assert "P1" not in link and "p1@" not in link


def test_a_link_is_good_for_ten_working_days_and_on_the_eleventh_no_more(each: OpenSite) -> None:
    link = each.link("provider", "P1")
    each.at(at(9, month=2, hour=23, minute=59))
    assert opens(each, link)
    each.at(at(10, month=2, hour=0, minute=1))
    assert not opens(each, link)


def test_an_open_session_is_over_when_its_link_expires(site: OpenSite) -> None:
    site.at(at(26))
    link = site.link("provider", "P1")
    site.at(at(9, month=2, hour=23, minute=0))
    pages = site.browser()
    assert "What you owe" in text_of(pages.get(f"{link}/open"))
    site.at(at(10, month=2, hour=0, minute=1))
    assert pages.get("/owed").url.path == "/link"


def test_a_withdrawn_link_and_its_sessions_are_worth_nothing_and_the_next_mail_holds_another(each: OpenSite) -> None:
    link, other, pages = each.link("provider", "P1"), each.link("provider", "P2"), each.enter("provider", "P1")
    with writing(each.engine) as connection:
        assert links.withdraw(connection, "P1", each.site.now()) == 1
        assert links.withdraw(connection, "P1", each.site.now()) == 0
    assert not opens(each, link) and opens(each, other)
    assert pages.get("/owed").url.path == "/link"
    assert each.link("provider", "P1") != link and opens(each, each.link("provider", "P1"))


@pytest.mark.parametrize(
    ("who", "table", "change"),
    [
        (("provider", "P1"), t.Provider, {"mailbox": "other@p.example"}),
        (("provider_lead", "P1"), t.Provider, {"lead_email": "lead@p.example"}),
        (("staff", "FCA1"), t.Practitioner, {"email": "other@staff.example"}),
    ],
)
def test_with_another_mailbox_registered_the_link_and_its_sessions_are_worth_nothing(
    site: OpenSite, who: tuple[str, str], table: Any, change: dict[str, str]
) -> None:
    link, pages = site.link(*who), site.enter(*who)
    site.office.put(table, {"code": who[1]}, **change)
    assert not opens(site, link) and pages.get("/owed").url.path == "/link"
    assert opens(site, site.link(*who))


def test_the_same_mailbox_in_other_capitals_is_the_same_mailbox(site: OpenSite) -> None:
    link = site.link("provider", "P1")
    site.office.put(t.Provider, {"code": "P1"}, mailbox="P1@P.example")
    assert opens(site, link)


def test_a_link_with_any_character_changed_is_worth_nothing(site: OpenSite) -> None:
    link = site.link("provider", "P1")
    alphabet = string.ascii_letters + string.digits + "-_."
    for place in range(len("/l/"), len(link)):
        for other in alphabet if place > len(link) - 4 else "A9.":
            changed = f"{link[:place]}{other}{link[place + 1 :]}"
            assert changed == link or holder_of(site, changed) is None, (place, other)
    assert not opens(site, f"{link[:-1]}{'A' if link[-1] != 'A' else 'B'}")


@pytest.mark.parametrize(
    "token", ["x", ".", "a.b", "a" * 20_000, "é.é", "%00", "%0d%0aSet-Cookie:a=b", "..%2f..", "' OR 1=1 --", "\u202e"]
)
def test_what_is_no_link_is_answered_as_one_that_is_over(site: OpenSite, token: str) -> None:
    answer = site.browser().get(f"/l/{token}")
    assert answer.status_code in (404, 410) and "set-cookie" not in answer.headers


def test_the_number_of_a_link_opens_nothing_without_its_signature(site: OpenSite) -> None:
    link = site.link("provider", "P1")
    number = site.office.rows(t.ReturnLink)[0].id
    forged = base64.urlsafe_b64encode(b"0" * 32).decode().rstrip("=")
    for token in (number, f'"{number}"', f"{number}.{forged}", link.rpartition(".")[0].removeprefix("/l/")):
        assert holder_of(site, f"/l/{token}") is None


# Keys -----------------------------------------------------------------------------------------------------------------


def test_a_new_key_leaves_links_of_the_last_one_good_and_those_before_it_not(site: OpenSite) -> None:
    first = site.link("provider", "P1")
    rotate_keys(site.settings)
    assert opens(site, first)
    site.at(at(27))
    second = site.link("provider", "P1")
    rotate_keys(site.settings)
    assert opens(site, second) and not opens(site, first)


def test_keys_of_the_settings_rotate_by_putting_a_new_one_at_the_end(site: OpenSite) -> None:
    old, new = "o" * 40, "n" * 40
    site.settings.site.keys = [old]
    link = site.link("provider", "P1")
    site.settings.site.keys = [old, new]
    assert opens(site, link) and opens(site, later := site.link("provider", "P1"))
    site.settings.site.keys = [new]
    assert not opens(site, link) and opens(site, later)
    assert not (site.settings.home / "site.keys").exists()


def test_processes_that_make_the_key_at_the_same_moment_have_one_key(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "new")
    keys = at_once(*[lambda: signing_keys(settings)] * 8)
    assert len({tuple(some) for some in keys}) == 1 and len(keys[0][0]) >= 32
    (file,) = (tmp_path / "new").iterdir()
    assert file.name == "site.keys" and file.stat().st_mode & 0o077 == 0
    rotate_keys(settings)
    (file,) = (tmp_path / "new").iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_an_empty_file_of_keys_is_said_and_nothing_is_signed_with_nothing(tmp_path: Path) -> None:
    (tmp_path / "site.keys").write_text("\n")
    with pytest.raises(NoKeys, match="is empty"):
        signing_keys(Settings(home=tmp_path))


@pytest.mark.parametrize(
    "wrong",
    [
        {"keys": [""]}, {"keys": ["k" * 40, "short"]}, {"keys": [" " * 40]}, {"url": "pathways.example"}, {"url": "ftp://x.example"},
        {"url": "https://"}, {"url": "https://x.example/path"}, {"requests": "often"}, {"requests": "0/minute"}, {"askings": "5"},
    ],
    ids=str,
)  # fmt: skip
def test_settings_under_which_nothing_would_be_safe_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SiteSettings(**wrong)


# Sessions -------------------------------------------------------------------------------------------------------------


def test_a_session_reads_for_some_hours_and_then_the_link_is_opened_again(each: OpenSite) -> None:
    each.at(at(26, hour=9))
    pages, link = each.enter("provider", "P1"), each.link("provider", "P1")
    each.at(at(26, hour=17))
    assert pages.get("/owed").url.path == "/owed"
    each.at(at(26, hour=17, minute=1))
    assert pages.get("/owed").url.path == "/link"
    assert pages.get(f"{link}/open").url.path == "/owed"
    assert len(each.office.rows(t.SiteSession)) == 1  # those that are over go


def test_a_code_is_good_for_an_hour(site: OpenSite) -> None:
    site.at(at(26, hour=9))
    pages = site.enter("staff", "FCA1", verified=True)
    site.at(at(26, hour=9, minute=59))
    assert pages.get("/pathways").url.path == "/pathways"
    site.at(at(26, hour=10, minute=0))
    assert pages.get("/pathways").url.path == "/code"


def test_who_leaves_is_out_on_the_server_too(site: OpenSite) -> None:
    pages = site.enter("provider", "P1", verified=True)
    secret, token = pages.client.cookies["__Host-session"], pages.token()
    assert pages.post("/sign-out").status_code == 200 and not pages.client.cookies
    pages.client.cookies.set("__Host-session", secret)
    assert pages.get("/owed").url.path == "/link"
    assert pages.post("/owed", {"submission": "x"}, token=token).url.path == "/link"


def test_the_database_holds_nothing_that_opens_the_site(site: OpenSite) -> None:
    link, pages = site.link("provider", "P1"), site.enter("provider", "P1")
    secret = pages.client.cookies["__Host-session"]
    with writing(site.engine) as connection:
        visitor = links.visitor(connection, secret, site.site.now())
        digits = links.new_code(connection, visitor.session, site.site.now(), site.settings)
    held = repr([*site.office.rows(t.ReturnLink), *site.office.rows(t.SiteSession)])
    for secret_thing in (secret, visitor.token, f"'{digits}'", link.rpartition(".")[2], "p1@p.example"):
        assert secret_thing not in held


def test_a_link_opened_again_goes_on_with_the_session_and_its_code(site: OpenSite) -> None:
    pages = site.enter("provider", "P1", verified=True)
    secret = pages.client.cookies["__Host-session"]
    site.at(site.site.now() + timedelta(minutes=20))
    pages.get(f"{site.link('provider', 'P1')}/open")
    assert pages.client.cookies["__Host-session"] == secret
    pages.get(f"{site.link('provider_lead', 'P1')}/open")  # the lead has no mailbox of its own here
    assert pages.client.cookies["__Host-session"] == secret


def test_each_browser_has_a_session_of_its_own(site: OpenSite) -> None:
    one, other = site.enter("provider", "P1", verified=True), site.enter("provider", "P1")
    assert one.client.cookies["__Host-session"] != other.client.cookies["__Host-session"]
    assert other.get("/concerns").url.path == "/code"


def test_nobody_is_taken_to_anothers_session_without_being_asked(site: OpenSite) -> None:
    """Somebody sends P1 a link of their own, to have P1's answers under their code."""
    pages, foreign = site.enter("provider", "P1", verified=True), site.link("provider", "P2")
    secret = pages.client.cookies["__Host-session"]
    asked = pages.get(f"{foreign}/open")
    assert "You are here as P1. The link was sent to P2" in text_of(asked)
    assert pages.client.cookies["__Host-session"] == secret and "P1" in text_of(pages.get("/owed"))
    assert pages.post(f"{foreign}/open", token="wrong").status_code == 403
    assert pages.client.cookies["__Host-session"] == secret
    assert pages.post(f"{foreign}/open").url.path == "/owed"
    assert pages.client.cookies["__Host-session"] != secret and pages.get("/concerns").url.path == "/code"
    pages.client.cookies.set("__Host-session", secret)
    assert pages.get("/owed").url.path == "/link"


@pytest.mark.parametrize("came_from", ["cross-site", "same-site"])
def test_from_another_site_a_link_is_opened_by_way_of_a_page_of_ours(site: OpenSite, came_from: str) -> None:
    """A browser that comes from elsewhere keeps our cookie back, and would lose the session it has."""
    link = site.link("provider", "P2")
    answer = site.browser().get(f"{link}/open", headers={"sec-fetch-site": came_from})
    assert "set-cookie" not in answer.headers and f'content="0; url={link}/open' in answer.text
    assert site.browser().get(f"{link}/open", headers={"sec-fetch-site": "same-origin"}).url.path == "/owed"


def test_no_cookie_but_the_sessions_and_that_one_kept_close(site: OpenSite) -> None:
    pages, set_by = site.browser(), {}
    link = site.link("provider", "P1")
    pages.client.event_hooks = {"response": [lambda answer: set_by.update(
        {answer.request.url.path: answer.headers.get_list("set-cookie")}
    )]}  # fmt: skip
    for path in (
        "/",
        "/link",
        link,
        "/owed",
        "/code",
        "/static/site.css",
        f"{link}/open",
        "/owed",
        "/code",
        "/nowhere",
    ):
        pages.get(path)
    pages.post("/sign-out")
    given = {path: cookies for path, cookies in set_by.items() if cookies}
    assert set(given) == {f"{link}/open", "/sign-out"}
    for (cookie,) in given.values():
        name, *attributes = re.split(r"=|; ", cookie.replace('=""', "="), maxsplit=2)
        assert name == "__Host-session"
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(attributes[-1].casefold().split("; "))
        assert "domain" not in cookie.casefold()
    assert "max-age" not in given[f"{link}/open"][0].casefold()  # it goes when the browser is closed


def test_a_browser_sent_to_leave_from_another_site_stays(site: OpenSite) -> None:
    """A browser brings no cookie of ours with a form that another site sends."""
    assert "set-cookie" not in site.browser().post("/sign-out", token="").headers


# Codes ----------------------------------------------------------------------------------------------------------------


def code_of(site: OpenSite, pages: Pages) -> str:
    """A new code for a browser's session, as the mail would hold it."""
    with writing(site.engine) as connection:
        visitor = links.visitor(connection, pages.client.cookies["__Host-session"], site.site.now())
        return links.new_code(connection, visitor.session, site.site.now(), site.settings)


def typed(pages: Pages, digits: str, then: str = "/concerns") -> bool:
    """Whether a code that is typed in leads on."""
    answer = pages.post("/code", {"digits": digits, "then": then})
    right = answer.url.path == then
    leads_on = re.search('href="#(digits|send)"|No more codes today', answer.text)
    assert right or (answer.status_code in (422, 429) and leads_on)
    return right


def other_than(digits: str) -> str:
    return f"{(int(digits) + 1) % 1_000_000:06}"


def test_a_code_comes_by_mail_and_leads_to_where_it_was_asked_for(site: OpenSite) -> None:
    with Sink() as sink:
        site = OpenSite(site.office, site.settings.home, MONDAY, sink.port)
        pages = site.enter("staff", "FCA1")
        assert pages.get("/pathways").url.path == "/code"
        assert "Six digits are on their way" in text_of(pages.post("/code/send", {"then": "/pathways"}))
        (mail,) = sink.received
        assert mail.to == ["fca1@staff.example"]
        (digits,) = set(re.findall(r"\b\d{6}\b", mail.message.get_body(("plain",)).get_content()))
        assert pages.post("/code", {"digits": digits, "then": "/pathways"}).url.path == "/pathways"


def test_a_code_that_is_wrong_or_too_old_or_of_another_session_leads_nowhere(site: OpenSite) -> None:
    pages, other = site.enter("provider", "P1"), site.enter("provider", "P1")
    digits = code_of(site, pages)
    assert not typed(pages, other_than(digits)) and not typed(other, digits)
    site.at(site.site.now() + timedelta(minutes=10))
    assert not typed(pages, digits)
    old = code_of(site, pages)
    new = code_of(site, pages)
    assert (old == new or not typed(pages, old)) and typed(pages, new)


def test_before_a_code_was_sent_none_is_right_and_none_is_counted(site: OpenSite) -> None:
    """Whoever has a forwarded link does not shut the mailbox out with it."""
    pages = site.enter("provider", "P1")
    token = pages.token()
    for _ in range(60):
        assert pages.post("/code", {"digits": "000000"}, token=token).status_code == 422
    assert typed(pages, code_of(site, pages))


def test_a_code_is_good_once(each: OpenSite) -> None:
    pages = each.enter("provider", "P1")
    digits = code_of(each, pages)
    assert typed(pages, digits) and typed(pages, "000000")  # who is through is through
    each.at(each.site.now() + timedelta(minutes=5))
    with writing(each.engine) as connection:
        visitor = links.visitor(connection, pages.client.cookies["__Host-session"], each.site.now())
        assert visitor.verified
        assert links.verify(connection, visitor.session, digits, each.site.now(), each.settings) == "none"


@pytest.mark.parametrize(
    ("as_typed", "right"),
    [
        ("{}", True), (" {} ", True), ("{0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]}", True), ("{}1", False), ("{}{}", False), ("", False),
        ("{0[0]}{0[1]}{0[2]}", False), ("\uff10\uff11\uff12\uff13\uff14\uff15", False), ("\u00b2\u00b2\u00b2\u00b2\u00b2\u00b2", False), ("{}\0", False),
    ],
)  # fmt: skip
def test_a_code_is_six_digits_and_may_have_gaps(site: OpenSite, as_typed: str, right: bool) -> None:
    pages = site.enter("provider", "P1")
    digits = code_of(site, pages)
    assert typed(pages, as_typed.format(digits, digits)) == right
    assert (pages.get("/concerns").url.path == "/concerns") == right


def test_after_five_wrong_tries_the_right_code_is_wrong_too(site: OpenSite) -> None:
    pages = site.enter("provider", "P1")
    digits = code_of(site, pages)
    assert not any(typed(pages, other_than(digits)) for _ in range(5))
    assert not typed(pages, digits)
    assert typed(pages, code_of(site, pages))


def test_whoever_typed_a_code_wrong_too_often_is_told_that_it_is_dead_and_how_to_get_another(site: OpenSite) -> None:
    pages = site.enter("provider", "P1")
    digits = code_of(site, pages)
    says = [text_of(pages.post("/code", {"digits": other_than(digits)})) for _ in range(5)]
    assert all("after 5 wrong tries it is dead" in one and "Type in the code" in one for one in says[:4])
    for one in (says[4], text_of(pages.get("/code"))):
        assert "A code first" in one and "Send me a code" in one and "Type in the code" not in one
    assert "wrong 5 times, so this code is dead. Ask for another one" in says[4]
    again = pages.post("/code", {"digits": digits})
    assert "There is no code to type in" in text_of(again) and 'href="#send"' in again.text


def test_whoever_has_a_code_already_types_it_in_without_asking_for_another(site: OpenSite) -> None:
    pages = site.enter("provider", "P1")
    assert 'name="digits"' not in pages.get("/concerns").text
    digits = code_of(site, pages)
    assert 'name="digits"' in pages.get("/concerns").text
    site.at(site.site.now() + timedelta(minutes=10))
    assert 'name="digits"' not in pages.get("/concerns").text
    digits = code_of(site, pages)
    assert typed(pages, digits)


@pytest.mark.parametrize("digits", ["", "   ", "12", "1234567", "code"])
def test_a_field_that_holds_no_six_digits_is_said_to(site: OpenSite, digits: str) -> None:
    pages = site.enter("provider", "P1")
    right = code_of(site, pages)
    answer = pages.post("/code", {"digits": digits})
    assert "Enter the six digits" in text_of(answer) and "not the code" not in text_of(answer)
    assert 'href="#digits"' in answer.text
    assert typed(pages, right)


def test_a_code_that_could_not_be_sent_is_not_waited_for(site: OpenSite) -> None:
    pages = site.enter("provider", "P1")  # there is no channel to send one by
    assert pages.post("/code/send").status_code == 503
    assert 'name="digits"' not in pages.get("/code").text


RING = "If somebody is in danger now, call 999. A concern about harm does not wait for a code: telephone the adviser"


def test_whoever_is_kept_out_is_told_whom_to_call_and_staff_what_is_theirs(site: OpenSite) -> None:
    with Sink() as sink:
        hurried = OpenSite(site.office, site.settings.home, MONDAY, sink.port, askings="1/hour", code_tries=1)
        for who in (("provider", "P1"), ("staff", "FCA1")):
            pages = hurried.enter(*who)
            assert (RING in text_of(pages.get("/concerns"))) == (who[0] == "provider")
            pages.post("/code/send")
            often = pages.post("/code/send")
            assert often.status_code == 429 and "Wait an hour" in text_of(often) and "last one" not in text_of(often)
            assert 'name="digits"' in often.text and (RING in text_of(often)) == (who[0] == "provider")
            for _ in range(10):
                assert not typed(pages, other_than(code_of(hurried, pages)))
            for locked in (pages.get("/code"), pages.post("/code", {"digits": "123456"})):
                assert "No more codes today" in text_of(locked) and "<form" not in locked.text.partition("<main")[2]
                assert (RING in text_of(locked)) == (who[0] == "provider")
            if who[0] == "provider":
                assert 'href="/owed"' in locked.text.partition("<main")[2] and pages.get("/owed").status_code == 200


def test_tries_at_the_same_moment_are_as_many_tries(each: OpenSite) -> None:
    pages = each.enter("provider", "P1")
    digits = code_of(each, pages)
    with reading(each.engine) as connection:
        session = links.visitor(connection, pages.client.cookies["__Host-session"], each.site.now()).session

    def tries(code: str) -> links.Tried:
        with writing(each.engine) as connection:
            return links.verify(connection, session, code, each.site.now(), each.settings)

    tried = at_once(*[lambda: tries(other_than(digits))] * 6)
    assert sorted(tried) == ["dead", "none", *["wrong"] * 4]
    assert each.office.rows(t.SiteSession)[0].code_tries == 6
    assert tries(digits) == "none"
    digits = code_of(each, pages)
    assert at_once(*[lambda: tries(digits)] * 4).count("right") == 1


def test_wrong_codes_are_counted_for_the_mailbox_however_many_sessions_its_link_opens(site: OpenSite) -> None:
    for _ in range(10):
        pages = site.enter("provider", "P1")
        digits = code_of(site, pages)
        for _ in range(5):
            assert not typed(pages, other_than(digits))
    pages, others = site.enter("provider", "P1"), site.enter("provider", "P2")
    assert not typed(pages, code_of(site, pages))
    assert "Too many wrong codes" in pages.post("/code", {"digits": "000000"}).text
    assert typed(others, code_of(site, others))


# The command line -----------------------------------------------------------------------------------------------------


def test_whoever_runs_the_site_lists_withdraws_and_signs_anew(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    put_tables(tmp_path / "pathways.db")
    desk = Desk(monkeypatch, capsys, tmp_path)
    assert desk("links", "list", "--json").out.strip() == "[]"
    settings = Settings(home=tmp_path, site=SiteSettings(url=HOST))
    office, now = Office(database(settings.database_url)), datetime.now(UTC)
    with writing(office.engine) as connection:
        address = links.issue(connection, links.holder_of(connection, "provider", "P1"), now, settings)
    token = address.removeprefix(f"{HOST}/l/").partition("?")[0]
    shown = desk("links", "list", "--json").out
    assert '"of": "P1"' in shown and token not in shown and office.rows(t.ReturnLink)[0].id not in shown
    keys = (tmp_path / "site.keys").read_text()
    assert desk("links", "rotate").code == 0 and (tmp_path / "site.keys").read_text().startswith(keys)
    assert "1 withdrawn" in desk("links", "withdraw", "p1").out
    assert desk("links", "withdraw", "P1").code == 3 and desk("links", "withdraw", "NOBODY").code == 3
    monkeypatch.setenv("PATHWAYS_SITE__KEYS", f'["{"k" * 40}"]')
    assert desk("links", "rotate").code == 1
