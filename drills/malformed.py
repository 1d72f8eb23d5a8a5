"""Files nobody should send, drawn from a seed: each kind breaks one thing about a small honest day
of sales.

`malformed(seed, count)` gives the same files for the same seed; number k of a seed can be made
alone.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

Rng = np.random.Generator
FIRST = date(2024, 2, 1)
SERIES = [
    (f"{item}_{store}", store, item)
    for store in ("CA_1", "TX_2")
    for item in ("FOODS_1_001", "HOBBIES_1_002", "FOODS_2_003")
]
HOSTILE = (
    "=cmd|' /C calc'!A0", "@SUM(1+1)", "+1+1", "-2+3", "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>", "'; drop table sales; --", '" or ""="',
    "a'); delete from batches; --", "{{ 7*7 }}", "{% raw %}", "${jndi:ldap://x}", "%s%n",
    "../../etc/passwd", "/etc/passwd", "C:\\con", "a\x00b", "a\u202eb", "\ufeffa", "é\u0301",
    "😀" * 30, "a\tb", "null", "NaN", "None",
)  # fmt: skip
NUMBERS = (
    "1e308", "-1e308", "1e999", "NaN", "inf", "-inf", "-0", "9223372036854775808", "-1", "0x10",
    "1_000", "١٢", "1,5", "1e-320", "--1", "true", "",
)  # fmt: skip
DAYS = (
    "2024-02-30", "0000-00-00", "9999-12-31", "1970-01-01", "2024-2-3", "20240203", "03/02/2024",
    "2024-02-03T25:61:00", "2024-W05", "45325", "-1", "2024-02-29T23:59:59+14:00", "",
)  # fmt: skip
NAMES = (
    "sales_..%2f..%2fx.csv", "sales_$(touch x).csv", "sales_`id`.csv", "sales_\n.csv",
    "sales_ .csv", "sales_-rf.csv", "sales_<b>.csv", "sales_'.csv", 'sales_".csv', "sales_;x.csv",
    "sales_\u202efdp.csv", "sales_" + "x" * 230 + ".csv", "sales_\udcff.csv", "sales_..csv",
    "sales_\\..\\x.csv", "sales_CON.csv", "sales_%00.csv", "sales_{{7*7}}.csv",
)  # fmt: skip


@dataclass(frozen=True)
class Malformed:
    """One file: its kind, the name it is dropped under, and its bytes."""

    kind: str
    name: str
    content: bytes


def malformed(seed: int, count: int, first: int = 0) -> Iterator[Malformed]:
    """Files `first` to `first + count - 1` of a seed, the kinds in turn."""
    kinds = list(KINDS)
    for number in range(first, first + count):
        kind = kinds[number % len(kinds)]
        file = KINDS[kind](np.random.default_rng([seed, number]))
        name, content = file if isinstance(file, tuple) else (f"sales_{seed}_{number}.csv", file)
        yield Malformed(kind, name, content)


def honest(rng: Rng) -> pl.DataFrame:
    """A day of six series in the contract's words."""
    day = FIRST + timedelta(days=int(rng.integers(0, 28)))
    rows = [
        (
            name,
            str(day),
            str(int(rng.poisson(4))),
            store[:2],
            store,
            item.split("_")[0],
            item[:-4],
            item,
        )
        for name, store, item in SERIES
    ]
    header = ["unique_id", "ds", "y", "state_id", "store_id", "cat_id", "dept_id", "item_id"]
    return pl.DataFrame(rows, schema=header, orient="row")


def _csv(rng: Rng) -> bytes:
    return honest(rng).write_csv().encode()


def _typed(rng: Rng) -> pl.DataFrame:
    return honest(rng).with_columns(pl.col("ds").str.to_date(), pl.col("y").cast(pl.Float64))


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def _with(column: str, values: tuple[str, ...], rng: Rng) -> bytes:
    """An honest day with one field of some rows replaced."""
    frame = honest(rng)
    hit = [str(rng.choice(values)) if rng.random() < 0.4 else old for old in frame[column]]
    return frame.with_columns(pl.Series(column, hit)).write_csv().encode()


def _cut(content: bytes, rng: Rng) -> bytes:
    return content[: int(rng.integers(0, len(content)))]


def _flipped(content: bytes, rng: Rng) -> bytes:
    damaged = bytearray(content)
    for at in rng.integers(0, len(content), int(rng.integers(1, 12))):
        damaged[at] ^= 1 << int(rng.integers(0, 8))
    return bytes(damaged)


def _encoded(rng: Rng) -> bytes:
    text = _with("item_id", ("Käse", "crème brûlée", "寿司"), rng).decode()
    codec = str(
        rng.choice(
            [
                "utf-16",
                "utf-16-be",
                "utf-32",
                "latin-1",
                "cp1252",
                "utf-8-sig",
                "utf-7",
                "shift-jis",
            ]
        )
    )
    return text.encode(codec, errors="replace")


def _zeros_between(rng: Rng) -> bytes:
    content = bytearray(_csv(rng))
    for at in rng.integers(0, len(content), 5):
        content[at] = 0
    return bytes(content)


def _huge_field(rng: Rng) -> bytes:
    size = int(rng.choice([100_000, 1_000_000, 10_000_000], p=[0.7, 0.25, 0.05]))
    column = str(rng.choice(["unique_id", "y", "ds", "item_id"]))
    frame = honest(rng).with_columns(pl.col(column).cast(pl.String))
    return (
        frame.with_columns(pl.Series(column, ["x" * size, *frame[column][1:]])).write_csv().encode()
    )


def _many_columns(rng: Rng) -> bytes:
    count = int(rng.choice([5_000, 50_000, 1_000_000], p=[0.7, 0.25, 0.05]))
    more = ",".join(f"c{k}" for k in range(count))
    head, *rows = _csv(rng).decode().splitlines()
    return f"{head},{more}\n".encode() + b"\n".join(row.encode() + b"," * count for row in rows[:2])


def _headers(rng: Rng) -> bytes:
    head, _, body = _csv(rng).decode().partition("\n")
    names = head.split(",")
    spoiled = {
        "twice": [*names[:-1], "y"],
        "empty": ["", *names[1:]],
        "blank": ["  ", *names[1:]],
        "case": [name.upper() for name in names],
        "reserved": [*names[:-1], "row_number"],
        "overflow": [*names[:-1], "(beyond the header)"],
        "quoted": [f'"{name}\n"' for name in names],
        "less": names[:-2],
        "more": [*names, "x"],
    }
    return (",".join(spoiled[str(rng.choice(list(spoiled)))]) + "\n" + body).encode()


def _line_ends(rng: Rng) -> bytes:
    ends = rng.choice(["\r\n", "\r", "\n", "\n\n", "\u2028", "\x0b"], 20)
    lines = _csv(rng).decode().splitlines()
    return "".join(f"{line}{end}" for line, end in zip(lines, ends, strict=False)).encode()


def _quotes(rng: Rng) -> bytes:
    text = list(_csv(rng).decode())
    for at in rng.integers(0, len(text), int(rng.integers(1, 6))):
        text.insert(int(at), str(rng.choice(['"', '""', "'", '"\n', ',"'])))
    return "".join(text).encode()


def _nothing(rng: Rng) -> bytes:
    head = _csv(rng).split(b"\n")[0]
    return [
        b"",
        b"\n\n",
        b"   ",
        b"\xef\xbb\xbf",
        head,
        head + b"\n",
        b"\x00",
        b"," * 50,
        b"\xff\xfe",
        head + b"\n" + b"," * 7,
    ][int(rng.integers(10))]


def _packed(rng: Rng) -> tuple[str, bytes]:
    """Archives: a bomb, one called something else, several members, damaged, nested, a path for a
    member's name.
    """
    content, number = _csv(rng), int(rng.integers(1 << 30))
    bomb = content + bytes(18_000_000)
    archives = [
        (".csv.gz", lambda: gzip.compress(bomb, 1)),
        (".csv", lambda: gzip.compress(content)),
        (".csv.gz", lambda: content),
        (".zip", lambda: _zip({"sales.csv": bomb})),
        (".zip", lambda: _zip({"../../sales.csv": content})),
        (".zip", lambda: _zip({"a.csv": content, "b.csv": content})),
        (".zip", lambda: _flipped(_zip({"sales.csv": content}), rng)),
        (".csv.gz", lambda: _cut(gzip.compress(content), rng)),
    ]
    suffix, bytes_of = archives[int(rng.integers(len(archives)))]
    return f"sales_{number}{suffix}", bytes_of()


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _parquet_of_types(rng: Rng) -> tuple[str, bytes]:
    frame, y = _typed(rng), pl.col("y")
    moment = pl.col("ds").cast(pl.Datetime("us"))
    spoiled = [
        frame.drop("y"),
        frame.with_columns(y=pl.lit("many")),
        frame.with_columns(y=pl.concat_list(y, y)),
        frame.with_columns(unique_id=pl.struct("unique_id", "y")),
        frame.with_columns(y=y.cast(pl.Decimal(38, 2))),
        frame.with_columns(y=pl.lit(2**63 - 1)),
        frame.with_columns(y=pl.lit(None)),
        frame.with_columns(y=pl.lit(float("nan"))),
        frame.with_columns(y=pl.lit(float("inf"))),
        frame.with_columns(y=pl.lit(b"\xff\x00")),
        frame.with_columns(ds=moment.dt.replace_time_zone("America/New_York")),
        frame.with_columns(ds=pl.lit(10**12)),
        frame.with_columns(ds=pl.lit(1.5)),
        frame.with_columns(ds=pl.duration(days=3)),
        frame.with_columns(unique_id=pl.lit(7)),
        frame.with_columns(unique_id=pl.col("unique_id").cast(pl.Categorical)),
        frame.with_columns(known_at=pl.lit("soon")),
        frame.with_columns(known_at=moment.dt.replace_time_zone("Asia/Tokyo")),
        frame.with_columns(pl.lit([[1, 2], [3]]).alias("deep")),
        frame.clear(),
        pl.DataFrame(),
        frame.rename({"y": "(beyond the header)"}),
        frame.with_columns(row_number=pl.lit(1), lines=pl.lit("x")),
    ]
    return f"sales_{int(rng.integers(1 << 30))}.parquet", _parquet(
        spoiled[int(rng.integers(len(spoiled)))]
    )


def _parquet_bomb(rng: Rng) -> tuple[str, bytes]:
    """A million equal rows in a few kilobytes, or a footer that claims more than the file holds."""
    number = int(rng.integers(1 << 30))
    if rng.random() < 0.3:
        return f"sales_{number}.parquet", _parquet(
            _typed(rng).head(1).sample(1_000_000, with_replacement=True)
        )
    content = bytearray(_parquet(_typed(rng)))
    content[-8:-4] = int(rng.integers(0, 1 << 31)).to_bytes(4, "little")  # the footer's length
    return f"sales_{number}.parquet", bytes(content)


def _parquet_damaged(rng: Rng) -> tuple[str, bytes]:
    spoil = _cut if rng.random() < 0.5 else _flipped
    return f"sales_{int(rng.integers(1 << 30))}.parquet", spoil(_parquet(_typed(rng)), rng)


def _called_otherwise(rng: Rng) -> tuple[str, bytes]:
    number, table = int(rng.integers(1 << 30)), _typed(rng)
    return [
        (f"sales_{number}.csv", _parquet(table)),
        (f"sales_{number}.parquet", _csv(rng)),
        (f"sales_{number}.parquet", b""),
        (f"sales_{number}.csv", rng.bytes(5_000)),
        (f"sales_{number}.parquet", rng.bytes(5_000)),
        (f"calendar_{number}.csv", _csv(rng)),
        (f"prices_{number}.csv", _csv(rng)),
        (f"prices_{number}.parquet", _parquet(table)),
        (f"sales_{number}.xlsx", _zip({"xl/workbook.xml": b"<workbook/>"})),
        (f"sales_{number}.pkl", b"\x80\x04\x95cos\nsystem\n(S'touch x'\ntR."),
        (f"sales_{number}.json", b'[{"unique_id": 1}]'),
        (f"notes_{number}.txt", b"hello"),
    ][int(rng.integers(12))]


def _strange_name(rng: Rng) -> tuple[str, bytes]:
    return str(NAMES[int(rng.integers(len(NAMES)))]), _csv(rng)


KINDS: dict[str, Callable[[Rng], bytes | tuple[str, bytes]]] = {
    "csv cut short": lambda rng: _cut(_csv(rng), rng),
    "csv with flipped bits": lambda rng: _flipped(_csv(rng), rng),
    "csv in another encoding": _encoded,
    "csv with zero bytes": _zeros_between,
    "formulas, markup, SQL in series names": lambda rng: _with("unique_id", HOSTILE, rng),
    "formulas, markup, SQL in groups": lambda rng: _with(
        str(rng.choice(["store_id", "dept_id", "item_id"])), HOSTILE, rng
    ),
    "absurd numbers": lambda rng: _with("y", NUMBERS, rng),
    "absurd days": lambda rng: _with("ds", DAYS, rng),
    "a huge field": _huge_field,
    "thousands of columns": _many_columns,
    "spoiled headers": _headers,
    "mixed line ends": _line_ends,
    "stray quotes": _quotes,
    "nothing or next to it": _nothing,
    "archives and bombs": _packed,
    "parquet of other types": _parquet_of_types,
    "parquet bombs": _parquet_bomb,
    "parquet damaged": _parquet_damaged,
    "called something else": _called_otherwise,
    "strange file names": _strange_name,
}
