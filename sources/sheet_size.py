"""How far the cells of a workbook reach, found out before: a reader lays out every cell up to the
last one, and a single cell in the far corner would take half a terabyte.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

from contract.errors import BadInput

MOST_CELLS = 60_000_000  # 32 bytes each
_CHUNK = 1 << 22
_OVERLAP = 64  # bytes; a cell's place may be cut in two
_FAR_COLUMN = re.compile(rb'\br="([A-Za-z]{2,3})\d')
_FAR_ROW = re.compile(rb'\br="[A-Za-z]{0,3}(\d{6,})"')
_PLACE = re.compile(rb'\br="([A-Za-z]{1,3})(\d+)"')
_REPEATED_VALUE = re.compile(
    rb'<table:table-cell(?=[^>]*office:value)[^>]*number-columns-repeated="(\d{6,})"'
)
_REPEATED_ROW = re.compile(
    rb'<table:table-row[^>]*number-rows-repeated="\d{6,}"[^>]*>(?:(?!</table:table-row>).){0,4000}?'
    rb"office:value",
    re.DOTALL,
)


def refuse_endless(content: bytes, name: str) -> None:
    """BadInput for an xlsx or ods whose cells reach too far, or of which a part is cut."""
    if not content.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                _look_into(archive, member, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise BadInput(f"'{name}' is no whole workbook ({error}). Copy it again.") from error


def _look_into(archive: zipfile.ZipFile, member: str, name: str) -> None:
    """Reads the whole member, which says of a damaged one, and looks how far a sheet reaches."""
    columns, rows = 26, 99_999
    for chunk in _chunks(archive, member):
        if member.startswith("xl/worksheets/"):
            columns = max([columns, *map(_number, set(_FAR_COLUMN.findall(chunk)))])
            rows = max([rows, *map(int, set(_FAR_ROW.findall(chunk)))])
        elif member == "xl/workbook.bin":
            raise BadInput(f"'{name}' is a binary workbook (xlsb). Save it as xlsx.")
        elif _REPEATED_VALUE.search(chunk) or _REPEATED_ROW.search(chunk):
            raise BadInput(_too_far(name, "a cell that repeats over 100,000 times"))
    if columns * rows <= MOST_CELLS:
        return
    places = (place for chunk in _chunks(archive, member) for place in _PLACE.findall(chunk))
    far_column, far_row = 1, 1
    for letters, digits in places:
        far_column, far_row = max(far_column, _number(letters)), max(far_row, int(digits))
    if far_column * far_row > MOST_CELLS:
        raise BadInput(_too_far(name, f"cells up to row {far_row} and column {far_column}"))


def _chunks(archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    with archive.open(member) as file:
        end = b""
        while read := file.read(_CHUNK):
            yield end + read
            end = read[-_OVERLAP:]


def _number(letters: bytes) -> int:
    """The number of a column: A is 1, XFD is 16,384."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _too_far(name: str, what: str) -> str:
    return (
        f"'{name}' has {what}: more than {MOST_CELLS:,} cells. Delete what lies beyond the table "
        "(a stray cell is enough), or save the sheet as CSV."
    )
