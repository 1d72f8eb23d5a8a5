"""Which engines there are, and what is said where one is not."""

from __future__ import annotations

import importlib.util

import pytest

from contract.errors import BadUsage
from scaling.engines import Here, engine_of


def test_here_runs_one_after_another_in_order():
    with engine_of("here") as engine:
        assert isinstance(engine, Here)
        assert engine.each(lambda number: number * 2, [3, 1, 2]) == [6, 2, 4]


@pytest.mark.parametrize("name", ["spark", "here:1", ""])
def test_an_engine_nobody_knows_is_refused(name):
    with pytest.raises(BadUsage, match="is no engine"), engine_of(name):
        pass


def test_without_the_extra_dask_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadUsage, match="make extras") as refused, engine_of("dask"):
        pass
    assert "\n" not in str(refused.value)
