"""In how many parts a panel is taken: the fewest that fit, found without trying them all."""

from __future__ import annotations

import polars as pl
import pytest

from contract.params import Params
from forecasting.footprint import Shape
from stages import parts_wanted
from stages.parts_wanted import Job, parts_for

SERIES = 400
SHAPE = Shape(SERIES, days=100, sales=40_000, plans=0)
JOB = Job(lambda part: {"all": 10.0 + part.series}, {}, "buy another machine")


def _series(stores: int) -> pl.DataFrame:
    """Stores of unequal size; without any, no column that names them."""
    series = pl.DataFrame({"unique_id": [f"{k:04d}" for k in range(SERIES)]})
    if not stores:
        return series
    return series.with_columns(store_id=pl.Series([f"{k * k % stores}" for k in range(SERIES)]))


@pytest.mark.parametrize("stores", [0, 30])
@pytest.mark.parametrize("most_mb", [5, 60, 90, 200, 409])
def test_as_few_parts_as_fit_and_few_are_tried(params: Params, monkeypatch, stores, most_mb):
    series, tried = _series(stores), []
    rows = dict(series["store_id"].value_counts().rows()) if stores else {}
    draw = parts_wanted.part_of_series

    def counted(*taken) -> pl.DataFrame:
        tried.append(taken[-1])
        return draw(*taken)

    monkeypatch.setattr(parts_wanted, "part_of_series", counted)
    scale = params.scale.model_copy(update={"memory_mb": most_mb})
    parts = parts_for(
        params.model_copy(update={"scale": scale}), JOB, SHAPE, lambda: (series, rows)
    )
    most = parts_wanted.most_parts(series)
    fitting = (
        count
        for count in range(1, most + 1)
        if 10 + draw(series, rows, count)["part"].value_counts()["count"].max() <= most_mb
    )
    assert parts is not None
    assert parts.equals(draw(series, rows, next(fitting, most)))
    assert len(tried) < 12
