"""Hostile CSV: headers, texts, cells, moments, names of files."""

from __future__ import annotations

import json

import polars as pl

from drills.hostile_parts import (
    HEADER,
    SERIES,
    Variants,
    frame,
    honest,
    line,
    parquet,
    table,
)


def headers() -> Variants:
    for length in (1_000, 50_000, 200_000):
        yield f"sales_{length}.csv", b"x" * length + b"\n1\n"
    for columns in (100, 9_999, 10_001, 30_000):
        names = ",".join(f"c{k}" for k in range(columns))
        yield f"sales_c{columns}.csv", f"{names}\n1\n".encode()
    odd = (
        "",
        ",",
        ",,,,",
        "ds",
        "ds,ds,y",
        '"unique_id',
        "unique_id;ds;y",
        "UNIQUE_ID,DS,Y",
        " ,\t",
    )
    for number, header in enumerate(odd):
        yield f"sales_odd{number}.csv", table("s1,2024-02-29,1", header=header)
    for number, more in enumerate(
        (
            "(read)",
            "(elsewhere)",
            "(beyond the header)",
            "row_number",
            "lines",
            "reason",
            "raw",
            "copy",
            "versions",
            "at",
            "batch_id",
            "(nameless 1)",
            "known_at",
            "region",
            "columns_missing",
        )
    ):
        lines = [f"{line(k)},1" for k in range(SERIES)]
        yield f"sales_ours{number}.csv", table(*lines, header=f"{HEADER},{more}")


def texts() -> Variants:
    whole = honest()
    shapes = {
        "empty": b"",
        "bom": b"\xef\xbb\xbf",
        "blank": b" \n\n\t\n",
        "zeros": bytes(5000),
        "utf16le": "".join(map(chr, whole)).encode("utf-16-le"),
        "utf16": whole.decode().encode("utf-16"),
        "utf16odd": whole.decode().encode("utf-16")[:-1],
        "utf32": whole.decode().encode("utf-32"),
        "latin": whole.replace(b"s1,", b"s\xe9,"),
        "invalid": whole.replace(b"s1,", b"s\xff\xfe,"),
        "overlong": whole.replace(b"s1,", b"s\xc0\xaf,"),
        "surrogate": whole.replace(b"s1,", b"s\xed\xa0\x80,"),
        "cr": whole.replace(b"\n", b"\r"),
        "mixed": whole.replace(b"\n", b"\r\n", 3),
        "tail": whole[:-7],
        "quote": whole.replace(b"s3,", b'"s3,'),
        "quotes": whole.replace(b"s3,", b'"s3"",'),
        "sep": b"sep=\x00\n" + whole,
        "sep2": b"sep=,\n" * 50 + whole,
        "line": b"a" * 3_000_000,
        "lines": b"\n" * 200_000,
        "commas": HEADER.encode() + b"\n" + b"," * 100_000 + b"\n",
        "nul": whole.replace(b"s1,", b"s\x001,"),
        "escape": whole.replace(b"s1,", b"\x1b[2Js1,"),
        "eof": whole + b"\x1a",
        "html": b"<html><body><table></table></body></html>",
    }
    for name, content in shapes.items():
        yield f"sales_{name}.csv", content


def cells() -> Variants:
    values = {
        "y": (
            "1e308",
            "-1e308",
            "1e999",
            "NaN",
            "inf",
            "-0",
            "9" * 400,
            "0x10",
            "1_000",
            "1e-320",
            "--1",
            "=1+1",
            "١٢٣",
            "1,5",
            "true",
            "½",
            "1" * 30,
            "-1",
            "999999999",
            "1.0000000000000000001",
        ),
        "ds": (
            "2024-02-30",
            "0000-00-00",
            "9999-12-31",
            "11963-01-01",
            "-0001-01-01",
            "1970-01-01",
            "2199-12-31",
            "2024-W05",
            "45325",
            "99999999999",
            "9" * 60,
            "2024-02-29T25:61:00",
            "now",
            "2024-02-29+99:99",
            "31/12/1899",
            "292278994-08-17",
            "1582-10-10",
            "2000-01-01",
            "1999-12-31",
            "0001-01-01",
        ),
        "unique_id": (
            "a\u202eb",
            "a\u200bb",
            "e\u0301",
            "é",
            "S1",
            " s1",
            "s1\u00a0",
            "a|b",
            "a\\|b",
            "x" * 10_000,
            "'; drop table sales; --",
            "<script>alert(1)</script>",
            "=cmd|' /C calc'!A0",
            "\uff1d1+1",
            "../../etc",
            "\u2028",
            "nan",
            "None",
            "1e5",
            "null",
            "{{7*7}}",
            "%s%n",
            "total",
            "🙂" * 70,
        ),
    }
    place = {"y": 2, "ds": 1, "unique_id": 0}
    for column, several in values.items():
        for number, value in enumerate(several):
            quoted = '"' + value.replace('"', '""') + '"'
            fields = line(3).split(",")
            fields[place[column]] = quoted
            lines = [line(k) for k in range(SERIES)]
            yield f"sales_one_{column}{number}.csv", table(*lines, ",".join(fields))
            every = [f"{','.join([*fields[:-1], f'i{k}'])}" for k in range(6)]
            yield f"sales_all_{column}{number}.csv", table(*every)


def moments() -> Variants:
    for number, value in enumerate(
        (
            "1500-01-01T00:00:00",
            "9999-12-31T23:59:59",
            "2036-01-01T00:00",
            "",
            "0",
            "2024-02-29T23:59:59+14:00",
            "-1",
            "292278994-08-17",
            "1969-12-31T23:59:59.9999999",
        )
    ):
        lines = [f"{line(k)},{value}" for k in range(SERIES)]
        yield f"sales_known{number}.csv", table(*lines, header=f"{HEADER},known_at")
    for number, count in enumerate((2**62, -(2**62), 2**63 - 1, -(2**63) + 1, 0, 10**17)):
        known = pl.Series([count] * SERIES, dtype=pl.Int64).cast(pl.Datetime("us"))
        yield f"sales_known_typed{number}.parquet", parquet(frame(known_at=known))


def names() -> Variants:
    odd = (
        "sales_\n.csv",
        "sales_\u202efdp.csv",
        "sales_$(touch x).csv",
        "sales_..%2f.csv",
        "sales_;rm -rf.csv",
        "sales_" + "x" * 240 + ".csv",
        "sales_é.csv",
        "sales_e\u0301.csv",
        "sales_\x1b[2J.csv",
        "sales_'.csv",
        'sales_".csv',
        "sales_\\.csv",
        "sales_ .csv",
        "sales_CON.csv",
        "sales_%00.csv",
        "sales_[a].parquet",
        "sales_*.csv",
        "sales_?.csv",
        "sales_{}.csv",
        "sales_{{7*7}}.csv",
        "sales_.tar",
        "sales_.",
        "-rf",
        "x",
        "unknown.csv",
        "sales_\udcff.csv",
        "sales_ + a.csv in b",
        "SALES_1.CSV",
        "sales_\u2028.csv",
    )
    for number, name in enumerate(odd):
        yield name, honest(f"2024-02-{1 + number % 28:02}")


def jsonish() -> Variants:
    deep = json.dumps({"a": 1})
    for depth in (1, 100, 20_000):
        yield (
            f"sales_depth{depth}.csv",
            table(*[line(k) for k in range(6)], line(7, y='"' + "[" * depth + '"')),
        )
    yield (
        "sales_raw.csv",
        table(*[line(k) for k in range(6)], line(7, y='"' + deep.replace('"', '""') + '"')),
    )
