"""Answering what is owed on the site: each answer is a fact, all at once, once only, with a receipt."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from models import tables as t
from tests.site import OpenSite, text_of
from tests.world import Office


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> OpenSite:
    """P1 owes two attendance reports since 16 January 2026, and today is the 26th."""
    office = Office(engine).case().case("CASE2", ("PC", "PD"))
    office.opens()
    office.opens("SPIP-D2", "PC", case="CASE2")
    for reference in ("SPIP-D1", "SPIP-D2"):
        office.awaiting_report(reference)
    office.round("2026-01-26")
    return OpenSite(office, tmp_path, "2026-01-26")


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
