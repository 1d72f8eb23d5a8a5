"""Training origins whose plans end early, as a retailer's do: what is not known is learned from.

Their rows are made by the same `feature_frame` from a dense panel whose plans were cut and carried
on as `features.plans` does it for a table to publish.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import numpy as np
import polars as pl

from contract.whole import numbers_of_all
from features.dense_panel import DensePanel
from features.feature import FUTURE, Feature
from features.frame import Rows, feature_frame, feature_names
from features.hierarchy import mean_price, price_sums, sums_in_whole
from features.plans import LOOK_BACK, PRICE, PROMO, as_planned
from features.sampling import unit_hash

TOGETHER = 0.5  # of the origins with hidden plans those where all families end on the same day
# of the series at such an origin those whose rows see it: promotions are chain-wide, so many
# origins teach more than many rows of a few
SERIES_AT_ONCE = 1 / 3


@dataclass(frozen=True)
class Hiding:
    """Which rows: a share of them by hash; plans end 0 to `longest` - 1 days after their origin.

    `families`: dense tables of the plans that may end: price, promo, future_*. None: nothing is
    hidden.
    """

    families: tuple[str, ...]
    share: float
    longest: int
    seed: int

    def reaches(self, origins: np.ndarray) -> dict[int, dict[str, int]]:
        """For each origin drawn the days each family is known for.

        One number for all of them; or each its own, `longest` (nothing is hidden) among them.
        """
        drawn = unit_hash(
            np.arange(len(self.families) + 3), origins, np.zeros(1, np.int32), self.seed + 1
        )[:, :, 0]
        is_hidden, is_together, common, *own = drawn
        return {
            int(origin): {
                name: int(common[k] * self.longest)
                if is_together[k] < TOGETHER
                else int(each[k] * (self.longest + 1))
                for name, each in zip(self.families, own, strict=True)
            }
            for k, origin in enumerate(origins)
            if is_hidden[k] < self.share / SERIES_AT_ONCE
        }

    def rows_at(self, origin: int, dense: DensePanel, rows: Rows) -> np.ndarray:
        """The places of the rows that see their plans end after this origin."""
        at = np.flatnonzero(rows.origin_ix == origin)
        series, where = np.unique(rows.series_ix[at], return_inverse=True)
        at_origin = np.array([origin]), np.zeros(1, np.int32)
        drawn = unit_hash(dense.numbers[series], *at_origin, self.seed + 2)[:, 0, 0]
        hidden: np.ndarray = at[drawn[where] < max(SERIES_AT_ONCE, self.share)]
        return hidden


def hide_plans(
    matrix: np.ndarray, dense: DensePanel, rows: Rows, origins: np.ndarray, hiding: Hiding
) -> None:
    """Hides plans, in place, in the features (`feature_matrix`) of rows from these origins.

    What it needs of other parts of the panel it asks for of all origins at once, and holds of one.
    """
    drawn = hiding.reaches(origins) if hiding.families else {}
    for hidden in [
        dense.whole.attempt(partial(_hide_at, matrix, dense, rows, hiding, origin, reach))
        for origin, reach in drawn.items()
    ]:
        hidden()


def _hide_at(
    matrix: np.ndarray,
    dense: DensePanel,
    rows: Rows,
    hiding: Hiding,
    origin: int,
    reach: dict[str, int],
) -> None:
    at, names = hiding.rows_at(origin, dense, rows), feature_names(dense)
    seen = seen_from(dense, origin, reach, hiding.longest)
    there = Rows(rows.series_ix[at], np.full(len(at), seen.last_known, np.int32), rows.h[at])
    frame = feature_frame(seen, there).drop("h")
    columns = np.array([names.index(name) for name in frame.columns])
    matrix[at[:, None], columns] = frame.to_numpy()


def short_families(dense: DensePanel, reach: Mapping[str, int], horizon: int) -> tuple[str, ...]:
    """Of the dense tables of plans that features read those that end inside the horizon.

    Of price and promotion any store's; of a covariate by how far it reaches.
    """
    read = {root for feature in dense.features for root in _plans_read(feature)}
    ahead = slice(dense.plans.origin + 1, dense.plans.origin + 1 + horizon)
    ends = {name: float(dense.plans.gaps(name)[:, ahead].any()) for name in (PRICE, PROMO)}
    ended = numbers_of_all(dense.whole, f"plans that end {dense.days.known}", ends)
    short = {name for name in read & {PRICE, PROMO} if ended[name]}
    short |= {
        name for name in read - {PRICE, PROMO} if reach.get(name.removeprefix(FUTURE), 0) < horizon
    }
    return tuple(sorted(short))


def seen_from(dense: DensePanel, origin: int, reach: dict[str, int], ahead: int) -> DensePanel:
    """What a forecast from an origin (day index) reads of plans that ended `reach` days after it;
    one that `reach` does not name is known for all the days `ahead`.

    The features of plans alone, over the days they look back and `ahead`.
    """
    first = max(origin + 1 - LOOK_BACK, 0)
    days = replace(
        dense.days,
        first=dense.days.first + timedelta(days=first),
        known=origin + 1 - first,
        ahead=ahead,
    )
    span = slice(first, first + days.width)
    plans = as_planned(dense.plans.on(span, days.padding + days.known - 1).cut(reach))
    tables = {PRICE: plans.price, PROMO: plans.promo}
    # those that do not end are read beside those that do
    for name in [name for name in dense.by_series if name.startswith(FUTURE)]:
        tables[name] = dense.by_series[name][:, span].copy()
        tables[name][:, plans.origin + 1 + reach.get(name, ahead) :] = np.nan
    features = [feature for feature in dense.features if _plans_read(feature)]
    read = {part.table for one in features for part in one.parts} & dense.groupings.keys()
    sums = {name: price_sums(plans.price, dense.groupings[name].ix) for name in sorted(read)}
    label = f"hidden plans {origin} {ahead}"
    sums_of_all = sums_in_whole(dense.whole, label, dense.groupings, sums)
    return replace(
        dense,
        days=days,
        features=features,
        by_series=tables,
        shared={name: mean_price(of) for name, of in sums_of_all.items()},
        static=pl.DataFrame(),
    )


def _plans_read(feature: Feature) -> set[str]:
    roots = {root for part in feature.parts for root in part.expr.meta.root_names()}
    return {root for root in roots if root in (PRICE, PROMO) or root.startswith(FUTURE)}
