"""What one booster learns from: rows of features and the units sold on their days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contract.errors import NotEnoughHistory
from contract.params import TrainParams
from contract.whole import numbers_of_all
from features.breaks import with_broken_levels
from features.dense_panel import DensePanel
from features.frame import Rows, category_names, feature_matrix, feature_names, targets
from features.hiding import Hiding, hide_plans, short_families
from features.sampling import block_name, training_origins, training_rows
from forecasting.booster import dataset_params, plain_name

if TYPE_CHECKING:
    import lightgbm


@dataclass(frozen=True)
class Examples:
    """(rows, columns) `features`, (rows,) `units` sold, and (rows, 3) `keys`: the series' number
    among those of all parts of the panel, origin, days ahead.
    """

    keys: np.ndarray
    features: np.ndarray
    units: np.ndarray

    def __len__(self) -> int:
        return len(self.units)


@dataclass(frozen=True)
class Lesson:
    """The rows drawn and those of levels that break, with the names of their columns."""

    names: list[str]
    categories: list[str]
    drawn: Examples
    broken: Examples | None

    def unknown_shares(self) -> dict[str, float]:
        """For each feature the share of the rows drawn that it is unknown in."""
        columns = zip(self.names, self.drawn.features.T, strict=True)
        return {name: float(np.isnan(column).mean()) for name, column in columns}

    def dataset(self, params: TrainParams) -> lightgbm.Dataset:
        """The rows for LightGBM, which frees them once they are binned if nobody else has them."""
        import lightgbm  # two seconds to import

        taught = [rows for rows in (self.drawn, self.broken) if rows is not None and len(rows)]
        return lightgbm.Dataset(
            [examples.features for examples in taught],
            label=np.concatenate([examples.units for examples in taught]),
            feature_name=[plain_name(name) for name in self.names],
            categorical_feature=[plain_name(name) for name in self.categories],
            params=dataset_params(params),
        )


def lesson_of(
    dense: DensePanel,
    hs: range,
    params: TrainParams,
    reach: Mapping[str, int],
    rows: Rows | None = None,
) -> Lesson:
    """What a booster for the days `hs` ahead learns; of `rows` alone, where given.

    `reach`: days each family of plans is known for. Of families that end inside the horizon a share
    of the rows does not see the plans from one of the days ahead. A share of the rows is added from
    levels that break. NotEnoughHistory when the rows are too few for a tree.
    """
    whole, share, seed = dense.whole, params.break_share, params.seed
    # totals that do not hang on one another are summed in one run of the parts
    short = whole.attempt(lambda: short_families(dense, reach, params.horizon))
    stepping = whole.attempt(lambda: with_broken_levels(dense, seed) if share else None)
    drawn = rows if rows is not None else drawn_rows(dense, hs, params)
    steps, hiding = stepping(), Hiding(short(), params.hide_plans_share, hs[-1], seed)
    are_enough = whole.attempt(lambda: _refuse_too_few(dense, drawn, hs, params))
    fresh = steps.rows(drawn, hs, share, seed) if steps else None
    are_enough()
    origins = training_origins(dense, hs, params.origin_step_days, params.min_history_days)

    def examples(table: DensePanel, of: Rows) -> Examples:
        features = feature_matrix(table, of)
        hide_plans(features, table, of, origins, hiding)
        keys = np.stack([table.numbers[of.series_ix], of.origin_ix, of.h], axis=1)
        return Examples(keys, features, targets(table, of))

    plain = whole.attempt(lambda: examples(dense, drawn))
    broken = examples(steps.dense, fresh) if steps and fresh is not None else None
    return Lesson(feature_names(dense), category_names(dense), plain(), broken)


def drawn_rows(dense: DensePanel, hs: range, params: TrainParams) -> Rows:
    """The rows to learn days `hs` ahead from."""
    step, least = params.origin_step_days, params.min_history_days
    return training_rows(dense, hs, step, least, params.max_rows, params.seed)


def _refuse_too_few(dense: DensePanel, rows: Rows, hs: range, params: TrainParams) -> None:
    """NotEnoughHistory when the rows of all parts of the panel are too few for a tree."""
    sold = len(rows) > 0 and bool(targets(dense, rows).any())
    own = {"rows": len(rows), "sold": float(sold)}
    of_all = numbers_of_all(dense.whole, f"rows to learn {block_name(hs)}", own)
    count = int(of_all["rows"])
    if count < 2 * params.min_rows_in_leaf:
        raise NotEnoughHistory(
            f"only {count} rows to learn days {block_name(hs)} from; a tree needs "
            f"{2 * params.min_rows_in_leaf}. Bring more history, or lower train.min_rows_in_leaf."
        )
    if not of_all["sold"]:
        raise NotEnoughHistory(
            f"nothing was sold on any of the {count} days to learn h={block_name(hs)} from. "
            "Bring a history with sales."
        )
