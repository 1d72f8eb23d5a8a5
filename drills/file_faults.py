"""Faults of a daily file: the same rows in other words, or other rows that look like a day's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from drills.faults import FileFault, Rng

Row = dict[str, str]


def same_file(text: str, _rng: Rng) -> bytes:
    """The supplier sends yesterday's file again."""
    return text.encode()


def shuffled_columns(text: str, rng: Rng) -> bytes:
    """The same columns, their order drawn anew."""
    rows = [line.split(",") for line in text.splitlines()]
    order = rng.permutation(len(rows[0]))
    return "".join(",".join(row[k] for k in order) + "\n" for row in rows).encode()


def renamed_column(text: str, _rng: Rng) -> bytes:
    """The supplier calls y units_sold from today on."""
    head, _, body = text.partition("\n")
    names = ["units_sold" if name == "y" else name for name in head.split(",")]
    return f"{','.join(names)}\n{body}".encode()


def half_file(text: str, _rng: Rng) -> bytes:
    """The transfer broke off half way, at the end of a row: nothing in what is left is wrong."""
    return text[: text.index("\n", len(text) // 2) + 1].encode()


def wrong_unit_file(text: str, _rng: Rng) -> bytes:
    """Units times a thousand in every row."""
    head, *rows = text.splitlines()
    at = head.split(",").index("y")
    fields = (row.split(",") for row in rows)
    scaled = [[*row[:at], str(float(row[at]) * 1000), *row[at + 1 :]] for row in fields]
    return "\n".join([head, *(",".join(row) for row in scaled)]).encode()


def empty_file(_text: str, _rng: Rng) -> bytes:
    """The supplier's job ran before the export had written anything."""
    return b""


def other_encoding(text: str, _rng: Rng) -> bytes:
    """Exported as UTF-16 from today on."""
    return text.encode("utf-16")


def marked_encoding(text: str, _rng: Rng) -> bytes:
    """UTF-8 with a byte order mark, lines ended as Windows does."""
    return text.replace("\n", "\r\n").encode("utf-8-sig")


def other_separator(text: str, _rng: Rng) -> bytes:
    """Semicolons, and commas for decimal points."""
    return text.replace(",", ";").replace(".", ",").encode()


def more_columns(text: str, _rng: Rng) -> bytes:
    """The export has three columns more."""
    head, *rows = text.splitlines()
    return "\n".join([f"{head},till,clerk,basket", *(f"{row},1,x,7" for row in rows)]).encode()


def fewer_columns(text: str, _rng: Rng) -> bytes:
    """The day's column is gone."""
    return _each(text, lambda row: {name: value for name, value in row.items() if name != "ds"})


def doubled_file(text: str, _rng: Rng) -> bytes:
    """The export was appended to itself."""
    return (text + text.partition("\n")[2]).encode()


def contradicting_file(text: str, rng: Rng) -> bytes:
    """Appended to itself, and the second time with other units."""
    other = _each(text, lambda row: row | {"y": str(float(row["y"]) + rng.integers(1, 5))}).decode()
    return (text + other.partition("\n")[2]).encode()


def negative_file(text: str, _rng: Rng) -> bytes:
    """Sales booked as returns."""
    return _each(text, lambda row: row | {"y": f"-{float(row['y']) + 1}"})


def zero_file(text: str, _rng: Rng) -> bytes:
    """All rows, and every one is 0."""
    return _each(text, lambda row: row | {"y": "0"})


def null_file(text: str, _rng: Rng) -> bytes:
    """All rows, and no units."""
    return _each(text, lambda row: row | {"y": ""})


def day_first_dates(text: str, _rng: Rng) -> bytes:
    """Dates as 31/01/2026: some of them are dates the other way round, too."""
    return _each(text, lambda row: row | {"ds": date.fromisoformat(row["ds"]).strftime("%d/%m/%Y")})


def tomorrows_date(text: str, _rng: Rng) -> bytes:
    """A clock beyond midnight: the day's sales are dated in the year that comes."""
    return _each(
        text, lambda row: row | {"ds": str(date.fromisoformat(row["ds"]) + timedelta(days=364))}
    )


def yesterdays_date(text: str, _rng: Rng) -> bytes:
    """A timezone: the day's sales are dated the day before, and overwrite it."""
    return _each(
        text, lambda row: row | {"ds": str(date.fromisoformat(row["ds"]) - timedelta(days=1))}
    )


def renamed_items(text: str, rng: Rng) -> bytes:
    """Half of the items come under new numbers."""
    return _each(
        text,
        lambda row: row | ({"unique_id": row["unique_id"] + "_N"} if rng.random() < 0.5 else {}),
    )


def scrambled_rows(text: str, rng: Rng) -> bytes:
    """The units' column was sorted by itself: each item has another one's sales."""
    head, *rows = text.splitlines()
    at = head.split(",").index("y")
    units = sorted(row.split(",")[at] for row in rows)
    return _each(text, lambda row: row | {"y": units.pop(int(rng.integers(len(units))))})


def header_only(text: str, _rng: Rng) -> bytes:
    """The day's query found no row."""
    return (text.partition("\n")[0] + "\n").encode()


def binary_file(_text: str, rng: Rng) -> bytes:
    """Noise under a CSV's name."""
    return rng.bytes(4000)


FILE_FAULTS = (
    FileFault("same_file", "yesterday's file again", False, same_file),
    FileFault("shuffled_columns", "columns in another order", False, shuffled_columns),
    FileFault("more_columns", "three columns more", False, more_columns),
    FileFault("marked_encoding", "byte order mark, CRLF", False, marked_encoding),
    FileFault("other_encoding", "UTF-16 instead of UTF-8", False, other_encoding),
    FileFault("other_separator", "semicolons, decimal commas", False, other_separator),
    FileFault("doubled_file", "each row twice", False, doubled_file),
    FileFault("contradicting_file", "each row twice, other units", True, contradicting_file),
    FileFault("renamed_column", "y is called units_sold", True, renamed_column),
    FileFault("fewer_columns", "the day's column is gone", True, fewer_columns),
    FileFault("half_file", "the transfer broke off", True, half_file),
    FileFault("wrong_unit_file", "every row x1000", True, wrong_unit_file),
    FileFault("negative_file", "every row negative", True, negative_file),
    FileFault("zero_file", "every row 0", True, zero_file),
    FileFault("null_file", "every row empty", True, null_file),
    FileFault("day_first_dates", "31/01/2026 for 2026-01-31", True, day_first_dates),
    FileFault("tomorrows_date", "dated a year ahead", True, tomorrows_date),
    FileFault("yesterdays_date", "dated the day before", True, yesterdays_date),
    FileFault("renamed_items", "half of the items renamed", True, renamed_items),
    FileFault("scrambled_rows", "each item another's units", True, scrambled_rows),
    FileFault("header_only", "a header and no row", True, header_only),
    FileFault("empty_file", "no byte in it", True, empty_file),
    FileFault("binary_file", "noise for a CSV", True, binary_file),
)


def _each(text: str, change: Callable[[Row], Row]) -> bytes:
    """The same file with each row changed."""
    head, *lines = text.splitlines()
    rows = [change(dict(zip(head.split(","), line.split(","), strict=True))) for line in lines]
    return (
        "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]).encode() + b"\n"
    )
