"""Your own CSV or Parquet files, mapped to the contract as `source.files` of the params says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from contract.agreement import OPENING
from contract.errors import BadInput, BadParams
from contract.params import FilesParams
from contract.received import Received
from sources import reasons
from sources.alike import note_alike
from sources.announcing import placed_by, with_static
from sources.columns import SALES_KINDS, column_of, columns_of, csv_manner, manner_for, origins_of
from sources.headers import Wanted
from sources.lines import daily_from_lines, group_checks, line_checks
from sources.mapping import (
    Mapped,
    map_table,
    received,
    series_of,
    spans_history,
    with_one_place,
)
from sources.named import note_missing, with_names
from sources.parsing import Column
from sources.periods import daily_periods
from sources.plans import price_rows, with_known_at
from sources.tables import need_columns, read_shaped, read_table
from sources.totals import without_totals

# of source.files.columns, what a plan may state
PLANNED = ("unique_id", "ds", "is_open", "price", "promo")


def read_sales(
    path: Path, files: FilesParams, static: Path | None, history_span_days: int
) -> list[Received]:
    """Sales, and the prices and covariates standing in the same file, each as one Received.

    A line that cannot be read is refused whole, and counted as refused with the sales only: what
    the prices and covariates receive are values of lines that could be read (what a rule then
    refuses: stages.whole_lines). `rows_in` of the covariates counts values, as one line holds
    several.
    """
    shaped = read_shaped(path, csv_manner(files), _wanted_of_sales(files))
    origins = {origin for column in _sales_columns(files) for origin in column.origin}
    table = with_static(shaped.table, path, files, static, origins)
    return sales_of(table, path.name, files, history_span_days, shaped.notes)


def days_of_sales(path: Path, files: FilesParams) -> set[date]:
    """The days that a file of sales states."""
    columns = [column for column in _sales_columns(files) if column.name == "ds"]
    table = read_table(path, csv_manner(files), _wanted_of_sales(files))
    need_columns(table, origins_of(columns, "source.files.columns"), path.name)
    manner = manner_for(table, columns, files)
    return set(map_table(table, columns, manner, path.name).rows["ds"].unique().drop_nulls())


def sales_of(
    table: pl.DataFrame,
    name: str,
    files: FilesParams,
    history_span_days: int,
    notes: tuple[str, ...] = (),
) -> list[Received]:
    """The same out of a table already read; `name` is what messages call it, `notes` what is to be
    known of it.
    """
    columns = _sales_columns(files)
    need_columns(
        table,
        origins_of(columns, "source.files.columns, .hierarchy, .known_future or .past_only"),
        name,
    )
    manner = manner_for(table, columns, files)
    checks = [*line_checks(files, table, name), *group_checks(list(files.hierarchy.values()))]
    mapped = map_table(table, columns, manner, name, tuple(checks))
    ids = next(list(column.origin) for column in columns if column.name == "unique_id")
    day = next(column.origin[0] for column in columns if column.name == "ds")
    mapped, totals = without_totals(mapped, ids, day)
    if files.transactions and files.returns == "refuse":
        mapped = mapped.refuse(pl.col("y") < 0, reasons.RETURNED)
    mapped = with_one_place(mapped, list(files.hierarchy))
    rows = daily_from_lines(mapped.rows, _covariates(files)) if files.transactions else mapped.rows
    facts = _facts_in(rows, mapped, files, history_span_days)
    alike = note_alike(facts[0].series, rows)
    said = (*notes, *totals, *alike, *_nothing_sold(rows), *note_missing(table, files.names))
    return [replace(facts[0], notes=(*said, *facts[0].notes)), *facts[1:]]


def read_plans(
    path: Path,
    files: FilesParams,
    planned: tuple[str, ...] = PLANNED,
    static: Path | None = None,
    levels: Sequence[str] | None = None,
) -> list[Received]:
    """What is planned for days to come: prices and promotions, and as covariates the known-future
    columns and `is_open`.

    The columns are named as in the sales file; each row is one series and day. `planned`: those of
    source.files.columns that are read. `static`, `levels`: as sources.announcing.placed_by.
    """
    columns = _plan_columns(files, planned)
    table = read_table(path, csv_manner(files), _wanted(columns, files))
    need_columns(
        table,
        origins_of(columns, "source.files.plans, its columns named as in the sales file"),
        path.name,
    )
    mapped = map_table(table, columns, manner_for(table, columns, files), path.name)
    series = placed_by(mapped, path, files, static, levels)
    rows = with_known_at(mapped.rows)
    is_history = rows["known_at"].null_count() > 0
    facts = []
    names = list(files.known_future)
    if OPENING in rows.columns:
        rows = rows.with_columns(pl.col(OPENING).cast(pl.Float64))
        names.append(OPENING)
    if {"price", "promo"} & set(rows.columns):
        prices = received("prices", _daily_prices(rows), is_history=is_history, series=series)
        facts.append(prices)
    values = _long(rows, names)
    return [
        received("covariates", values, mapped, is_history=is_history, series=series),
        *facts,
    ]


def _plan_columns(files: FilesParams, planned: tuple[str, ...]) -> list[Column]:
    ahead = {name: files.columns.get(name) for name in planned}
    ahead = {name: origin for name, origin in ahead.items() if origin}
    if not ahead.keys() - {"unique_id", "ds"} and not files.known_future:
        raise BadParams(
            "source.files.plans names a file, but no price, promo, is_open or known_future column "
            "is mapped."
        )
    columns = columns_of(ahead, SALES_KINDS, files)
    return [
        *columns,
        *(column_of(name, origin, "rate", files) for name, origin in files.known_future.items()),
    ]


def _sales_columns(files: FilesParams) -> list[Column]:
    columns = columns_of(files.columns, SALES_KINDS, files)
    missing = {"unique_id", "ds", "y"} - {column.name for column in columns}
    if missing:
        raise BadInput(
            f"shop.yaml maps no column to {sorted(missing)}. Add them under source.files.columns."
        )
    levels = [
        Column(n, (o,), "text", if_missing=reasons.UNPLACED_SERIES)
        for n, o in files.hierarchy.items()
    ]
    return [
        *columns,
        *levels,
        *(
            column_of(n, o, "rate", files)
            for n, o in (files.known_future | files.past_only).items()
        ),
    ]


def _wanted_of_sales(files: FilesParams) -> Wanted:
    """What the mapping looks for in a file of sales."""
    columns = _sales_columns(files)
    origins = {column.name: column.origin for column in columns}
    wanted = _wanted(columns, files)
    return replace(
        wanted,
        labels=frozenset(files.names.values()),
        day=origins["ds"][0],
        units=origins["y"][0],
        are_lines=files.transactions and not files.deduplicate_on,
    )


def _wanted(columns: list[Column], files: FilesParams) -> Wanted:
    origins = {origin for column in columns for origin in column.origin}
    return Wanted(frozenset({*origins, *files.keep, *files.deduplicate_on}))


def _covariates(files: FilesParams) -> list[str]:
    return [*files.known_future, *files.past_only]


def _facts_in(
    rows: pl.DataFrame, mapped: Mapped, files: FilesParams, history_span_days: int
) -> list[Received]:
    """The facts among mapped sales rows: sales always, prices and covariates where mapped."""
    rows = with_known_at(rows)
    is_history = spans_history(rows, history_span_days)
    series, moving = series_of(rows, list(files.hierarchy))
    series = with_names(series, mapped.rows, mapped.table, files.names)
    facts = [
        received("sales", rows, mapped, series=series, is_history=is_history, notes=_moves(moving))
    ]
    if {"price", "promo"} & set(rows.columns):
        facts.append(received("prices", _daily_prices(rows), is_history=is_history))
    if names := _covariates(files):
        facts.append(received("covariates", _long(rows, names), is_history=is_history))
    return facts


def _daily_prices(rows: pl.DataFrame) -> pl.DataFrame:
    """A period per day, never merged: a day of a plan or a correction then restates that day and no
    other.
    """
    daily = price_rows(rows.with_columns(from_ds="ds", to_ds="ds"))
    return daily_periods(daily.filter(pl.any_horizontal(pl.col("price", "promo").is_not_null())))


def _long(rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    keys = ["unique_id", "ds", "known_at", "row_number", "lines"]
    long = rows.unpivot(names, index=keys, variable_name="name").filter(
        pl.col("value").is_not_null()
    )
    return long.with_columns(lines=pl.lit(1))


def _nothing_sold(rows: pl.DataFrame) -> tuple[str, ...]:
    """A note about a file of several days without a unit: formulas that nobody calculated, say."""
    if (rows["y"] != 0).any() or rows["ds"].n_unique() < 2:
        return ()
    return (
        f"nothing_sold: all {rows.height} rows say 0 units. If the file is written by a program, "
        "its formulas may never have been calculated: open it in a spreadsheet and save it.",
    )


def _moves(series: list[str]) -> tuple[str, ...]:
    """A note about series that change their group within the file."""
    if not series:
        return ()
    return (
        f"series_moved: {len(series)} series stand in several groups on several days, "
        f"{series[:3]} among them. All their days count for the group of the newest.",
    )
