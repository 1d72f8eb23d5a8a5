"""The demand of any days together, at any service, by the newest table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from contract.demand import demand_rules
from contract.errors import BadUsage, SourceMissing
from contract.levels import SERIES_LEVEL
from contract.params import Params
from contract.quantiles import LEAST_LEVEL, MOST_LEVEL, QUANTILES, quantiles_at
from forecasting.dispersion import DISPERSION_DAYS
from forecasting.publication import dispersion_of_table
from forecasting.shapes import shapes_of
from forecasting.span_table import level_spans, series_spans
from runtime.command_line import Summary
from runtime.paths import Paths
from storage.decisions import interval_scale_of
from storage.forecasts import forecasts_of, latest_forecast_levels, needed_run
from storage.panel import read_tail
from storage.store import read_store


@dataclass(frozen=True)
class SpanQuestion:
    """Of whom, for which days (both included), at which probability of sufficing.

    `level` None: `key` is a series; else a group of that level, as in forecast_levels.
    """

    key: str
    level: str | None
    first: date
    last: date
    service: float


def demand_of_span(params: Params, paths: Paths, question: SpanQuestion) -> Summary:
    """Mean, quantiles, and the units that suffice with the probability wanted.

    BadUsage for days or a service the table knows nothing of; SourceMissing for an unknown key.
    """
    if not LEAST_LEVEL <= question.service <= MOST_LEVEL:
        raise BadUsage(
            f"--service {question.service} is outside {LEAST_LEVEL} to {MOST_LEVEL}: nothing is "
            "known of rarer outcomes."
        )
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        run, origin = needed_run(con, "ask")
        forecasts, levels = forecasts_of(con, run.run_id), latest_forecast_levels(con)
        scale = interval_scale_of(con, run)
        since = origin - timedelta(days=DISPERSION_DAYS)
        panel = read_tail(con, since, params.features.max_stockout_share)
    window = _window(question, origin, int(forecasts["h"].max()))  # type: ignore[arg-type]
    shapes = shapes_of(forecasts, run.model_id, scale, paths.registry, paths.backtest)
    if question.level is None:
        _refuse_unknown(question, forecasts["unique_id"])
        wanted = pl.DataFrame(
            {"key": [question.key], "from_h": [window[0]], "to_h": [window[1]]},
            schema_overrides={"from_h": pl.Int32, "to_h": pl.Int32},
        )
        dispersion = dispersion_of_table(panel, origin, demand_rules(params))
        spans = series_spans(forecasts, wanted, dispersion, shapes)
    else:
        group = levels.filter(level=question.level, group_key=question.key)
        _refuse_unknown(question, group["group_key"])
        spans = level_spans(group, [window], shapes.main)
    return _result(question, run.run_id, origin, spans)


def _window(question: SpanQuestion, origin: date, horizon: int) -> tuple[int, int]:
    from_h, to_h = ((day - origin).days for day in (question.first, question.last))
    if not 1 <= from_h <= to_h <= horizon:
        first, last = origin + timedelta(days=1), origin + timedelta(days=horizon)
        raise BadUsage(
            f"{question.first} to {question.last} are no days of the newest table, which holds "
            f"{first} to {last}. Ask within them, first day first; train.horizon makes tables "
            "longer."
        )
    return from_h, to_h


def _refuse_unknown(question: SpanQuestion, keys: pl.Series) -> None:
    if question.key not in keys:
        what = f"group of level '{question.level}'" if question.level else "series"
        raise SourceMissing(
            f"the newest table has no {what} '{question.key}'. Names as in its key: see "
            "`python inference.py export`."
        )


def _result(question: SpanQuestion, run_id: str, origin: date, spans: pl.DataFrame) -> Summary:
    row = spans.row(0, named=True)
    quantiles = np.array([[row[name] for name in QUANTILES]])
    return {
        "run_id": run_id,
        "origin": origin,
        "level": question.level or SERIES_LEVEL,
        "key": question.key,
        "from": question.first,
        "to": question.last,
        "mean": round(row["mean"], 3),
        "service": question.service,
        "suffices": round(float(quantiles_at(quantiles, np.array([question.service]))[0]), 3),
        **{name: round(row[name], 3) for name in QUANTILES},
    }
