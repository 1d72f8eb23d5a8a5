"""The frozen panel up to a cutoff -> a fitted global forecaster and its model card, the candidate.

reads   data/panel/ (frozen Parquet), data/models/recipe.json, params.yaml: source, ingest,
        features, train, evaluate.choose
writes  data/models/candidate/ (LightGBM text per block, card.json);
        `profile` data/features/profile.json
run     python train.py [--cutoff 2016-04-24] [--parts N] [--on ENGINE] [--memory-budget MB]
                        [--dry-run] [--json]
        python train.py profile      what the features look like at the panel's end; in parts too
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
from stages.arguments import add_scale, params_and_paths

if TYPE_CHECKING:
    from contract.params import Params
    from runtime.paths import Paths

log = logging.getLogger("train")


def train(params: Params, paths: Paths, *, cutoff: date | None = None) -> Summary:
    """Fit the candidate on the panel up to `cutoff` (default: all of it) and replace the candidate
    bundle by it.
    """
    from forecasting.bundle import save_bundle
    from forecasting.choice import choice_in, with_choice
    from stages.fit import fit
    from storage.panel_files import read_card

    panel_hash = read_card(paths.panel)["hash"]
    model = fit(with_choice(params, paths.recipe), paths, cutoff)
    made = paths.candidate.with_name(f".{paths.candidate.name}")  # a full disk leaves the old one
    shutil.rmtree(made, ignore_errors=True)
    card = save_bundle(model, made, panel_hash, choice_in(paths.recipe))
    shutil.rmtree(paths.candidate, ignore_errors=True)
    made.rename(paths.candidate)
    log.info("trained model_id=%s rows=%s", card["model_id"], card["rows_used"])
    return {
        "model_id": card["model_id"],
        "cutoff": card["cutoff"],
        "rows_used": card["rows_used"],
        "features": len(card["columns"]),
        "left_out": list(model.feature_recipe.left_out),
        "plan_reach": model.plan_reach,
        "panel_hash": panel_hash,
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


def _in_parts(parser: ArgumentParser) -> None:
    add_memory_budget(parser)
    add_scale(parser)


def _arguments(parser: ArgumentParser) -> None:
    _in_parts(parser)
    parser.add_argument(
        "--cutoff", help="last day the model may see (YYYY-MM-DD; default: the panel's last)"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="check params and panel, fit nothing"
    )


def main(argv: list[str] | None = None) -> int:
    """The command line: fit the candidate, or describe the features."""
    return run_tasks(
        __doc__, Task(_train, _arguments), [Task(_profile, _in_parts, "profile")], argv
    )


if __name__ == "__main__":
    sys.exit(main())
