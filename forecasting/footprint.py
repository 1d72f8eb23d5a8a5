"""What fitting and forecasting will hold in memory, from counts alone, before the work starts.

Resident parts are computed from the shapes of what is held; the bytes a row costs on its way (Arrow
buffers, a sort, a scatter) are measured (`python -m benchmarks run budget`). An estimate, good to
about a fifth: Python's and Arrow's pools give back late.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from contract.params import Params
from features.declared import declared_features
from features.dense import PADDING_DAYS, ROWS_AT_ONCE
from forecasting.pairs import MOST_SERIES
from runtime.memory import piece_mb

MB = 2.0**20
PROGRAM_MB = 310.0  # Python, Polars, DuckDB, LightGBM, statsforecast, loaded
FACT_ROW = 40  # bytes of a row of sales, prices or covariates in a panel
READ_ROW = 45  # and while DuckDB hands it over and it gets its series' name back
FROZEN_ROW = 160  # a row of a panel that is read, sorted and written
SCATTERED_ROW = 48  # while it is scattered into tables, ROWS_AT_ONCE at a time
# of float32, series x days: units, last sale, launch, price, promotion; and of booleans: closed
TABLES = 5
SPARE_TABLES = 2  # while they are made
BROKEN_CELL = 16  # of levels that step: units, their log, days since a step and until the next
TRAINED_ROW = 40  # gradients, scores, indices of a row LightGBM learns from
BINNING_ROWS = 200_000  # a sample of the rows in float64, while LightGBM finds its bins
PIECES_AT_ONCE = 2  # the one being made, and what the pools still hold of the one before
FORECAST_ROW = 420  # with quantiles, method and reason, completed, judged and written
BACKTEST_ROW = 110  # one cutoff, series and day, with the means of a handful of forecasters
WINDOW_CELL = 40  # of the history a cutoff is scored by: float64, its changes, their squares
SCORED_CELL = 220  # a series' day in a window: actuals, means, nine quantiles and their losses
LOOKED_CELL = 40  # a series' day of what arrived: four tables, and what a signal makes of them
LOOKED_ROW = 160  # of published tables: with actuals, and while they are summed
SCALING_ROW = 150  # of outcomes that intervals are scaled by, while they are joined and split
HIERARCHY_COLUMNS = 4  # static columns of a row to learn from

Needs = dict[str, float]  # MB the process holds while it is at a step


@dataclass(frozen=True)
class Shape:
    """How much is read: series, days of history, rows of sales, rows of prices and covariates."""

    series: int
    days: int
    sales: int
    plans: int


def to_fit(shape: Shape, params: Params) -> Needs:
    """Fitting the global model on a frozen panel: the largest block's rows are held in full."""
    learning = _dense_panel(shape, params) + _rows_to_learn(params) + _bins(params)
    return to_draw(shape, params) | {"learning": learning}


def to_draw(shape: Shape, params: Params, share: float = 1.0) -> Needs:
    """Making a share of the rows that a fit learns from, from a panel or part of this shape."""
    dense, rows = _dense_panel(shape, params), share * _rows_to_learn(params)
    stepped = _cells(shape, params) * BROKEN_CELL / MB if params.train.break_share else 0.0
    pieces = PIECES_AT_ONCE * _piece(shape, params, math.ceil(share * params.train.max_rows))
    return {
        "building tables": dense + _building(shape, params),
        "making rows": dense + stepped + rows + pieces,
    }


def to_learn_from_parts(params: Params) -> Needs:
    """Fitting on rows that lie in files: as many as are put in order, or as are binned."""
    rows = _rows_to_learn(params)
    return {"learning": PROGRAM_MB + rows + max(rows / 2, _bins(params))}


def to_freeze(shape: Shape) -> Needs:
    """Reading a panel, or a range of its series, from the store, sorting and writing it."""
    return {"freezing": PROGRAM_MB + (shape.sales + shape.plans) * FROZEN_ROW / MB}


def to_forecast(shape: Shape, params: Params, horizon: int) -> Needs:
    """Forecasting all series from the store: read, made dense, predicted by pieces, written."""
    dense, rows = _dense_panel(shape, params), shape.series * horizon
    return {
        "reading": PROGRAM_MB + _panel(shape) + shape.sales * READ_ROW / MB,
        "building tables": dense + _building(shape, params),
        "forecasting": dense + _piece(shape, params, rows) + rows * FORECAST_ROW / MB,
    }


def to_backtest(shape: Shape, params: Params) -> Needs:
    """Fitting and forecasting at every cutoff, and scoring the rows of all of them."""
    backtest = params.evaluate.origins * shape.series * params.train.horizon * BACKTEST_ROW / MB
    fits = {step: mb + backtest for step, mb in to_fit(shape, params).items()}
    scoring = PROGRAM_MB + _panel(shape) + 2 * backtest + _past(shape)
    return {**fits, "scoring": scoring}


def to_backtest_part(shape: Shape, params: Params, share: float) -> Needs:
    """Of a part: drawing its share of the rows of a fit; one cutoff's rows, beside their window."""
    rows = shape.series * params.train.horizon
    held = _dense_panel(shape, params) + _past(shape) + rows * BACKTEST_ROW / MB
    return to_draw(shape, params, share) | {"forecasting": held + _piece(shape, params, rows)}


def to_score(shape: Shape, params: Params) -> Needs:
    """Putting a backtest in parts together: one cutoff's window and the means of one forecaster."""
    cells = shape.series * params.train.horizon
    return {"scoring": PROGRAM_MB + cells * SCORED_CELL / MB}


def to_look(shape: Shape, rows_of_series: int) -> Needs:
    """Looking at a panel and so many rows of published tables of each of its series."""
    tables = shape.series * (shape.days * LOOKED_CELL + rows_of_series * LOOKED_ROW) / MB
    return {"looking": PROGRAM_MB + _panel(shape) + tables}


def to_recalibrate(shape: Shape, judged_days: int) -> Needs:
    """Scaling intervals by the outcomes of single series, put together from parts."""
    rows = min(shape.series, MOST_SERIES) * judged_days
    return {"recalibrating": PROGRAM_MB + rows * SCALING_ROW / MB}


def _past(shape: Shape) -> float:
    return shape.series * shape.days * WINDOW_CELL / MB


def shape_of_card(card: dict[str, Any]) -> Shape:
    """The shape of a frozen panel, from its panel.json."""
    rows = {Path(name).stem: file["rows"] for name, file in card["files"].items()}
    days = (date.fromisoformat(card["last_day"]) - date.fromisoformat(card["first_day"])).days + 1
    return Shape(rows["series"], days, rows["sales"], rows["prices"] + rows["covariates"])


def _rows_to_learn(params: Params) -> float:
    return _most_rows(params) * _columns(params) * 4 / MB


def _bins(params: Params) -> float:
    """What LightGBM holds beside the rows: a sample of them first, then their bins."""
    sample = BINNING_ROWS * _columns(params) * 8 / MB
    return max(_most_rows(params) * (_columns(params) + TRAINED_ROW) / MB, sample)


def _most_rows(params: Params) -> float:
    return params.train.max_rows * (1 + params.train.break_share)


def _columns(params: Params) -> int:
    features = declared_features(params.features, params.train.horizon)
    return 1 + HIERARCHY_COLUMNS + len(features)


def _panel(shape: Shape) -> float:
    return (shape.sales + shape.plans) * FACT_ROW / MB


def _piece(shape: Shape, params: Params, rows: int) -> float:
    """What making these rows holds at once: a piece of work, or all of it where that is less."""
    parts = sum(
        len(feature.parts) for feature in declared_features(params.features, params.train.horizon)
    )
    return min(piece_mb(), (_cells(shape, params) + rows) * parts * 4 / MB)


def _dense_panel(shape: Shape, params: Params) -> float:
    cells = (TABLES + len(params.features.known_future) + len(params.features.past_only)) * 4 + 1
    return PROGRAM_MB + _panel(shape) + _cells(shape, params) * cells / MB


def _building(shape: Shape, params: Params) -> float:
    """What building the dense panel holds beside it."""
    scattered = min(shape.sales, ROWS_AT_ONCE) * SCATTERED_ROW
    return (scattered + _cells(shape, params) * SPARE_TABLES * 4) / MB


def _cells(shape: Shape, params: Params) -> int:
    """Series times days of a dense table."""
    return shape.series * (PADDING_DAYS + shape.days + params.train.horizon)
