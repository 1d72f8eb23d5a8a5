"""Every series' history and forecast as small script files beside the page: any of 30,490 can be
drawn.

Scripts, not JSON: a page opened from a disk may load scripts that lie beside it, and nothing else.
`index.js` holds the ids and what they are called; file k holds the series from k * PER_FILE on,
days as plain arrays, so that one look costs a hundred kilobytes.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl

from contract.names import labels
from contract.panel import Panel
from reports.html import JsonObject, script_json
from reports.picks import FAN_COLUMNS, HISTORY_DAYS, origin_of

FOLDER = "series"
PER_FILE = 200
DIGITS = 3  # significant; a forecast is not known better


def write_series_files(panel: Panel, forecasts: pl.DataFrame, reports: Path) -> int:
    """The files written anew into `reports`/series; how many bytes they are."""
    folder = reports / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in series_files(panel, forecasts):
        (folder / name).write_text(text, encoding="utf-8")
    return sum(path.stat().st_size for path in folder.iterdir())


def series_files(panel: Panel, forecasts: pl.DataFrame) -> list[tuple[str, str]]:
    """(name, text) of each file; the same panel and forecasts give the same bytes."""
    ahead = forecasts.sort("unique_id", "ds").group_by("unique_id", maintain_order=True)
    rounded = ahead.agg(
        pl.col(FAN_COLUMNS).round_sig_figs(DIGITS), pl.col("reason").drop_nulls().first()
    )
    rows = rounded.join(
        _history(panel, forecasts), on="unique_id", how="left", maintain_order="left"
    )
    rows = rows.join(_prices(panel, forecasts), on="unique_id", how="left", maintain_order="left")
    chunks = (rows.slice(first, PER_FILE) for first in range(0, rows.height, PER_FILE))
    parts = [
        (f"{k:04d}.js", f"tillcast.got({k},{script_json(_values(chunk))});\n")
        for k, chunk in enumerate(chunks)
    ]
    return [("index.js", f"tillcast.index({script_json(_index(panel, forecasts))});\n"), *parts]


def _index(panel: Panel, forecasts: pl.DataFrame) -> JsonObject:
    """Ids in the order of the files, what they are called (null: nothing else), and what all series
    share: the days and their events.
    """
    ids, called = forecasts["unique_id"].unique().sort().to_list(), labels(panel.names)
    first = origin_of(forecasts) - timedelta(days=HISTORY_DAYS - 1)
    last = forecasts.select(pl.max("ds")).item()
    known = panel.calendar.filter(
        pl.col("ds").is_between(first, last), pl.col("event").is_not_null()
    )
    events = known.group_by("ds").agg(pl.col("event").unique().sort().str.join(", ")).sort("ds")
    return {
        "ids": ids,
        "labels": [called.get(one) for one in ids] if called else [],
        "per_file": PER_FILE,
        "first": str(first),
        "history": HISTORY_DAYS,
        "events": {str(day): names for day, names in events.rows()},
    }


def _history(panel: Panel, forecasts: pl.DataFrame) -> pl.DataFrame:
    """unique_id, y: the units of each of the last HISTORY_DAYS days, null where no row says."""
    origin = origin_of(forecasts)
    first = origin - timedelta(days=HISTORY_DAYS - 1)
    days = pl.DataFrame({"ds": pl.date_range(first, origin, eager=True)})
    series = forecasts.select(pl.col("unique_id").unique().sort())
    sold = panel.sales.filter(pl.col("ds").is_between(first, origin)).select("unique_id", "ds", "y")
    dense = series.join(days, how="cross", maintain_order="left_right")
    dense = dense.join(sold, on=["unique_id", "ds"], how="left", maintain_order="left")
    return dense.group_by("unique_id", maintain_order=True).agg(
        pl.col("y").round_sig_figs(DIGITS + 1)
    )


def _prices(panel: Panel, forecasts: pl.DataFrame) -> pl.DataFrame:
    """unique_id, price: the one in force on the origin, or the last known before."""
    origin = origin_of(forecasts)
    known = panel.prices.filter(pl.col("from_ds") <= origin, pl.col("price").is_not_null())
    return (
        known.sort("from_ds").group_by("unique_id", maintain_order=True).agg(pl.col("price").last())
    )


def _values(chunk: pl.DataFrame) -> list[JsonObject]:
    return [
        {name: _short(value) for name, value in row.items() if name != "unique_id"}
        for row in chunk.to_dicts()
    ]


def _short(value: object) -> object:
    """Whole numbers without their point: half the bytes of a history."""
    if isinstance(value, list):
        return [_short(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
