"""CSV as a table, losing nothing: fields stay text, and every line below the header is a row."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace

import polars as pl

from contract.errors import BadInput
from sources.encodings import BOM, as_utf8, with_newlines
from sources.headers import (
    LINES_LOOKED_AT,
    NAMELESS,
    Wanted,
    column_names,
    header_place,
    shortened,
)
from sources.quotes import refuse_open_quote

# holds the first field a line has too many; present in tables made of CSV
OVERFLOW = "(beyond the header)"
SEPARATORS = ",;\t|"
_LEAST_LINES = 5  # of fewer, that all are too long may be chance
_HEAD = 1 << 20  # bytes in which the header must stand
_SEP_LINE = re.compile(r'"?sep=(.)"?[;,\t|]*', re.IGNORECASE)
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class CsvManner:
    """How a CSV file is written, and which sheet of a workbook is meant."""

    separator: str | None = None  # None: found out from the header
    encoding: str = "utf8"
    sheet: str | None = None  # None: the one that fits


@dataclass(frozen=True)
class _Header:
    names: list[str]
    separator: str
    records: int  # up to and with the header
    lines: int  # the same in lines of the file: a quoted title may span several


def table_of_csv(
    content: bytes, name: str, manner: CsvManner, wanted: Wanted | None = None
) -> pl.DataFrame:
    """The rows of a CSV file's content as stripped text, empty as null.

    The header is the line that holds most of the `wanted` names, else the first. A row with too
    many fields has its first one too many in OVERFLOW; absent fields of a short line are null; a
    line with nothing in it is no row, and a column without a name no column. BadInput for content
    that is empty, damaged, or not in the stated encoding.
    """
    content = with_newlines(as_utf8(content, name, manner.encoding))
    if not content or content.isspace() or content == BOM:
        raise BadInput(
            f"'{name}' is empty. Send it again; a day without any sale still has its header line."
        )
    header = _header_of(content, name, manner.separator, wanted)
    table = stripped(_fields(content, header, name))
    if _is_longer_everywhere(table):
        header = _with_row_numbers(table, header, name)
        table = stripped(_fields(content, header, name))
    _refuse_lines_in_a_line(table, name)
    if b'"' in content and len(header.names) > 1:
        day = wanted.day if wanted else None
        refuse_open_quote(table, header.separator, name, day)
    return without_blanks(table)


def stripped(table: pl.DataFrame) -> pl.DataFrame:
    """Text without blanks around it, and null where nothing is left; a column that is clean already
    is not copied.
    """
    texts = [column for column in table if column.dtype in (pl.Categorical, pl.Enum, pl.String)]
    return table.with_columns(_stripped_text(column.cast(pl.String)) for column in texts)


def without_blanks(table: pl.DataFrame) -> pl.DataFrame:
    """The table without columns that have no name and without rows that have no value."""
    nameless = [name for name in table.columns if name.startswith(NAMELESS)]
    return table.drop(nameless).filter(~pl.all_horizontal(pl.all().is_null()))


def _stripped_text(text: pl.Series) -> pl.Series:
    values = text.unique().drop_nulls()
    if (values != values.str.strip_chars()).any() or (values == "").any():
        return text.str.strip_chars().replace("", None)
    return text


def _is_longer_everywhere(table: pl.DataFrame) -> bool:
    """Whether every line has more fields than the header has names."""
    return table.height >= _LEAST_LINES and table[OVERFLOW].null_count() == 0


def _with_row_numbers(table: pl.DataFrame, header: _Header, name: str) -> _Header:
    """The header with a name for the first field of every line, if that counts them, as R writes
    its rows. BadInput if it does not: nobody can say which field has no name.
    """
    count = table[:, 0].cast(pl.Int64, strict=False)
    if (count - count[0] == pl.int_range(table.height, eager=True)).all(ignore_nulls=False):
        return replace(header, names=[f"{NAMELESS}0)", *header.names])
    raise BadInput(
        f"'{name}' has more fields in every line than its header has names: {len(header.names)}, "
        f"{shortened(header.names)}. Name the column that has no name; put fields that hold a "
        f"'{header.separator}', like a decimal comma, in quotes."
    )


def _refuse_lines_in_a_line(table: pl.DataFrame, name: str) -> None:
    """BadInput where a line with too many fields holds others, ended by a carriage return alone."""
    long = table.filter(pl.col(OVERFLOW).is_not_null())
    if long.select(pl.any_horizontal(pl.all().str.contains("\r", literal=True)).any()).item():
        raise BadInput(_several_ends(name))


def _several_ends(name: str) -> str:
    return (
        f"'{name}' ends its lines in several ways, or by a carriage return alone. "
        "Save it with one kind of line end."
    )


def _header_of(content: bytes, name: str, separator: str | None, wanted: Wanted | None) -> _Header:
    lines = content[:_HEAD].removeprefix(BOM).split(b"\n", LINES_LOOKED_AT)[:LINES_LOOKED_AT]
    if len(lines) == 1 and len(content) > _HEAD:
        raise BadInput(
            f"'{name}' has no line end in its first {_HEAD} bytes. Is it a table? Check line ends."
        )
    # a letter cut in two at the head's end must not matter
    head = [line.decode(errors="replace") for line in lines]
    stated = _SEP_LINE.fullmatch(head[0].strip())
    separators = separator or (stated[1] if stated else SEPARATORS)
    candidates = [_candidate(head, mark, stated is not None, wanted) for mark in separators]
    _, _, fields, header = max(candidates, key=lambda one: one[:2])
    if any("\r" in field for field in fields):
        raise BadInput(_several_ends(name))
    if any("\0" in field for field in fields):
        raise BadInput(f"'{name}' is no text: its header holds zero bytes. Export it again.")
    return _Header(column_names(fields, wanted, name), *header)


def _candidate(
    head: list[str], separator: str, is_stated: bool, wanted: Wanted | None
) -> tuple[int, int, list[str], tuple[str, int, int]]:
    """With this separator: the wanted names in the header, its fields, and where it stands."""
    reader = csv.reader([f"{line.removesuffix(chr(13))}\n" for line in head], delimiter=separator)
    rows, lines = [], []
    try:
        for row in reader:
            rows.append([field.strip() for field in row])
            lines.append(reader.line_num)
    except csv.Error:  # what is no line of a table to Python's reader ends the search
        pass
    if is_stated and rows:
        rows[0] = []
    place, hits = header_place(rows, wanted)
    fields = rows[place] if rows else []
    return hits, len(fields), fields, (separator, place + 1, lines[place] if lines else 1)


def _fields(content: bytes, header: _Header, name: str) -> pl.DataFrame:
    """Every line's fields, by Polars; by Python's patient reader if a stray quote makes the file
    malformed.
    """
    schema = dict.fromkeys([*header.names, OVERFLOW], pl.String)
    try:
        return pl.read_csv(
            content,
            has_header=False,
            skip_lines=header.lines,
            schema=schema,
            separator=header.separator,
            quote_char='"' if b'"' in content else None,
            truncate_ragged_lines=True,
            missing_columns="insert",
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError:
        return _read_patiently(content, header, name, list(schema))


def _read_patiently(content: bytes, header: _Header, name: str, columns: list[str]) -> pl.DataFrame:
    lines = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=header.separator)
    width = len(columns)
    try:
        for _ in range(header.records):
            next(lines)
        rows = [(line + [None] * width)[:width] for line in lines]
    except csv.Error as error:
        raise BadInput(
            f"'{name}' is no table: {error}. Send it again; quotes and line ends must match."
        ) from error
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
