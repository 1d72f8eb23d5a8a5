"""Days on which a whole store sold nothing, though its rows came: it was shut, whatever they say.

A file that states the four days of a closure as rows of zeros would teach every series that nobody
wants it. Weekdays on which a store mostly sells nothing are its habit, and stay what the rows say;
so do zeros on a day of the calendar's events, which come again. A day is judged by those before it
alone: cutting a panel changes no day of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from contract.days import WEEK, earliest, latest
from contract.feeds import feed_index, feed_names, of_own_feeds, series_of_rows

FEWEST_UNITS = 10.0  # on such a weekday, where it sells; of less chance makes a day of nothing
WEEKS_BEFORE = 13  # of which such a weekday usually sells
MOST_SHUT = 2  # of them; more is a habit
MOST_SINGLE = 2  # spells in these weeks, the day's own among them, beyond which one day is chance
ROWS_AT_ONCE = 2_000_000
DECIMALS = 6  # of a day's units: what lies below is the order in which rows were added


def stating_shut_days(
    sales: pl.DataFrame,
    series: pl.DataFrame,
    calendar: pl.DataFrame,
    arrivals: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The sales, the zeros of such days stated as closed (`is_open` false), unless a row of that
    store and day says it was open. `arrivals`: of a part of a panel, those of the whole.
    """
    if sales.is_empty():
        return sales
    if arrivals is None:
        days = _StoreDays.of(sales, series)
    else:
        days = _StoreDays.of_whole(arrivals, series)
    shut = days.shut() & ~_with_event(calendar, days)
    if not shut.any():
        return sales
    parts = [
        part.with_columns(
            is_open=pl.when(pl.Series(shut[store, day]) & pl.col("y").is_not_null())
            .then(pl.lit(False))
            .otherwise("is_open")
        )
        for part, store, day in _in_parts(sales, series, days.first)
    ]
    return pl.concat(parts, rechunk=False)


@dataclass(frozen=True)
class _StoreDays:
    """(stores, days) units, whether any row has a number, and whether one says it was open."""

    units: np.ndarray
    known: np.ndarray
    open_said: np.ndarray
    first: int  # day, as date.toordinal counts

    @staticmethod
    def of(sales: pl.DataFrame, series: pl.DataFrame) -> _StoreDays:
        first, last = earliest(sales["ds"]), latest(sales["ds"])
        stores = int(feed_index(series).max(initial=-1)) + 2  # and that of no known series
        shape = stores, (last - first).days + 1
        size = shape[0] * shape[1]
        units, known, said = np.zeros(size), np.zeros(size), np.zeros(size)
        for part, store, day in _in_parts(sales, series, first.toordinal()):
            cell, y = store * shape[1] + day, part["y"].fill_nan(None)
            units += np.bincount(cell, y.fill_null(0.0).to_numpy(), size)
            known += np.bincount(cell, y.is_not_null().to_numpy(), size)
            said += np.bincount(cell, part["is_open"].fill_null(False).to_numpy(), size)
        return _StoreDays(
            units.reshape(shape).round(DECIMALS),
            known.reshape(shape) > 0,
            said.reshape(shape) > 0,
            first.toordinal(),
        )

    @staticmethod
    def of_whole(arrivals: pl.DataFrame, series: pl.DataFrame) -> _StoreDays:
        """Those of these series' stores, over the days of the whole."""
        first, last = earliest(arrivals["ds"]), latest(arrivals["ds"])
        rows = of_own_feeds(arrivals, series)
        shape = len(feed_names(series)) + 1, (last - first).days + 1
        at = rows["feed_ix"].to_numpy(), (rows["ds"] - first).dt.total_days().to_numpy()
        units, numbers, said = np.zeros((3, *shape))
        for table, column in ((units, "units"), (numbers, "numbers"), (said, "open_said")):
            table[at] = rows[column].to_numpy()
        return _StoreDays(units.round(DECIMALS), numbers > 0, said > 0, first.toordinal())

    def shut(self) -> np.ndarray:
        """(stores, days) where nothing sold of a store that usually sells on such a weekday: in a
        spell of such days, or on a single one where few others were.
        """
        zeros: np.ndarray = self.known & (self.units <= 0)
        if not zeros.any():
            return zeros
        began = _spells(zeros)
        usual = zeros & self._usually_sells(zeros, began)
        alone = usual & (began == np.arange(zeros.shape[1]))
        until = np.cumsum(alone, axis=1)
        before = until - np.pad(until, ((0, 0), (WEEKS_BEFORE * WEEK, 0)))[:, : until.shape[1]]
        shut: np.ndarray = usual & (~alone | (before <= MOST_SINGLE)) & ~self.open_said
        return shut

    def _usually_sells(self, zeros: np.ndarray, began: np.ndarray) -> np.ndarray:
        """(stores, days) whether such a weekday did in the WEEKS_BEFORE its spell."""
        at = np.arange(zeros.shape[1])
        back = at - WEEK * -(-(at - began + 1) // WEEK)  # the last such weekday before the spell
        units, known, of_nothing = (
            np.take_along_axis(_same_weekdays(table), np.maximum(back, 0), axis=1)
            for table in (self.units, self.known, zeros)
        )
        sold = np.maximum(known - of_nothing, 1)
        usually: np.ndarray = (
            (back >= 0) & (of_nothing <= MOST_SHUT) & (units / sold >= FEWEST_UNITS)
        )
        return usually


def _spells(zeros: np.ndarray) -> np.ndarray:
    """(stores, days) the day on which each day's spell of zeros began; of another day the next."""
    days = np.arange(zeros.shape[1])
    began: np.ndarray = np.maximum.accumulate(np.where(zeros, -1, days), axis=1) + 1
    return began


def _in_parts(
    sales: pl.DataFrame, series: pl.DataFrame, first: int
) -> Iterator[tuple[pl.DataFrame, np.ndarray, np.ndarray]]:
    """Rows, ROWS_AT_ONCE at a time, with the index of each one's store and day, counted from the
    `first` (date.toordinal).

    Rows of no known series count for nobody: they have a store of their own, the last.
    """
    begin, feeds = date.fromordinal(first), feed_index(series)
    stores = np.append(feeds, feeds.max(initial=-1) + 1)
    for part in sales.iter_slices(ROWS_AT_ONCE):
        place = np.minimum(series_of_rows(part["unique_id"], series), series.height)
        day = part.select((pl.col("ds") - pl.lit(begin)).dt.total_days()).to_series()
        yield part, stores[place], day.to_numpy()


def _same_weekdays(table: np.ndarray) -> np.ndarray:
    """(stores, days) sums of a table over the day and the same weekdays before it, WEEKS_BEFORE in
    all.
    """
    stores, days = table.shape
    weeks = -(-days // WEEK)
    padded = np.zeros((stores, weeks * WEEK))
    padded[:, :days] = table
    until = np.zeros((stores, weeks + 1, WEEK))
    np.cumsum(padded.reshape(stores, weeks, WEEK), axis=1, out=until[:, 1:])
    at = np.arange(weeks)
    sums = until[:, at + 1] - until[:, np.maximum(at + 1 - WEEKS_BEFORE, 0)]
    return sums.reshape(stores, weeks * WEEK)[:, :days]


def _with_event(calendar: pl.DataFrame, days: _StoreDays) -> np.ndarray:
    """(days,) whether the calendar names an event of any region."""
    count = days.units.shape[1]
    named = calendar.filter(pl.col("event").is_not_null())["ds"].unique()
    at = np.array([day.toordinal() - days.first for day in named], dtype=np.int64)
    has_event = np.zeros(count, dtype=bool)
    has_event[at[(at >= 0) & (at < count)]] = True
    return has_event
