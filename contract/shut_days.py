"""Days on which a whole store sold nothing, though its rows came: it was shut, whatever they say.

A file that states the four days of a closure as rows of zeros would teach every series that nobody
wants it. Weekdays on which a store mostly sells nothing are its habit, and stay what the rows say;
so do zeros on a day of the calendar's events, which come again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from contract.days import WEEK
from contract.panel import Panel

STORE = "store_id"  # of one store where series name none
FEWEST_UNITS = 10.0  # on such a weekday, where it sells; of less chance makes a day of nothing
WEEKS_AROUND = 13  # before and after: whether such a weekday usually sells
MOST_SHUT = 2  # of these weeks, or MOST_SHARE of them; beyond it is a habit
MOST_SHARE = 0.15


def with_shut_days(panel: Panel) -> Panel:
    """The panel, the zeros of such days stated as closed (`is_open` false), unless a row of that
    store and day says it was open.
    """
    if panel.sales.is_empty() or not _has_day_of_zeros(panel):
        return panel
    store, day = _store_of_rows(panel), _day_of_rows(panel)
    units, known, open_said = _by_store_and_day(panel, store, day)
    shut = _shut(units, known) & ~open_said & ~_with_event(panel, units.shape[1])
    if not shut.any():
        return panel
    is_shut = pl.Series(shut[store, day]) & panel.sales["y"].is_not_null()
    is_open = pl.when(is_shut).then(pl.lit(False)).otherwise("is_open")
    return replace(panel, sales=panel.sales.with_columns(is_open=is_open))


def _has_day_of_zeros(panel: Panel) -> bool:
    """Quickly whether any day can be one: of one store nothing sold on a day it has rows of."""
    if STORE in panel.series.columns:
        return True
    sold = panel.sales.lazy().group_by("ds").agg((pl.col("y") > 0).any().alias("sold"))
    return not sold.collect()["sold"].all()


def _store_of_rows(panel: Panel) -> np.ndarray:
    """(rows of sales,) the index of each one's store. Rows are sorted by series: a series is looked
    up once for its run of rows.
    """
    if STORE not in panel.series.columns:
        return np.zeros(panel.sales.height, dtype=np.int64)
    runs = pl.DataFrame({"run": panel.sales["unique_id"].rle()}).unnest("run")
    store = panel.series.select("unique_id", store=pl.col(STORE).rank("dense").cast(pl.Int64) - 1)
    placed = runs.join(
        store, left_on="value", right_on="unique_id", how="left", maintain_order="left"
    )
    # sales of no known series count for nobody: a store of their own
    of_runs = placed["store"].fill_null(store["store"].n_unique())
    return of_runs.to_numpy().repeat(placed["len"].to_numpy())


def _day_of_rows(panel: Panel) -> np.ndarray:
    first = panel.first_day
    days = panel.sales.select((pl.col("ds") - pl.lit(first)).dt.total_days()).to_series()
    return days.to_numpy()


def _by_store_and_day(
    panel: Panel, store: np.ndarray, day: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(stores, days) units, whether any row has a number, and whether one says it was open."""
    shape = int(store.max()) + 1, int(day.max()) + 1
    cell = store * shape[1] + day
    y = panel.sales["y"].fill_nan(None)
    units = np.bincount(cell, y.fill_null(0.0).to_numpy(), shape[0] * shape[1])
    known = np.bincount(cell, y.is_not_null().to_numpy(), shape[0] * shape[1]) > 0
    said = panel.sales["is_open"].fill_null(False).to_numpy()
    open_said = np.bincount(cell, said, shape[0] * shape[1]) > 0
    return units.reshape(shape), known.reshape(shape), open_said.reshape(shape)


def _shut(units: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(stores, days) where nothing sold of a store that usually sells on such a weekday."""
    nothing = known & (units <= 0)
    if not nothing.any():
        return nothing
    units, known, zeros = (_same_weekdays(table) for table in (units, known, nothing))
    usual = units / np.maximum(known - zeros, 1)
    rare = zeros <= np.maximum(MOST_SHUT, MOST_SHARE * known)
    shut: np.ndarray = nothing & rare & (usual >= FEWEST_UNITS)
    return shut


def _same_weekdays(table: np.ndarray) -> np.ndarray:
    """(stores, days) sums of a table over the same weekdays up to WEEKS_AROUND before and after,
    the day itself among them.
    """
    stores, days = table.shape
    weeks = -(-days // WEEK)
    padded = np.zeros((stores, weeks * WEEK))
    padded[:, :days] = table
    by_weekday = padded.reshape(stores, weeks, WEEK)
    until = np.zeros((stores, weeks + 1, WEEK))
    np.cumsum(by_weekday, axis=1, out=until[:, 1:])
    at = np.arange(weeks)
    last, first = np.minimum(at + WEEKS_AROUND + 1, weeks), np.maximum(at - WEEKS_AROUND, 0)
    around = until[:, last] - until[:, first]
    return around.reshape(stores, weeks * WEEK)[:, :days]


def _with_event(panel: Panel, days: int) -> np.ndarray:
    """(days,) whether the calendar names an event of any region."""
    first: date = panel.first_day
    named = panel.calendar.filter(pl.col("event").is_not_null())
    at = named.select((pl.col("ds") - pl.lit(first)).dt.total_days()).to_series()
    has_event = np.zeros(days, dtype=bool)
    has_event[at.filter(at.is_between(0, days - 1)).to_numpy()] = True
    return has_event
