"""Windows over dense columns by running sums: each is the difference of two of them.

A window of 7 days costs what one of 112 does, and all windows of a column share its running sums.
They are held in float64: of whole units they are exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.cores import on_all_cores

CELLS_AT_ONCE = 250_000  # entities x days; their running sums stay in the processor's cache


@dataclass(frozen=True)
class Window:
    """The mean, or spread, of the known among the last `count` values, `step` days apart.

    The day itself is one of them.

    The spread is the sample standard deviation, unknown where fewer than two are known.
    """

    count: int
    step: int = 1
    is_spread: bool = False


def read_windows(values: np.ndarray, windows: Iterable[Window]) -> dict[Window, np.ndarray]:
    """For each window its (entities, days) float32 table; NaN where unknown, as in `values`."""
    tables = {window: np.empty(values.shape, dtype=np.float32) for window in windows}
    height = max(1, min(len(values), CELLS_AT_ONCE // max(values.shape[1], 1)))
    starts = range(0, len(values), height)

    def read_blocks(starts: Iterable[int]) -> None:
        # once a thread: made for every block, its pages would cost more than the sums
        scratch = np.empty((5, height, values.shape[1]))
        for first in starts:
            at = slice(first, first + height)
            _read_block(
                values[at], {window: table[at] for window, table in tables.items()}, scratch
            )

    threads = min(pl.thread_pool_size(), len(starts))
    on_all_cores(read_blocks, [starts[thread::threads] for thread in range(threads)])
    return tables


def _read_block(values: np.ndarray, tables: dict[Window, np.ndarray], scratch: np.ndarray) -> None:
    """`tables` filled for some entities; `scratch` is used up."""
    known = ~np.isnan(values)
    # one row of counts where all entities have the same days
    counted = known[:1] if (known == known[:1]).all() else known
    units, sums, squares, total, square = scratch[:, : len(values)]
    units[:] = values
    units[~known] = 0
    for step in {window.step for window in tables}:
        of_step = {window: table for window, table in tables.items() if window.step == step}
        _run(units, step, sums)
        counts = _run(counted.astype(np.float32), step, np.empty(counted.shape, dtype=np.float32))
        if any(window.is_spread for window in of_step):
            _run(np.multiply(units, units, out=square), step, squares)
        count = np.empty_like(counts)
        with np.errstate(invalid="ignore", divide="ignore"):
            for window, table in of_step.items():
                days = window.count * step
                _last(counts, days, count)
                if window.is_spread:
                    _spread(_last(sums, days, total), _last(squares, days, square), count, table)
                else:
                    np.divide(_last(sums, days, table), count, out=table)


def _spread(total: np.ndarray, square: np.ndarray, count: np.ndarray, out: np.ndarray) -> None:
    """Sample standard deviation from sums, sums of squares and counts; `total` is used up."""
    total *= total
    total /= count
    np.subtract(square, total, out=out, casting="same_kind")
    out /= np.where(count > 1, count - 1, np.float32(np.nan))
    np.sqrt(np.maximum(out, 0, out=out), out=out)


def _run(values: np.ndarray, step: int, out: np.ndarray) -> np.ndarray:
    """(entities, days): each day's value and those `step`, 2 `step`, ... days before it, summed."""
    for phase in range(step):
        np.cumsum(values[:, phase::step], axis=1, out=out[:, phase::step])
    return out


def _last(running: np.ndarray, days: int, out: np.ndarray) -> np.ndarray:
    """Of running sums, what the last `days` days hold; of the first days, all before them."""
    np.subtract(running[:, days:], running[:, :-days], out=out[:, days:], casting="same_kind")
    out[:, :days] = running[:, :days]
    return out
