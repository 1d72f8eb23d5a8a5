"""What serves in production, and what a random split would have claimed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from contract.errors import ModelBroken
from forecasting.bundle import read_card, save_bundle
from forecasting.champion import candidate_champion, champion_in_registry, enter_registry
from forecasting.iid import iid_against_temporal
from forecasting.ladder import who_serves
from forecasting.publication import publish_forecasts, serving_of
from forecasting.window_average import WindowAverage

HORIZON = 14


@pytest.fixture
def bundle(fitted, tmp_path):
    """A candidate's folder."""
    save_bundle(fitted, tmp_path / "candidate", "panelhash")
    return tmp_path / "candidate"


@pytest.fixture
def registry(bundle, backtest, tmp_path):
    """A registry the candidate was entered into."""
    enter_registry(bundle, backtest, tmp_path / "registry")
    return tmp_path / "registry"


def _decision(tmp_path, promote: bool, reasons: list[str], **more):
    path = tmp_path / "decision.json"
    kept = {"promote": promote, "reasons": reasons} | more
    path.write_text(json.dumps(kept), encoding="utf-8")
    return path


def _with_calibration_of(backtest, name: str) -> None:
    path = backtest / "calibration.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(kept | {name: kept["seasonal_naive"]}), encoding="utf-8")


def test_a_promoted_candidate_is_the_champion(bundle, backtest, tmp_path, fitted, nasty_panel):
    champion = candidate_champion(
        bundle, tmp_path / "incumbent", backtest, _decision(tmp_path, True, [])
    )
    assert champion.model_id == read_card(bundle)["model_id"]
    assert champion.why_none is None
    assert champion.method("seasonal_naive") == "global_lightgbm"
    assert set(champion.calibrations) == {"global_lightgbm", "seasonal_naive"}
    last = nasty_panel.last_day
    assert champion.model.forecast(nasty_panel, last, 7).equals(
        fitted.forecast(nasty_panel, last, 7)
    )


def test_a_decision_without_serves_leaves_the_table_to_the_baseline_and_the_reasons_are_the_gates(
    bundle, backtest, tmp_path
):
    champion = candidate_champion(
        bundle,
        tmp_path / "incumbent",
        backtest,
        _decision(tmp_path, False, ["too much bias", "not surely better"]),
    )
    assert champion.model is None
    assert champion.why_none == "too much bias; not surely better"
    assert champion.method("seasonal_naive") == "seasonal_naive"
    assert champion.reason == "no_champion"


def test_without_a_champion_the_best_of_the_backtest_serves_and_its_rows_say_so(
    bundle, backtest, tmp_path, params, nasty_panel
):
    _with_calibration_of(backtest, "window_average")
    serves = {"method": "window_average", "reason": "the best of the backtest"}
    decision = _decision(tmp_path, False, ["not surely better"], serves=serves)
    champion = candidate_champion(bundle, tmp_path / "incumbent", backtest, decision)
    assert isinstance(champion.model, WindowAverage)
    assert champion.model_id == read_card(bundle)["model_id"]
    rows = publish_forecasts(
        serving_of(params, champion), nasty_panel, nasty_panel.last_day, 7, "run"
    )
    made = rows.filter(method="window_average")
    assert made.height > 0
    assert set(made["reason"]) == {"no_champion"}


@pytest.mark.parametrize("lost", ["calibration.json", "card.json"])
def test_what_serves_meanwhile_but_is_broken_leaves_the_table_to_the_baseline(
    registry, bundle, backtest, lost
):
    model_id = read_card(bundle)["model_id"]
    (registry / model_id / lost).unlink()
    champion = who_serves(registry, [], backtest, (model_id, "global_lightgbm"))
    assert (champion.model, champion.reason) == (None, None)
    assert set(champion.calibrations) == {"global_lightgbm", "seasonal_naive"}
    assert lost in champion.why_none


def test_the_registered_model_the_store_names_is_the_champion(registry, bundle, backtest):
    model_id = read_card(bundle)["model_id"]
    assert champion_in_registry(registry, model_id, backtest).model_id == model_id


def test_before_any_promotion_the_baseline_serves(registry, backtest):
    champion = champion_in_registry(registry, None, backtest)
    assert (champion.model, champion.why_none) == (None, "no model was promoted yet")


def test_a_model_nobody_has_is_no_champion_and_says_where_it_was_looked_for(registry, backtest):
    champion = champion_in_registry(registry, "0123456789ab", backtest)
    assert champion.model is None
    assert "0123456789ab" in champion.why_none


@pytest.mark.parametrize("damage", ["block_07.txt", "card.json"])
def test_a_damaged_bundle_is_no_champion_and_says_why(registry, bundle, backtest, damage):
    model_id = read_card(bundle)["model_id"]
    path = registry / model_id / damage
    path.write_text(path.read_text(encoding="utf-8")[:-200], encoding="utf-8")
    champion = champion_in_registry(registry, model_id, backtest)
    assert (champion.model, champion.model_id) == (None, None)
    assert damage in champion.why_none


@pytest.mark.parametrize("text", [None, "", '{"global_light'])
def test_without_a_readable_calibration_nothing_can_be_published(registry, backtest, text):
    path = backtest / "calibration.json"
    path.unlink()
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelBroken, match=r"calibration"):
        champion_in_registry(registry, None, backtest)


def test_the_registry_keeps_every_model_under_its_id_and_twice_changes_nothing(
    registry, bundle, backtest
):
    card = enter_registry(bundle, backtest, registry)
    assert card == read_card(bundle)
    assert [path.name for path in registry.iterdir()] == [card["model_id"]]
    kept = registry / card["model_id"] / "calibration.json"
    assert kept.read_bytes() == (backtest / "calibration.json").read_bytes()


def test_a_half_copied_model_of_a_power_cut_is_not_taken_for_the_model(bundle, backtest, tmp_path):
    model_id = read_card(bundle)["model_id"]
    half = tmp_path / "registry" / f".{model_id}.part"
    half.mkdir(parents=True)
    (half / "card.json").write_text("{", encoding="utf-8")
    enter_registry(bundle, backtest, tmp_path / "registry")
    assert [path.name for path in (tmp_path / "registry").iterdir()] == [model_id]
    assert champion_in_registry(tmp_path / "registry", model_id, backtest).model is not None


def test_a_random_split_and_a_split_in_time_are_both_measured_on_the_last_days(
    unfitted, weekly_panel
):
    wapes = iid_against_temporal(weekly_panel, unfitted, HORIZON)
    assert wapes["first_test_day"] == str(weekly_panel.last_day - timedelta(days=HORIZON - 1))
    assert 0 < wapes["wape_random_split"] < 1
    assert 0 < wapes["wape_temporal_split"] < 1


def test_a_calibration_changed_in_the_registry_is_a_broken_model(registry, bundle, backtest):
    """Drill `changed_calibration`: intervals of a tenth of their width once went out."""
    model_id = read_card(bundle)["model_id"]
    path = registry / model_id / "calibration.json"
    path.write_text(path.read_text(encoding="utf-8").replace("1.", "0.1"), encoding="utf-8")
    with pytest.raises(ModelBroken, match="changed since"):
        champion_in_registry(registry, model_id, backtest)
