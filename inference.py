"""DOOR: the champion and the panel at an origin -> the forecast table, mean and quantiles, every series and level.

reads   the store as of --as-of (default: latest) and its champion; with --from-panel data/panel/ and the candidate
writes  forecasts, forecast_levels and runs in the store; with --from-panel data/forecasts/*.parquet and run.json
run     python inference.py [--origin 2016-05-22] [--horizon 28] [--as-of 2016-05-23T06:00] [--series 'FOODS_3_*'] [--memory-budget MB]
        python inference.py explain --series FOODS_3_090_CA_1 --ds 2016-05-28    one number back to data, model and code
        python inference.py changes | export [--form csv] | models | snapshot    since the last table; to take along; the registry
        python inference.py --publish    the laboratory's newest forecasts, model and scores -> the store
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from contract.agreement import furthest_day
from contract.days import parse_day, parse_moment
from contract.errors import BadUsage
from contract.memory import forget_peak, peak_mb, refuse_beyond
from contract.params import Params, load_params
from contract.places import Places
from contract.question import NEWEST, Question
from contract.walk import Summary, clock, door_parser, git_commit, read_json, walk, with_memory_budget

if TYPE_CHECKING:
    import polars as pl

    from contract.panel import Panel
    from forecasting.answering import Answer
    from forecasting.champion import Champion

log = logging.getLogger("inference")

SPARE_DAYS = 182  # beyond what the champion reads: for what guards it and stands in for it, and for late feeds
AT_THE_DESK = ("explain", "changes", "export", "models", "snapshot")  # about what was published; see desk/asked.py


def infer(params: Params, places: Places, *, now: datetime, question: Question = NEWEST) -> Summary:
    """The factory: the store's panel and champion -> forecasts and their run, written to the store in one transaction."""
    from desk.shadowing import cast_shadow
    from forecasting.answering import answer, repeat
    from forecasting.ladder import who_serves
    from forecasting.recalibration import with_stretch
    from forecasting.served import keep_served, watch_serving
    from storage.decisions import newest_stretch
    from storage.forecasts import publish as write_forecasts
    from storage.models import in_line
    from storage.runs import Run
    from storage.store import open_store

    forget_peak()
    with open_store(places.store, params.ingest.lock_wait_s) as con:
        models = in_line(con)
    champion, stand_in = who_serves(places.registry, models, places.backtest)
    if champion.why_none:
        log.warning("champion=%s serves=%s reason=%s", models[:1], champion.model_id, champion.why_none)
    with open_store(places.store, params.ingest.lock_wait_s) as con:
        decided = newest_stretch(con, champion.model_id, question.as_of) if champion.model_id else None
        champion = with_stretch(champion, decided.told if decided else None)
        panel = _read(con, params, champion, question)
        last = _last_published(con) if panel.sales.is_empty() and question == NEWEST else None
    watch_serving(champion.model, panel, params.monitor.parity_series)
    asked = (params, panel, champion, question, stand_in)
    answered = answer(*asked) if last is None else repeat(params, panel, last, now.date())
    status = question.status(params.train.horizon, panel.last_day if last is None else None)
    if status == "done":
        keep_served(champion.model, places.served, answered.run_id)
    took = {"started_at": now, "ended_at": clock(), "peak_mb": peak_mb()}
    run = Run(**answered.lineage, **took, status=status, git_commit=git_commit())
    with open_store(places.store, params.ingest.lock_wait_s) as con:
        write_forecasts(con, run, answered.rows.with_columns(created_at=now), answered.levels)
    if status == "done" and last is None:
        cast_shadow(params, places, panel, answered.rows["origin"][0], now)
    return _summary(answered, str(places.store))


def infer_from_panel(params: Params, places: Places, question: Question = NEWEST) -> Summary:
    """The laboratory: the frozen panel and the candidate (if the gate let it pass) -> Parquet files, no clock in them."""
    from forecasting.answering import answer
    from forecasting.champion import candidate_champion
    from storage.panel_files import read_frozen

    panel = read_frozen(places.panel)
    panel = panel.as_known_at(question.as_of) if question.as_of else panel
    decision = places.scores / "decision.json"
    champion = candidate_champion(places.candidate, places.incumbent, places.backtest, decision)
    answered = answer(params, panel, champion, question)
    places.forecasts.mkdir(parents=True, exist_ok=True)
    answered.rows.rechunk().write_parquet(places.forecasts / "forecasts.parquet")
    answered.levels.rechunk().write_parquet(places.forecasts / "forecast_levels.parquet")
    status = question.status(params.train.horizon, panel.last_day)
    told = json.dumps({**answered.lineage, "status": status}, indent=1, default=str)
    (places.forecasts / "run.json").write_text(told + "\n", encoding="utf-8")
    return _summary(answered, str(places.forecasts))


def publish(params: Params, places: Places, *, now: datetime) -> Summary:
    """The laboratory's newest result into the store, in one transaction: model, scores, forecasts, their run, the promotion.

    Twice changes nothing. The model's bundle is in the registry before the store names it.
    """
    import polars as pl

    from forecasting.champion import enter_registry
    from reports.tables import leaderboard_table
    from storage.laboratory import publish_laboratory
    from storage.models import Model
    from storage.runs import Run
    from storage.store import open_store

    forget_peak()
    lineage, decision = read_json(places.forecasts / "run.json"), read_json(places.scores / "decision.json")
    card = enter_registry(places.candidate, places.backtest, places.registry)
    described = {name: card[name] for name in ("model_id", "kind", "panel_hash", "params_hash")}
    model = Model(**described, cutoff=date.fromisoformat(card["cutoff"]), card=json.dumps(card), created_at=now)
    frames = {name: pl.read_parquet(places.forecasts / f"{name}.parquet") for name in ("forecasts", "forecast_levels")}
    frames |= {"scores": pl.read_parquet(places.scores / "scores.parquet")}
    frames["forecasts"] = forecasts = frames["forecasts"].with_columns(created_at=now)
    run = Run(**lineage, started_at=now, ended_at=clock(), git_commit=git_commit(), peak_mb=peak_mb())
    with open_store(places.store, params.ingest.lock_wait_s) as con:
        why = "; ".join(decision["reasons"])
        publish_laboratory(con, model, run, frames, is_promoted=decision["promote"], reason=why)
    log.info("published run_id=%s model_id=%s promoted=%s", run.run_id, model.model_id, decision["promote"])
    table = (
        f"table forecasts in {places.store}: {forecasts.height} rows from {forecasts['origin'][0]}, run {run.run_id}"
    )
    return {
        "leaderboard": leaderboard_table(read_json(places.scores / "leaderboard.json")),
        "champion": model.model_id if decision["promote"] else f"none: {'; '.join(decision['reasons'])}",
        "forecasts": table,
        "report": places.reports / "index.html",
    }


def _read(con: Any, params: Params, champion: Champion, question: Question) -> Panel:
    """The store's panel: all of it for a question about an earlier state, else the days the champion reads."""
    from forecasting.footprint import Shape, to_forecast
    from storage.panel import counts_since, last_sales_day, read_panel, read_tail

    last = last_sales_day(con)
    days = SPARE_DAYS + (champion.model.days_back if champion.model else 0)
    since = None if last is None or question.as_of or question.origin else last - timedelta(days=days)
    needs = to_forecast(Shape(**counts_since(con, since)), params, question.horizon or params.train.horizon)
    log.info("memory %s", refuse_beyond(needs, "give each group of stores a data folder of its own"))
    if since is None:
        return read_panel(con, question.as_of)
    return read_tail(con, since, params.features.max_stockout_share)


def _last_published(con: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The newest whole table and its levels, as they went out."""
    from storage.forecasts import latest_forecast_levels, latest_forecasts

    return latest_forecasts(con), latest_forecast_levels(con)


def _summary(answered: Answer, where: str) -> Summary:
    rows = answered.rows
    fallback = rows.filter(rows["reason"].is_not_null())
    log.info("forecast run_id=%s rows=%d fallback=%d", answered.run_id, rows.height, fallback.height)
    if answered.levels_left_out:
        log.warning("levels_left_out=%s reason=no calibration, train and evaluate again", answered.levels_left_out)
    counts = fallback.group_by("method", "reason").len().sort("method", "reason").rows()
    return {
        **answered.lineage,
        "origin": rows["origin"][0],
        "series": rows["unique_id"].n_unique(),
        "rows": rows.height,
        "units": round(rows["y_hat"].sum(), 1),
        "fallback_rows": {f"{method}: {reason}": count for method, reason, count in counts},
        "level_rows": answered.levels.height,
        "levels_left_out": list(answered.levels_left_out),
        "written": where,
    }


def main(argv: list[str] | None = None) -> int:
    """Parse, answer the question, say what was published."""
    asked = sys.argv[1:] if argv is None else argv
    if asked and asked[0] in AT_THE_DESK:
        return _at_the_desk(asked)
    parser = with_memory_budget(door_parser(__doc__))
    parser.add_argument("--origin", help="last day known (YYYY-MM-DD; default: the newest sales day)")
    parser.add_argument("--horizon", type=int, help="days ahead (default: train.horizon)")
    parser.add_argument("--as-of", help="read the data as it was known at this moment (ISO 8601)")
    parser.add_argument("--series", help="only series matching this glob")
    parser.add_argument("--from-panel", action="store_true", help="laboratory: frozen panel and candidate, files out")
    parser.add_argument("--publish", action="store_true", help="put the laboratory's newest result into the store")

    def work(arguments) -> Summary:
        params, places = load_params(arguments.params), Places(arguments.data)
        if arguments.publish:
            return publish(params, places, now=clock())
        question = _question(arguments, furthest_day(params))
        if arguments.from_panel:
            return infer_from_panel(params, places, question)
        return infer(params, places, now=clock(), question=question)

    return walk(parser, work, argv)


def _at_the_desk(asked: list[str]) -> int:
    from desk.asked import answer
    from reports.tables import text_table

    return answer(asked, text_table)


def _question(arguments: Any, furthest: int) -> Question:
    if arguments.horizon is not None and not 1 <= arguments.horizon <= furthest:
        raise BadUsage(f"--horizon {arguments.horizon} is no count of days to forecast. Give 1 to {furthest}.")
    return Question(
        origin=parse_day(arguments.origin) if arguments.origin else None,
        horizon=arguments.horizon,
        as_of=parse_moment(arguments.as_of) if arguments.as_of else None,
        series=arguments.series,
    )


if __name__ == "__main__":
    sys.exit(main())
