"""What a part of a panel takes from the whole: sums by key over all parts, and the names of all
series. A panel that is the whole has ALONE in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import polars as pl

from contract.feeds import FEED_COLUMN
from contract.frames import FrameContract
from contract.levels import TOTAL

_END = "."  # of a text in an array
Arrays = Mapping[str, np.ndarray]
Made = TypeVar("Made")

ARRIVALS = FrameContract(
    "arrivals",
    "one feed (store) and day on which any row of it came",
    ("feed", "ds"),
    {
        "feed": pl.String(),
        "ds": pl.Date(),
        "numbers": pl.Int64(),  # rows that state a number
        "sold": pl.Int64(),  # rows that state more than zero
        "units": pl.Float64(),  # the sum of all
        "open_said": pl.Int64(),  # rows that state that it was open
    },
)


@dataclass(frozen=True)
class Table:
    """Arrays whose first axis is `keys`; keys are sorted, and each stands once."""

    keys: pl.Series
    values: Arrays

    def at(self, keys: pl.Series) -> np.ndarray:
        """The places of these keys, each of which it has."""
        places: np.ndarray = self.keys.search_sorted(keys).to_numpy().astype(np.int64)
        return places

    def of(self, keys: pl.Series) -> Arrays:
        """The arrays, of these keys alone and in their order."""
        if keys is self.keys:
            return self.values
        at = self.at(keys)
        return {name: values[at] for name, values in self.values.items()}


class Whole(Protocol):
    """What a part of a panel, or all of it, learns of the whole."""

    @property
    def is_part(self) -> bool:
        """Whether there are other parts."""
        ...

    def within(self, name: str) -> Whole:
        """The same for a step of this name: what it hands in and keeps is no other step's."""
        ...

    def series(self, own: pl.DataFrame) -> pl.DataFrame:
        """SERIES of the whole, sorted; `own` are those of this part."""
        ...

    def totals(self, own: Mapping[str, Table]) -> dict[str, Table]:
        """By name the sums by key over what all parts hand in, so that a key which one part alone
        has is gathered. Where they are not known yet, this run of the part ends here.
        """
        ...

    def report(self, own: Mapping[str, Table]) -> None:
        """What whoever runs the parts wants summed; no part waits for it."""
        ...

    def kept(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """What `make` gives, made once though a part runs several times."""
        ...

    def once(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """What `make` gives of totals alone, made by one part for all."""
        ...

    def attempt(self, make: Callable[[], Made]) -> Callable[[], Made]:
        """What gives back what `make` made now. Where a total it needs is not known yet, that is
        handed in, and this run ends when the result is wanted: what does not hang on it goes on
        until then, so that totals of both are summed together.
        """
        ...


class Alone:
    """The whole of a panel that has no other parts: totals are what is handed in."""

    is_part = False

    def within(self, name: str) -> Alone:
        """As Whole.within."""
        return self

    def series(self, own: pl.DataFrame) -> pl.DataFrame:
        """As Whole.series."""
        return own

    def totals(self, own: Mapping[str, Table]) -> dict[str, Table]:
        """As Whole.totals."""
        return dict(own)

    def report(self, own: Mapping[str, Table]) -> None:
        """As Whole.report."""

    def kept(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """As Whole.kept."""
        return make()

    def once(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """As Whole.once."""
        return make()

    def attempt(self, make: Callable[[], Made]) -> Callable[[], Made]:
        """As Whole.attempt."""
        made = make()
        return lambda: made


ALONE = Alone()


def numbers_of_all(whole: Whole, name: str, own: Mapping[str, float]) -> dict[str, float]:
    """Single numbers, summed over all parts."""
    total = whole.totals({name: one_row(own)})[name]
    return {key: float(value[0]) for key, value in total.values.items()}


def numbers_among(whole: Whole, series: pl.DataFrame) -> np.ndarray:
    """(series,) the number of each of these series among all."""
    everyone = whole.series(series)["unique_id"]
    numbers: np.ndarray = everyone.search_sorted(series["unique_id"]).to_numpy()
    return numbers


def as_texts(texts: pl.Series) -> np.ndarray:
    """Texts as an array that may lie in a file: NumPy takes zero bytes off the end of one."""
    array: np.ndarray = (texts.cast(pl.String) + _END).to_numpy().astype(np.str_)
    return array


def from_texts(array: np.ndarray) -> pl.Series:
    """The texts that `as_texts` wrote."""
    return pl.Series(array, dtype=pl.String).str.head(-len(_END))


def one_row(numbers: Mapping[str, float]) -> Table:
    """Single numbers as a table of one key, that of everything."""
    values = {name: np.array([value], dtype=np.float64) for name, value in numbers.items()}
    return Table(pl.Series([TOTAL]), values)


def arrivals_of(sales: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """ARRIVALS of sales of these series."""
    feed = FEED_COLUMN if FEED_COLUMN in series.columns else pl.lit("")
    feeds = series.select("unique_id", feed=feed)
    rows = sales.lazy().join(feeds.lazy(), on="unique_id", how="inner")
    y = pl.col("y").fill_nan(None)
    summed = rows.group_by("feed", "ds").agg(
        numbers=y.is_not_null().sum(),
        sold=(y > 0).sum(),
        units=y.sum(),
        open_said=pl.col("is_open").fill_null(value=False).sum(),
    )
    return ARRIVALS.conform(summed.collect()).sort("feed", "ds")
