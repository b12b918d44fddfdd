"""The command line: what it answers, in which form, with which exit code. No Prefect here."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import typer.main
from sqlalchemy import select, update

import intake
from cli.app import app, main
from cli.say import complain
from flows.programmes import PROGRAMMES
from local.stack import _ready
from models.tables import FactRow, Practitioner
from models.working_days import london_date
from samples import SamplesRefused, load_files, load_samples
from samples.places import directory
from settings import Settings, settings
from store import ask
from store.advance import Outrun, advance
from store.chase import chase
from store.database import database, reading, writing
from tests.engine import ROOT, free_ports, write_file
from tests.fresh import put_tables, with_tables
from tests.world import empty

COMPOSITE = Settings(profile="composite")

# The commands are put together once, as in any process; ours runs hundreds.
typer.main.get_command = cache(typer.main.get_command)


@dataclass
class Said:
    code: int
    out: str
    err: str


class Desk:
    """Somebody who types commands. Whatever they type, no command answers with a traceback."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        self.monkeypatch, self.capsys, self.home = monkeypatch, capsys, home
        monkeypatch.setenv("PATHWAYS_HOME", str(home))
        monkeypatch.setenv("PATHWAYS_PROFILE", "composite")
        for name, port in free_ports("prefect", "mailbox", "smtp").items():
            monkeypatch.setenv(f"PATHWAYS_PORTS__{name.upper()}", str(port))
        monkeypatch.delenv("PATHWAYS_BY", raising=False)

    def migrated(self) -> "Desk":
        """Both databases of a new home are there."""
        for name in ("pathways.db", "restricted.db"):
            put_tables(self.home / name, restricted=name == "restricted.db")
        settings.cache_clear()
        return self

    def __call__(self, *words: str) -> Said:
        settings.cache_clear()
        self.monkeypatch.setattr(sys, "argv", ["pathways", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code or 0
        said = Said(code, *self.capsys.readouterr())
        assert "Traceback" not in said.out + said.err
        assert bool(said.err) == bool(code), "what goes wrong is said on standard error, and nothing else is"
        return said


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the samples of today, advanced and chased, to be copied."""
    path = tmp_path_factory.mktemp("sampled") / "pathways.db"
    engine = with_tables(database(f"sqlite:///{path}"))
    now = datetime.now(UTC)
    load_samples(engine, now, COMPOSITE)
    for programme, story in PROGRAMMES.items():
        assert not advance(engine, programme, story, now, COMPOSITE).failed
    chase(engine, now, COMPOSITE)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def pathways(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, sampled: Path
) -> Iterator[Desk]:
    """Where the samples are loaded."""
    shutil.copy(sampled, tmp_path / "pathways.db")
    yield Desk(monkeypatch, capsys, tmp_path)
    _forget()


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Desk]:
    """Where nothing is yet, not even the home folder."""
    yield Desk(monkeypatch, capsys, tmp_path / "home")
    _forget()


def _forget() -> None:
    settings.cache_clear()
    database.cache_clear()


def first(pathways: Desk, stands: str) -> str:
    """The first pathway that stands so."""
    return json.loads(pathways("list", "--waits-for", stands, "--json").out)[0]["pathway"]


# Help -----------------------------------------------------------------------------------------------------------------


def test_help_lists_the_commands_and_the_exit_codes(fresh: Desk):
    said = fresh("--help").out
    for command in ("run", "load", "template", "record", "hold", "release", "round", "chase", "deliver", "list", "show",
                    "overdue", "note", "outbox", "samples", "migrate", "plan", "evaluate", "unmet", "text", "restricted"):  # fmt: skip
        assert re.search(rf"^\W*{command}\s", said, re.MULTILINE), command
    assert "Exit codes: 0 done; 1 refused" in said


def test_every_command_has_help(fresh: Desk):
    for command in app.registered_commands:
        assert "Usage: pathways" in fresh(command.name or command.callback.__name__, "--help").out


def test_help_questions_and_recording_do_not_import_prefect(pathways: Desk):
    reference = first(pathways, "Awaiting session")
    code = """
import json, sys
from cli.app import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["pathways", *words]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, words
loaded = [name for name in sys.modules if name.partition(".")[0] in ("prefect", "apprise")]
assert not loaded, loaded[:5]
"""
    commands = [["--help"], ["list"], ["show", reference], ["overdue"], ["template"], ["outbox", "list"],
                ["record", reference, "risk_raised", "--by", "FCA01"]]  # fmt: skip
    command = [sys.executable, "-c", code, json.dumps(commands)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


# Answers --------------------------------------------------------------------------------------------------------------


def test_every_pathway_is_shown_in_ten_lines(pathways: Desk):
    for row in json.loads(pathways("list", "--json").out):
        lines = pathways("show", row["pathway"]).out.splitlines()
        assert len(lines) == 10 and lines[0].startswith(row["pathway"]) and row["stands"] in lines[1]


@pytest.mark.parametrize("question", [["list"], ["overdue"], ["outbox", "list"], ["show", "SPIP-D0001"]])
def test_json_parses(pathways: Desk, question: list[str]):
    question = [first(pathways, "Awaiting") if word == "SPIP-D0001" else word for word in question]
    assert isinstance(json.loads(pathways(*question, "--json").out), list)


def test_the_draft_of_a_paper_is_there_for_machines_too(pathways: Desk):
    reference = first(pathways, "Awaiting signature")
    [row] = json.loads(pathways("note", reference, "--json").out)
    assert row == {"pathway": reference, "draft": pathways("note", reference).out.rstrip("\n")}


def test_the_site_says_where_it_is_when_it_starts(fresh: Desk):
    served: list[Settings] = []
    fresh.monkeypatch.setattr("web.serve.serve", served.append)
    said = fresh("site").out
    assert f"{served[0].site.url} and listens on 127.0.0.1, port {served[0].ports.site}" in said


def test_the_site_does_not_start_where_no_page_could_be_shown(fresh: Desk, sampled: Path):
    """Nothing listens: the address in its settings, what lies there and the keys are tried before."""
    fresh.monkeypatch.setattr("uvicorn.run", lambda *_, **__: pytest.fail("it listens"))
    assert "The database is empty." in fresh("site").err
    shutil.copy(sampled, fresh.home / "pathways.db")
    database.cache_clear()
    fresh.monkeypatch.setenv("PATHWAYS_PERSONAL_KEYS", '["another machine\'s, for all that is known here"]')
    assert "This machine's key is not the one" in fresh("site").err
    fresh.monkeypatch.setenv("PATHWAYS_DATABASE", "postgresql://nobody@127.0.0.1:1/nothing")
    assert "The database cannot be reached" in fresh("site").err


def test_who_is_outrun_by_another_is_told_that_it_is_safe_to_try_again(capsys: pytest.CaptureFixture[str]):
    assert complain(Outrun()) == 1
    assert "Somebody else advanced some of these" in (said := capsys.readouterr().err) and "is safe" in said


@pytest.mark.parametrize("question", ["list", "overdue"])
def test_a_pipe_gets_a_header_and_tab_separated_lines_of_the_same_width(pathways: Desk, question: str):
    header, *rows = pathways(question).out.splitlines()
    assert header.split("\t")[0] == "pathway" and rows
    assert {row.count("\t") for row in rows} == {header.count("\t")}


def test_a_list_is_narrowed(pathways: Desk):
    every = json.loads(pathways("list", "--json").out)
    some = json.loads(pathways("list", "--waits-for", "report", "--provider", "P003", "--json").out)
    assert 0 < len(some) < len(every)
    assert {(row["provider"], "report" in row["stands"]) for row in some} == {("P003", True)}


def test_what_the_start_of_the_machine_proposes_to_try_works(pathways: Desk):
    settings.cache_clear()
    proposed = re.findall(r"^\s+\.venv/bin/(pathways .+)$", _ready(settings()), re.MULTILINE)
    assert len(proposed) >= 3
    for line in proposed:
        assert pathways(*shlex.split(line)[1:]).code == 0


# Recording ------------------------------------------------------------------------------------------------------------


def test_a_fact_is_recorded_once(pathways: Desk):
    reference = first(pathways, "Awaiting acknowledgement")
    provider = json.loads(pathways("show", reference, "--json").out)[0]["provider"]
    words = ("record", reference, "acknowledged", f"provider={provider}", "--by", provider)
    assert re.fullmatch(r"Recorded as fact \d+\. Prefect cannot be reached; .+\n", pathways(*words).out)
    assert re.fullmatch(r"Known already, as fact \d+\.\n", pathways(*words).out)


@pytest.mark.parametrize("spelling", ["{}", " {} ", "{lower}", "{apart}"])
def test_a_case_may_be_written_in_another_spelling(pathways: Desk, spelling: str):
    case = json.loads(pathways("list", "--json").out)[0]["case"]
    typed = spelling.format(case, lower=case.lower(), apart=f"{case[:4].lower()} {case[4:]}")
    assert pathways("record", typed, "risk_raised", "--by", "fca01").out.startswith("Recorded as fact")


def test_what_contradicts_a_fact_says_what_to_type_to_correct_it(pathways: Desk):
    words = ("record", first(pathways, "Awaiting safeguarding"), "suitability_decided", "suitable=yes", "--by", "FCA01")
    number = re.search(r"fact (\d+)", pathways(*words).out)[1]
    refused = pathways(*words[:3], "suitable=no", *words[4:])
    assert refused.code == 1 and refused.err.endswith(f"; to correct that one, add --supersedes {number}\n")
    assert "Recorded" in pathways(*words[:3], "suitable=no", *words[4:], "--supersedes", number).out


def test_a_second_hold_of_one_day_says_which_it_is(pathways: Desk):
    reference = first(pathways, "Awaiting session")
    held, released = ("hold", reference, "--by", "FCA01"), ("release", reference, "--by", "FCA01")
    assert "Recorded" in pathways(*held).out and "Recorded" in pathways(*released).out
    assert "(hold=H-2, or --hold H-2 after `pathways hold`)" in pathways(*held).err
    assert "Recorded" in pathways(*held, "--hold", "H-2").out
    assert "Recorded" in pathways(*released).out
    assert "Known already" in pathways(*released).out  # said twice of one release


def test_what_is_not_on_hold_is_not_released_and_a_hold_is_corrected_as_it_is_said(pathways: Desk):
    reference = first(pathways, "Awaiting session")
    refused = pathways("release", reference, "--by", "FCA01")
    assert refused.code == 1 and "needs held first" in refused.err
    held = ("hold", reference, "--by", "FCA01")
    number = re.search(r"fact (\d+)", pathways(*held).out)[1]
    contradicted = pathways(*held, "--reason", "party_unwell")
    assert contradicted.err.endswith(f"add --supersedes {number}\n")
    assert "Recorded" in pathways(*held, "--reason", "party_unwell", "--supersedes", number).out


# Exit codes and wrong input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("show SPIP-NONE", 3, "There is no pathway SPIP-NONE"),
        ("note SPIP-NONE", 3, "There is no pathway SPIP-NONE"),
        ("load people x.csv", 2, '"people" is no kind of file; expected one of practitioners,'),
        ("load cases no/such/file.csv", 1, "there is no file"),
        ("template people", 2, '"people" is no kind of file'),
        ("record {booked} bogus --by P003", 2, '"bogus" is no kind of fact; all are listed in docs/facts.md'),
        ("record {booked} atendance_reported --by P003", 2, "did you mean attendance_reported"),
        ("list --provider P099", 3, "There is no provider P099."),
        ("list --programme FOO", 3, "There is no programme FOO."),
        ("list --area p003", 3, "There is no area P003."),
        ("list --case NONE", 3, "There is no case NONE."),
        ("record {booked} acknowledged provider --by P003", 2, '"provider" is no detail; write it as name=value'),
        ("record {booked} acknowledged colour=red --by P003", 2, "acknowledged has no colour"),
        ("record {booked} risk_raised --by FCA01 --on 31/02/2026", 2, "there is no such day"),
        ("record {booked} risk_raised --by FCA01 --on yesterday", 2, "write the date as 31/01/2022"),
        ("record {booked} risk_raised --by FCA01 --on 2099-01-01", 1, "is still to come"),
        ("record {booked} risk_raised --by '(me)'", 2, "recorded_by"),
        ("record {booked} risk_raised --by FCA99", 1, "FCA99 is neither a practitioner nor a provider we know"),
        ("record {booked} risk_raised", 2, "Missing option '--by'"),
        ("record {booked} risk_raised --by FCA01 --supersedes x", 2, "--supersedes"),
        ("record SPIP-NONE risk_raised --by FCA01", 3, "SPIP-NONE is neither a pathway nor a case we know"),
        ("record {enquiries} referral_sent provider=P001 --by CO01", 4, "SR-0"),
        ("hold {booked} --by FCA01 --reason boredom", 2, "expected one of court_request"),
        ("outbox resend 99999", 3, "There is no failed message 99999"),
        ("outbox correct NOBODY a@b.example", 3, "Nobody has the code NOBODY"),
        ("outbox correct P001 garbage", 2, "write one e-mail address"),
        ("nonsense", 2, "No such command"),
    ],
)  # fmt: skip
def test_whatever_is_wrong_is_said_in_a_sentence(pathways: Desk, words: str, code: int, says: str):
    booked, enquiries = first(pathways, "Awaiting session"), first(pathways, "Awaiting safeguarding")
    said = pathways(*shlex.split(words.format(booked=booked, enquiries=enquiries)))
    assert said.code == code
    # Usage errors come in a box, whose lines are broken by their width.
    assert says in " ".join(re.sub(r"[│╭╮╰╯─]", " ", said.err).split())


def test_without_a_database_it_says_what_to_do(fresh: Desk):
    for question in ("list", "overdue", "round"):
        said = fresh(question)
        assert said.code == 1 and "Try `pathways migrate`" in said.err
    fresh.home.mkdir()
    assert "Run `pathways migrate`, or `make run`, first." in fresh("list").err


def test_a_setting_that_cannot_be_is_named(pathways: Desk):
    pathways.monkeypatch.setenv("PATHWAYS_PORTS__SMTP", "twenty-five")
    said = pathways("list")
    assert said.code == 1 and said.err.startswith("Settings: ports.smtp:")


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('[sending]\nopns = "08:00"', "Settings: sending.opns: there is no such setting"),
        ('[sending]\nopens = "8 o clock"', "Settings: sending.opens: it is a time of day, such as 08:00"),
        ('[sending]\nopens = "18:00"\ncloses = "08:00"', "Settings: sending: opens comes before closes"),
        ("[sending]\nopens = 480", "Settings: sending.opens: it is a time of day"),
        ('[channels.mail]\nurl = "x"\nrols = []', "Settings: channels.mail.rols: there is no such setting"),
        (
            "[sending\n",
            "pathways.toml cannot be read as TOML: Expected ']' at the end of a table declaration (at line 1",
        ),
        ('database = "mysql://x"', "Settings: database: it is a database of SQLite or PostgreSQL"),
        ('database = "postgresql+psycopg2://x/y"', "Settings: database: it is a database of SQLite or PostgreSQL"),
    ],
)
def test_what_is_wrong_in_the_settings_file_is_said_by_name(fresh: Desk, written: str, says: str):
    fresh.home.mkdir()
    (fresh.home / "pathways.toml").write_text(written)
    said = fresh("list")
    assert said.code == 1 and says in said.err


@pytest.mark.parametrize("value", ["25:99", "", "8"])
def test_a_time_of_day_that_is_none_is_said(fresh: Desk, value: str):
    fresh.monkeypatch.setenv("PATHWAYS_SENDING__OPENS", value)
    said = fresh("list")
    assert said.code == 1 and said.err.startswith("Settings: sending.opens: it is a time of day")


def test_a_home_that_cannot_be_made_is_named(fresh: Desk, tmp_path: Path):
    (tmp_path / "file").touch()
    fresh.monkeypatch.setenv("PATHWAYS_HOME", str(tmp_path / "file" / "home"))
    said = fresh("migrate")
    assert said.code == 1 and str(tmp_path / "file") in said.err and "PATHWAYS_HOME" in said.err


def test_the_deployments_are_not_made_where_prefect_is_away(fresh: Desk):
    said = fresh("deployments")
    assert said.code == 1 and said.err.startswith("Prefect does not answer at http://127.0.0.1:")


def test_a_certificate_that_is_not_there_is_no_traceback_but_named(fresh: Desk, tmp_path: Path):
    fresh.monkeypatch.setenv("PATHWAYS_PREFECT_API", "https://127.0.0.1:9/api")
    fresh.monkeypatch.setenv("PREFECT_API_SSL_CERT_FILE", str(tmp_path / "none.pem"))
    said = fresh("deployments")
    assert said.code == 1 and "PREFECT_API_SSL_CERT_FILE" in said.err


def test_one_working_day_late_is_said_as_one(pathways: Desk):
    late = json.loads(pathways("overdue", "--json").out)
    shown = [pathways("show", row["pathway"]).out for row in late if row["late"] == "1 working day"]
    assert shown and any(re.search(r"^Due .*, 1 working day late$", one, re.MULTILINE) for one in shown)


def test_whose_idea_a_request_was_is_said_of_cppp_only(pathways: Desk):
    def said(programme: str) -> bool:
        there = json.loads(pathways("list", "--programme", programme, "--json").out)
        with reading(database(settings().database_url)) as connection:
            told = [
                ask.story(connection, row["pathway"], london_date(datetime.now(UTC)), settings()) for row in there[:3]
            ]
        return any("suggested_by" in ask.details(fact) for one in told for fact in one.facts)

    assert said("CPPP") and not said("SPIP") and not said("DVPP")


def test_rejected_rows_are_said_and_end_in_one(pathways: Desk, tmp_path: Path):
    row = {
        "about": "SPIP-NONE",
        "fact": "acknowledged",
        "happened_on": "04/01/2022",
        "recorded_by": "P001",
        "provider": "P001",
    }
    said = _load(pathways, "facts", str(write_file(tmp_path, "facts", row)))
    assert said.code == 1
    assert "0 added, 0 changed, 0 unchanged, 1 rejected" in said.out and "facts.rejected.csv" in said.out
    as_json = _load(pathways, "facts", str(tmp_path / "facts.csv"), "--json")
    assert json.loads(as_json.out)[0]["added"] == 0


def _load(pathways: Desk, *words: str) -> Said:
    """A load with rejected rows: they are its answer, so they stand on standard output."""
    settings.cache_clear()
    pathways.monkeypatch.setattr(sys, "argv", ["pathways", "load", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return Said(ended.value.code or 0, *pathways.capsys.readouterr())


# Samples --------------------------------------------------------------------------------------------------------------


def test_the_samples_are_loaded_once_and_never_beside_real_cases(fresh: Desk, tmp_path: Path):
    fresh("migrate")
    assert re.match(r"\d+ sample pathways loaded", fresh("samples").out)
    assert fresh("samples").out == "The sample caseload is there already; it was left as it is.\n"
    engine = empty()
    for kind in ("practitioners", "areas", "courts", "cases"):
        row = dict(zip(*intake.template(kind), strict=True))
        assert not intake.load(engine, kind, write_file(tmp_path, kind, row), datetime.now(UTC), COMPOSITE).problems
    with pytest.raises(SamplesRefused, match="There are real cases"):
        load_samples(engine, datetime.now(UTC), COMPOSITE)


def people_of_their_own(tmp_path: Path) -> Path:
    row = dict(zip(*intake.template("practitioners"), strict=True))
    return write_file(tmp_path, "practitioners", row | {"code": "FCA01", "name": "Mary Real"})


def test_the_samples_are_never_loaded_over_real_people(fresh: Desk, tmp_path: Path):
    fresh("migrate")
    assert fresh("load", "practitioners", str(people_of_their_own(tmp_path))).out.startswith("1 added")
    said = fresh("samples")
    assert (said.code, said.err) == (
        1, "There are real practitioners in this database, so the samples were not loaded.\n"
    )  # fmt: skip
    with reading(database(settings().database_url)) as connection:
        assert [row.name for row in connection.execute(select(Practitioner.name))] == ["Mary Real"]


def test_samples_that_were_broken_off_before_their_first_case_are_loaded_after_all():
    engine, now = empty(), datetime.now(UTC)
    load_files(engine, directory(london_date(now)), now, COMPOSITE)
    assert load_samples(engine, now, COMPOSITE).new


def test_real_people_and_places_are_not_loaded_among_the_samples(pathways: Desk, tmp_path: Path):
    for kind in ("areas", "courts", "providers", "closures", "cases"):
        file = write_file(tmp_path, kind, dict(zip(*intake.template(kind), strict=True)))
        assert "holds the sample caseload" in pathways("load", kind, str(file)).err
    assert "holds the sample caseload" in pathways("load", "practitioners", str(people_of_their_own(tmp_path))).err


def test_a_backup_made_while_somebody_writes_holds_all_that_was_committed_and_nothing_is_written_over(
    pathways: Desk, tmp_path: Path
):
    copy, url = tmp_path / "copy.db", f"sqlite:///{tmp_path / 'pathways.db'}"
    pathways("hold", "SPIP-D0013", "--by", "FCA02")  # still in SQLite's log only
    with writing(database(url)) as connection:
        connection.execute(update(Practitioner).values(name="Under way"))
        said = pathways("backup", str(copy)).out
    assert 'pathways restored --at "' in said and "sent.log" in said and "personal.keys" in said
    assert copy.stat().st_mode & 0o777 == 0o600
    with reading(database(f"sqlite:///{copy}")) as connection:
        assert connection.execute(
            select(FactRow.id).where(FactRow.kind == "held", FactRow.subject == "SPIP-D0013")
        ).all()
        assert "Under way" not in connection.execute(select(Practitioner.name)).scalars().all()
    before = copy.read_bytes()
    assert "written over nothing" in pathways("backup", str(copy)).err
    assert "see that its folder is there" in pathways("backup", str(tmp_path / "none" / "copy.db")).err
    assert copy.read_bytes() == before


def test_a_backup_of_nothing_is_refused(fresh: Desk, tmp_path: Path):
    assert fresh("backup", str(tmp_path / "copy.db")).code == 3
    fresh.monkeypatch.setenv("PATHWAYS_DATABASE", "postgresql://nobody@127.0.0.1:9/none")
    assert "pg_dump" in fresh("backup", str(tmp_path / "copy.db")).err
    assert not (tmp_path / "copy.db").exists() and not fresh.home.exists()


def test_the_samples_are_not_begun_where_the_real_closing_dates_hold(fresh: Desk):
    fresh("migrate")
    fresh.monkeypatch.setenv("PATHWAYS_PROFILE", "dated")
    assert 'need profile = "composite"' in fresh("samples").err
    fresh.monkeypatch.setenv("PATHWAYS_PROFILE", "composite")
    assert "sample pathways loaded" in fresh("samples").out
