"""Levels that break: rows of groups that stepped up or down lately, so that trees learn to follow.

They are made by the same `feature_matrix`, from a copy of the dense panel whose units step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from contract.whole import numbers_of_all
from features.dense_panel import DensePanel
from features.frame import Rows
from features.hierarchy import group_sums, sums_in_whole, table_of_sums
from features.sampling import block_name, row_hash

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

    def rows(self, rows: Rows, hs: range, share: float, seed: int) -> Rows:
        """Of these rows of days `hs` ahead, by hash, as many as `share` of them (or all there are)
        whose origin lies shortly after a step and whose target before the next.
        """
        place = rows.series_ix, rows.origin_ix + self.dense.days.padding
        since, until = self.since[place], self.until[place]
        is_fresh = (since >= FRESH[0]) & (since <= FRESH[1]) & (rows.h < until)
        own = {"all": len(rows), "fresh": int(is_fresh.sum())}
        number = numbers_of_all(self.dense.whole, f"broken rows {block_name(hs)}", own)
        kept = share * number["all"] / max(number["fresh"], 1)
        # rows above the budget went by the hash of the seed itself
        numbers = self.dense.numbers[rows.series_ix]
        drawn = row_hash(numbers, rows.origin_ix, rows.h, seed + 5)
        return rows.where(is_fresh & (drawn < kept))


def with_broken_levels(dense: DensePanel, seed: int) -> BrokenLevels:
    """The panel with every group's units scaled by a level of its own that steps; groups are those
    of the hierarchy's features, without any each series.
    """
    days = dense.days
    ordinals = days.first.toordinal() - days.padding + np.arange(days.width)
    every = EVERY_DAYS * max(len(dense.groupings), 1)
    shape = (dense.series.height, days.width)
    log_level = np.zeros(shape, dtype=np.float32)
    since, until = np.full(shape, every, np.int16), np.full(shape, every, np.int16)
    for k, (groups, group_ix) in enumerate(_stepping(dense)):
        grouping = np.array([k])
        offset = row_hash(groups, grouping, np.array([0]), seed + 3) * every
        at = ordinals + offset.astype(np.int64)
        drawn = row_hash(groups, at // every, grouping, seed + 4)
        log_level += (LARGEST * (2 * drawn - 1)).astype(np.float32)[group_ix]
        age = (at % every).astype(np.int16)[group_ix]
        since, until = np.minimum(since, age), np.minimum(until, every - age)
    by_series = dense.by_series | {"y": dense.by_series["y"] * np.exp(log_level)}
    shared = dense.shared | _tables(dense, by_series)
    return BrokenLevels(replace(dense, by_series=by_series, shared=shared), since, until)


def _stepping(dense: DensePanel) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(groups, 1) numbers of the groups that step, and for each series its own."""
    if not dense.groupings:
        yield dense.numbers[:, None], np.arange(dense.series.height)
    everyone = dense.whole.series(dense.series)
    for grouping in dense.groupings.values():
        yield grouping.numbers_in(everyone)[:, None], grouping.ix


def _tables(dense: DensePanel, by_series: dict[str, np.ndarray]) -> dict[str, pl.DataFrame]:
    """The tables of groups, of series whose units step."""
    groupings = dense.groupings
    own = {name: group_sums(by_series, grouping.ix) for name, grouping in groupings.items()}
    sums = sums_in_whole(dense.whole, "broken levels", groupings, own)
    return {name: table_of_sums(of) for name, of in sums.items()}
