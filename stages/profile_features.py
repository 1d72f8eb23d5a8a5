"""What the features look like at the panel's end, for schema and drift checks."""

from __future__ import annotations

from contract.params import Params
from features.dense_panel import feature_recipe_of
from features.profile import profile_features as shape_of_features
from runtime.command_line import Summary
from runtime.json_files import write_json
from runtime.paths import Paths
from storage.panel_files import read_frozen

PROFILE_ROWS = 200_000  # enough for three digits of every range and share


def profile_features(params: Params, paths: Paths) -> Summary:
    """Range, mean and share of unknowns of each feature -> data/features/profile.json."""
    panel = read_frozen(paths.panel)
    shape = shape_of_features(feature_recipe_of(params, panel), panel, params.train, PROFILE_ROWS)
    target = paths.features / "profile.json"
    write_json(target, shape)
    return {"features": len(shape["features"]), "rows": shape["rows"], "profile": str(target)}
