"""Reading one file as a table, losing nothing: CSV fields stay text, and every line is a row."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from contract.errors import BadInput, BadParams, SourceMissing

# holds the first field a line has too many; present in tables made of CSV
OVERFLOW = "(beyond the header)"
SEPARATORS = ",;\t|"
MOST_COLUMNS = 10_000  # M5's wide file has 1,947


@dataclass(frozen=True)
class CsvManner:
    """How a CSV file is written."""

    separator: str | None = None  # None: the commonest candidate in the header line
    encoding: str = "utf8"


def read_table(path: Path, manner: CsvManner | None = None) -> pl.DataFrame:
    """The file's rows: Parquet with its types; CSV (plain, .gz, or alone in a .zip) as stripped
    text, empty as null.

    A CSV row with too many fields has its first one too many in OVERFLOW; absent fields of a short
    line are null; a line with nothing in it is no row. BadInput for a file that is empty, damaged,
    or not in the stated encoding.
    """
    if not path.exists():
        raise SourceMissing(f"there is no file '{path}'; its folder holds {names_in(path.parent)}.")
    if path.suffix.lower() in (".parquet", ".pq"):
        return _parquet(path)
    return table_of_csv(bytes_of(path), str(path), manner or CsvManner())


def table_of_csv(content: bytes, name: str, manner: CsvManner) -> pl.DataFrame:
    """The rows of a CSV file's content; see read_table."""
    content = _as_utf8(content, name, manner.encoding)
    if not content.strip():
        raise BadInput(
            f"'{name}' is empty. Send it again; a day without any sale still has its header line."
        )
    content = content.lstrip(b"\r\n")
    line = content.split(b"\n", 1)[0].decode()
    separator = manner.separator or max(SEPARATORS, key=_outside_quotes(line).count)
    if "\r" in line.rstrip("\r"):
        raise BadInput(
            f"'{name}' ends its lines in several ways, or by a carriage return alone. "
            "Save it with one kind of line end."
        )
    names = [field.strip() for field in next(csv.reader([line.rstrip("\r")], delimiter=separator))]
    if len(names) > MOST_COLUMNS:
        raise BadInput(
            f"'{name}' has {len(names)} columns; {MOST_COLUMNS} at most, "
            "this is no table of sales. Check the line ends."
        )
    repeated = sorted(field for field, count in Counter(names).items() if count > 1)
    if repeated:
        raise BadInput(
            f"'{name}' has two columns called {repeated}; its header is {names}. "
            "Rename one of them."
        )
    table = _stripped(_fields(content, names, separator, name))
    if b'"' in content and len(names) > 1:
        _refuse_open_quote(table, len(names), separator, name)
    return table.filter(~pl.all_horizontal(pl.all().is_null()))


def bytes_of(path: Path) -> bytes:
    """The content of a file, unpacked if it is .gz or a .zip holding one file."""
    try:
        if path.suffix.lower() == ".gz":
            return gzip.decompress(path.read_bytes())
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                return archive.read(_only_member(archive, path))
        return path.read_bytes()
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise BadInput(
            f"'{path}' cannot be unpacked or read ({error}). Copy it again from where it came."
        ) from error


def names_in(folder: Path) -> list[str]:
    """The names in a folder, sorted; empty when there is no such folder."""
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def need_columns(table: pl.DataFrame, needed: dict[str, str], name: str) -> None:
    """BadInput if the table lacks a column of `needed` (column: the line of params.yaml that maps
    it).
    """
    missing = [column for column in needed if column not in table.columns]
    if missing:
        columns = [column for column in table.columns if column != OVERFLOW]
        lines = ", ".join(sorted({needed[column] for column in missing}))
        raise BadInput(
            f"'{name}' has no column {missing}; it has {columns}. Change params.yaml: {lines}."
        )


def _parquet(path: Path) -> pl.DataFrame:
    try:
        return _stripped(pl.read_parquet(path, glob=False))
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(
            f"'{path}' is not a whole Parquet file ({reason}). Copy it again."
        ) from error


def _as_utf8(content: bytes, name: str, encoding: str) -> bytes:
    try:
        text = content.decode("utf-8-sig" if encoding.lower() in ("utf8", "utf-8") else encoding)
    except UnicodeDecodeError as error:
        raise BadInput(
            f"'{name}' is not {encoding}: byte {error.start} is 0x{content[error.start]:02x}. "
            "Set source.files.encoding in params.yaml, for example latin-1 or cp1252; "
            "a spreadsheet must be saved as CSV."
        ) from error
    except LookupError as error:
        raise BadParams(
            f"source.files.encoding: nobody knows the encoding '{encoding}'; try utf8 or latin-1."
        ) from error
    return text.encode()


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _refuse_open_quote(table: pl.DataFrame, fields: int, separator: str, name: str) -> None:
    """BadInput for a field that holds whole lines of the table: a quote was opened and never
    closed, and swallowed them.

    Where the next line's quote closes it, the two lines are one row, and the field ends in the
    quote left over.
    """
    for column in table:
        for row in column.str.contains("\n", literal=True).fill_null(value=False).arg_true():
            lines = column[row].split("\n")[1:]
            is_whole_line = max(line.count(separator) for line in lines) >= fields - 1
            is_left_over = (
                column[row].count('"') % 2 == 1 and column[row].count(separator) >= fields - 1
            )
            if is_whole_line or is_left_over:
                raise BadInput(
                    f"'{name}' opens a quote in row {row + 1} and does not close it there: "
                    f"its field holds {len(lines)} more lines. "
                    "Mend that quote; one inside a text is doubled."
                )


def _fields(content: bytes, names: list[str], separator: str, name: str) -> pl.DataFrame:
    """Every line's fields, by Polars; by Python's patient reader if a stray quote makes the file
    malformed.
    """
    schema = dict.fromkeys([*names, OVERFLOW], pl.String)
    try:
        return pl.read_csv(
            content,
            has_header=False,
            skip_lines=1,
            schema=schema,
            separator=separator,
            quote_char='"' if b'"' in content else None,
            truncate_ragged_lines=True,
            missing_columns="insert",
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError:
        csv.field_size_limit(2**31 - 1)
        lines = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=separator)
        next(lines)
        width = len(schema)
        try:
            rows = [(line + [None] * width)[:width] for line in lines]
        except csv.Error as error:
            raise BadInput(
                f"'{name}' is no table: {error}. Send it again; quotes and line ends must match."
            ) from error
        return pl.DataFrame(rows, schema=schema, orient="row")


def _stripped(table: pl.DataFrame) -> pl.DataFrame:
    """Text without blanks around it, and null where nothing is left; a column that is clean already
    is not copied.
    """
    texts = [column for column in table if column.dtype in (pl.Categorical, pl.Enum, pl.String)]
    return table.with_columns(_stripped_text(column.cast(pl.String)) for column in texts)


def _stripped_text(text: pl.Series) -> pl.Series:
    values = text.unique().drop_nulls()
    if (values != values.str.strip_chars()).any() or (values == "").any():
        return text.str.strip_chars().replace("", None)
    return text


def _only_member(archive: zipfile.ZipFile, path: Path) -> str:
    members = [name for name in archive.namelist() if not name.endswith("/")]
    if len(members) != 1:
        raise BadInput(
            f"'{path}' holds {members}; a zip of sales holds one file. Unpack it into the folder."
        )
    return members[0]
