"""Files of plans: a calendar, and prices. Known ahead of their days, if `known_at` says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from contract.errors import BadInput
from contract.params import FilesParams
from contract.received import Received
from sources.announcing import placed_by
from sources.columns import (
    CALENDAR_KINDS,
    PRICE_KINDS,
    Origin,
    columns_of,
    csv_manner,
    manner_for,
    origins_of,
)
from sources.headers import Wanted
from sources.mapping import Mapped, map_table, received
from sources.parsing import Kind
from sources.periods import daily_periods
from sources.tables import need_columns, read_table


def read_calendar(path: Path, files: FilesParams) -> list[Received]:
    """The calendar file; a row without `region` holds everywhere ('*')."""
    mapped = _plan(
        path, files, files.calendar_columns, CALENDAR_KINDS, "source.files.calendar_columns"
    )
    region = pl.col("region").fill_null("*") if "region" in mapped.rows.columns else pl.lit("*")
    rows = with_known_at(mapped.rows.with_columns(region=region))
    return [received("calendar", rows, mapped, is_history=rows["known_at"].null_count() > 0)]


def read_prices(
    path: Path,
    files: FilesParams,
    static: Path | None = None,
    levels: Sequence[str] | None = None,
) -> list[Received]:
    """The price file: periods (from_ds, to_ds), or one row a day (ds), a period of its own:
    tomorrow's file may restate it. `static`, `levels`: as sources.announcing.placed_by.
    """
    mapped = _plan(path, files, files.price_columns, PRICE_KINDS, "source.files.price_columns")
    series = placed_by(mapped, path, files, static, levels)
    rows = with_known_at(mapped.rows)
    if "ds" in rows.columns:
        rows = daily_periods(
            price_rows(rows.rename({"ds": "from_ds"}).with_columns(to_ds="from_ds"))
        )
    is_history = rows["known_at"].null_count() > 0
    return [received("prices", rows, mapped, is_history=is_history, series=series)]


def price_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as `merged_periods` takes them, an absent price or promo being null."""
    absent = [
        pl.lit(None, pl.Float64).alias(name)
        for name in ("price", "promo")
        if name not in rows.columns
    ]
    keys = ["unique_id", "from_ds", "to_ds", "known_at", "price", "promo", "row_number", "lines"]
    return rows.with_columns(absent).select(keys)


def with_known_at(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows; `known_at` null if the file does not say."""
    return (
        rows
        if "known_at" in rows.columns
        else rows.with_columns(known_at=pl.lit(None, pl.Datetime("us")))
    )


def _plan(
    path: Path,
    files: FilesParams,
    mapping: Mapping[str, Origin],
    kinds: Mapping[str, Kind],
    line: str,
) -> Mapped:
    """A calendar or price file, mapped. Not mapped at all, its columns are taken to have the
    contract's names.
    """
    names = columns_of(mapping or {name: name for name in kinds}, kinds, files)
    origins = {origin for column in names for origin in column.origin}
    table = read_table(path, csv_manner(files), Wanted(frozenset(origins)))
    columns = columns_of(mapping or {n: n for n in kinds if n in table.columns}, kinds, files)
    need_columns(table, origins_of(columns, line), path.name)
    days = {"ds", "from_ds"} & {column.name for column in columns}
    if not days:
        raise BadInput(
            f"'{path.name}' has no day; it has {table.columns}. "
            f"Map ds (or from_ds and to_ds) in {line}."
        )
    return map_table(table, columns, manner_for(table, columns, files), path.name)
