"""SR-11: what is the survivor's is in the restricted database and nowhere else, whatever anybody does on the other side."""

import json
import logging
import re
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel

import intake
from flows.dvpp import dvpp
from models import tables as t
from models.facts import KINDS, RESTRICTED
from models.restricted import Followed, HeldText, Restricted, Survivor, SurvivorBefore
from models.screen import found_in
from notifications.wording import _read as wordings
from settings import RestrictedOff, Settings, settings
from store import listen as listening
from store import outbox, texts
from store.advance import advance
from store.database import WrongDatabase, database, reading, writing
from store.known import Known
from store.listen import listen
from store.migrate import differences, migrate
from store.strand import strand
from tasks.safely import Fault
from tests.engine import found_in as bytes_in
from tests.fresh import with_tables
from tests.life import day
from tests.smtp_sink import Sink
from tests.strand import Sides, apart, to_sink
from tests.test_command_line import Desk
from tests.world import at_once, evening

# What is hers. Each is a word nothing else would use.
HERS = {
    "name": "Zephyrine Quorlswick", "phone": "07700 900123", "email": "zq.thimble@hushmere.example",
    "address": "14 Gobbledeane Row, Wexcombe, QX7 4ZZ", "workplace": "Hushmere Bindery", "school": "Thistlewick Primary School",
    "safe_times": "Plumbsday mornings",
}  # fmt: skip
CANARIES = ["Zephyrine", "Quorlswick", "900123", "900 123", "thimble", "hushmere", "Gobbledeane", "Wexcombe", "QX7", "4ZZ",
            "Thistlewick", "Plumbsday"]  # fmt: skip
LONG = [word for word in CANARIES if len(word) > 5]
"""Those that are in nothing encrypted by chance."""
CLEAN = "He attended 24 of 26 sessions, was absent in weeks 3, 5 and 7 and takes responsibility for what he did."


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    """Both databases, empty but for the directory of the man's side; the test runs once on each kind."""
    database.cache_clear()
    urls: dict[str, str] = {}
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        urls = {"database": postgres.fresh(), "restricted_database": postgres.fresh(restricted=True)}
    both = beside(tmp_path, **urls)
    yield both
    names = [engine.url.database for engine in (both.main, both.strand)]
    for engine in (both.main, both.strand):
        engine.dispose()
    if request.param == "postgresql":
        for name in names:
            postgres.drop(name)


def beside(folder: Path, **urls: str) -> Sides:
    """Both sides in two files of a folder; or in databases with their tables in them already."""
    database.cache_clear()
    made = apart(folder, **urls)
    main, hers = database(made.database_url), strand(made)
    if not urls:
        with_tables(main)
        with_tables(hers, restricted=True)
    return Sides(main, made)


# Listening ------------------------------------------------------------------------------------------------------------


def test_support_begins_when_he_is_referred_for_assessment_and_not_before(sides: Sides):
    sides.staffed().man().sweep("2026-01-06")
    assert sides.rows(sides.strand, Followed) == []
    sides.referred(on="2026-01-07").sweep("2026-01-07")
    row = sides.support()
    assert (row.state, row.on_code, row.due_on.isoformat()) == ("offer_due", "SW1", "2026-01-14")
    assert sides.told() == [("SW1", "support-wanted")]


def test_the_worker_hears_of_him_facts_and_days_and_nothing_more(sides: Sides):
    sides.staffed().man().referred().sweep("2026-01-07")
    sides.happens("DVPP-D1", "programme_started", "2026-02-02", weeks=26)
    absence = {"week": 3, "result": "absent"}
    sides.happens("DVPP-D1", "weekly_attendance", "2026-02-16", **absence)
    place = sides.rows(sides.main, t.FactRow)[-1].id
    with writing(sides.main) as c:
        c.execute(t.DutyRow.__table__.insert(), {
            "pathway": "DVPP-D1", "key": f"absence_review:{place}", "kind": "absence_review", "on_role": "adviser", "on_code": "FCA1",
            "opened_on": day("2026-02-16"), "due_on": day("2026-02-17"), "state": "open", "paused": False,
        })  # fmt: skip
    sides.happens("CASE1", "risk_raised", "2026-02-17").happens("DVPP-D1", "dropped", "2026-03-02", reason="own_choice")
    sides.sweep("2026-03-02")
    assert sides.heard() == [
        ("man_started", "2026-02-02"), ("man_absent", "2026-02-16"), ("man_dropped", "2026-03-02"), ("risk_heard", "2026-02-17"),
    ]  # fmt: skip
    assert {wording for _, wording in sides.told()} - {"chase"} == {
        "support-wanted", "support-started", "support-absence", "support-dropped", "support-risk",
    }  # fmt: skip
    payloads = [row.payload for row in sides.rows(sides.strand, t.FactRow) if row.kind != "requested"]
    assert all(set(payload) == {"source"} for payload in payloads)


def test_absences_are_heard_as_his_own_pathway_counts_them(sides: Sides):
    sides.staffed().man().happens("DVPP-D1", "violence_established", "2026-01-06", basis="admitted")
    sides.happens("DVPP-D1", "survivor_plan_made", "2026-01-06").referred(on="2026-01-07")
    sides.happens("DVPP-D1", "acknowledged", "2026-01-08", provider="P1")
    sides.happens("DVPP-D1", "assessment_done", "2026-01-20").happens(
        "DVPP-D1", "assessment_reported", "2026-01-21", result="accepted"
    )
    sides.happens("DVPP-D1", "programme_started", "2026-02-02", weeks=26)
    for week, on in ((1, "2026-02-02"), (2, "2026-02-09"), (3, "2026-02-16")):
        result = "attended" if week == 1 else "absent"
        sides.happens("DVPP-D1", "weekly_attendance", on, week=week, result=result)
        assert not advance(sides.main, "DVPP", dvpp, evening(day(on)), sides.settings, ["DVPP-D1"]).failed
        sides.sweep(on)
    assert [one for one in sides.heard() if one[0] == "man_absent"] == [("man_absent", "2026-02-16")]


def test_hearing_again_changes_nothing_and_what_was_corrected_there_is_corrected_here(sides: Sides):
    sides.staffed().man().referred().happens("DVPP-D1", "dropped", "2026-02-02", reason="absences").sweep("2026-02-02")
    before = sides.rows(sides.strand, t.FactRow)
    sides.sweep("2026-02-02").sweep("2026-02-03")
    assert sides.rows(sides.strand, t.FactRow) == before
    dropped = sides.rows(sides.main, t.FactRow, kind="dropped")[0].id
    sides.happens("DVPP-D1", "retracted", "2026-02-04", supersedes=dropped).sweep("2026-02-04")
    assert [kind for kind, _ in sides.heard()] == ["man_dropped", "retracted"]
    sides.sweep("2026-02-05")
    assert [kind for kind, _ in sides.heard()] == ["man_dropped", "retracted"]
    sides.happens("DVPP-D1", "dropped", "2026-02-06", reason="own_choice").sweep("2026-02-06")
    assert [kind for kind, _ in sides.heard()] == ["man_dropped", "retracted", "man_dropped"]


def test_a_pathway_that_closes_and_opens_again_is_heard_so(sides: Sides):
    sides.staffed().man().referred().sweep("2026-01-07")
    for closed_on in ("2026-02-02", None, "2026-02-04"):
        sides.change(sides.main, t.PathwayRow, {"reference": "DVPP-D1"}, closed_on=closed_on and day(closed_on))
        sides.sweep("2026-02-05").sweep("2026-02-05")
    assert sides.heard() == [
        ("man_finished", "2026-02-02"),
        ("retracted", "2026-02-05"),
        ("man_finished", "2026-02-04"),
    ]


DAYS = ["2026-01-07", "2026-01-12", "2026-02-02", "2026-02-03", "2026-02-16", "2026-03-02"]


def lived(sides: Sides, swept: list[str]) -> list[Any]:
    """The same life, with a sweep on some of its days."""
    sides.staffed().man().referred()
    deeds = {
        "2026-01-12": lambda: sides.records("survivor_contact_tried", "2026-01-12"),
        "2026-02-02": lambda: sides.happens("DVPP-D1", "programme_started", "2026-02-02", weeks=26),
        "2026-02-03": lambda: sides.records("support_accepted", "2026-02-03"),
        "2026-02-16": lambda: sides.happens("CASE1", "risk_raised", "2026-02-16"),
    }
    for today in DAYS:
        deeds.get(today, lambda: None)()
        if today in swept:
            sides.sweep(today)
    standing = sides.support()
    duties = [(d.kind, d.opened_on, d.due_on, d.state, d.closed_on) for d in sides.rows(sides.strand, t.DutyRow)]
    told = sorted(one for one in sides.told() if one[1] != "chase")
    return [(standing.state, standing.label, standing.since, standing.due_on), sorted(duties), told]


def test_days_without_a_sweep_make_no_difference(sides: Sides, tmp_path: Path):
    daily = lived(sides, DAYS)
    (tmp_path / "other").mkdir()
    assert lived(beside(tmp_path / "other"), ["2026-01-07", "2026-03-02"]) == daily


def test_within_a_day_only_men_of_whom_something_was_recorded_are_listened_to_again(
    sides: Sides, monkeypatch: pytest.MonkeyPatch
):
    for n in (1, 2):
        sides.man(f"DVPP-D{n}", case=f"CASE{n}", parties=(f"PA{n}", f"PB{n}")).referred(f"DVPP-D{n}")
    monkeypatch.setattr(listening, "OVERLAP", 0)
    asked: list[set[str]] = []
    read = listening.record_of
    monkeypatch.setattr(listening, "record_of", lambda c, some: asked.append(set(some)) or read(c, some))
    sides.sweep("2026-01-08")
    assert {"DVPP-D1", "DVPP-D2"} <= asked[0]
    asked.clear()
    sides.happens("CASE2", "risk_raised", "2026-01-08").sweep("2026-01-08")
    assert asked[0] == {"DVPP-D2", "CASE2"} and ("SW1", "support-risk") not in sides.told()
    asked.clear()
    sides.sweep("2026-01-08")
    assert asked == []
    sides.sweep("2026-01-09")
    assert {"DVPP-D1", "DVPP-D2"} <= asked[0]


def test_several_sweeps_at_once_open_one_pathway_and_tell_once(sides: Sides):
    for n in range(1, 8):
        sides.man(f"DVPP-D{n}", case=f"CASE{n}", parties=(f"PA{n}", f"PB{n}")).referred(f"DVPP-D{n}")
    sides.staffed().happens("CASE3", "risk_raised", "2026-01-08")
    now = evening(day("2026-01-08"))
    assert at_once(*[lambda: listen(sides.main, sides.strand, now, sides.settings)] * 4) == [0] * 4
    assert [r for r in at_once(*[lambda: sides.sweep(now)] * 4) if isinstance(r, Exception)] == []
    assert len(sides.rows(sides.strand, t.PathwayRow)) == len(sides.rows(sides.strand, Followed)) == 7
    assert sorted(sides.told()) == [("SW1", "support-risk"), *[("SW1", "support-wanted")] * 7]


def test_where_nobody_works_it_is_shown_and_given_to_whoever_comes(sides: Sides):
    sides.man().referred().sweep("2026-01-08")
    assert (sides.support().label, sides.told()) == ("Nobody to take it", [])
    sides.sweep("2026-01-26")
    sides.staffed().sweep("2026-01-26")
    assert sides.support().on_code == "SW1"
    assert ("SW1", "support-wanted") in sides.told()


# Apart ----------------------------------------------------------------------------------------------------------------


def test_sr_11_the_references_are_drawn_and_not_derived(sides: Sides):
    for n in range(1, 20):
        sides.man(f"DVPP-D{n}", case=f"CASE{n}", parties=(f"PA{n}", f"PB{n}")).referred(f"DVPP-D{n}")
    sides.sweep("2026-01-08")
    drawn = [row.reference for row in sides.rows(sides.strand, Followed)]
    assert len(set(drawn)) == 19 and all(re.fullmatch(r"SUPPORT-[0-9A-F]{10}", one) for one in drawn)


def test_sr_11_the_sweep_neither_writes_to_nor_locks_the_other_database(sides: Sides):
    sides.staffed().man().referred()
    before = {name: sides.rows(sides.main, _mapped(name)) for name in SQLModel.metadata.tables}
    with writing(sides.main) as busy:  # somebody writes there all the while
        busy.execute(t.PathwayRow.__table__.update().values(look_on=day("2026-01-09")))
        sides.sweep("2026-01-08")
        busy.rollback()
    assert sides.told() == [("SW1", "support-wanted")]
    assert {name: sides.rows(sides.main, _mapped(name)) for name in SQLModel.metadata.tables} == before


def _mapped(name: str) -> Any:
    return type("One", (), {"__table__": SQLModel.metadata.tables[name]})


def test_sr_11_only_the_restricted_database_has_its_tables(sides: Sides):
    assert differences(sides.main) == [] and differences(sides.strand, restricted=True) == []
    with reading(sides.main) as c:
        there = set(c.dialect.get_table_names(c))
    assert not there & set(Restricted.metadata.tables)


def test_sr_11_the_two_databases_cannot_be_one(tmp_path: Path):
    for both in ("postgresql://db/pathways", f"sqlite:///{tmp_path / 'data' / 'pathways.db'}"):
        with pytest.raises(ValueError, match="must be another"):
            Settings(home=tmp_path, database=both, restricted_database=both)
    with pytest.raises(ValueError, match="must be another"):
        Settings(home=tmp_path, restricted_database=f"sqlite:///{tmp_path / 'pathways.db'}")


def test_sr_11_the_file_is_its_owners_only(tmp_path: Path):
    made = Settings(home=tmp_path / "home")
    migrate(strand(made), restricted=True)
    for file in (tmp_path / "home").glob("restricted.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


def test_sr_11_the_kinds_of_the_strand_are_offered_and_named_nowhere_else():
    from flows.programmes import PROGRAMMES
    from flows.record import Details, FactKind
    from intake.facts_page import page
    from intake.rows import REPORTABLE
    from models.limits import programmes

    assert len(RESTRICTED) >= 10 and not set(RESTRICTED) & set(KINDS)
    form = json.dumps(Details.model_json_schema()) + json.dumps([one.value for one in FactKind])
    files = json.dumps({name: intake.template(name) for name in intake.KINDS})
    for text in (form, files, page(), json.dumps(sorted(REPORTABLE))):
        assert not [kind for kind in RESTRICTED if kind in text]
    assert "SUPPORT" not in programmes() | PROGRAMMES.keys()


def test_sr_11_a_direction_for_support_opens_nothing_on_his_side(sides: Sides):
    from models.limits import programmes

    assert "SUPPORT" not in programmes(sides.settings.limits)
    outcome = record_of_hers(sides)
    assert outcome == "refused"


def record_of_hers(sides: Sides) -> str:
    """A fact of hers, handed to the store of his side by a program of ours that errs."""
    from store.record import Reported, record

    sides.man()
    fact = RESTRICTED["support_accepted"](
        happened_on=day("2026-01-06"), recorded_at=evening(day("2026-01-06")), recorded_by="FCA1"
    )
    return (
        record(sides.main, [Reported("DVPP-D1", fact)], evening(day("2026-01-06")), sides.settings).outcomes[0].result
    )


def test_sr_11_channels_of_his_side_never_carry_her_mail(sides: Sides):
    with Sink() as his, Sink() as hers:
        made = sides.settings.model_copy(
            update={"channels": to_sink(his.port), "restricted_channels": to_sink(hers.port)}
        )
        sides.settings = made
        sides.staffed().man().referred().sweep("2026-01-08")
        outbox.gather(sides.main, evening(day("2026-01-08")), made)
        assert his.received == []
        assert sorted(str(one.to) for one in hers.received) == ["['sw1@support.example']"]
        sides.sweep("2026-01-15").sweep("2026-01-22").sweep("2026-01-23")
        assert his.received == [] and len(hers.received) > 1


def test_sr_11_without_channels_of_its_own_the_strand_sends_nothing(sides: Sides):
    with Sink() as his:
        sides.settings = sides.settings.model_copy(update={"channels": to_sink(his.port)})
        sides.staffed().man().referred().sweep("2026-01-08")
        assert his.received == [] and sides.told()


def test_sr_11_her_details_do_not_leave_in_her_own_mail_either(sides: Sides):
    with Sink() as hers:
        sides.settings = sides.settings.model_copy(update={"restricted_channels": to_sink(hers.port)})
        sides.staffed().man().referred()
        listen(sides.main, sides.strand, evening(day("2026-01-08")), sides.settings)
        sides.reached(**HERS | {"name": "Please Offer"})
        sides.sweep("2026-01-08")
        assert hers.received == []
        assert "SR-12" in sides.rows(sides.strand, t.MessageRow)[0].error


# Text screened --------------------------------------------------------------------------------------------------------

PHONES = ["07700 900123", "07700-900-123", "0 7 7 0 0 9 0 0 1 2 3", "O77OO 9OOI23", "07700900123", "+44 7700 900 123",
          "00447700900123", "07700\n900123", "(0)7700/900.123", "oh double seven double oh nine hundred one two three",
          "zero seven seven zero zero nine zero zero one two three", "zerosevensevenzerozeroninezerozeroonetwothree",
          "077 and then 00 dash 900 dash 123", "tel07700900123x", "\uff10\uff17\uff17\uff10\uff10 \uff19\uff10\uff10\uff11\uff12\uff13",
          "0\u200b7\u200b7\u200b00900123", "\u0660\u0667\u0667\u0660\u0660\u0669\u0660\u0660\u0661\u0662\u0663", "01632 960001",
          "\U0001d7ce\U0001d7d5\U0001d7d5\U0001d7ce\U0001d7ce900123", "0\ufe0f\u20e37\ufe0f\u20e37\ufe0f\u20e300900123"]  # fmt: skip
EMAILS = ["a@b.example", "zq.thimble at hushmere dot example", "zq (at) hushmere [dot] example", "zq AT hushmere.example",
          "z q t h i m b l e a t h u s h m e r e d o t e x a m p l e", "zq\uff20hushmere.example", "zq@\nhushmere . example",
          "thimble at gmail", "zq%40hushmere.example", "zq at hushmere full stop co full stop uk"]  # fmt: skip
POSTCODES = ["LS1 4AB", "LS14AB", "L S 1 4 A B", "ls1-4ab", "LS1\n4AB", "LS1.4AB", "\uff2c\uff33\uff11 4AB", "LS one 4 AB",
             "L\u200bS1 4A\u200bB", "LS1 (4AB)", "SW1A 1AA", "QX7 4ZZ", "L S1 4A B"]  # fmt: skip


@pytest.mark.parametrize("disguised", [*PHONES, *EMAILS, *POSTCODES])
def test_sr_11_a_number_an_address_or_a_postcode_is_found_in_any_disguise(disguised: str):
    assert found_in(f"He says she is at {disguised} now."), disguised
    assert found_in(disguised)


@pytest.mark.parametrize(
    "text",
    [
        CLEAN,
        "On 05/01/2026, 12/01/2026 and 19.01.2026 he came; on 2026-01-26 18:30 to 21:00 he did not. He scored 7 out of 10.",
        "He said: \u201cI am to blame\u201d \u2014 progress is good. See DVPP-D0001, P014, session S-0030.",
        "He pays \u00a350 a week. Between 18:00 and 20:30 on Mondays. Stage one to three. Week 13 of 26, 2 absences.",
        "On 15 he came, of 26 we held 24; at 10 he left and by 12 we closed. Looked at home.\nA na\u00efve r\u00e9sum\u00e9.",
    ],
)
def test_an_ordinary_report_holds_nothing_of_the_kind(text: str):
    assert found_in(text) == set()


DISGUISES = [
    "Zephyrine", "zEPHYRINE", "Z e p h y r i n e", "Z.e.p.h.y.r.i.n.e", "Zephy-rine", "Zephy\nrine", "Z\u00e9phyrin\u00e9",
    "Zeph\u200byrine", "Z\u0435phyrin\u0435", "\u0396ephyrine", "Z3phyr1n3", "ZephyrineQ", "\uff3aephyrine", "\U0001d419ephyrine",
    "\u24e9ephyrine", "\u1d22\u1d07\u1d18hyrine", "QUORLSWICK'S", "Quorl swick", "Gobbledeane", "gobble deane", "in Wexcombe",
    "\U000e005a\U000e0065\U000e0070\U000e0068\U000e0079\U000e0072\U000e0069\U000e006e\U000e0065", "Hushmere", "the Bindery",
    "Thistlewick school", "zq.thimble", "Q X 7 4 Z Z", "call 321009 00770 backwards", "07a7b0c0d900123", *PHONES[:17],
]  # fmt: skip


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    return simple(tmp_path_factory.mktemp("lasting"))


@pytest.fixture
def known(lasting: Sides) -> Sides:
    """`simple`, for tests of which none changes what is known. Beside a text that is held, any other is held too."""
    for row in lasting.held():
        texts.refuse(lasting.main, lasting.strand, row.number, "SW1", evening(day("2026-02-04")))
    return lasting


@pytest.mark.parametrize("disguised", DISGUISES)
def test_sr_11_what_is_known_of_her_is_held_in_any_disguise_and_never_released(known: Sides, disguised: str):
    taken = known.writes(f"He spoke of {disguised} today.")
    assert taken.held and known.kept() == []
    now = evening(day("2026-02-03"))
    for how in ({"corrected": None}, {"corrected": f"He spoke, {disguised}."}):
        with pytest.raises(texts.Unsafe):
            texts.release(known.main, known.strand, taken.number, "SW1", now, as_it_is=True, **how)
    assert known.kept() == [] and len(known.held()) == 1


def simple(folder: Path) -> Sides:
    """A man referred, a worker, and a survivor of whom all is known; on SQLite."""
    return simple_unknown(folder).reached(**HERS)


def test_a_clean_text_is_kept_once(tmp_path: Path):
    sides = simple(tmp_path)
    first = sides.writes(CLEAN)
    assert not first.held and sides.writes(CLEAN) == first and sides.kept() == [CLEAN]


def test_sr_11_the_other_parent_is_held_as_she_is_while_nothing_is_known_of_her(sides: Sides):
    sides.staffed().man(name="Marmaduchess Ffolkes", address="3 Umberley Way, Snodland").referred().sweep("2026-01-08")
    assert sides.writes("He writes to Marmaduchess every week.").held
    assert sides.writes("He was seen in Umberley Way.").held
    assert {row.found for row in sides.held()} == {f"{texts.SURVIVOR}, {texts.UNKNOWN}"}


def test_sr_11_another_survivor_is_known_by_the_whole_and_not_by_each_word(tmp_path: Path):
    sides = simple(tmp_path)
    sides.man("DVPP-D2", case="CASE2", parties=("PC", "PD")).referred("DVPP-D2").sweep("2026-01-09")
    sides.reached("DVPP-D2", name="Mary Hill").man("DVPP-D3", case="CASE3", parties=("PG", "PH")).referred("DVPP-D3")
    sides.sweep("2026-01-09").reached("DVPP-D3", name="Sam Sample")
    assert not sides.writes("He walks to the pri-mary hill and the primary hill.", "DVPP-D3").held
    assert not sides.writes("Zephyrine is the name of his boat.", "DVPP-D2").held
    for whole in ("Zephyrine Quorlswick", "14 Gobbledeane Row", "zephyrine-QUORLSWICK", "O77OO 9OO 123"):
        assert sides.writes(f"He knows {whole}.", "DVPP-D2").held


def test_sr_11_what_only_looks_like_an_address_passes_by_a_persons_decision(sides: Sides):
    sides.staffed().man().referred().sweep("2026-01-08")
    now, number = evening(day("2026-02-03")), sides.writes("The group meets at LS1 4AB.").number
    with pytest.raises(texts.Unsafe, match="a postcode"):
        texts.release(sides.main, sides.strand, number, "SW1", now, corrected=None, as_it_is=False)
    texts.release(sides.main, sides.strand, number, "SW1", now, corrected=None, as_it_is=True)
    assert sides.kept() == ["The group meets at LS1 4AB."]
    with pytest.raises(texts.NotKnown):
        texts.release(sides.main, sides.strand, number, "SW1", now, corrected="Another.", as_it_is=True)
    assert sides.kept() == ["The group meets at LS1 4AB."] and sides.held("released")[0].decided_by == "SW1"


def test_a_corrected_text_passes_and_a_refused_one_never(sides: Sides):
    sides.staffed().man().referred().sweep("2026-01-08").reached(**HERS)
    now = evening(day("2026-02-03"))
    first, second = sides.writes("He rang Zephyrine.").number, sides.writes("He saw Zephyrine.").number
    texts.release(sides.main, sides.strand, first, "SW1", now, corrected="He rang her.", as_it_is=False)
    texts.refuse(sides.main, sides.strand, second, "SW1", now)
    with pytest.raises(texts.NotKnown):
        texts.release(sides.main, sides.strand, second, "SW1", now, corrected="He saw her.", as_it_is=True)
    assert sides.kept() == ["He rang her."] and len(sides.held("refused")) == 1


def test_two_people_decide_about_one_text_at_once_and_one_of_them_does(sides: Sides):
    sides.staffed().man().referred().sweep("2026-01-08")
    number, now = sides.writes("The group meets at LS1 4AB.").number, evening(day("2026-02-03"))
    done = at_once(
        lambda: texts.release(sides.main, sides.strand, number, "SW1", now, corrected=None, as_it_is=True),
        lambda: texts.refuse(sides.main, sides.strand, number, "SMG1", now),
    )
    assert sorted(type(one).__name__ for one in done) == ["NoneType", "NotKnown"]
    assert bool(sides.kept()) == bool(sides.held("released"))


def test_sr_11_what_is_known_later_is_taken_back_from_where_it_was_kept(sides: Sides):
    sides.staffed().man().referred().sweep("2026-01-08")
    sides.reached(name="Sam Sample")
    told = f"He spoke of Zephyrine and of {'a long day. ' * 300}"
    assert not sides.writes(told).held and not sides.writes(CLEAN).held
    sides.reached(**HERS).sweep("2026-02-03").sweep("2026-02-04")
    assert sides.kept() == [CLEAN]
    assert [(row.body, row.found) for row in sides.held()] == [(told, texts.SURVIVOR)]
    taken = sides.writes("A text of later.")
    assert taken.held and sides.held()[1].found == texts.OTHERS
    for row in sides.held():
        texts.refuse(sides.main, sides.strand, row.number, "SW1", evening(day("2026-02-04")))
    assert not sides.writes("A text of later still.").held  # under a number that was never given to another
    sides.sweep("2026-02-05")
    assert len(sides.held()) == 0 and len(sides.kept()) == 2


def test_sr_11_a_text_taken_back_is_gone_from_the_file_itself(tmp_path: Path):
    sides = simple_unknown(tmp_path).reached(name="Sam Sample")
    assert not sides.writes(f"He spoke of Zephyrine and {'of much more. ' * 300}").held
    with reading(sides.main) as connection:
        written = connection.exec_driver_sql("SELECT body FROM provider_text").scalar()[:60]
    assert bytes_in(tmp_path, written).keys() & {"pathways.db", "pathways.db-wal"}
    sides.reached(**HERS).sweep("2026-02-03")
    assert len(sides.held()) == 1 and bytes_in(tmp_path, written, *LONG) == {}


def simple_unknown(folder: Path) -> Sides:
    return beside(folder).staffed().man().referred().sweep("2026-01-08")


def test_sr_11_where_it_cannot_be_checked_nothing_is_stored(tmp_path: Path):
    sides = simple_unknown(tmp_path)
    unmigrated = database(f"sqlite:///{tmp_path / 'nothing.db'}")
    with pytest.raises(SQLAlchemyError):
        texts.add(sides.main, unmigrated, "DVPP-D1", "P1", "He rang Zephyrine.", evening(day("2026-02-02")))
    with pytest.raises(RestrictedOff):
        strand(sides.settings.model_copy(update={"restricted_database": "none"}))
    assert sides.kept() == [] and bytes_in(tmp_path, "Zephyrine") == {}


@pytest.mark.parametrize(
    ("pathway", "by", "body", "why"),
    [
        ("DVPP-D9", "P1", CLEAN, "There is no pathway"), ("DVPP-D1", "P2", CLEAN, "was not sent"), ("SPIP-D5", "P1", CLEAN, "not a DVPP"),
        ("DVPP-D1", "P1", "  \n", "from 1 to"), ("DVPP-D1", "P1", "x" * 5_001, "from 1 to"), ("DVPP-D1", "P1", "a\0b", "from 1 to"),
    ],
)  # fmt: skip
def test_a_text_is_of_a_dvpp_and_by_its_provider(tmp_path: Path, pathway: str, by: str, body: str, why: str):
    sides = simple_unknown(tmp_path)
    sides.man("SPIP-D5", case="CASE5", parties=("PE", "PF"))
    with pytest.raises(texts.NotTaken, match=why):
        sides.writes(body, pathway, by)
    assert sides.kept() == [] and sides.held() == []


def test_sr_11_an_error_of_the_database_does_not_repeat_what_was_to_be_written(sides: Sides):
    with pytest.raises(SQLAlchemyError) as failed, writing(sides.strand) as c:
        row = {
            "number": 1,
            "pathway": "X",
            "body": "Zephyrine",
            "recorded_by": "P1",
            "recorded_at": evening(day("2026-01-05")),
            "found": "",
        }
        c.execute(HeldText.__table__.insert(), [row, row])
    assert not [word for word in CANARIES if word in str(failed.value)]


# What an attacker tried ------------------------------------------------------------------------------------------------


def test_sr_11_while_nothing_is_known_of_her_a_text_is_held_and_passes_by_her_workers_decision(sides: Sides):
    sides.staffed().man().referred()
    first = sides.writes(CLEAN)  # the strand does not even follow him yet
    assert first.held and sides.held()[0].found == texts.UNKNOWN
    sides.sweep("2026-01-08")
    now = evening(day("2026-02-03"))
    with pytest.raises(texts.Unsafe, match="nothing is known"):
        texts.release(sides.main, sides.strand, first.number, "SW1", now, corrected=None, as_it_is=False)
    texts.release(sides.main, sides.strand, first.number, "SW1", now, corrected=None, as_it_is=True)
    assert sides.kept() == [CLEAN]
    assert not sides.reached(name="Sam Sample").writes("Another of the kind.").held


def test_a_sqlite_file_is_named_by_its_whole_path(tmp_path: Path):
    for named in ({"database": "sqlite:///pathways.db"}, {"restricted_database": "sqlite:///data/strand.db"},
                  {"database": "sqlite:///file:pathways.db?uri=true"}):  # fmt: skip
        with pytest.raises(ValueError, match="whole path"):
            Settings(home=tmp_path, **named)


def test_sr_11_a_survivor_beside_another_pathway_of_his_or_of_his_case_is_near_too(sides: Sides):
    sides.staffed().man().referred().sweep("2026-01-08").reached(**HERS)
    sides.man("DVPP-D2", parties=("PB", "PA")).referred("DVPP-D2").sweep("2026-01-09")
    sides.reached("DVPP-D2", name="Sam Sample")
    assert sides.writes("He spoke of Gobbledeane.", "DVPP-D2").held


def test_sr_11_what_was_known_of_her_before_is_not_forgotten(sides: Sides):
    sides.staffed().man().referred().sweep("2026-01-08").reached(**HERS)
    sides.reached(name="Sam Sample").reached(name="Sam Sample", address="2 Umberley Way")
    row = sides.rows(sides.strand, Survivor)[0]
    assert (row.name, row.address, row.phone) == ("Sam Sample", "2 Umberley Way", HERS["phone"])
    assert len(sides.rows(sides.strand, SurvivorBefore)) == 2
    assert sides.writes("He asked for Zephyrine.").held
    sides.man("DVPP-D2", case="CASE2", parties=("PC", "PD")).referred("DVPP-D2").sweep("2026-01-09")
    sides.reached("DVPP-D2", name="Robin Other")
    assert sides.writes("He passed 14 Gobbledeane Row.", "DVPP-D2").held


@pytest.mark.parametrize(
    ("main", "strand_"),
    [
        ("postgresql://a:b@db/p", "postgresql+psycopg://c@DB:5432/p?sslmode=require"), ("postgresql://localhost/p", "postgresql://127.0.0.1/p"),
        ("sqlite:////{0}/x.db", "sqlite:////{0}/../{1}/x.db"), ("sqlite:////{0}/x.db", "sqlite:////{0}/link.db"),
        ("sqlite:////{0}/x.db", "sqlite:///file:/{0}/x.db?uri=true&mode=rw"), ("sqlite:////{0}/x.db", "sqlite+pysqlite:////{0}/x.db?timeout=5"),
    ],
)  # fmt: skip
def test_sr_11_the_two_databases_cannot_be_one_however_it_is_spelled(tmp_path: Path, main: str, strand_: str):
    (tmp_path / "link.db").symlink_to(tmp_path / "x.db")
    folder = str(tmp_path).lstrip("/")
    with pytest.raises(ValueError, match="must be another"):
        Settings(home=tmp_path, database=main.format(folder), restricted_database=strand_.format(folder, tmp_path.name))


def test_none_is_none_however_it_is_written(tmp_path: Path):
    assert Settings(home=tmp_path, restricted_database=" None ").restricted_database == "none"
    for wrong in ({"database": "none"}, {"restricted_database": "nowhere"}):
        with pytest.raises(ValueError, match="no address of a database"):
            Settings(home=tmp_path, **wrong)


def test_sr_11_a_database_of_the_other_side_is_refused_by_its_tables(sides: Sides):
    sides.staffed().man().referred().sweep("2026-01-08")
    urls = [engine.url.render_as_string(hide_password=False) for engine in (sides.main, sides.strand)]
    swapped = sides.settings.model_copy(update={"database": urls[1], "restricted_database": urls[0]})
    with pytest.raises(WrongDatabase, match="is the restricted strand's"):
        migrate(database(swapped.database))
    with pytest.raises(WrongDatabase, match="holds the cases"):
        migrate(strand(swapped), restricted=True)
    assert differences(sides.main) == [] and differences(sides.strand, restricted=True) == []


def test_sr_11_what_is_deleted_is_wiped_and_again_until_nobody_reads_it(tmp_path: Path):
    sides = simple_unknown(tmp_path).reached(name="Sam Sample")
    assert not sides.writes(f"He spoke of Zephyrine and {'of much more. ' * 300}").held
    with reading(sides.main) as busy:
        written = busy.exec_driver_sql("SELECT body FROM provider_text").scalar()[:60]
        sides.reached(**HERS).sweep("2026-02-03")
        assert sides.held()[0].left_behind and sides.kept() == []
    sides.sweep("2026-02-04")
    assert not sides.held()[0].left_behind
    assert bytes_in(tmp_path, written, "Zephyrine") == {}
    for engine in (sides.main, sides.strand):
        with reading(engine) as c:
            assert c.exec_driver_sql("PRAGMA secure_delete").scalar() == 1


def test_sr_11_what_becomes_known_while_a_text_is_screened_waits_and_takes_it_back(
    sides: Sides, monkeypatch: pytest.MonkeyPatch
):
    sides.staffed().man().referred().sweep("2026-01-08").reached(name="Sam Sample")
    screen, halfway, done = texts._screened, threading.Event(), []

    def slow(*given: Any) -> set[str]:
        found = screen(*given)
        halfway.set()
        time.sleep(0.5)
        done.append("screened")
        return found

    def known() -> None:
        halfway.wait(10)
        sides.reached(**HERS)
        done.append("known")

    monkeypatch.setattr(texts, "_screened", slow)
    at_once(lambda: sides.writes("He rang Zephyrine."), known)
    assert done == ["screened", "known"] and sides.kept() == ["He rang Zephyrine."]
    sides.sweep("2026-02-03")
    assert sides.kept() == []


def test_sr_11_who_is_interrupted_while_releasing_leaves_nothing_that_passes(sides: Sides):
    sides.staffed().man().referred().sweep("2026-01-08").reached(**HERS)
    now = evening(day("2026-02-03"))
    numbers = [sides.writes(f"The group meets at LS1 {n}AB.").number for n in (4, 5)]
    for number in numbers:
        left = {"pathway": "DVPP-D1", "recorded_by": "P1", "recorded_at": now, "body": "left over", "held": number}
        with writing(sides.main) as c:
            c.execute(t.ProviderText.__table__.insert().values(left))
    texts.refuse(sides.main, sides.strand, numbers[0], "SW1", now)
    texts.release(sides.main, sides.strand, numbers[1], "SW1", now, corrected="The group meets.", as_it_is=False)
    assert sides.kept() == ["The group meets."]


SHORT = {
    "name": "Jo Li",
    "address": "3 Elm, Ely, LS1 4AB",
    "workplace": "KFC",
    "school": "Oak",
    "phone": "01632 960987",
}


@pytest.mark.parametrize(
    "said", ["Jo Li", "J.o. L-i", "Elm", "Ely", "KFC", "K F C", "the Oak", "LS1", "on 960987", "96 09 87", "3 Elm"]
)
def test_sr_11_short_details_of_hers_are_known_as_words(tmp_path: Path, said: str):
    assert simple_unknown(tmp_path).reached(**SHORT).writes(f"He spoke of {said} today.").held


def test_short_details_are_not_looked_for_inside_of_words(tmp_path: Path):
    assert (
        not simple_unknown(tmp_path)
        .reached(**SHORT)
        .writes("He relyed on joliness, elms at helm, soaked rely. " + CLEAN)
        .held
    )


@pytest.mark.parametrize(
    "said",
    [
        "LSI 4AB", "L51 4AB", "LS1 4A8", "LSl 4AB", "SWIA 1AA", "LS1&#32;4AB", "LS1%204AB", "%4CS1 4AB", "&#76;S1 4AB", "%254CS1 4AB",
        "Lima Sierra one four Alpha Bravo", "lima sierra 1 4 alfa bravo", "https://x.example/a", "www.place.example", "///filled.count.soap",
        "filled.count.soap", "bit.ly", "53.79648, -1.54785", "53.7964 and 1.5478", "53\u00b047'47\"N", "SE 29500 33400", "se295334", "TQ 30 80",
    ],
)  # fmt: skip
def test_sr_11_a_place_is_found_misspelled_escaped_spelled_linked_or_mapped(said: str):
    assert found_in(f"He says it is {said} now."), said


def test_only_who_was_sent_the_referral_and_still_is_may_write(sides: Sides):
    sides.staffed().man().referred().sweep("2026-01-08").reached(name="Sam Sample")
    sent = sides.rows(sides.main, t.FactRow, kind="referral_sent")[0].id
    sides.happens("DVPP-D1", "retracted", "2026-01-09", supersedes=sent)
    with pytest.raises(texts.NotTaken, match="was not sent"):
        sides.writes(CLEAN)


def test_a_corrected_text_is_checked_as_any_other(tmp_path: Path):
    sides, now = simple(tmp_path), evening(day("2026-02-03"))
    number = sides.writes("He rang Zephyrine.").number
    for body in ("", "x" * 5_001, "a\0b"):
        with pytest.raises(texts.NotTaken, match="from 1 to"):
            texts.release(sides.main, sides.strand, number, "SW1", now, corrected=body, as_it_is=True)
    assert len(sides.held()) == 1


def test_one_referral_that_cannot_be_opened_does_not_stop_the_others(sides: Sides):
    sides.staffed().man().referred()
    sides.man("DVPP-D2", case="CASE2", parties=("PC", "PD")).referred("DVPP-D2", on="1999-01-04")
    with pytest.raises(Fault, match="NotOpened"):
        sides.sweep("2026-01-08")
    assert [row.man for row in sides.rows(sides.strand, Followed)] == ["DVPP-D1"]
    assert sides.told() == [("SW1", "support-wanted")]


def test_a_sweep_screens_again_only_what_is_new_or_what_more_is_known_of(sides: Sides, monkeypatch: pytest.MonkeyPatch):
    sides.staffed().man().referred().sweep("2026-01-08").reached(name="Sam Sample").writes(CLEAN)
    sides.sweep("2026-02-03")
    screened = []
    monkeypatch.setattr(Known, "said_in", lambda _, body, pathway: screened.append(body))
    assert sides.sweep("2026-02-04") and screened == []
    assert sides.reached(name="Robin Sample").sweep("2026-02-05") and screened == [CLEAN]
    sides.change(sides.main, t.Party, {"reference": "PB"}, name="Kim Sample")
    assert sides.sweep("2026-02-06") and screened == [CLEAN, CLEAN]


def test_what_a_file_or_an_answer_leaves_out_stays_and_a_dash_takes_it_away(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sides = on_duty(desk, tmp_path)
    desk("restricted", "load", "survivors", written(tmp_path, "fewer", {"pathway": "DVPP-D1", "name": "Sam Sample"}))
    row = sides.rows(sides.strand, Survivor)[0]
    assert (row.name, row.phone, row.school) == ("Sam Sample", HERS["phone"], HERS["school"])
    typed(desk, monkeypatch, "Sam Sample\n-\n\n\n\n\n\n")
    assert desk("restricted", "survivor", "DVPP-D1").out.endswith("Kept.\n")
    row = sides.rows(sides.strand, Survivor)[0]
    assert (row.phone, row.school) == (None, HERS["school"])
    typed(desk, monkeypatch, "He rang 07700 900123, he said.")
    assert desk("text", "add", "DVPP-D1", "--by", "P1").out.startswith("It is held")
    assert texts.SURVIVOR in sides.held()[0].found


def test_sr_11_a_header_that_is_not_known_is_named_by_its_place(desk: Desk, tmp_path: Path):
    file = tmp_path / "survivors.csv"
    file.write_text("pathway,name,Zephyrine Quorlswick\nDVPP-D1,Sam,x\n", encoding="utf-8")
    said = desk("restricted", "load", "survivors", str(file))
    assert said.code == 1 and "column number 3 is not known" in said.err and "Zephyrine" not in said.err


def test_the_database_of_his_side_is_its_owners_only_too(tmp_path: Path):
    migrate(database(Settings(home=tmp_path / "home").database_url))
    for file in (tmp_path / "home").glob("pathways.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


# A life of both sides, and then a search --------------------------------------------------------------------------------


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Desk]:
    """Somebody who types commands, of either side, on one machine."""
    yield Desk(monkeypatch, capsys, tmp_path / "home").migrated()
    settings.cache_clear()
    database.cache_clear()


def typed(desk: Desk, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What is piped into the next command."""
    import io

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))


def written(folder: Path, name: str, *rows: dict[str, str]) -> str:
    path = folder / f"{name}.csv"
    lines = [",".join(rows[0])] + [",".join(f'"{cell}"' for cell in row.values()) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def on_duty(desk: Desk, folder: Path) -> Sides:
    """Both sides at work on one machine: the strand has its people, one man is referred, his survivor is known."""
    settings.cache_clear()
    sides = Sides(database(settings().database_url), settings()).man().referred()
    people = [{"code": code, "name": f"Name {code}", "email": f"{code.lower()}@support.example", "role": role, "telling": "instant"}
              for code, role in (("SW1", "support worker"), ("SMG1", "support_manager"))]  # fmt: skip
    area = {"code": "SA01", "label": "Area 1", "support_worker": "SW1", "support_manager": "SMG1"}
    desk("restricted", "load", "practitioners", written(folder, "people", *people))
    desk("restricted", "load", "areas", written(folder, "areas", area))
    desk("restricted", "round")
    desk("restricted", "load", "survivors", written(folder, "survivors", {"pathway": "DVPP-D1", **HERS}))
    return sides


OF_HIS_SIDE = [
    "list", "list --json", "list --programme SUPPORT", "overdue", "overdue --json", "show DVPP-D1", "show DVPP-D1 --json", "outbox list",
    "outbox list --state sent --json", "outbox list --state waiting", "text list DVPP-D1", "text list DVPP-D1 --json", "template",
    *(f"template {kind}" for kind in intake.KINDS), "chase", "deliver", "--help", "text --help", "record --help",
]  # fmt: skip
WRONG = [
    "show {support}", "show SUPPORT-1", "note {support}", "hold {support} --by FCA1", "record {support} support_accepted --by FCA1",
    "record DVPP-D1 support_accepted --by FCA1", "record {support} risk_raised --by SW1", "record DVPP-D1 withdrawn --by SW1",
    "text add {support} --by P1 {file}", "text add DVPP-D1 --by SW1 {file}", "text add DVPP-D1 --by Zephyrine {file}",
    "load survivors {file}", "load practitioners {file}", "template survivors", "outbox correct SW1 a@b.example", "record DVPP-D1 bogus --by FCA1",
    "record DVPP-D1 risk_raised risk=Zephyrine_Quorlswick --by FCA1", "restricted release 1 --by P1", "restricted release 99 --by SW1",
    "restricted refuse 1 --by FCA1", "restricted show DVPP-D9", "restricted record DVPP-D1 support_accepted --by FCA1",
    "restricted record DVPP-D1 man_dropped source=F-1 --by SW1", "restricted load survivors {file}",
]  # fmt: skip


def test_sr_11_after_a_life_of_both_sides_nothing_of_hers_is_anywhere_but_in_the_restricted_database(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    (tmp_path / "in").mkdir()
    with Sink() as mail:
        monkeypatch.setenv("PATHWAYS_CHANNELS", json.dumps({"mail": {"url": to_sink(mail.port)["mail"].url}}))
        monkeypatch.setenv(
            "PATHWAYS_RESTRICTED_CHANNELS", json.dumps({"mail": {"url": to_sink(mail.port)["mail"].url}})
        )
        monkeypatch.setenv("PATHWAYS_SENDING", json.dumps({"days": "any", "opens": "00:00", "closes": "23:59:59"}))
        sides = on_duty(desk, tmp_path / "in")
        said = []
        for disguised in [*HERS.values(), *DISGUISES]:
            typed(desk, monkeypatch, f"He spoke of {disguised} today.")
            said.append(desk("text", "add", "DVPP-D1", "--by", "P1"))
        held = "It is held as number N until somebody has looked at it.\n"
        assert {re.sub(r"\d+", "N", one.out) for one in said} == {held}
        support = sides.support().reference
        desk("restricted", "record", "DVPP-D1", "survivor_contact_tried", "--by", "SW1")
        desk("restricted", "record", support, "support_accepted", "--by", "SW1")
        sides.happens("CASE1", "risk_raised", "2026-02-02").happens(
            "DVPP-D1", "dropped", "2026-02-03", reason="own_choice"
        )
        desk("restricted", "round")
        out = [desk(*words.split()) for words in OF_HIS_SIDE]
        file = tmp_path / "in" / "wrong.csv"
        file.write_text("name\nZephyrine Quorlswick\n", encoding="utf-8")
        for words in WRONG:
            out.append(wrong(desk, words.format(support="SUPPORT-1", file=file)))
            if "{support}" in words:
                assert support not in wrong(desk, words.format(support=support, file=file)).out
        assert mail.received
    heard = "\n".join(one.out + one.err for one in [*said, *out]).replace("ZEPHYRINE was not sent", "").lower()
    assert not [word for word in CANARIES if word.lower() in heard]
    assert support not in heard.upper()
    sent = "\n".join(str(one.message) for one in mail.received).lower()
    assert not [word for word in CANARIES if word.lower() in sent]
    assert not [word for word in CANARIES if word.lower() in caplog.text.lower()]
    assert set(bytes_in(desk.home, support, "sw1@support")) <= {
        "restricted.db",
        "restricted.db-wal",
        "restricted-sent.log",
    }
    assert bytes_in(desk.home, *LONG) == {}  # even there they are encrypted


def wrong(desk: Desk, words: str) -> Any:
    """A command of which nobody says how it ends, as long as it is no traceback."""
    from cli.app import main

    settings.cache_clear()
    desk.monkeypatch.setattr(sys, "argv", ["pathways", *words.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    said = desk.capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    assert ended.value.code, words
    return said


def test_the_commands_of_the_strand_show_and_decide(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sides = on_duty(desk, tmp_path)
    shown = desk("restricted", "show", "DVPP-D1").out
    assert all(value in shown for value in HERS.values()) and "DVPP-D1" in shown
    (one,) = json.loads(desk("restricted", "list", "--json").out)
    assert (one["follows"], one["on"], one["stands"]) == ("DVPP-D1", "SW1", "Awaiting support offer")
    typed(desk, monkeypatch, "He rang Zephyrine.")
    assert (
        desk("text", "add", "DVPP-D1", "--by", "P1").out == "It is held as number 1 until somebody has looked at it.\n"
    )
    assert "He rang Zephyrine." in desk("restricted", "held").out
    assert desk("restricted", "release", "1", "--by", "SW1", "--as-it-is").code == 4
    (tmp_path / "corrected.txt").write_text("He rang her.")
    desk("restricted", "release", "1", "--by", "SW1", "--text", str(tmp_path / "corrected.txt"))
    assert "He rang her." in desk("text", "list", "DVPP-D1").out
    typed(desk, monkeypatch, "He saw Zephyrine.")
    desk("text", "add", "DVPP-D1", "--by", "P1")
    assert desk("restricted", "refuse", "2", "--by", "SMG1").out == "Refused.\n"
    assert desk("restricted", "held").out == "No text is held.\n"
    assert desk("restricted", "record", "DVPP-D1", "support_ended", "--by", "SW1").code == 2
    assert desk("restricted", "record", "DVPP-D1", "support_ended", "reason=her_wish", "--by", "SW1").out.startswith(
        "Recorded"
    )
    desk("restricted", "round")
    assert sides.support().state == "closed_ended"


def test_a_survivor_is_written_down_by_answering_and_what_was_kept_is_taken_back(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sides = on_duty(desk, tmp_path)
    typed(desk, monkeypatch, "He rang Marmaduchess.")
    assert desk("text", "add", "DVPP-D1", "--by", "P1").out.startswith("Kept as text")
    typed(desk, monkeypatch, "Marmaduchess Ffolkes\n\n\n\n\n\nnever\n")
    assert desk("restricted", "survivor", "DVPP-D1").out.endswith("Kept.\n")
    assert sides.kept() == [] and len(sides.held()) == 1
    typed(desk, monkeypatch, "Marmaduchess Ffolkes\n\nno-address\n\n\n\n\n")
    assert desk("restricted", "survivor", "DVPP-D1").code == 2


def test_sr_11_a_machine_out_of_reach_says_so_and_stores_nothing(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sides = on_duty(desk, tmp_path)
    desk.monkeypatch.setenv("PATHWAYS_RESTRICTED_DATABASE", "none")
    for words in (
        "list",
        "show DVPP-D1",
        "held",
        "round",
        "refuse 1 --by SW1",
        "record DVPP-D1 support_accepted --by SW1",
    ):
        said = desk("restricted", *words.split())
        assert said.code == 1 and "out of reach of this machine" in said.err
    for unreachable in ("none", "postgresql://127.0.0.1:1/strand", f"sqlite:///{tmp_path / 'empty.db'}"):
        desk.monkeypatch.setenv("PATHWAYS_RESTRICTED_DATABASE", unreachable)
        typed(desk, monkeypatch, CLEAN)
        said = desk("text", "add", "DVPP-D1", "--by", "P1")
        assert (said.code, said.err) == (
            1,
            "The text was not taken, for it cannot be checked on this machine now. Nothing of it was stored.\n",
        )
    assert sides.kept() == [] and sides.held() == []
    desk.monkeypatch.setenv("PATHWAYS_RESTRICTED_DATABASE", "none")
    assert desk("migrate").out == "The database is up to date.\n"
    assert desk("list").code == 0


def test_what_was_heard_is_not_corrected_by_hand(desk: Desk, tmp_path: Path):
    sides = on_duty(desk, tmp_path).happens("DVPP-D1", "dropped", "2026-02-03", reason="own_choice")
    desk("restricted", "round")
    number = sides.rows(sides.strand, t.FactRow, kind="man_dropped")[0].id
    said = desk("restricted", "record", "DVPP-D1", "retracted", "--supersedes", str(number), "--by", "SW1")
    assert said.code == 1 and "it is corrected where it was said" in said.err
    desk("restricted", "record", "DVPP-D1", "survivor_contact_tried", "--by", "SW1")
    own = sides.rows(sides.strand, t.FactRow, kind="survivor_contact_tried")[0].id
    assert desk("restricted", "record", "DVPP-D1", "retracted", "--supersedes", str(own), "--by", "SW1").out.startswith(
        "Recorded"
    )


def test_the_page_names_every_kind_of_the_strand():
    page = (Path(__file__).parents[1] / "docs" / "restricted.md").read_text(encoding="utf-8")
    assert not [kind for kind in RESTRICTED if f"`{kind}`" not in page]
    assert {name for name in wordings() if name.startswith("support-")} >= {
        "support-wanted",
        "support-risk",
        "support-dropped",
    }
