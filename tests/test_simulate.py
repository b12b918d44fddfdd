"""A simulated year: the same for the same start, and whatever people do or leave undone, nothing is lost or said twice."""

import json
import os
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from flows.programmes import PROGRAMMES as STORIES
from models import tables as t
from settings import Channel, Sending, Settings, settings
from simulate.figures import Figures, at_share, compared, figures
from simulate.home import NotSimulated, home_of_its_own
from simulate.referrals import PROGRAMMES, Caseload, Referrals
from simulate.shares import SHIPPED, Shares, SharesError, read
from simulate.year import AFTERNOON, Year, at
from store.advance import advance
from store.database import reading
from tests.test_command_line import Desk, fresh  # noqa: F401 - a fixture
from tests.world import empty

APRIL = date(2025, 4, 1)
OWN = Settings(
    profile="composite", link="https://simulated.example/{reference}", sending=Sending(batch=500),
    channels={"mail": Channel(url="json://127.0.0.1:9")},
)  # fmt: skip
OFTEN = {
    "country": {"lapses": {"is": 40}, "suspended": {"is": 25}, "advisers": {"is": 3}, "trained": {"is": 2}},
    "happenings": {
        "risk_raised": {"percent": 30}, "held": {"percent": 30}, "corrected": {"percent": 25},
        "hearing_listed": {"percent": 80}, "vacated": {"percent": 40},
    },
    "silence": {"never_of_late_over_10": {"is": 50}},
    "punctuality": {
        who: {
            "on_time": {"percent": 50}, "late_1_5": {"percent": 20}, "late_6_10": {"percent": 15},
            "late_over_10": {"percent": 15},
        }
        for who in ("provider", "staff")
    },
    "answers": {
        "acknowledgement": {"accepted": {"percent": 75}, "declined": {"percent": 25}},
        "risk_review": {"continue": {"percent": 70}, "unsuitable": {"percent": 30}},
    },
    "spip": {
        "life": {"attends_first": {"percent": 40}, "attends_after_rebooking": {"percent": 20},
                 "breach": {"percent": 25}, "withdrawn": {"percent": 15}},
        "numbers": {"session_cancelled": {"is": 15}, "tried_again": {"is": 40}, "monitoring": {"is": 60}, "both_parents": {"is": 95}},
    },
    "dvpp": {"numbers": {"leaves": {"is": 12}, "absent": {"is": 20}, "not_held": {"is": 10}, "final_order": {"is": 30},
                         "not_assessed": {"is": 15}, "misses_one": {"is": 20}, "drops_out": {"is": 40}}},
    "cppp": {"numbers": {"stops": {"is": 25}, "leaves": {"is": 15}, "called_off": {"is": 30}, "waived": {"is": 30}}},
}  # fmt: skip
"""A country in which whatever seldom happens happens often."""


def written(folder: Path, own: dict[str, Any]) -> Path:
    """A file of shares with rows as these are."""

    def lines(table: dict[str, Any], name: str) -> Iterator[str]:
        for key, row in table.items():
            whole = f"{name}.{key}" if name else key
            if all(not isinstance(value, dict) for value in row.values()):
                yield from (f"{whole}.{field} = {json.dumps(value)}" for field, value in row.items())
            else:
                yield from lines(row, whole)

    file = folder / "own.toml"
    file.write_text("\n".join(lines(own, "")), encoding="utf-8")
    return file


def lived(
    engine: Engine, shares: Shares, pathways: int, weeks: int, programmes: Any = PROGRAMMES, seed: int = 1
) -> Year:
    year = Year(engine, Caseload(pathways, weeks, seed, APRIL, programmes), shares, OWN)
    year.run()
    return year


def in_bytes(of: Figures) -> bytes:
    return json.dumps(of).encode()


# The same start ---------------------------------------------------------------------------------------------------------


def short(engine: Engine, seed: int = 1) -> bytes:
    return in_bytes(figures(lived(engine, read(), 40, 5, seed=seed)))


@pytest.fixture(scope="module")
def in_memory() -> bytes:
    return short(empty())


def test_the_same_start_gives_the_same_year_to_the_last_byte_whatever_the_database(engine: Engine, in_memory: bytes):
    assert short(engine) == in_memory


def test_another_start_gives_another_year(in_memory: bytes):
    assert short(empty(), seed=2) != in_memory


def test_of_a_larger_caseload_a_smaller_one_is_a_part():
    shares = read()
    few, more = (
        set(chain.from_iterable(Referrals(Caseload(number, 52, 1, APRIL), shares).by_day.values()))
        for number in (1000, 1200)
    )
    assert len(few) == 1000 and len(more) == 1200 and few < more


def test_programmes_and_months_have_their_shares():
    by_day = Referrals(Caseload(12140, 52, 1, APRIL), read()).by_day
    everybody = [one for some in by_day.values() for one in some]
    assert Counter(one.programme for one in everybody) == {"SPIP": 12000, "DVPP": 100, "CPPP": 40}
    in_month = Counter(one.on.month for one in everybody if one.programme == "SPIP")
    assert 320 < in_month[4] < 410, "365 in April (d03)"
    assert 1260 < in_month[11] < 1550, "1407 in November (d03)"
    cases = Counter(one.case for one in everybody)
    assert max(cases.values()) == 2 and 0.55 < sum(n == 2 for n in cases.values()) * 2 / 12140 < 0.65


# Silence ----------------------------------------------------------------------------------------------------------------


def test_who_never_answers_is_chased_to_the_last_rung_and_nobody_attended_by_that(tmp_path: Path):
    silent = {"punctuality": {"provider": punctual("late_over_10")}, "silence": {
        "never_of_late_over_10": {"is": 100}, "recalled": {"is": 0}}}  # fmt: skip
    year = lived(empty(), read(written(tmp_path, silent)), 12, 15, ("SPIP",))
    with reading(year.engine) as connection:
        owed = connection.execute(select(t.DutyRow.__table__).where(t.DutyRow.on_role == "provider")).all()
        kinds = set(connection.execute(select(t.FactRow.kind)).scalars())
    late = [row for row in owed if row.opened_on < date(2025, 6, 10) and row.state == "open"]
    assert late and {row.kind for row in late} == {"acknowledgement"}
    assert {row.step for row in late} == {"E2"}
    last = year.load.days[-1]
    assert all(row.step for row in owed if row.state == "open" and row.due_on < last), "whoever is late is chased"
    assert not kinds & {"acknowledged", "session_booked", "attendance_reported"}
    made = figures(year)
    assert {row["outcome"] for row in made["outcomes"]} <= {"open", "agreement_reached", "not_resident", "transferred",
                                                            "unsuitable_risk", "proceedings_ended", "court_declined"}  # fmt: skip
    assert not made["sessions"]
    assert made["spend"][0]["pounds"] == 0


def punctual(how: str) -> dict[str, Any]:
    rows = ("on_time", "late_1_5", "late_6_10", "late_over_10")
    return {row: {"percent": 100 if row == how else 0} for row in rows}


def test_how_late_people_are_is_what_the_report_says(tmp_path: Path):
    all_late = {"punctuality": {"provider": punctual("late_6_10"), "staff": punctual("on_time")}}
    all_late |= {"happenings": {"hearing_listed": {"percent": 0}}}
    made = figures(lived(empty(), read(written(tmp_path, all_late)), 25, 10, ("SPIP",)))
    late = {row["owed"]: row for row in made["late"]}
    answered = late["acknowledgement"]["duties"] - late["acknowledgement"]["open"]
    assert answered > 10 and late["acknowledgement"]["were late"] >= answered
    assert 6 <= late["acknowledgement"]["median days late"] <= late["acknowledgement"]["nine in ten by"] <= 10
    assert late["referral"]["were late"] == 0, "staff are in time"
    assert {row["step"] for row in made["chases"]} == {"R0", "R1", "R2", "E1"}, "nobody is fifteen days late"


# A year in which what is rare happens often -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def often(tmp_path_factory: pytest.TempPathFactory) -> Year:
    spring = {"are": [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]}  # the long ones begin early, so that they get far
    year = {"SPIP": {"is": 6}, "DVPP": {"is": 1}, "CPPP": {"is": 1}}
    own = OFTEN | {"volumes": {"year": year, "months": {"DVPP": spring, "CPPP": spring}}}
    return lived(empty(), read(written(tmp_path_factory.mktemp("often"), own)), 150, 52)


def rows(year: Year, table: Any) -> list[Any]:
    with reading(year.engine) as connection:
        return list(connection.execute(select(table.__table__)).all())


def standing_facts(year: Year) -> list[Any]:
    facts = rows(year, t.FactRow)
    corrected = {fact.supersedes for fact in facts}
    return [fact for fact in facts if fact.id not in corrected]


def test_what_is_rare_did_happen(often: Year):
    kinds = Counter(fact.kind for fact in rows(often, t.FactRow))
    assert len(kinds) > 55
    for kind in ("risk_raised", "held", "referral_declined", "session_cancelled", "breach_decided", "hearing_vacated"):
        assert kinds[kind] > 5, kind
    assert sum(fact.supersedes is not None for fact in rows(often, t.FactRow)) > 10, "corrections"


def test_no_pathway_failed_and_nothing_was_refused_that_should_not_be(often: Year):
    assert not often.failed
    # Two parents in one session; and a next step from an attendance that was corrected to an absence that day.
    assert set(often.refused) <= {("session_booked", "SR-03"), ("next_step_taken", "fact")}


def test_no_duty_is_left_unseen(often: Year):
    seen = set(often.agenda.seen())
    assert [row.key for row in rows(often, t.DutyRow) if row.state == "open" and row.id not in seen] == []


def test_every_open_pathway_waits_for_somebody_or_for_a_day(often: Year):
    owing = {row.pathway for row in rows(often, t.DutyRow) if row.state == "open"}
    waiting = [row for row in rows(often, t.PathwayRow) if not row.closed_on]
    assert [row.reference for row in waiting if row.reference not in owing and not row.look_on] == []


def test_a_closed_pathway_owes_nothing_but_letters(often: Year):
    closed = {row.reference for row in rows(often, t.PathwayRow) if row.closed_on}
    owed = [row for row in rows(often, t.DutyRow) if row.state == "open" and row.pathway in closed]
    assert len(closed) > 60
    assert {row.kind for row in owed} <= {"letter_referral_made", "letter_referral_ended", "letter_session"}


def test_every_message_is_sent_once(often: Year):
    messages = rows(often, t.MessageRow)
    assert len(messages) > 1000
    assert {(row.state, row.attempts) for row in messages if row.state != "withheld"} <= {("sent", 1), ("waiting", 0)}
    assert not [row for row in messages if row.error not in (None, "overtaken")], "all are fit to go (SR-12)"


def test_two_parents_of_a_case_are_never_in_one_session(often: Year):
    of = {row.reference: row for row in rows(often, t.PathwayRow)}
    facts = standing_facts(often)
    off = {(fact.subject, fact.payload["session"]) for fact in facts if fact.kind == "session_cancelled"}
    seats = Counter(
        (of[fact.subject].case, fact.payload["session"])
        for fact in facts
        if fact.kind == "session_booked"
        and (fact.subject, fact.payload["session"]) not in off
        # Of a pathway that is over the provider was told to cancel its sessions, and nobody reports on them.
        and (of[fact.subject].closed_on or date.max).isoformat() > fact.payload["starts_at"]
    )
    assert often.refused["session_booked", "SR-03"], "some were to be booked into one"
    assert max(seats.values()) == 1


def test_nobody_completed_without_a_report_that_says_so(often: Year):
    facts = standing_facts(often)
    attended = {fact.subject for fact in facts if fact.payload.get("result") in ("attended", "late")}
    reported = {fact.subject for fact in facts if fact.kind == "final_reported"}
    completed = {row.reference for row in rows(often, t.PathwayRow) if row.reason == "completed"}
    assert {name for name in completed if name.startswith("SPIP")} <= attended
    assert {name for name in completed if name.startswith("DVPP")} <= reported
    assert len(completed) > 15


def test_told_again_from_the_beginning_nothing_is_different(often: Year):
    stands = rows(often, t.PathwayRow)
    now = at(often.load.days[-1], AFTERNOON)
    for programme, story in STORIES.items():
        names = [row.reference for row in stands if row.programme == programme]
        again = advance(often.engine, programme, story, now, OWN, names)
        # Where a provider closed since, nobody looks before the next fact comes.
        assert {one.label for one in again.changed} <= {"No provider open"}


def test_the_report_holds_counts_and_no_reference(often: Year):
    said = in_bytes(figures(often)).decode()
    codes = {row.code for table in (t.Practitioner, t.Provider) for row in rows(often, table)}
    names = {row.reference for table in (t.PathwayRow, t.Case, t.Party) for row in rows(often, table)}
    assert not [name for name in names | codes if name in said]


def test_what_is_reported_adds_up(often: Year):
    made = figures(often)
    opened = sum(row["pathways"] for row in made["referrals"])
    assert opened == sum(row["pathways"] for row in made["outcomes"]) == len(rows(often, t.PathwayRow))
    assert sum(row["messages"] for row in made["messages"]) == len(rows(often, t.MessageRow))
    notices = [row[state] for row in made["told"] for state in ("sent", "failed", "waiting", "overtaken")]
    assert sum(notices) == len(rows(often, t.NoticeRow))
    chased = {row["step"]: row["duties"] for row in made["chases"]}
    steps = [row.occasion.split(":")[1] for row in rows(often, t.NoticeRow) if row.wording == "chase"]
    assert set(chased) == set(steps)
    assert chased["R1"] == steps.count("R1"), "the first chase tells the provider alone"


# Shares -----------------------------------------------------------------------------------------------------------------


def test_every_figure_names_its_source():
    def figures_in(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for row in table.values():
            yield from figures_in(row) if all(isinstance(value, dict) for value in row.values()) else [row]

    found = list(figures_in(tomllib.loads(SHIPPED.read_text(encoding="utf-8"))))
    assert len(found) > 100
    assert not [row for row in found if not row.get("source")]


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ('spip.life.breach.percent = 20', "shares: [spip.life] makes 112 percent, not 100"),
        ('spip.lives.breach.percent = 8', "shares: there is no spip.lives; there are"),
        ('spip.numbers.monitoring.is = "many"', "shares: spip.numbers.monitoring.is cannot be 'many'"),
        ('spip.life = 3', "shares: spip.life is laid out otherwise in the shipped file"),
        ('volumes.months.SPIP.are = [1, 2]', "shares: volumes.months.SPIP.are cannot be [1, 2]"),
        ('volumes.year.SPIP.is = -1', "shares: volumes.year.SPIP.is cannot be -1"),
        ('spip.life', "it is not laid out as TOML"),
    ],
)  # fmt: skip
def test_shares_that_cannot_be_are_refused_with_a_sentence(own: str, said: str, tmp_path: Path):
    (tmp_path / "own.toml").write_text(own, encoding="utf-8")
    with pytest.raises(SharesError) as why:
        read(tmp_path / "own.toml")
    assert said in str(why.value)


def test_medians_are_days_that_occurred():
    assert at_share(Counter({1: 5, 2: 4, 9: 1}), 50) == 1
    assert at_share(Counter({1: 5, 2: 4, 9: 1}), 90) == 2
    assert at_share(Counter({1: 5, 2: 4, 9: 1}), 91) == 9
    assert at_share(Counter(), 50) is None


def test_a_forecast_says_how_many_more():
    base = {"referrals": [{"programme": "SPIP", "pathways": 100}], "spend": [{"programme": "SPIP", "pounds": 500}],
            "chases": [{"step": "R1", "duties": 0}]}  # fmt: skip
    raised = {"referrals": [{"programme": "SPIP", "pathways": 120}], "spend": [{"programme": "SPIP", "pounds": 650}],
              "chases": [{"step": "R1", "duties": 2}, {"step": "E1", "duties": 1}]}  # fmt: skip
    nothing: Figures = {name: [] for name in ("messages", "late", "sessions", "outcomes")}
    said = {row["figure"]: tuple(row.values())[1:] for row in compared(nothing | base, nothing | raised)}
    assert said["referred to SPIP"] == (100, 120, 20, 20.0)
    assert said["pounds in all"] == (500, 650, 150, 30.0)
    assert said["chases"] == (0, 3, 3, None)
    assert said["chases, step E1"] == (0, 1, 1, None)


# A home of its own ------------------------------------------------------------------------------------------------------


def test_while_it_lasts_no_setting_of_anybody_elses_is_in_force(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATHWAYS_HOME", str(tmp_path / "mine"))
    monkeypatch.setenv("PATHWAYS_DATABASE", f"sqlite:///{tmp_path}/mine.db")
    monkeypatch.setenv("PATHWAYS_CHANNELS", '{"mail": {"url": "pathways-mail://real.example"}}')
    settings.cache_clear()
    before = dict(os.environ)
    with home_of_its_own() as (engine, own):
        assert settings() == own
        assert engine.url.database == str(own.home / "pathways.db")
        assert own.channels["mail"].url == "json://127.0.0.1:9"
        home = own.home
    assert dict(os.environ) == before
    assert settings().database == f"sqlite:///{tmp_path}/mine.db"
    assert not home.exists() and not (tmp_path / "mine").exists() and not (tmp_path / "mine.db").exists()


def test_the_database_of_the_settings_is_never_simulated_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    mine = f"sqlite:///{tmp_path / 'pathways.db'}"
    monkeypatch.setenv("PATHWAYS_HOME", str(tmp_path))
    settings.cache_clear()
    for url in (mine, f"sqlite:///file:{tmp_path}/pathways.db?uri=true"):
        with pytest.raises(NotSimulated, match="the database of your settings"), home_of_its_own(url=url):
            pass
    monkeypatch.setenv("PATHWAYS_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    with pytest.raises(NotSimulated, match="the database of your settings"), home_of_its_own(keep=tmp_path / "home"):
        pass
    settings.cache_clear()
    assert list(tmp_path.iterdir()) == []


def test_somebody_elses_database_is_never_simulated_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with home_of_its_own(keep=tmp_path / "first") as (engine, _):
        lived(engine, read(), 2, 1)
    url = f"sqlite:///{tmp_path / 'first' / 'pathways.db'}"
    with pytest.raises(NotSimulated, match="There are tables in that database already"), home_of_its_own(url=url):
        pass
    with pytest.raises(NotSimulated, match="there already, and not empty"), home_of_its_own(keep=tmp_path / "first"):
        pass


# The command ------------------------------------------------------------------------------------------------------------


def test_simulate_prints_its_sections_in_a_pipe_and_the_same_for_machines(fresh: Desk):  # noqa: F811
    asked = ("simulate", "--pathways", "30", "--weeks", "6", "--programme", "spip")
    said = fresh(*asked).out
    assert said.startswith("Simulated: 30 referrals to SPIP in 6 weeks from 01/04/2025 to 12/05/2025, random start 1.")
    assert "\nReferred\nprogramme\tpathways\nSPIP\t30\n" in said
    (whole,) = json.loads(fresh(*asked, "--json").out)
    assert whole["simulated"] == {"pathways": 30, "weeks": 6, "from": "2025-04-01", "to": "2025-05-12", "seed": 1,
                                  "programmes": ["SPIP"]}  # fmt: skip
    assert whole["referrals"] == [{"programme": "SPIP", "pathways": 30}]
    assert not (fresh.home).exists(), "nothing is left where the settings are"


def test_a_forecast_shows_both_years(fresh: Desk):  # noqa: F811
    asked = ("simulate", "--pathways", "30", "--weeks", "3", "--referrals", "+20%", "--programme", "SPIP")
    (whole,) = json.loads(fresh(*asked, "--json").out)
    assert [whole[year]["simulated"]["pathways"] for year in ("now", "then")] == [30, 36]
    assert whole["differences"][0] == {"figure": "referred to SPIP", "now": 30, "then": 36, "more": 6, "percent": 20.0}


def test_a_kept_simulation_is_looked_at_with_any_command(fresh: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # noqa: F811
    kept = tmp_path / "kept"
    fresh("simulate", "--pathways", "5", "--weeks", "6", "--keep", str(kept), "--programme", "SPIP")
    monkeypatch.setenv("PATHWAYS_HOME", str(kept))
    monkeypatch.delenv("PATHWAYS_PERSONAL_KEYS")
    listed = json.loads(fresh("list", "--json").out)
    assert len(listed) == 5
    assert "by the court" in "".join(fresh("show", row["pathway"]).out for row in listed)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--programme", "PTFC"), 2, "--programme: PTFC is not simulated; expected SPIP, DVPP, CPPP."),
        (("--from", "soon"), 2, "--from: "),
        (("--from", "2012-01-02"), 2, "--from: it is a day from 2018"),
        (("--referrals", "more"), 2, '--referrals: "more" is not understood; write it as +20%, -5% or 1.2.'),
        (("--referrals", "-100%"), 2, "--referrals: nobody would be referred."),
        (("--referrals", "1.2", "--keep", "x"), 2, "--referrals simulates two years"),
        (("--shares", "/nowhere.toml"), 2, "shares: /nowhere.toml cannot be read: No such file or directory"),
        (("--database", "nonsense"), 1, "That is no address of a database"),
        (("--database", "postgresql://nobody@127.0.0.1:1/none"), 1, "The database cannot be reached."),
        (("--pathways", "0"), 2, "Invalid value for '--pathways'"),
    ],
)
def test_wrong_options_are_answered_with_a_sentence(fresh: Desk, options: tuple[str, ...], code: int, said: str):  # noqa: F811
    answer = fresh("simulate", *options)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err
