"""Windows by running sums, against a loop that looks at one day at a time."""

from __future__ import annotations

import numpy as np
import pytest

from features import windows
from features.windows import Window, read_windows

EVERY = [
    Window(1),
    Window(7),
    Window(40),
    Window(3, 7),
    Window(1, 7),
    Window(2, is_spread=True),
    Window(28, is_spread=True),
]


@pytest.fixture
def units() -> np.ndarray:
    """Whole units with gaps, a late launch, a series never known."""
    rng = np.random.default_rng(3)
    values = rng.poisson(2.5, (9, 60)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    values[2, :33], values[5] = np.nan, np.nan
    return values


def looked_at(values: np.ndarray, window: Window) -> np.ndarray:
    table = np.full(values.shape, np.nan)
    for entity, day in np.ndindex(values.shape):
        seen = [
            values[entity, day - k * window.step]
            for k in range(window.count)
            if day >= k * window.step
        ]
        known = np.array([float(value) for value in seen if not np.isnan(value)])
        if window.is_spread:
            table[entity, day] = known.std(ddof=1) if len(known) > 1 else np.nan
        else:
            table[entity, day] = known.mean() if len(known) else np.nan
    return table


@pytest.mark.parametrize("cells", [60, 250, 250_000])
def test_every_window_is_what_a_loop_sees_however_the_work_is_cut(units, cells, monkeypatch):
    monkeypatch.setattr(windows, "CELLS_AT_ONCE", cells)
    for window, table in read_windows(units, EVERY).items():
        np.testing.assert_allclose(table, looked_at(units, window), rtol=1e-6, atol=1e-6)


def test_where_all_are_known_alike_one_row_of_counts_says_the_same(units):
    alike = np.nan_to_num(units)
    alike[:, :11] = np.nan
    for window, table in read_windows(alike, EVERY).items():
        np.testing.assert_allclose(table, looked_at(alike, window), rtol=1e-6, atol=1e-6)


def test_the_spread_of_what_never_varies_is_nothing():
    same = np.full((3, 400), 12_345, dtype=np.float32)
    assert (
        read_windows(same, [Window(28, is_spread=True)])[Window(28, is_spread=True)][:, 1:].max()
        == 0
    )


def test_no_entities_and_no_days():
    assert read_windows(np.empty((0, 5), np.float32), [Window(7)])[Window(7)].shape == (0, 5)
    assert read_windows(np.empty((5, 0), np.float32), [Window(7)])[Window(7)].shape == (5, 0)
