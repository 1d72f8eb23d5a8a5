"""Rolling-origin backtest of every forecaster -> scores, calibration, and the decision to promote
the candidate or not.

reads   data/panel/, data/truth/ (simulator only), data/models/ (candidate, incumbent), params.yaml:
        source to inference
writes  data/backtest/forecasts.parquet, data/backtest/calibration.json, data/scores/ (scores,
        leaderboard, tables, decision)
run     python evaluate.py [--parts N] [--on ENGINE] [--memory-budget MB] [--dry-run] [--json]
        python evaluate.py choose            which recipe this panel wants, on older cutoffs ->
                                             data/models/recipe.json, which train.py takes
        python evaluate.py random-split      what a random split would have claimed for the same
                                             model
        python evaluate.py incumbent         the store's champion -> data/models/incumbent/, to
                                             compare with
        python evaluate.py rollback [MODEL_ID] --reason WHY
                                             an earlier champion serves again (default: the one
                                             before)
"""

from __future__ import annotations

import json
import logging
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from queries.tasks import RANDOM_SPLIT
from runtime.command_line import Summary, Task, add_memory_budget, run_tasks
from runtime.json_files import write_json
from stages.arguments import add_scale, params_and_paths
from stages.evaluate_tasks import CHOOSE, INCUMBENT, ROLLBACK

if TYPE_CHECKING:
    import polars as pl

    from contract.params import Params
    from forecasting.backtested import Backtested
    from runtime.paths import Paths

log = logging.getLogger("evaluate")


def evaluate(params: Params, paths: Paths) -> Summary:
    """Backtest, score, calibrate and decide; everything written as files."""
    from forecasting.gate import gate
    from forecasting.leaderboard import leaderboard_of
    from forecasting.scoring import calibration_json, score
    from stages.contest import contest_of

    with contest_of(params, paths) as contest:
        trials, plan, forecasters = contest.trials, contest.plan, contest.forecasters
        backtest = trials.backtest(forecasters, plan, log.info)
        bins = params.evaluate.calibration_bins
        scores, calibrations = score(backtest, list(forecasters), bins)
        decision = gate(contest.challenge, params, trials, backtest, scores, log.info)
        _write_backtest(paths.backtest, backtest, calibration_json(calibrations))
    _write_scores(paths.scores, scores, decision)
    _track(paths.scores / "live", scores)
    log.info("decided promote=%s reasons=%s", decision["promote"], decision["reasons"])
    return {
        "cutoffs": [str(cutoff) for cutoff in plan.cutoffs],
        "left_out": contest.left_out,
        "leaderboard": leaderboard_of(scores),
        "decision": decision,
        "scores": str(paths.scores),
    }


def _write_backtest(folder: Path, backtest: Backtested, calibration: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    backtest.write(folder / "forecasts.parquet")
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
    from stages.contest import would_evaluate

    work = would_evaluate if arguments.dry_run else evaluate
    return work(*params_and_paths(arguments))


def _arguments(parser: ArgumentParser) -> None:
    add_memory_budget(parser)
    add_scale(parser)
    text = "check panel, cutoffs and models; backtest and write nothing"
    parser.add_argument("--dry-run", action="store_true", help=text)


def main(argv: list[str] | None = None) -> int:
    """The command line: the backtest, or the task that is named."""
    tasks = [CHOOSE, RANDOM_SPLIT, INCUMBENT, ROLLBACK]
    return run_tasks(__doc__, Task(_evaluate, _arguments), tasks, argv)


if __name__ == "__main__":
    sys.exit(main())
