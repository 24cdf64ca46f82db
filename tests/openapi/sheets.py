"""A workbook as rows of cells, read with the standard library: inline strings, numbers, truth values."""

import io
import re
import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element, fromstring

ESCAPED = re.compile("_x([0-9A-F]{4})_")
"""How a workbook writes a character that XML has not (ECMA-376, 22.9.2.19)."""
NAMES = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def rows(workbook: bytes) -> list[list[str]]:
    """Every row of the first sheet; an empty cell is an empty text. Fails on formulas and links."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as package:
        assert package.testzip() is None
        sheet = fromstring(package.read("xl/worksheets/sheet1.xml"))
    assert sheet.find(f".//{NAMES}f") is None
    assert sheet.find(f".//{NAMES}hyperlink") is None
    return [list(_cells(row)) for row in sheet.iter(f"{NAMES}row")]


def _cells(row: Element) -> Iterator[str]:
    at = 0
    for cell in row.iter(f"{NAMES}c"):
        letters = re.sub(r"\d", "", cell.attrib["r"])
        column = 0
        for letter in letters:
            column = column * 26 + ord(letter) - 64
        yield from [""] * (column - at - 1)
        at = column
        yield _value(cell)


def _value(cell: Element) -> str:
    if cell.get("t") == "inlineStr":
        text = "".join(part.text or "" for part in cell.iter(f"{NAMES}t"))
        return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    value = cell.findtext(f"{NAMES}v") or ""
    return {"0": "False", "1": "True"}[value] if cell.get("t") == "b" else value
