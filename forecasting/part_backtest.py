"""One cutoff of a backtest in a part of a panel, as files in its folder, and that of all parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import polars as pl

from contract.demand import DemandRules
from contract.levels import SERIES_LEVEL, Level
from contract.panel import Panel
from contract.whole import Arrays, Table
from forecasting.backtest import BacktestPlan, forecasts_from, known_at, with_truth
from forecasting.columns import OPEN_SHARE
from forecasting.forecaster import Forecaster
from forecasting.series_window import in_order, series_window
from forecasting.window import Groups, Window, groups_of, matrix_of, window_of
from forecasting.yardsticks import Past

ROWS, WINDOW, MEANS = "rows.parquet", "window.npz", "means.npz"
_NUMBERS = "numbers"  # of a part's series among all
_LEVEL = "past of "


@dataclass(frozen=True)
class PartBacktest:
    """What forecasters, fitted where they must be, say of a part at a cutoff, and what was sold
    (scaling.run).
    """

    forecasters: Mapping[str, Forecaster]
    plan: BacktestPlan
    cutoff: date
    levels: list[Level]
    rules: DemandRules

    def __call__(self, panel: Panel, folder: Path) -> None:
        """Rows, means and window of the part as files; sums of what its groups sold reported."""
        horizon, attempt = self.plan.horizon, panel.whole.attempt
        seen = attempt(partial(series_window, panel, self.cutoff, horizon, self.rules))
        known = known_at(panel, self.cutoff, self.plan)
        forecasts = forecasts_from(known, dict(self.forecasters), self.plan, self.cutoff)
        del known
        rows = with_truth(forecasts, panel)
        of_series, past = seen()
        rows.write_parquet(folder / ROWS)
        names = [name for name in (*self.forecasters, OPEN_SHARE) if name in rows.columns]
        means = {name: matrix_of(panel.series, rows, name, horizon) for name in names}
        np.savez(folder / MEANS, allow_pickle=False, **means)
        numbers = panel.whole.series(panel.series)["unique_id"].search_sorted(
            panel.series["unique_id"]
        )
        np.savez(
            folder / WINDOW,
            allow_pickle=False,
            **{_NUMBERS: numbers.to_numpy().astype(np.int64), **of_series.arrays},
        )
        panel.whole.report(_pasts(panel.series, self.levels, past))


def _pasts(series: pl.DataFrame, levels: list[Level], past: Past) -> dict[str, Table]:
    """What the groups of each level above single series sold, in this part."""
    above = [groups_of(level, series) for level in levels if level.name != SERIES_LEVEL]
    return {
        _LEVEL + groups.level: Table(
            groups.group_key, past.sums(groups.group_ix, len(groups.group_key))
        )
        for groups in above
    }


@dataclass(frozen=True)
class CutoffInParts:
    """One cutoff: the folders of its parts, and the sums they reported."""

    folders: Sequence[Path]
    pasts: Mapping[str, Table]

    def window(self, series: pl.DataFrame, levels: list[Level]) -> Window:
        """Its window of all series."""
        parts = [_arrays(folder / WINDOW) for folder in self.folders]
        of_series = in_order([(own[_NUMBERS], _without_numbers(own)) for own in parts])
        return window_of(series, of_series, levels, self._past_of)

    def table(self, name: str) -> np.ndarray | None:
        """(series, horizon) of a forecaster, or of OPEN_SHARE: 1 in parts without, None where all
        are.
        """
        tables = [_arrays(folder / MEANS, [name]).get(name) for folder in self.folders]
        known = [table for table in tables if table is not None]
        if not known:
            return None
        numbers = [_arrays(folder / WINDOW, [_NUMBERS])[_NUMBERS] for folder in self.folders]
        together = np.ones((sum(map(len, numbers)), known[0].shape[1]))
        for own, table in zip(numbers, tables, strict=True):
            if table is not None:
                together[own] = table
        return together

    def rows(self) -> pl.DataFrame:
        """Its rows (forecasting.backtest.backtest), as those of one panel are ordered."""
        files = [pl.read_parquet(folder / ROWS, glob=False) for folder in self.folders]
        return pl.concat(files, how="diagonal").sort("unique_id", "ds")

    def _past_of(self, groups: Groups) -> Arrays:
        return self.pasts[_LEVEL + groups.level].of(groups.group_key)


@dataclass(frozen=True)
class BacktestInParts:
    """As forecasting.backtested.Backtested, of rows that lie in files."""

    series: pl.DataFrame
    levels: list[Level]
    horizon: int
    names: list[str]
    of_cutoffs: Mapping[date, CutoffInParts]

    @property
    def cutoffs(self) -> list[date]:
        """As Backtested.cutoffs."""
        return sorted(self.of_cutoffs)

    def window(self, cutoff: date) -> Window:
        """As Backtested.window."""
        return self.of_cutoffs[cutoff].window(self.series, self.levels)

    def means(self, window: Window, cutoff: date, name: str) -> np.ndarray:
        """As Backtested.means."""
        table = self.of_cutoffs[cutoff].table(name)
        assert table is not None
        return window.known(table)

    def open_share(self, window: Window, cutoff: date) -> np.ndarray | None:
        """As Backtested.open_share."""
        if not self._has_open_share:
            return None
        share = self.of_cutoffs[cutoff].table(OPEN_SHARE)
        return window.known(np.ones(window.is_known.shape) if share is None else share)

    @cached_property
    def _has_open_share(self) -> bool:
        files = [folder / MEANS for of in self.of_cutoffs.values() for folder in of.folders]
        return any(OPEN_SHARE in _names(file) for file in files)

    def write(self, path: Path) -> None:
        """As Backtested.write: one cutoff is in memory at a time, the others lie beside parts."""
        written = []
        for cutoff in self.cutoffs:
            rows = self.of_cutoffs[cutoff].rows()
            if self._has_open_share:
                share = (
                    pl.col(OPEN_SHARE) if OPEN_SHARE in rows.columns else pl.lit(None, pl.Float64)
                )
                rows = rows.with_columns(share.fill_null(1.0).alias(OPEN_SHARE))
                rows = rows.select(pl.exclude("y"), "y")
            written.append(self.of_cutoffs[cutoff].folders[0].parent / ROWS)
            rows.write_parquet(written[-1])
        pl.scan_parquet(written, glob=False).sink_parquet(path)


def _arrays(file: Path, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of a file, or those of these names that it has."""
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files if names is None or name in names}


def _names(file: Path) -> list[str]:
    with np.load(file, allow_pickle=False) as arrays:
        names: list[str] = arrays.files
        return names


def _without_numbers(own: Arrays) -> Arrays:
    return {name: values for name, values in own.items() if name != _NUMBERS}
