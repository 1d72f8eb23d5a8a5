"""The same model fitted on any number of parts: every byte of its text, every note of its card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from contract.errors import NotEnoughHistory
from contract.frames import COVARIATES
from contract.panel import Panel
from contract.params import Params
from features.dense_panel import feature_recipe_of
from forecasting.bundle import save_bundle
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.lesson import Lesson, lesson_of
from forecasting.part_lessons import PartLessons, lesson_of_parts
from scaling.engines import Here
from scaling.parts import Parts
from scaling.run import run_parts
from scaling.whole import summed

DAYS = 150  # of the chain
PLANS_END = 4  # days after the last sale


@pytest.fixture(scope="module")
def teaching(small: Params) -> Params:
    """All that draws rows is on: a budget below the rows there are, broken levels, hidden plans.
    One block of few origins: what is compared is every byte, not how well it learns.
    """
    return _trained(
        small,
        max_rows=2500,
        break_share=0.3,
        hide_plans_share=0.5,
        blocks=[14],
        origin_step_days=9,
        rounds=8,
    )


@pytest.fixture(scope="module")
def ending(chain: Panel) -> Panel:
    """The chain with plans that end inside the horizon."""
    last = chain.last_day + timedelta(days=PLANS_END)
    return replace(chain, prices=chain.prices.filter(pl.col("from_ds") <= last))


def _trained(params: Params, **changes: object) -> Params:
    return params.model_copy(update={"train": params.train.model_copy(update=changes)})


def _featured(params: Params, **changes: object) -> Params:
    return params.model_copy(update={"features": params.features.model_copy(update=changes)})


@pytest.fixture
def cards(tmp_path: Path, parts_of) -> Callable[..., tuple[dict, dict]]:
    """`cards(params, panel, count)`: the card of a fit on the panel, and of one on its parts."""

    def both(params: Params, panel: Panel, count: int = 2, back: int = 0) -> tuple[dict, dict]:
        whole = panel.with_shut_days()
        cutoff = whole.last_day - timedelta(days=back) if back else None
        seen = whole.up_to(cutoff) if cutoff else whole
        one = GlobalLightGBM(params.train, feature_recipe_of(params, seen)).fit(seen)
        lessons, parts = PartLessons(params, cutoff), parts_of(panel, tmp_path / str(count), count)
        run_parts(lessons, "fit", parts, Here())
        many = lessons.model_of(parts.outline(summed(parts, "fit")))
        folders = parts.all_results("fit")
        for end in many.blocks:
            many.learn_block(end, lesson_of_parts(folders, end))
        saved = [
            save_bundle(model, tmp_path / f"{count}_{name}", panel.hash)
            for name, model in (("one", one), ("many", many))
        ]
        return saved[0], saved[1]

    return both


@pytest.mark.parametrize(("count", "blocks"), [(3, [7, 14]), (6, [14])])
def test_a_chain_in_any_number_of_parts(cards, teaching, ending, count, blocks):
    one, many = cards(_trained(teaching, blocks=blocks), ending, count)
    assert one["plan_reach"]["price"] < teaching.train.horizon
    assert one == many


def test_the_same_rows_teach_as_without_parts(cards, teaching, ending):
    """What the fixture is for: rows left out, levels that break, plans that some do not see."""
    dense = PartLessons(teaching, None).model_of(ending).training_panel(ending)
    hs, reach = range(1, 15), {"price": PLANS_END, "promo": PLANS_END}

    def lesson(**changes: object) -> Lesson:
        return lesson_of(dense, hs, _trained(teaching, **changes).train, reach)

    here = lesson()
    assert here.broken is not None
    assert len(here.broken) > 100
    assert len(lesson(max_rows=20_000).drawn) > 1.5 * len(here.drawn)
    assert not np.array_equal(
        here.drawn.features, lesson(hide_plans_share=0.0).drawn.features, equal_nan=True
    )


def test_an_earlier_cutoff(cards, teaching, ending):
    one, many = cards(teaching, ending, back=9)
    assert one == many


def test_without_groups_each_series_steps_by_its_number_among_all(cards, teaching, ending):
    params = _featured(teaching, hierarchy=[], price=False)
    one, many = cards(params, ending)
    assert one == many


def test_one_feed_and_a_covariate_that_one_part_has(cards, teaching, ending):
    """Whether a plan ends, of how many series, and which there are is said by all parts."""
    series = ending.series.rename({"store_id": "shop_id"})
    params = _featured(
        teaching, hierarchy=[["shop_id", "dept_id"], ["item_id"]], known_future=["tasting"]
    )
    days = pl.DataFrame({"ds": [ending.first_day + timedelta(days=k) for k in range(0, 152, 3)]})
    tasting = pl.DataFrame({"unique_id": ["I1_S1", "I1_S4"], "name": "tasting", "value": 1.0})
    rows = tasting.join(days, how="cross").with_columns(known_at=ending.prices["known_at"][0])
    covariates = COVARIATES.conform(rows).sort(COVARIATES.key)
    one, many = cards(params, replace(ending, series=series, covariates=covariates), 4)
    assert "tasting" in one["plan_reach"]
    assert one == many


def test_a_list_of_promotions_is_one_by_all_series(cards, teaching, chain):
    """One store names promotions of the last weeks, and some long ago: for it alone a full plan
    that ended, for all a list that may go on.
    """
    named = pl.col("unique_id").str.ends_with("_S0")
    day = (pl.col("from_ds") - chain.first_day).dt.total_days()
    stated = (day < 50) | day.is_between(DAYS - 20, DAYS - 1)
    promo = pl.when(named & stated).then(1.0)
    one, many = cards(teaching, replace(chain, prices=chain.prices.with_columns(promo=promo)), 6)
    assert one["plan_reach"]["promo"] == teaching.train.horizon
    assert one == many


def test_groups_whose_names_differ_by_a_zero_byte_at_the_end(cards, teaching, ending):
    cut = pl.when(pl.col("item_id") == "I1").then(pl.lit("I2\0")).otherwise("item_id")
    series = ending.series.with_columns(item_id=cut)
    one, many = cards(teaching, replace(ending, series=series))
    assert one == many


def test_a_covariate_called_as_a_price_that_one_part_has(cards, teaching, ending):
    """How far prices reach is said of both together, in every part alike."""
    days = pl.DataFrame({"ds": [ending.first_day + timedelta(days=k) for k in range(0, 152, 3)]})
    named = pl.DataFrame({"unique_id": ["I1_S1"], "name": "price", "value": 1.0})
    rows = named.join(days, how="cross").with_columns(known_at=ending.prices["known_at"][0])
    covariates = COVARIATES.conform(rows).sort(COVARIATES.key)
    plain, _ = cards(teaching, ending)
    one, many = cards(teaching, replace(ending, covariates=covariates), 4)
    assert one["plan_reach"] == plain["plan_reach"]
    assert one == many


def test_plans_of_series_that_the_panel_has_not_yet(cards, teaching, ending):
    """A panel of the past holds what was known of those that sold since; no part has them."""
    nobody = {"unique_id": pl.lit("I9_S9")}
    prices = pl.concat(
        [
            ending.prices.with_columns(price=pl.lit(None, pl.Float64)),
            ending.prices.head(1).with_columns(**nobody),
        ]
    )
    rows = ending.sales.head(1).select(
        ds="ds", name=pl.lit("tasting"), value=pl.lit(1.0), known_at="known_at"
    )
    covariates = COVARIATES.conform(rows.with_columns(**nobody))
    params = _featured(teaching, known_future=["tasting"])
    one, many = cards(params, replace(ending, prices=prices, covariates=covariates))
    assert one["plan_reach"].keys() == {"promo"}
    assert one == many


def test_a_part_that_has_no_row_to_teach(cards, teaching, ending):
    """One store opened on the last day, and its codes are known to the model."""
    new = pl.col("unique_id").str.ends_with("_S2")
    sales = ending.sales.filter(~new | (pl.col("ds") == ending.last_day))
    one, many = cards(teaching, replace(ending, sales=sales), 6)
    assert one == many


def test_too_few_rows_of_all_parts_are_refused_and_of_one_are_not(
    chain, teaching, parts_of, tmp_path
):
    few = _trained(teaching, min_rows_in_leaf=2000)
    with pytest.raises(NotEnoughHistory, match="rows to learn days"):
        run_parts(PartLessons(few, None), "fit", parts_of(chain, tmp_path, 3), Here())
    enough = _trained(teaching, min_rows_in_leaf=900)  # twice as many has no part
    run_parts(PartLessons(enough, None), "again", Parts(tmp_path, 3), Here())
    nothing = replace(chain, sales=chain.sales.with_columns(y=pl.lit(0.0)))
    parts = parts_of(nothing, tmp_path / "nothing", 2)
    with pytest.raises(NotEnoughHistory):
        run_parts(PartLessons(teaching, None), "fit", parts, Here())
