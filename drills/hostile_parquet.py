"""Hostile Parquet: types, extremes, damage."""

from __future__ import annotations

import random
import struct
from datetime import timedelta

import polars as pl

from drills.hostile_parts import (
    SEED,
    SERIES,
    Variants,
    days_of,
    frame,
    parquet,
)


def typed_days() -> Variants:
    for number in (
        2**31 - 1,
        -(2**31),
        3_650_000,
        -719_163,
        2_932_897,
        -719_162,
        2_932_896,
        0,
        -1,
        10_957,
    ):
        yield f"sales_day{number}.parquet", parquet(frame(ds=days_of(number)))
        mixed = pl.concat([days_of(19_782)[:-1], days_of(number)[:1]])
        yield f"sales_oneday{number}.parquet", parquet(frame(ds=mixed))
    for unit in ("ms", "us", "ns"):
        for zone in (None, "UTC", "Europe/Berlin"):
            for count in (2**62, -(2**62), 0):
                column = pl.Series([count] * SERIES, dtype=pl.Int64).cast(pl.Datetime(unit))
                if zone:
                    column = column.to_frame("ds").lazy().collect()["ds"]
                    try:
                        column = column.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
                    except BaseException:  # noqa: S112 -- not every moment has a zone to be written in
                        continue
                yield f"sales_{unit}_{zone and zone[:3]}_{count}.parquet", parquet(frame(ds=column))


def typed_columns() -> Variants:
    many = [1] * SERIES
    kinds = {
        "i8": pl.Series(many, dtype=pl.Int8),
        "u64": pl.Series([2**64 - 1] * SERIES, dtype=pl.UInt64),
        "i128": pl.Series(many, dtype=pl.Int128),
        "f32": pl.Series([float("nan")] * SERIES, dtype=pl.Float32),
        "inf": pl.Series([float("-inf")] * SERIES),
        "bool": pl.Series([True] * SERIES),
        "decimal": pl.Series(["1" * 30] * SERIES).cast(pl.Decimal(38, 2)),
        "time": pl.Series(many).cast(pl.Time),
        "duration": pl.Series([timedelta(days=10**6)] * SERIES),
        "binary": pl.Series([b"\xff\xfe"] * SERIES),
        "category": pl.Series(["1"] * SERIES, dtype=pl.Categorical),
        "null": pl.Series([None] * SERIES),
        "list": pl.Series([[1]] * SERIES),
        "deep": pl.Series([[[[[1]]]]] * SERIES),
        "struct": pl.Series([{"a": 1}] * SERIES),
        "text": pl.Series(["x" * 5000] * SERIES),
        "bytes": pl.Series([b"\x00" * 100] * SERIES),
        "strings": pl.Series(["1"] * SERIES),
    }
    for column in ("unique_id", "ds", "y", "item_id", "is_open", "stockout_share"):
        for name, values in kinds.items():
            yield f"sales_{column}_{name}.parquet", parquet(frame(**{column: values}))


def broken_parquet() -> Variants:
    whole = parquet(frame())
    draw = random.Random(SEED)  # noqa: S311 -- files for tests
    for number in range(60):
        cut = draw.randrange(len(whole))
        yield f"sales_cut{number}.parquet", whole[:cut]
    for number in range(90):
        flipped = bytearray(whole)
        for _ in range(draw.choice((1, 3, 20))):
            flipped[draw.randrange(4, len(whole))] ^= 1 << draw.randrange(8)
        yield f"sales_flip{number}.parquet", bytes(flipped)
    for number, length in enumerate((0, 1, 2**31 - 1, 2**32 - 1, len(whole))):
        yield f"sales_foot{number}.parquet", whole[:-8] + struct.pack("<I", length) + b"PAR1"
    yield "sales_marks.parquet", b"PAR1" + bytes(40) + b"PAR1"
    yield "sales_encrypted.parquet", b"PARE" + whole[4:]
    yield "sales_no_rows.parquet", parquet(frame().clear())
    yield "sales_no_columns.parquet", parquet(pl.DataFrame())
