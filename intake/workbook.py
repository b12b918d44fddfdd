"""Excel workbooks as rows of text. Each is looked through before the reader has it, whatever it says of itself.

The reader makes room for every cell up to the last one, and the whole process ends where there is not enough.
"""

import io
import re
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.parsers import expat

from python_calamine import CalamineWorkbook

from intake.bounds import Bounds
from intake.report import FileRefused

ZIP, OLD = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
"""How a workbook begins: a zip, or the format of old and of locked ones."""
_PARTS = re.compile(
    r"\[content_types]\.xml|_rels/\.rels|xl/_rels/workbook\.xml\.rels|xl/(workbook|styles|sharedstrings)\.xml"
    r"|xl/worksheets/[^/]+\.xml",
    re.IGNORECASE,
)
"""The parts the reader is given: all that it needs for the cells of a sheet."""
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.IGNORECASE)
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
_DEEPEST = 100
_TEXTS = {"si", "is", "v"}
"""What the text of a cell stands in: among those that cells share, in its own, or as a value."""


def read_workbook(name: str, content: bytes, bounds: Bounds) -> tuple[list[list[str]], list[str]]:
    """The cells of the first sheet, row by row, and notes on what was not read. Raises FileRefused."""
    try:
        if content.startswith(ZIP):
            content = _looked_through(name, content, bounds)
        elif bounds.outside:
            raise FileRefused(f"{name} is an old workbook (.xls), or locked with a password; save it as .xlsx or CSV")
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        first, *others = workbook.sheet_names
        values = workbook.get_sheet_by_name(first).to_python(skip_empty_area=False)
        rows = [[_cell(value) for value in row] for row in values]
    except (KeyboardInterrupt, SystemExit, FileRefused):
        raise
    except BaseException:  # a damaged workbook can end in the reader's own panic, which is no Exception
        raise FileRefused(
            f"{name} cannot be opened as a workbook: it is damaged, locked with a password or no spreadsheet"
        ) from None
    return rows, ["only the first sheet of the workbook was read"] if others else []


def _looked_through(name: str, content: bytes, bounds: Bounds) -> bytes:
    """The same workbook, packed anew from the parts that were looked through, so that the reader sees nothing else."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(packed, "w") as anew:
        parts = {part.filename: part for part in archive.infolist() if _PARTS.fullmatch(part.filename)}
        if sum(part.file_size for part in parts.values()) > bounds.unpacked:
            raise FileRefused(f"{name} is too large for a workbook; save it as CSV")
        if not any(part.lower().startswith("xl/worksheets/") for part in parts):
            raise FileRefused(f"{name} is no Excel workbook (.xlsx); save it as one, or as CSV")
        look = _Look(name, bounds)
        for part in parts.values():
            content = _unpacked(archive, part)
            look.through(content)
            anew.writestr(part.filename, content)
    return packed.getvalue()


def _unpacked(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    """A part of a workbook: as much as its header says there is, and never more than that unpacked."""
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others are unpacked all at once
        raise ValueError("a workbook is not packed like that")
    with archive.open(part) as file:
        return file.read(part.file_size)


class _Look:
    """The parts of a workbook as the reader will meet them: where their cells lie, how full they are, what is in them.

    Raises FileRefused where that is too much, and an error where it is damaged.
    """

    def __init__(self, name: str, bounds: Bounds) -> None:
        self.name = name
        self.bounds = bounds
        self.room, self.longest = 1, 1
        """The cells of the largest sheet, and the characters of the fullest cell; that may be in a part of its own."""

    def through(self, part: bytes) -> None:
        self.row, self.column, self.at, self.depth = 0, 0, (0, 0), 0
        self.last_row, self.last_column, self.filled_rows = 0, 0, 0
        self.in_text, self.length = False, 0
        parser = expat.ParserCreate("UTF-8")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._types
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        parser.Parse(part, True)

    def _types(self, *_: Any) -> None:
        raise ValueError("no part of a workbook declares types of its own")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ValueError("no part of a workbook is as deep as that")
        tag = tag.rpartition(":")[2]
        if tag == "row":
            self.row, self.column = int(attributes.get("r") or self.row + 1), 0
        elif tag == "c":
            self.at = _place(attributes["r"]) if "r" in attributes else (self.row, self.column + 1)
            self.column = self.at[1]
        elif tag == "f" and self.bounds.outside:
            raise FileRefused(f"{self.name} holds formulas; copy the cells, paste them as values only and save that")
        elif tag in _TEXTS:
            self.in_text, self.length = True, 0
            if tag != "si":
                self._filled(*self.at)

    def _end(self, tag: str) -> None:
        self.depth -= 1
        self.in_text = self.in_text and tag.rpartition(":")[2] not in _TEXTS

    def _text(self, text: str) -> None:
        if self.in_text:
            self.length += len(text)
            if self.length > self.longest:
                self.longest = self.length
                self._check()

    def _filled(self, row: int, column: int) -> None:
        """A cell with something in it: the reader makes room up to here."""
        if row > _LAST_ROW or column > _LAST_COLUMN:
            raise ValueError("no sheet is as large as that")
        self.filled_rows += row != self.last_row
        if self.filled_rows > self.bounds.rows + 1:
            raise self.bounds.too_many_rows(self.name)
        if row > self.last_row or column > self.last_column:
            self.last_row, self.last_column = max(row, self.last_row), max(column, self.last_column)
            self.room = max(self.room, self.last_row * self.last_column)
            self._check()

    def _check(self) -> None:
        if self.room > self.bounds.cells:
            why = "has a cell far outside its table; delete the empty rows and columns around it"
            raise FileRefused(f"{self.name} {why}")
        if self.longest > self.bounds.longest:
            raise self.bounds.too_long(self.name)
        if self.room * self.longest > self.bounds.text:
            raise FileRefused(f"{self.name} holds more text than can be read at once; send it in smaller parts")


def _place(cell: str) -> tuple[int, int]:
    """Row and column of a cell such as AB12, counted from 1."""
    letters, digits = _CELL.fullmatch(cell).groups()
    column = 0
    for letter in letters.upper():
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(digits), column


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
