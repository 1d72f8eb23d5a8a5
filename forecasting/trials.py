"""Where forecasters are tried: on a panel in memory, or on one in parts
(stages.trials_in_parts).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from contract.demand import DemandRules
from contract.levels import Level
from contract.panel import Panel
from forecasting.backtest import BacktestPlan, Progress, backtest
from forecasting.backtested import Backtested, WholeBacktest
from forecasting.forecaster import Forecaster

Sides = Mapping[str, Forecaster]  # by name


class Trials(Protocol):
    """A panel to try forecasters on."""

    @property
    def outline(self) -> Panel:
        """The panel, or one without rows that knows its days, its series and its totals."""
        ...

    def backtest(self, forecasters: Sides, plan: BacktestPlan, progress: Progress) -> Backtested:
        """Every forecaster at every cutoff (forecasting.backtest)."""
        ...

    def forecasts(self, model: Forecaster, horizon: int) -> Iterator[pl.DataFrame]:
        """As Forecaster.forecast from the panel's last day on, series after series in as many
        frames as there are parts.
        """
        ...


@dataclass(frozen=True)
class WholeTrials:
    """As Trials, of a panel that memory holds."""

    panel: Panel
    levels: list[Level]
    rules: DemandRules

    @property
    def outline(self) -> Panel:
        """As Trials.outline."""
        return self.panel

    def backtest(self, forecasters: Sides, plan: BacktestPlan, progress: Progress) -> WholeBacktest:
        """As Trials.backtest."""
        rows = backtest(self.panel, forecasters, plan, progress)
        return WholeBacktest(self.panel, rows, self.levels, self.rules)

    def forecasts(self, model: Forecaster, horizon: int) -> Iterator[pl.DataFrame]:
        """As Trials.forecasts."""
        return iter([model.forecast(self.panel, self.panel.last_day, horizon)])
