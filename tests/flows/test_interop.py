"""What `inference.py export` writes, read by Nixtla's own libraries as it lies there: scored,
reconciled and drawn.

No value and no name is changed. Where a library takes another container than a file holds (an array
for a list, a matrix for rows), or takes every column it is given for a model (reconcile), the one
line for it stands here. hierarchicalforecast is the extra `interop` of pyproject.toml
(`make extras`), which the lock leaves out; else skipped.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from utilsforecast.evaluation import evaluate
from utilsforecast.losses import bias, coverage, mae, mqloss, rmse

import ingest
from queries.export import export
from runtime.paths import Paths

LEVELS = [50, 67, 95, 99]
DAYS = 7
MEANS = ["unique_id", "ds", "tillcast"]
needs_hierarchicalforecast = pytest.mark.skipif(
    find_spec("hierarchicalforecast") is None,
    reason="hierarchicalforecast is not installed; `make extras` brings it",
)


@pytest.fixture(scope="module")
def exported(finished, next_day, tmp_path_factory) -> Path:
    """The folder with the exported files, a week after the table was published; read only."""
    folder = tmp_path_factory.mktemp("a_week_later")
    shutil.copytree(finished.paths.root, folder / "data")
    shop = replace(finished, paths=Paths(folder / "data"))
    for k in range(1, DAYS + 1):
        next_day(shop, k)
    ingest.ingest(shop.params, shop.paths, now=datetime(2024, 6, 10, 6) + timedelta(days=DAYS + 1))
    export(shop.params, shop.paths, folder / "out", "parquet")
    return folder / "out"


@pytest.fixture
def whole(exported) -> pl.DataFrame:
    """Every level and every series: both files, one below the other."""
    return pl.concat(
        [pl.read_parquet(exported / f"{name}.parquet") for name in ("forecast_levels", "forecasts")]
    )


@pytest.fixture
def tags(exported) -> dict[str, np.ndarray]:
    return {
        level: np.array(ids)
        for level, ids in json.loads((exported / "tags.json").read_text()).items()
    }


@pytest.fixture
def summing(exported) -> pl.DataFrame:
    """hierarchicalforecast's S_df: a row per group, a column per series, 1 where it is summed."""
    members = pl.read_parquet(exported / "members.parquet").with_columns(one=1.0)
    return members.pivot("series", index="unique_id", values="one").fill_null(0.0)


def test_utilsforecast_scores_means_and_intervals_of_a_table_with_actuals(exported):
    table = pl.read_parquet(exported / "forecasts.parquet").drop_nulls("y")
    scored = evaluate(
        table, metrics=[mae, rmse, bias, coverage, mqloss], models=["tillcast"], level=LEVELS
    )
    assert set(scored["metric"]) == {
        "mae",
        "rmse",
        "bias",
        "mqloss",
        *(f"coverage_level{level}" for level in LEVELS),
    }
    assert scored["tillcast"].is_finite().all()
    ours = (table["tillcast"] - table["y"]).mean()  # the same sign: positive is too much
    assert scored.filter(metric="bias")["tillcast"].mean() == pytest.approx(ours)


def test_utilsforecast_scores_every_model_and_cutoff_of_the_backtest(exported):
    backtest = pl.read_parquet(exported / "backtest.parquet")
    scored = evaluate(backtest, metrics=[mae, rmse])
    assert scored["cutoff"].n_unique() == 2
    assert {"seasonal_naive", "global_lightgbm"} <= set(scored.columns)


def test_the_members_of_every_group_are_what_it_sums(whole, summing, tags):
    """Each day's mean of every group is its row of the matrix times the series' means."""
    series = summing.columns[1:]
    assert summing["unique_id"].to_list() == [one for ids in tags.values() for one in ids]
    wide = whole.pivot("ds", index="unique_id", values="tillcast")
    bottom = pl.DataFrame({"unique_id": series}).join(wide, on="unique_id", maintain_order="left")
    every = summing.select("unique_id").join(wide, on="unique_id", maintain_order="left")
    sums = summing.drop("unique_id").to_numpy() @ bottom.drop("unique_id").to_numpy()
    np.testing.assert_allclose(sums, every.drop("unique_id").to_numpy(), rtol=1e-6, atol=1e-6)


@needs_hierarchicalforecast
def test_hierarchicalforecast_scores_level_by_level(whole, tags):
    from hierarchicalforecast.evaluation import evaluate as evaluate_levels

    known = whole.drop_nulls("y")
    scored = evaluate_levels(known, metrics=[mae, rmse], tags=tags, models=["tillcast"])
    assert set(scored["level"]) == {*tags, "Overall"}
    total = known.filter(unique_id="total/total")
    one = scored.filter(level="total", metric="mae")["tillcast"].item()
    assert one == pytest.approx((total["tillcast"] - total["y"]).abs().mean())


@needs_hierarchicalforecast
def test_hierarchicalforecast_reconciles_and_finds_nothing_to_mend(whole, summing, tags):
    """Our levels add up: every reconciliation is a projection onto what adds up, so it must leave
    the means where they are.
    """
    from hierarchicalforecast.core import HierarchicalReconciliation
    from hierarchicalforecast.methods import BottomUp, MinTrace

    methods = [BottomUp(), MinTrace(method="ols"), MinTrace(method="wls_struct")]
    reconciled = HierarchicalReconciliation(methods).reconcile(
        whole.select(MEANS), tags=tags, S_df=summing
    )
    columns = [name for name in reconciled.columns if name.startswith("tillcast/")]
    assert len(columns) == len(methods)
    for name in columns:
        np.testing.assert_allclose(
            reconciled[name].to_numpy(), reconciled["tillcast"].to_numpy(), rtol=1e-5, atol=1e-5
        )


@needs_hierarchicalforecast
def test_a_level_changed_by_hand_is_reconciled_and_scored_again(whole, summing, tags):
    """A planner raises the total by a fifth: MinTrace spreads it over the series, the sums agree
    again, both are scored.
    """
    from hierarchicalforecast.core import HierarchicalReconciliation
    from hierarchicalforecast.evaluation import evaluate as evaluate_levels
    from hierarchicalforecast.methods import MinTrace

    raised = (
        pl.when(unique_id="total/total")
        .then(pl.col("tillcast") * 1.2)
        .otherwise(pl.col("tillcast"))
    )
    changed = whole.select(MEANS).with_columns(raised)
    reconciled = HierarchicalReconciliation([MinTrace(method="wls_struct")]).reconcile(
        changed, tags=tags, S_df=summing
    )
    (column,) = (name for name in reconciled.columns if name.startswith("tillcast/"))
    by_day = reconciled.with_columns(
        is_series=pl.col("unique_id").is_in(tags["series"].tolist())
    ).group_by("ds")
    sums = by_day.agg(
        total=pl.col(column).filter(unique_id="total/total").sum(),
        series=pl.col(column).filter("is_series").sum(),
    )
    np.testing.assert_allclose(sums["total"].to_numpy(), sums["series"].to_numpy(), rtol=1e-6)
    assert (
        reconciled[column].sum()
        > reconciled.filter(pl.col("unique_id") != "total/total")["tillcast"].sum()
    )
    actuals = whole.select("unique_id", "ds", "y").drop_nulls()
    scored = evaluate_levels(
        reconciled.join(actuals, on=["unique_id", "ds"]), [mae], tags, ["tillcast", column]
    )
    assert scored["tillcast"].is_finite().all()


@needs_hierarchicalforecast
def test_utilsforecast_draws_the_fan_of_a_table(exported):
    """Matplotlib comes with hierarchicalforecast; utilsforecast draws with it."""
    import matplotlib as mpl

    mpl.use("Agg")
    from utilsforecast.plotting import plot_series

    table = pl.read_parquet(exported / "forecasts.parquet")
    actuals = table.select("unique_id", "ds", "y").drop_nulls()
    figure = plot_series(
        actuals, table.drop("y", "cutoff"), models=["tillcast"], level=[50, 95], max_ids=4
    )
    assert len(figure.axes) >= 4
