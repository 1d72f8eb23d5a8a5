"""Tables of forecasts made by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import pytest

from contract.frames import FORECASTS
from contract.quantiles import QUANTILES

ORIGIN = date(2024, 1, 31)


@pytest.fixture(scope="session")
def forecasts_of() -> Callable[..., pl.DataFrame]:
    """`forecasts_of({"a": [3, 3]}, origin)`: a table of means; every quantile is the mean, low ones
    1 less, high ones 1 more.
    """
    return _forecasts_of


def _forecasts_of(
    means: dict[str, list[float]], origin: date = ORIGIN, reason: str | None = None
) -> pl.DataFrame:
    rows = [
        {"unique_id": name, "ds": origin + timedelta(days=h), "h": h, "y_hat": y_hat}
        for name, values in means.items()
        for h, y_hat in enumerate(values, start=1)
    ]
    spread = {
        name: pl.col("y_hat") + (0 if share == 0.5 else -1 if share < 0.5 else 1)
        for name, share in QUANTILES.items()
    }
    return FORECASTS.conform(
        pl.DataFrame(rows).with_columns(
            run_id=pl.lit(str(origin)),
            origin=origin,
            method=pl.lit("global_lightgbm"),
            reason=pl.lit(reason, pl.String),
            **spread,
        )
    )
