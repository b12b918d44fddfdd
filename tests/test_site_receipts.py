"""Receipts are found again, and what is wrong in them is corrected: by whoever sent it, or by commissioning."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from models import tables as t
from tests.engine import parts
from tests.site import HOST, OpenSite, Pages, text_of, two_reports_owed
from tests.smtp_sink import Sink
from tests.world import Office, empty, mailing


@pytest.fixture
def site(tmp_path: Path) -> OpenSite:
    return two_reports_owed(empty(f"sqlite:///{tmp_path / 'pathways.db'}"), tmp_path)


@pytest.fixture
def each(engine: Engine, tmp_path: Path) -> OpenSite:
    """The same on each kind of database."""
    return two_reports_owed(engine, tmp_path)


def reports(site: OpenSite) -> list[Any]:
    return site.office.rows(t.FactRow, kind="attendance_reported")


def answered(site: OpenSite, reference: str = "SPIP-D1", **form: str) -> int:
    """P1 says what became of a session: that somebody attended, unless said otherwise. Returns the fact's number."""
    pages, duty = site.enter("provider", "P1"), site.office.duty("attendance_report", reference).id
    pages.post(f"/owed/{duty}", {"answer": "attended", "submission": f"first {reference}"} | form)
    return site.office.rows(t.FactRow, subject=reference)[-1].id


def corrections(page: str) -> dict[int, str]:
    """What a receipt offers to do about its facts: the number of each, and the words of its link."""
    found = re.findall(r'href="/corrections/([0-9]+)">([^<]*)<', page)
    return {int(number): says for number, says in found}


def chosen(page: str) -> set[str]:
    """The radios that are on, and what stands in the boxes."""
    tags = re.findall(r"<input [^>]*>", page)
    boxes = [tag for tag in tags if 'type="text"' in tag and " value=" in tag]
    on = [tag for tag in tags if re.search(r"\bchecked\b", tag)]
    return {"=".join(re.search(f'{name}="([^"]*)"', tag)[1] for name in ("name", "value")) for tag in (*on, *boxes)}


# Found again ----------------------------------------------------------------------------------------------------------


def test_whoever_closed_the_page_finds_the_receipt_again_and_corrects_what_is_wrong(each: OpenSite) -> None:
    number = answered(each)
    pages = each.enter("provider", "P1")
    listed = pages.get("/owed").text
    (receipt,) = re.findall(r'href="(/receipts/RC-[0-9A-F]{8})"', listed)
    assert "26 January 2026 at 21:00" in listed.partition("What you sent in lately")[2]
    assert corrections(pages.get(receipt).text) == {number: "Correct"}


def test_receipts_are_listed_some_days_longer_than_they_can_be_corrected(site: OpenSite) -> None:
    answered(site)  # on a Monday: it can be corrected until Tuesday, and five working days more it is listed
    for on, there in (((2026, 2, 3), True), ((2026, 2, 4), False)):
        site.at(datetime(*on, 12, tzinfo=UTC))
        assert ("/receipts/RC-" in site.enter("provider", "P1").get("/owed").text) == there, on


def test_the_latest_receipt_stands_first_and_nobody_sees_anothers(site: OpenSite) -> None:
    answered(site, "SPIP-D2")
    site.at(site.site.now() + timedelta(minutes=5))
    answered(site, "SPIP-D1")
    listed = text_of(site.enter("provider_lead", "P1").get("/owed")).partition("What you sent in lately")[2]
    assert 0 < listed.index("21:05 SPIP-D1") < listed.index("21:00 SPIP-D2")
    for who in (("provider", "P2"), ("staff", "FCA1")):
        assert "/receipts/" not in site.enter(*who, verified=True).get("/owed").text


def test_staff_who_get_no_receipt_by_mail_find_theirs_too(site: OpenSite) -> None:
    pages, done = reviewed(site, "continue")
    assert done.url.path in pages.get("/owed").text
    assert "/receipts/" not in site.enter("provider", "P1").get("/owed").text


def reviewed(site: OpenSite, decision: str) -> tuple[Pages, Any]:
    """A risk is raised, and FCA1 decides what it means for SPIP-D1."""
    site.office.says("SPIP-D1", "risk_raised", "2026-01-26")
    site.office.round("2026-01-26")
    pages, duty = site.enter("staff", "FCA1", verified=True), site.office.duty("risk_review").id
    return pages, pages.post(f"/owed/{duty}", {"answer": decision, "submission": "one"})


def mailed(site: OpenSite, **more: Any) -> str:
    """The receipt as P1's mail has it, on the morning after."""
    with Sink() as sink:
        Office.at(site.engine, mailing(sink, site={"url": HOST}, home=site.settings.home, **more)).mail(
            datetime(2026, 1, 27, 9, tzinfo=UTC)
        )
        (receipt,) = [one.message for one in sink.received if "Receipt RC-" in one.message["Subject"]]
    return parts(receipt)["text/plain"]


def test_a_receipt_goes_by_mail_with_every_line_in_one_message_and_its_link_opens_it(site: OpenSite) -> None:
    pages = site.enter("provider", "P1")
    first, second = re.findall(r'<select[^>]* name="(answer-[\d-]+)"', pages.get("/owed").text)
    done = pages.post("/owed", {first: "attended", second: "late", "submission": "one"})
    text = mailed(site)
    assert "SPIP-D1" in text and "SPIP-D2" in text
    links = set(re.findall(rf"{HOST}(/l/[^?\s]+)\?about=(\S+)", text))
    assert {about for _, about in links} == {done.url.path.removeprefix("/receipts/")}
    ((link, about),) = links
    assert site.browser().get(f"{link}/open", params={"about": about.lower()}).url.path == done.url.path


def test_where_mail_leads_elsewhere_it_is_about_the_pathway_as_ever(site: OpenSite) -> None:
    answered(site)
    text = mailed(site, link="https://intranet.example/{reference}")
    assert "https://intranet.example/SPIP-D1" in text and "https://intranet.example/RC-" not in text


def test_the_receipt_by_mail_says_which_session_and_when_it_is(site: OpenSite) -> None:
    again = {"session": "GRP-7", "times-day": "8", "times-month": "4", "times-year": "2026", "times-from": "18:00"}
    again = {f"again-{name}": value for name, value in (again | {"times-to": "22:00"}).items()}
    answered(site, answer="absent", **{"absent-reason": "illness"}, **again)
    text = mailed(site)
    assert "attendance reported, absent, session S-SPIP-D1 (fact" in text
    assert "session booked, recorded, session GRP-7, 8 April 2026 at 18:00 to 22:00 (fact" in text


# Corrected ------------------------------------------------------------------------------------------------------------


def test_a_provider_corrects_an_answer_once(site: OpenSite) -> None:
    number, pages = answered(site), site.enter("provider", "P1")
    right = {"answer": "absent", "absent-reason": "travel", "submission": "second"}
    assert "Receipt" in text_of(pages.post(f"/corrections/{number}", right))
    corrected = reports(site)[-1]
    assert (corrected.supersedes, corrected.payload["result"]) == (number, "absent")
    assert pages.get(f"/corrections/{number}").status_code == 404
    site.verify(pages)  # to ask for one is no date and no attendance code
    again = pages.get(f"/corrections/{corrected.id}")
    assert "Ask for a correction" in text_of(again)


def test_receipts_say_what_was_corrected_since_and_offer_what_can_still_be_done(each: OpenSite) -> None:
    number, pages = answered(each), each.enter("provider", "P1")
    old = re.search(r"/receipts/RC-\w+", pages.get("/owed").text)[0]
    new = pages.post(f"/corrections/{number}", {"answer": "late", "submission": "second"})
    later = reports(each)[-1].id
    assert corrections(pages.get(old).text) == {}
    assert f"Corrected since, by fact {later}" in text_of(pages.get(old))
    assert corrections(new.text) == {later: "Ask for a correction"}
    for path in (old, new.url.path):
        assert {pages.get(f"/corrections/{n}").status_code for n in corrections(pages.get(path).text)} <= {200}


def test_a_receipt_offers_no_correction_of_what_somebody_else_recorded_or_of_what_is_not_corrected_here(
    site: OpenSite,
) -> None:
    site.office.case("CASE3", ("PE", "PF")).opens("SPIP-D3", "PE", case="CASE3")
    site.office.round("2026-01-26")
    pages, duty = site.enter("staff", "FCA1", verified=True), site.office.duty("safeguarding_enquiries", "SPIP-D3").id
    day = {f"spoken_to-on-{part}": value for part, value in (("day", "26"), ("month", "1"), ("year", "2026"))}
    done = pages.post(f"/owed/{duty}", day | {"answer": "spoken_to", "spoken_to-party": "PE", "submission": "one"})
    assert "Receipt" in text_of(done) and corrections(done.text) == {}  # about the case: its page would not be found


def test_a_correction_begins_with_what_was_said(site: OpenSite) -> None:
    number = answered(site, answer="part", **{"part-reason": "left_early"})
    shown = site.enter("provider", "P1").get(f"/corrections/{number}").text
    assert chosen(shown) == {"answer=part", "part-reason=left_early"}


def test_a_booking_is_corrected_from_its_own_day_and_hours(site: OpenSite) -> None:
    site.office.case("CASE3", ("PE", "PF")).opens("SPIP-D3", "PE", case="CASE3")
    site.office.acknowledged("SPIP-D3").round("2026-01-26")
    pages, duty = site.enter("provider", "P1"), site.office.duty("booking", "SPIP-D3").id
    form = {"session": "GRP-7", "venue": "HALL-2", "times-from": "18:00", "times-to": "21:30"}
    form |= {"times-day": "8", "times-month": "4", "times-year": "2026"}  # in summer time
    typed = {f"booked-{name}": value for name, value in form.items()}
    assert "Receipt" in text_of(pages.post(f"/owed/{duty}", typed | {"answer": "booked", "submission": "one"}))
    number = site.office.rows(t.FactRow, kind="session_booked", subject="SPIP-D3")[-1].id
    shown = pages.get(f"/corrections/{number}").text
    assert chosen(shown) == {"answer=booked", *(f"{name}={value}" for name, value in typed.items())}
    said = pages.post(f"/corrections/{number}", typed | {"answer": "booked", "booked-times-to": "22:00"})
    assert "8 April 2026 at 22:00" in text_of(said)


def test_what_is_sent_unchanged_uses_up_no_correction(site: OpenSite) -> None:
    number, pages = answered(site), site.enter("provider", "P1")
    again = pages.post(f"/corrections/{number}", {"answer": "attended", "submission": "same"})
    assert again.status_code == 422 and "This is what is recorded" in text_of(again) and len(reports(site)) == 1
    assert "Receipt" in text_of(pages.post(f"/corrections/{number}", {"answer": "late", "submission": "other"}))


def test_what_is_corrected_happened_on_the_day_it_happened(site: OpenSite) -> None:
    number = answered(site, answer="cancelled", **{"cancelled-cancelled_by": "person"})
    site.at(datetime(2026, 1, 27, 12, tzinfo=UTC))
    right = {"answer": "cancelled", "cancelled-cancelled_by": "provider", "submission": "second"}
    assert "Receipt" in text_of(site.enter("provider", "P1").post(f"/corrections/{number}", right))
    first, second = site.office.rows(t.FactRow, kind="session_cancelled")
    assert first.happened_on == second.happened_on and second.payload["cancelled_by"] == "provider"


def asked(site: OpenSite, pages: Pages, number: int) -> str:
    form = {"answer": "ask", "ask-reason": "wrong_result", "submission": "ask"}
    return text_of(pages.post(f"/corrections/{number}", form))


def test_an_answer_of_the_wrong_kind_is_for_commissioning_to_correct_and_is_asked_for_on_the_same_page(
    site: OpenSite,
) -> None:
    """Somebody said that a person attended a session which did not take place."""
    number, pages = answered(site), site.enter("provider", "P1")
    shown = text_of(pages.get(f"/corrections/{number}"))
    assert "commissioning corrects it" in shown and "None of these" in shown
    assert "A code first" in asked(site, pages, number) and len(reports(site)) == 1
    site.verify(pages)
    assert "Receipt" in asked(site, pages, number)
    site.office.advance("2026-01-26")
    assert ("CO1", "correction-asked") in site.office.told() and [fact.id for fact in reports(site)] == [number]


def test_staff_take_back_what_never_happened_and_owe_the_answer_again(site: OpenSite) -> None:
    pages, done = reviewed(site, "continue")
    (number,) = corrections(done.text)
    site.office.round("2026-01-26")
    assert "risk_review" not in site.office.owed()
    assert "Receipt" in text_of(pages.post(f"/corrections/{number}", {"answer": "took_back", "submission": "two"}))
    site.office.round("2026-01-26")
    assert site.office.owed()["risk_review"] == "FCA1"


def test_after_the_next_working_day_a_correction_is_asked_for_and_commissioning_is_told(site: OpenSite) -> None:
    number = answered(site)  # on a Monday
    site.at(datetime(2026, 1, 27, 12, tzinfo=UTC))
    shown = text_of(site.enter("provider", "P1").get(f"/corrections/{number}"))
    assert "Correct your answer" in shown and "until the end of 27 January 2026" in shown
    site.at(datetime(2026, 1, 28, 12, tzinfo=UTC))
    pages = site.enter("provider", "P1", verified=True)
    assert "Ask for a correction" in text_of(pages.get(f"/corrections/{number}"))
    done = pages.post(f"/corrections/{number}", {"ask-reason": "wrong_result", "submission": "ask"})
    assert "Receipt" in text_of(done)
    site.office.advance("2026-01-28")
    assert ("CO1", "correction-asked") in site.office.told()
    assert reports(site)[-1].id == number


def test_an_answer_that_was_taken_back_is_not_taken_for_known_when_it_is_given_again(site: OpenSite) -> None:
    number = answered(site)
    assert site.office.says("SPIP-D1", "retracted", "2026-01-26", supersedes=number).result == "recorded"
    site.office.round("2026-01-26")
    pages, duty = site.enter("provider", "P1"), site.office.duty("attendance_report").id
    done = pages.post(f"/owed/{duty}", {"answer": "attended", "submission": "again"})
    assert done.status_code == 422 and "corrected since" in text_of(done)
