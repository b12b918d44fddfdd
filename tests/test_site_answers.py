"""Answering what is owed on the site: each answer is a fact, all at once, once only, with a receipt."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from models import tables as t
from tests.site import OpenSite, text_of, two_reports_owed
from tests.world import at_once


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> OpenSite:
    return two_reports_owed(engine, tmp_path)


def fields(page: str) -> list[str]:
    return re.findall(r'<select[^>]* name="(answer-[\d-]+)"', page)


def test_a_provider_answers_several_at_once_and_has_a_receipt(site: OpenSite) -> None:
    pages = site.enter("provider", "P1")
    first, second = fields(pages.get("/owed").text)
    done = pages.post("/owed", {first: "attended", second: "absent.illness", "submission": "one"})
    assert done.status_code == 200 and "Receipt RC-" in text_of(done)
    said = [fact.payload for fact in site.office.rows(t.FactRow, kind="attendance_reported")]
    assert [(one["result"], one.get("reason")) for one in said] == [("attended", None), ("absent", "illness")]
    assert "Nothing is due from you now" in text_of(pages.get("/owed"))


def test_with_one_wrong_answer_nothing_is_recorded_and_the_others_are_still_there(site: OpenSite) -> None:
    pages = site.enter("provider", "P1")
    first, second = fields(pages.get("/owed").text)
    done = pages.post("/owed", {first: "attended", second: "nonsense", "submission": "one"})
    assert done.status_code == 422 and f'href="#{second}"' in done.text
    assert re.search(rf'id="{first}".*?value="attended" selected', done.text, re.S)
    assert not site.office.rows(t.FactRow, kind="attendance_reported")


def test_the_same_form_sent_twice_is_one_receipt(site: OpenSite) -> None:
    pages = site.enter("provider", "P1")
    first, _ = fields(pages.get("/owed").text)
    once, twice = (pages.post("/owed", {first: "late", "submission": "one"}) for _ in range(2))
    assert once.url == twice.url and "Receipt RC-" in text_of(twice)
    assert len(site.office.rows(t.FactRow, kind="attendance_reported")) == 1


def test_two_people_answer_the_same_at_once_and_one_is_told(site: OpenSite) -> None:
    lead, team = site.enter("provider_lead", "P1"), site.enter("provider", "P1")
    name = fields(team.get("/owed").text)[0]
    forms = [(lead, "attended"), (team, "absent.work")]
    tokens = [pages.token() for pages, _ in forms]
    works = [
        lambda p=pages, v=value, k=token: p.post("/owed", {name: v, "submission": v}, token=k)
        for (pages, value), token in zip(forms, tokens, strict=True)
    ]
    answers = at_once(*works)
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    told = next(text_of(answer) for answer in answers if answer.status_code == 422)
    assert "answered" in told and "meanwhile" in told
    assert len(site.office.rows(t.FactRow, kind="attendance_reported")) == 1


def test_whoever_answers_from_a_page_shown_before_another_answered_is_told(site: OpenSite) -> None:
    first, second = site.enter("provider_lead", "P1"), site.enter("provider", "P1")
    duty = site.office.duty("attendance_report").id
    seen = hidden(second.get(f"/owed/{duty}").text)
    assert first.post(f"/owed/{duty}", {"answer": "attended", "submission": "one"}).status_code == 200
    late = second.client.post(f"/owed/{duty}", data=seen | {"answer": "cancelled", "cancelled-cancelled_by": "person"})
    assert late.status_code in (404, 422)
    assert [fact.payload["result"] for fact in site.office.rows(t.FactRow, kind="attendance_reported")] == ["attended"]
    assert not site.office.rows(t.FactRow, kind="session_cancelled")


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def test_a_session_missed_and_booked_again_is_one_answer_of_two_facts(site: OpenSite) -> None:
    pages = site.enter("provider", "P1")
    form = {"answer": "absent", "absent-reason": "illness", "again-session": "grp-7", "again-times-day": "12"}
    form |= {
        "again-times-month": "2",
        "again-times-year": "2026",
        "again-times-from": "18:00",
        "again-times-to": "22:00",
    }
    duty = site.office.duty("attendance_report").id
    done = pages.post(f"/owed/{duty}", form | {"submission": "one"})
    assert "session GRP-7" in text_of(done) and "reason illness" in text_of(done)
    site.office.round("2026-01-26")
    assert site.office.pathway().label == "Awaiting session"


def test_an_answer_that_cannot_be_leaves_what_was_typed_and_says_what_is_wrong_at_its_field(site: OpenSite) -> None:
    pages = site.enter("provider", "P1")
    form = {
        "answer": "absent",
        "absent-reason": "",
        "again-times-day": "31",
        "again-times-month": "2",
        "again-times-year": "2026",
    }
    duty = site.office.duty("attendance_report").id
    done = pages.post(f"/owed/{duty}", form | {"submission": "one"})
    assert done.status_code == 422
    wrong = re.findall(r'href="#([a-z-]+)">', done.text.partition("govuk-error-summary")[2])
    assert {"absent-reason", "again-times-from"} <= set(wrong), wrong
    assert 'value="31"' in done.text and not site.office.rows(t.FactRow, kind="attendance_reported")


def test_a_declined_referral_needs_the_code_first(site: OpenSite) -> None:
    site.office.case("CASE3", ("PE", "PF")).opens("SPIP-D3", "PE", case="CASE3", on="2026-01-23")
    site.office.referred("SPIP-D3", on="2026-01-26").round("2026-01-26")
    pages, duty = site.enter("provider", "P1"), site.office.duty("acknowledgement", "SPIP-D3").id
    assert "A code first" in text_of(pages.get(f"/owed/{duty}"))
    form = {"answer": "declined", "declined-reason": "no_capacity", "submission": "one"}
    assert "A code first" in text_of(pages.post(f"/owed/{duty}", form))
    assert not site.office.rows(t.FactRow, kind="referral_declined")
    site.verify(pages)
    assert "Receipt" in text_of(pages.post(f"/owed/{duty}", form))
    assert site.office.rows(t.FactRow, kind="referral_declined")[0].payload["reason"] == "no_capacity"


def test_who_came_late_has_attended(site: OpenSite) -> None:
    pages, duty = site.enter("provider", "P1"), site.office.duty("attendance_report").id
    pages.post(f"/owed/{duty}", {"answer": "late", "submission": "one"})
    site.office.round("2026-01-26")
    assert site.office.pathway().state == "next_step_offered"
    assert ("FCA1", "attended") in site.office.told()


def test_an_adviser_answers_on_the_page_what_a_breach_calls_for(site: OpenSite) -> None:
    for number, on in enumerate(("2026-01-26", "2026-02-09")):
        session = "S-SPIP-D1" if number == 0 else "S-2"
        site.office.says("SPIP-D1", "attendance_reported", on, by="P1", session=session, result="absent")
        if number == 0:
            site.office.books("SPIP-D1", "S-2", "2026-01-27", "2026-02-06")
    site.office.round("2026-02-09")
    site.at(datetime(2026, 2, 9, 21, tzinfo=UTC))
    pages, duty = site.enter("staff", "FCA1", verified=True), site.office.duty("breach_review").id
    assert "Breach review" in text_of(pages.get("/owed"))
    done = pages.post(f"/owed/{duty}", {"answer": "no_report", "submission": "one"})
    assert "Receipt" in text_of(done)
    site.office.round("2026-02-09")
    assert site.office.pathway().closed_on


def test_an_adviser_reads_the_story_of_a_pathway_from_its_facts(site: OpenSite) -> None:
    pages = site.enter("staff", "FCA1", verified=True)
    said = text_of(pages.get("/pathways/SPIP-D1"))
    for line in ("Awaiting attendance report", "referral sent, provider P1", "session booked", "Attendance report"):
        assert line in said
    assert "Person PA" not in said and "SPIP-D1" in text_of(pages.get("/pathways"))
