"""Where a table nobody has described begins: its encoding, and the line that names its columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from contract.errors import BadInput
from sources.contents import parts_of
from sources.encodings import wide_kind
from sources.headers import LINES_LOOKED_AT, is_day
from sources.workbooks import grids_of

_HEAD = 1 << 20  # bytes
_PAGES = ("cp1252", "cp850", "cp1250")
_LETTERS = set("äöüÄÖÜßéèêëàâáãåæçñíìîïóòôõøœúùûýÉÈÀÁÇÑÍÓÚØÅÆ€°²³½´’–")  # noqa: RUF001
_NUMBER = re.compile(r"[-+(]?\s*[^\w\s]?\s*\d[\d.,' \u00a0]*\s*\D{0,5}")


def encoding_of(path: Path) -> str | None:
    """The code page of a text file that is not UTF-8; None for one that is, or that is no text."""
    try:
        part = next(parts_of(path))
    except StopIteration:
        return None
    if part.kind != "csv":
        return None
    content = part.in_memory
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        if wide_kind(content) or content[:4096].count(0):
            return None  # the reader sees it by itself
        return max(_PAGES, key=lambda page: _letters_in(content[:_HEAD], page))
    return None


def header_of(path: Path, encoding: str | None) -> list[str] | None:
    """The names of the columns as the header spells them; None where the reader knows them without
    (Parquet). BadInput for a table without a header.
    """
    part = next((part for part in parts_of(path) if part.kind != "other"), None)
    if part is None or part.kind == "parquet":
        return None
    content = part.in_memory
    grids = (
        list(grids_of(content, part.name).values())
        if part.kind == "workbook"
        else [_grid(_text_of(content, encoding))]
    )
    found = [names for grid in grids if (names := header_in(grid))]
    if not found:
        shown = [row for grid in grids for row in grid if any(row)][:1]
        if not shown:
            raise BadInput(f"'{path.name}' is empty. Export it again.")
        raise BadInput(
            f"'{path.name}' has no line that names its columns; it begins with {shown}. Put one "
            "above them: a name per column."
        )
    return found[0]


def header_in(grid: Sequence[Sequence[str]]) -> list[str] | None:
    """The first row of names over a row that holds a number or a day; None where there is none."""
    widths = [sum(1 for field in row if field) for row in grid]
    widest = max(widths, default=0)
    for place, row in enumerate(grid):
        names = [field for field in row if field]
        below = next((other for other in grid[place + 1 :] if any(other)), [])
        is_wide_enough = len(names) >= 0.6 * widest
        if not is_wide_enough or not _are_names(names):
            continue
        if not below or any(_is_value(field) for field in below):
            return names
    return None


def _are_names(names: list[str]) -> bool:
    """Whether fields can be names of columns: texts; days, too, behind texts, where a column is a
    day.
    """
    others = [name for name in names if not is_day(name)]
    days = len(names) - len(others)
    if not others or (days and days < 3):
        return False
    return not any(_NUMBER.fullmatch(name) for name in others)


def _is_value(field: str) -> bool:
    return bool(field) and (is_day(field) or _NUMBER.fullmatch(field) is not None)


def _text_of(content: bytes, encoding: str | None) -> str:
    head = content[:_HEAD]
    return head.decode(wide_kind(head) or encoding or "utf-8-sig", errors="replace")


def _grid(text: str) -> list[list[str]]:
    """The first lines' fields, by the separator that makes most of them alike and several."""
    lines = text.splitlines()[:LINES_LOOKED_AT]
    if lines and lines[0].lower().strip('"').startswith("sep="):
        lines = lines[1:]
    grids = [_split(lines, mark) for mark in ",;\t|"]
    return max(grids, key=_likeness)


def _split(lines: list[str], mark: str) -> list[list[str]]:
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=mark))
    except csv.Error:
        rows = [line.split(mark) for line in lines]
    return [[field.strip() for field in row] for row in rows]


def _likeness(grid: list[list[str]]) -> float:
    widths = [len(row) for row in grid if any(row)]
    most = max(set(widths), key=widths.count, default=1)
    return 0.0 if most < 2 else widths.count(most) + min(most, 20) / 100


def _letters_in(content: bytes, page: str) -> int:
    """How many of the bytes beyond ASCII are letters of western languages in this code page."""
    text = content.decode(page, errors="replace")
    return sum(1 if sign in _LETTERS else -1 for sign in text if ord(sign) > 127)
