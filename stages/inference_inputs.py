"""What a forecast starts from: the champion that serves, and the panel it reads from the store."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from contract.feeds import FEED_COLUMN
from contract.panel import Panel
from contract.params import Params
from contract.question import NEWEST, Question
from forecasting.champion import Champion
from forecasting.footprint import Shape, to_forecast
from forecasting.ladder import who_serves
from forecasting.recalibration import with_interval_scale
from runtime.memory import budget_mb, machine_mb, refuse_beyond
from runtime.paths import Paths
from scaling.parts import most_parts, part_of_series
from storage.decisions import newest_interval_scale, serving_meanwhile
from storage.forecasts import latest_forecast_levels, latest_forecasts
from storage.models import in_line
from storage.panel import counts_since, last_sales_day, read_panel, read_tail, rows_by
from storage.series import read_series
from storage.store import Connection, read_store

log = logging.getLogger("inference")

# beyond what the champion reads: for what guards it and falls back for it, and for late feeds
SPARE_DAYS = 182
SHARE_OF_MACHINE = 0.5  # of its memory that one process may take, where nothing else is said


def serving_champion(params: Params, paths: Paths) -> Champion:
    """The newest champion that can be loaded; `reason` says if it is not the newest of all.

    Before the first promotion what the gate let serve meanwhile.
    """
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        models, meanwhile = in_line(con), serving_meanwhile(con)
    named = (meanwhile.model_id, meanwhile.method) if meanwhile else None
    champion = who_serves(paths.registry, models, paths.backtest, named)
    if why := champion.why_none:
        serves = champion.model_id
        log.warning("champion=%s serves=%s reason=%s", models[:1], serves, why)
    return champion


def decided_champion(con: Connection, champion: Champion, question: Question) -> Champion:
    """The champion with its intervals as decided."""
    decided = None
    if champion.model_id:
        decided = newest_interval_scale(con, champion.model_id, question.as_of)
    return with_interval_scale(champion, decided.detail if decided else None)


@dataclass(frozen=True)
class Reading:
    """Which days a forecast reads, in how many parts: unique_id, part; None: in one."""

    since: date | None
    parts: pl.DataFrame | None = None


def reading_of(con: Connection, params: Params, champion: Champion, question: Question) -> Reading:
    """All days for a question about an earlier state, else those the champion reads; parts as of
    `parts_for`.
    """
    last, since = last_sales_day(con), None
    if last is not None and not question.as_of and not question.origin:
        days_back = champion.model.days_back if champion.model else 0
        since = last - timedelta(days=SPARE_DAYS + days_back)
    shape = Shape(**counts_since(con, since))

    def stores() -> tuple[pl.DataFrame, dict[str, int]]:
        series = read_series(con)
        return series, rows_by(con, FEED_COLUMN, since) if FEED_COLUMN in series.columns else {}

    return Reading(since, parts_for(params, question, shape, stores))


def parts_for(
    params: Params,
    question: Question,
    shape: Shape,
    stores: Callable[[], tuple[pl.DataFrame, dict[str, int]]],
) -> pl.DataFrame | None:
    """unique_id, part: as few parts as memory holds, or as many as params say; None for one.

    `stores`: SERIES and how many rows each store has, read where there are parts. BadUsage where no
    number of them fits a budget.
    """
    horizon, wanted = question.horizon or params.train.horizon, params.scale.parts
    if why := _only_in_one(params, question, shape):
        if isinstance(wanted, int) and wanted > 1:
            log.warning("parts=1 reason=%s", why)
        wanted = 1
    needs = to_forecast(shape, params, horizon)
    if wanted == 1 or (wanted == "auto" and max(needs.values()) <= _most_mb(params)):
        log.info("memory %s", refuse_beyond(needs, _WAY_OUT))
        return None
    series, rows = stores()
    if wanted == "auto":
        parts = _fewest_that_fit(series, rows, shape, params, horizon)
    else:
        parts = part_of_series(series, rows, min(wanted, most_parts(series)))
    largest = max(to_forecast(_largest(parts, shape), params, horizon).values())
    count = parts["part"].n_unique()
    log.info("parts=%d memory %s", count, refuse_beyond({"the largest part": largest}, _WAY_OUT))
    return parts if count > 1 else None


_WAY_OUT = "give each group of stores a data folder of its own"


def _only_in_one(params: Params, question: Question, shape: Shape) -> str | None:
    """Why a question cannot be worked on in parts; None where it can."""
    if question.as_of is not None:
        return "a look back reads every version"
    if params.train.strategy == "recursive":
        return "each pass of train.strategy recursive reads the one before"
    return "there is no sale" if shape.sales == 0 else None


def _most_mb(params: Params) -> float:
    """What a process may hold: said in params or as a budget, or half of the machine."""
    said = params.scale.memory_mb or budget_mb()
    return said or (machine_mb() or math.inf) * SHARE_OF_MACHINE


def _fewest_that_fit(
    series: pl.DataFrame, rows: dict[str, int], shape: Shape, params: Params, horizon: int
) -> pl.DataFrame:
    """Parts the largest of which fits; as many as there can be where none does."""
    count, most = 1, most_parts(series)
    while True:
        parts = part_of_series(series, rows, count)
        needs = to_forecast(_largest(parts, shape), params, horizon)
        if count == most or max(needs.values()) <= _most_mb(params):
            return parts
        count += 1


def _largest(parts: pl.DataFrame, shape: Shape) -> Shape:
    """The shape of the part that has most series."""
    series = int(parts.group_by("part").len()["len"].max())  # type: ignore[arg-type]
    share = series / max(shape.series, 1)
    return Shape(series, shape.days, math.ceil(shape.sales * share), math.ceil(shape.plans * share))


def read_whole(con: Connection, params: Params, reading: Reading, question: Question) -> Panel:
    """The store's panel, in one."""
    if reading.since is None:
        return read_panel(con, question.as_of)
    return read_tail(con, reading.since, params.features.max_stockout_share)


def last_table(con: Connection, question: Question) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """The rows and levels that go out again where there is no sale to forecast from."""
    if question != NEWEST:
        return None
    return latest_forecasts(con), latest_forecast_levels(con)
