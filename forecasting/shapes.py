"""By which calibrations a published table is read again: for other spans, and for orders."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from contract.errors import ModelBroken
from contract.levels import SERIES_LEVEL
from forecasting.champion import calibrations_in_registry
from forecasting.forecaster import BASELINE
from forecasting.recalibration import scaled_calibrations
from forecasting.span_table import Shapes


def shapes_of(
    forecasts: pl.DataFrame,
    model_id: str | None,
    interval_scale: str | None,
    registry: Path,
    backtest: Path,
) -> Shapes:
    """Those of a run's FORECASTS: its model's, scaled as they were when it was published.

    ModelBroken for a calibration of code that learned no spans.
    """
    calibrations = calibrations_in_registry(registry, model_id, backtest)
    made = forecasts.filter(pl.col("method").is_in(list(calibrations)))["method"]
    method = made.mode().sort()[0] if len(made) else BASELINE
    if SERIES_LEVEL not in calibrations[method].spans:
        raise ModelBroken(
            f"the calibration of model {model_id} knows nothing of several days together. Train "
            "and evaluate again (`make repro`, or the weekly flow)."
        )
    return Shapes(scaled_calibrations(calibrations, method, interval_scale), method, BASELINE)
