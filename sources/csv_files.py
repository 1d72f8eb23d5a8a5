"""CSV as a table, losing nothing: fields stay text, and every line below the header is a row."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass

import polars as pl

from contract.errors import BadInput, BadParams
from sources.headers import (
    LINES_LOOKED_AT,
    NAMELESS,
    Wanted,
    column_names,
    header_place,
)
from sources.quotes import refuse_open_quote

# holds the first field a line has too many; present in tables made of CSV
OVERFLOW = "(beyond the header)"
SEPARATORS = ",;\t|"
_HEAD = 1 << 20  # bytes in which the header must stand
_CHUNK = 1 << 24
_BOM = codecs.BOM_UTF8
# the longer marks first: UTF-32's begins with UTF-16's
_WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
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
    content = _with_newlines(_as_utf8(content, name, manner.encoding))
    if not content or content.isspace() or content == _BOM:
        raise BadInput(
            f"'{name}' is empty. Send it again; a day without any sale still has its header line."
        )
    header = _header_of(content, name, manner.separator, wanted)
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


def _as_utf8(content: bytes, name: str, encoding: str) -> bytes:
    """The content in UTF-8. A byte order mark says its encoding whatever is stated, and so do the
    zero bytes of UTF-16; clean UTF-8 is not copied.
    """
    marked = next((kind for mark, kind in _WIDE_MARKS if content.startswith(mark)), None)
    kind = marked or _unmarked(content) or encoding
    if content.startswith(_BOM):
        kind = "utf8"
    try:
        if codecs.lookup(kind).name != "utf-8":
            return content.decode(kind).encode()
        return content if content.isascii() else _checked(content)
    except UnicodeDecodeError as error:
        raise BadInput(_not_in(name, kind, content, error)) from error
    except LookupError as error:
        raise BadParams(
            f"source.files.encoding: nobody knows the encoding '{encoding}'; try utf8 or latin-1."
        ) from error


def _unmarked(content: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of its Latin letters, digits and marks is zero."""
    head = content[:4096]
    for kind, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if zeros.count(0) > 0.6 * len(zeros) and head.count(0) < 0.6 * len(head):
            return kind
    return None


def _checked(content: bytes) -> bytes:
    """The content, if it is UTF-8: checked piece by piece, as text would take up to four times its
    room. A mark in its middle, where files were joined, is left out.
    """
    decoder, view = codecs.getincrementaldecoder("utf8")(), memoryview(content)
    for start in range(0, len(content), _CHUNK):
        try:
            decoder.decode(view[start : start + _CHUNK], start + _CHUNK >= len(content))
        except UnicodeDecodeError:
            content.decode()  # says the place in the whole
    if content.find(_BOM, 1) > 0:
        return content.replace(_BOM, b"")
    return content


def _not_in(name: str, kind: str, content: bytes, error: UnicodeDecodeError) -> str:
    return (
        f"'{name}' is not {kind}: byte {error.start} is 0x{content[error.start]:02x}. "
        "Set source.files.encoding in params.yaml, for example cp1252, latin-1 or utf-16."
    )


def _with_newlines(content: bytes) -> bytes:
    """The content with line ends that every reader knows: old Macs end lines by a carriage return
    alone, and joined files in several ways. Inside quotes one may be part of a text.
    """
    alone = b"\r" in content and content.count(b"\r") > content.count(b"\r\n")
    if alone and (b'"' not in content or b"\n" not in content):
        return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content


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
    lines = content[:_HEAD].removeprefix(_BOM).split(b"\n", LINES_LOOKED_AT)[:LINES_LOOKED_AT]
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
    head: list[str], separator: str, is_told: bool, wanted: Wanted | None
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
    if is_told and rows:
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
