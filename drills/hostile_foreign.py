"""Files of another kind than their name says, and plans beyond any calendar."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from drills.hostile_parts import (
    DAY,
    Variants,
    days_of,
    parquet,
)


def foreign() -> Variants:
    contents = {
        "pdf": b"%PDF-1.7\n",
        "json": b'[{"ds": 1}]',
        "jsonl": b'{"ds": 1}\n',
        "png": b"\x89PNG\r\n\x1a\n",
        "sqlite": b"SQLite format 3\x00",
        "elf": b"\x7fELF" + bytes(50),
        "script": b"#!/bin/sh\nrm -rf /\n",
        "pickle": b"\x80\x04}\x94.",
        "avro": b"Obj\x01",
        "arrow": b"ARROW1\x00\x00",
        "xz": b"\xfd7zXZ\x00",
        "bz2": b"BZh91AY&SY",
        "zst": b"\x28\xb5\x2f\xfd\x00",
        "7z": b"7z\xbc\xaf\x27\x1c",
        "rar": b"Rar!\x1a\x07",
        "orc": b"ORC" + bytes(20),
        "xml": b"<?xml version='1.0'?><a/>",
        "yaml": b"a: &a [*a]\n",
        "tar": b"sales.csv" + bytes(503),
        "noise": bytes(number * number % 251 for number in range(20_000)),
    }
    for name, content in contents.items():
        for ending in ("csv", "parquet", "xlsx", "zip", "csv.gz"):
            yield f"sales_{name}.{ending}", content


def plans() -> Variants:
    bounds = (
        (-(2**31), 2**31 - 1),
        (0, 2**31 - 1),
        (-(2**31), 0),
        (3_650_000, 3_650_010),
        (19_000, 80_000),
        (19_000, 18_000),
        (-719_162, 2_932_896),
        (19_782, 19_782),
        (0, 1),
    )
    for number, (first, last) in enumerate(bounds):
        prices = pl.DataFrame({"unique_id": ["s1", "s2"], "price": [1.0, 2.0]}).with_columns(
            from_ds=days_of(first)[:2], to_ds=days_of(last)[:2]
        )
        yield f"prices_{number}.parquet", parquet(prices)
        calendar = pl.DataFrame({"ds": days_of(last)[:1], "event": ["x"], "is_closed": [True]})
        yield f"calendar_{number}.parquet", parquet(calendar)
        openings = pl.DataFrame(
            {
                "unique_id": ["s1"],
                "ds": days_of(last)[:1],
                "is_open": [False],
                "known_at": [datetime(2024, 1, 1)],
            }
        )
        yield f"openings_{number}.parquet", parquet(openings)
    for number, value in enumerate(("1e308", "-1", "nan", "inf", "", "1e-300", "0")):
        yield (
            f"prices_value{number}.csv",
            f"unique_id,from_ds,to_ds,price\ns1,{DAY},{DAY},{value}\n".encode(),
        )
    for number, event in enumerate(("x" * 5000, "a|b", "\u202e", "=1", "\n", "<b>")):
        yield f"calendar_event{number}.csv", f'ds,event\n{DAY},"{event}"\n'.encode()
    for number, region in enumerate(("*", "", "x" * 300, "a\tb")):
        yield f"calendar_region{number}.csv", f"ds,region,event\n{DAY},{region},x\n".encode()
    periods = "".join(f"s1,2024-01-01,2024-12-{1 + k % 28:02},{k}\n" for k in range(500))
    yield "prices_overlap.csv", f"unique_id,from_ds,to_ds,price\n{periods}".encode()
