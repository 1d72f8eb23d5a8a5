"""Rolling origins: every forecaster, through the same two calls, at every cutoff."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl

from contract.errors import NotEnoughHistory
from contract.panel import Panel
from contract.params import EvaluateParams, InferenceParams
from forecasting.fallback import complete
from forecasting.forecaster import Forecaster

EXTRA_DAYS = 14  # of history before a cutoff, beyond the horizon: two weeks of origins to learn from

Progress = Callable[[str], None]


def _silent(step: str) -> None:
    """Rooms do not log: a door that wants progress hands in its own."""


def cutoffs_of(panel: Panel, params: EvaluateParams, horizon: int) -> list[date]:
    """The cutoffs, oldest first; the last one leaves exactly `horizon` days of truth after it.

    A short panel has fewer than `params.origins`: each needs EXTRA_DAYS more than the horizon before it.
    """
    last, least = panel.last_day - timedelta(days=horizon), horizon + EXTRA_DAYS
    cutoffs = [last - timedelta(days=params.step_days * k) for k in reversed(range(params.origins))]
    known = [cutoff for cutoff in cutoffs if (cutoff - panel.first_day).days + 1 >= least]
    if not known:
        raise NotEnoughHistory(
            f"the panel has {(panel.last_day - panel.first_day).days + 1} days; a backtest over a horizon of {horizon} needs "
            f"{least + horizon}. Bring a longer history, or lower train.horizon and train.blocks."
        )
    return known


def backtest(
    panel: Panel,
    forecasters: dict[str, Forecaster],
    baseline: str,
    cutoffs: list[date],
    horizon: int,
    refit_every: int,
    inference: InferenceParams,
    progress: Progress = _silent,
) -> pl.DataFrame:
    """cutoff, unique_id, ds, h, y and one column per forecaster: mean forecasts, completed by the fallback ladder.

    y is what came true (null if unknown). Each forecaster is refitted at every `refit_every`-th cutoff; in between
    the same fit forecasts from fresh data. The panel is cut here, once, before any forecaster sees it.
    """
    frames = []
    for k, cutoff in enumerate(cutoffs):
        known = panel.up_to(cutoff)
        if k % refit_every == 0:
            for name, forecaster in forecasters.items():
                progress(f"fit {name} up to {cutoff}")
                forecaster.fit(known)
        progress(f"forecast from {cutoff}")
        frames.append(_one_cutoff(known, forecasters, baseline, cutoff, horizon, inference))
    truth = panel.sales.select("unique_id", "ds", "y")
    return pl.concat(frames).join(truth, on=["unique_id", "ds"], how="left", maintain_order="left")


def _one_cutoff(
    known: Panel,
    forecasters: dict[str, Forecaster],
    baseline: str,
    cutoff: date,
    horizon: int,
    inference: InferenceParams,
) -> pl.DataFrame:
    raw = {name: forecaster.forecast(known, cutoff, horizon) for name, forecaster in forecasters.items()}
    grid = raw[baseline].select(pl.lit(cutoff).alias("cutoff"), "unique_id", "ds", "h")
    for name, forecast in raw.items():
        done = complete(forecast, name, raw[baseline], known, inference).select(
            "unique_id", "ds", pl.col("y_hat").alias(name)
        )
        grid = grid.join(done, on=["unique_id", "ds"], how="left", validate="1:1", maintain_order="left")
    return grid
