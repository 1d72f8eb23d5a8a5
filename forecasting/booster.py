"""LightGBM as it is run here: from a data set to a booster, the same bytes in any process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.params import TrainParams

if TYPE_CHECKING:
    import lightgbm


def fit_booster(data: lightgbm.Dataset, params: TrainParams) -> lightgbm.Booster:
    """A booster fitted on these rows."""
    import lightgbm  # two seconds to import

    return lightgbm.train(_booster_params(params), data, num_boost_round=params.rounds)


def plain_name(name: str) -> str:
    """A name without what LightGBM refuses: JSON's special characters (',', '[', ':'; not '*')."""
    return name.replace(",", "_").replace("[", "(").replace("]", ")").replace(":", "_")


def dataset_params(p: TrainParams) -> dict[str, object]:
    """How rows are binned."""
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
        **dataset_params(p),
    }
