"""Your own CSV or Parquet files, mapped to the contract as `source.files` in params.yaml says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from contract.errors import BadInput
from contract.params import CodedColumn, FilesParams
from contract.received import Received
from sources import reasons
from sources.lines import daily_from_lines, line_checks
from sources.mapping import Mapped, map_table, received, series_of, with_one_place
from sources.parsing import Column, Kind, Manner, date_format_of
from sources.periods import merged_periods
from sources.tables import CsvManner, need_columns, read_table

Origin = str | list[str]

SALES_KINDS: dict[str, Kind] = {
    "unique_id": "text",
    "ds": "day",
    "y": "number",
    "known_at": "moment",
    "is_open": "flag",
    "stockout_share": "number",
    "price": "number",
    "promo": "number",
}
CALENDAR_KINDS: dict[str, Kind] = {
    "region": "text",
    "ds": "day",
    "known_at": "moment",
    "event": "text",
    "event_type": "text",
    "is_closed": "flag",
    "is_payday": "flag",
}
PRICE_KINDS: dict[str, Kind] = {
    "unique_id": "text",
    "ds": "day",
    "from_ds": "day",
    "to_ds": "day",
    "known_at": "moment",
    "price": "number",
    "promo": "number",
}
ALWAYS_THERE = ("unique_id", "ds", "y", "from_ds", "to_ds")


def read_sales(path: Path, files: FilesParams, static: Path | None, history_span_days: int) -> list[Received]:
    """Sales, and the prices and covariates standing in the same file, each as one Received.

    A line is taken whole or refused whole, and counted as refused with the sales only: what the prices and
    covariates receive are values of accepted lines. `lines` of a price period counts the days merged to it.
    `rows_in` of the covariates counts values, as one line holds several.
    """
    table = _with_static(read_table(path, csv_manner(files)), path, files, static)
    return sales_of(table, path.name, files, history_span_days)


def sales_of(table: pl.DataFrame, name: str, files: FilesParams, history_span_days: int) -> list[Received]:
    """The same out of a table already read; `name` is what messages call it."""
    columns = _sales_columns(files)
    need_columns(table, _asked_for(columns, "source.files.columns, .hierarchy, .known_future or .past_only"), name)
    manner = manner_for(table, columns, files, name)
    mapped = map_table(table, columns, manner, name, line_checks(files, table, name))
    mapped = with_one_place(mapped, list(files.hierarchy))
    rows = daily_from_lines(mapped.rows, _covariates(files)) if files.transactions else mapped.rows
    return _facts_in(rows, mapped, files, history_span_days)


def read_calendar(path: Path, files: FilesParams) -> list[Received]:
    """The calendar file; a row without `region` holds everywhere ('*')."""
    mapped = _plan(path, files, files.calendar_columns, CALENDAR_KINDS, "source.files.calendar_columns")
    region = pl.col("region").fill_null("*") if "region" in mapped.rows.columns else pl.lit("*")
    rows = _with_known_at(mapped.rows.with_columns(region=region))
    return [received("calendar", rows, mapped, is_history=rows["known_at"].null_count() > 0)]


def read_prices(path: Path, files: FilesParams) -> list[Received]:
    """The price file: periods (from_ds, to_ds), or one row a day (ds), of which equal neighbours are merged."""
    mapped = _plan(path, files, files.price_columns, PRICE_KINDS, "source.files.price_columns")
    rows = _with_known_at(mapped.rows)
    if "ds" in rows.columns:
        rows = merged_periods(_complete_price_rows(rows.rename({"ds": "from_ds"}).with_columns(to_ds="from_ds")))
    return [received("prices", rows, mapped, is_history=rows["known_at"].null_count() > 0)]


def csv_manner(files: FilesParams) -> CsvManner:
    """How the CSV files are written."""
    return CsvManner(separator=files.separator, encoding=files.encoding)


def manner_for(table: pl.DataFrame, columns: list[Column], files: FilesParams, name: str) -> Manner:
    """How numbers and days are written: as params say, the date format else found out from the days themselves."""
    date_format = files.date_format
    if date_format is None:
        days = [column.origin[0] for column in columns if column.kind == "day"]
        date_format = date_format_of(pl.concat([table[day].cast(pl.String) for day in days]), name)
    return Manner(decimal=files.decimal, date_format=date_format)


def columns_of(mapping: Mapping[str, Origin | None], kinds: Mapping[str, Kind], files: FilesParams) -> list[Column]:
    """The mapped columns of a contract; BadInput for a contract name nobody knows."""
    unknown = sorted(set(mapping) - set(kinds))
    if unknown:
        raise BadInput(f"params.yaml maps {unknown}, which no contract has; it takes {list(kinds)}.")
    return [
        Column(
            name,
            _names(origin),
            kinds[name],
            if_missing=reasons.MISSING_VALUE if name in ALWAYS_THERE else None,
            factor=files.scale.get(name, 1.0),
        )
        for name, origin in mapping.items()
        if origin
    ]


def _sales_columns(files: FilesParams) -> list[Column]:
    columns = columns_of(files.columns, SALES_KINDS, files)
    missing = {"unique_id", "ds", "y"} - {column.name for column in columns}
    if missing:
        raise BadInput(f"params.yaml maps no column to {sorted(missing)}. Add them under source.files.columns.")
    levels = [Column(n, (o,), "text", if_missing=reasons.UNPLACED_SERIES) for n, o in files.hierarchy.items()]
    return [*columns, *levels, *(_covariate(n, o, files) for n, o in (files.known_future | files.past_only).items())]


def _covariate(name: str, origin: str | CodedColumn, files: FilesParams) -> Column:
    if isinstance(origin, CodedColumn):
        return Column(name, (origin.column,), "code", codes=origin.codes)
    return Column(name, (origin,), "number", factor=files.scale.get(name, 1.0))


def _covariates(files: FilesParams) -> list[str]:
    return [*files.known_future, *files.past_only]


def _names(origin: Origin) -> tuple[str, ...]:
    return (origin,) if isinstance(origin, str) else tuple(origin)


def _asked_for(columns: list[Column], line: str) -> dict[str, str]:
    return {origin: line for column in columns for origin in column.origin}


def _plan(
    path: Path, files: FilesParams, mapping: Mapping[str, Origin], kinds: Mapping[str, Kind], line: str
) -> Mapped:
    """A calendar or price file, mapped. Not mapped at all, its columns are taken to have the contract's names."""
    table = read_table(path, csv_manner(files))
    columns = columns_of(mapping or {n: n for n in kinds if n in table.columns}, kinds, files)
    need_columns(table, _asked_for(columns, line), path.name)
    days = {"ds", "from_ds"} & {column.name for column in columns}
    if not days:
        raise BadInput(f"'{path.name}' has no day; it has {table.columns}. Map ds (or from_ds and to_ds) in {line}.")
    return map_table(table, columns, manner_for(table, columns, files, path.name), path.name)


def _with_static(table: pl.DataFrame, path: Path, files: FilesParams, static: Path | None) -> pl.DataFrame:
    """The sales with those mapped columns that only the static file has."""
    if static is None:
        return table
    wanted = {origin for column in _sales_columns(files) for origin in column.origin} - set(table.columns)
    beside = read_table(static, csv_manner(files))
    keys = dict.fromkeys(files.static_on, "source.files.static_on")
    need_columns(table, keys, path.name)
    need_columns(beside, keys, static.name)
    text_keys = [pl.col(key).cast(pl.String) for key in keys]
    beside = beside.select(*text_keys, *sorted(wanted & set(beside.columns)))
    if beside.select(pl.struct(list(keys)).is_duplicated().any()).item():
        raise BadInput(
            f"'{static.name}' has several rows of one {list(keys)}. Leave one, or change source.files.static_on."
        )
    keyed = table.with_columns(column.alias(f"(key) {column.meta.output_name()}") for column in text_keys)
    left = [f"(key) {key}" for key in keys]
    return keyed.join(beside, left_on=left, right_on=list(keys), how="left", maintain_order="left").drop(left)


def _facts_in(rows: pl.DataFrame, mapped: Mapped, files: FilesParams, history_span_days: int) -> list[Received]:
    """The facts among mapped sales rows: sales always, prices and covariates where mapped."""
    rows = _with_known_at(rows)
    is_history = _is_history(rows, history_span_days)
    series = series_of(rows, list(files.hierarchy))
    facts = [received("sales", rows, mapped, series=series, is_history=is_history)]
    if {"price", "promo"} & set(rows.columns):
        daily = _complete_price_rows(rows.with_columns(from_ds="ds", to_ds="ds"))
        periods = merged_periods(daily.filter(pl.any_horizontal(pl.col("price", "promo").is_not_null())))
        facts.append(received("prices", periods, is_history=is_history))
    if names := _covariates(files):
        keys = ["unique_id", "ds", "known_at", "row_number", "lines"]
        long = rows.unpivot(names, index=keys, variable_name="name").filter(pl.col("value").is_not_null())
        facts.append(received("covariates", long.with_columns(lines=pl.lit(1)), is_history=is_history))
    return facts


def _complete_price_rows(rows: pl.DataFrame) -> pl.DataFrame:
    absent = [pl.lit(None, pl.Float64).alias(name) for name in ("price", "promo") if name not in rows.columns]
    keys = ["unique_id", "from_ds", "to_ds", "known_at", "price", "promo", "row_number", "lines"]
    return rows.with_columns(absent).select(keys)


def _with_known_at(rows: pl.DataFrame) -> pl.DataFrame:
    return rows if "known_at" in rows.columns else rows.with_columns(known_at=pl.lit(None, pl.Datetime("us")))


def _is_history(rows: pl.DataFrame, history_span_days: int) -> bool:
    """Whether a load spans so many days that it cannot have been learned day by day, and does not say when it was."""
    if rows.is_empty() or rows["known_at"].null_count() == 0:
        return False
    return (rows["ds"].max() - rows["ds"].min()).days >= history_span_days
