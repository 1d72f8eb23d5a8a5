"""One LightGBM booster from rows to learn from: what it is given, and with which params."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from contract.params import TrainParams
from features.breaks import with_broken_levels
from features.dense_panel import DensePanel
from features.frame import Rows, category_names, feature_names, targets
from features.hiding import Hiding, training_matrix

if TYPE_CHECKING:
    import lightgbm


def fit_booster(
    dense: DensePanel, rows: Rows, params: TrainParams, short_plans: tuple[str, ...] = ()
) -> tuple[lightgbm.Booster, dict[str, float]]:
    """A booster fitted on these rows, and for each feature the share of rows it is unknown in.

    `short_plans`: tables of plans that end inside the horizon; of a share of the rows they are
    hidden, from one of the days ahead that the rows are about. A share of the rows is added from
    levels that break.
    """
    import lightgbm  # two seconds to import

    hiding = Hiding(short_plans, params.hide_plans_share, int(rows.h.max()), params.seed)
    matrices, labels = [training_matrix(dense, rows, hiding)], [targets(dense, rows)]
    names = feature_names(dense)
    unknown = dict(zip(names, _unknown_shares(matrices[0]), strict=True))
    if params.break_share:
        broken = with_broken_levels(dense, params.seed)
        rows = broken.rows(rows, params.break_share, params.seed)
        matrices.append(training_matrix(broken.dense, rows, hiding))
        labels.append(targets(broken.dense, rows))
    data = lightgbm.Dataset(
        matrices,
        label=np.concatenate(labels),
        feature_name=[_plain(name) for name in names],
        categorical_feature=[_plain(name) for name in category_names(dense)],
        params=_dataset_params(params),
    )
    del matrices
    return lightgbm.train(_booster_params(params), data, num_boost_round=params.rounds), unknown


def _unknown_shares(matrix: np.ndarray) -> list[float]:
    return [float(np.isnan(column).mean()) for column in matrix.T]


def _plain(name: str) -> str:
    """A name without what LightGBM refuses: JSON's special characters (',', '[', ':'; not '*')."""
    return name.replace(",", "_").replace("[", "(").replace("]", ")").replace(":", "_")


def _dataset_params(p: TrainParams) -> dict[str, object]:
    return {
        "max_bin": p.max_bins,
        "num_threads": p.threads,
        "verbosity": -1,
        "feature_pre_filter": False,
        "data_random_seed": p.seed,
    }


def _booster_params(p: TrainParams) -> dict[str, object]:
    """Deterministic on purpose: the same rows give the same text in any process (STACK:
    deterministic + force_row_wise).
    """
    return {
        "objective": p.objective,
        **({"tweedie_variance_power": p.tweedie_power} if p.objective == "tweedie" else {}),
        "learning_rate": p.learning_rate,
        "num_leaves": p.leaves,
        "min_data_in_leaf": p.min_rows_in_leaf,
        "feature_fraction": p.feature_fraction,
        "bagging_fraction": p.row_fraction,
        "bagging_freq": 1,
        "lambda_l2": p.l2,
        "seed": p.seed,
        "deterministic": True,
        "force_row_wise": True,
        **_dataset_params(p),
    }
