"""What-if in a shop: beside the published table, against a whole forecast of the changed panel,
kept and handed over.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

import inference
from contract.errors import BadInput, BadUsage
from contract.panel import Panel
from forecasting.champion import champion_in_registry
from forecasting.publication import publish_forecasts, serving_of
from forecasting.what_if import Change, changed_panel, effect, outside_training, planned
from queries.what_if import NOTE, Scenario, keep, kept, what_if
from storage.forecasts import latest_forecasts, newest_run
from storage.panel import read_panel
from storage.store import open_store

FIRST = date(2024, 5, 30)
WEEK = (FIRST + timedelta(days=2), FIRST + timedelta(days=8))


def scenario(where: dict | None = None, **changes) -> Scenario:
    days = {"from_ds": WEEK[0], "to_ds": WEEK[1]}
    return Scenario(where or {"store_id": "CA_1"}, Change(**days | changes))


def _read(shop, read, *arguments):
    with open_store(shop.paths.store, read_only=True) as con:
        return read(con, *arguments)


def _rows(result: dict) -> pl.DataFrame:
    return pl.DataFrame(result["rows"], infer_schema_length=None)


def test_the_same_prices_give_the_published_table(shop):
    result = what_if(shop.params, shop.paths, scenario(price_percent=0.0))
    rows = _rows(result)
    assert rows["scenario"].to_list() == pytest.approx(rows["published"].to_list(), rel=1e-9)
    assert result["note"] == NOTE


def test_a_plan_moves_its_series_as_a_whole_forecast_of_the_changed_panel_does(shop):
    """An oracle: production's own functions over every series of the changed panel. The shop's
    champion has no group step, so nothing is kept that a whole forecast would make anew.
    """
    panel, table = _read(shop, read_panel), _read(shop, latest_forecasts)
    run, origin = _read(shop, newest_run)
    champion = champion_in_registry(shop.paths.registry, run.model_id, shop.paths.backtest)
    assert champion.model.params.groups.columns is None
    ids = panel.series.filter(store_id="CA_1")["unique_id"]
    plan = planned(panel, ids, scenario(price_percent=-30.0, promo=1.0).change)
    ours = effect(champion.model, panel, plan, table).sort("unique_id", "ds")
    whole = publish_forecasts(
        serving_of(shop.params, champion), changed_panel(panel, plan), origin, 14, "r"
    ).join(ids.to_frame("unique_id"), on="unique_id", how="semi")
    both = ours.join(whole, on=["unique_id", "ds"], suffix="_whole").filter(
        pl.col("method") == champion.model.name
    )
    assert both.height > 100
    assert both["scenario"].to_list() == pytest.approx(both["y_hat_whole"].to_list(), rel=1e-6)
    assert (both["scenario"] - both["y_hat"]).abs().max() > 0.01


def test_a_closed_store_sells_nothing_and_the_others_are_not_in_it(shop):
    result = what_if(shop.params, shop.paths, scenario(is_open=False))
    rows = _rows(result)
    closed = rows.filter(pl.col("ds").is_between(*WEEK))
    assert closed["scenario"].sum() == result["scenario_units"] == 0
    assert closed["published"].sum() > 0
    assert rows["unique_id"].str.ends_with("CA_1").all()


def test_what_training_never_saw_is_warned_of(shop):
    result = what_if(shop.params, shop.paths, scenario(price=9999.0, promo=50.0))
    first, second = result["warnings"]
    assert "outside what it ever was" in first
    assert "a promotion of 50" in second


def test_what_a_scenario_leaves_as_it_is_is_no_warning_of_it(shop):
    """A price that is known ahead and was never charged is the published table's, too."""
    day = _read(shop, newest_run)[1] + timedelta(days=1)
    with open_store(shop.paths.store) as con:
        raised = "update prices set price = price * 50 where from_ds >= $day"
        con.execute(raised, {"day": day}).fetchall()
    assert what_if(shop.params, shop.paths, scenario({}, is_open=True))["warnings"] == []
    assert what_if(shop.params, shop.paths, scenario({}, price_percent=1.0))["warnings"]


def test_a_scenario_is_kept_compared_and_handed_over_as_a_plan(shop):
    wanted = scenario(price=2.5, promo=1.0)
    result = what_if(shop.params, shop.paths, wanted)
    keep(shop.paths, "cheap week", wanted, result)
    found = kept(shop.paths)
    assert [(one["name"], one["scenario_units"]) for one in found] == [
        ("cheap week", result["scenario_units"])
    ]
    plan = pl.read_csv(shop.paths.scenarios / "cheap week.csv", try_parse_dates=True)
    assert plan.columns == ["unique_id", "ds", "price", "promo", "is_open"]
    assert plan["ds"].unique().sort().to_list() == [WEEK[0] + timedelta(days=k) for k in range(7)]
    assert plan["price"].unique().to_list() == [2.5]
    for content in ("{", "[]", '{"name": "x"}'):
        (shop.paths.scenarios / "other.json").write_text(content)
        with pytest.raises(BadInput, match=r"other.json' holds no scenario .*Move it away"):
            kept(shop.paths)
    for name in ("../../evil", "", "a/b", ".hidden", "x" * 61):
        with pytest.raises(BadUsage, match="names no scenario"):
            keep(shop.paths, name, wanted, result)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "nothing is other"),
        ({"price": -1.0}, "0 or more"),
        ({"promo": -1.0}, "0 or more"),
        ({"price_percent": -100.0}, "above -100"),
        ({"price": float("nan")}, "0 or more"),
        ({"price": 1e38}, "1,000,000,000 at most"),
        ({"promo": float("inf")}, "1,000,000,000 at most"),
        ({"price_percent": 1e300}, "1,000,000,000 at most"),
        ({"price": 1.0, "price_percent": 5.0}, "two questions"),
        ({"from_ds": FIRST - timedelta(days=1), "price": 1.0}, "no days of the newest table"),
        ({"to_ds": FIRST + timedelta(days=90), "price": 1.0}, "no days of the newest table"),
        ({"where": {"store_id": "XX"}, "price": 1.0}, "no series has"),
        ({"where": {"shop": "XX"}, "price": 1.0}, "no column of the series is called ['shop']"),
    ],
)
def test_what_cannot_be_forecast_is_refused(shop, changes, why):
    with pytest.raises(BadUsage) as refusal:
        what_if(shop.params, shop.paths, scenario(**changes))
    assert why in str(refusal.value)


def test_a_series_that_came_after_the_table_is_left_out_and_counted(shop, newcomer):
    result = what_if(shop.params, shop.paths, scenario(price=2.5))
    rows = _rows(result)
    assert newcomer not in rows["unique_id"]
    assert (result["series"], result["left_out"]) == (rows["unique_id"].n_unique(), 1)
    with pytest.raises(BadUsage, match=r"the newest table holds none of .*NEW_CA_1"):
        what_if(shop.params, shop.paths, scenario({"unique_id": newcomer}, price=2.5))


def test_the_command_line_says_sums_warnings_and_the_note(shop, capsys):
    days = ("--from", str(WEEK[0]), "--to", str(WEEK[1]))
    arguments = ("what-if", "--where", "store_id=CA_1", *days, "--price-percent", "-10")
    assert inference.main([*arguments, "--keep", "ten off", *shop.options, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["kept"].endswith("ten off.json")
    assert {"published_units", "scenario_units", "warnings", "note"} <= set(said)


def _panel_of(make_panel) -> Panel:
    return make_panel(series=4, days=60, nasty=False)


def test_a_plan_takes_the_place_of_its_days_alone(make_panel):
    panel = _panel_of(make_panel)
    one = panel.series["unique_id"][:1]
    first = panel.last_day + timedelta(days=3)
    change = Change(first, first + timedelta(days=1), price=7.0)
    plan = planned(panel, one, change)
    changed = changed_panel(panel, plan)

    def price_on(of: Panel, day: date) -> list[float]:
        rows = of.prices.filter(
            pl.col("unique_id") == one[0], pl.col("from_ds") <= day, pl.col("to_ds") >= day
        )
        return rows["price"].to_list()

    for k in range(8):
        day = panel.last_day + timedelta(days=k)
        wanted = [7.0] if first <= day <= first + timedelta(days=1) else price_on(panel, day)
        assert price_on(changed, day) == wanted, k
    others = pl.col("unique_id") != one[0]
    assert changed.prices.filter(others).equals(panel.prices.filter(others))
    assert outside_training(panel, plan)


def test_a_percentage_of_no_price_is_refused(make_panel):
    panel = _panel_of(make_panel)
    nameless = replace(panel, prices=panel.prices.clear())
    day = panel.last_day + timedelta(days=1)
    with pytest.raises(BadUsage, match=r"no price is known.*Give a price"):
        planned(nameless, panel.series["unique_id"], Change(day, day, price_percent=-10.0))
