"""Harm concerns, accreditation, and words: a provider's own words go on one form and into one restricted record (SR-09)."""

import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

from models import tables as t
from models.answers import ANSWERS, FAILED_CONTACT, Answer
from models.facts import payload_fields
from models.facts.base import Code
from models.forms import base_type
from models.restricted import ConcernRead, HarmConcern
from settings import settings
from store import concerns as store
from store.database import database, reading, writing
from store.links import Holder
from store.migrate import migrate
from store.strand import strand
from tests.engine import found_in, parts
from tests.site import OpenSite, Pages, text_of
from tests.smtp_sink import Sink
from tests.strand import to_sink
from tests.test_command_line import Desk
from tests.world import Office, at_once, empty
from web.accreditation import RENEWED
from web.form import fields_of

WORDS = "Zephyrine Quorlswick said\nthat he waits at Gobbledeane Row."
CANARIES = ["Zephyrine", "Quorlswick", "Gobbledeane"]
FORM = {"about": "child", "words": WORDS, "submission": "a-form"}


def prepared(engine: Engine, folder: Path) -> OpenSite:
    """P1 holds SPIP-D1 and DVPP-D1 of CASE1, and P2 holds SPIP-D2 of the same case; today is 26 January 2026."""
    office = Office(engine).case()
    office.opens()
    office.opens("SPIP-D2", "PB")
    office.awaiting_report("SPIP-D1")
    office.acknowledged("SPIP-D2", "P2")
    dvpp(office, "DVPP-D1")
    made = OpenSite(office.round("2026-01-26"), folder, "2026-01-26")
    migrate(strand(made.settings), restricted=True)
    return made


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both databases in SQLite, to be copied."""
    folder = tmp_path_factory.mktemp("prepared")
    made = prepared(empty(f"sqlite:///{folder / 'pathways.db'}"), folder)
    for engine in (made.engine, strand(made.settings)):
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
    return folder


BOTH = pytest.mark.parametrize("site", ["sqlite", "postgresql"], indirect=True)
"""For what the kind of database could make another thing of; the other tests run on files."""


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenSite]:
    """The site over two databases of its own."""
    if getattr(request, "param", "sqlite") == "sqlite":
        database.cache_clear()
        for name in ("pathways.db", "restricted.db"):
            shutil.copy(request.getfixturevalue("files") / name, tmp_path)
        yield OpenSite(Office.at(database(f"sqlite:///{tmp_path / 'pathways.db'}")), tmp_path, "2026-01-26")
        return
    main, postgres = request.getfixturevalue("postgres_engine"), request.getfixturevalue("postgres")
    name = f"strand_of_{main.url.database}"
    monkeypatch.setenv("PATHWAYS_RESTRICTED_DATABASE", postgres.create(name))
    made = prepared(main, tmp_path)
    yield made
    strand(made.settings).dispose()
    postgres.drop(name)


def dvpp(office: Office, reference: str, party: str = "PA", case: str = "CASE1") -> None:
    """A DVPP that P1 holds."""
    office.opens(reference, party, case=case)
    assert office.says(reference, "violence_established", "2026-01-06", basis="admitted").result == "recorded"
    assert office.says(reference, "survivor_plan_made", "2026-01-06").result == "recorded"
    assert office.says(reference, "referral_sent", "2026-01-06", provider="P1").result == "recorded"


def kept(site: OpenSite, table: Any = HarmConcern) -> list[Any]:
    with reading(strand(site.settings)) as c:
        return list(c.execute(select(table.__table__).order_by(table.__table__.c.number)))


def raised(site: OpenSite) -> list[Any]:
    return site.office.rows(t.FactRow, kind="risk_raised")


def provider(site: OpenSite, code: str = "P1") -> Pages:
    return site.enter("provider", code, verified=True)


def sends(site: OpenSite, reference: str = "SPIP-D1", **other: str) -> httpx.Response:
    """P1 sends a concern."""
    return provider(site).post(f"/concerns/{reference}", FORM | other)


def typed_in(answer: httpx.Response) -> str:
    """What stands in the box for the words."""
    box = re.search(r"<textarea[^>]*>(.*?)</textarea>", answer.text, re.S)
    return box[1] if box else ""


def of_main(site: OpenSite) -> str:
    """All that the main database holds, table by table."""
    with reading(site.engine) as c:
        return "\n".join(str(row) for one in SQLModel.metadata.tables.values() for row in c.execute(select(one)))


# A concern ------------------------------------------------------------------------------------------------------------


def test_a_provider_chooses_one_of_its_own_open_references_and_is_told_of_999_first(site: OpenSite) -> None:
    pages = provider(site)
    listed = text_of(pages.get("/concerns"))
    assert "call 999" in listed and "DVPP-D1 SPIP-D1" in listed and "SPIP-D2" not in listed
    form = text_of(pages.get("/concerns/SPIP-D1"))
    assert form.index("call 999") < form.index("Who is at risk?") < form.index("What happened?")


@BOTH
def test_sr_14_a_concern_pauses_every_open_pathway_of_the_case_and_its_adviser_is_told_at_any_hour(
    site: OpenSite,
) -> None:
    done = sends(site)
    assert done.status_code == 200 and "Receipt RC-" in text_of(done) and "new risk raised" in text_of(done).lower()
    assert [(row.subject, row.recorded_by, row.payload["risk"]) for row in raised(site)] == [
        ("CASE1", "P1", kept(site)[0].risk)
    ]
    site.office.round("2026-01-26")
    references = ("SPIP-D1", "SPIP-D2", "DVPP-D1")
    assert [site.office.pathway(one).state for one in references] == ["safeguarding_hold"] * 3
    assert all(("FCA1", "new-risk") in site.office.told(one) for one in references)
    midnight = datetime.combine(date(2026, 1, 26), time(23, 30), UTC)
    with Sink() as sink:
        site.office.settings = mailing(site, sink)
        site.office.mail(midnight)
        subjects = [str(one.message["subject"]) for one in sink.received if one.to == ["fca1@staff.example"]]
    assert len([one for one in subjects if "on hold, new risk" in one]) == 3


def mailing(site: OpenSite, sink: Sink) -> Any:
    return site.settings.model_copy(update={"channels": to_sink(sink.port)})


@BOTH
def test_sr_09_the_words_are_in_the_restricted_database_and_nowhere_else(
    site: OpenSite, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    nudged: list[Any] = []
    monkeypatch.setattr("web.sending.nudge", lambda *said: nudged.append(said) or False)
    pages = provider(site)
    shown = [pages.post("/concerns/SPIP-D1", FORM)]
    assert [row.body for row in kept(site)] == [WORDS]
    shown += [pages.get("/owed"), pages.get("/concerns"), pages.get("/concerns/SPIP-D1")]
    with Sink() as sink:
        site.office.settings = mailing(site, sink)
        site.office.round("2026-01-26").mail(datetime.combine(date(2026, 1, 26), time(21), UTC))
        site.office.mail(datetime.combine(date(2026, 1, 27), time(10), UTC))
        sent = "\n".join(f"{one.message} {parts(one.message)}" for one in sink.received)
    assert "new risk" in sent and "RC-" in sent
    adviser = site.enter("staff", "FCA1", verified=True)
    shown += [adviser.get("/pathways/SPIP-D1"), adviser.get("/pathways"), adviser.get("/owed")]
    review = site.office.duty("risk_review").id
    shown.append(adviser.get(f"/owed/{review}"))
    assert all(one.status_code == 200 for one in shown)
    for said in (*(one.text for one in shown), sent, caplog.text, str(nudged), of_main(site)):
        assert not [word for word in CANARIES if word.lower() in said.lower()]
    assert ("SPIP", "SPIP-D1") in nudged[0][1]
    assert found_in(tmp_path, *CANARIES) == {}  # even in the restricted database they are encrypted
    assert CANARIES[0] in adviser.get(f"/pathways/SPIP-D1/concerns/{kept(site)[0].risk}").text


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        ({"about": ""}, "about", "Choose who is at risk"),
        ({"about": "somebody"}, "about", "Choose who is at risk"),
        ({"words": " \n "}, "words", "Write what happened"),
        ({"words": "x" * 5_001}, "words", "at most 5,000 characters; these are 5,001"),
        ({"words": "a\0b"}, "words", "control characters"),
        ({"words": "a\x1b[31mb"}, "words", "control characters"),
    ],
)
def test_what_is_wrong_with_a_concern_is_said_at_its_field_and_nothing_is_recorded(
    site: OpenSite, wrong: dict[str, str], field: str, says: str
) -> None:
    done = sends(site, **wrong)
    assert done.status_code == 422 and says in text_of(done) and f'href="#{field}"' in done.text
    assert done.text.count(f'id="{field}"') == 1
    assert "words" in wrong or typed_in(done) == WORDS
    assert not kept(site) and not raised(site)


def test_five_thousand_characters_are_taken_however_their_lines_end(site: OpenSite) -> None:
    whole = "\r\n".join(["x" * 499] * 10)
    assert sends(site, words=whole + "\r\n").status_code == 200
    assert kept(site)[0].body == whole.replace("\r\n", "\n") and len(kept(site)[0].body) == 4_999


def test_the_same_form_sent_twice_is_one_concern_also_on_another_day(site: OpenSite) -> None:
    pages = provider(site)
    first = pages.post("/concerns/SPIP-D1", FORM)
    site.at(datetime(2026, 1, 27, 0, 30, tzinfo=UTC))
    again = sends(site)
    assert first.url == again.url and "Receipt RC-" in text_of(again)
    assert (len(kept(site)), len(raised(site)), len(site.office.rows(t.Receipt))) == (1, 1, 1)


@BOTH
def test_the_same_form_sent_twice_at_one_moment_is_one_concern(site: OpenSite) -> None:
    pages = [provider(site), provider(site)]
    tokens = [one.token() for one in pages]
    posts = [lambda p=p, k=k: p.post("/concerns/SPIP-D1", FORM, token=k) for p, k in zip(pages, tokens, strict=True)]
    once, twice = at_once(*posts)
    assert once.url == twice.url and "Receipt RC-" in text_of(twice)
    assert (len(kept(site)), len(raised(site)), len(site.office.rows(t.Receipt))) == (1, 1, 1)


def test_other_words_in_a_form_that_was_sent_are_neither_lost_nor_put_in_the_place_of_the_first(site: OpenSite) -> None:
    pages = provider(site)
    pages.post("/concerns/SPIP-D1", FORM)
    other = pages.post("/concerns/SPIP-D1", FORM | {"words": "Another thing"})
    assert other.status_code == 409 and typed_in(other) == "Another thing" and len(kept(site)) == 1
    fresh = re.search(r'name="submission" value="([^"]+)"', other.text)[1]
    assert pages.post("/concerns/SPIP-D1", FORM | {"words": "Another thing", "submission": fresh}).status_code == 200
    assert [row.body for row in kept(site)] == [WORDS, "Another thing"] and len(raised(site)) == 2


def test_a_concern_about_somebody_elses_reference_is_refused_as_one_that_does_not_exist(site: OpenSite) -> None:
    site.office.says("DVPP-D1", "withdrawn", "2026-01-26", reason="data_error")
    site.office.round("2026-01-26")
    assert site.office.pathway("DVPP-D1").closed_on
    pages = provider(site)
    answers = [
        (pages.get(f"/concerns/{one}"), pages.post(f"/concerns/{one}", FORM))
        for one in ("SPIP-D99", "SPIP-D2", "DVPP-D1", "CASE1", "Zephyrine")
    ]
    assert {(one.status_code, one.text) for pair in answers for one in pair} == {(404, answers[0][0].text)}
    assert not kept(site) and not raised(site)


def test_a_concern_takes_a_provider_and_a_code_and_what_was_typed_meanwhile_is_not_lost(site: OpenSite) -> None:
    pages = site.enter("provider", "P1")
    for path in ("/concerns", "/concerns/SPIP-D1", "/accreditation"):
        assert "A code first" in text_of(pages.get(path)), path
    late = pages.post("/concerns/SPIP-D1", FORM)
    assert late.status_code == 403 and typed_in(late) == WORDS and "Type in another" in text_of(late)
    assert "/code?then=/concerns" in late.text
    assert not kept(site) and not raised(site)
    site.verify(pages)
    assert pages.post("/concerns/SPIP-D1", FORM).status_code == 200 and len(kept(site)) == 1
    adviser = site.enter("staff", "FCA1", verified=True)
    assert {adviser.get(path).status_code for path in ("/concerns", "/concerns/SPIP-D1", "/accreditation")} == {404}
    assert adviser.post("/concerns/SPIP-D1", FORM).status_code == 404
    assert provider(site).post("/concerns/SPIP-D1", FORM | {"submission": "b"}, token="forged").status_code == 403
    assert len(kept(site)) == len(raised(site)) == 1


# What stands in the way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["none", "postgresql://127.0.0.1:1/strand", "sqlite:////nowhere/at/all.db"])
def test_where_the_restricted_database_is_out_of_reach_the_risk_is_recorded_and_the_words_stay_on_the_page(
    site: OpenSite, tmp_path: Path, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    caplog.set_level(logging.DEBUG)
    reachable = site.settings
    move(site, reachable.model_copy(update={"restricted_database": where}))
    pages = provider(site)
    assert ("cannot be kept here" in text_of(pages.get("/concerns/SPIP-D1"))) == (where == "none")
    done = pages.post("/concerns/SPIP-D1", FORM)
    assert done.status_code == 503 and typed_in(done) == WORDS and "Telephone the adviser now" in text_of(done)
    assert "your words were not kept" in text_of(done) and len(raised(site)) == 1
    for said in (caplog.text, of_main(site)):
        assert not [word for word in CANARIES if word in said]
    move(site, reachable)
    assert not kept(site)
    assert pages.post("/concerns/SPIP-D1", FORM).status_code == 200
    assert [row.body for row in kept(site)] == [WORDS] and len(raised(site)) == len(site.office.rows(t.Receipt)) == 1


def move(site: OpenSite, settings: Any) -> None:
    """Put other settings in force."""
    object.__setattr__(site.site, "settings", settings)


def test_whoever_is_interrupted_never_leaves_words_of_which_nobody_is_told(
    site: OpenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(store, "send_in", interrupted)
        assert provider(site).post("/concerns/SPIP-D1", FORM).status_code == 500
    assert not kept(site) and not raised(site)
    assert sends(site).status_code == 200 and len(kept(site)) == len(raised(site)) == 1


def interrupted(*_: Any, **__: Any) -> Any:
    raise MemoryError


@BOTH
def test_words_that_could_not_be_committed_are_said_not_to_be_kept_and_the_risk_stands(
    site: OpenSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    nudged: list[Any] = []
    monkeypatch.setattr("web.sending.nudge", lambda _, touched: nudged.append(touched) or False)
    with monkeypatch.context() as patch:
        patch.setattr(store, "writing", failing_at_the_end)
        done = sends(site)
    assert done.status_code == 503 and "your words were not kept" in text_of(done) and typed_in(done) == WORDS
    assert not kept(site) and len(raised(site)) == 1 and ("SPIP", "SPIP-D1") in nudged[0]
    assert sends(site).status_code == 200 and len(kept(site)) == len(raised(site)) == 1
    assert CANARIES[0] not in caplog.text


@contextmanager
def failing_at_the_end(engine: Engine) -> Iterator[Any]:
    with engine.connect() as connection:
        yield connection
        connection.rollback()
        raise OperationalError("COMMIT", {}, Exception(f"server closed the connection: {WORDS}"))


def test_where_nothing_can_be_recorded_the_words_are_still_on_the_page(
    site: OpenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    monkeypatch.setattr(store, "send_in", away)
    done = sends(site)
    assert done.status_code == 503 and typed_in(done) == WORDS and "Nothing could be recorded" in text_of(done)
    assert not kept(site) and not raised(site)


def test_a_risk_that_is_refused_is_said_and_the_words_wait_for_the_same_form(site: OpenSite) -> None:
    broken = site.office.rows(t.FactRow, kind="survivor_plan_made")[0].id
    site.office.put(t.FactRow, {"id": broken}, kind="nonsense")
    done = sends(site)
    assert done.status_code == 503 and "nobody has heard of it" in text_of(done) and typed_in(done) == WORDS
    assert not raised(site) and [row.body for row in kept(site)] == [WORDS]
    site.office.put(t.FactRow, {"id": broken}, kind="survivor_plan_made")
    assert sends(site).status_code == 200 and len(kept(site)) == len(raised(site)) == 1


def test_the_code_of_a_risk_is_drawn_by_lot_and_is_a_code() -> None:
    holder = Holder("provider", "P1", "p1@p.example")
    drawn = [store.risk_of(holder, "SPIP-D1", f"form {n}") for n in range(500)]
    assert len(set(drawn)) == 500 and store.risk_of(holder, "SPIP-D1", "form 7") == drawn[7]
    assert [TypeAdapter(Code).validate_python(one) for one in drawn] == drawn


# Who reads it ---------------------------------------------------------------------------------------------------------


@BOTH
def test_the_adviser_and_the_service_manager_read_it_and_each_reading_is_written_down(site: OpenSite) -> None:
    sends(site)
    site.office.round("2026-01-26")
    risk = kept(site)[0].risk
    path = f"/pathways/SPIP-D1/concerns/{risk}"
    adviser, manager = (site.enter("staff", code, verified=True) for code in ("FCA1", "SM1"))
    review = site.office.duty("risk_review").id
    for link_on in (adviser.get("/pathways/SPIP-D1"), adviser.get(f"/owed/{review}"), manager.get("/pathways/SPIP-D1")):
        assert f'href="{path}"' in link_on.text
    assert not kept(site, ConcernRead)
    for pages in (adviser, manager, adviser):
        read = text_of(pages.get(path))
        assert "that he waits at Gobbledeane Row." in read and "a child" in read and "From P1" in read
    assert "Gobbledeane" in adviser.get(f"/pathways/SPIP-D2/concerns/{risk}").text  # the risk is the case's
    concern = kept(site)[0].number
    assert [(row.concern, row.read_by) for row in kept(site, ConcernRead)] == [
        (concern, code) for code in ("FCA1", "SM1", "FCA1", "FCA1")
    ]
    assert kept(site, ConcernRead)[0].read_at == site.site.now()


@pytest.mark.parametrize("who", ["CO1", "CM1", "AD1", "BS1", "RA1", "FCA2", "FCA3"])
def test_nobody_else_of_the_staff_reads_it_or_has_a_link_to_it(site: OpenSite, who: str) -> None:
    sends(site)
    site.office.round("2026-01-26")
    pages, path = site.enter("staff", who, verified=True), f"/pathways/SPIP-D1/concerns/{kept(site)[0].risk}"
    assert pages.get(path).status_code == 404 and "/concerns/" not in pages.get("/pathways/SPIP-D1").text
    assert pages.get(path).text == pages.get("/pathways/SPIP-D99").text
    assert not kept(site, ConcernRead)


def test_no_provider_reads_it_and_the_adviser_not_without_a_code(site: OpenSite) -> None:
    sends(site)
    path = f"/pathways/SPIP-D1/concerns/{kept(site)[0].risk}"
    assert [provider(site, code).get(path).status_code for code in ("P1", "P2")] == [404, 404]
    assert "A code first" in text_of(site.enter("staff", "FCA1").get(path))
    assert "Ask for a link" in text_of(site.browser().get(path)) or "not good any more" in text_of(
        site.browser().get(path)
    )
    assert not kept(site, ConcernRead)


def test_an_adviser_of_another_case_finds_nothing_under_the_risk(site: OpenSite) -> None:
    site.office.case("CASE2", ("PC", "PD"), adviser="FCA2").opens("SPIP-D3", "PC", case="CASE2")
    sends(site)
    done = site.enter("staff", "FCA2", verified=True).get(f"/pathways/SPIP-D3/concerns/{kept(site)[0].risk}")
    assert done.status_code == 404 and "Gobbledeane" not in done.text and not kept(site, ConcernRead)


def test_where_nothing_is_written_or_it_is_out_of_reach_that_is_said(site: OpenSite) -> None:
    site.office.says("CASE1", "risk_raised", "2026-01-26", risk="R1")
    adviser = site.enter("staff", "FCA1", verified=True)
    assert "Nothing is written down" in text_of(adviser.get("/pathways/SPIP-D1/concerns/R1"))
    move(site, site.settings.model_copy(update={"restricted_database": "none"}))
    away = adviser.get("/pathways/SPIP-D1/concerns/R1")
    assert away.status_code == 503 and "out of reach" in text_of(away)


def test_what_cannot_be_written_down_as_read_is_not_shown(site: OpenSite, monkeypatch: pytest.MonkeyPatch) -> None:
    sends(site)
    risk = kept(site)[0].risk
    monkeypatch.setattr(store, "writing", failing_at_the_end)
    read = site.enter("staff", "FCA1", verified=True).get(f"/pathways/SPIP-D1/concerns/{risk}")
    assert read.status_code == 503 and "Gobbledeane" not in read.text


def test_the_strand_lists_concerns_without_their_words_and_reads_one_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(monkeypatch, capsys, tmp_path / "home").migrated()
    assert desk("restricted", "concerns").out == ""
    hers = strand(settings())
    with writing(hers) as c:
        worker = {"code": "SW1", "name": "Name", "email": "sw1@support.example", "role": "support_worker"}
        c.execute(t.Practitioner.__table__.insert(), worker | {"telling": "instant", "trained_in": ""})
        row = {"pathway": "SPIP-D1", "risk": "B2C3", "recorded_by": "P1", "about": "both", "body": WORDS}
        c.execute(HarmConcern.__table__.insert(), row | {"recorded_at": datetime(2026, 1, 26, 9, tzinfo=UTC)})
    listed = desk("restricted", "concerns").out
    assert "SPIP-D1" in listed and "B2C3" in listed and "Zephyrine" not in listed
    for refused in (("1", "--by", "P1"), ("2", "--by", "SW1")):
        said = desk("restricted", "concern", *refused)
        assert said.code and "Zephyrine" not in said.out + said.err
    assert "SW1" not in desk("restricted", "concerns").out
    read = desk("restricted", "concern", "1", "--by", "sw1").out
    assert "    that he waits at Gobbledeane Row." in read and "at risk both" in read and "SW1" in read
    assert desk("restricted", "concerns").out.splitlines()[1].endswith("SW1")
    settings.cache_clear()
    database.cache_clear()


# Accreditation --------------------------------------------------------------------------------------------------------

UNTIL = {"until-day": "31", "until-month": "3", "until-year": "2033"}
RENEWAL = {f"renewed-{name}": value for name, value in UNTIL.items()} | {"submission": "a-form"}


def renewals(site: OpenSite) -> list[tuple[str, Any]]:
    return [(row.subject, row.payload) for row in site.office.rows(t.FactRow, kind="accreditation_renewed")]


def test_a_provider_says_that_its_accreditation_was_renewed_and_commissioning_is_told_and_nothing_is_live_by_it(
    site: OpenSite,
) -> None:
    dvpp(site.office.case("CASE2", ("PC", "PD")), "DVPP-D2", "PC", "CASE2")
    pages = provider(site)
    assert 'href="/accreditation"' in pages.get("/owed").text
    assert "runs until 31 March 2030" in text_of(pages.get("/accreditation"))
    done = pages.post("/accreditation", RENEWAL)
    assert "Receipt RC-" in text_of(done) and "/corrections/" not in done.text
    said = {"provider": "P1", "until": "2033-03-31"}
    assert renewals(site) == [("DVPP-D1", said), ("DVPP-D2", said)] and len(site.office.rows(t.Receipt)) == 1
    site.office.round("2026-01-26")
    assert {("CM1", "accreditation-renewed")} <= site.office.told("DVPP-D1") & site.office.told("DVPP-D2")
    lines = site.office.rows(t.ServiceLine, provider="P1", programme="DVPP")
    assert [line.accredited_until for line in lines] == [date(2030, 3, 31)]


@BOTH
def test_what_was_said_of_a_renewal_already_is_not_said_again(site: OpenSite) -> None:
    provider(site).post("/accreditation", RENEWAL)
    site.at(datetime(2026, 1, 27, 10, tzinfo=UTC))
    again = provider(site).post("/accreditation", RENEWAL | {"submission": "another"})
    assert again.status_code == 422 and "you have not said so" in text_of(again)
    dvpp(site.office.case("CASE2", ("PC", "PD")), "DVPP-D2", "PC", "CASE2")
    assert provider(site).post("/accreditation", RENEWAL | {"submission": "a third"}).status_code == 200
    assert [subject for subject, _ in renewals(site)] == ["DVPP-D1", "DVPP-D2"]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"renewed-until-day": "", "renewed-until-month": "", "renewed-until-year": ""}, "Enter the day"),
        ({"renewed-until-day": "31", "renewed-until-month": "2"}, "no such day"),
        ({"renewed-until-year": "2025"}, "a day to come"),
    ],
)
def test_a_renewal_needs_a_day_to_come(site: OpenSite, typed: dict[str, str], says: str) -> None:
    done = provider(site).post("/accreditation", RENEWAL | typed)
    assert done.status_code == 422 and says in text_of(done) and 'href="#renewed-until"' in done.text
    assert not renewals(site)


def test_who_holds_no_dvpp_is_told_what_to_do_instead_and_who_delivers_none_has_no_such_page(site: OpenSite) -> None:
    pages = provider(site, "P2")
    assert "Send the accrediting body's letter to your commissioning manager" in text_of(pages.get("/accreditation"))
    assert pages.post("/accreditation", RENEWAL).status_code == 422 and not renewals(site)
    with writing(site.engine) as c:
        line = t.ServiceLine.__table__
        c.execute(line.delete().where(line.c.provider == "P2", line.c.programme == "DVPP"))
    assert pages.get("/accreditation").status_code == pages.post("/accreditation", RENEWAL).status_code == 404
    assert "/accreditation" not in pages.get("/owed").text


# No words anywhere else -------------------------------------------------------------------------------------------

SENTENCES = [
    "He was seen with her",
    "zephyrine",
    "ZEPHYRINE",
    "A. QUORLSWICK",
    "14 ROW",
    "07700900123",
    "a@b.example",
    "x" * 50,
]
OF_THE_PATHWAY = {"party", "provider", "practitioner"}
"""What is compared with what the pathway has."""
EVERY_ANSWER = [*(answer for some in ANSWERS.values() for answer in some), FAILED_CONTACT, RENEWED]


@pytest.mark.parametrize("answer", EVERY_ANSWER, ids=lambda answer: f"{answer.fact.kind}.{answer.name}")
def test_sr_09_what_is_typed_for_a_fact_is_a_date_a_time_a_number_a_choice_or_a_code(answer: Answer) -> None:
    fields = payload_fields(answer.fact)
    for name in set(answer.asks) - OF_THE_PATHWAY:
        if base_type(fields[name].annotation) is not str:
            continue  # a choice, a day, a moment, a number, or yes and no
        taken = TypeAdapter(Annotated[fields[name].annotation, fields[name]])
        for words in SENTENCES:
            with pytest.raises(ValidationError):
                taken.validate_python(words)
    shapes = {one.shape for one in fields_of(answer, {})}
    assert shapes <= {"choice", "day", "times", "number", "code"}


def test_sr_09_the_concern_is_the_only_form_with_a_box_for_words() -> None:
    templates = Path(__file__).parents[1] / "web" / "templates"
    boxes = [one.name for one in templates.iterdir() if re.search("textarea|CharacterCount", one.read_text("utf-8"))]
    assert boxes == ["concern.html"]


def everything(site: OpenSite, folder: Path) -> str:
    """All that is stored on either side, and what is found in the bytes of every file."""
    hers = "\n".join(str(row) for table in (HarmConcern, ConcernRead) for row in kept(site, table))
    return of_main(site) + hers + str(found_in(folder, *CANARIES))


def test_sr_09_extra_fields_and_names_in_the_fields_there_are_store_nothing(site: OpenSite, tmp_path: Path) -> None:
    report, booking = (site.office.duty(*one).id for one in (("attendance_report",), ("booking", "SPIP-D2")))
    words = dict.fromkeys(("comments", "body", "words", "note", "risk", "reason", "kind", "recorded_by"), WORDS)
    pages, other = provider(site), provider(site, "P2")
    listed = re.search(rf'name="(answer-{report}-\d+)"', pages.get("/owed").text)[1]
    names = {"booked-session": "ZEPHYRINE-QUORLSWICK", "booked-venue": "GOBBLEDEANE-ROW", "answer": "booked"}
    times = {"booked-times-day": "2", "booked-times-month": "2", "booked-times-year": "2026"}
    times |= {"booked-times-from": "18:00", "booked-times-to": "22:00"}
    for done in (
        other.post(f"/owed/{booking}", words | names | times | {"submission": "one"}),
        pages.post("/owed", {"answer-99-1": WORDS, **words}),
        pages.post(f"/owed/{report}", {"answer": "absent", **words}),
        pages.post("/concerns/SPIP-D1", {"comments": WORDS, "about": WORDS, "words": ""}),
        pages.post("/link", {"mailbox": f"{CANARIES[0]}@{CANARIES[1]}.example", **words}),
    ):
        assert done.status_code < 500
    assert not site.office.rows(t.FactRow, kind="session_booked", subject="SPIP-D2")
    taken = pages.post("/owed", {listed: "attended", **words, "submission": WORDS})
    assert "Receipt RC-" in text_of(taken) and not [word for word in CANARIES if word in taken.text]
    number = site.office.rows(t.FactRow, kind="attendance_reported")[0].id
    pages.post(f"/corrections/{number}", {"answer": "late", **words, "submission": f"{WORDS} too"})
    pages.post("/accreditation", RENEWAL | words | {"submission": f"{WORDS} again"})
    assert renewals(site)
    found = everything(site, tmp_path).lower()
    assert not [word for word in CANARIES if word.lower() in found]


@pytest.mark.parametrize(
    ("duty", "by", "form"),
    [
        ("referral", "CO1", {"answer": "sent", "sent-provider": "ZEPHYRINE"}),
        (
            "safeguarding_enquiries",
            "FCA1",
            {"answer": "spoken_to", "spoken_to-party": "ZEPHYRINE", "spoken_to-on-day": "26", "spoken_to-on-month": "1",
             "spoken_to-on-year": "2026"},
        ),
    ],
)  # fmt: skip
def test_sr_09_a_reference_that_is_typed_must_be_one_of_the_pathways_own(
    site: OpenSite, tmp_path: Path, duty: str, by: str, form: dict[str, str]
) -> None:
    office = site.office.case("CASE2", ("PC", "PD"))
    office.opens("SPIP-D3", "PC", case="CASE2")
    if duty == "referral":
        assert office.says("SPIP-D3", "safeguarding_letter_filed", "2026-01-26").result == "recorded"
    office.round("2026-01-26")
    number = office.duty(duty, "SPIP-D3").id
    done = site.enter("staff", by, verified=True).post(f"/owed/{number}", form | {"submission": "one"})
    assert done.status_code == 422 and "zephyrine" not in everything(site, tmp_path).lower()


def test_nobodys_form_stands_in_the_way_of_anothers(site: OpenSite) -> None:
    """What a form carries to be one form may be anything by the time it comes back; also the same for two."""
    for code, reference in (("P1", "SPIP-D1"), ("P2", "SPIP-D2")):
        assert "Receipt RC-" in text_of(provider(site, code).post(f"/concerns/{reference}", FORM))
    assert len(kept(site)) == 2 and len(site.office.rows(t.Receipt)) == 2
