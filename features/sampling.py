"""Which rows a forecaster learns from: origins stepped back, thinned by hash to a row budget."""

from __future__ import annotations

import numpy as np

from contract.days import WEEK
from contract.errors import NotEnoughHistory
from contract.whole import numbers_of_all
from features.cores import on_all_cores
from features.dense_panel import DensePanel
from features.frame import Rows

ROWS_AT_ONCE = 100_000  # looked at together; they stay in the processor's cache


def serving_rows(dense: DensePanel, hs: range, series_ix: np.ndarray | None = None) -> Rows:
    """Every series, or these (ascending), at the last known day, for each h."""
    series = (
        np.arange(dense.series.height, dtype=np.int32)
        if series_ix is None
        else series_ix.astype(np.int32)
    )
    return _grid(series, np.array([dense.last_known], dtype=np.int32), np.array(hs, dtype=np.int32))


def training_rows(
    dense: DensePanel, hs: range, step_days: int, min_history_days: int, max_rows: int, seed: int
) -> Rows:
    """Rows (series, origin, h), launched at the origin, target known; at most about `max_rows`.

    Origins go back from the last known day in steps of `step_days` to `min_history_days` after the
    first. Above the budget (of all parts of the panel together) a row stays if its hash falls under
    the share that fits: independent of order, chunking and the other rows. A short panel gives the
    later half of its origins; waiting for `min_history_days` would leave few of them or none.
    """
    origins, h = training_origins(dense, hs, step_days, min_history_days), np.array(hs, np.int32)
    own = {"known": _known_targets(dense, origins, h)}
    known = numbers_of_all(dense.whole, f"known targets {block_name(hs)}", own)["known"]
    share = max_rows / max(known, 1)
    height = max(1, ROWS_AT_ONCE // (len(origins) * len(h)))

    def drawn(first: int) -> Rows:
        series = np.arange(first, min(first + height, dense.series.height), dtype=np.int32)
        stays = _is_known(dense, series, origins, h)
        stays &= unit_hash(dense.numbers[series], origins, h, seed) < share
        at_series, at_origin, at_h = np.nonzero(stays)
        return Rows(series[at_series], origins[at_origin], h[at_h])

    parts = on_all_cores(drawn, range(0, dense.series.height, height))
    return Rows(
        np.concatenate([part.series_ix for part in parts]),
        np.concatenate([part.origin_ix for part in parts]),
        np.concatenate([part.h for part in parts]),
    )


def block_name(hs: range) -> str:
    """Days ahead, as messages and totals name them: 1..7."""
    return f"{hs.start}..{hs.stop - 1}"


def training_origins(
    dense: DensePanel, hs: range, step_days: int, min_history_days: int
) -> np.ndarray:
    """(origins,) day indices that training rows have. NotEnoughHistory for a panel too short."""
    newest = dense.last_known - hs.start
    if newest < WEEK:
        raise NotEnoughHistory(
            f"the panel has {dense.days.known} days; training for h={block_name(hs)} "
            f"needs {hs.start + WEEK + 1}. Bring a longer history, or lower train.horizon and "
            "train.blocks."
        )
    oldest = min(min_history_days, newest // 2)
    return np.arange(newest, oldest - 1, -step_days, dtype=np.int32)[::-1]


def _is_known(
    dense: DensePanel, series: np.ndarray, origins: np.ndarray, h: np.ndarray
) -> np.ndarray:
    """(series, origins, h): whether the series had launched and the target's units are known."""
    target = origins[:, None] + h
    known = ~np.isnan(dense.y[series[0] : series[-1] + 1, dense.days.padding :])
    launched = dense.by_series["launch_ix"][series, :1] <= origins
    inside = known[:, np.minimum(target, dense.last_known)] & (target <= dense.last_known)
    is_known: np.ndarray = inside & launched[:, :, None]
    return is_known


def _known_targets(dense: DensePanel, origins: np.ndarray, h: np.ndarray) -> int:
    known_by_day = (~np.isnan(dense.y[:, dense.days.padding :])).sum(axis=0)
    days = (origins[:, None] + h[None, :]).ravel()
    return int(known_by_day[days[days <= dense.last_known]].sum())


def _grid(series: np.ndarray, origins: np.ndarray, h: np.ndarray) -> Rows:
    shape = (len(series), len(origins), len(h))
    spread = np.broadcast_to
    return Rows(
        spread(series[:, None, None], shape).ravel(),
        spread(origins[None, :, None], shape).ravel(),
        spread(h[None, None, :], shape).ravel(),
    )


def unit_hash(series: np.ndarray, origins: np.ndarray, h: np.ndarray, seed: int) -> np.ndarray:
    """(series, origins, h): `row_hash` of every combination."""
    return row_hash(series[:, None, None], origins[:, None], h, seed)


def row_hash(series: np.ndarray, origins: np.ndarray, h: np.ndarray, seed: int) -> np.ndarray:
    """A number in [0, 1) that depends on nothing but the row and the seed; broadcasts.

    splitmix64's finalizer (Steele et al. 2014).
    """
    key = (
        (series.astype(np.uint64) << np.uint64(32))
        ^ (origins.astype(np.uint64) << np.uint64(8))
        ^ (h.astype(np.uint64) + (np.uint64(seed) << np.uint64(48)))
    )
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        key ^= key >> np.uint64(shift)
        key *= np.uint64(factor)
    key ^= key >> np.uint64(31)
    unit: np.ndarray = key.astype(np.float64) / 2.0**64
    return unit
