"""DOOR: the frozen panel up to a cutoff -> a fitted global forecaster and its model card, the candidate.

reads   data/panel/ (frozen Parquet), params.yaml: source, ingest, features, train
writes  data/models/candidate/ (LightGBM text per block, card.json); with --profile data/features/profile.json
run     python train.py [--cutoff 2016-04-24] [--memory-budget MB] [--profile] [--json]
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from datetime import date

from contract.days import parse_day
from contract.memory import refuse_beyond
from contract.params import Params, load_params
from contract.places import Places
from contract.walk import Summary, door_parser, walk, with_memory_budget

log = logging.getLogger("train")

PROFILE_ROWS = 200_000  # enough for three digits of every range and share


def train(params: Params, places: Places, *, cutoff: date | None = None) -> Summary:
    """Fit the candidate on the panel up to `cutoff` (default: all of it) and replace the candidate bundle by it."""
    from features.plans import WHY_LEFT_OUT
    from features.space import reading_of
    from forecasting.bundle import save_bundle
    from forecasting.footprint import shape_of_card, to_fit
    from forecasting.global_lightgbm import GlobalLightGBM
    from storage.panel_files import read_card, read_frozen

    needs = to_fit(shape_of_card(read_card(places.panel)), params)
    log.info("memory %s", refuse_beyond(needs, f"lower train.max_rows ({params.train.max_rows})"))
    panel = read_frozen(places.panel)
    panel = panel if cutoff is None else panel.up_to(cutoff)
    log.info("fitting cutoff=%s series=%d sales=%d", panel.last_day, panel.series.height, panel.sales.height)
    reading = reading_of(params, panel)
    if reading.left_out:
        log.warning("left_out=%s reason=%s", list(reading.left_out), WHY_LEFT_OUT)
    model = GlobalLightGBM(params.train, reading).fit(panel)
    shutil.rmtree(places.candidate, ignore_errors=True)
    card = save_bundle(model, places.candidate, panel.hash)
    log.info("trained model_id=%s rows=%s", card["model_id"], card["rows_used"])
    return {
        "model_id": card["model_id"],
        "cutoff": card["cutoff"],
        "rows_used": card["rows_used"],
        "features": len(card["columns"]),
        "left_out": list(reading.left_out),
        "panel_hash": panel.hash,
        "bundle": str(places.candidate),
    }


def profile(params: Params, places: Places) -> Summary:
    """What the features look like at the panel's end: range, mean and share of unknowns of each, for schema and drift checks."""
    from features.profile import profile_features
    from features.space import reading_of
    from storage.panel_files import read_frozen

    panel = read_frozen(places.panel)
    shape = profile_features(reading_of(params, panel), panel, params.train, PROFILE_ROWS)
    places.features.mkdir(parents=True, exist_ok=True)
    target = places.features / "profile.json"
    target.write_text(json.dumps(shape, indent=1) + "\n", encoding="utf-8")
    return {"features": len(shape["features"]), "rows": shape["rows"], "profile": str(target)}


def main(argv: list[str] | None = None) -> int:
    """Parse, train or profile, say what was done."""
    parser = with_memory_budget(door_parser(__doc__))
    parser.add_argument("--cutoff", help="last day the model may see (YYYY-MM-DD; default: the panel's last)")
    parser.add_argument("--profile", action="store_true", help="describe the features instead of training")
    parser.add_argument("--dry-run", action="store_true", help="check params and panel, fit nothing")

    def work(arguments) -> Summary:
        params, places = load_params(arguments.params), Places(arguments.data)
        if arguments.dry_run:
            return _dry_run(places)
        if arguments.profile:
            return profile(params, places)
        return train(params, places, cutoff=parse_day(arguments.cutoff) if arguments.cutoff else None)

    return walk(parser, work, argv)


def _dry_run(places: Places) -> Summary:
    from storage.panel_files import read_frozen

    panel = read_frozen(places.panel)
    return {
        "would_fit": f"{panel.series.height} series, {panel.first_day} to {panel.last_day}",
        "would_write": str(places.candidate),
    }


if __name__ == "__main__":
    sys.exit(main())
