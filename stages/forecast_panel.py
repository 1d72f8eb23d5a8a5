"""The offline forecast table: from the frozen panel, as files without a clock in them."""

from __future__ import annotations

from contract.params import Params
from contract.question import Question
from forecasting.champion import candidate_champion
from forecasting.publication import serving_of
from forecasting.table import forecast_table, summary_of_table
from runtime.command_line import Summary
from runtime.json_files import write_json
from runtime.paths import Paths
from storage.panel_files import read_frozen


def forecast_panel(params: Params, paths: Paths, question: Question) -> Summary:
    """The frozen panel and the candidate (if the gate let it pass) -> Parquet files in
    data/forecasts.
    """
    panel = read_frozen(paths.panel)
    panel = panel.as_known_at(question.as_of) if question.as_of else panel
    decision = paths.scores / "decision.json"
    champion = candidate_champion(paths.candidate, paths.incumbent, paths.backtest, decision)
    table = forecast_table(params, panel, serving_of(params, champion), question)
    paths.forecasts.mkdir(parents=True, exist_ok=True)
    table.rows.rechunk().write_parquet(paths.forecasts / "forecasts.parquet")
    table.levels.rechunk().write_parquet(paths.forecasts / "forecast_levels.parquet")
    table.spans.rechunk().write_parquet(paths.forecasts / "demand_spans.parquet")
    status = question.status(params.train.horizon, panel.last_day)
    write_json(paths.forecasts / "run.json", {**table.lineage, "status": status})
    return summary_of_table(table) | {"written": str(paths.forecasts)}
