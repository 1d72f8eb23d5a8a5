"""M5's wide sales, one line a series and one column a day, as long SALES rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl

from contract.errors import BadInput
from contract.frames import REFUSED, SALES, SERIES
from contract.received import Received
from sources import reasons
from sources.csv_files import CsvManner, table_of_csv
from sources.encodings import BOM
from sources.mapping import map_table
from sources.parsing import Column, Manner
from sources.tables import need_columns

LEVELS = ["state_id", "store_id", "cat_id", "dept_id", "item_id"]
LAYOUT = "source.kind (m5 takes the competition's own columns)"
DAY = re.compile(r"d_(\d+)")


def read_wide(content: bytes, name: str) -> pl.DataFrame:
    """The wide CSV with its days as integers; as text if a cell is no integer (a text cell takes 16
    bytes, not 4).
    """
    content = content.removeprefix(BOM)
    header = content.split(b"\n", 1)[0].decode(errors="replace").strip("\r").split(",")
    schema = {column: pl.Int32 if DAY.fullmatch(column) else pl.String for column in header}
    try:
        return pl.read_csv(content, schema=schema)
    except pl.exceptions.PolarsError:
        return table_of_csv(content, name, CsvManner())


def days_of(calendar: pl.DataFrame) -> dict[str, date]:
    """The date of each d_ name."""
    need_columns(calendar, dict.fromkeys(["d", "date"], LAYOUT), "calendar")
    columns = [Column("d", ("d",), "text"), Column("ds", ("date",), "day")]
    return dict(
        map_table(calendar, columns, Manner(), "calendar")
        .rows.select("d", "ds")
        .drop_nulls()
        .iter_rows()
    )


def sales_of(
    table: pl.DataFrame, day_of: Mapping[str, date], name: str, history_span_days: int
) -> Received:
    """SALES: every cell a row, series by series. `row_number` counts cells line by line; `lines` is
    1.
    """
    need_columns(table, dict.fromkeys(LEVELS, LAYOUT), name)
    names = [column for column in table.columns if DAY.fullmatch(column)]
    days = _dated(names, day_of, name)
    ids = table.select(
        pl.concat_str("item_id", "store_id", separator="_").alias("unique_id"), *LEVELS
    )
    units = _units(table.select(names))
    unreadable = np.isnan(units)
    place = pl.DataFrame(
        {"series": np.repeat(np.arange(table.height, dtype=np.uint32), len(names))}
    )
    rows = place.select(
        unique_id=ids["unique_id"].gather(place["series"]),
        ds=days.gather(np.tile(np.arange(len(names), dtype=np.uint32), table.height)),
        y=pl.Series(units),
        known_at=pl.lit(None, pl.Datetime("us")),
        row_number=pl.int_range(1, pl.len() + 1),
        lines=pl.lit(1, pl.Int64),
    )
    refused = _refused(table, names, np.flatnonzero(unreadable))
    if refused.height:
        rows = rows.filter(pl.Series(~unreadable))
    contract_rows = SALES.conform(rows).with_columns(rows["row_number"], rows["lines"])
    series = SERIES.conform(ids.unique("unique_id", keep="first").sort("unique_id"))
    is_history = len(names) > history_span_days
    return Received(
        "sales", contract_rows, refused, len(units), series=series, is_history=is_history
    )


def _dated(names: list[str], day_of: Mapping[str, date], name: str) -> pl.Series:
    """The days of the d_ columns; BadInput unless they are there, dated and without a gap."""
    if not names:
        raise BadInput(
            f"'{name}' has no day column d_1, d_2, ...; M5's sales files have one a day."
        )
    numbers = [int(column[2:]) for column in names]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise BadInput(
            f"'{name}' skips or repeats days between {names[0]} and {names[-1]}. "
            "Give a contiguous range."
        )
    undated = [column for column in names if column not in day_of]
    if undated:
        raise BadInput(
            f"'{name}' has days {undated[0]} .. {undated[-1]} that the calendar does not date; "
            f"it ends with {max(day_of, key=lambda d: day_of[d], default=None)}. "
            "Give the calendar that belongs to this file."
        )
    return pl.Series("ds", [day_of[column] for column in names], dtype=pl.Date)


def _units(wide: pl.DataFrame) -> np.ndarray:
    """Units line by line, (lines x days,); NaN where a cell is empty or no number."""
    units = np.empty((wide.height, wide.width))
    for place, column in enumerate(wide.iter_columns()):
        units[:, place] = column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    units[~np.isfinite(units)] = np.nan
    return units.ravel()


def _refused(table: pl.DataFrame, names: list[str], cells: np.ndarray) -> pl.DataFrame:
    """REFUSED: the cells without a number, each with its series and day."""
    if not len(cells):
        return REFUSED.empty()
    line, day = np.divmod(cells, len(names))
    raw = pl.concat(
        [
            table[line[day == k].tolist()].select(
                "item_id", "store_id", d=pl.lit(names[k]), y=pl.col(names[k]).cast(pl.String)
            )
            for k in np.unique(day)
        ]
    )
    number = pl.Series("row_number", np.concatenate([cells[day == k] + 1 for k in np.unique(day)]))
    reason = (
        pl.when(pl.col("y").is_null())
        .then(pl.lit(reasons.MISSING_VALUE))
        .otherwise(pl.lit(reasons.UNREADABLE_NUMBER))
    )
    frame = raw.select(
        number, reason=reason, raw=pl.struct("item_id", "store_id", "d", "y").struct.json_encode()
    )
    return REFUSED.conform(frame).sort("row_number")
