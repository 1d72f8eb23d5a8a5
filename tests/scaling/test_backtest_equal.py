"""The same backtest, scores, calibration and decision of any number of parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from contract.demand import demand_rules
from contract.frames import COVARIATES
from contract.panel import Panel
from contract.params import Params
from contract.whole import ALONE
from features.dense_panel import feature_recipe_of
from forecasting.backtest import known_at, no_progress, plan_of
from forecasting.bundle import save_bundle
from forecasting.champion import NAMED
from forecasting.columns import OPEN_SHARE
from forecasting.contenders import CANDIDATE, contenders
from forecasting.gate import challenge_of, gate
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.part_backtest import ROWS, BacktestInParts, CutoffInParts
from forecasting.scoring import calibration_json, score
from forecasting.trials import Trials, WholeTrials
from runtime.json_files import write_json
from scaling.engines import Here
from scaling.parts import Parts
from stages.trials_in_parts import trials_in_parts

KEY = ("model", "cutoff", "level", "slice", "metric")
DIGITS = 2e-6  # to which a calibration is rounded
Evaluated = tuple[pl.DataFrame, pl.DataFrame, dict[str, Any], dict[str, Any]]


@pytest.fixture(scope="module")
def judged(small: Params) -> Params:
    """Two cutoffs, the first of which calibrates the second."""
    few = {"origins": 2, "step_days": 14, "refit_every": 1, "calibration_bins": 4}
    short = {"blocks": [14], "rounds": 8, "origin_step_days": 9}
    return _with(small, evaluate=few, train=short)


def _with(params: Params, **changes: dict[str, Any]) -> Params:
    """The params with some of a section's values changed."""
    sections = {name: getattr(params, name) for name in changes}
    return params.model_copy(
        update={
            name: section.model_copy(update=changes[name]) for name, section in sections.items()
        }
    )


@pytest.fixture
def compared(parts_of, near, tmp_path: Path) -> Callable[..., Evaluated]:
    """`compared(params, panel, count, models)`: what a backtest of the parts gives, after checking
    that the whole panel gives the same. `models`: a folder with candidate and incumbent.
    """

    def alike(
        params: Params, panel: Panel, count: int = 3, models: Path | None = None
    ) -> Evaluated:
        whole = WholeTrials(panel.with_shut_days(), params.source.hierarchy, demand_rules(params))
        files = parts_of(panel, tmp_path / f"parts-{count}", count)
        one, many = (
            _evaluated(params, trials, tmp_path / f"{count}-{name}", models or tmp_path / "none")
            for name, trials in (("one", whole), ("many", trials_in_parts(params, files, Here())))
        )
        assert_frame_equal(one[0], many[0], rel_tol=1e-12, abs_tol=1e-12)
        assert_frame_equal(one[1], many[1], rel_tol=1e-9, abs_tol=1e-9)
        assert many[2:] == near(one[2:], DIGITS)
        return many

    return alike


def _evaluated(params: Params, trials: Trials, folder: Path, models: Path) -> Evaluated:
    """Rows, scores, calibration, decision."""
    folder.mkdir()
    sides = contenders(params, trials.outline, None)
    recipe = sides[CANDIDATE]
    assert isinstance(recipe, GlobalLightGBM)
    challenge = challenge_of(models / "candidate", models / "incumbent", recipe)
    sides |= challenge.recipes
    tried = trials.backtest(sides, plan_of(params, trials.outline), no_progress)
    scores, calibrations = score(tried, list(sides), params.evaluate.calibration_bins)
    decision = gate(challenge, params, trials, tried, scores)
    tried.write(folder / "rows.parquet")
    assert [file.name for file in folder.iterdir()] == ["rows.parquet"]
    rows = pl.read_parquet(folder / "rows.parquet", glob=False)
    return rows, scores.sort(KEY), calibration_json(calibrations), decision


def _models(folder: Path, params: Params, panel: Panel, champion: Params, until: date) -> Path:
    """A candidate of all days, and a champion fitted up to a day."""
    whole = panel.with_shut_days()
    fits = {"candidate": (params, whole), "incumbent": (champion, whole.up_to(until))}
    for name, (of, seen) in fits.items():
        model = GlobalLightGBM(of.train, feature_recipe_of(of, seen)).fit(seen)
        card = save_bundle(model, folder / name, panel.hash)
    write_json(folder / "incumbent" / NAMED, {"model_id": card["model_id"]})
    return folder


def test_a_chain_fitted_anew_at_every_other_cutoff(compared, judged, chain):
    """Without a champion; one store keeps days of its own, so its rows say how likely it opens."""
    rows, scores, _, decision = compared(
        _with(judged, evaluate={"origins": 3, "refit_every": 2}), chain
    )
    assert rows["cutoff"].n_unique() == 3
    assert OPEN_SHARE in rows.columns
    assert scores.filter(metric="coverage_95", level="series").height > 0
    assert decision["serves"] is None or decision["serves"]["method"] in rows.columns


def test_another_recipe_than_the_champions_is_fitted_beside_it(compared, judged, chain, tmp_path):
    weaker = _with(judged, train={"rounds": 4})
    models = _models(tmp_path / "models", judged, chain, weaker, chain.last_day)
    rows, _, _, decision = compared(judged, chain, 3, models)
    assert "champion" in rows.columns
    assert decision["rule"] == "improvement"
    assert decision["churn"] > 0


def test_a_refit_is_judged_on_days_the_champion_has_not_seen(compared, judged, chain, tmp_path):
    until = chain.last_day - timedelta(days=24)
    models = _models(tmp_path / "models", judged, chain, judged, until)
    *_, decision = compared(judged, chain, 3, models)
    assert decision["rule"] == "no harm"
    assert decision["compared_from"] == [str(chain.last_day - timedelta(days=12))]
    assert decision["churn"] > 0


def test_prices_that_one_store_has_and_days_that_another_does_not_know(compared, judged, chain):
    """Of a store without prices a day is worth nothing, not as much as elsewhere without any. A day
    of an item counts where most of its stores know it.
    """
    priced, unread = (pl.col("unique_id").str.ends_with(store) for store in ("_S1", "_S2"))
    day = (pl.col("ds") - chain.first_day).dt.total_days()
    sales = chain.sales.with_columns(
        y=pl.when(unread & day.is_between(60, 75)).then(None).otherwise("y")
    )
    prices = chain.prices.with_columns(
        price=pl.when(priced).then("price"), promo=pl.when(priced).then("promo")
    )
    _, scores, _, _ = compared(judged, replace(chain, sales=sales, prices=prices), 6)
    assert "promo_yes" in scores["slice"].to_list()


def test_no_price_at_all_and_one_feed(compared, judged, chain):
    """Every day is worth the same; parts are drawn by the names of series."""
    groups = judged.train.groups.model_copy(update={"columns": ["shop_id"]})
    params = _with(
        judged,
        source={"levels": ((), ("item_id",), ("shop_id", "dept_id"))},
        features={"hierarchy": [["shop_id"], ["item_id"]]},
        train={"groups": groups},
    )
    series = chain.series.rename({"store_id": "shop_id"})
    compared(params, replace(chain, series=series, prices=chain.prices.clear()), 4)


def test_prices_of_no_known_series_are_none(compared, judged, chain):
    """A price list that writes the names another way: days are worth the same, as without any."""
    strange = chain.prices.with_columns(pl.col("unique_id") + "0").sort("unique_id", "from_ds")
    _, scores, _, _ = compared(judged, replace(chain, prices=strange))
    of_levels = scores.filter(pl.col("level") != "average", metric="wrmsse")
    assert of_levels.filter(pl.col("value") > 0).height == of_levels.height > 0


def test_plans_end_at_each_cutoff_and_are_as_announced_by_then(compared, judged, chain, tmp_path):
    """Plans end inside the horizon; promotions, which sell three times as much, were announced and
    their prices corrected eight days ahead; a covariate of one part.
    """
    ending = chain.prices.filter(pl.col("from_ds") <= chain.last_day + timedelta(days=4))
    ahead = pl.col("from_ds").cast(pl.Datetime("us"))
    held = pl.col("promo") > 0
    earlier = ending.filter(held).with_columns(
        price=pl.col("price") * 1.1,
        known_at=ahead - timedelta(days=20),
        superseded_at=ahead - timedelta(days=8),
    )
    prices = ending.with_columns(
        known_at=pl.when(held).then(ahead - timedelta(days=8)).otherwise("known_at")
    )
    params = _with(judged, features={"known_future": ["tasting"]}, train={"rounds": 30})
    panel = replace(
        chain,
        sales=_selling_more(chain, prices.filter(held)),
        prices=prices,
        covariates=_tastings(chain),
        superseded={"prices": earlier},
    )
    compared(params, panel)
    whole, parts = panel.with_shut_days(), Parts(tmp_path / "parts-3", 3)
    plan = plan_of(params, whole)
    for cutoff in plan.cutoffs:
        known = [known_at(parts.read(number, ALONE), cutoff, plan) for number in range(3)]
        prices = pl.concat([one.prices for one in known]).sort("unique_id", "from_ds")
        assert prices.equals(known_at(whole, cutoff, plan).prices)
        of_today = known_at(replace(whole, superseded={}), cutoff, plan)
        assert not prices.equals(of_today.prices)


def _selling_more(panel: Panel, promotions: pl.DataFrame) -> pl.DataFrame:
    """SALES, three times as much in a promotion."""
    begun = promotions.select("unique_id", ds="from_ds", until="to_ds").sort("ds")
    sales = panel.sales.sort("ds").join_asof(begun, on="ds", by="unique_id", check_sortedness=False)
    y = pl.when(pl.col("ds") <= pl.col("until")).then(3 * pl.col("y")).otherwise("y")
    return sales.with_columns(y=y).drop("until").sort("unique_id", "ds")


def _tastings(panel: Panel) -> pl.DataFrame:
    """COVARIATES of one series."""
    days = pl.DataFrame({"ds": [panel.first_day + timedelta(days=k) for k in range(0, 152, 3)]})
    named = pl.DataFrame({"unique_id": ["I1_S1"], "name": "tasting", "value": 1.0})
    rows = named.join(days, how="cross").with_columns(known_at=panel.prices["known_at"][0])
    return COVARIATES.conform(rows).sort(COVARIATES.key)


def test_a_write_that_ends_early_leaves_no_piece_beside_the_backtest(tmp_path):
    """The folder is an output of DVC: what lies there is hashed and pushed."""
    rows = pl.DataFrame({"unique_id": ["a"], "ds": [date(2024, 1, 1)], "y": [1.0]})
    of_cutoffs = {}
    for day in (1, 2):
        part = tmp_path / f"backtest-{day}" / "part-0000"
        part.mkdir(parents=True)
        rows.write_parquet(part / ROWS)
        of_cutoffs[date(2024, 1, day)] = CutoffInParts([part], {})
    tried = BacktestInParts(rows.select("unique_id"), [], 1, [], of_cutoffs)
    target = tmp_path / "backtest" / "forecasts.parquet"
    target.parent.mkdir()
    tried.write(target)
    assert pl.read_parquet(target).equals(pl.concat([rows, rows]))
    (tmp_path / "backtest-2" / "part-0000" / ROWS).unlink()
    with pytest.raises(FileNotFoundError):
        tried.write(target)
    assert [file.name for file in target.parent.iterdir()] == ["forecasts.parquet"]
