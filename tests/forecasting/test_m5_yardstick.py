"""Our yardstick against M5's own: the organisers' weights, and WRMSSE computed another way.

Skipped where M5 is not at hand.
"""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.levels import levels_of
from contract.panel import Panel, panel_of
from contract.params_file import load_laid
from forecasting.metrics import point_scores
from forecasting.seasonal_naive import SeasonalNaive
from forecasting.window import window_after
from sources.finding import files_of
from sources.reading import read_file

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

ROOT = Path(__file__).parents[2]
M5 = Path(os.environ.get("TILLCAST_SHARED_DATA", ROOT.parent / "shared" / "data")) / "m5"
KNOWN = datetime(2016, 1, 1)
BEFORE_VALIDATION = date(2016, 4, 24)  # d_1913

pytestmark = pytest.mark.skipif(
    not M5.exists(), reason=f"M5's files are not in {M5} (set TILLCAST_SHARED_DATA)"
)


@pytest.fixture(scope="module")
def levels():
    return load_laid(ROOT / "params.yaml", None).source.hierarchy


@pytest.fixture(scope="module")
def m5() -> Panel:
    """The last 70 days of the sales file, with prices."""
    source = load_laid(ROOT / "params.yaml", None).source.model_copy(
        update={"kind": "m5", "path": str(M5)}
    )
    read = {fact.fact: fact for path in files_of(source) for fact in read_file(path, source)}
    sales = read["sales"].rows.filter(pl.col("ds") > BEFORE_VALIDATION - timedelta(days=42))
    prices = read["prices"].rows.filter(pl.col("to_ds") > BEFORE_VALIDATION - timedelta(days=42))
    known = pl.lit(KNOWN).cast(pl.Datetime("us")).alias("known_at")
    return panel_of(
        sales.with_columns(known), read["sales"].series, prices=prices.with_columns(known)
    )


def test_our_weights_are_the_organisers_weights_at_every_level(m5, levels):
    theirs = pl.read_parquet(M5 / "weights_validation.parquet")
    window = window_after(m5, BEFORE_VALIDATION, 28, levels, EVERY_DAY)
    assert len(window.levels) == theirs["Level_id"].n_unique() == 12
    for ours in window.levels:
        candidates = [
            np.sort(rows["weight"].to_numpy())
            for _, rows in theirs.group_by("Level_id")
            if rows.height == len(ours.weight)
        ]
        assert any(np.allclose(np.sort(ours.weight), each, atol=2e-7) for each in candidates), (
            ours.level
        )


def test_the_seasonal_naive_scores_the_same_when_wrmsse_is_computed_from_the_wide_file(m5, levels):
    ours = _our_wrmsse(m5, levels)
    assert ours == pytest.approx(_wrmsse_by_pandas(m5, levels), rel=1e-9)


def _our_wrmsse(m5: Panel, levels) -> list[float]:
    forecast = SeasonalNaive(7, EVERY_DAY).forecast(
        m5.up_to(BEFORE_VALIDATION), BEFORE_VALIDATION, 28
    )
    window = window_after(m5, BEFORE_VALIDATION, 28, levels, EVERY_DAY)
    y_hat = window.matrix(forecast)
    return [point_scores(level, level.sums(y_hat))["wrmsse"] for level in window.levels]


def _wrmsse_by_pandas(m5: Panel, levels) -> list[float]:
    """The competitors' guide, word for word, with pandas group-bys over M5's own wide file.

    None of our code but the prices.
    """
    days = [f"d_{number}" for number in range(1872, 1942)]  # 42 days of history, then the window
    wide = pl.read_parquet(M5 / "sales_train_evaluation.parquet").to_pandas()
    sales, naive = (
        wide[days].to_numpy(dtype=float),
        wide[[f"d_{number}" for number in range(1907, 1914)] * 4].to_numpy(),
    )
    revenue = _revenue_by_week(wide)
    scores = []
    for level in levels_of(tuple(level.columns for level in levels[:-1])):
        key = (
            wide["id"]
            if level.name == "series"
            else wide[list(level.columns)].agg("|".join, axis=1)
        )
        key = ["total"] * len(wide) if not level.columns else key
        total = _summed(sales, key)
        weight = _summed(revenue[:, None], key)[:, 0] / revenue.sum()
        scores.append(float(np.nansum(weight * _rmsse(total, _summed(naive, key)))))
    return scores


def _summed(values: np.ndarray, key) -> np.ndarray:
    import pandas as pd

    return pd.DataFrame(values).groupby(list(key)).sum().to_numpy()


def _rmsse(total: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    history, truth = total[:, :42], total[:, 42:]
    scaled = np.full(len(total), np.nan)
    for row, (past, future, y_hat) in enumerate(zip(history, truth, forecast, strict=True)):
        sold = np.flatnonzero(past > 0)
        changes = np.diff(past[sold[0] :]) if sold.size else np.array([])
        if changes.size and (changes**2).mean() > 0:
            scaled[row] = np.sqrt(((y_hat - future) ** 2).mean() / (changes**2).mean())
    return scaled


def _revenue_by_week(wide) -> np.ndarray:
    """Money per series over d_1886..d_1913, each day at the price of its week."""
    calendar = pl.read_parquet(M5 / "calendar.parquet").select("d", "wm_yr_wk")
    price = pl.read_parquet(M5 / "sell_prices.parquet")
    units = pl.from_pandas(
        wide[["item_id", "store_id", *(f"d_{number}" for number in range(1886, 1914))]]
    )
    sold = units.unpivot(index=["item_id", "store_id"], variable_name="d", value_name="units").join(
        calendar, on="d"
    )
    money = (
        sold.join(price, on=["item_id", "store_id", "wm_yr_wk"], how="left")
        .group_by("item_id", "store_id")
        .agg(
            (pl.col("units") * pl.col("sell_price").cast(pl.Float64).fill_null(0))
            .sum()
            .alias("money")
        )
    )
    ordered = units.select("item_id", "store_id").join(
        money, on=["item_id", "store_id"], how="left", maintain_order="left"
    )
    return ordered["money"].to_numpy()
