"""Candidate against champion: what may be compared, on which days."""

from __future__ import annotations

import json
from datetime import date, timedelta

import polars as pl
import pytest

from contract.demand import DemandRules
from contract.errors import ModelBroken
from contract.levels import levels_of
from contract.panel import Panel
from forecasting.backtest import BacktestPlan
from forecasting.bundle import read_card, save_bundle
from forecasting.calibration import learn_groups
from forecasting.challenge import (
    IS_CHAMPION,
    Standing,
    backtest_of_refit,
    churn_of,
    incumbent_in,
    tables_of,
    unseen_window,
)
from forecasting.champion import candidate_champion, copy_incumbent
from forecasting.intervals import Calibration
from forecasting.promotion import IMPROVEMENT, NO_HARM, Evidence, GuardrailMetrics, decide
from forecasting.scoring import calibration_json
from forecasting.seasonal_naive import SeasonalNaive
from forecasting.trials import WholeTrials

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

DAY = date(2024, 3, 1)


@pytest.fixture
def registry(fitted, tmp_path, nasty_panel):
    """One model, fitted on all of the panel, with a calibration."""
    model_id = save_bundle(fitted, tmp_path / "made", "hash")["model_id"]
    (tmp_path / "made").rename(tmp_path / model_id)
    y = nasty_panel.sales["y"].head(280).to_numpy().reshape(20, 14)
    calibrations = {
        name: Calibration({"series": learn_groups(y, y, 2)})
        for name in ("global_lightgbm", "seasonal_naive")
    }
    (tmp_path / model_id / "calibration.json").write_text(
        json.dumps(calibration_json(calibrations)), encoding="utf-8"
    )
    return tmp_path, model_id


@pytest.fixture
def named(registry):
    """The folder of the copy of the champion."""
    folder, model_id = registry
    copy_incumbent(folder, model_id, folder / "models" / "incumbent")
    return folder / "models" / "incumbent"


def test_before_the_first_promotion_there_is_none(tmp_path, fitted):
    copy_incumbent(tmp_path, None, tmp_path / "incumbent")
    assert incumbent_in(tmp_path / "incumbent", fitted, None) == (None, "no champion reigns")
    assert incumbent_in(tmp_path / "nothing", fitted, None) == (None, "no champion reigns")


def test_a_champion_whose_bundle_is_lost_is_none(tmp_path, fitted):
    copy_incumbent(tmp_path, "0123456789ab", tmp_path / "incumbent")
    assert incumbent_in(tmp_path / "incumbent", fitted, None)[0] is None


def test_the_same_recipe_is_a_refit_and_must_do_no_harm(named, fitted):
    incumbent, _ = incumbent_in(named, fitted, "another")
    assert incumbent.rule == NO_HARM
    assert incumbent.model_id == read_card(named)["model_id"]


def test_a_changed_param_is_another_recipe_and_must_be_an_improvement(named, fitted, unfitted):
    changed = unfitted()
    changed.params = changed.params.model_copy(update={"rounds": 31})
    incumbent, _ = incumbent_in(named, changed, "another")
    assert incumbent.rule == IMPROVEMENT
    assert incumbent.recipe.params == fitted.params
    assert not incumbent.recipe.boosters


def test_the_champion_under_its_own_name_is_no_challenge(named, fitted):
    assert incumbent_in(named, fitted, read_card(named)["model_id"]) == (None, IS_CHAMPION)


def test_a_champion_that_does_not_load_is_said_to_be_broken(named, fitted):
    next(named.glob("block_*.txt")).unlink()
    incumbent, why = incumbent_in(named, fitted, "another")
    assert incumbent is None
    assert "cannot be loaded" in why


def _trials(panel: Panel) -> WholeTrials:
    return WholeTrials(panel, levels_of(()), EVERY_DAY)


@pytest.mark.parametrize(
    ("unseen", "expected"),
    [(28, (14, 14)), (14, (7, 7)), (13, None), (0, None), (300, (28, 28)), (29, (14, 14))],
)
def test_half_of_the_unseen_days_teach_and_half_are_judged(unseen, expected):
    window = unseen_window(DAY, DAY - timedelta(days=unseen), 28)
    assert window == (
        None if expected is None else (DAY - timedelta(days=expected[0]), expected[1])
    )
    assert window is None or window[0] > DAY - timedelta(days=unseen)


def test_a_fitted_model_is_never_scored_on_days_it_learned_from(fitted, nasty_panel):
    standing = Standing(fitted)
    assert standing.fit(nasty_panel) is standing
    with pytest.raises(ModelBroken, match="it has seen those days"):
        standing.fit(nasty_panel.up_to(nasty_panel.last_day - timedelta(days=1)))


def test_a_refit_is_judged_on_days_neither_side_has_seen(
    named, fitted, unfitted, nasty_panel, inference_params
):
    known = nasty_panel.up_to(nasty_panel.last_day - timedelta(days=28))
    older = unfitted().fit(known)
    incumbent = incumbent_in(named, fitted, "another")[0]
    incumbent.model.__dict__.update(older.__dict__)
    naive = SeasonalNaive(7, EVERY_DAY)
    plan = BacktestPlan([], 14, 2, None, inference_params, EVERY_DAY, {})
    rows = backtest_of_refit(_trials(nasty_panel), incumbent, naive, plan).rows
    assert rows["cutoff"].unique().to_list() == [nasty_panel.last_day - timedelta(days=14)]
    assert rows["h"].max() == 14
    assert not rows["champion"].equals(rows["global_lightgbm"])


def test_a_model_beside_itself_moves_nothing(registry, named, fitted, nasty_panel):
    folder, model_id = registry
    incumbent = incumbent_in(named, fitted, "another")[0]
    tables = tables_of(folder / model_id, incumbent, _trials(nasty_panel), 14)
    assert tables.churn == 0.0
    assert tables.forecast_s > 0


def test_a_candidate_that_cannot_forecast_is_held_back_and_the_reason_says_why(
    registry, named, fitted, nasty_panel, gate_params
):
    folder, model_id = registry
    incumbent = incumbent_in(named, fitted, "another")[0]
    next((folder / model_id).glob("block_*.txt")).unlink()
    good = GuardrailMetrics(0.0, 0.95)
    for beside in (incumbent, None):
        tables = tables_of(folder / model_id, beside, _trials(nasty_panel), 14)
        decision = decide(Evidence(None, None, good, good, NO_HARM, tables), gate_params)
        assert not decision.promote
        assert "its bundle cannot answer today" in decision.reasons[0]
        assert "is missing from its bundle" in decision.reasons[0]


def test_a_champion_that_cannot_forecast_any_more_leaves_nothing_to_differ_from(
    registry, named, fitted, nasty_panel
):
    folder, model_id = registry
    incumbent = incumbent_in(named, fitted, "another")[0]
    incumbent.model.columns = ["another feature"]
    tables = tables_of(folder / model_id, incumbent, _trials(nasty_panel), 14)
    assert (tables.churn, tables.why_none) == (None, None)
    assert tables.forecast_s > 0


def test_churn_is_the_share_of_units_moved_week_by_week():
    """By hand: series a moves 1 of 4 units in its week, b keeps its sum: 1 of 10."""
    days = [DAY, DAY + timedelta(days=1)] * 2
    before = pl.DataFrame({"unique_id": list("aabb"), "ds": days, "y_hat": [2.0, 2.0, 1.0, 5.0]})
    after = before.with_columns(y_hat=pl.Series([3.0, 2.0, 5.0, 1.0]))
    assert churn_of([before], [after]) == pytest.approx(0.1)


def test_churn_of_parts_is_that_of_the_whole():
    days = [DAY, DAY + timedelta(days=1)] * 2
    before = pl.DataFrame({"unique_id": list("aabb"), "ds": days, "y_hat": [2.0, 2.0, 1.0, 5.0]})
    after = before.with_columns(y_hat=pl.Series([3.0, 2.0, 7.0, 1.0]))
    parts = [[table.filter(unique_id=name) for name in "ab"] for table in (before, after)]
    assert churn_of(*parts) == pytest.approx(churn_of([before], [after]))
    assert churn_of(*parts) == pytest.approx(0.3)


def test_a_candidate_held_back_leaves_the_table_to_the_champion(named, registry, tmp_path):
    folder, model_id = registry
    decision = tmp_path / "decision.json"
    decision.write_text(json.dumps({"promote": False, "reasons": ["worse"]}), encoding="utf-8")
    served = candidate_champion(named.with_name("candidate"), named, folder / model_id, decision)
    assert (served.model_id, served.why_none) == (model_id, None)
