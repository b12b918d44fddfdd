"""A month's attendance in one file: looked at row by row on a page, and sent in from there. Nothing is kept between."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartParser

from intake.attendance import ASKED, AttendanceRow, Checked, checked, column_of, read_attendance
from intake.handed_out import as_csv, as_file, printable
from intake.load import Load
from intake.rejected import rejected, without_ours
from intake.report import FileRefused, Problem
from intake.sheet import Sheet
from models.answers import ANSWERS, choices
from models.working_days import london_date, say
from store import owed as store
from store import receipts
from store.database import reading
from store.links import Visitor
from store.record import record_together
from web.page import page
from web.sending import received, sent_before, why_not
from web.visit import Here, Provider, Site, Written, texts

# What is sent stays in memory, where the guard bounds it: nothing of it is written to a disk.
MultiPartParser.spool_max_size = 1 << 30

router = APIRouter()
_MARKS = ["line", "problem"]
_MOST_ERRORS = 20
"""How many wrong rows the summary at the top of the page names."""


# The form -----------------------------------------------------------------------------------------------------------


@router.get("/upload")
def ask(request: Request, site: Here, visitor: Provider) -> Response:
    return _ask(request, site, visitor)


def _ask(request: Request, site: Site, visitor: Visitor, why: str = "") -> Response:
    return page(
        request, "upload.html", visitor, status=422 if why else 200, errors={"file": why} if why else {},
        columns=AttendanceRow.model_fields, results=_results(), most=site.settings.site, owed=len(_owed(site, visitor)),
    )  # fmt: skip


def _results() -> list[tuple[str, str, str, str]]:
    """What may stand under `result` in each programme, what it means, and what may then stand under `reason`."""
    return [
        (programme, answer.name, answer.says, ", ".join(choices(answer, answer.asks[0])) if answer.asks else "")
        for programme, (duty, _) in ASKED.items()
        for answer in ANSWERS[duty]
        if answer.by_link
    ]


def _owed(site: Site, visitor: Visitor) -> list[store.Owed]:
    """The attendance that is owed."""
    kinds = {duty for duty, _ in ASKED.values()}
    with reading(site.engine) as connection:
        rows = store.owed(connection, visitor.holder, london_date(site.now()))
    return [one for one in rows if one.duty.kind in kinds]


@router.get("/upload/attendance.csv")
def template(site: Here, visitor: Provider) -> Response:
    """A file with all the attendance that is owed, to be filled in."""
    rows = [
        [one.duty.pathway, one.session or "", one.which, f"{one.duty.opened_on:%d/%m/%Y}", "", ""]
        for one in _owed(site, visitor)
    ]
    return _download("attendance.csv", as_file([list(AttendanceRow.model_fields), *rows]))


def _download(name: str, content: bytes) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "x-content-type-options": "nosniff"}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


# Looked at ----------------------------------------------------------------------------------------------------------


@router.post("/upload")
def look(request: Request, site: Here, visitor: Provider, form: Written) -> Response:
    """Every row of a file, and what would become of it. Nothing is recorded."""
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        return _ask(request, site, visitor, "Choose a file, CSV or XLSX")
    try:
        one = _checked(site, visitor, read_attendance(file.file.read(), site.settings))
    except FileRefused as why:
        return _ask(request, site, visitor, str(why))
    return _show(request, site, visitor, one)


def _checked(site: Site, visitor: Visitor, sheet: Sheet) -> Checked:
    load = Load(site.engine, site.now(), site.settings, progress=lambda done, total: None)
    return checked(load, sheet, visitor.holder.code)


@dataclass
class Seen:
    """A row as the page shows it, and what would become of it: new, known, repeated or wrong."""

    line: int
    cells: dict[str, str]
    becomes: str = "new"
    says: str = ""
    problems: list[Problem] = field(default_factory=list)
    correct: int | None = None
    """The number of a fact of their own that it contradicts."""


def _show(
    request: Request, site: Site, visitor: Visitor, one: Checked, errors: dict[str, str] | None = None
) -> Response:
    if not one.sheet.rows:
        return _ask(request, site, visitor, "No row of the file has a result yet")
    rows = _seen(site, visitor, one)
    wrong = [row for row in rows if row.problems]
    errors = (errors or {}) | {f"line-{row.line}": f"Line {row.line}: {_sentence(row)}" for row in wrong[:_MOST_ERRORS]}
    if len(wrong) > _MOST_ERRORS:
        errors["rows"] = f"{len(wrong) - _MOST_ERRORS} more rows are wrong. Each says why, in the table"
    back = [row for row in rows if row.becomes in ("new", "wrong")]
    return page(
        request, "upload_checked.html", visitor, status=422 if errors else 200, errors=errors, rows=rows,
        count=Counter(row.becomes for row in rows), empty=one.empty, notes=one.sheet.notes,
        text=_text(one.sheet, back), submission=receipts.new_submission(),
    )  # fmt: skip


def _seen(site: Site, visitor: Visitor, one: Checked) -> list[Seen]:
    """What would become of each row, as far as can be known now."""
    load = one.load
    names = list(AttendanceRow.model_fields)
    rows = {
        row.line: Seen(row.line, {name: printable(one.sheet.cell(row, name)) for name in names})
        for row in one.sheet.rows
    }
    done = record_together(site.engine, one.reported, load.now, site.settings, keep="none")
    for outcome in done.outcomes:
        line, row = outcome.reported.tag.line, rows[outcome.reported.tag.line.number]
        row.says = f"{outcome.reported.tag.words}, {say(outcome.reported.fact.happened_on)}"
        if outcome.result == "unchanged":
            row.becomes = "known"
        elif outcome.result == "refused":
            load.refuse(line, column_of(outcome.field), why_not(outcome, visitor.holder))
    for line, before in one.repeated.items():
        rows[line].becomes, rows[line].says = "repeated", f"line {before}"
    for problem in load.report.problems:
        rows[problem.line].becomes = "wrong"
        rows[problem.line].problems.append(problem)
    for line, fact in one.standing.items():
        rows[line].correct = fact.id if fact.recorded_by == visitor.holder.code else None
    return list(rows.values())


def _sentence(row: Seen) -> str:
    return "; ".join(f"{problem.column}, {problem.expected}" for problem in row.problems)


# Sent in ------------------------------------------------------------------------------------------------------------


def _text(sheet: Sheet, rows: list[Seen]) -> str:
    """Rows as they come back in the form of the page: with their line, and whether they were shown as wrong."""
    header, *all_cells = without_ours(sheet)
    cells = {row.line: theirs for row, theirs in zip(sheet.rows, all_cells, strict=True)}
    marked = ([row.line, "wrong" if row.problems else "", *cells[row.line]] for row in rows)
    return as_csv([[*_MARKS, *header], *marked])


def _back(site: Site, visitor: Visitor, form: Any) -> tuple[Checked, set[int]]:
    """The rows of the page, looked at again as if they came for the first time; and the lines it showed as wrong.

    Raises FileRefused.
    """
    sheet = read_attendance(texts(form).get("rows", "").encode("utf-8", "replace"), site.settings)
    for row in sheet.rows:
        line = sheet.cell(row, "line")
        row.line = int(line) if re.fullmatch("[0-9]{1,7}", line) else row.line
    wrong = {row.line for row in sheet.rows if sheet.cell(row, "problem")}
    return _checked(site, visitor, sheet), wrong


@router.post("/upload/send")
def send(request: Request, site: Here, visitor: Provider, form: Written, tasks: BackgroundTasks) -> Response:
    """Record the rows that the page showed as good: all of them, or none where one has become wrong since."""
    submission = texts(form).get("submission", "")
    if before := sent_before(site, visitor, submission):
        return before
    try:
        one, wrong = _back(site, visitor, form)
    except FileRefused as why:
        return _ask(request, site, visitor, str(why))
    good = [reported for reported in one.reported if reported.tag.line.number not in wrong]
    if good and all(problem.line in wrong for problem in one.load.report.problems):
        sent = receipts.send_in(site.engine, visitor.holder, good, submission, one.load.now, site.settings)
        if sent.receipt:
            return received(site, sent, tasks)
    errors = {"rows": "Nothing was recorded, for some of it has changed since. Look at the rows again"}
    return _show(request, site, visitor, one, errors)


@router.post("/upload/attendance.rejected.csv")
def hand_back(request: Request, site: Here, visitor: Provider, form: Written) -> Response:
    """The wrong rows as a file, each with what is wrong with it, to be corrected there and sent again."""
    try:
        one, _ = _back(site, visitor, form)
    except FileRefused as why:
        return _ask(request, site, visitor, str(why))
    _seen(site, visitor, one)
    return _download("attendance.rejected.csv", rejected(one.sheet, one.load.report.problems))
