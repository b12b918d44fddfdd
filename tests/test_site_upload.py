"""A month's attendance in one file: every row is looked at before anything is recorded, and no file does any harm."""

import csv
import io
import re
import shutil
import subprocess
import sys
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import Engine

from intake.attendance import AttendanceRow
from models import tables as t
from store.database import database
from tests import hostile
from tests.fresh import with_tables
from tests.site import OpenSite, Pages, text_of
from tests.world import Office, at_once

HEADER = list(AttendanceRow.model_fields)


def owing(engine: Engine, home: Path) -> OpenSite:
    """P1 owes reports on SPIP-D1 and SPIP-D2 and on two weeks of DVPP-D4; P2 has SPIP-D3. Today is 26 January 2026."""
    office = Office(engine).case()
    for number, party in ((2, "PC"), (3, "PE"), (4, "PG")):
        office.case(f"CASE{number}", (party, f"{party}X"))
    office.opens()
    office.opens("SPIP-D2", "PC", case="CASE2")
    office.opens("SPIP-D3", "PE", case="CASE3")
    for reference, provider in (("SPIP-D1", "P1"), ("SPIP-D2", "P1"), ("SPIP-D3", "P2")):
        office.awaiting_report(reference, provider)
    office.opens("DVPP-D4", "PG", case="CASE4")
    on = "2026-01-06"
    for kind, more in (
        ("survivor_plan_made", {}), ("violence_established", {"basis": "found"}), ("referral_sent", {"provider": "P1"}),
        ("acknowledged", {"provider": "P1"}), ("assessment_done", {}), ("assessment_reported", {"result": "accepted"}),
    ):  # fmt: skip
        assert (done := office.says("DVPP-D4", kind, on, **more)).result == "recorded", done.why
    assert office.says("DVPP-D4", "programme_started", "2026-01-14", weeks=26).result == "recorded"
    office.round("2026-01-26")
    return OpenSite(office, home, "2026-01-26")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as `owing` leaves it, to be copied."""
    home = tmp_path_factory.mktemp("owing")
    engine = owing(with_tables(database(f"sqlite:///{home / 'pathways.db'}")), home).engine
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return home / "pathways.db"


def opened(prepared: Path, home: Path) -> OpenSite:
    shutil.copy(prepared, home / "pathways.db")
    return OpenSite(Office.at(database(f"sqlite:///{home / 'pathways.db'}")), home, "2026-01-26")


@pytest.fixture
def site(prepared: Path, tmp_path: Path) -> OpenSite:
    return opened(prepared, tmp_path)


@pytest.fixture
def anywhere(engine: Engine, tmp_path: Path) -> OpenSite:
    """The same on each kind of database."""
    return owing(engine, tmp_path)


@pytest.fixture(scope="module")
def looking(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """A browser for what is only looked at: that changes nothing, so one site serves many tests."""
    return opened(prepared, tmp_path_factory.mktemp("looking")).enter("provider", "P1")


@pytest.fixture
def pages(site: OpenSite) -> Pages:
    return site.enter("provider", "P1")


def row(reference: str = "SPIP-D1", result: str = "attended", reason: str = "", **more: str) -> dict[str, str]:
    session = {} if reference.startswith("DVPP") or "session" in more else {"session": f"S-{reference}"}
    return {"reference": reference, "result": result, "reason": reason, **session, **more}


def as_csv(*rows: dict[str, str]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_workbook(*rows: dict[str, Any]) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    for one in rows:
        book.active.append([one.get(name) for name in HEADER])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def check(pages: Pages, content: bytes, name: str = "january.csv") -> Any:
    return pages.post("/upload", files={"file": (name, content)})


def back(checked: Any) -> dict[str, str]:
    """What the form of the page sends back."""
    found = {
        name: re.search(rf'name="{name}" value="([^"]*)"', checked.text, re.S)[1] for name in ("submission", "rows")
    }
    return {name: unescape(value) for name, value in found.items()}


def send(pages: Pages, checked: Any) -> Any:
    return pages.post("/upload/send", back(checked))


def recorded(site: OpenSite) -> list[tuple[str, str, str, dict[str, Any]]]:
    kinds = ("attendance_reported", "session_cancelled", "weekly_attendance")
    rows = [fact for fact in site.office.rows(t.FactRow) if fact.kind in kinds]
    return [(fact.subject, fact.kind, fact.happened_on.isoformat(), fact.payload) for fact in rows]


def becomes(checked: Any) -> dict[int, str]:
    """What the page says of each line."""
    rows = re.findall(r'id="line-([0-9]+)"(.*?)</tr>', checked.text, re.S)
    cells = {int(line): text.split("<td")[-1] for line, text in rows}
    return {line: " ".join(unescape(re.sub("<[^>]*>", " ", f"<{text}")).split()) for line, text in cells.items()}


# What becomes of rows ---------------------------------------------------------------------------------------------------


def test_a_file_is_looked_at_first_and_sent_in_from_there_with_one_receipt(anywhere: OpenSite):
    pages = anywhere.enter("provider", "P1")
    checked = check(pages, as_csv(row(), row("SPIP-D2", "absent", "illness"), row("DVPP-D4", week="1")))
    assert checked.status_code == 200 and "3 rows are good. Nothing of them is recorded yet" in text_of(checked)
    assert becomes(checked)[3] == "Will be recorded: Did not attend: illness, 16 January 2026"
    assert recorded(anywhere) == []
    assert "Receipt RC-" in text_of(send(pages, checked)) and len(anywhere.office.rows(t.Receipt)) == 1
    absent = {"session": "S-SPIP-D2", "result": "absent", "reason": "illness"}
    assert recorded(anywhere) == [
        ("DVPP-D4", "weekly_attendance", "2026-01-14", {"week": 1, "result": "attended"}),
        ("SPIP-D1", "attendance_reported", "2026-01-16", {"session": "S-SPIP-D1", "result": "attended"}),
        ("SPIP-D2", "attendance_reported", "2026-01-16", absent),
    ]


def test_a_workbook_is_taken_as_a_csv_file_is(site: OpenSite, pages: Pages):
    day = datetime.fromisoformat("2026-01-16")  # a workbook's dates have no zone
    rows = (row(day=day), row("DVPP-D4", "not held", week=2))
    assert "Receipt RC-" in text_of(send(pages, check(pages, as_workbook(*rows), "january.xlsx")))
    assert [(subject, on) for subject, _, on, _ in recorded(site)] == [
        ("SPIP-D1", "2026-01-16"),
        ("DVPP-D4", "2026-01-21"),
    ]


def test_the_file_to_fill_in_holds_all_the_attendance_that_is_owed_and_rows_left_empty_are_passed_over(
    site: OpenSite, pages: Pages
):
    given_out = pages.get("/upload/attendance.csv")
    assert given_out.headers["content-disposition"] == 'attachment; filename="attendance.csv"'
    assert given_out.headers["content-type"] == "text/csv; charset=utf-8"
    assert given_out.headers["x-content-type-options"] == "nosniff"
    lines = given_out.content.decode("utf-8-sig").splitlines()
    assert lines == [
        "reference,session,week,day,result,reason",
        "SPIP-D1,S-SPIP-D1,,16/01/2026,,",
        "SPIP-D2,S-SPIP-D2,,16/01/2026,,",
        "DVPP-D4,,1,14/01/2026,,",
        "DVPP-D4,,2,21/01/2026,,",
    ] or sorted(lines[1:]) == [
        "DVPP-D4,,1,14/01/2026,,",
        "DVPP-D4,,2,21/01/2026,,",
        "SPIP-D1,S-SPIP-D1,,16/01/2026,,",
        "SPIP-D2,S-SPIP-D2,,16/01/2026,,",
    ]
    filled = given_out.content.replace(b"D2,,16/01/2026,,", b"D2,,16/01/2026,late,")
    checked = check(pages, filled)
    assert "3 rows have no result yet, and are passed over" in text_of(checked)
    send(pages, checked)
    assert [payload["result"] for *_, payload in recorded(site)] == ["late"]
    assert "No row of the file has a result yet" in text_of(check(pages, given_out.content))


def test_wrong_rows_are_told_beside_them_handed_back_corrected_and_sent_again(site: OpenSite, pages: Pages):
    wrong = row("SPIP-D2", "was there", "=cmd|' /C calc'!A0")
    checked = check(pages, as_csv(row(), wrong))
    assert checked.status_code == 422 and 'href="#line-3"' in checked.text and "<title>Error: " in checked.text
    assert becomes(checked)[3] == "Error: Result: write one of attended, late, part, absent, cancelled"
    file = pages.post("/upload/attendance.rejected.csv", back(checked))
    assert file.headers["content-disposition"] == 'attachment; filename="attendance.rejected.csv"'
    header, handed_back = csv.reader(io.StringIO(file.content.decode("utf-8-sig")))
    assert header == [*HEADER, "problem"] and handed_back[-1].startswith("result: write one of")
    assert handed_back[HEADER.index("reason")] == "'=cmd|' /C calc'!A0"
    assert "Receipt RC-" in text_of(send(pages, checked))
    corrected = file.content.replace(b"was there", b"part").replace(b"'=cmd|' /C calc'!A0", b"travel")
    assert "Receipt RC-" in text_of(send(pages, check(pages, corrected)))
    assert [payload["result"] for *_, payload in recorded(site)] == ["attended", "part"]


def test_a_formula_that_is_handed_back_is_read_as_it_was(looking: Pages):
    checked = check(looking, as_csv(row(reason="=1+1")))
    file = looking.post("/upload/attendance.rejected.csv", back(checked))
    assert b",'=1+1," in file.content
    assert "attended, =1+1" in text_of(check(looking, file.content))


def test_references_of_others_are_refused_as_those_that_there_are_not(site: OpenSite, pages: Pages):
    checked = check(pages, as_csv(row("SPIP-D3"), row("SPIP-D9"), row("DVPP-D9", week="1"), row("CASE1")))
    assert set(becomes(checked).values()) == {"Error: Reference: you hold no referral with this reference"}
    smuggled = back(checked)
    smuggled["rows"] = smuggled["rows"].replace(",wrong,", ",,")
    answer = pages.post("/upload/send", smuggled)
    assert "Nothing was recorded" in text_of(answer) and recorded(site) == []
    assert set(becomes(answer).values()) == {"Error: Reference: you hold no referral with this reference"}


def test_the_same_file_twice_changes_nothing(anywhere: OpenSite):
    pages = anywhere.enter("provider", "P1")
    file = as_csv(row(), row("SPIP-D2", "cancelled", "provider"), row("DVPP-D4", "absent", week="2"))
    send(pages, check(pages, file))
    anywhere.office.says("SPIP-D1", "next_step_taken", "2026-01-27", step="none")
    anywhere.office.round("2026-01-27")
    assert anywhere.office.pathway("SPIP-D1").closed_on
    before = recorded(anywhere)
    checked = check(pages, file)
    assert checked.status_code == 200 and "3 rows are recorded already" in text_of(checked)
    assert becomes(checked)[2] == "Recorded already: Attended, 16 January 2026"
    assert 'action="/upload/send"' not in checked.text
    assert recorded(anywhere) == before and len(anywhere.office.rows(t.Receipt)) == 1


def test_what_was_answered_on_another_day_is_known_all_the_same(site: OpenSite, pages: Pages):
    """Staff record what a provider told them, perhaps with the day on which it did."""
    more = {"session": "S-SPIP-D1", "result": "attended"}
    assert site.office.says("SPIP-D1", "attendance_reported", "2026-01-20", **more).result == "recorded"
    checked = check(pages, as_csv(row(day="16/01/2026")))
    assert becomes(checked)[2] == "Recorded already: Attended, 20 January 2026"


def test_a_row_given_twice_is_sent_once_and_two_that_disagree_are_not_both_taken(site: OpenSite, pages: Pages):
    checked = check(pages, as_csv(row(), row(result="Attended", day="16/01/2026"), row(result="late")))
    assert becomes(checked) == {
        2: "Will be recorded: Attended, 16 January 2026",
        3: "The same as line 2",
        4: "Error: Result: line 2 says otherwise of the same session",
    }
    send(pages, checked)
    assert len(recorded(site)) == 1


def test_a_row_that_contradicts_what_is_recorded_says_what_and_leads_to_its_correction(site: OpenSite, pages: Pages):
    send(pages, check(pages, as_csv(row(result="absent", reason="work"), row("DVPP-D4", "absent", week="1"))))
    numbers = {
        fact.subject: fact.id for fact in site.office.rows(t.FactRow, recorded_by="P1") if fact.recorded_at.day == 26
    }
    checked = check(pages, as_csv(row(result="cancelled", reason="person"), row("DVPP-D4", "attended", week="1")))
    said = f'"Did not attend: work" is recorded already, as fact {numbers["SPIP-D1"]}'
    assert becomes(checked)[2] == f"Error: Result: {said} Correct fact {numbers['SPIP-D1']}"
    assert f'href="/corrections/{numbers["DVPP-D4"]}"' in checked.text


@pytest.mark.parametrize("theirs", [{"result": "late"}, {"result": "absent"}])
def test_an_answer_given_while_the_rows_were_looked_at_stands_and_nothing_of_the_file_is_recorded(
    site: OpenSite, pages: Pages, theirs: dict[str, str]
):
    checked = check(pages, as_csv(row(result="cancelled", reason="person"), row("SPIP-D2")))
    theirs = site.office.says("SPIP-D1", "attendance_reported", "2026-01-16", session="S-SPIP-D1", **theirs)
    assert theirs.result == "recorded"
    answer = send(pages, checked)
    assert answer.status_code == 422 and "Nothing was recorded" in text_of(answer)
    assert "is recorded already" in becomes(answer)[2] and len(recorded(site)) == 1
    assert "Receipt RC-" in text_of(send(pages, answer))  # the other row, which is still good
    assert [subject for subject, *_ in recorded(site)] == ["SPIP-D1", "SPIP-D2"]


def test_the_same_page_sent_twice_is_one_receipt_even_when_it_was_corrected_between(site: OpenSite, pages: Pages):
    checked = check(pages, as_csv(row()))
    first = send(pages, checked)
    number = site.office.rows(t.FactRow, kind="attendance_reported")[0].id
    more = {"session": "S-SPIP-D1", "result": "late", "supersedes": number, "at": site.site.now()}
    site.office.record(
        site.office.reported("SPIP-D1", "attendance_reported", "2026-01-16", **more), now=site.site.now()
    )
    assert len(recorded(site)) == 2 and send(pages, checked).url == first.url
    assert len(site.office.rows(t.Receipt)) == 1


def test_a_row_that_was_shown_as_wrong_is_not_sent_even_if_it_could_be_by_then(site: OpenSite, pages: Pages):
    form = back(check(pages, as_csv(row(), row("SPIP-D2"))))
    pages.post("/upload/send", form | {"rows": form["rows"].replace("2,,SPIP-D1", "2,wrong,SPIP-D1")})
    assert [subject for subject, *_ in recorded(site)] == ["SPIP-D2"]


def test_of_two_pages_sent_at_one_moment_one_stands_and_the_other_is_told(anywhere: OpenSite):
    pages = anywhere.enter("provider", "P1")
    others = anywhere.enter("provider_lead", "P1")
    forms = [back(check(pages, as_csv(one))) for one in (row(), row(result="cancelled", reason="person"))]
    for form, browser in zip(forms, (pages, others), strict=True):
        form["token"] = browser.token()
    first, second = at_once(
        lambda: pages.client.post("/upload/send", data=forms[0]),
        lambda: others.client.post("/upload/send", data=forms[1]),
    )
    assert sorted([first.status_code, second.status_code]) == [200, 422] and len(recorded(anywhere)) == 1
    told = first if first.status_code == 422 else second
    assert re.search("answered this meanwhile|is recorded already", becomes(told)[2])


# What rows may say ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "reason", "said"),
    [
        ("ATTENDED ", "", "Attended"),
        ("attended late", "", "Attended, came late"),
        ("Part-attended", "Left early", "Attended part of it: left early"),
        ("Did not attend", "no reason given", "Did not attend: no reason given"),
        ("absent: illness", "", "Did not attend: illness"),
        ("cancelled by provider", "", "The session did not happen: we called it off"),
        ("The session did not happen", "the person called it off", "The session did not happen: the person called it off"),
    ],
)  # fmt: skip
def test_results_are_read_however_they_are_spelled(looking: Pages, result: str, reason: str, said: str):
    assert becomes(check(looking, as_csv(row(result=result, reason=reason))))[2].startswith(
        f"Will be recorded: {said}, "
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (row(reason="illness"), "Reason: leave it empty: none is given for attended"),
        (row(result="absent"), "Reason: for absent, write one of no_reason_given, illness,"),
        (row(result="absent illness", reason="work"), "Reason: for absent, write one of"),
        (row(result="cancelled", reason="illness"), "Reason: for cancelled, write one of provider, person"),
        (row(session=""), "Session: it must be filled in: SPIP is reported on by session"),
        (row(session="S-9"), "Session: no session with this code is booked"),
        (row(week="1"), "Week: leave it empty"),
        (row(week="one"), "Week: write a whole number"),
        (row(day="17/01/2026"), "Day: it was on 16 January 2026"),
        (row(day="16/01/26"), "Day: the year has two digits"),
        (row(day="16/02/2026"), "Day: 16/02/2026 is still to come"),
        (row(reference="?"), "Reference: a reference or code is 2 to 40"),
        (row("DVPP-D4"), "Week: it must be filled in"),
        (row("DVPP-D4", "late", week="1"), "Result: write one of attended, absent, not_held"),
        (row("DVPP-D4", week="1", day="24/01/2026"), "Day: it was on 14 January 2026"),
        (row("DVPP-D4", week="9"), "Day: it must be filled in: this week was not asked for yet"),
        (row("DVPP-D4", week="9", day="26/01/2026"), "Week: Week 9 begins on"),
    ],
)
def test_a_row_that_cannot_be_is_refused_naming_its_column(looking: Pages, given: dict[str, str], said: str):
    assert becomes(check(looking, as_csv(given)))[2].startswith(f"Error: {said}")


def test_a_week_may_be_reported_on_another_day_of_it(site: OpenSite, pages: Pages):
    send(pages, check(pages, as_csv(row("DVPP-D4", week="2", day="22/01/2026"))))
    assert recorded(site)[0][2] == "2026-01-22"


def test_columns_may_stand_in_any_order_and_have_the_names_they_have_elsewhere(site: OpenSite, pages: Pages):
    file = "RESULT;Happened on;Session;about\r\nattended;16/01/2026;s-spip-d1; spip-d1\r\n"
    send(pages, check(pages, b"\xef\xbb\xbf" + file.encode()))
    assert len(recorded(site)) == 1


def test_lines_are_counted_as_in_the_file_also_when_they_come_back(site: OpenSite, pages: Pages):
    checked = check(pages, b"\n\n" + as_csv(row(result="absent", reason="work"), row(result="late")))
    assert set(becomes(checked)) == {4, 5}
    site.office.says("SPIP-D1", "attendance_reported", "2026-01-16", session="S-SPIP-D1", result="late")
    assert set(becomes(send(pages, checked))) == {4, 5}


# Who may send -----------------------------------------------------------------------------------------------------------


def test_the_page_is_for_providers_by_their_link_alone(site: OpenSite):
    assert site.enter("provider_lead", "P1").get("/upload").status_code == 200
    assert site.enter("staff", "FCA1", verified=True).get("/upload").status_code == 404
    assert site.browser().get("/upload").url.path == "/link"
    assert site.enter("provider", "P2").get("/upload/attendance.csv").text.count("\n") == 2


def test_a_form_of_somebody_else_is_refused_at_each_step(site: OpenSite, pages: Pages):
    theirs = site.enter("provider", "P2").token()
    for path in ("/upload", "/upload/send", "/upload/attendance.rejected.csv"):
        assert pages.post(path, back(check(pages, as_csv(row()))), token=theirs).status_code == 403
    assert recorded(site) == []


def test_without_a_file_the_page_asks_for_one(looking: Pages):
    for files in ({}, {"file": ("", b"")}):
        asked = looking.post("/upload", {"file": "typed"} if not files else {}, files=files)
        assert asked.status_code == 422 and "Choose a file, CSV or XLSX" in text_of(asked)
        assert 'aria-describedby="file-hint file-error"' in asked.text and 'href="#file"' in asked.text


def test_a_file_larger_than_a_request_may_be_is_refused_before_it_is_read(looking: Pages):
    assert check(looking, b"a" * 3 * 2**20).status_code == 413


# Files that do harm -----------------------------------------------------------------------------------------------------

READ_ALL = """
import resource, sys, time
from pathlib import Path
from intake.attendance import read_attendance
from intake.report import FileRefused
from settings import Settings

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024

resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
settings = Settings()
for file in sorted(Path(sys.argv[1]).iterdir()):
    content, before, begun = file.read_bytes(), peak(), time.perf_counter()
    try:
        read_attendance(content, settings)
    except FileRefused:
        pass
    print(file.name, time.perf_counter() - begun, peak() - before, sep=";")
"""


@pytest.fixture(scope="module")
def hostile_files() -> dict[str, tuple[bytes, str]]:
    return {name: (made(), said) for name, (made, said) in hostile.FILES.items()}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory was needed")
def test_hostile_files_take_little_memory_and_no_time(tmp_path: Path, hostile_files: dict[str, tuple[bytes, str]]):
    for name, (content, _) in hostile_files.items():
        (tmp_path / name).write_bytes(content)
    here = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", READ_ALL, tmp_path], capture_output=True, text=True, cwd=here)
    assert done.returncode == 0, done.stderr[-2000:]
    told = [line.split(";") for line in done.stdout.splitlines()]
    assert {name for name, *_ in told} == hostile_files.keys()
    assert {name: seconds for name, seconds, _ in told if float(seconds) > 3} == {}
    assert {name: megabytes for name, _, megabytes in told if int(megabytes) > 60} == {}


def test_hostile_files_are_refused_with_a_sentence_beside_the_field(
    looking: Pages, hostile_files: dict[str, tuple[bytes, str]]
):
    for name, (content, said) in hostile_files.items():
        answer = check(looking, content, "january.xlsx")
        assert answer.status_code == 422 and 'id="file-error"' in answer.text, name
        assert said in text_of(answer), name


def test_what_cannot_be_shown_is_told_row_by_row(looking: Pages):
    marks = [("a_x0000_b", "attended"), ("SPIP-D1", "&lt;script>"), ("\u202e", "late")]
    rows = "".join(f"<row>{''.join(map(hostile.text_in, cells))}</row>" for cells in marks)
    checked = check(looking, hostile.workbook(hostile.HEADER + rows))
    assert checked.status_code == 422 and len(becomes(checked)) == 3 and "\0" not in checked.text
    assert "<script>" not in checked.text
    assert looking.post("/upload/attendance.rejected.csv", back(checked)).content.count(b"\r\n") == 4


@pytest.mark.parametrize(
    "rows", ["", "\0", "line,problem\n", "=1+1", "line,problem,reference,result\nx,,SPIP-D1,late\n", "a" * 2**21]
)
def test_what_comes_back_changed_does_no_harm(looking: Pages, rows: str):
    for path in ("/upload/send", "/upload/attendance.rejected.csv"):
        assert looking.post(path, {"rows": rows, "submission": "changed"}, files={"none": b""}).status_code in (
            200,
            422,
        )
