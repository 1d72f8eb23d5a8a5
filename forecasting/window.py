"""The actuals after a cutoff, on every level, and the yardsticks its errors are measured with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from contract.demand import DemandRules
from contract.levels import SERIES_LEVEL, Level
from contract.panel import Panel
from contract.whole import Arrays
from features.hierarchy import sum_by
from forecasting.series_window import SeriesWindow, series_window
from forecasting.yardsticks import days_that_count, scales


@dataclass(frozen=True)
class Groups:
    """The groups of one level. Rows are in alphabetical order of `group_key`."""

    level: str
    group_key: pl.Series
    group_ix: np.ndarray  # for each series its group

    def sums(self, table: np.ndarray) -> np.ndarray:
        """(groups, ...) sums of the known values of a (series, ...) table."""
        return sum_by(table, self.group_ix, len(self.group_key))[0]


@dataclass(frozen=True)
class LevelWindow(Groups):
    """One level of one cutoff."""

    y: np.ndarray  # (groups, horizon) actual units; unknown cells count as 0 on both sides
    # mean squared change from one day that counts to the next, since the first sale (RMSSE)
    squared_scale: np.ndarray
    absolute_scale: np.ndarray  # the same with absolute changes (MASE, scaled pinball)
    weight: np.ndarray  # revenue share, sums to 1
    is_known: np.ndarray  # (groups, horizon), whether any member is known


@dataclass(frozen=True)
class Window:
    """One cutoff's target days: which of their cells are known, and its levels."""

    series: pl.DataFrame
    of_series: SeriesWindow
    is_known: np.ndarray  # (series, horizon)
    levels: list[LevelWindow]

    @property
    def weighs(self) -> bool:
        """Whether each level has a group that counts: revenue, a scale, a known day.

        Without one every forecast's loss is 0, which says nothing.
        """
        return all(
            ((level.weight > 0) & (level.squared_scale > 0) & level.is_known.any(axis=1)).any()
            for level in self.levels
        )

    def error(self, y_hat: np.ndarray) -> np.ndarray:
        """(series, horizon) y_hat - y, 0 in unknown cells."""
        bottom = self.levels[-1]
        return np.where(self.is_known, y_hat - bottom.y[bottom.group_ix], 0.0)

    def matrix(self, forecasts: pl.DataFrame, column: str = "y_hat") -> np.ndarray:
        """A column of forecasts as (series, horizon), 0 in unknown cells.

        `forecasts` has unique_id, h and the column.
        """
        located = forecasts.join(
            self.series.select("unique_id").with_row_index("entity_ix"), on="unique_id", how="inner"
        )
        values = np.full(self.is_known.shape, np.nan)
        values[located["entity_ix"].to_numpy(), located["h"].to_numpy() - 1] = located[
            column
        ].to_numpy()
        return self.known(values)

    def known(self, values: np.ndarray) -> np.ndarray:
        """A (series, horizon) table, 0 in unknown cells."""
        return np.where(self.is_known, values, 0.0)


def window_after(
    panel: Panel,
    cutoff: date,
    horizon: int,
    levels: list[Level],
    rules: DemandRules,
) -> Window:
    """The actuals of the `horizon` days after the cutoff, of the uncut panel, as series_window."""
    of_series, past = series_window(panel, cutoff, horizon, rules)
    return window_of(
        panel.series,
        of_series,
        levels,
        lambda groups: past.sums(groups.group_ix, len(groups.group_key)),
    )


def window_of(
    series: pl.DataFrame,
    of_series: SeriesWindow,
    levels: list[Level],
    sold_by: Callable[[Groups], Arrays],
) -> Window:
    """The window of these series; `sold_by` gives what a level's groups sold up to the cutoff
    (yardsticks.Past.sums).
    """
    of_levels = [_level_window(groups_of(level, series), of_series, sold_by) for level in levels]
    return Window(series, of_series, ~np.isnan(of_series.future), of_levels)


def groups_of(level: Level, series: pl.DataFrame) -> Groups:
    """The groups of a level among these series."""
    keys = series.select(level.group_key)["group_key"]
    keys = keys if len(keys) == series.height else pl.Series("group_key", [keys[0]] * series.height)
    group_ix = keys.rank("dense").to_numpy().astype(np.int64) - 1
    return Groups(level.name, keys.unique().sort(), group_ix)


def _level_window(
    groups: Groups, of_series: SeriesWindow, sold_by: Callable[[Groups], Arrays]
) -> LevelWindow:
    squared, absolute = (
        _of_groups(groups, of_series)
        if groups.level == SERIES_LEVEL
        else scales(days_that_count(sold_by(groups)))
    )
    weight = groups.sums(of_series.revenue)
    y, known_members = sum_by(of_series.future, groups.group_ix, len(groups.group_key))
    share = weight / max(weight.sum(), 1e-12)
    return LevelWindow(
        **vars(groups),
        y=y,
        squared_scale=squared,
        absolute_scale=absolute,
        weight=share,
        is_known=known_members > 0,
    )


def _of_groups(groups: Groups, of_series: SeriesWindow) -> tuple[np.ndarray, np.ndarray]:
    """The scales of single series, in the order of the level's groups."""
    squared, absolute = (np.empty(len(groups.group_key)) for _ in range(2))
    squared[groups.group_ix] = of_series.squared_scale
    absolute[groups.group_ix] = of_series.absolute_scale
    return squared, absolute
