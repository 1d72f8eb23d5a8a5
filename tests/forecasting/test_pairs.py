"""What of many series a calibration is learned from."""

from __future__ import annotations

import numpy as np
import pytest

from contract.draws import some_of
from contract.levels import SERIES_LEVEL, TOTAL
from forecasting.pairs import Pairs, calibrate


@pytest.fixture
def pairs() -> Pairs:
    """Seven series, of which the third last knows no actual."""
    y_hat = np.arange(1.0, 15.0).reshape(7, 2)
    y = np.where(np.arange(7)[:, None] == 4, np.nan, y_hat + 1)
    sums = y_hat.sum(axis=0, keepdims=True)
    is_off = np.arange(14).reshape(7, 2) % 5 == 0
    return Pairs(
        {TOTAL: sums, SERIES_LEVEL: y_hat},
        {TOTAL: sums + 7, SERIES_LEVEL: y},
        np.arange(7.0),
        y_hat / 20,
        is_off,
    )


def test_few_series_are_all_learned_from(pairs):
    assert pairs.drawn() is pairs


def test_of_many_some_are_kept_and_all_groups(pairs, monkeypatch):
    monkeypatch.setattr("forecasting.pairs.MOST_SERIES", 3)
    kept = pairs.drawn()
    some = some_of(7, 3)
    assert kept.dispersion.tolist() == some.tolist()
    for name in ("y_hat", "y"):
        ours, theirs = getattr(kept, name), getattr(pairs, name)
        assert np.array_equal(ours[SERIES_LEVEL], theirs[SERIES_LEVEL][some])
        assert np.array_equal(ours[TOTAL], theirs[TOTAL])
    assert np.array_equal(kept.open_share, pairs.open_share[some])
    assert np.array_equal(kept.is_off, pairs.is_off[some])
    assert calibrate([kept], 4).by_level.keys() == {TOTAL, SERIES_LEVEL}


def test_series_of_stores_that_always_open_say_nothing_of_opening(pairs, monkeypatch):
    monkeypatch.setattr("forecasting.pairs.MOST_SERIES", 3)
    plain = Pairs(pairs.y_hat, pairs.y, pairs.dispersion).drawn()
    assert plain.open_share is None
    assert plain.is_off is None
