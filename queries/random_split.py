"""What a random split would have claimed for the same model and data, beside the score of the last
cutoff.
"""

from __future__ import annotations

from contract.params import Params
from features.dense_panel import feature_recipe_of
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.iid import iid_against_temporal
from runtime.command_line import Summary
from runtime.paths import Paths
from storage.panel_files import read_frozen


def random_split(params: Params, paths: Paths) -> Summary:
    """WAPE of both splits on the frozen panel's last `train.horizon` days (forecasting.iid)."""
    panel = read_frozen(paths.panel)
    return iid_against_temporal(
        panel,
        lambda: GlobalLightGBM(params.train, feature_recipe_of(params, panel)),
        params.train.horizon,
    )
