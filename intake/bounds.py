"""How large a file may be. Whoever loads one by hand answers for it; one that was sent to the site may be anything."""

import sys
from dataclasses import dataclass

from intake.report import FileRefused

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Bounds:
    """What of a file is read at most."""

    size: int = 200 * MEGABYTE
    """Bytes of the file itself."""
    unpacked: int = 200 * MEGABYTE
    """Bytes of a workbook's parts."""
    rows: int = sys.maxsize
    columns: int = 16_384
    longest: int = sys.maxsize
    """Characters in one cell."""
    cells: int = 50_000_000
    """Cells of a workbook's sheet, from the first to the last, empty ones too."""
    text: int = sys.maxsize
    """Characters in all of these cells, were each as full as the fullest."""
    outside: bool = False
    """Whether it comes from outside: then it holds no formulas, and nothing that cannot be looked through first."""

    def too_large(self, name: str) -> FileRefused:
        return FileRefused(f"{name} is larger than {self.size // MEGABYTE} MB; split it into several files")

    def too_many_rows(self, name: str) -> FileRefused:
        return FileRefused(f"{name} has more than {self.rows:,} rows; split it into several files")

    def too_wide(self, name: str) -> FileRefused:
        return FileRefused(f"{name} has more than {self.columns:,} columns; delete those that are not needed")

    def too_long(self, name: str) -> FileRefused:
        return FileRefused(
            f"{name} holds a cell of more than {self.longest:,} characters; is a quotation mark missing?"
        )


TRUSTED = Bounds()


def from_outside(megabytes: int, rows: int) -> Bounds:
    """The bounds of a file that was sent to the site."""
    size = megabytes * MEGABYTE
    return Bounds(size, 2 * size, rows, columns=40, longest=1000, cells=60 * rows, text=5 * size, outside=True)
