"""Files as rows of text: CSV as it really comes, and Excel."""

import csv
import io
import re
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook

from intake.cells import BLANK
from intake.report import FileRefused

OURS = {"problem", "line"}
"""Columns of our own rejected file; they are passed over when it is loaded again."""
_EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_BIGGEST = 200 * 1024 * 1024
_MOST_CELLS = 50_000_000


@dataclass
class Row:
    """One row: the number of its line in the file and its cells as they were read."""

    line: int
    cells: list[str]


@dataclass
class Sheet:
    """A file's header and rows. `columns` says where each named column is."""

    header: list[str]
    rows: list[Row]
    delimiter: str = ","
    columns: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read(path: Path) -> Sheet:
    """Read a spreadsheet. Raises FileRefused with a sentence when it is not one."""
    content = _bytes(path)
    if not content.strip():
        raise FileRefused(f"{path.name} is empty")
    sheet = _excel(path.name, content) if content.startswith(_EXCEL) else _csv(path.name, content)
    sheet.columns = _columns(path.name, sheet)
    return sheet


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _BIGGEST:
            raise FileRefused(f"{path.name} is larger than 200 MB; split it into several files")
        return path.read_bytes()
    except FileNotFoundError:
        raise FileRefused(f"there is no file {path}") from None
    except IsADirectoryError:
        raise FileRefused(f"{path} is a folder; name the file in it") from None
    except (OSError, ValueError) as why:
        raise FileRefused(
            f"{path} cannot be read: {getattr(why, 'strerror', None) or 'its name is not valid'}"
        ) from None


# CSV ------------------------------------------------------------------------------------------------------------------


def _csv(name: str, content: bytes) -> Sheet:
    source = _decoded(name, content)
    delimiter = _delimiter(next((line for line in source.splitlines() if line.strip(BLANK)), ""))
    reader = csv.reader(io.StringIO(source, newline=""), delimiter=delimiter, strict=True)
    rows, before = [], 0
    try:
        for cells in reader:
            rows.append(Row(before + 1, cells))
            before = reader.line_num
    except csv.Error:
        why = f"line {before + 1}: a quotation mark is not closed, or stands where none should"
        raise FileRefused(f"{name} cannot be read from {why}") from None
    return _sheet(rows, delimiter, name)


def _decoded(name: str, content: bytes) -> str:
    if b"\0" in content:
        raise FileRefused(f"{name} is not a text file; save it as CSV (UTF-8) or as an Excel workbook (.xlsx)")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileRefused(f"{name} is neither UTF-8 nor Windows text; save it as CSV (UTF-8)")


def _delimiter(header: str) -> str:
    unquoted = re.sub(r'"[^"]*"', "", header)
    return max(",;\t", key=unquoted.count)


# Excel ----------------------------------------------------------------------------------------------------------------


def _excel(name: str, content: bytes) -> Sheet:
    try:
        _check_size(name, content)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        first, *others = workbook.sheet_names
        values = workbook.get_sheet_by_name(first).to_python(skip_empty_area=False)
    except (KeyboardInterrupt, SystemExit, FileRefused):
        raise
    except BaseException:  # a damaged workbook can end in the reader's own panic, which is no Exception
        raise FileRefused(
            f"{name} cannot be opened as a workbook: it is damaged, locked with a password or no spreadsheet"
        ) from None
    sheet = _sheet([Row(n, [_cell(value) for value in row]) for n, row in enumerate(values, 1)], ",", name)
    if others:
        sheet.notes.append("only the first sheet of the workbook was read")
    return sheet


def _check_size(name: str, content: bytes) -> None:
    """The reader makes room for every cell up to the last one: a lone cell far out would take all memory there is."""
    if not content.startswith(_EXCEL[0]):
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = [part for part in archive.infolist() if part.filename.endswith(".xml")]
        if sum(part.file_size for part in parts) > _BIGGEST:
            raise FileRefused(f"{name} is too large for a workbook; save it as CSV")
        sheets = [archive.read(part) for part in parts if part.filename.startswith("xl/worksheets/")]
    if not sheets:
        raise FileRefused(f"{name} is no Excel workbook (.xlsx); save it as one, or as CSV")
    if any(_room(sheet) > _MOST_CELLS for sheet in sheets):
        raise FileRefused(f"{name} has a cell far outside its table; delete the empty rows and columns around it")


def _room(sheet: bytes) -> int:
    """About how many cells lie between the first cell of a sheet and its last."""
    rows = max((int(number) for number in re.findall(rb"<row [^>]*?\br=.(\d+)", sheet)), default=1)
    letters = 3 if re.search(rb"\br=.[A-Z]{3}\d", sheet) else 2 if re.search(rb"\br=.[A-Z]{2}\d", sheet) else 1
    return rows * 26**letters


def _cell(value: Any) -> str:
    """A cell of a workbook as it would be typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        value = (value + timedelta(milliseconds=500)).replace(microsecond=0)  # Excel counts in fractions of a day
        return (value.date() if value.time() == time() else value).isoformat()
    return value.isoformat() if isinstance(value, date | time) else str(value)


# Both -----------------------------------------------------------------------------------------------------------------


def _sheet(rows: list[Row], delimiter: str, name: str) -> Sheet:
    filled = [row for row in rows if any(cell.strip(BLANK) for cell in row.cells)]
    if not filled:
        raise FileRefused(f"{name} is empty")
    return Sheet(filled[0].cells, filled[1:], delimiter)


def column_name(cell: str) -> str:
    return re.sub(r"[\s\u200b-]+", "_", cell.strip(BLANK)).lower()


def _columns(name: str, sheet: Sheet) -> dict[str, int]:
    found: dict[str, int] = {}
    for at, cell in enumerate(sheet.header):
        called = column_name(cell)
        if not called:
            if any(at < len(row.cells) and row.cells[at].strip(BLANK) for row in sheet.rows):
                raise FileRefused(f"{name}: column {at + 1} holds something but has no name in the header")
        elif called in found:
            raise FileRefused(f"{name}: columns {found[called] + 1} and {at + 1} of the header have the same name")
        else:
            found[called] = at
    return found
