"""A challenger in shadow: forecast beside the champion, never served, scored when true, read by the
gate.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest

import inference
import ingest
from forecasting.bundle import read_card, save_bundle
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.shadow import read_shadow
from stages.incumbent import name_incumbent
from stages.shadow import shadow_so_far
from storage.forecasts import latest_forecasts
from storage.models import Model, champion, write_model
from storage.panel_files import read_frozen
from storage.store import open_store, transaction

NOW = datetime(2024, 6, 10, 6)


@pytest.fixture
def challenger(shop) -> str:
    """A model of another recipe, published and held back: registered, with its bundle, not
    promoted.
    """
    params, paths = shop.params, shop.paths
    with open_store(paths.store) as con:
        serves = champion(con)
    panel, recipe = read_frozen(paths.panel), None
    from features.dense_panel import feature_recipe_of

    recipe = feature_recipe_of(params, panel)
    model = GlobalLightGBM(params.train.model_copy(update={"rounds": 2}), recipe).fit(panel)
    card = save_bundle(model, paths.registry / "unnamed", panel.hash)
    (paths.registry / "unnamed").rename(paths.registry / card["model_id"])
    assert serves != card["model_id"]
    entry = Model(
        card["model_id"], card["kind"], panel.last_day, panel.hash, card["params_hash"], "{}", NOW
    )
    with open_store(paths.store) as con, transaction(con):
        write_model(con, entry)
    return card["model_id"]


def shadows(shop) -> pl.DataFrame:
    query = """
        select f.*, r.model_id, r.status
        from forecasts f join runs r using (run_id)
        where r.status = 'shadow'"""
    with open_store(shop.paths.store, read_only=True) as con:
        return con.sql(query).pl()


def test_without_a_challenger_or_a_share_there_is_no_shadow(shop, challenger):
    params, paths = shop.params, shop.paths
    none = params.model_copy(
        update={"monitor": params.monitor.model_copy(update={"shadow_share": 0.0})}
    )
    inference.infer(none, paths, now=NOW)
    assert shadows(shop).is_empty()
    inference.infer(params, paths, now=NOW, question=replace(inference.NEWEST, series="*_1"))
    assert shadows(shop).is_empty()  # a part of the series is no table to stand beside


def test_it_forecasts_a_share_of_the_series_always_the_same_and_is_never_the_table(
    shop, challenger, next_day
):
    params, paths = shop.params, shop.paths
    served = inference.infer(params, paths, now=NOW)["run_id"]
    first = shadows(shop)
    assert first["model_id"].unique().to_list() == [challenger]
    assert first["unique_id"].n_unique() == round(0.1 * 24)
    assert first.height == 2 * params.train.horizon
    with open_store(paths.store, read_only=True) as con:
        assert latest_forecasts(con)["run_id"].unique().to_list() == [served]
    next_day(shop, 1)
    ingest.ingest(params, paths, now=NOW + timedelta(days=1))
    inference.infer(params, paths, now=NOW + timedelta(days=1))
    assert (
        shadows(shop)["unique_id"].unique().sort().to_list()
        == first["unique_id"].unique().sort().to_list()
    )


def test_with_actuals_it_is_scored_beside_the_served_table_and_lies_where_the_gate_reads(
    shop, challenger, next_day
):
    params, paths = shop.params, shop.paths
    everything = params.model_copy(
        update={"monitor": params.monitor.model_copy(update={"shadow_share": 1.0})}
    )
    inference.infer(everything, paths, now=NOW)
    assert shadow_so_far(params, paths) is None
    for k in range(1, 10):
        next_day(shop, k)
    ingest.ingest(params, paths, now=NOW + timedelta(days=9))
    shadow = shadow_so_far(params, paths)
    assert (shadow.model_id, shadow.days, shadow.series) == (challenger, 9, 24)
    assert shadow.params_hash == read_card(paths.registry / challenger)["params_hash"]
    assert shadow.relative != 0
    summary = name_incumbent(params, paths)
    assert summary["shadow"] == shadow.sentence
    assert read_shadow(paths.incumbent) == shadow
    sold_out = "update sales set stockout_share = 1 where ds = (select max(ds) from sales)"
    no_zeros = (
        "delete from sales where y = 0 and is_open is not false and coalesce(stockout_share, 0) = 0"
    )
    with open_store(paths.store) as con:
        con.execute(sold_out)
    scored = shadow_so_far(params, paths)
    assert scored.days == 8  # no more scored than in the backtest
    with open_store(paths.store) as con:
        con.execute(no_zeros)
    # of a source without zero rows: a series absent sold none
    assert shadow_so_far(params, paths) == scored
