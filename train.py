"""The frozen panel up to a cutoff -> a fitted global forecaster and its model card, the candidate.

reads   data/panel/ (frozen Parquet), data/models/recipe.json, params.yaml: source, ingest,
        features, train, evaluate.choose
writes  data/models/candidate/ (LightGBM text per block, card.json);
        `profile` data/features/profile.json
run     python train.py [--cutoff 2016-04-24] [--memory-budget MB] [--dry-run] [--json]
        python train.py profile      what the features look like at the panel's end
"""

from __future__ import annotations

import logging
import shutil
import sys
from argparse import ArgumentParser, Namespace
from datetime import date
from typing import TYPE_CHECKING

from contract.days import parse_day
from runtime.command_line import Summary, Task, add_memory_budget, run_tasks
from runtime.memory import refuse_beyond
from stages.arguments import params_and_paths

if TYPE_CHECKING:
    from contract.params import Params
    from runtime.paths import Paths

log = logging.getLogger("train")


def train(params: Params, paths: Paths, *, cutoff: date | None = None) -> Summary:
    """Fit the candidate on the panel up to `cutoff` (default: all of it) and replace the candidate
    bundle by it.
    """
    from features.days_off import WHY_WITHOUT_ROWS, days_without_rows
    from features.dense_panel import feature_recipe_of
    from features.older_totals import WHY_UNUSED, unused_scopes
    from features.reach import WHY_LEFT_OUT, short_plans
    from forecasting.bundle import save_bundle
    from forecasting.choice import choice_in, with_choice
    from forecasting.footprint import shape_of_card, to_fit
    from forecasting.global_lightgbm import GlobalLightGBM
    from storage.panel_files import read_card, read_frozen

    params = with_choice(params, paths.recipe)
    needs = to_fit(shape_of_card(read_card(paths.panel)), params)
    log.info("memory %s", refuse_beyond(needs, f"lower train.max_rows ({params.train.max_rows})"))
    panel = read_frozen(paths.panel)
    panel = panel if cutoff is None else panel.up_to(cutoff)
    size = panel.series.height, panel.sales.height
    log.info("fitting cutoff=%s series=%d sales=%d", panel.last_day, *size)
    recipe = feature_recipe_of(params, panel)
    if recipe.left_out:
        log.warning("left_out=%s reason=%s", list(recipe.left_out), WHY_LEFT_OUT)
    if short := short_plans(recipe.features, panel, params.train.horizon):
        log.warning("plans_end_after_days=%s horizon=%d", short, params.train.horizon)
    if missing := days_without_rows(panel):
        newest = [str(day) for day in missing[-3:]]
        log.warning("days_without_rows=%d newest=%s %s", len(missing), newest, WHY_WITHOUT_ROWS)
    if unused := unused_scopes(panel, params.train.groups.columns, params.train.horizon):
        log.warning("totals_unused=%d such_as=%s %s", len(unused), unused[:2], WHY_UNUSED)
    model = GlobalLightGBM(params.train, recipe).fit(panel)
    shutil.rmtree(paths.candidate, ignore_errors=True)
    card = save_bundle(model, paths.candidate, panel.hash, choice_in(paths.recipe))
    log.info("trained model_id=%s rows=%s", card["model_id"], card["rows_used"])
    return {
        "model_id": card["model_id"],
        "cutoff": card["cutoff"],
        "rows_used": card["rows_used"],
        "features": len(card["columns"]),
        "left_out": list(recipe.left_out),
        "plan_reach": model.plan_reach,
        "panel_hash": panel.hash,
        "bundle": str(paths.candidate),
    }


def _train(arguments: Namespace) -> Summary:
    """Fit the candidate on the frozen panel."""
    params, paths = params_and_paths(arguments)
    if arguments.dry_run:
        return _would_train(paths)
    return train(params, paths, cutoff=parse_day(arguments.cutoff) if arguments.cutoff else None)


def _would_train(paths: Paths) -> Summary:
    from storage.panel_files import read_frozen

    panel = read_frozen(paths.panel)
    return {
        "would_fit": f"{panel.series.height} series, {panel.first_day} to {panel.last_day}",
        "would_write": str(paths.candidate),
    }


def _profile(arguments: Namespace) -> Summary:
    """Describe the features at the panel's end: range, mean and share of unknowns of each."""
    from stages.profile_features import profile_features

    return profile_features(*params_and_paths(arguments))


def _arguments(parser: ArgumentParser) -> None:
    add_memory_budget(parser)
    parser.add_argument(
        "--cutoff", help="last day the model may see (YYYY-MM-DD; default: the panel's last)"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="check params and panel, fit nothing"
    )


def main(argv: list[str] | None = None) -> int:
    """The command line: fit the candidate, or describe the features."""
    return run_tasks(__doc__, Task(_train, _arguments), [Task(_profile, name="profile")], argv)


if __name__ == "__main__":
    sys.exit(main())
