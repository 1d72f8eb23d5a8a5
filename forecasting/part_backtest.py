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
from contract.whole import Arrays, Table, numbers_among
from forecasting.backtest import BacktestPlan, forecasts_from, known_at, with_truth
from forecasting.columns import OPEN_SHARE
from forecasting.forecaster import Forecaster
from forecasting.series_window import in_order, series_window
from forecasting.window import Groups, Window, groups_of, window_of
from forecasting.yardsticks import Past
from runtime.array_files import read_arrays, write_arrays

ROWS, WINDOW = "rows.parquet", "window.npz"
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
        """Rows and window of the part as files; sums of what its groups sold reported."""
        whole, horizon = panel.whole, self.plan.horizon
        seen = whole.attempt(partial(series_window, panel, self.cutoff, horizon, self.rules))
        known = known_at(panel, self.cutoff, self.plan)
        forecasts = forecasts_from(known, self.forecasters, self.plan, self.cutoff)
        del known
        with_truth(forecasts, panel).write_parquet(folder / ROWS)
        of_series, past = seen()
        arrays = {_NUMBERS: numbers_among(whole, panel.series), **of_series.arrays}
        write_arrays(folder / WINDOW, arrays)
        whole.report(_pasts(panel.series, self.levels, past))


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
        parts = [read_arrays(folder / WINDOW) for folder in self.folders]
        of_series = in_order([(own[_NUMBERS], own) for own in parts])
        return window_of(series, of_series, levels, self._sold_by)

    def table(self, name: str, horizon: int) -> np.ndarray:
        """(series, horizon) of a forecaster, or of OPEN_SHARE: 1 in parts whose stores all open."""
        numbers = [read_arrays(folder / WINDOW, [_NUMBERS])[_NUMBERS] for folder in self.folders]
        together = np.ones((sum(map(len, numbers)), horizon))
        for folder, own in zip(self.folders, numbers, strict=True):
            if name != OPEN_SHARE or _has_open_share(folder):
                rows = pl.read_parquet(folder / ROWS, columns=[name], glob=False)
                # by series and day, as `numbers` are by series
                together[own] = rows[name].to_numpy().reshape(-1, horizon)
        return together

    def rows(self) -> pl.DataFrame:
        """Its rows (forecasting.backtest.backtest), as those of one panel are ordered."""
        files = [pl.read_parquet(folder / ROWS, glob=False) for folder in self.folders]
        return pl.concat(files, how="diagonal").sort("unique_id", "ds")

    def _sold_by(self, groups: Groups) -> Arrays:
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
        return window.known(self.of_cutoffs[cutoff].table(name, self.horizon))

    def open_share(self, window: Window, cutoff: date) -> np.ndarray | None:
        """As Backtested.open_share."""
        return self.means(window, cutoff, OPEN_SHARE) if self._has_open_share else None

    @cached_property
    def _has_open_share(self) -> bool:
        folders = (folder for of in self.of_cutoffs.values() for folder in of.folders)
        return any(map(_has_open_share, folders))

    def write(self, path: Path) -> None:
        """As Backtested.write: one cutoff is in memory at a time, the others lie beside parts."""
        written = []
        for cutoff in self.cutoffs:
            of_cutoff = self.of_cutoffs[cutoff]
            written.append(of_cutoff.folders[0].parent / ROWS)
            of_cutoff.rows().write_parquet(written[-1])
        scans = [pl.scan_parquet(file, glob=False) for file in written]
        rows = pl.concat(scans, how="diagonal")
        if self._has_open_share:
            rows = rows.with_columns(pl.col(OPEN_SHARE).fill_null(1.0))
        rows.select(pl.exclude("y"), "y").sink_parquet(path)


def _has_open_share(folder: Path) -> bool:
    return OPEN_SHARE in pl.read_parquet_schema(folder / ROWS)
