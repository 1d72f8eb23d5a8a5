"""Demand over spans of days, as published: of every series and level, from a forecast table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from contract.frames import DEMAND_SPANS
from contract.levels import SERIES_LEVEL
from forecasting.intervals import TAUS, Calibration, quantile_columns
from forecasting.spans import Spans, span_quantiles

Window = tuple[int, int]  # first and last day ahead, both included


@dataclass(frozen=True)
class Shapes:
    """By which calibration a row's span is read: its method's, or below them the baseline's."""

    calibrations: dict[str, Calibration]
    method: str
    baseline: str

    @property
    def main(self) -> Calibration:
        """That of what made most of the rows."""
        return self.calibrations[self.method]


def windows_of(horizon: int, wanted: Sequence[Sequence[int]]) -> list[Window]:
    """The wanted windows that lie within the horizon."""
    return [(first, last) for first, last in wanted if last <= horizon]


def every_window(keys: pl.Series, windows: Sequence[Window]) -> pl.DataFrame:
    """key, from_h, to_h: each key with each window."""
    steps = pl.DataFrame(windows, schema={"from_h": pl.Int32, "to_h": pl.Int32}, orient="row")
    return pl.DataFrame({"key": keys}).join(steps, how="cross", maintain_order="left_right")


def series_spans(
    forecasts: pl.DataFrame, wanted: pl.DataFrame, dispersion: pl.DataFrame, shapes: Shapes
) -> pl.DataFrame:
    """As contract.frames.DEMAND_SPANS, a row for each of `wanted` (key, from_h, to_h).

    `forecasts`: one run's FORECASTS, whole days 1..horizon of each series. `dispersion`: unique_id
    and dispersion. A span has the shape of what made most of its units.
    """
    made = pl.when(method=shapes.method).then("y_hat").otherwise(0.0)
    rows = forecasts.with_columns(made=made)
    keys, (means, by_main, q995) = _matrices(rows, "unique_id", "y_hat", "made", "q995")
    spans = _located(wanted, keys)
    own = keys.to_frame("unique_id").join(
        dispersion, on="unique_id", how="left", maintain_order="left"
    )["dispersion"]
    mean = spans.sums(means)
    is_main = 2 * spans.sums(by_main) >= mean
    quantiles = np.zeros((wanted.height, len(TAUS)))
    for mask, name in ((is_main, shapes.method), (~is_main, shapes.baseline)):
        if mask.any():
            quantiles[mask] = span_quantiles(
                shapes.calibrations[name],
                SERIES_LEVEL,
                means,
                spans.where(mask),
                own.fill_null(float("nan")).to_numpy(),
            )
    # days whose every quantile is zero are closed: so is a span of them
    quantiles[spans.sums((q995 > 0).astype(float)) < 1] = 0.0
    return _frame(forecasts, SERIES_LEVEL, wanted, mean, quantiles)


def level_spans(
    levels: pl.DataFrame, windows: Sequence[Window], calibration: Calibration
) -> pl.DataFrame:
    """As contract.frames.DEMAND_SPANS, every group of FORECAST_LEVELS over every window; levels
    that learned no spans are left out.
    """
    parts = []
    for (level,), rows in levels.group_by("level", maintain_order=True):
        if level in calibration.spans:
            keys, (means,) = _matrices(rows, "group_key", "y_hat")
            wanted = every_window(keys, windows)
            spans = _located(wanted, keys)
            quantiles = span_quantiles(calibration, str(level), means, spans)
            parts.append(_frame(rows, str(level), wanted, spans.sums(means), quantiles))
    return pl.concat(parts) if parts else DEMAND_SPANS.empty()


def _matrices(rows: pl.DataFrame, key: str, *columns: str) -> tuple[pl.Series, list[np.ndarray]]:
    """The keys in their order, and columns as (keys, horizon) tables. Every key has every day."""
    ordered = rows.select(key, "h", *columns).sort(key, "h")
    keys = ordered[key].unique(maintain_order=True)
    return keys, [ordered[column].to_numpy().reshape(len(keys), -1) for column in columns]


def _located(wanted: pl.DataFrame, keys: pl.Series) -> Spans:
    rows = wanted.join(
        keys.to_frame("key").with_row_index("row"), on="key", how="left", maintain_order="left"
    )["row"]
    return Spans(
        rows.to_numpy().astype(np.int64), wanted["from_h"].to_numpy(), wanted["to_h"].to_numpy()
    )


def _frame(
    table: pl.DataFrame, level: str, wanted: pl.DataFrame, mean: np.ndarray, quantiles: np.ndarray
) -> pl.DataFrame:
    return DEMAND_SPANS.conform(
        wanted.with_columns(
            run_id=pl.lit(table["run_id"][0]),
            origin=pl.lit(table["origin"][0]),
            level=pl.lit(level),
            mean=pl.Series(np.maximum(mean, 0.0)),
            **{name: pl.Series(values) for name, values in quantile_columns(quantiles).items()},
        )
    )
