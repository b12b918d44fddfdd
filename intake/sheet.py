"""Files as rows of text: CSV as it really comes, and Excel."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from intake.bounds import TRUSTED, Bounds
from intake.cells import BLANK
from intake.handed_out import as_typed
from intake.report import FileRefused
from intake.workbook import OLD, ZIP, read_workbook

OURS = {"problem", "line"}
"""Columns of our own rejected file; they are passed over when it is loaded again."""
NO_OTHERS: Mapping[str, str] = MappingProxyType({})


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

    def cell(self, row: Row, column: str) -> str:
        """What stands in a column; empty where there is no such column, or nothing in it."""
        at = self.columns.get(column, len(row.cells))
        return row.cells[at].strip(BLANK) if at < len(row.cells) else ""


def read(path: Path) -> Sheet:
    """Read a spreadsheet. Raises FileRefused with a sentence when it is not one."""
    return understand(path.name, _bytes(path))


def understand(name: str, content: bytes, bounds: Bounds = TRUSTED, others: Mapping[str, str] = NO_OTHERS) -> Sheet:
    """What a spreadsheet holds; `others` are other names of its columns. Raises FileRefused."""
    if len(content) > bounds.size:
        raise bounds.too_large(name)
    if not content.strip():
        raise FileRefused(f"{name} is empty")
    if content.startswith((ZIP, OLD)):
        cells, notes = read_workbook(name, content, bounds)
        sheet = _sheet(name, (Row(n, row) for n, row in enumerate(cells, 1)), bounds)
        sheet.notes += notes
    else:
        sheet = _csv(name, content, bounds)
    sheet.columns = _columns(name, sheet, others)
    return sheet


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > TRUSTED.size:
            raise TRUSTED.too_large(path.name)
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


def _csv(name: str, content: bytes, bounds: Bounds) -> Sheet:
    source = _decoded(name, content)
    delimiter = _delimiter(next((line for line in io.StringIO(source, newline=None) if line.strip(BLANK)), ""))
    return _sheet(name, _csv_rows(name, source, delimiter), bounds, delimiter)


def _csv_rows(name: str, source: str, delimiter: str) -> Iterator[Row]:
    reader, before = csv.reader(io.StringIO(source, newline=""), delimiter=delimiter, strict=True), 0
    try:
        for cells in reader:
            if cells:
                yield Row(before + 1, cells)
            before = reader.line_num
    except csv.Error:
        why = f"line {before + 1}: a quotation mark is not closed, or stands where none should"
        raise FileRefused(f"{name} cannot be read from {why}") from None


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


# Both -----------------------------------------------------------------------------------------------------------------


def _sheet(name: str, rows: Iterable[Row], bounds: Bounds, delimiter: str = ",") -> Sheet:
    """The rows that hold anything, the first of them as the header; no more of them is read than may be."""
    filled: list[Row] = []
    for row in rows:
        if not any(cell.strip(BLANK) for cell in row.cells):
            continue
        if len(filled) > bounds.rows:
            raise bounds.too_many_rows(name)
        if len(row.cells) > bounds.columns:
            raise bounds.too_wide(name)
        if any(len(cell) > bounds.longest for cell in row.cells):
            raise bounds.too_long(name)
        filled.append(Row(row.line, [as_typed(cell) for cell in row.cells]))
    if not filled:
        raise FileRefused(f"{name} is empty")
    return Sheet(filled[0].cells, filled[1:], delimiter)


def column_name(cell: str) -> str:
    return re.sub(r"[\s\u200b-]+", "_", cell.strip(BLANK)).lower()


def _columns(name: str, sheet: Sheet, others: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for at, cell in enumerate(sheet.header):
        called = others.get(column_name(cell), column_name(cell))
        if not called:
            if any(at < len(row.cells) and row.cells[at].strip(BLANK) for row in sheet.rows):
                raise FileRefused(f"{name}: column {at + 1} holds something but has no name in the header")
        elif called in found:
            raise FileRefused(f"{name}: columns {found[called] + 1} and {at + 1} of the header have the same name")
        else:
            found[called] = at
    return found
