"""Levels that break: rows of groups that stepped up or down lately, so that trees learn to follow.

They are made by the same `feature_matrix`, from a copy of the dense panel whose units step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from features.dense_panel import DensePanel
from features.frame import Rows
from features.hierarchy import group_table
from features.sampling import row_hash

EVERY_DAYS = 63  # between two steps of a group, times the groupings there are
LARGEST = 1.0  # log of the largest factor, either way
FRESH = (2, 30)  # days after a step on which a row teaches to follow it


@dataclass(frozen=True)
class BrokenLevels:
    """A dense panel whose levels step, and by (series, day of the table) the days since the last
    step of any group of the series, and until the next.
    """

    dense: DensePanel
    since: np.ndarray
    until: np.ndarray

    def rows(self, rows: Rows, share: float, seed: int) -> Rows:
        """Of these rows, by hash, as many as `share` of them (or all there are) whose origin lies
        shortly after a step and whose target before the next.
        """
        place = rows.series_ix, rows.origin_ix + self.dense.days.padding
        since, until = self.since[place], self.until[place]
        is_fresh = (since >= FRESH[0]) & (since <= FRESH[1]) & (rows.h < until)
        kept = share * len(rows) / max(int(is_fresh.sum()), 1)
        # rows above the budget went by the hash of the seed itself
        drawn = row_hash(rows.series_ix, rows.origin_ix, rows.h, seed + 5)
        return rows.where(is_fresh & (drawn < kept))


def with_broken_levels(dense: DensePanel, seed: int) -> BrokenLevels:
    """The panel with every group's units scaled by a level of its own that steps; groups are those
    of the hierarchy's features, without any each series.
    """
    days = dense.days
    ordinals = days.first.toordinal() - days.padding + np.arange(days.width)
    groupings = {name: ix for name, ix in dense.entity_ix.items() if name in _summed(dense)}
    every = EVERY_DAYS * max(len(groupings), 1)
    shape = (dense.series.height, days.width)
    log_level = np.zeros(shape, dtype=np.float32)
    since, until = np.full(shape, every, np.int16), np.full(shape, every, np.int16)
    own = [np.arange(dense.series.height)]
    for k, group_ix in enumerate(groupings.values() or own):
        groups, grouping = np.arange(int(group_ix.max(initial=0)) + 1)[:, None], np.array([k])
        offset = row_hash(groups, grouping, np.array([0]), seed + 3) * every
        at = ordinals + offset.astype(np.int64)
        drawn = row_hash(groups, at // every, grouping, seed + 4)
        log_level += (LARGEST * (2 * drawn - 1)).astype(np.float32)[group_ix]
        age = (at % every).astype(np.int16)[group_ix]
        since, until = np.minimum(since, age), np.minimum(until, every - age)
    by_series = dense.by_series | {"y": dense.by_series["y"] * np.exp(log_level)}
    shared = dense.shared | {name: group_table(by_series, ix) for name, ix in groupings.items()}
    return BrokenLevels(replace(dense, by_series=by_series, shared=shared), since, until)


def _summed(dense: DensePanel) -> set[str]:
    """The groupings whose units features read."""
    return {name for name, table in dense.shared.items() if "total" in table.columns}
