"""The code is changed in mid-pathway, or something is wrong with one pathway among thousands: the others go on."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from benchmarks.caseload import BEGAN, at, fill
from flows.spip import spip
from models import tables as t
from models.facts.referral import ReferralSent
from models.facts.spip import AttendanceReported
from models.pathway import Pathway
from settings import Settings
from store.advance import advance
from tests.life import day, moment
from tests.smtp_sink import Sink
from tests.strand import Sides
from tests.test_restricted import sides  # noqa: F401
from tests.world import Office, behind_its_back, empty, mailing

# Another version ------------------------------------------------------------------------------------------------------


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def newer(p: Pathway) -> None:
    """SPIP as a later version might tell it: the adviser is told of the referral too, and owes a note beside."""
    sent = p.wait_for("referral", ReferralSent, state="referred", by=p.commissioning, due=p.today, after=p.request)
    p.tell(p.provider, "referral", about=sent, due=p.within("acknowledge", sent))
    p.tell(p.adviser, "attended", about=sent)
    p.owe("note", by=p.adviser, due=p.within("acknowledge", sent), after=sent)
    p.wait_for("attendance", AttendanceReported, state="booked", by=p.provider, due=day("2026-01-12"), after=sent)


def test_a_version_that_owes_and_tells_other_things_takes_over_in_mid_pathway_and_back(engine: Engine, sink: Sink):
    office = Office(engine, mailing(sink)).case()
    office.opens()
    office.referred(on="2026-01-06").round("2026-01-08").mail(moment(day("2026-01-09"), 9))
    assert office.owed() == {"acknowledgement": "P1"}
    before = Counter(mail.message["Message-ID"] for mail in sink.received)

    def goes_on(story, on: str) -> None:
        office.put(t.PathwayRow, {"reference": "SPIP-D1"}, look_on=day(on))
        for _ in range(2):  # and by two workers of which one comes late
            assert not office.advance(on, story=story).failed
            office.chase(on)
            office.mail(moment(day(on), 10))

    goes_on(newer, "2026-01-09")
    assert office.owed() == {"attendance": "P1", "note": "FCA1"}
    assert office.duty("acknowledgement").state == "dropped"
    assert {("P1", "referral"), ("FCA1", "attended")} <= office.told()
    goes_on(spip, "2026-01-12")
    assert office.owed() == {"acknowledgement": "P1"} and office.duty("note").state == "dropped"
    goes_on(newer, "2026-01-13")
    told = [(row.to_code, row.occasion) for row in office.rows(t.NoticeRow)]
    assert len(told) == len(set(told))
    after = Counter(mail.message["Message-ID"] for mail in sink.received)
    assert after.keys() > before.keys() and set(after.values()) == {1}


def test_what_a_version_does_not_know_any_more_fails_by_itself_and_is_chased_and_told_of_no_less(
    engine: Engine, sink: Sink
):
    """A kind of fact, of duty and of wording of another version: each is one pathway's or one mail's trouble."""
    office = Office(engine, mailing(sink)).case().case("CASE2", ("PC", "PD"))
    office.opens("SPIP-D1")
    office.opens("SPIP-D2", "PC", case="CASE2")
    office.acknowledged("SPIP-D1").round("2026-01-08")
    with behind_its_back(engine) as c:
        acknowledged = t.FactRow.__table__.update().where(t.FactRow.kind == "acknowledged")
        c.execute(acknowledged.values(kind="acknowledged_by_telephone"))
    office.put(t.DutyRow, {"kind": "booking"}, kind="booking_by_telephone", chase_on=day("2026-01-12"))
    office.notice("no-longer-said", ("adviser", "FCA2"), pathway="SPIP-D2")
    office.put(t.PathwayRow, {}, look_on=day("2026-01-12"))
    done = office.advance("2026-01-12")
    assert [(one.reference, one.failure) for one in done.failed] == [("SPIP-D1", "KeyError")]
    office.says("CASE2", "safeguarding_letter_filed", "2026-01-12")
    assert not office.advance("2026-01-12").failed and office.chase("2026-01-12").duties > 0
    assert office.mail(moment(day("2026-01-13"), 9))["failed"] == 1
    assert "fca2@staff.example" not in {mail.to[0] for mail in sink.received} and len(sink.received) > 2


def says_the_impossible(p: Pathway) -> None:
    if p.reference == "SPIP-D1":
        p.tell(p.adviser, "attended", about=p.request, day={1, 2})
    if p.reference == "SPIP-D2":
        p.owe("note", by=p.adviser, due=None, after=p.request)
    spip(p)


def test_a_story_that_says_what_cannot_be_written_is_one_pathways_trouble(engine: Engine):
    office = Office(engine).case()
    for n, party in enumerate(("PA", "PB"), 1):
        office.opens(f"SPIP-D{n}", party)
    office.case("CASE2", ("PC", "PD")).opens("SPIP-D3", "PC", case="CASE2")
    done = office.advance("2026-01-06", story=says_the_impossible)
    assert {one.reference: one.failure for one in done.failed} == {"SPIP-D1": "TypeError", "SPIP-D2": "TypeError"}
    assert {row.pathway for row in office.rows(t.NoticeRow)} == {"SPIP-D3"}
    assert {row.pathway for row in office.rows(t.DutyRow)} == {"SPIP-D3"}


# One among many -------------------------------------------------------------------------------------------------------

POISONED = {"SPIP-D0000007", "SPIP-D0004321", "SPIP-D0009999"}


def test_among_ten_thousand_pathways_the_poisoned_ones_are_marked_and_cost_tomorrow_nothing_more(tmp_path: Path):
    """One whose function raises, one whose fact cannot be read, and one with the fact of its case."""
    engine = empty(f"sqlite:///{tmp_path / 'pathways.db'}")
    fill(engine, 10_000)
    unread = t.FactRow.__table__.update()
    with behind_its_back(engine) as c:
        c.exec_driver_sql(
            """UPDATE fact SET payload = '{"session": ' WHERE subject = 'SPIP-D0004321' AND kind = 'session_booked'"""
        )
        c.execute(unread.where(t.FactRow.subject == "C0009999").values(payload=["no", "fields"]))

    def story(p: Pathway) -> None:
        if p.reference == "SPIP-D0000007":
            raise ZeroDivisionError
        spip(p)

    today, settings = BEGAN + timedelta(days=7), Settings(profile="composite")
    done = advance(engine, "SPIP", story, at(today), settings)
    assert len(done.moved) == 10_000 and {one.reference for one in done.failed} == POISONED
    assert len(done.changed) == 10_000 and done.notices >= 9_997
    statements: list[str] = []
    event.listen(engine, "after_cursor_execute", lambda c, cursor, sql, *_: statements.append(sql))
    assert advance(engine, "SPIP", story, at(today), settings).moved == []  # not again today
    tomorrow = advance(engine, "SPIP", story, at(today + timedelta(days=1)), settings)
    assert {one.reference for one in tomorrow.moved} == {one.reference for one in tomorrow.failed} == POISONED
    assert len(statements) < 40 and tomorrow.notices == 0


def test_a_round_of_nothing_but_poisoned_pathways_comes_to_its_end(engine: Engine):
    fill(engine, 30)

    def story(p: Pathway) -> None:
        raise ZeroDivisionError

    settings = Settings(profile="composite", batch=5)
    assert len(advance(engine, "SPIP", story, at(BEGAN), settings).failed) == 30


def test_a_mans_fact_that_cannot_be_read_takes_nothing_back_that_the_strand_has_heard(sides: Sides):  # noqa: F811
    sides.staffed().man().referred().happens("DVPP-D1", "programme_started", "2026-02-02", weeks=26)
    heard = sides.sweep("2026-02-03").heard()
    says(sides.main, "programme_started", {"weeks": "none"})
    sides.happens("CASE1", "risk_raised", "2026-02-03").sweep("2026-02-04")
    assert sides.heard() == [*heard, ("risk_heard", "2026-02-03")]
    says(sides.main, "programme_started", {"weeks": 26})
    assert sides.sweep("2026-02-05").heard() == [*heard, ("risk_heard", "2026-02-03")]


def says(engine: Engine, kind: str, payload: Any) -> None:
    """What a fact says is damaged, or mended, in the database itself."""
    with behind_its_back(engine) as c:
        c.execute(t.FactRow.__table__.update().where(t.FactRow.kind == kind).values(payload=payload))
