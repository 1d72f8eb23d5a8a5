"""Where series stand: columns that only the static file has, and series that a plan places before
their first sale.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from contract.errors import BadInput, BadParams
from contract.params import FilesParams
from sources.columns import csv_manner, manner_for
from sources.headers import Wanted
from sources.ids import read_ids
from sources.mapping import Mapped, map_table, series_of
from sources.named import with_names
from sources.parsing import Column
from sources.tables import need_columns, read_table


def with_static(
    table: pl.DataFrame, path: Path, files: FilesParams, static: Path | None, wanted: set[str]
) -> pl.DataFrame:
    """The table with those of the wanted columns, and of the names, that only the static file
    has.
    """
    if static is None:
        return table
    if not files.static_on:
        raise BadParams(
            "source.files.static names a file, static_on no column to join it on; "
            "add e.g. [store_id]."
        )
    mapped, labels = (
        columns - set(table.columns) for columns in (wanted, set(files.names.values()))
    )
    headed = Wanted(frozenset({*files.static_on, *mapped}), labels=frozenset(labels))
    beside = read_table(static, csv_manner(files), headed)
    keys = dict.fromkeys(files.static_on, "source.files.static_on")
    need_columns(table, keys, path.name)
    need_columns(beside, keys, static.name)
    beside = beside.select(*keys, *sorted((mapped | labels) & set(beside.columns)))
    beside = beside.with_columns(read_ids(beside[key]).alias(key) for key in keys)
    if beside.select(pl.struct(list(keys)).is_duplicated().any()).item():
        raise BadInput(
            f"'{static.name}' has several rows of one {list(keys)}. "
            "Leave one, or change source.files.static_on."
        )
    keyed = table.with_columns(read_ids(table[key]).alias(f"(key) {key}") for key in keys)
    left = [f"(key) {key}" for key in keys]
    return keyed.join(
        beside, left_on=left, right_on=list(keys), how="left", maintain_order="left"
    ).drop(left)


def placed_by(
    plan: Mapped,
    path: Path,
    files: FilesParams,
    static: Path | None,
    levels: Sequence[str] | None,
) -> pl.DataFrame | None:
    """SERIES that a plan places: with every one of the levels, in the plan itself or joined from
    the static file. None where it places nobody, or where there are no levels to
    place it in.

    A row that leaves one empty places nobody; of a series with two places the newest day's holds.
    """
    if not levels or not plan.rows.height:
        return None
    table, origins = plan.table, {files.hierarchy[level] for level in levels}
    if not origins <= set(table.columns) and set(files.static_on) <= set(table.columns):
        table = with_static(table, path, files, static, origins)
    if not origins <= set(table.columns):
        return None
    columns = [Column(level, (files.hierarchy[level],), "text") for level in levels]
    places = map_table(table, columns, manner_for(table, columns, files), path.name).rows
    day = "ds" if "ds" in plan.rows.columns else "from_ds"
    placed = (
        plan.rows.select("row_number", "unique_id", ds=day)
        .join(places.drop("lines"), on="row_number", how="inner", maintain_order="left")
        .drop_nulls([*levels, "unique_id", "ds"])
    )
    if placed.is_empty():
        return None
    series, _ = series_of(placed, list(levels))
    return with_names(series, placed, table, files.names)
