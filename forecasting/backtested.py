"""A backtest as scores read it: the window of each cutoff, and every forecaster's means in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl

from contract.demand import DemandRules
from contract.levels import Level
from contract.panel import Panel
from forecasting.columns import OPEN_SHARE, forecasters_in, horizon_of
from forecasting.window import Window, window_after


class Backtested(Protocol):
    """A backtest of a panel, held in one piece or by parts."""

    @property
    def series(self) -> pl.DataFrame:
        """SERIES, in the order of a window's rows."""
        ...

    @property
    def levels(self) -> list[Level]:
        """The levels that are scored."""
        ...

    @property
    def cutoffs(self) -> list[date]:
        """Oldest first."""
        ...

    @property
    def horizon(self) -> int:
        """Days after each."""
        ...

    @property
    def names(self) -> list[str]:
        """The forecasters."""
        ...

    def window(self, cutoff: date) -> Window:
        """What was sold after a cutoff."""
        ...

    def means(self, window: Window, cutoff: date, name: str) -> np.ndarray:
        """(series, horizon) means of a forecaster, 0 in unknown cells."""
        ...

    def open_share(self, window: Window, cutoff: date) -> np.ndarray | None:
        """(series, horizon) how likely each store opens, 0 in unknown cells; None where at every
        cutoff all open.
        """
        ...

    def write(self, path: Path) -> None:
        """All rows (forecasting.backtest.backtest) as a Parquet file."""
        ...


@dataclass(frozen=True)
class WholeBacktest:
    """As Backtested, of a panel and rows that memory holds."""

    panel: Panel
    rows: pl.DataFrame
    levels: list[Level]
    rules: DemandRules

    @property
    def series(self) -> pl.DataFrame:
        """As Backtested.series."""
        return self.panel.series

    @cached_property
    def cutoffs(self) -> list[date]:
        """As Backtested.cutoffs."""
        return self.rows["cutoff"].unique().sort().to_list()

    @cached_property
    def horizon(self) -> int:
        """As Backtested.horizon."""
        return horizon_of(self.rows)

    @property
    def names(self) -> list[str]:
        """As Backtested.names."""
        return forecasters_in(self.rows)

    def window(self, cutoff: date) -> Window:
        """As Backtested.window."""
        return window_after(self.panel, cutoff, self.horizon, self.levels, self.rules)

    def means(self, window: Window, cutoff: date, name: str) -> np.ndarray:
        """As Backtested.means."""
        of_cutoff = self.rows.lazy().filter(pl.col("cutoff") == cutoff)
        return window.matrix(of_cutoff.select("unique_id", "h", name).collect(), name)

    def open_share(self, window: Window, cutoff: date) -> np.ndarray | None:
        """As Backtested.open_share."""
        return self.means(window, cutoff, OPEN_SHARE) if OPEN_SHARE in self.rows.columns else None

    def write(self, path: Path) -> None:
        """As Backtested.write."""
        self.rows.rechunk().write_parquet(path)
