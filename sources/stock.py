"""Files of stock: what is in hand, and what is on order with the days on which it is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import polars as pl

from contract.errors import BadInput, BadParams
from contract.params import FilesParams
from contract.received import Received
from runtime.file_times import day_in
from sources.columns import (
    STOCK_KINDS,
    columns_of,
    csv_manner,
    manner_for,
    origins_of,
)
from sources.headers import Wanted
from sources.mapping import Mapped, map_table, received, spans_history
from sources.parsing import Column
from sources.plans import with_known_at
from sources.tables import need_columns, read_table

_LINE = "source.files.stock_columns"
_ON_HAND, _ON_ORDER = ("on_hand",), ("on_order", "due_ds")  # a file may lack one of them


def read_stock(path: Path, files: FilesParams, history_span_days: int) -> list[Received]:
    """Stock and open orders of one file, each as one Received; what the file has no column of is
    absent, not empty.

    Lines that say one thing of a series and day in hand are one row of it. A series and day without
    an open order, in a file that has the columns, is a row of 0 due on that day: none is open.
    """
    wanted = {origin for column in _mapped(files) for origin in column.origin}
    table = read_table(path, csv_manner(files), Wanted(frozenset(wanted)))
    columns = _columns_in(table, files, path.name)
    if "ds" not in {column.name for column in columns}:
        table = table.with_columns(ds=pl.lit(_day_of(path.name)))
        columns.append(Column("ds", ("ds",), "day"))
    mapped = map_table(table, columns, manner_for(table, columns, files), path.name)
    rows = with_known_at(mapped.rows)
    is_history = spans_history(rows, history_span_days)
    facts: list[Received] = []
    if "on_hand" in rows.columns:
        facts.append(received("stock", _in_hand(rows), mapped, is_history=is_history))
    if "on_order" in rows.columns:
        own: Mapped | None = None if facts else mapped  # a line is refused once
        facts.append(received("open_orders", _open_orders(rows), own, is_history=is_history))
    return facts


def _columns_in(table: pl.DataFrame, files: FilesParams, name: str) -> list[Column]:
    """The mapped columns that the table has; BadInput where it lacks a series, or both what is in
    hand and what is on order.
    """
    mapping = files.stock_columns
    if len({*_ON_ORDER} & mapping.keys()) == 1:
        raise BadParams(f"{_LINE} maps one of {list(_ON_ORDER)}: what is on order needs both.")
    columns = {column.name: column for column in _mapped(files)}
    there = [one for one, column in columns.items() if {*column.origin} & {*table.columns}]
    parts = [part for part in (_ON_HAND, _ON_ORDER) if {*part} & {*there}] or [_ON_HAND]
    moments = [one for one in ("ds", "known_at") if one in mapping or one in there]
    names = ["unique_id", *moments, *(one for part in parts for one in part)]
    if unmapped := [one for one in names if one not in columns]:
        raise BadInput(f"shop.yaml maps no column to {unmapped}. Add them under {_LINE}.")
    needed = [columns[one] for one in names]
    need_columns(table, origins_of(needed, _LINE), name)
    return needed


def _mapped(files: FilesParams) -> list[Column]:
    """The columns as mapped; not mapped at all, they have the contract's names."""
    mapping = files.stock_columns or {name: name for name in STOCK_KINDS}
    return columns_of(mapping, STOCK_KINDS, files)


def _day_of(name: str) -> date:
    """The day in a file's name."""
    try:
        return datetime.strptime(day_in(name), "%Y%m%d").date()
    except ValueError as error:
        raise BadInput(
            f"'{name}' has no column of days, and no day in its name. Map ds in {_LINE}, or name "
            "the file like stock_2024-01-31.csv."
        ) from error


def _in_hand(rows: pl.DataFrame) -> pl.DataFrame:
    """A row per series, day and number in hand. Of lines without one those are kept, to be refused,
    whose series and day no other line states, in hand or on order.
    """
    is_stated = pl.col("on_hand").is_not_null()
    says_order = _says_order(rows) if "on_order" in rows.columns else pl.lit(value=False)
    is_known = (is_stated | says_order).any().over("unique_id", "ds")
    lines = rows.filter(is_stated | ~is_known)
    return _joined(lines, ["unique_id", "ds", "on_hand"])


def _open_orders(rows: pl.DataFrame) -> pl.DataFrame:
    """A row per line with an order, and one per series and day that has none."""
    has_one = _says_order(rows).any().over("unique_id", "ds")
    orders = rows.filter(_says_order(rows))
    nothing = rows.filter(~has_one).with_columns(on_order=pl.lit(0.0), due_ds="ds")
    columns = ["unique_id", "ds", "due_ds", "on_order"]
    kept = orders.select(*columns, "known_at", "row_number", "lines")
    return pl.concat([kept, _joined(nothing, columns).select(kept.columns)])


def _says_order(rows: pl.DataFrame) -> pl.Expr:
    return (pl.col("on_order").fill_null(0.0) != 0) | pl.col("due_ds").is_not_null()


def _joined(lines: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Lines that say the same as one row, which counts them; as it was learned last."""
    return lines.group_by(key, maintain_order=True).agg(
        pl.col("known_at").max(), pl.col("row_number").first(), pl.col("lines").sum()
    )
