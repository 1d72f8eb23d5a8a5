"""The offline forecast table: from the frozen panel, as files without a clock in them."""

from __future__ import annotations

import polars as pl

from contract.params import Params
from contract.question import Question
from forecasting.champion import Champion, candidate_champion
from forecasting.footprint import shape_of_card
from forecasting.publication import serving_of
from forecasting.table import forecast_table, summary_of_table
from runtime.command_line import Summary
from runtime.json_files import write_json
from runtime.paths import Paths
from stages.frozen_parts import frozen_parts, stores_of
from stages.parts_wanted import job_of_forecast, parts_for
from stages.table_in_parts import table_in_parts
from storage.panel_files import read_card, read_frozen

FORECASTS, LEVELS, SPANS = "forecasts.parquet", "forecast_levels.parquet", "demand_spans.parquet"


def forecast_panel(params: Params, paths: Paths, question: Question) -> Summary:
    """The frozen panel and the candidate (if the gate let it pass) -> Parquet files in
    data/forecasts.
    """
    shape = shape_of_card(dict(read_card(paths.panel)))
    decision = paths.scores / "decision.json"
    champion = candidate_champion(paths.candidate, paths.incumbent, paths.backtest, decision)
    paths.forecasts.mkdir(parents=True, exist_ok=True)
    job = job_of_forecast(params, champion, question, shape)
    parts = parts_for(params, job, shape, lambda: stores_of(paths))
    if parts is not None:
        return _in_parts(params, paths, champion, question, parts)
    panel = read_frozen(paths.panel)
    panel = panel.as_known_at(question.as_of) if question.as_of else panel
    table = forecast_table(params, panel, serving_of(params, champion), question)
    table.rows.rechunk().write_parquet(paths.forecasts / FORECASTS)
    table.levels.rechunk().write_parquet(paths.forecasts / LEVELS)
    table.spans.rechunk().write_parquet(paths.forecasts / SPANS)
    status = question.status(params.train.horizon, panel.last_day)
    write_json(paths.forecasts / "run.json", {**table.lineage, "status": status})
    return summary_of_table(table) | {"written": str(paths.forecasts)}


def _in_parts(
    params: Params, paths: Paths, champion: Champion, question: Question, parts: pl.DataFrame
) -> Summary:
    """The same files, a part at a time."""
    with frozen_parts(params, paths, parts) as (files, engine):
        table = table_in_parts(params, champion, files, question, engine)
        table.lazy_rows.sort("unique_id", "ds").sink_parquet(paths.forecasts / FORECASTS)
        table.levels.rechunk().write_parquet(paths.forecasts / LEVELS)
        of_series = table.spans_of_series.sort("key", "from_h", "to_h")
        spans = pl.concat([of_series, table.spans_of_levels.lazy()])
        spans.sink_parquet(paths.forecasts / SPANS)
        newest = files.outline().last_day
        status = question.status(params.train.horizon, newest)
        write_json(paths.forecasts / "run.json", {**table.work.lineage, "status": status})
        return table.summary | {"parts": files.count, "written": str(paths.forecasts)}
