"""Files that somebody might send to do harm, each with what is to be said of it."""

import bz2
import io
import struct
import zipfile
import zlib
from collections.abc import Callable

MEGABYTE = 2**20
SHEET = "xl/worksheets/sheet1.xml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/>'
    "</sheets></workbook>",
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def workbook(rows: str = "", shared: str = "", whole: str | bytes = "", **aside: str) -> bytes:
    """A workbook of these rows, or with a whole part of its own in the place of its sheet; and parts aside from it."""
    parts = {**_PARTS, SHEET: whole or f"<worksheet {_MAIN}><sheetData>{rows}</sheetData></worksheet>"}
    if shared:
        parts["xl/sharedStrings.xml"] = f"<sst {_MAIN}><si><t>{shared}</t></si></sst>"
    return _zip(parts | aside, zipfile.ZIP_DEFLATED)


def _zip(parts: dict[str, str | bytes], method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def packed(data: bytes, method: int, size: int, crc: int = 0) -> bytes:
    """A workbook whose sheet is these packed bytes, under a header that says of them what it likes."""
    content = bytearray(_zip({**_PARTS, SHEET: data}, zipfile.ZIP_STORED))
    for mark, at, length, name in ((b"PK\x03\x04", 8, 30, 26), (b"PK\x01\x02", 10, 46, 28)):
        start = content.find(mark)
        while start >= 0:
            named = struct.unpack_from("<H", content, start + name)[0]
            if content[start + length : start + length + named] == SHEET.encode():
                struct.pack_into("<H", content, start + at, method)
                struct.pack_into("<I", content, start + at + 6, crc)
                struct.pack_into("<I", content, start + at + 14, size)
            start = content.find(mark, start + 4)
    return bytes(content)


def bomb() -> bytes:
    """A gigabyte of spaces, deflated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(b" " * MEGABYTE) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * 1024 + packer.flush()


def text_in(text: str, cell: str = "") -> str:
    """A cell with a text; without a place of its own it follows the one before."""
    place = f' r="{cell}"' if cell else ""
    return f'<c{place} t="inlineStr"><is><t>{text}</t></is></c>'


def _same(row: str, times: int) -> str:
    """Many rows of six cells that share one text."""
    return HEADER + f"<row>{row * 6}</row>" * times


HEADER = f'<row r="1">{text_in("reference")}{text_in("result")}</row>'
_SHARED = '<c t="s"><v>0</v></c>'
_LAST = '<row><c r="XFD1048576"><v>1</v></c></row>'
_DAMAGED, _FAR = "cannot be opened as a workbook", "a cell far outside its table"
FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "a bomb": (lambda: packed(bomb(), 8, 1024 * MEGABYTE), "too large for a workbook"),
    "a bomb that says it is small": (lambda: packed(bomb(), 8, 100), _DAMAGED),
    "a bomb that says it is small, with a sum for it": (
        lambda: packed(bomb(), 8, 100, zlib.crc32(b" " * 100)),
        _DAMAGED,
    ),
    "a bomb that is unpacked all at once": (
        lambda: packed(bz2.compress(b" " * 200 * MEGABYTE), zipfile.ZIP_BZIP2, 100),
        _DAMAGED,
    ),
    "a cell in the last corner": (lambda: workbook(HEADER + _LAST), _FAR),
    "a cell in the last corner, named otherwise": (
        lambda: workbook(whole='<x:sheet xmlns:x="x"><x:row r="1048576"><x:c r="xfd1048576"><x:v>1</x:v></x:c></x:row></x:sheet>'),
        _FAR,
    ),
    "a cell in the last corner, in a part that is no sheet by its name": (
        lambda: workbook(HEADER, **{
            "xl/aside.xml": f"<worksheet {_MAIN}><sheetData>{HEADER}{_LAST}</sheetData></worksheet>",
            "xl/_rels/workbook.xml.rels": _PARTS["xl/_rels/workbook.xml.rels"].replace("worksheets/sheet1", "aside"),
        }),
        _DAMAGED,
    ),
    "a cell a million columns out": (lambda: workbook(HEADER + '<row><c r="BDWGN2"><v>1</v></c></row>'), _DAMAGED),
    "a row with no end of digits": (lambda: workbook(f'<row r="{"9" * 20}"><c><v>1</v></c></row>'), _DAMAGED),
    "a hundred thousand rows": (lambda: workbook(HEADER + "<row><c><v>1</v></c></row>" * 100_000), "more than 2,000 rows"),
    "a text that all cells share": (lambda: workbook(_same(_SHARED, 1900), "x" * 3 * MEGABYTE), "more than 1,000 characters"),
    "a shorter text in more cells": (lambda: workbook(_same(_SHARED * 6, 1900), "x" * 1000), "more text than can be read"),
    "no end of brackets": (lambda: workbook(whole="<a>" * 1_300_000), _DAMAGED),
    "entities of entities": (
        lambda: workbook(whole=f'<!DOCTYPE a [<!ENTITY a "{"a" * 999}"><!ENTITY b "{"&a;" * 999}">]><a>{"&b;" * 99}</a>'),
        _DAMAGED,
    ),
    "a formula": (lambda: workbook(HEADER + '<row><c r="A2"><f>1+1</f><v>2</v></c></row>'), "holds formulas"),
    "half a character": (lambda: workbook(HEADER + f"<row>{text_in('&#xD800;')}</row>"), _DAMAGED),
    "the last moment of all": (lambda: workbook('<row><c r="A1" t="d"><v>9999-12-31T23:59:59.9</v></c></row>'), _DAMAGED),
    "a torn workbook": (lambda: workbook(HEADER)[:-40], _DAMAGED),
    "a zip of something else": (lambda: _zip({"word/document.xml": "<a/>"}, 8), "no Excel workbook"),
    "an old or locked workbook": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000), "old workbook (.xls), or locked"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not a text file"),
    "a page": (lambda: b"<html><table><tr><td>reference</td></tr></table></html>", "the first line is not the header"),
    "a paper": (lambda: b"%PDF-1.7\n1 0 obj << /Type /Catalog >>\nendobj\n", "the first line is not the header"),
    "a NUL": (lambda: b"reference,result\nSPIP-D1,atten\0ded\n", "is not a text file"),
    "a hundred thousand columns": (lambda: b"reference,result" + b",x" * 100_000, "more than 40 columns"),
    "nameless columns over many rows": (
        lambda: b"reference,result" + b"," * 1_000_000 + b"\n" + b"x\n" * 400_000,
        "more than 40 columns",
    ),
    "half a million rows": (lambda: b"reference,result\n" + b"a,\n" * 600_000, "more than 2,000 rows"),
    "two million empty rows": (lambda: b"reference,result\n" + b"\n" * 2_000_000, "No row of the file has a result yet"),
    "a huge cell": (lambda: b"reference,result\n" + b"a" * 100_000 + b",b\n", "more than 1,000 characters"),
    "a quotation without an end": (lambda: b'reference,result\n"' + b"a\n" * 900_000, "a quotation mark is not closed"),
    "two columns of one name": (lambda: b"about,reference,result\nSPIP-D1,SPIP-D2,attended\n", "have the same name"),
    "a column for names": (lambda: b"reference,result,full name\nSPIP-D1,attended,x\n", "full_name is not known here"),
    "nothing": (lambda: b"\xef\xbb\xbf \r\n", "is empty"),
    "too much": (lambda: b"a" * (2 * MEGABYTE + 1), "larger than 2 MB"),
}  # fmt: skip
