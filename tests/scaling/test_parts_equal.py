"""The same table in any number of parts, whatever crosses them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from contract.frames import TOTALS
from contract.panel import Panel
from contract.params import Params
from contract.question import Question
from forecasting.champion import Champion

HORIZON = 14


def _without(params: Params, **source: object) -> Params:
    return params.model_copy(update={"source": params.source.model_copy(update=source)})


def _trained(params: Params, **changes: object) -> Params:
    return params.model_copy(update={"train": params.train.model_copy(update=changes)})


def _no_groups(params: Params) -> Params:
    return _trained(params, groups=params.train.groups.model_copy(update={"columns": None}))


@pytest.fixture(scope="module")
def served(champion_of, small, chain) -> Champion:
    """Fitted on the whole chain, the group step on."""
    return champion_of(small, chain)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_a_chain_in_any_number_of_parts(both, small, chain, served, count, assert_same):
    whole, parts = both(small, chain, count, champion=served)
    assert {"global_lightgbm", "analogues"} <= set(whole.rows["method"])
    assert 0 < (whole.rows["y_hat"] == 0).sum() < whole.rows.height  # the closed day
    assert_same(whole, parts)


def test_every_bit_is_the_same_where_no_mean_is_summed(both, small, chain, assert_same):
    params = _trained(_no_groups(small), rest_days=None)
    assert_same(*both(params, chain), exact=True)


def test_a_source_without_stores_is_parted_by_name(both, small, chain, champion_of, assert_same):
    """One feed: its arrivals, shut days and the end of its plans are those of all parts."""
    named = {"store_id": "shop_id"}
    series = chain.series.rename(named)
    groups = small.train.groups.model_copy(update={"columns": ["shop_id", "dept_id"]})
    params = _trained(_without(small, levels=((), ("shop_id",), ("item_id",))), groups=groups)
    hierarchy = {"hierarchy": [["shop_id", "dept_id"], ["item_id"]]}
    params = params.model_copy(update={"features": params.features.model_copy(update=hierarchy)})
    quiet = pl.col("ds") == chain.first_day + timedelta(days=100)  # all stores at zero: shut
    unknown = pl.col("unique_id").str.starts_with("I2") & (
        pl.col("ds") > chain.last_day - timedelta(days=35)
    )  # of them only the mean of all is left
    one = pl.col("unique_id") == "I0_S0"  # alone sells on one day, and has rows on another
    lone = pl.col("ds") == chain.last_day - timedelta(days=9)
    y = pl.when(unknown).then(None).when(quiet | (lone & ~one)).then(0.0).otherwise("y")
    absent = (pl.col("ds") == chain.last_day - timedelta(days=12)) & ~one
    sales = chain.sales.filter(~absent | unknown).with_columns(y=y)
    # plans of some end, and promotions are stated of few: of how many of all, no part can tell
    of_some = pl.col("unique_id").str.contains("^I[013]")
    goes_on = pl.col("from_ds") <= chain.last_day + timedelta(days=4)
    prices = chain.prices.filter(goes_on | ~of_some).with_columns(
        promo=pl.when(pl.col("unique_id").str.contains("^I[0156]")).then("promo")
    )
    panel = replace(chain, series=series, sales=sales, prices=prices)
    champion = champion_of(params, panel)
    assert_same(*both(params, panel, 4, champion=champion))
    nobody = Champion(None, None, champion.calibrations, "no model", reason="no_champion")
    whole, parts = both(params, panel, 5, champion=nobody)
    assert "group_mean" in set(whole.rows["method"])
    assert_same(whole, parts)


def test_a_plan_that_ends_and_was_always_there_misses_alike(
    both, small, chain, served, assert_same
):
    """`features_missing`: decided for all parts together."""
    prices = chain.prices.filter(pl.col("from_ds") <= chain.last_day - timedelta(days=130))
    whole, parts = both(small, replace(chain, prices=prices), champion=served)
    assert "features_missing" in set(whole.rows["reason"])
    assert_same(whole, parts)


def test_a_store_without_plans_misses_them_alone(both, small, chain, served, assert_same):
    """All rows of its part lack a plan, and those of the whole do not: row by row."""
    ended = pl.col("from_ds") > chain.last_day - timedelta(days=130)
    prices = chain.prices.filter(~(ended & pl.col("unique_id").str.ends_with("_S2")))
    whole, parts = both(small, replace(chain, prices=prices), 6, champion=served)
    missing = whole.rows.filter(reason="features_missing")["unique_id"].str.slice(3).unique()
    assert missing.to_list() == ["S2"]
    assert_same(whole, parts)


def test_the_model_of_another_shop_is_refused_alike(both, small, chain, served, assert_same):
    tenth = chain.sales.with_columns(y=(pl.col("y") * 40).round())
    whole, parts = both(small, replace(chain, sales=tenth), champion=served)
    loud = small.model_copy(
        update={"inference": small.inference.model_copy(update={"max_level_jump": 1.01})}
    )
    whole, parts = both(loud, replace(chain, sales=tenth), 2, champion=served)
    assert "level_implausible" in set(whole.rows["reason"])
    assert_same(whole, parts)


@pytest.mark.parametrize("back", [0, 5])
def test_an_earlier_origin_some_days_and_some_series(both, small, chain, served, back, assert_same):
    origin = chain.last_day - timedelta(days=back)
    question = Question(origin=origin, horizon=10, series="I1_*")
    whole, parts = both(small, chain, question=question, champion=served)
    assert whole.rows["unique_id"].n_unique() == 6
    assert whole.levels.is_empty()
    assert_same(whole, parts)


def test_feeds_that_are_late_do_not_move_the_days_of_their_part(
    both, small, chain, served, assert_same
):
    """Of two stores in one part no row came for a week, and the last days of all are missing."""
    late = pl.col("unique_id").str.contains("_S[02]$") & (
        pl.col("ds") > chain.last_day - timedelta(days=7)
    )
    panel = replace(chain, sales=chain.sales.filter(~late))
    origin = chain.last_day + timedelta(days=2)
    whole, parts = both(small, panel, 6, Question(origin=origin), champion=served)
    assert_same(whole, parts)


def test_without_a_model_and_with_a_simpler_one(both, small, chain, served, assert_same):
    nobody = Champion(None, None, served.calibrations, "no model", reason="no_champion")
    assert_same(*both(small, chain, 2, champion=nobody), exact=True)


def test_totals_of_groups_older_than_the_items(both, small, chain, served, assert_same):
    first = chain.first_day
    rows = [
        (f'{{"dept_id":"D{dept}","store_id":"S{store}"}}', first + timedelta(days=day), 20.0 + dept)
        for store in range(6)
        for dept in range(3)
        for day in range(-120, 60)
    ]
    totals = pl.DataFrame(rows, ["scope", "ds", "y"], orient="row").with_columns(
        known_at=pl.lit(chain.sales["known_at"].min())
    )
    panel = replace(chain, totals=TOTALS.conform(totals).sort(TOTALS.key))
    assert_same(*both(small, panel, champion=served))


def test_parts_that_decide_otherwise_are_found(chain, parts_of, tmp_path):
    """Who decides by its own rows, where the whole should, asks for another total."""
    from contract.errors import PartFailed
    from contract.whole import numbers_of_all
    from scaling.engines import Here
    from scaling.run import run_parts

    parts = parts_of(chain, tmp_path, 3)

    def work(panel: Panel, folder) -> None:
        name = "mine" if "I0_S0" in panel.series["unique_id"] else "yours"
        numbers_of_all(panel.whole, name, {"rows": panel.sales.height})

    with pytest.raises(PartFailed, match="different totals"):
        run_parts(work, "wrong", parts, Here())
