"""Whose rows are whose: the series of a row, and the feed (a store's extract) that brings it."""

from __future__ import annotations

import numpy as np
import polars as pl

UNKNOWN_SERIES = 2**32 - 1  # no row of `series`
# whoever sends one extract a day; a series absent while its feed arrived sold nothing
FEED_COLUMN = "store_id"


def feed_index(series: pl.DataFrame) -> np.ndarray:
    """For each series the index of its feed; of one feed where they name none."""
    if FEED_COLUMN not in series.columns:
        return np.zeros(series.height, dtype=np.int64)
    feed_ix: np.ndarray = series[FEED_COLUMN].rank("dense").to_numpy().astype(np.int64) - 1
    return feed_ix


def feed_names(series: pl.DataFrame) -> pl.Series:
    """The feeds that `feed_index` counts, in its order; '' where the series name none."""
    if FEED_COLUMN not in series.columns:
        return pl.Series("feed", [""])
    return series[FEED_COLUMN].unique().sort().alias("feed")


def of_own_feeds(rows: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """Rows by feed (a column `feed`), those of the feeds of these series alone, with `feed_ix`."""
    own = feed_names(series).to_frame("feed").with_row_index("feed_ix")
    return rows.join(own, on="feed", how="inner", maintain_order="left")


def series_of_rows(unique_ids: pl.Series, series: pl.DataFrame) -> np.ndarray:
    """For each row the place of its series in `series`, UNKNOWN_SERIES where it is none of them.

    Rows are sorted by series, so a series is looked up once for its run of rows, not once a row.
    """
    runs = pl.DataFrame({"run": unique_ids.rle()}).unnest("run")
    places = series.select("unique_id").with_row_index("place")
    found = runs.join(
        places, left_on="value", right_on="unique_id", how="left", maintain_order="left"
    )
    return found["place"].fill_null(UNKNOWN_SERIES).to_numpy().repeat(found["len"].to_numpy())
