"""Files in: what is understood, what is kept, and what is handed back with which reason."""

import csv
import re
import zipfile
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import hypothesis
import openpyxl
import pytest
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import SQLModel

import intake
from intake import FileRefused, facts_page
from intake.cells import day, fact_from_text, moment
from intake.handed_out import as_csv, as_typed, inert
from intake.rows import REPORTABLE
from models.facts import RESTRICTED
from models.forms import BadFact
from models.tables import Area, Case, Closure, Direction, FactRow, Party, PathwayRow, Practitioner, Provider
from settings import Settings
from store.database import database, reading

EXCEL_DAY = datetime.fromisoformat("2022-01-10")  # a workbook's dates have no zone
NOW = datetime(2022, 2, 14, 9, tzinfo=UTC)
DOCS = Path(__file__).parent.parent / "docs" / "files"


class Desk:
    """A database and a folder of files, and somebody who loads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = database(f"sqlite:///{folder / 'pathways.db'}")
        SQLModel.metadata.create_all(self.engine)
        self.settings = Settings(profile="composite", home=folder)

    def load(self, kind: str, path: Path, now: datetime = NOW) -> intake.Report:
        return intake.load(self.engine, kind, path, now, self.settings)

    def rows(self, kind: str, *rows: dict, name: str = "", now: datetime = NOW) -> intake.Report:
        """Load rows that differ from the example by what is given."""
        return self.load(kind, self.write(kind, *rows, name=name), now)

    def write(self, kind: str, *rows: dict, name: str = "", delimiter: str = ",") -> Path:
        path = self.folder / (name or f"{kind}.csv")
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, intake.template(kind)[0], delimiter=delimiter)
            writer.writeheader()
            writer.writerows(example(kind) | row for row in rows)
        return path

    def text(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.write_bytes(text.encode(encoding))
        return path

    def all(self, query) -> list:
        with reading(self.engine) as connection:
            return list(connection.execute(query).scalars())


def example(kind: str) -> dict:
    return dict(zip(*intake.template(kind), strict=True))


def fact(**given: str) -> dict:
    return {"party": "", "recorded_on": "", **given}


LETTER = fact(about="ZE21P00001", fact="safeguarding_letter_filed", happened_on="12/01/2022")
SENT = fact(about="SPIP-D-0001", fact="referral_sent", happened_on="17/01/2022", provider="PV1")
BOOKED = fact(
    about="SPIP-D-0001", fact="session_booked", happened_on="18/01/2022", session="S-1",
    starts_at="31/01/2022 18:00", ends_at="31/01/2022 22:00",
)  # fmt: skip
ATTENDED = fact(
    about="SPIP-D-0001", fact="attendance_reported", happened_on="01/02/2022", session="S-1", result="attended"
)


CPPP = {"programme": "CPPP", "request": "R-0002", "party": "", "entry": "section_7"}


@pytest.fixture
def empty(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def desk(empty: Desk) -> Desk:
    """Everything of the examples is loaded, up to the case."""
    for kind in ("practitioners", "areas", "courts", "providers", "cases"):
        assert not empty.rows(kind, {}).problems
    return empty


@pytest.fixture
def open_case(desk: Desk) -> Desk:
    """A pathway is open on the example case."""
    assert not desk.rows("directions", {}).problems
    return desk


def only(report: intake.Report) -> intake.Problem:
    assert len(report.problems) == 1, report.problems
    return report.problems[0]


# Templates ------------------------------------------------------------------------------------------------------------


def test_the_examples_of_all_kinds_load_in_order_into_an_empty_database(empty: Desk):
    for kind in intake.KINDS:
        report = empty.rows(kind, {})
        assert (report.added, report.problems) == (1, []), kind
    assert empty.all(select(PathwayRow.reference)) == ["SPIP-D-0001", "SPIP-R-0001"]


def test_the_examples_loaded_a_second_time_and_on_a_later_day_change_nothing(empty: Desk):
    for later in (NOW, NOW, datetime(2022, 3, 5, 9, tzinfo=UTC)):
        reports = {kind: empty.rows(kind, {}, now=later) for kind in intake.KINDS}
    for kind, report in reports.items():
        assert (report.added, report.changed, report.unchanged, report.problems) == (0, 0, 1, []), kind
        assert not report.touched


@pytest.mark.parametrize("kind", intake.KINDS)
def test_the_page_of_a_kind_shows_exactly_its_columns(kind: str):
    assert intake.columns_table(kind) in (DOCS / f"{kind}.md").read_text(encoding="utf-8")


# Reading --------------------------------------------------------------------------------------------------------------

PEOPLE = "code,name,email,role\nADV1,Zoë Ångström,zoe@x.example,adviser\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_names_keep_their_letters_in_every_encoding(empty: Desk, encoding: str):
    assert not empty.load("practitioners", empty.text("p.csv", PEOPLE, encoding)).problems
    assert empty.all(select(Practitioner.name)) == ["Zoë Ångström"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_and_used_again_for_the_rejected_rows(empty: Desk, delimiter: str):
    path = empty.write("practitioners", {"name": "a,b;c\td"}, {"code": "X2", "role": "king"}, delimiter=delimiter)
    report = empty.load("practitioners", path)
    assert report.added == 1
    assert report.rejected_file.read_text("utf-8-sig").startswith(delimiter.join(["code", "name"]))


def test_blank_lines_no_break_spaces_and_a_loosely_typed_header_do_no_harm(empty: Desk):
    text = "\r\n Code ,NAME,e mail , Role\r\n\r\nADV1,Alex,a@x.example,Commissioning-Officer\r\n,,\u00a0,\r\n"
    with pytest.raises(FileRefused, match="e_mail is not known"):
        empty.load("practitioners", empty.text("p.csv", text))
    report = empty.load("practitioners", empty.text("p.csv", text.replace("e mail", "EMAIL")))
    assert (report.added, report.problems) == (1, [])
    assert empty.all(select(Practitioner.role)) == ["commissioning_officer"]


def test_cells_are_trimmed_and_references_are_put_in_capitals_without_spaces(empty: Desk):
    empty.load(
        "practitioners", empty.text("p.csv", "code,name,email,role\n adv 1 ,\u00a0Alex \u00a0,a@x.example,Adviser\n")
    )
    assert empty.all(select(Practitioner.code)) == ["ADV1"]
    assert empty.all(select(Practitioner.name)) == ["Alex"]


def test_a_problem_names_the_line_as_an_editor_counts_it(empty: Desk):
    text = 'code,name,email,role\n\nADV1,"Two\nlines",a@x.example,adviser\n\nADV2,B,b@x.example,king\n'
    problem = only(empty.load("practitioners", empty.text("p.csv", text)))
    assert (problem.line, problem.column, problem.value) == (6, "role", "king")
    assert "commissioning_manager" in problem.expected


@pytest.mark.parametrize("given", ["2022-01-31", "31/01/2022", "31/1/2022", "2022-01-31 00:00:00"])
def test_a_date_is_read_in_each_of_its_forms(given: str):
    assert day(given) == date(2022, 1, 31)


@pytest.mark.parametrize(
    ("given", "why"),
    [("31/01/22", "two digits"), ("31/02/2022", "no such day"), ("01/31/2022", "no such day"), ("44592", "write the"),
     ("soon", "write the"), ("31/01/0022", "between 1900")],
)  # fmt: skip
def test_a_date_that_could_be_taken_wrongly_is_refused(given: str, why: str):
    with pytest.raises(ValueError, match=why):
        day(given)


def test_a_time_without_a_zone_is_londons():
    for given in ("31/07/2022 18:00", "2022-07-31T18:00", "2022-07-31 18:00", "2022-07-31T17:00Z"):
        assert moment(given) == datetime(2022, 7, 31, 17, tzinfo=UTC)


def test_the_hour_that_spring_skips_is_refused_and_of_autumns_two_the_first_is_taken():
    with pytest.raises(ValueError, match="clocks went forward"):
        moment("27/03/2022 01:30")
    assert moment("30/10/2022 01:30") == datetime(2022, 10, 30, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("given", "said"), [("18:60", "no such time"), ("25:00", "no such time"), ("", "write day")])
def test_a_time_that_is_none_is_refused(given: str, said: str):
    with pytest.raises(ValueError, match=said):
        moment(f"31/01/2022 {given}")


def test_a_workbook_is_read_with_its_dates_numbers_and_sheet_rows(desk: Desk):
    book = openpyxl.Workbook()
    book.active.append(["Direction", "order", "case", "party", "activity", "made on", "monitoring requested"])
    book.active.append([])
    book.active.append([123.0, 77, "ZE21P00001", "P-0001", "SPIP", EXCEL_DAY, True])
    book.active.append([124, 77, "ZE21P00001", "P-0009", "SPIP", EXCEL_DAY, True])
    book.save(desk.folder / "d.xlsx")
    report = desk.load("directions", desk.folder / "d.xlsx")
    assert (report.added, only(report).line, only(report).column) == (1, 4, "party")
    with reading(desk.engine) as connection:
        kept = connection.execute(select(Direction.__table__)).one()
    assert (kept.reference, kept.order, kept.made_on) == ("123", "77", date(2022, 1, 10))
    assert report.rejected_file.name == "d.rejected.csv"


# Files that are none --------------------------------------------------------------------------------------------------


def workbook_cut_short(path: Path) -> bytes:
    openpyxl.Workbook().save(path)
    return path.read_bytes()[:900]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \r\n \n", "is empty"),
        (b"\xef\xbb\xbf\n", "empty"),
        (b"code,name\0,email,role\n", "not a text file"),
        (PEOPLE.encode("utf-16"), "not a text file"),
        (b"\x81\x8d\x8f\x90\x9d", "neither UTF-8 nor"),
        (b"PK\x03\x04 no workbook", "cannot be opened"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"locked" * 500, "cannot be opened"),
        (b'code,name,email,role\nADV1,"never closed,a@x.example,adviser\n', "quotation mark"),
        (b"code,name,email,role,code\n", "same name"),
        (b"code,name,email\n", "role is missing"),
        (b"code,name,email,role,shoe_size\n", "shoe_size is not known"),
        (b"code,name,email,role,\nADV1,A,a@x.example,adviser,extra\n", "no name in the header"),
    ],
)
def test_a_file_that_is_no_good_is_refused_in_one_sentence(empty: Desk, content: bytes, said: str):
    path = empty.folder / "p.csv"
    path.write_bytes(content)
    with pytest.raises(FileRefused, match=said) as refused:
        empty.load("practitioners", path)
    assert "\n" not in str(refused.value)
    assert sorted(p.name for p in empty.folder.iterdir() if "rejected" in p.name) == []


def test_a_damaged_workbook_a_zip_of_something_else_a_folder_and_a_missing_file_are_refused(empty: Desk):
    (empty.folder / "cut.xlsx").write_bytes(workbook_cut_short(empty.folder / "whole.xlsx"))
    with zipfile.ZipFile(empty.folder / "other.xlsx", "w") as archive:
        archive.writestr("readme.txt", "not a workbook")
    for name in ("cut.xlsx", "other.xlsx", "missing.csv", ""):
        with pytest.raises(FileRefused):
            empty.load("practitioners", empty.folder / name)


def test_a_workbook_with_a_lone_cell_far_out_is_refused_before_it_takes_all_memory(empty: Desk):
    book = openpyxl.Workbook()
    book.active.append(["code", "name", "email", "role"])
    book.active["XFD1048576"] = "x"
    book.save(empty.folder / "far.xlsx")
    with pytest.raises(FileRefused, match="far outside"):
        empty.load("practitioners", empty.folder / "far.xlsx")


def test_a_file_without_a_header_is_refused_without_repeating_what_is_in_it(empty: Desk):
    with pytest.raises(FileRefused, match="not the header") as refused:
        empty.load("practitioners", empty.text("p.csv", "ADV1,Alex Secret,a@x.example,adviser\n"))
    assert "Secret" not in str(refused.value)


def test_a_row_with_more_cells_than_the_header_is_handed_back(empty: Desk):
    problem = only(empty.load("practitioners", empty.text("p.csv", PEOPLE.replace("Zoë", "Zoë, Dr,"))))
    assert "quotes" in problem.expected


# Rejected rows --------------------------------------------------------------------------------------------------------


def test_rejected_rows_are_handed_back_unchanged_corrected_and_loaded(empty: Desk):
    path = empty.text("p.csv", " Code ,name,email,role\nadv1, Alex ,a@x.example,adviser\nadv2, Bo ,b@x.example,king\n")
    report = empty.load("practitioners", path)
    beside = report.rejected_file
    header, row = csv.reader(StringIO(beside.read_text("utf-8-sig")))
    assert header == [" Code ", "name", "email", "role", "problem"]
    assert row[:4] == ["adv2", " Bo ", "b@x.example", "king"]
    assert row[4].startswith("role: write one of")
    again = empty.load("practitioners", beside)  # not corrected: it comes back to the same name
    assert (len(again.problems), again.rejected_file) == (1, beside)
    assert len(beside.read_text("utf-8-sig").splitlines()[0].split("problem")) == 2
    beside.write_text(beside.read_text("utf-8-sig").replace("king", "adviser"), "utf-8")
    assert empty.load("practitioners", beside).added == 1
    assert not beside.exists()


def test_a_rejected_file_begins_no_formula_and_a_telephone_number_comes_back_from_it_as_it_was(desk: Desk):
    phone, address = "+44 1632 960001", "Flat 2;=1+1"
    wrong = {
        "adviser": "NOBODY",
        "applicant_phone": phone,
        "respondent_address": address,
        "applicant_longitude": "-2.25",
    }
    beside = desk.rows("cases", wrong).rejected_file
    handed_back = beside.read_text("utf-8-sig")
    assert "'+44 1632 960001," in handed_back and ",Flat 2;'=1+1," in handed_back and ",'-2.25," in handed_back
    beside.write_text(handed_back.replace("NOBODY", "ADV1"), "utf-8-sig")
    assert desk.load("cases", beside).changed == 1
    with reading(desk.engine) as connection:
        applicant, respondent = connection.execute(select(Party.__table__).order_by(Party.role))
    assert (applicant.phone, applicant.longitude, respondent.address) == (phone, -2.25, address)


@hypothesis.given(st.text("=+-@'\",;|\t\r\n ab\u00a0\uff1d", max_size=9))
def test_no_cell_handed_out_begins_a_formula_however_it_is_split_and_each_is_read_as_it_was(cell: str):
    out = inert(cell)
    assert as_typed(out) == cell and not out.startswith(("\t", "\r"))
    for begun in re.split("[,;|\t\r\n]", out):
        assert begun.lstrip(' \u00a0"')[:1] not in set("=+-@\uff1d")
    for delimiter in ",;\t":
        assert next(csv.reader(StringIO(as_csv([[cell, ""]], delimiter), newline=""), delimiter=delimiter)) == [out, ""]


def test_an_old_rejected_file_goes_when_nothing_is_rejected_but_only_if_it_is_ours(empty: Desk):
    empty.rows("practitioners", {"role": "king"})
    beside = empty.folder / "practitioners.rejected.csv"
    assert beside.exists()
    empty.rows("practitioners", {})
    assert not beside.exists()
    beside.write_text("my own notes")
    empty.rows("practitioners", {})
    assert beside.exists()


def test_a_folder_that_cannot_be_written_to_is_said_not_failed_on(empty: Desk):
    (empty.folder / "practitioners.rejected.csv").mkdir()
    report = empty.rows("practitioners", {"role": "king"})
    assert report.rejected_file is None
    assert "could not be written" in report.notes[0]


def test_all_that_is_wrong_with_a_row_is_said_at_once(empty: Desk):
    report = empty.rows("practitioners", {"code": "?", "email": "nobody", "name": ""})
    assert {problem.column for problem in report.problems} == {"code", "email", "name"}


# What rows say --------------------------------------------------------------------------------------------------------


def test_two_rows_of_one_file_that_disagree_keep_the_first_and_refuse_the_second(empty: Desk):
    report = empty.rows("practitioners", {}, {"name": "Other"}, {})
    assert (report.added, report.unchanged) == (1, 1)
    assert (only(report).line, only(report).column) == (3, "name")
    assert empty.all(select(Practitioner.name)) == ["Alex Example"]


def test_a_changed_row_changes_what_is_kept(desk: Desk):
    assert desk.rows("practitioners", {"name": "New Name"}).changed == 1
    assert desk.all(select(Practitioner.name)) == ["New Name"]


@pytest.mark.parametrize(
    ("kind", "row", "column", "load_first"),
    [
        ("areas", {"service_manager": "SM99"}, "service_manager", "load practitioners first"),
        ("areas", {"research_analyst": "RA99"}, "research_analyst", "load practitioners first"),
        ("closures", {"provider": "PV99"}, "provider", "provider PV99 is not known; load providers first"),
        ("courts", {"area": "A99"}, "area", "load areas first"),
        ("providers", {"areas": "A01 A99"}, "areas", "load areas first"),
        ("cases", {"court": "CT99"}, "court", "court CT99 is not known; load courts first"),
        ("cases", {"adviser": "ADV99"}, "adviser", "load practitioners first"),
        ("directions", {"case": "ZE21P99999"}, "case", "load cases first"),
        ("directions", {"party": "P-0099"}, "party", "is not a party of"),
        ("requests", {"case": "ZE21P99999"}, "case", "load cases first"),
        ("requests", {"requested_by": "ADV99"}, "requested_by", "is not an adviser"),
        ("requests", {"programme": "CCI"}, "programme", "no pathway for CCI"),
        ("facts", {"about": "ZE21P99999"}, "about", "load its case"),
        ("facts", {"recorded_by": "ADV99"}, "recorded_by", "neither a practitioner"),
    ],
)
def test_an_unknown_reference_is_refused_with_what_to_load_first(desk: Desk, kind, row, column, load_first):
    problem = only(desk.rows(kind, row))
    assert problem.column == column
    assert load_first in problem.expected


@pytest.mark.parametrize(
    ("kind", "row", "column"),
    [
        ("cases", {"received_on": "15/02/2022"}, "received_on"),
        ("cases", {"applicant_date_of_birth": "15/02/2022"}, "applicant_date_of_birth"),
        ("providers", {"contracted_until": "31/03/2021"}, "contracted_until"),
        ("closures", {"closed_until": "19/12/2021"}, "closed_until"),
        ("directions", {"made_on": "15/02/2022", "received_on": ""}, "made_on"),
        ("directions", {"received_on": "09/01/2022"}, "received_on"),
        ("requests", {"requested_on": "15/02/2022"}, "requested_on"),
        ("facts", {"happened_on": "15/02/2022", "recorded_on": ""}, "happened_on"),
        ("facts", {"recorded_on": "12/01/2022"}, "recorded_on"),
        ("facts", {"recorded_on": "15/02/2022"}, "recorded_on"),
    ],
)
def test_a_date_that_cannot_be_is_refused(desk: Desk, kind: str, row: dict, column: str):
    assert only(desk.rows(kind, row)).column == column


def test_lines_of_one_provider_agree_on_the_provider_or_the_later_is_refused(desk: Desk):
    report = desk.rows("providers", {}, {"programme": "MIAM"}, {"programme": "CCI", "mailbox": "other@x.example"})
    assert (report.added, report.unchanged) == (1, 1)
    assert (only(report).line, only(report).column) == (4, "mailbox")
    assert desk.all(select(Provider.mailbox)) == ["spip@harbour.example.invalid"]


@pytest.mark.parametrize(
    ("kind", "column", "code"), [("practitioners", "code", "PV1"), ("providers", "provider", "ADV1")]
)
def test_nobody_has_a_code_that_is_somebody_elses(desk: Desk, kind: str, column: str, code: str):
    refused = only(desk.rows(kind, {column: code}))
    assert refused.column == column and "already" in refused.expected


def test_somebody_may_be_trained_in_several_programmes_and_have_room_for_so_many_families(empty: Desk):
    empty.rows("practitioners", {"trained_in": "cppp, CPPP2", "capacity": "4"}, {"code": "ADV2"})
    with reading(empty.engine) as connection:
        kept = connection.execute(
            select(Practitioner.trained_in, Practitioner.capacity).order_by(Practitioner.code)
        ).all()
    assert [tuple(one) for one in kept] == [("CPPP CPPP2", 4), ("", None)]
    assert only(empty.rows("practitioners", {"code": "ADV3", "capacity": "some"})).column == "capacity"


def test_an_area_may_do_without_a_research_analyst(empty: Desk):
    empty.rows("practitioners", {})
    assert empty.rows("areas", {}, {"code": "A02", "research_analyst": "ADV1"}).added == 2
    assert empty.all(select(Area.research_analyst).order_by(Area.code)) == [None, "ADV1"]


def test_pathways_of_an_area_whose_office_changes_hands_are_looked_at_again(open_case: Desk):
    open_case.rows("practitioners", {"code": "ADV2"})
    report = open_case.rows("areas", {"commissioning_officer": "ADV2"})
    assert (report.changed, report.touched) == (1, {("SPIP", "SPIP-D-0001")})


# Closures -------------------------------------------------------------------------------------------------------------


def test_a_provider_has_closures_each_known_by_its_first_day(desk: Desk):
    report = desk.rows("closures", {}, {"closed_from": "14/02/2022", "closed_until": "14/02/2022"})
    assert (report.added, report.problems) == (2, [])
    assert desk.rows("closures", {"closed_until": "09/01/2022"}).changed == 1
    assert desk.all(select(Closure.closed_until).order_by(Closure.closed_from)) == [date(2022, 1, 9), date(2022, 2, 14)]


def test_a_closure_given_twice_in_one_file_counts_once_and_must_not_say_otherwise(desk: Desk):
    report = desk.rows("closures", {}, {}, {"closed_until": "03/01/2022"})
    assert (report.added, report.unchanged, only(report).line, only(report).column) == (1, 1, 4, "closed_until")


@pytest.mark.parametrize("column", ["provider", "closed_from", "closed_until"])
def test_a_closure_without_its_provider_or_a_day_is_refused(desk: Desk, column: str):
    problem = only(desk.rows("closures", {column: ""}))
    assert problem.column == column
    assert "must be filled in" in problem.expected


def test_pathways_a_provider_holds_are_looked_at_again_when_its_closures_change(open_case: Desk):
    assert not open_case.rows("facts", LETTER, SENT).problems
    for closure, touched in (({}, 1), ({}, 0), ({"closed_until": "09/01/2022"}, 1)):
        assert len(open_case.rows("closures", closure).touched) == touched
    assert open_case.all(select(PathwayRow.look_on)) == [NOW.date()]


@pytest.mark.parametrize(
    "changed", [{"accreditation": "Respect", "accredited_until": "31/03/2030"}, {"suspended_from": "01/03/2022"}]
)
def test_pathways_a_provider_holds_are_looked_at_again_when_its_line_or_itself_changes(open_case: Desk, changed: dict):
    assert not open_case.rows("facts", LETTER, SENT).problems
    report = open_case.rows("providers", changed)
    assert (report.changed, report.touched) == (1, {("SPIP", "SPIP-D-0001")})


# Cases ----------------------------------------------------------------------------------------------------------------


def test_a_case_brings_its_parties_and_its_hearings_which_nobody_is_told_of(desk: Desk):
    assert sorted(desk.all(select(Party.role))) == ["applicant", "respondent"]
    with reading(desk.engine) as connection:
        facts = connection.execute(select(FactRow.__table__).order_by(FactRow.id)).all()
    assert [fact.payload["hearing_on"] for fact in facts] == ["2022-03-01", "2022-06-14"]
    assert {(fact.told_already, fact.recorded_by, fact.happened_on) for fact in facts} == {
        (True, "ADV1", date(2022, 2, 14))
    }


def test_a_second_spelling_of_a_case_is_that_case_wherever_it_is_given(desk: Desk):
    report = desk.rows("cases", {"case": "ze21-p-00001"})
    assert (report.unchanged, report.problems) == (1, [])
    assert "loaded as ZE21P00001" in report.notes[0]
    for kind, row in (
        ("directions", {"case": "ZE21/P/00001"}),
        ("requests", {"case": "ZE21 P.00001"}),
        ("facts", {"about": "ZE-21-P00001"}),
    ):
        report = desk.rows(kind, row)
        assert (report.added, report.problems) == (1, []), kind
    assert desk.all(select(Case.reference)) == ["ZE21P00001"]


@pytest.mark.parametrize(
    ("kind", "column"),
    [("cases", "case"), ("cases", "applicant"), ("directions", "direction"), ("directions", "order"), ("requests", "request")],
)  # fmt: skip
@pytest.mark.parametrize(
    ("name", "says"), [("John Smith", "no spaces"), ("JOHNSMITH", "more than five letters"), ("SAM-1", "holds a name")]
)
def test_sr_12_a_reference_is_nobodys_name(desk: Desk, kind: str, column: str, name: str, says: str):
    before = desk.all(select(PathwayRow.reference)), desk.all(select(Case.reference))
    fresh = {"case": "ZE21P00007", "applicant": "P-0007", "respondent": "P-0008"} if kind == "cases" else {}
    problem = only(desk.rows(kind, fresh | {column: name}))
    assert (problem.line, problem.column, problem.value) == (2, column, name)
    assert says in problem.expected and "SR-12" in problem.expected
    assert (desk.all(select(PathwayRow.reference)), desk.all(select(Case.reference))) == before


@pytest.mark.parametrize("case", ["ZE21P00007", "ab23p-100200300", "1657-8890-1234-5678", "LONDN-7"])
def test_a_reference_that_is_no_name_is_taken_however_many_digits_it_has(desk: Desk, case: str):
    report = desk.rows("cases", {"case": case, "applicant": "P-1000007", "respondent": "P-1000008"})
    assert (report.added, report.problems) == (1, [])


def test_a_case_we_know_may_be_written_with_spaces_and_the_report_says_so(desk: Desk):
    report = desk.rows("requests", {"case": "ZE21 P00001"})
    assert report.added == 1 and "ZE21 P00001 is a case we know; loaded as ZE21P00001" in report.notes[0]


def test_a_second_spelling_within_one_file_must_not_say_otherwise(empty: Desk):
    for kind in ("practitioners", "areas", "courts"):
        empty.rows(kind, {})
    report = empty.rows("cases", {}, {"case": "ZE21-P00001", "received_on": "05/01/2022"})
    assert (report.added, only(report).column) == (1, "received_on")


def test_a_file_with_a_header_and_no_row_is_refused(desk: Desk):
    with pytest.raises(FileRefused, match="there is a header, and no row below it"):
        desk.rows("cases")


def test_a_party_keeps_its_case_and_a_case_its_parties(desk: Desk):
    other = {"case": "ZE21P00002", "applicant": "P-0007"}
    assert only(desk.rows("cases", other)).column == "respondent"
    assert only(desk.rows("cases", {"applicant": "P-0008"})).column == "applicant"
    assert only(desk.rows("cases", {"respondent": "P-0001"})).column == "respondent"
    assert len(desk.all(select(Party.reference))) == 2


def test_a_new_hearing_is_a_change_and_one_left_out_stays(desk: Desk):
    assert desk.rows("cases", {"hearings": "02/05/2022"}).changed == 1
    assert len(desk.all(select(FactRow.id))) == 3


def test_pathways_of_a_case_that_changes_hands_are_looked_at_again(open_case: Desk):
    open_case.rows("practitioners", {"code": "ADV2"})
    report = open_case.rows("cases", {"adviser": "ADV2"})
    assert (report.changed, report.touched) == (1, {("SPIP", "SPIP-D-0001")})


# Directions and requests ----------------------------------------------------------------------------------------------


def test_a_direction_we_run_no_pathway_for_is_kept_as_a_record(desk: Desk):
    report = desk.rows("directions", {"activity": "miam"})
    assert (report.added, report.touched) == (1, set())
    assert "MIAM" in report.notes[0]
    assert desk.all(select(PathwayRow.reference)) == []


def test_a_direction_whose_pathway_may_not_open_leaves_nothing_behind_and_holds_up_no_other(desk: Desk):
    report = desk.rows("directions", {}, {"direction": "D-0002"}, {"direction": "D-0003", "party": "P-0002"})
    assert report.added == 2
    assert "open already" in only(report).expected
    assert desk.all(select(Direction.reference)) == ["D-0001", "D-0003"]


def test_a_direction_cannot_move_from_under_its_pathway_but_monitoring_can_be_added(open_case: Desk):
    assert only(open_case.rows("directions", {"party": "P-0002"})).column == "party"
    assert only(open_case.rows("directions", {"made_on": "11/01/2022"})).column == "made_on"
    assert only(open_case.rows("directions", {"activity": "MIAM"})).column == "activity"
    report = open_case.rows("directions", {"monitoring_requested": "N"})
    assert (report.changed, report.touched) == (1, {("SPIP", "SPIP-D-0001")})


def test_a_direction_was_known_at_noon_of_the_day_it_was_received(open_case: Desk):
    assert open_case.all(select(FactRow.recorded_at).where(FactRow.kind == "requested")) == [
        datetime(2022, 1, 12, 12, tzinfo=UTC)
    ]


def test_a_direction_for_dvpp_opens_it_with_what_the_order_says(desk: Desk):
    ordered = {"activity": "DVPP", "in_final_order": "yes", "assessment_only": "no"}
    assert desk.rows("directions", ordered).touched == {("DVPP", "DVPP-D-0001")}
    report = desk.rows("directions", ordered | {"in_final_order": "no", "assessment_only": "yes"})
    assert (report.changed, report.touched) == (1, {("DVPP", "DVPP-D-0001")})
    with reading(desk.engine) as connection:
        kept = connection.execute(select(Direction.in_final_order, Direction.assessment_only)).one()
    assert tuple(kept) == (False, True)


def test_dvpp_comes_by_a_direction_only_and_cppp_by_a_request_only(desk: Desk):
    asked, ordered = desk.rows("requests", {"programme": "DVPP"}), desk.rows("directions", {"activity": "CPPP"})
    assert (only(asked).column, only(ordered).column) == ("programme", "activity")
    assert "load its direction" in only(asked).expected
    assert "SR-06" in only(ordered).expected
    assert desk.all(select(PathwayRow.reference)) == []


def test_a_request_for_cppp_is_for_both_parents_and_keeps_how_it_came_about(desk: Desk):
    report = desk.rows("requests", CPPP | {"entry": "Rule 16-4", "suggested_by": "Judge"})
    assert (report.problems, report.touched) == ([], {("CPPP", "CPPP-R-0002")})
    assert desk.all(select(PathwayRow.party)) == [None]
    [asked] = desk.all(select(FactRow.payload).where(FactRow.kind == "requested"))
    assert asked == {"route": "adviser", "entry": "rule_16_4", "suggested_by": "judge"}


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        (CPPP | {"party": "P-0001"}, "party", "leave party empty"),
        (CPPP | {"entry": ""}, "entry", "CPPP needs one of first_hearing"),
        (CPPP | {"entry": "rule 99"}, "entry", "section_7_to_16_4"),
        (CPPP | {"suggested_by": "parent"}, "suggested_by", "'adviser' or 'judge'"),
        ({"party": ""}, "party", "say who"),
        ({"entry": "section_7"}, "entry", "only CPPP has an entry"),
    ],
)
def test_a_request_that_does_not_go_with_its_programme_is_refused(desk: Desk, row: dict, column: str, said: str):
    problem = only(desk.rows("requests", row))
    assert problem.column == column
    assert said in problem.expected


def test_two_cppp_of_one_case_do_not_run_at_once_but_spip_beside_one_does(desk: Desk):
    report = desk.rows("requests", CPPP, CPPP | {"request": "R-0003"}, {})
    assert report.added == 2
    assert "these parents have CPPP-R-0002 open already" in only(report).expected


def test_an_adviser_cannot_ask_for_what_the_court_declined(desk: Desk):
    declined = fact(about="ZE21P00001", fact="court_declined", happened_on="11/01/2022", programme="SPIP")
    assert not desk.rows("facts", declined).problems
    assert "SR-15" in only(desk.rows("requests", {})).expected


# Facts ----------------------------------------------------------------------------------------------------------------


def test_facts_of_one_file_may_stand_in_any_order(open_case: Desk):
    report = open_case.rows("facts", ATTENDED, BOOKED, SENT, LETTER)
    assert (report.added, report.problems) == (4, [])
    assert report.touched == {("SPIP", "SPIP-D-0001")}


def test_what_passes_the_gate_may_stand_below_the_referral_of_the_same_day(open_case: Desk):
    held = fact(about="SPIP-D-0001", fact="held", happened_on="11/01/2022", reason="other")
    report = open_case.rows("facts", held, SENT, BOOKED, LETTER | {"happened_on": SENT["happened_on"]})
    assert (report.added, report.problems) == (4, [])


def test_a_fact_of_another_programme_is_refused(open_case: Desk):
    weekly = fact(about="SPIP-D-0001", fact="weekly_attendance", happened_on="31/01/2022", week="1", result="attended")
    assert "weekly_attendance is of DVPP; SPIP-D-0001 is SPIP" in only(open_case.rows("facts", weekly)).expected


def test_what_only_a_manager_records_is_refused_from_an_adviser(desk: Desk):
    assert not desk.rows("directions", {"activity": "DVPP", "in_final_order": "yes"}).problems
    reviewed = fact(about="DVPP-D-0001", fact="final_order_reviewed", happened_on="12/01/2022", decision="go on")
    assert "recorded by a service manager" in only(desk.rows("facts", reviewed)).expected
    desk.rows("practitioners", {"code": "SM1", "role": "service_manager"})
    assert desk.rows("facts", reviewed | {"recorded_by": "SM1"}).added == 1


def test_a_referral_before_the_gate_is_refused_by_its_safety_rule(open_case: Desk):
    assert "SR-01" in only(open_case.rows("facts", SENT)).expected


def test_a_fact_before_its_cause_is_refused(open_case: Desk):
    report = open_case.rows("facts", LETTER, SENT, BOOKED | {"happened_on": "16/01/2022"})
    assert (only(report).line, only(report).column) == (4, "happened_on")
    assert only(open_case.rows("facts", ATTENDED)).column == "fact"


def test_of_two_facts_that_contradict_each_other_the_second_is_refused_with_the_number_to_correct(open_case: Desk):
    report = open_case.rows("facts", LETTER, SENT, BOOKED, ATTENDED, ATTENDED | {"result": "absent"})
    assert (report.added, only(report).line) == (4, 6)
    assert "supersedes" in only(report).expected


def test_a_correction_by_number_is_taken_and_the_old_file_does_not_undo_it(open_case: Desk):
    old = open_case.write("facts", LETTER, SENT, BOOKED, ATTENDED, name="old.csv")
    open_case.load("facts", old)
    [number] = open_case.all(select(FactRow.id).where(FactRow.kind == "attendance_reported"))
    corrected = ATTENDED | {"result": "absent", "supersedes": str(number)}
    assert open_case.rows("facts", corrected).added == 1
    again = open_case.load("facts", old)
    assert (again.added, again.unchanged, again.problems) == (0, 4, [])


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        (LETTER | {"session": "S-1"}, "session", "has no session"),
        (BOOKED | {"session": ""}, "session", "needs session"),
        (BOOKED | {"starts_at": "27/03/2022 01:30"}, "starts_at", "clocks went forward"),
        (BOOKED | {"ends_at": "31/01/2022 17:00"}, "fact", "ends after it starts"),
        (ATTENDED | {"result": "maybe"}, "result", "attended, late, part, absent"),
        (LETTER | {"fact": "parent_spoke_to"}, "fact", "did you mean parent_spoken_to"),
        (LETTER | {"fact": "requested"}, "fact", "is no kind of fact"),
        (LETTER | {"fact": ""}, "fact", "must be filled in"),
        (LETTER | {"supersedes": "99"}, "supersedes", "no fact about"),
    ],
)
def test_a_fact_that_does_not_fit_its_kind_is_refused_naming_the_column(open_case: Desk, row, column, said):
    problem = only(open_case.rows("facts", row))
    assert problem.column == column
    assert said in problem.expected


def test_a_fact_is_recorded_at_noon_of_its_day_but_never_in_the_time_to_come(desk: Desk):
    given = {"2022-01-14": datetime(2022, 1, 14, 12, tzinfo=UTC), "2022-02-14": NOW, "": NOW}
    for party, (recorded_on, at) in zip(("P-0001", "P-0002", ""), given.items(), strict=True):
        row = {"recorded_on": recorded_on, "party": party}
        report = desk.rows("facts", row if party else LETTER | row)
        assert report.added == 1
        assert desk.all(select(FactRow.recorded_at).order_by(FactRow.id.desc()))[0] == at


def test_a_fact_can_be_typed_and_a_wrong_detail_is_named():
    typed = fact_from_text("attendance_reported", {"session": "s-1", "result": "Absent"}, on=None, by="pv1", now=NOW)
    assert (typed.happened_on, typed.session, typed.result) == (date(2022, 2, 14), "S-1", "absent")
    for kind, details, field in (
        ("attendance_reported", {"session": "?"}, "session"),
        ("held", {"session": "S-1"}, "session"),
        ("nonsense", {}, "fact"),
    ):
        with pytest.raises(BadFact) as bad:
            fact_from_text(kind, details, on="31/01/2022", by="PV1", now=NOW)
        assert bad.value.field == field


def test_progress_is_told_up_to_the_last_row(desk: Desk):
    told = []
    path = desk.write("facts", {}, {"fact": "nonsense"}, {"party": "P-0002"})
    intake.load(desk.engine, "facts", path, NOW, desk.settings, lambda done, total: told.append((done, total)))
    assert told[-1] == (3, 3)


def test_the_page_of_facts_says_what_the_code_says():
    assert (DOCS.parent / "facts.md").read_text(encoding="utf-8") == facts_page.page()


def test_the_page_of_facts_names_every_kind_once_and_nothing_of_the_restricted_strand():
    named = re.findall(r"^\| `(\w+)` \|", facts_page.page(), re.MULTILINE)
    assert sorted(named) == sorted(REPORTABLE)
    assert not RESTRICTED.keys() & set(named)


def test_the_list_of_kinds_is_numbered_in_load_order():
    listed = [f"{n}. [{kind}]({kind}.md): {says}" for n, (kind, says) in enumerate(intake.KINDS.items(), 1)]
    assert "\n".join(listed) in (DOCS / "README.md").read_text(encoding="utf-8")
