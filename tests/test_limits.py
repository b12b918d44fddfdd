"""The limits file: sources, blocks by date, limits a pathway keeps, and what is said of a file that cannot be followed."""

import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from models import limits
from models.limits import SHIPPED, LimitsError, Span, limits_on, open_to_referrals
from models.tables import LimitSet, PathwayRow
from settings import Settings
from tests.world import SETTINGS, Office

SHIPPED_TEXT = SHIPPED.read_text(encoding="utf-8")
DOCUMENT = tomllib.loads(SHIPPED_TEXT)
BOOK = '{ within = "10 working days", after = "the provider\'s acknowledgement"'
FROM_2026 = SHIPPED_TEXT[
    SHIPPED_TEXT.index("[[spip]]") : SHIPPED_TEXT.index("# ---", SHIPPED_TEXT.index("[spip.numbers]"))
]
FROM_2026 = FROM_2026.replace("in_force_from = 2010-04-01", "in_force_from = 2026-02-01")


def reread() -> None:
    """What a new process does."""
    limits_on.cache_clear()
    limits._read.cache_clear()
    limits.with_what_is_newer.cache_clear()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a limits file, over the one before, and has it read as by a new process."""

    def written(text: str) -> Path:
        path = tmp_path / "limits.toml"
        path.write_text(text, encoding="utf-8")
        reread()
        return path

    return written


@pytest.mark.parametrize("name", [name for name in DOCUMENT if name != "ladder"])
def test_every_limit_and_number_has_a_source(name: str):
    for block in DOCUMENT[name]:
        assert block["referrals_source"].strip()
        for limit, row in {**block["limits"], **block.get("numbers", {})}.items():
            assert row["source"].strip(), limit
        for limit, row in block["limits"].items():
            assert Span.parse(row["within"]).count > 0 and row["after"].strip(), limit


def test_the_shipped_limits_are_those_of_the_specification():
    spans = limits_on("SPIP", date(2026, 1, 5)).content["limits"]
    wanted = {
        "acknowledge": "2 working days",
        "book": "10 working days",
        "attend": "30 working days",
        "before_hearing": "5 working days",
        "report": "5 working days",
        "breach_review": "5 working days",
        "next_step": "20 working days",
        "hold_review": "20 working days",
    }
    assert {name: spans[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("5 working days", "2026-02-06"),
        ("1 working day", "2026-02-02"),
        ("10 days", "2026-02-10"),
        ("2 weeks", "2026-02-14"),
        ("1 month", "2026-02-28"),
        ("3 months", "2026-04-30"),
        ("24 months", "2028-01-31"),
    ],
)
def test_a_limit_is_reckoned_as_it_is_said(text: str, end: str):
    assert Span.parse(text).after(date(2026, 1, 31)) == date.fromisoformat(end)


@pytest.mark.parametrize("text", ["", "five days", "5", "5 fortnights", "-5 days", "5.5 days", "5 working  weeks"])
def test_a_limit_that_is_none_is_refused_with_a_sentence(text: str):
    with pytest.raises(LimitsError, match='is not a limit; write it as "5 working days"'):
        Span.parse(text)


def booking_due(office: Office) -> str:
    return office.duty("booking").due_on.isoformat()


def test_a_pathway_keeps_its_limits_when_a_new_block_comes_into_force(engine: Engine, write):
    office = Office(engine, Settings(profile="composite", limits=write(SHIPPED_TEXT))).case()
    office.opens()
    office.acknowledged().advance("2026-01-07")
    assert booking_due(office) == "2026-01-21"
    with_a_new_block = SHIPPED_TEXT + "\n" + FROM_2026.replace(BOOK, BOOK.replace("10", "3"))
    assert with_a_new_block.count(BOOK) == 1
    write(with_a_new_block)
    office.says("SPIP-D1", "contact_attempted", "2026-02-02", by="P1")
    office.advance("2026-02-02")
    assert booking_due(office) == "2026-01-21"
    office.case("CASE2", ("PC",)).opens("SPIP-D2", "PC", case="CASE2", on="2026-02-02")
    office.referred("SPIP-D2", on="2026-02-02").says("SPIP-D2", "acknowledged", "2026-02-02", provider="P1")
    office.advance("2026-02-02")
    assert office.duty("booking", "SPIP-D2").due_on == date(2026, 2, 5)


def test_a_pathway_requested_before_a_new_block_but_opened_after_it_has_the_old_limits(engine: Engine, write):
    text = SHIPPED_TEXT + "\n" + FROM_2026.replace(BOOK, BOOK.replace("10", "3"))
    office = Office(engine, Settings(profile="composite", limits=write(text))).case()
    office.opens(on="2026-01-30")
    office.referred(on="2026-02-03").says("SPIP-D1", "acknowledged", "2026-02-03", provider="P1")
    office.advance("2026-02-03")
    assert booking_due(office) == "2026-02-17"


def test_a_pathway_keeps_its_limits_when_a_number_is_edited_in_place(engine: Engine, write):
    office = Office(engine, Settings(profile="composite", limits=write(SHIPPED_TEXT))).case()
    office.opens()
    office.acknowledged().advance("2026-01-07")
    assert booking_due(office) == "2026-01-21"
    edited = SHIPPED_TEXT.replace(BOOK, BOOK.replace("10", "3")).replace("at = 5", "at = 9")
    assert edited != SHIPPED_TEXT
    write(edited)
    assert limits_on("SPIP", date(2026, 1, 5), office.settings.limits).spans["book"] == Span(3, "working days")
    office.rounds("2026-01-08", "2026-01-29")
    assert booking_due(office) == "2026-01-21"
    assert [step for step, role, _ in office.chases("2026-01-28") if role == "provider"] == ["R2"]  # five days late


def test_a_limit_that_the_code_needs_since_a_pathway_began_is_the_newest_of_the_file(engine: Engine, write):
    later = ("rebook ", "rebookings ", "contact_attempts ")
    older = "\n".join(line for line in SHIPPED_TEXT.splitlines() if not line.strip().startswith(later))
    office = Office(engine, Settings(profile="composite", limits=write(older))).case()
    office.opens()
    office.awaiting_report(held="2026-01-16")
    report = {"by": "P1", "session": "S-SPIP-D1", "result": "absent"}
    office.says("SPIP-D1", "attendance_reported", "2026-01-19", **report)
    assert [one.failure for one in office.advance("2026-01-19").failed] == ["KeyError"]
    write(SHIPPED_TEXT.replace(BOOK, BOOK.replace("10", "3")))
    assert not office.advance("2026-01-20").failed
    assert office.duty("rebooking").due_on == date(2026, 1, 26)
    assert booking_due(office) == "2026-01-21"  # what it began with it keeps


def test_a_file_that_says_nothing_of_a_programme_any_more_stops_none_of_its_pathways(engine: Engine, write):
    office = Office(engine, Settings(profile="composite", limits=write(SHIPPED_TEXT))).case()
    office.opens()
    office.acknowledged()
    write(SHIPPED_TEXT.replace("[spip", "[other"))
    assert not office.advance("2026-01-07").failed
    assert booking_due(office) == "2026-01-21"


def test_pathways_of_the_same_limits_share_one_copy(engine: Engine):
    office = Office(engine).case()
    office.opens("SPIP-D1", "PA")
    office.opens("SPIP-D2", "PB", on="2026-01-06")
    assert len(office.rows(LimitSet)) == 1


@pytest.mark.parametrize(
    ("what", "text", "says"),
    [
        ("no such file", None, "cannot be read"),
        ("not TOML", "[[spip]\n", "cannot be read"),
        ("another programme", SHIPPED_TEXT.replace("[spip", "[other"), "nothing is said of 'spip' for SPIP"),
        ("a block as a table", SHIPPED_TEXT.replace("[[spip]]", "[spip]"), "is not laid out as in the shipped file"),
        (
            "a rung from nowhere",
            SHIPPED_TEXT.replace('from = "R1"', 'from = "R9"'),
            "is not laid out as in the shipped file",
        ),
        (
            "a number in words",
            SHIPPED_TEXT.replace("{ is = 1,", '{ is = "one",'),
            "is not laid out as in the shipped file",
        ),
        (
            "a task without a limit",
            SHIPPED_TEXT.replace("  phone_provider ", "  phone "),
            "nothing is said of 'phone_provider'",
        ),
        ("no ladder", SHIPPED_TEXT[: SHIPPED_TEXT.index("[[ladder]]")], "nothing is said of 'ladder' for SPIP"),
        ("no date", SHIPPED_TEXT.replace("in_force_from = 2010-04-01", "", 1), "nothing is said of 'in_force_from'"),
        ("a limit of no unit", SHIPPED_TEXT.replace('"10 working days"', '"10"', 1), '"10" is not a limit'),
        ("a rung without a day", SHIPPED_TEXT.replace("at = 15", "", 1), "nothing is said of 'at' for SPIP"),
        (
            "a ladder that is not there",
            SHIPPED_TEXT.replace("[[ladder.staff]]", "[[ladder.crew]]"),
            "nothing is said of 'staff'",
        ),
    ],
)
def test_a_file_that_cannot_be_followed_is_refused_with_a_sentence_before_a_pathway_keeps_it(
    write, what: str, text: str | None, says: str
):
    path = write(text) if text is not None else Path("/nowhere/limits.toml")
    with pytest.raises(LimitsError, match=says.replace("[", r"\[")) as refusal:
        limits_on("SPIP", date(2026, 1, 5), path)
    assert "\n" not in str(refusal.value).strip()


@pytest.mark.parametrize(
    ("profile", "on", "opened"),
    [
        ("dated", "2023-03-29", True),
        ("dated", "2023-03-30", False),
        ("dated", "2009-12-31", False),
        ("composite", "2023-03-30", True),
        ("composite", "2026-01-05", True),
        ("composite", "2009-12-31", False),
    ],
)
def test_spip_takes_requests_until_29_march_2023_only_where_dates_are_kept(
    engine: Engine, profile, on: str, opened: bool
):
    office = Office(engine, Settings(profile=profile)).case()
    why = office.opens(on=on)
    assert bool(office.rows(PathwayRow)) is opened
    assert opened or why.startswith("SR-16: SPIP takes no referrals on ")


def test_a_referral_after_the_closing_date_is_refused_though_the_request_came_before(engine: Engine):
    office = Office(engine, Settings(profile="dated")).case()
    office.opens(on="2023-03-28")
    office.says("SPIP-D1", "safeguarding_letter_filed", "2023-03-29")
    refused = office.says("SPIP-D1", "referral_sent", "2023-03-30", provider="P1")
    assert (refused.result, refused.rule) == ("refused", "SR-16")
    assert office.says("SPIP-D1", "referral_sent", "2023-03-29", provider="P1").result == "recorded"


def test_a_programme_the_file_does_not_name_is_not_open():
    assert not open_to_referrals("OTHER", date(2020, 1, 1), SETTINGS.profile)


@pytest.mark.parametrize(
    ("on", "days"), [("2010-04-01", 10), ("2026-01-31", 10), ("2026-02-01", 3), ("2030-01-01", 3), ("2000-01-01", 10)]
)
def test_a_block_is_in_force_from_its_very_day_and_the_oldest_one_before_all(write, on: str, days: int):
    path = write(FROM_2026.replace(BOOK, BOOK.replace("10", "3")) + "\n" + SHIPPED_TEXT)  # in whatever order they stand
    assert limits_on("SPIP", date.fromisoformat(on), path).spans["book"].count == days
