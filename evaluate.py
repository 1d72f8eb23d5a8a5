"""Rolling-origin backtest of every forecaster -> scores, calibration, and the decision to promote
the candidate or not.

reads   data/panel/, data/truth/ (simulator only), data/models/ (candidate, incumbent), params.yaml:
source to inference
writes  data/backtest/forecasts.parquet, data/backtest/calibration.json, data/scores/ (scores,
leaderboard, tables, decision)
run     python evaluate.py [--memory-budget MB] [--json]
        python evaluate.py random-split                      what a random split would have claimed
        for the same model
        python evaluate.py incumbent                         the store's champion ->
        data/models/incumbent/, to compare with
        python evaluate.py rollback [MODEL_ID] --reason WHY  an earlier champion serves again
        (default: the one before)
"""

from __future__ import annotations

import json
import logging
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.params import Params
from contract.params_file import load_params
from queries.tasks import RANDOM_SPLIT
from runtime.command_line import Summary, Task, add_memory_budget, run_tasks
from runtime.json_files import write_json
from runtime.memory import refuse_beyond
from runtime.paths import Paths
from stages.evaluate_tasks import INCUMBENT, ROLLBACK

if TYPE_CHECKING:
    import polars as pl

log = logging.getLogger("evaluate")


def evaluate(params: Params, paths: Paths) -> Summary:
    """Backtest, score, calibrate and decide; everything written as files."""
    from contract.demand import demand_rules
    from features.plans import WHY_LEFT_OUT
    from forecasting.backtest import backtest, plan_of
    from forecasting.contenders import CANDIDATE, contenders
    from forecasting.footprint import shape_of_card, to_backtest
    from forecasting.gate import challenge_of, gate
    from forecasting.leaderboard import leaderboard_of
    from forecasting.scoring import calibration_json, score_backtest
    from storage.panel_files import read_card, read_frozen

    needs = to_backtest(shape_of_card(read_card(paths.panel)), params)
    log.info(
        "memory %s",
        refuse_beyond(needs, f"lower train.max_rows ({params.train.max_rows}) or evaluate.origins"),
    )
    panel = read_frozen(paths.panel)
    plan = plan_of(params, panel)
    if len(plan.cutoffs) < params.evaluate.origins:
        log.warning(
            "cutoffs=%d wanted=%d reason=short history", len(plan.cutoffs), params.evaluate.origins
        )

    forecasters = contenders(params, panel, _truth(params, paths))
    left_out = list(forecasters[CANDIDATE].feature_recipe.left_out)
    if left_out:
        log.warning("left_out=%s reason=%s", left_out, WHY_LEFT_OUT)
    challenge = challenge_of(paths.candidate, paths.incumbent, forecasters[CANDIDATE])
    forecasters |= challenge.recipes
    log.info(
        "incumbent=%s",
        challenge.incumbent.model_id if challenge.incumbent else f"none, {challenge.why_none}",
    )

    forecasts = backtest(panel, forecasters, plan, log.info)
    levels, bins = params.source.hierarchy, params.evaluate.calibration_bins
    scores, calibrations = score_backtest(
        panel, forecasts, list(forecasters), levels, bins, demand_rules(params)
    )
    decision = gate(challenge, params, panel, forecasts, scores, log.info)
    log.info("decided promote=%s reasons=%s", decision["promote"], decision["reasons"])

    _write_backtest(paths.backtest, forecasts, calibration_json(calibrations))
    _write_scores(paths.scores, scores, decision)
    _track(paths.scores / "live", scores)
    return {
        "cutoffs": [str(cutoff) for cutoff in plan.cutoffs],
        "left_out": left_out,
        "leaderboard": leaderboard_of(scores),
        "decision": decision,
        "scores": str(paths.scores),
    }


def _truth(params: Params, paths: Paths) -> pl.DataFrame | None:
    """The simulator's expected demand; None for any other source."""
    import polars as pl

    path = paths.truth / "truth.parquet"
    return pl.read_parquet(path) if params.source.kind == "simulator" and path.exists() else None


def _write_backtest(folder: Path, forecasts: pl.DataFrame, calibration: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    forecasts.rechunk().write_parquet(folder / "forecasts.parquet")
    (folder / "calibration.json").write_text(
        json.dumps(calibration, sort_keys=True) + "\n", encoding="utf-8"
    )


def _write_scores(folder: Path, scores: pl.DataFrame, decision: dict[str, Any]) -> None:
    from forecasting.leaderboard import by_level, by_slice, leaderboard_of

    folder.mkdir(parents=True, exist_ok=True)
    scores.rechunk().write_parquet(folder / "scores.parquet")
    by_level(scores).write_csv(folder / "by_level.csv")
    by_slice(scores).write_csv(folder / "by_slice.csv")
    write_json(folder / "leaderboard.json", leaderboard_of(scores))
    write_json(folder / "decision.json", decision)


def _track(folder: Path, scores: pl.DataFrame) -> None:
    """One step per cutoff for DVCLive, so that `dvc plots show` and `dvc exp show` compare
    experiments cutoff by cutoff.
    """
    from dvclive import Live

    headlines = scores.filter(level="average", slice="all", metric="wrmsse")
    with Live(str(folder), save_dvc_exp=False, report=None, dvcyaml=None) as live:
        for cutoff in headlines["cutoff"].unique().sort():
            for row in headlines.filter(cutoff=cutoff).iter_rows(named=True):
                live.log_metric(f"wrmsse/{row['model']}", round(row["value"], 5))
            live.next_step()


def _evaluate(arguments: Namespace) -> Summary:
    """Backtest every forecaster, score, calibrate, decide."""
    return evaluate(load_params(arguments.params), Paths(arguments.data))


def main(argv: list[str] | None = None) -> int:
    """The command line: the backtest, or the task that is named."""
    return run_tasks(
        __doc__, Task(_evaluate, add_memory_budget), [RANDOM_SPLIT, INCUMBENT, ROLLBACK], argv
    )


if __name__ == "__main__":
    sys.exit(main())
