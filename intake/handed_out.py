"""CSV that we hand out, in which no cell can begin a formula, however it is opened; and such cells read again.

A spreadsheet takes a cell for a formula when it begins with one of a few characters. An apostrophe before them makes it
text. One goes in after every separator too: a spreadsheet set to another one begins a cell there.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

_MARK = b"\xef\xbb\xbf"
_BEGINS = r"((?:^|[,;|\t\r\n])[ \u00a0\u2007\u202f\u200b\ufeff\"]*)"
_FORMULA = r"(?='*[=+\-@\uff1d\uff0b\uff0d\uff20])"
_WRITTEN = re.compile(_BEGINS + _FORMULA)
_READ = re.compile(_BEGINS + "'" + _FORMULA)
_BLANK_FIRST = re.compile(r"(?='*[\t\r\n])")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def as_csv(rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    """Rows as the text of a CSV file that is safe to open."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([inert(str(cell)) for cell in row] for row in rows)
    return out.getvalue()


def as_file(rows: Iterable[Sequence[object]], delimiter: str = ",") -> bytes:
    """The same as a file, marked as UTF-8 so that Excel takes it for that."""
    return _MARK + as_csv(rows, delimiter).encode("utf-8", "replace")


def inert(cell: str) -> str:
    """A cell in which nothing can begin a formula."""
    cell = _WRITTEN.sub(r"\1'", printable(cell))
    return f"'{cell}" if _BLANK_FIRST.match(cell) else cell


def printable(cell: str) -> str:
    """A cell with a mark in the place of what can be neither read nor shown."""
    return _UNPRINTABLE.sub("\ufffd", cell)


def as_typed(cell: str) -> str:
    """A cell as it was before it was made inert."""
    if "'" not in cell:
        return cell
    if cell.startswith("'") and _BLANK_FIRST.match(cell):
        cell = cell[1:]
    return _READ.sub(r"\1", cell)
