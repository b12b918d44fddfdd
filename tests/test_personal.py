"""What is personal: said in the dictionary, encrypted where it stands, told to whom it is about, and erased."""

import json
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Engine, MetaData, String, Table, event, text

from models import tables as t
from models.encrypted import Encrypted, NotSearchable, Ring, WrongKey
from models.facts import Fact
from models.personal import PARTY, columns_of, page, problems
from models.restricted import HarmConcern, Survivor, SurvivorBefore
from settings import Settings, settings
from store.concerns import Concern, raise_concern
from store.database import database, reading, writing
from store.erasure import NotErased, asked, erase, expired
from store.links import Holder
from store.migrate import migrate
from store.personal import Held, readable
from store.rotation import rotate, used
from store.seal import seal
from store.strand import strand
from store.trail import trail
from store.verify import verify
from tests.canary import heard, needles, planted
from tests.engine import ROOT, found_in, write_file
from tests.life import day
from tests.pilot import Pilot
from tests.strand import Sides, apart
from tests.test_command_line import Desk
from tests.test_restricted import wrong
from tests.world import Office, at_once, evening

NEW = "n" * 40


# The dictionary -------------------------------------------------------------------------------------------------------


def test_every_column_and_every_field_of_a_fact_says_what_it_is():
    assert problems() == []


def test_what_nobody_has_described_is_named_in_a_sentence():
    class Measured(Fact):
        shoe_size: int

    column = Table("party", MetaData(), Column("shoe_size", String))
    said = problems([column], {"attendance_reported": Measured})
    assert "The column party.shoe_size is not in the data dictionary: say in models/personal.py what it is." in said
    field = (
        "The field attendance_reported.shoe_size is not in the data dictionary: say in models/personal.py what it is."
    )
    assert field in said
    assert "The field attendance_reported.session is in the data dictionary and is not there." in said


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (Column("name", String), "The column party.name is personal: encrypt it."),
        (Column("role", Encrypted("party.role")), "The column party.role is encrypted, but not said to be personal."),
        (Column("name", Encrypted("party.phone")), "The column party.name is encrypted as party.phone: give it its own name."),
    ],
    ids=["in the clear", "needlessly", "as another"],
)  # fmt: skip
def test_what_is_personal_is_encrypted_and_nothing_else_is(column: Column, says: str):
    assert says in problems([Table("party", MetaData(), column)], {})


def test_the_page_holds_the_dictionary_as_it_is():
    assert page() in (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")


# Encryption -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def office(engine: Engine) -> Office:
    """PA and PB of CASE1, with everything about PA."""
    office = Office(engine).case()
    office.put(t.Party, {"reference": "PA"}, **planted("party"))
    return office


def raw(engine: Engine, column: str, table: str) -> list[Any]:
    """What stands in the database."""
    with engine.connect() as connection:
        return list(connection.exec_driver_sql(f'SELECT {column} FROM "{table}" WHERE {column} IS NOT NULL').scalars())


def test_texts_days_and_numbers_come_back_as_they_went_in_and_stand_there_encrypted(office: Office):
    row = office.rows(t.Party, reference="PA")[0]
    for name, value in planted("party").items():
        assert getattr(row, name) == value and type(getattr(row, name)) is type(value)
        for stored in raw(office.engine, name, "party"):
            assert str(value) not in stored and stored.startswith(office.engine.dialect.personal_keys.numbers[-1] + ".")
    assert office.rows(t.Party, reference="PB")[0].phone is None


def test_the_same_value_is_never_written_twice_alike():
    ring = Ring(NEW)
    assert ring.close("party.name", "Sam") != ring.close("party.name", "Sam")


@pytest.mark.parametrize(
    "change", ["phone = name", "phone = 'Sam Sample'", "phone = substr(name, 1, length(name) - 4) || 'AAA='"]
)
def test_a_value_moved_from_another_column_or_changed_by_hand_does_not_open_and_is_in_no_error(
    office: Office, change: str
):
    with office.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE party SET {change} WHERE reference = 'PA'")
    with pytest.raises(WrongKey, match=r"party\.phone") as problem:
        office.rows(t.Party, reference="PA")
    assert not heard(["Sam", *needles(planted("party"))], str(problem.value))


def test_a_query_that_compares_an_encrypted_column_is_refused_rather_than_finding_nothing():
    for query in (lambda: t.Party.name == "Sam", lambda: t.Party.name.in_(["Sam"]), lambda: t.Party.name.like("S%")):
        with pytest.raises(NotSearchable, match=r"party\.name is encrypted"):
            query()
    assert str(t.Party.phone.is_(None)) == "party.phone IS NULL"


# Keys -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Desk]:
    """Somebody at a machine with a home of its own, and no key in its settings."""
    for name in ("PATHWAYS_PERSONAL_KEYS", "PATHWAYS_RESTRICTED_PERSONAL_KEYS"):
        monkeypatch.delenv(name)
    database.cache_clear()
    yield Desk(monkeypatch, capsys, tmp_path / "home")
    settings.cache_clear()
    database.cache_clear()


def started(desk: Desk) -> Office:
    """The same machine with a database, and PA and PB in it."""
    desk.migrated()
    office = Office(database(settings().database_url)).case()
    office.put(t.Party, {"reference": "PA"}, **planted("party"))
    return office


def again(desk: Desk) -> None:
    """Another process on the same machine."""
    settings.cache_clear()
    database.cache_clear()


def test_beside_sqlite_a_key_is_made_at_first_use_for_its_owner_only_and_another_for_the_strand(desk: Desk):
    desk("migrate")
    files = [desk.home / name for name in ("personal.keys", "restricted.keys")]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    first, second = (file.read_text().split() for file in files)
    assert len(first) == len(second) == 1 and first != second and len(first[0]) >= 32
    again(desk)
    desk("migrate")
    assert files[0].read_text().split() == first


def test_processes_that_start_at_the_same_moment_have_one_key(tmp_path: Path, desk: Desk):
    desk("migrate")
    (desk.home / "personal.keys").unlink()
    with writing(database(settings().database_url)) as connection:
        connection.execute(text("DELETE FROM personal_key"))
    database.cache_clear()
    url = settings().database_url

    def connects() -> str:
        engine = database.__wrapped__(url)
        with engine.connect():
            return engine.dialect.personal_keys.numbers[-1]

    assert len(set(at_once(*[connects] * 6))) == 1


def test_beside_another_database_no_key_is_made_and_what_to_do_is_said(desk: Desk, postgres: Any, monkeypatch: Any):
    monkeypatch.setenv("PATHWAYS_DATABASE", postgres.create("keyless"))
    monkeypatch.setenv("PATHWAYS_RESTRICTED_DATABASE", "none")
    try:
        said = desk("migrate")
        assert said.code == 1 and "`personal_keys`" in said.err and "pathways personal key" in said.err
        assert not (desk.home / "personal.keys").exists()
        drawn = desk("personal", "key").out.strip()
        monkeypatch.setenv("PATHWAYS_PERSONAL_KEYS", json.dumps([drawn]))
        again(desk)
        assert desk("migrate").code == 0
    finally:
        database.cache_clear()
        postgres.drop("keyless")


def test_a_machine_with_another_key_is_not_let_in_and_writes_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    Office(engine).case()
    before = raw(engine, "name", "party")
    monkeypatch.setenv("PATHWAYS_PERSONAL_KEYS", json.dumps([NEW]))
    settings.cache_clear()
    other = database.__wrapped__(engine.url.render_as_string(hide_password=False))
    with pytest.raises(WrongKey, match="This machine's key is not the one"):
        Office.at(other).put(t.Party, {"reference": "PA"}, name="Sam Sample")
    settings.cache_clear()
    assert raw(engine, "name", "party") == before and len(raw(engine, "number", "personal_key")) == 1


def test_where_the_file_is_lost_no_other_key_takes_its_place(desk: Desk):
    started(desk)
    kept = (desk.home / "personal.keys").read_text()
    (desk.home / "personal.keys").unlink()
    again(desk)
    said = desk("list")
    assert said.code == 1 and "there is no key here" in said.err and not (desk.home / "personal.keys").exists()
    (desk.home / "personal.keys").write_text(f"{NEW}\n")
    again(desk)
    assert "This machine's key is not the one" in desk("list").err
    (desk.home / "personal.keys").write_text(kept)
    again(desk)
    assert desk("list").code == 0


def test_where_the_key_of_the_strand_is_another_a_text_is_not_taken_and_a_risk_is_recorded_all_the_same(
    desk: Desk, supported: Sides, tmp_path: Path
):
    (desk.home / "restricted.keys").write_text(f"{NEW}\n")
    again(desk)
    (tmp_path / "text.txt").write_text("He was on time.")
    said = desk("text", "add", "DVPP-D1", "--by", "P1", str(tmp_path / "text.txt"))
    assert said.code == 1 and "it cannot be checked on this machine now" in said.err
    main, holder = database(settings().database_url), Holder("provider", "P1", "p1@p.example")
    concern = Concern("DVPP-D1", "B2C3", "child", "He waits for her.")
    done = raise_concern(main, holder, concern, evening(day("2026-02-02")), settings())
    assert done.sent.receipt and not done.kept
    assert [row.payload for row in Office.at(main).rows(t.FactRow, kind="risk_raised")] == [{"risk": "B2C3"}]


def test_a_key_that_is_short_is_refused(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValueError, match="at least 32 characters"):
        Settings(personal_keys=["short"])


# Rotation -------------------------------------------------------------------------------------------------------------


def test_rotation_writes_everything_anew_with_a_new_key_and_says_which_is_needed_no_more(desk: Desk):
    office = started(desk)
    before, (old,) = office.rows(t.Party), office.engine.dialect.personal_keys.numbers
    said = desk("personal", "rotate").out.splitlines()
    new = office.engine.dialect.personal_keys.numbers[-1]  # this process sees the file that another has changed
    assert said[0] == f"The main database: 10 values were encrypted anew, with the key {new}."
    assert old != new and old in said[1] and "needed only for backups" in said[1]
    assert office.rows(t.Party) == before
    assert {one.partition(".")[0] for one in raw(office.engine, "name", "party")} == {new}
    assert raw(office.engine, "number", "personal_key") == [new]
    rows = json.loads(desk("personal", "keys", "--json").out)
    assert [(r["key"], r["values"]) for r in rows if r["database"] == "main"] == [(old, 0), (new, 10)]
    keys = (desk.home / "personal.keys").read_text().split()
    (desk.home / "personal.keys").write_text(f"{keys[-1]}\n")  # the old one is taken out
    again(desk)
    assert Office.at(database(settings().database_url)).rows(t.Party) == before


class Interrupted(Exception):
    pass


def test_a_rotation_that_was_interrupted_goes_on_with_the_same_key(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    office = started(desk)
    for number in range(3):
        office.case(f"CASE{number + 2}", (f"P{number}A", f"P{number}B"))
    monkeypatch.setattr("store.rotation.BATCH", 2)
    written = []

    def stop(connection: Any, clause: Any, *_: Any) -> None:
        written.append(clause)
        if str(clause).startswith("UPDATE party") and sum("UPDATE party" in str(one) for one in written) == 3:
            raise Interrupted

    event.listen(office.engine, "before_execute", stop)
    with pytest.raises(Interrupted):
        rotate(office.engine)
    event.remove(office.engine, "before_execute", stop)
    with reading(office.engine) as connection:
        assert len(used(connection)) == 2
    assert len({row.name for row in office.rows(t.Party)}) == 8  # all of it can be read meanwhile
    done = rotate(office.engine)
    assert 0 < done.written < 16 and len((desk.home / "personal.keys").read_text().split()) == 2
    with reading(office.engine) as connection:
        assert set(used(connection)) == {done.newest}


def test_keys_of_the_settings_rotate_by_putting_a_new_one_at_the_end(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    office, url = Office(engine).case(), engine.url.render_as_string(hide_password=False)
    first = settings().personal_keys
    monkeypatch.setenv("PATHWAYS_PERSONAL_KEYS", json.dumps([*first, NEW]))
    settings.cache_clear()
    other = database.__wrapped__(url)
    names = [row.name for row in office.rows(t.Party)]
    done = rotate(other)
    assert done.written == 2 and done.out_of_use == [Ring(*first).numbers[0]]
    assert rotate(other).written == 0
    monkeypatch.setenv("PATHWAYS_PERSONAL_KEYS", json.dumps([NEW]))
    settings.cache_clear()
    assert [row.name for row in Office.at(database.__wrapped__(url)).rows(t.Party)] == names
    settings.cache_clear()


def test_a_key_stays_in_use_while_somebody_who_began_before_has_yet_to_commit(
    postgres_engine: Engine, monkeypatch: Any
):
    office, url = Office(postgres_engine).case(), postgres_engine.url.render_as_string(hide_password=False)
    first = settings().personal_keys
    monkeypatch.setenv("PATHWAYS_PERSONAL_KEYS", json.dumps([*first, NEW]))
    settings.cache_clear()
    other = database.__wrapped__(url)
    with ThreadPoolExecutor(1) as another, writing(office.engine) as slow:
        party = {"reference": "PX", "case": "CASE1", "role": "other", "name": "Somebody"}
        slow.execute(t.Party.__table__.insert(), party)
        rotated = another.submit(rotate, other)
        with pytest.raises(TimeoutError):
            rotated.result(timeout=1)
        slow.commit()
        assert rotated.result(timeout=10).out_of_use == []
    settings.cache_clear()


# What was there before ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_what_was_written_in_the_clear_is_encrypted_in_both_databases(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
):
    names = [f"clear_{backend}_{side}" for side in ("main", "strand")]
    urls = {}
    if backend == "postgresql":
        postgres = request.getfixturevalue("postgres")
        urls = dict(zip(("database", "restricted_database"), map(postgres.create, names), strict=True))
    database.cache_clear()
    made = apart(tmp_path, **urls)
    main, there = database(made.database_url), strand(made)
    _as_it_was(main, there)
    migrate(main)
    migrate(there, restricted=True)
    of_party = Office.at(main).rows(t.Party)
    assert len(of_party) == 700 and all(getattr(of_party[0], name) == value for name, value in planted("party").items())
    assert [one.body for one in Office.at(main).rows(t.ProviderText)] == [planted("provider_text")["body"]]
    for table, name in ((Survivor, "survivor"), (SurvivorBefore, "survivor_before"), (HarmConcern, "harm_concern")):
        row = Office.at(there).rows(table)[0]
        assert {column: getattr(row, column) for column in planted(name)} == planted(name)
    canaries = needles(*map(planted, ("party", "provider_text", "survivor", "survivor_before", "harm_concern")))
    assert found_in(tmp_path, *canaries) == {}
    for engine in (main, there):
        with engine.connect() as connection:
            tables = ("party", "provider_text") if engine is main else ("survivor", "survivor_before", "harm_concern")
            assert not heard(
                canaries, *(str(row) for one in tables for row in connection.execute(text(f"SELECT * FROM {one}")))
            )
        engine.dispose()
    for name in names if urls else ():
        postgres.drop(name)


def _as_it_was(main: Engine, there: Engine) -> None:
    """Both databases as the version before left them: more parties than go into a batch, and of each table a row."""
    migrate(main, "0005")
    migrate(there, "0005", restricted=True)
    with main.begin() as connection:
        if main.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        _insert(
            connection,
            "practitioner",
            code="FCA1",
            name="A",
            email="a@x.example",
            role="adviser",
            trained_in="",
            telling="instant",
        )
        offices = (
            "commissioning_officer",
            "commissioning_manager",
            "service_manager",
            "assistant_director",
            "business_support",
        )
        _insert(connection, "area", code="SA01", label="Area", **dict.fromkeys(offices, "FCA1"))
        _insert(connection, "court", code="CT01", name="Court", area="SA01")
        _insert(
            connection,
            "case",
            reference="C1",
            same_as="C1",
            court="CT01",
            adviser="FCA1",
            received_on="2026-01-01",
            sample=False,
        )
        for number in range(700):
            _insert(connection, "party", reference=f"P{number:03}", case="C1", role="applicant", **planted("party"))
        _insert(connection, "limitset", id="L", content="{}")
        _insert(connection, "pathway", reference="DVPP-D1", programme="DVPP", case="C1", party="P000", area="SA01", limits="L",
                opened_on="2026-01-05", since="2026-01-05", state="requested", label="Requested")  # fmt: skip
        when = {"recorded_by": "P1", "recorded_at": "2026-01-05 12:00:00"}
        _insert(connection, "provider_text", pathway="DVPP-D1", **when, **planted("provider_text"))
    with there.begin() as connection:
        _insert(connection, "survivor", pathway="S1", **planted("survivor"))
        _insert(connection, "survivor_before", number=1, pathway="S1", **planted("survivor_before"))
        _insert(
            connection,
            "harm_concern",
            number=1,
            pathway="D1",
            risk="R1",
            about="child",
            **when,
            **planted("harm_concern"),
        )


def _insert(connection: Any, table: str, **values: Any) -> None:
    columns, marks = ", ".join(f'"{name}"' for name in values), ", ".join(f":{name}" for name in values)
    connection.execute(text(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})'), values)


# Subject access -------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(engine: Engine) -> Office:
    """Both parties planted; each has a SPIP, PA a DVPP with a text that speaks of PB, and both a CPPP; a risk was raised."""
    office = Office(engine).case()
    for number, party in ((1, "PA"), (2, "PB")):
        office.put(t.Party, {"reference": party}, **planted("party", number))
    office.opens()
    office.opens("SPIP-D2", "PB")
    office.acknowledged("SPIP-D1")
    office.opens("DVPP-D3")
    for kind, more in (
        ("violence_established", {"basis": "admitted"}),
        ("survivor_plan_made", {}),
        ("referral_sent", {"provider": "P1"}),
    ):
        assert office.says("DVPP-D3", kind, "2026-01-06", **more).result == "recorded"
    for party in ("PA", "PB"):
        office.says("CASE1", "parent_spoken_to", "2026-01-06", party=party)
    office.round("2026-01-08").says("CASE1", "risk_raised", "2026-01-09", risk="R-1")
    of_other = planted("party", 2)
    body = f"He spoke of {of_other['name'].split()[0].upper()}, of {of_other['phone']} and of {planted('provider_text')['body']}."
    with writing(engine) as connection:
        row = {"pathway": "DVPP-D3", "recorded_by": "P1", "recorded_at": evening(day("2026-01-08")), "body": body}
        connection.execute(t.ProviderText.__table__.insert(), row)
    return office.round("2026-01-09")


def report_of(office: Office, party: str) -> tuple[dict[str, Any], str]:
    with reading(office.engine) as connection:
        made = Held(connection, party).report()
    return made, json.dumps(made, default=str) + readable(made)


def test_somebody_is_told_all_that_is_held_of_them_and_nothing_of_the_other_parent(two: Office):
    mine, other = needles(planted("party")), needles(planted("party", 2))
    made, said = report_of(two, "PA")
    assert {name: made["person"][name] for name in columns_of("party", PARTY)} == planted("party")
    days = {word for word in mine if "/" in word or (word[0].isdigit() and " " in word and not word[1].isdigit())}
    assert {one["reference"] for one in made["pathways"]} == {"SPIP-D1", "DVPP-D3"}
    assert heard(other, said) == [] and "PB" not in said and "SPIP-D2" not in said
    assert set(heard(mine, said)) >= set(mine) - days - {planted("party")["phone"].replace(" ", "")}
    assert made["left out"]["about another person"] >= 1
    text = made["pathways"][0]["texts"][0]["body"]
    assert text.count("[another person]") == 2 and planted("provider_text")["body"] in text


def test_what_may_harm_somebody_is_left_out_counted_and_left_to_a_person(two: Office):
    made, said = report_of(two, "PA")
    assert made["left out"]["to be weighed by a person: it may say something of a risk or of somebody else"] >= 3
    assert not heard(["risk_r", "risk_review", "new-risk", "survivor", "On hold"], said)
    kinds = {fact["kind"] for one in made["pathways"] for fact in one["facts"]}
    assert {"requested", "referral_sent", "acknowledged", "violence_established"} <= kinds
    assert {one["label"] for one in made["pathways"]} == {"[being considered]"}


def test_a_request_is_answered_from_the_command_line_into_a_file_of_ones_own_and_noted(desk: Desk):
    office = started(desk)
    to = desk.home / "PA.txt"
    assert desk("personal", "export", "PA", "--by", "NOBODY").code == 1
    said = desk("personal", "export", "CASE1", "--by", "FCA1")
    assert said.code == 3 and "PA (applicant) or PB (respondent)" in said.err
    assert desk("personal", "export", "PX", "--by", "FCA1").code == 3
    assert desk("personal", "export", "pa", "--by", "FCA1", "--to", str(to)).code == 0
    assert stat.S_IMODE(to.stat().st_mode) == 0o600 and planted("party")["name"] in to.read_text()
    assert desk("personal", "export", "PA", "--by", "FCA1", "--to", str(to)).code == 2  # nothing is written over
    printed = json.loads(desk("personal", "export", "PA", "--by", "FCA1", "--json").out)
    assert printed["person"]["date_of_birth"] == planted("party")["date_of_birth"].isoformat()
    noted = [(row.who, row.did, row.about) for row in office.rows(t.AuditEntry) if "export" in row.did]
    assert noted == [("FCA1", "exported what is held", "PA")] * 3


# Erasure --------------------------------------------------------------------------------------------------------------


def over(office: Office, reference: str = "SPIP-D1", on: str = "2026-02-02") -> Office:
    """Its pathway is withdrawn, and so closed."""
    assert office.says(reference, "withdrawn", on, reason="data_error").result == "recorded"
    office.round(on)
    assert office.pathway(reference).closed_on == day(on)
    return office


def kept(office: Office) -> list[Any]:
    """All that is to stay as it is."""
    return [
        office.rows(table)
        for table in (t.Case, t.Direction, t.PathwayRow, t.FactRow, t.DutyRow, t.NoticeRow, t.MessageRow)
    ]


def test_nothing_of_a_case_is_erased_while_a_pathway_of_it_is_open(two: Office):
    over(over(two, "SPIP-D1"), "DVPP-D3")
    before = two.rows(t.Party), two.rows(t.ProviderText)
    for reference in ("CASE1", "PA"):
        with pytest.raises(NotErased, match="while a pathway of it is open: SPIP-D2"):
            erase(two.engine, reference, "SM1", evening(day("2026-02-03")))
    assert (two.rows(t.Party), two.rows(t.ProviderText)) == before


def test_what_is_personal_goes_and_everything_that_is_counted_stays(two: Office):
    for reference in ("SPIP-D1", "SPIP-D2", "DVPP-D3"):
        over(two, reference)
    before = kept(two)
    with reading(two.engine) as connection:
        there_is = asked(connection, "CASE1")
    done = erase(two.engine, "CASE1", "SM1", evening(day("2026-02-03")))
    assert done == there_is and (done.people, done.texts) == (["PA", "PB"], 1)
    assert kept(two) == before and two.rows(t.ProviderText) == []
    for row in two.rows(t.Party):
        assert {name: getattr(row, name) for name in columns_of("party", PARTY)} == dict.fromkeys(
            columns_of("party", PARTY)
        ) | {"name": ""}
        assert row.erased_on == day("2026-02-03") and row.case == "CASE1"
    assert [(row.who, row.about) for row in two.rows(t.AuditEntry) if "erased" in row.did] == [("SM1", "CASE1")]
    assert heard(needles(planted("party"), planted("party", 2)), *report_of(two, "PA")[1:]) == []
    assert not two.round("2026-02-04").advance("2026-02-04", "SPIP-D1").failed


def test_of_one_person_only_theirs_is_erased(two: Office):
    for reference in ("SPIP-D1", "SPIP-D2", "DVPP-D3"):
        over(two, reference)
    erase(two.engine, "PB", "SM1", evening(day("2026-02-03")))
    first, second = two.rows(t.Party)
    assert (first.name, second.name) == (planted("party")["name"], "") and len(two.rows(t.ProviderText)) == 1


def test_a_pathway_of_people_who_were_erased_is_not_opened_again(two: Office):
    for reference in ("SPIP-D1", "SPIP-D2", "DVPP-D3"):
        over(two, reference)
    (ended,) = two.rows(t.FactRow, subject="SPIP-D1", kind="withdrawn")
    erase(two.engine, "CASE1", "SM1", evening(day("2026-02-03")))
    again = two.says("SPIP-D1", "retracted", "2026-02-04", supersedes=ended.id)
    assert (again.result, again.field) == ("refused", "supersedes") and "erased" in again.why


def test_on_sqlite_nothing_of_it_is_left_in_the_file(desk: Desk):
    office = started(desk)
    office.opens()
    over(office)
    written = [one[:60] for name in columns_of("party", PARTY) for one in raw(office.engine, name, "party")]
    assert found_in(desk.home, *written)
    looked = desk("personal", "erase", "CASE1", "--by", "SM1", "--dry-run", "--json")
    assert json.loads(looked.out) == [{"case": "CASE1", "people": "PA PB", "pathways": "SPIP-D1", "texts": 0}]
    assert office.rows(t.Party, reference="PA")[0].phone == planted("party")["phone"]
    office.engine.dispose()
    assert desk("personal", "erase", "CASE1", "--by", "SM1").code == 0
    assert found_in(desk.home, *written) == {}
    assert desk("personal", "erase", "CASE9", "--by", "SM1").code == 3


def test_the_trail_is_sound_after_an_erasure(two: Office, tmp_path: Path):
    for reference in ("SPIP-D1", "SPIP-D2", "DVPP-D3"):
        over(two, reference)
    made = settings().model_copy(
        update={"home": tmp_path, "database": two.engine.url.render_as_string(hide_password=False)}
    )
    seal(trail(made), evening(day("2026-02-03")))
    erase(two.engine, "CASE1", "SM1", evening(day("2026-02-03")))
    seal(trail(made), evening(day("2026-02-03")))
    assert verify(trail(made)).broken == []


def _of_both_parents(office: Office) -> None:
    """Of a pathway that is for both, each is told what is theirs."""
    family = office.rows(t.FactRow, kind="consent_given")[0].subject
    one, other = (row.payload["party"] for row in office.rows(t.FactRow, kind="consent_given", subject=family))
    made, said = report_of(office, one)
    (pathway,) = (row for row in made["pathways"] if row["programme"] == "CPPP")
    consents = [fact["payload"]["party"] for fact in pathway["facts"] if fact["kind"] == "consent_given"]
    assert consents == [one] and other not in said and made["left out"]["about another person"] > 0


def test_evaluations_give_the_same_figures_before_and_after(desk: Desk):
    desk.migrated()
    office = Office(database(settings().database_url))
    Pilot(office).fill()
    _of_both_parents(office)
    questions = ("evaluate CPPP --as-at 2020-01-31 --json", "unmet --json", "evaluate CPPP")
    before = [desk(*words.split()).out for words in questions]
    assert json.loads(before[0])[0]
    with writing(office.engine) as connection:
        connection.execute(t.PathwayRow.__table__.update().values(closed_on=date(2020, 1, 31)))
    assert desk("personal", "erase", "--expired", "--by", "SM1").code == 1  # no period is set
    (desk.home / "pathways.toml").write_text("[retention]\nCPPP = 24\nSPIP = 24\n")
    said = desk("personal", "erase", "--expired", "--by", "SM1")
    assert said.code == 0 and len(said.out.splitlines()) > 100
    assert {row.name for row in office.rows(t.Party)} == {""}
    assert [desk(*words.split()).out for words in questions] == before


@pytest.fixture
def ended(engine: Engine) -> Office:
    """CASE1's SPIP ended on 31 January 2024, that of CASE2 a month later and its proceedings in May; CASE3 goes on."""
    office = Office(engine)
    for number, on in ((1, "2024-01-31"), (2, "2024-02-29"), (3, "")):
        office.case(f"CASE{number}", (f"P{number}", f"Q{number}"))
        office.opens(f"SPIP-D{number}", f"P{number}", case=f"CASE{number}")
        if on:
            office.put(t.PathwayRow, {"reference": f"SPIP-D{number}"}, closed_on=day(on))
    office.says("CASE2", "proceedings_ended", "2024-05-15")
    return office


@pytest.mark.parametrize(
    ("retention", "today", "cases"),
    [
        ({}, "2099-01-01", []),
        ({"DVPP": 1}, "2099-01-01", []),
        ({"SPIP": 24}, "2026-01-31", []),
        ({"SPIP": 24}, "2026-02-01", ["CASE1"]),
        ({"SPIP": 24}, "2026-05-15", ["CASE1"]),
        ({"SPIP": 24}, "2026-05-16", ["CASE1", "CASE2"]),
        ({"SPIP": 1}, "2099-01-01", ["CASE1", "CASE2"]),
    ],
)
def test_a_retention_period_counts_from_the_last_end_in_the_case(
    ended: Office, retention: Any, today: str, cases: list[str]
):
    with reading(ended.engine) as connection:
        assert list(expired(connection, retention, day(today))) == cases


def test_what_is_erased_is_past_no_period_any_more_until_something_is_written_again(ended: Office):
    def past() -> list[str]:
        with reading(ended.engine) as connection:
            return list(expired(connection, {"SPIP": 24}, day("2026-03-01")))

    assert past() == ["CASE1"]
    erase(ended.engine, "CASE1", "SM1", evening(day("2026-03-01")))
    assert past() == []


def test_with_pathways_of_two_programmes_the_longest_period_counts_and_one_without_a_period_keeps_all(ended: Office):
    ended.opens("DVPP-D4", "P1", case="CASE1")
    ended.put(t.PathwayRow, {"reference": "DVPP-D4"}, closed_on=day("2024-01-31"))
    with reading(ended.engine) as connection:
        assert list(expired(connection, {"SPIP": 24}, day("2099-01-01"))) == ["CASE2"]
        assert list(expired(connection, {"SPIP": 24, "DVPP": 60}, day("2029-01-31"))) == ["CASE2"]
        assert list(expired(connection, {"SPIP": 24, "DVPP": 60}, day("2029-02-01"))) == ["CASE1", "CASE2"]


def test_an_old_file_does_not_bring_back_what_was_erased(desk: Desk, tmp_path: Path):
    office = started(desk)
    office.opens()
    over(office)
    row = {"case": "CASE1", "court": "CT01", "adviser": "FCA1", "received_on": "2020-01-01", "applicant": "PA", "applicant_name": "Sam Sample",
           "respondent": "PB", "respondent_name": "Kim Sample"}  # fmt: skip
    file = write_file(tmp_path, "cases", row)
    assert desk("personal", "erase", "CASE1", "--by", "SM1").code == 0
    day_of_it = office.rows(t.Party)[0].erased_on
    printed = wrong(desk, f"load cases {file}").out
    assert "1 rejected" in printed and f"what is personal in it was erased on {day_of_it:%d/%m/%Y}" in printed
    assert {one.name for one in office.rows(t.Party)} == {""}
    office.opens("SPIP-D5", on="2026-03-02")  # they are back, and needed again
    assert desk("load", "cases", str(file)).code == 0
    assert {(one.name, one.erased_on) for one in office.rows(t.Party)} == {("Sam Sample", None), ("Kim Sample", None)}


# The restricted strand ------------------------------------------------------------------------------------------------


@pytest.fixture
def supported(desk: Desk) -> Sides:
    """A man on DVPP, and his survivor planted; a text is held for her and a concern was written."""
    desk.migrated()
    sides = Sides(database(settings().database_url), settings()).staffed().man().referred().sweep("2026-01-08")
    for number in (2, 1):
        sides.reached(**planted("survivor", number))
    assert sides.writes(f"{planted('held_text')['body']} {planted('survivor')['name']}").held
    with writing(sides.strand) as connection:
        row = {
            "pathway": "DVPP-D1",
            "risk": "R-1",
            "recorded_by": "P1",
            "recorded_at": evening(day("2026-01-09")),
            "about": "child",
        }
        connection.execute(HarmConcern.__table__.insert(), row | planted("harm_concern"))
    return sides


def test_a_survivor_is_told_what_is_held_of_her_and_nothing_of_him(desk: Desk, supported: Sides):
    said = desk("restricted", "export", "DVPP-D1", "--by", "SW1")
    assert said.code == 0
    hers = needles(planted("survivor"), planted("survivor", 2))
    numbers = {planted("survivor", number)["phone"].replace(" ", "") for number in (1, 2)}
    assert set(heard(hers, said.out)) == set(hers) - numbers
    assert not heard(["DVPP-D1", "CASE1", *needles(planted("held_text"), planted("harm_concern"))], said.out)
    assert "about another person" in said.out.lower()
    assert desk("restricted", "export", "DVPP-D1", "--by", "FCA1").code == 1
    noted = [row for row in supported.rows(supported.strand, t.AuditEntry) if "export" in row.did]
    assert [(row.who, row.about) for row in noted] == [("SW1", supported.support().reference)]


def test_sr_11_what_is_told_to_him_holds_nothing_of_hers(desk: Desk, supported: Sides):
    said = desk("personal", "export", "PA", "--by", "FCA1")
    assert said.code == 0 and "DVPP-D1" in said.out
    hers = needles(planted("survivor"), planted("survivor", 2), planted("held_text"), planted("harm_concern"))
    assert not heard([*hers, supported.support().reference], said.out)


def test_what_is_known_of_a_survivor_is_erased_when_both_are_over_and_no_text_waits(desk: Desk, supported: Sides):
    command = ("restricted", "erase", "DVPP-D1", "--by", "SW1")
    assert "is open" in desk(*command).err
    for engine in (supported.strand, supported.main):
        supported.change(engine, t.PathwayRow, {}, closed_on=day("2026-02-02"))
        assert desk(*command).code == 1
    assert "waits for somebody to look at it" in desk(*command).err
    desk("restricted", "refuse", "1", "--by", "SW1")
    looked = json.loads(desk(*command, "--dry-run", "--json").out)
    assert (looked[0]["before"], looked[0]["texts"], looked[0]["concerns"]) == (1, 1, 1)
    assert len(supported.rows(supported.strand, Survivor)) == 1
    assert desk(*command).code == 0
    assert supported.rows(supported.strand, Survivor) == supported.rows(supported.strand, SurvivorBefore) == []
    assert [row.body for row in supported.held("refused")] == [""]
    assert [row.body for row in supported.rows(supported.strand, HarmConcern)] == [planted("harm_concern")["body"]]
    assert desk(*command, "--concerns").code == 0
    assert [row.body for row in supported.rows(supported.strand, HarmConcern)] == [""]
    assert supported.writes("He was on time.").held  # nothing is known of her any more, so it cannot be kept unseen
