"""The M5 competition's own files: wide unit sales, the calendar, weekly prices (Makridakis et al.,
2022).

A series is not on sale before its first price week; the file says 0 there, and so do the rows here:
nothing is dropped. Where a series' life begins is for features/ to find, from its first price and
first sale.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import polars as pl

from contract.errors import BadInput, SourceMissing
from contract.received import Received
from sources import reasons
from sources.contents import bytes_of
from sources.csv_files import CsvManner, table_of_csv
from sources.m5_sales import LAYOUT, days_of, read_wide, sales_of
from sources.m5_totals import totals_of
from sources.mapping import map_table, received
from sources.parsing import Column, Manner
from sources.periods import merged_periods
from sources.tables import need_columns, read_table

CALENDAR, PRICES, SALES = "calendar*", "sell_prices*", "sales_train_*"
TOTALS = "levels1to9*"  # none of the competition's: of years before its sales, where you have them
NAMES = (CALENDAR, PRICES, SALES, TOTALS)


def files_in(folder: Path) -> list[Path]:
    """Calendar, prices, sales and totals of a folder. Evaluation holds all of validation, so
    validation only goes without it; totals up to a later day hold those up to an earlier one.
    """
    calendar, prices, sales, totals = (sorted(folder.glob(name)) for name in NAMES)
    evaluation = [path for path in sales if "evaluation" in path.name]
    return [*calendar[:1], *prices[:1], *(evaluation or sales), *totals[-1:]]


def read_m5(path: Path, calendar_path: Path | None, history_span_days: int) -> list[Received]:
    """What one M5 file holds (CSV, .csv.gz, .zip or Parquet); of the competition's whole zip, all
    its three facts.

    `known_at` is null everywhere: M5 does not say when anything was learned.
    """
    tables = dict(_tables(path))
    calendar = next((table for name, table in tables.items() if fnmatch(name, CALENDAR)), None)
    facts = []
    for name, table in tables.items():
        if fnmatch(name, CALENDAR):
            facts.append(_calendar(table, name))
            continue
        if calendar is None:
            calendar = _calendar_table(path, calendar_path)
        if fnmatch(name, PRICES):
            facts.append(_prices(table, calendar, name))
        else:
            read = totals_of if fnmatch(name, TOTALS) else sales_of
            facts.append(read(table, days_of(calendar), name, history_span_days))
    return facts


def _tables(path: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    """The tables of a file by name, in the order calendar, prices, sales."""
    if path.exists() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [Path(name).name for name in archive.namelist()]
            if any("evaluation" in name for name in names):
                names = [name for name in names if "validation" not in name]
            inside = {Path(name).name: name for name in archive.namelist()}
            chosen = [name for pattern in NAMES for name in sorted(names) if fnmatch(name, pattern)]
            yield from ((name, _table(archive.read(inside[name]), name)) for name in chosen)
        if chosen:
            return
    if not any(fnmatch(path.name, name) for name in NAMES):
        raise BadInput(
            f"'{path.name}' is none of M5's files {list(NAMES)}. "
            "Rename it, or set source.kind to files."
        )
    if path.suffix.lower() in (".parquet", ".pq") or not path.exists():
        yield path.name, read_table(path)
    else:
        yield path.name, _table(bytes_of(path), path.name)


def _table(content: bytes, name: str) -> pl.DataFrame:
    return (
        read_wide(content, name)
        if any(fnmatch(name, pattern) for pattern in (SALES, TOTALS))
        else table_of_csv(content, name, CsvManner())
    )


def _calendar_table(path: Path, calendar_path: Path | None) -> pl.DataFrame:
    if calendar_path is None:
        raise SourceMissing(
            f"'{path.name}' counts days and weeks that only M5's calendar can date, and there is "
            f"no {CALENDAR} beside it or under source.path. Put it there."
        )
    return next(table for name, table in _tables(calendar_path) if fnmatch(name, CALENDAR))


def _calendar(table: pl.DataFrame, name: str) -> Received:
    """CALENDAR: events and closed days (25 December) on region '*', pay days (snap_CA, ...) on each
    state's rows.

    One line of the file is one row for '*' and one for each state, each counted as a line received.
    """
    snaps = [column for column in table.columns if re.fullmatch(r"snap_\w+", column)]
    events = [column for column in table.columns if re.fullmatch(r"event_(name|type)_\d", column)]
    need_columns(table, dict.fromkeys(["date", "d", "wm_yr_wk"], LAYOUT), name)
    columns = [Column("ds", ("date",), "day", reasons.MISSING_VALUE)]
    columns += [Column(event, (event,), "text") for event in events]
    columns += [Column(snap, (snap,), "flag") for snap in snaps]
    mapped = map_table(table, columns, Manner(), name)
    rows = pl.concat(
        [_everywhere(mapped.rows, events), *(_pay_days(mapped.rows, snap) for snap in snaps)],
        how="diagonal",
    )
    rows = rows.with_columns(known_at=pl.lit(None, pl.Datetime("us")))
    return received("calendar", rows.sort("region", "ds"), mapped, is_history=True)


def _everywhere(rows: pl.DataFrame, events: list[str]) -> pl.DataFrame:
    christmas = (pl.col("ds").dt.month() == 12) & (pl.col("ds").dt.day() == 25)
    event, event_type = _joined(events, "name"), _joined(events, "type")
    keys = ("ds", "row_number", "lines")
    return rows.select(
        *keys, region=pl.lit("*"), event=event, event_type=event_type, is_closed=christmas
    )


def _pay_days(rows: pl.DataFrame, snap: str) -> pl.DataFrame:
    state = pl.lit(snap.removeprefix("snap_"))
    return rows.select("ds", "row_number", "lines", region=state, is_payday=pl.col(snap))


def _joined(events: list[str], part: str) -> pl.Expr:
    """The day's events joined with '|'; null on a day without."""
    of_part = [column for column in events if column.startswith(f"event_{part}")]
    if not of_part:
        return pl.lit(None, pl.String)
    joined = pl.concat_str(of_part, separator="|", ignore_nulls=True)
    return pl.when(pl.any_horizontal(pl.col(of_part).is_not_null())).then(joined)


def _prices(table: pl.DataFrame, calendar: pl.DataFrame, name: str) -> Received:
    """PRICES: weeks dated by the calendar, neighbours of equal price merged to one period."""
    columns = [
        Column("unique_id", ("item_id", "store_id"), "text", reasons.MISSING_VALUE),
        Column("week", ("wm_yr_wk",), "text", reasons.MISSING_VALUE),
        Column("price", ("sell_price",), "number", reasons.MISSING_VALUE),
    ]
    need_columns(
        table,
        dict.fromkeys([origin for column in columns for origin in column.origin], LAYOUT),
        name,
    )
    mapped = map_table(table, columns, Manner(), name)
    dated = mapped.rows.join(_weeks(calendar), on="week", how="left", maintain_order="left")
    mapped = mapped.with_rows(dated).refuse(pl.col("from_ds").is_null(), reasons.UNDATED_WEEK)
    rows = mapped.rows.with_columns(
        promo=pl.lit(None, pl.Float64), known_at=pl.lit(None, pl.Datetime("us"))
    )
    return received("prices", merged_periods(rows.drop("week")), mapped, is_history=True)


def _weeks(calendar: pl.DataFrame) -> pl.DataFrame:
    """First and last day of each price week."""
    need_columns(calendar, dict.fromkeys(["date", "wm_yr_wk"], LAYOUT), "calendar")
    columns = [Column("week", ("wm_yr_wk",), "text"), Column("ds", ("date",), "day")]
    days = map_table(calendar, columns, Manner(), "calendar").rows.drop_nulls()
    return days.group_by("week").agg(from_ds=pl.col("ds").min(), to_ds=pl.col("ds").max())
