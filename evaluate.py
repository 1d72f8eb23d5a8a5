"""DOOR: rolling-origin backtest of every forecaster -> scores, calibration, and the decision to promote the candidate or not.

reads   data/panel/, data/truth/ (simulator only), data/models/ (candidate, incumbent), params.yaml: source to inference
writes  data/backtest/forecasts.parquet, data/backtest/calibration.json, data/scores/ (scores, leaderboard, tables, decision)
run     python evaluate.py [--memory-budget MB] [--iid] [--json]
        python evaluate.py --incumbent                        the store's champion -> data/models/incumbent/, to be compared with
        python evaluate.py --rollback [MODEL_ID] --reason WHY    an earlier champion serves again (default: the one before)
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import BadUsage
from contract.memory import refuse_beyond
from contract.params import Params, load_params
from contract.places import Places
from contract.walk import Summary, clock, door_parser, read_json, walk, with_memory_budget
from desk.champions import name_incumbent, roll_back

if TYPE_CHECKING:
    import polars as pl

    from contract.panel import Panel
    from forecasting.challenge import Incumbent
    from forecasting.forecaster import Forecaster

log = logging.getLogger("evaluate")

BASELINE = "seasonal_naive"
CANDIDATE = "global_lightgbm"


def evaluate(params: Params, places: Places) -> Summary:
    """Backtest, score, calibrate and decide; everything written as files."""
    from forecasting.backtest import backtest, cutoffs_of
    from forecasting.challenge import CHAMPION, IS_CHAMPION, incumbent_in
    from forecasting.footprint import shape_of_card, to_backtest
    from forecasting.leaderboard import leaderboard_of
    from forecasting.promotion import IMPROVEMENT, reigning
    from forecasting.scoring import calibration_json, score_backtest
    from storage.panel_files import read_card, read_frozen

    needs = to_backtest(shape_of_card(read_card(places.panel)), params)
    log.info("memory %s", refuse_beyond(needs, f"lower train.max_rows ({params.train.max_rows}) or evaluate.origins"))
    panel = read_frozen(places.panel)
    forecasters = _forecasters(params, places, panel)
    incumbent, why_none = incumbent_in(places.incumbent, forecasters[CANDIDATE], _candidate_id(places))
    log.info("incumbent=%s", incumbent.model_id if incumbent else f"none, {why_none}")
    if incumbent and incumbent.rule == IMPROVEMENT:
        forecasters[CHAMPION] = incumbent.recipe
    cutoffs = cutoffs_of(panel, params.evaluate, params.train.horizon)
    if len(cutoffs) < params.evaluate.origins:
        log.warning("cutoffs=%d asked=%d reason=short history", len(cutoffs), params.evaluate.origins)
    told = backtest(
        panel,
        forecasters,
        BASELINE,
        cutoffs,
        params.train.horizon,
        params.evaluate.refit_every,
        params.inference,
        log.info,
        params.evaluate.as_of_hours,
        params.ingest.absent_means_zero,
    )
    scores, calibrations = score_backtest(
        panel,
        told,
        list(forecasters),
        params.source.hierarchy,
        params.evaluate.calibration_bins,
        params.ingest.absent_means_zero,
        params.features.max_stockout_share,
    )
    if why_none == IS_CHAMPION:
        decision = {"candidate": CANDIDATE, "incumbent": CHAMPION, **asdict(reigning())}
    else:
        decision = _decide(params, places, panel, told, scores, incumbent)
    _write_backtest(places.backtest, told, calibration_json(calibrations))
    _write_scores(places.scores, scores, decision)
    _track(places.scores / "live", scores)
    log.info("decided promote=%s reasons=%s", decision["promote"], decision["reasons"])
    return {
        "cutoffs": [str(cutoff) for cutoff in cutoffs],
        "left_out": list(forecasters[CANDIDATE].reading.left_out),
        "leaderboard": leaderboard_of(scores),
        "decision": decision,
        "scores": str(places.scores),
    }


def illusion(params: Params, places: Places) -> Summary:
    """What a random split would have claimed for the same model and data, beside the honest figure of the last cutoff."""
    from features.space import reading_of
    from forecasting.global_lightgbm import GlobalLightGBM
    from forecasting.iid import iid_against_temporal
    from storage.panel_files import read_frozen

    panel = read_frozen(places.panel)
    return iid_against_temporal(
        panel, lambda: GlobalLightGBM(params.train, reading_of(params, panel)), params.train.horizon
    )


def _forecasters(params: Params, places: Places, panel: Panel) -> dict[str, Forecaster]:
    from features.plans import WHY_LEFT_OUT
    from features.space import reading_of
    from forecasting.global_lightgbm import GlobalLightGBM
    from forecasting.oracle import Oracle
    from forecasting.seasonal_naive import baseline_of
    from forecasting.window_average import WindowAverage

    reading = reading_of(params, panel)
    if reading.left_out:
        log.warning("left_out=%s reason=%s", list(reading.left_out), WHY_LEFT_OUT)
    forecasters: dict[str, Any] = {
        BASELINE: baseline_of(params),
        CANDIDATE: GlobalLightGBM(params.train, reading),
        "window_average": WindowAverage(reading),
    }
    if params.train.groups.columns is not None:
        forecasters["grouped_average"] = WindowAverage(reading, params.train.groups)
    truth = places.truth / "truth.parquet"
    if params.source.kind == "simulator" and truth.exists():
        import polars as pl

        forecasters["oracle"] = Oracle(pl.read_parquet(truth))
    return forecasters


def _decide(
    params: Params, places: Places, panel: Panel, told: pl.DataFrame, scores: pl.DataFrame, incumbent: Incumbent | None
) -> dict[str, Any]:
    """The candidate against the champion, by the rule for its kind of challenge; against the baseline before there is one."""
    from forecasting.challenge import CHAMPION, refit_judged, tables_of
    from forecasting.leaderboard import conduct_of
    from forecasting.paired import losses_of
    from forecasting.promotion import IMPROVEMENT, NO_HARM, decide
    from forecasting.seasonal_naive import baseline_of

    horizon, zeros = params.train.horizon, params.ingest.absent_means_zero
    against, rule = (CHAMPION, incumbent.rule) if incumbent else (BASELINE, IMPROVEMENT)
    judged: pl.DataFrame | None = told
    if incumbent and rule == NO_HARM:
        hours = params.evaluate.as_of_hours
        judged = refit_judged(panel, incumbent, baseline_of(params), horizon, params.inference, log.info, hours, zeros)
    losses: list[Any] = [None, None]
    if judged is not None:
        models = [CANDIDATE, against]
        losses = losses_of(panel, judged, models, params.source.hierarchy, zeros, params.features.max_stockout_share)
    theirs = CANDIDATE if rule == NO_HARM else against  # a recipe's conduct is its own, however old its fit
    conduct = conduct_of(scores, CANDIDATE), conduct_of(scores, theirs, with_slices=incumbent is not None)
    tables = tables_of(places.candidate, incumbent, panel, horizon)
    live = _live_against(params, places) if incumbent and rule == IMPROVEMENT else []
    decision = decide(*losses, *conduct, params.evaluate.gate, params.train.seed, rule, tables, live)
    log.info("candidate's table forecast_s=%.1f churn=%s", tables.forecast_s, decision.churn)
    days = [] if judged is None else [str(day) for day in judged["cutoff"].unique().sort()]
    named = {"incumbent_id": incumbent.model_id if incumbent else None, "compared_from": days}
    return {"candidate": CANDIDATE, "incumbent": against, **asdict(decision), **named}


def _live_against(params: Params, places: Places) -> list[str]:
    """What the shadow of the candidate's recipe has against it."""
    from forecasting.bundle import CARD
    from forecasting.shadow import read_shadow, shadow_against

    card = places.candidate / CARD
    recipe = read_json(card)["params_hash"] if card.exists() else None
    return shadow_against(read_shadow(places.incumbent), recipe, params.evaluate.gate)


def _candidate_id(places: Places) -> str | None:
    """The trained candidate's name; None when only the recipe is there to be judged."""
    from forecasting.bundle import CARD

    card = places.candidate / CARD
    return read_json(card)["model_id"] if card.exists() else None


def _write_backtest(folder: Path, told: pl.DataFrame, calibration: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    told.rechunk().write_parquet(folder / "forecasts.parquet")
    (folder / "calibration.json").write_text(json.dumps(calibration, sort_keys=True) + "\n", encoding="utf-8")


def _write_scores(folder: Path, scores: pl.DataFrame, decision: dict[str, Any]) -> None:
    from forecasting.leaderboard import by_level, by_slice, leaderboard_of

    folder.mkdir(parents=True, exist_ok=True)
    scores.rechunk().write_parquet(folder / "scores.parquet")
    by_level(scores).write_csv(folder / "by_level.csv")
    by_slice(scores).write_csv(folder / "by_slice.csv")
    for name, value in (("leaderboard", leaderboard_of(scores)), ("decision", decision)):
        (folder / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def _track(folder: Path, scores: pl.DataFrame) -> None:
    """One step per cutoff for DVCLive, so that `dvc plots show` and `dvc exp show` compare experiments cutoff by cutoff."""
    from dvclive import Live

    headlines = scores.filter(level="average", slice="all", metric="wrmsse")
    with Live(str(folder), save_dvc_exp=False, report=None, dvcyaml=None) as live:
        for cutoff in headlines["cutoff"].unique().sort():
            for row in headlines.filter(cutoff=cutoff).iter_rows(named=True):
                live.log_metric(f"wrmsse/{row['model']}", round(row["value"], 5))
            live.next_step()


def main(argv: list[str] | None = None) -> int:
    """Parse, evaluate, say what was found."""
    parser = with_memory_budget(door_parser(__doc__))
    parser.add_argument(
        "--iid", action="store_true", help="measure what a random split would have claimed, write nothing"
    )

    parser.add_argument("--incumbent", action="store_true", help="the store's champion into the laboratory")
    parser.add_argument(
        "--rollback", nargs="?", const="", metavar="MODEL_ID", help="let an earlier champion serve again"
    )
    parser.add_argument("--reason", help="why, for the record (with --rollback)")

    def work(arguments) -> Summary:
        params, places = load_params(arguments.params), Places(arguments.data)
        if arguments.incumbent:
            return name_incumbent(params, places)
        if arguments.rollback is not None:
            if not arguments.reason:
                raise BadUsage("a rollback is recorded with its reason: add --reason 'what was wrong'.")
            return roll_back(params, places, model_id=arguments.rollback or None, reason=arguments.reason, now=clock())
        return illusion(params, places) if arguments.iid else evaluate(params, places)

    return walk(parser, work, argv)


if __name__ == "__main__":
    sys.exit(main())
