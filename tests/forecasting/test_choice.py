"""Which recipe a panel gets: by older cutoffs alone, the nearer one where as good, and by rule."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from contract.draws import some_of
from contract.errors import BadParams
from contract.params import Params
from contract.params_file import AS_SET, lay_over, params_of, recipes_of
from forecasting.backtest import cutoffs_of
from forecasting.choice import (
    CELLS_A_MINUTE,
    SameTrees,
    choice_in,
    choose,
    chosen_by,
    forecasters_of,
    older_cutoffs,
    tried_series,
    usable,
    with_choice,
)
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.paired import Losses
from runtime.paths import Paths
from stages.choose_recipe import choose_recipe
from storage.panel_files import freeze

SMALL = {"horizon": 7, "blocks": [7], "rounds": 4, "min_rows_in_leaf": 5, "min_history_days": 28}
RECIPES = {"averaged": {"average_share": 0.5}, "total": {"groups": {"columns": []}}}


@pytest.fixture
def choosing(params: Params):
    """`choosing(minutes=1, recipes=...)`: params of a small world with changes to the choice."""

    def changed(**changes: object) -> Params:
        chosen = {"minutes": 5, "origins": 4, "refit_every": 4, "recipes": RECIPES} | changes
        evaluate = {"origins": 2, "step_days": 7, "choose": chosen}
        plain = params.model_dump()
        plain["evaluate"]["choose"] = chosen
        source = {"levels": [[], ["dept_id"]]}
        return params_of(lay_over(plain, {"source": source, "train": SMALL, "evaluate": evaluate}))

    return changed


def _losses(*by_cutoff: float, blocks: int = 4) -> Losses:
    values = np.array(by_cutoff)
    return Losses(values[:, None], np.repeat(values[:, None], blocks, axis=1))


def test_every_window_chosen_on_closes_before_the_first_that_is_reported(choosing, weekly_panel):
    params = choosing()
    reported = cutoffs_of(weekly_panel, params.evaluate, params.train.horizon)
    older = older_cutoffs(params, weekly_panel)
    assert len(older) == 4
    assert max(older) + timedelta(days=params.train.horizon) <= min(reported)


def test_nothing_after_the_older_windows_moves_the_choice(choosing, weekly_panel):
    """Sales of the reported days tripled: the same choice, the same figures."""
    params = choosing()
    end = older_cutoffs(params, weekly_panel)[-1] + timedelta(days=params.train.horizon)
    tripled = pl.when(pl.col("ds") > end).then(pl.col("y") * 3).otherwise("y")
    other = replace(weekly_panel, sales=weekly_panel.sales.with_columns(y=tripled))
    assert choose(params, other, None) == choose(params, weekly_panel, None)


def test_a_short_history_trains_what_is_set_and_says_why(choosing, weekly_panel):
    short = weekly_panel.up_to(weekly_panel.first_day + timedelta(days=40))
    choice = choose(choosing(), short, None)
    assert (choice.recipe, choice.changes, choice.measured) == (AS_SET, {}, {})
    assert "4 are needed" in choice.why


def test_the_choice_says_what_was_measured_of_every_recipe(choosing, weekly_panel):
    choice = choose(choosing(), weekly_panel, None)
    assert list(choice.measured) == [AS_SET, "averaged", "total"]
    assert all(set(row) == {"wrmsse", "wape", "bias"} for row in choice.measured.values())
    assert choice.recipe in choice.why
    assert choice.series == weekly_panel.series.height


def test_of_two_as_good_what_is_set_is_chosen(choosing):
    losses = {AS_SET: _losses(0.50, 0.52, 0.51), "averaged": _losses(0.51, 0.51, 0.505)}
    assert chosen_by(losses, None, choosing().evaluate.gate) == AS_SET


def test_within_one_standard_error_what_is_set_stays_however_much_better_the_other_looks(choosing):
    """On average 4%; but at one of four cutoffs it is much worse, at another much better."""
    losses = {
        AS_SET: _losses(0.50, 0.50, 0.50, 0.50),
        "averaged": _losses(0.40, 0.56, 0.46, 0.51),
    }
    assert chosen_by(losses, None, choosing().evaluate.gate) == AS_SET


def test_what_is_better_at_every_cutoff_is_chosen(choosing):
    losses = {AS_SET: _losses(0.50, 0.52, 0.51), "averaged": _losses(0.45, 0.48, 0.46)}
    assert chosen_by(losses, None, choosing().evaluate.gate) == "averaged"


def test_of_those_that_are_better_the_best_is_chosen_not_one_that_swings_more(choosing):
    """Poisson has the smallest mean, and is worse at one cutoff of four."""
    losses = {
        AS_SET: _losses(0.50, 0.50, 0.50, 0.50),
        "poisson": _losses(0.30, 0.56, 0.50, 0.52),
        "averaged": _losses(0.48, 0.49, 0.48, 0.49),
        "stores": _losses(0.47, 0.48, 0.46, 0.48),
    }
    assert chosen_by(losses, None, choosing().evaluate.gate) == "stores"


def test_a_champions_recipe_stays_until_another_is_surely_better(choosing):
    close = {AS_SET: _losses(0.50, 0.52, 0.51), "averaged": _losses(0.45, 0.53, 0.48)}
    clear = {AS_SET: _losses(0.50, 0.52, 0.51), "averaged": _losses(0.40, 0.41, 0.405)}
    assert chosen_by(close, AS_SET, choosing().evaluate.gate) == AS_SET
    assert chosen_by(clear, AS_SET, choosing().evaluate.gate) == "averaged"


def test_recipes_of_the_same_trees_share_a_fit(choosing, weekly_panel):
    params = choosing(recipes=RECIPES | {"poisson": {"objective": "poisson"}})
    made = forecasters_of(params, weekly_panel, recipes_of(params))
    assert isinstance(made["averaged"], SameTrees)
    assert made["averaged"].trees is made[AS_SET]
    assert isinstance(made["poisson"], GlobalLightGBM)


def test_a_shared_fit_forecasts_as_one_of_its_own(choosing, weekly_panel):
    params = choosing()
    made = forecasters_of(params, weekly_panel, recipes_of(params))
    trees = made[AS_SET].fit(weekly_panel)
    shared = made["averaged"].forecast(weekly_panel, weekly_panel.last_day, 7)
    alone = GlobalLightGBM(recipes_of(params)["averaged"], trees.feature_recipe).fit(weekly_panel)
    assert shared.equals(alone.forecast(weekly_panel, weekly_panel.last_day, 7))


def test_groups_the_series_do_not_have_several_of_are_left_out(choosing, weekly_panel):
    params = choosing(recipes=RECIPES | {"stores": {"groups": {"columns": ["store_id"]}}})
    assert list(usable(recipes_of(params), weekly_panel.series)) == [AS_SET, *RECIPES]


def test_a_large_panel_is_read_in_part_by_its_size_alone(choosing, weekly_panel):
    """30 series of 200 days and 3 recipes are 18,000 cells; half a million take a minute."""
    assert len(tried_series(choosing(minutes=1), weekly_panel.series, 200)) == 30
    assert len(tried_series(choosing(minutes=0.01), weekly_panel.series, 200)) == 9


def test_some_of_many_are_of_every_store_wherever_names_end_in_it():
    """Every n-th of them would be of one of ten stores."""
    for wanted in (100, 200, 500):
        some = some_of(1000, wanted)
        assert len(some) == len(set(some)) == wanted
        assert (np.diff(some) > 0).all()
        of_stores = np.bincount(some % 10, minlength=10)
        assert of_stores.min() > 0.7 * wanted / 10
    assert some_of(3, 7).tolist() == [0, 1, 2]


def test_some_series_are_measured_by_the_days_and_recipes_of_the_whole(
    choosing, weekly_panel, tmp_path: Path
):
    """Those that are tried are of one store, whose last two weeks are not there yet."""
    stores = {"groups": {"columns": ["store_id"]}}
    params = choosing(recipes={"stores": stores}, minutes=200 * 30 * 2 / CELLS_A_MINUTE / 2)
    series = weekly_panel.series.with_columns(
        store_id=pl.when(pl.int_range(pl.len()).is_in(some_of(30, 15)))
        .then(pl.lit("N"))
        .otherwise(pl.lit("S"))
    )
    north = series.filter(store_id="N")["unique_id"].implode()
    is_late = pl.col("unique_id").is_in(north) & (
        pl.col("ds") > weekly_panel.last_day - timedelta(days=14)
    )
    panel = replace(weekly_panel, series=series, sales=weekly_panel.sales.filter(~is_late))
    paths = Paths(tmp_path)
    freeze(panel, paths.panel)
    paths.recipe.parent.mkdir(parents=True)
    chosen = choose_recipe(params, paths)
    assert chosen["series"] == series.height / 2
    assert chosen["cutoffs"] == [str(cutoff) for cutoff in older_cutoffs(params, panel)]
    assert list(chosen["measured"]) == [AS_SET, "stores"]


def test_a_recipe_that_is_none_is_refused_when_params_are_read(choosing):
    with pytest.raises(BadParams, match=r"evaluate.choose.recipes.a .*objectve"):
        choosing(recipes={"a": {"objectve": "poisson"}})
    with pytest.raises(BadParams, match="leave the horizon out"):
        choosing(recipes={"a": {"horizon": 14, "blocks": [14]}})


def test_params_take_the_recipe_that_was_chosen(choosing, tmp_path: Path):
    file = tmp_path / "recipe.json"
    assert with_choice(choosing(), file).train.average_share == 0
    kept = {"recipe": "averaged", "changes": {"average_share": 0.5}, "why": "it is", "measured": {}}
    file.write_text(json.dumps(kept))
    assert with_choice(choosing(), file).train.average_share == 0.5
    assert with_choice(choosing(minutes=0), file).train.average_share == 0
    with pytest.raises(BadParams, match=r"evaluate\.py choose"):
        with_choice(choosing(recipes={}), file)


def test_a_card_says_what_was_chosen_only_where_something_was_measured(tmp_path: Path):
    file = tmp_path / "recipe.json"
    kept = {"recipe": "averaged", "changes": {"average_share": 0.5}, "why": "it is", "measured": {}}
    file.write_text(json.dumps(kept))
    assert choice_in(file) is None
    file.write_text(json.dumps(kept | {"measured": {"averaged": {"wape": 0.4}}}))
    assert choice_in(file) == {name: kept[name] for name in ("recipe", "changes", "why")}
