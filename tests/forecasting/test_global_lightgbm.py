"""The global model: what it learns, what it refuses, and that it is the same wherever made."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.errors import FeaturesMissing, ModelBroken, NotEnoughHistory
from contract.panel import Panel, panel_of
from features.dense_panel import FeatureRecipe
from features.reach import with_plans_until
from forecasting.bundle import load_bundle, read_card, save_bundle
from forecasting.champion import Champion
from forecasting.forecaster import forecast_grid
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.intervals import Calibration, Ratios
from forecasting.publication import Serving, publish_forecasts
from forecasting.seasonal_naive import SeasonalNaive
from forecasting.window_average import WindowAverage

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

HORIZON = 14


def _squared_error(panel: Panel, rows: pl.DataFrame) -> float:
    joined = rows.join(panel.sales, on=["unique_id", "ds"], how="inner")
    assert joined.height == rows.height
    return joined.select(((pl.col("y_hat") - pl.col("y")) ** 2).mean()).item()


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_a_weekly_pattern_under_noise_is_learned_and_beats_last_week(
    unfitted, weekly_panel, strategy
):
    """Last week's value carries its own noise: twice the variance.

    Who knows the mean has half the squared error.
    """
    origin = weekly_panel.last_day - timedelta(days=HORIZON)
    cut = weekly_panel.up_to(origin)
    ours = unfitted(strategy=strategy, rounds=60).fit(cut).forecast(cut, origin, HORIZON)
    naive = SeasonalNaive(7, EVERY_DAY).forecast(cut, origin, HORIZON)
    assert _squared_error(weekly_panel, ours) < 0.7 * _squared_error(weekly_panel, naive)
    truth = weekly_panel.sales.filter(pl.col("ds") > origin)["y"].sum()
    assert ours["y_hat"].sum() == pytest.approx(truth, rel=0.05)


def _is_whole(rows: pl.DataFrame, panel: Panel, origin: date, horizon: int) -> None:
    assert rows.select("unique_id", "ds", "h").equals(
        forecast_grid(panel.series["unique_id"], origin, horizon)
    )
    known = rows["y_hat"].drop_nulls()
    assert (known >= 0).all()
    assert np.isfinite(known.to_numpy()).all()


@pytest.mark.parametrize("horizon", [1, 7, 8, 14, 20])
def test_every_series_and_day_has_a_row_also_past_the_last_block(fitted, nasty_panel, horizon):
    rows = fitted.forecast(nasty_panel, nasty_panel.last_day, horizon)
    _is_whole(rows, nasty_panel, nasty_panel.last_day, horizon)
    assert rows["y_hat"].null_count() == 0


@pytest.mark.parametrize("horizon", [5, 7, 8, 14, 20])
def test_the_recursive_strategy_has_one_block_and_gives_every_row(unfitted, nasty_panel, horizon):
    model = unfitted(strategy="recursive").fit(nasty_panel)
    assert list(model.boosters) == [7]
    rows = model.forecast(nasty_panel, nasty_panel.last_day, horizon)
    _is_whole(rows, nasty_panel, nasty_panel.last_day, horizon)
    assert rows["y_hat"].null_count() == 0


def test_a_weekly_closing_day_stays_closed_in_every_pass_of_the_recursive_strategy(
    unfitted, weekly_panel
):
    """What the first pass says of a Sunday without rows is no Sunday on which nobody came."""
    shut = replace(weekly_panel, sales=weekly_panel.sales.filter(pl.col("ds").dt.weekday() != 7))
    rows = unfitted(strategy="recursive").fit(shut).forecast(shut, shut.last_day, 21)
    sundays = rows.filter(pl.col("ds").dt.weekday() == 7)
    assert sundays["ds"].n_unique() == 3
    assert sundays["y_hat"].sum() == 0
    assert rows["y_hat"].sum() > 0


def test_the_first_days_of_a_forecast_do_not_hang_on_how_far_it_goes(fitted, nasty_panel):
    short, long = (
        fitted.forecast(nasty_panel, nasty_panel.last_day, horizon) for horizon in (7, 20)
    )
    assert long.filter(pl.col("h") <= 7)["y_hat"].to_list() == short["y_hat"].to_list()


def test_half_of_a_mean_may_be_that_of_its_weekdays(unfitted, weekly_panel):
    """0 and 1 are the trees' own and the average's own."""
    origin, recipe = weekly_panel.last_day, unfitted().feature_recipe
    parts = [
        unfitted(average_share=share).fit(weekly_panel).forecast(weekly_panel, origin, HORIZON)
        for share in (0.0, 0.5, 1.0)
    ]
    trees, half, average = (rows["y_hat"].to_numpy() for rows in parts)
    alone = WindowAverage(recipe).forecast(weekly_panel, origin, HORIZON)["y_hat"].to_numpy()
    assert average == pytest.approx(alone)
    assert half == pytest.approx((trees + average) / 2)


def test_the_tail_the_model_reads_gives_the_forecast_of_the_whole_panel(unfitted, make_panel):
    panel = make_panel(series=9, days=620, seed=5)
    model = unfitted().fit(panel)
    tail = panel.since(panel.last_day - timedelta(days=model.days_back + 10), 0.25)
    assert tail.sales.height < panel.sales.height
    whole, read = (model.forecast(p, panel.last_day, HORIZON) for p in (panel, tail))
    assert whole.equals(read)


def test_a_late_feed_shifts_h_and_the_forecast_of_a_day_stays_that_of_the_last_known_day(
    fitted, nasty_panel
):
    last = nasty_panel.last_day
    on_time = fitted.forecast(nasty_panel, last, 10)
    late = fitted.forecast(nasty_panel, last + timedelta(days=3), 7)
    assert late["h"].to_list()[:7] == [1, 2, 3, 4, 5, 6, 7]
    both = late.join(on_time, on=["unique_id", "ds"], how="left", suffix="_on_time")
    assert both["y_hat"].to_list() == both["y_hat_on_time"].to_list()
    assert (both["h_on_time"] - both["h"] == 3).all()


def test_a_closed_day_forecasts_zero(fitted, nasty_panel):
    closed = nasty_panel.calendar.filter(pl.col("is_closed"))["ds"].to_list()
    origin = closed[1] - timedelta(days=3)
    rows = fitted.forecast(nasty_panel.up_to(origin), origin, 7)
    assert set(rows.filter(ds=closed[1])["y_hat"]) == {0.0}
    assert rows.filter(pl.col("ds") != closed[1])["y_hat"].sum() > 0


def test_sales_after_the_origin_move_no_forecast_even_if_they_are_handed_in(fitted, nasty_panel):
    origin = nasty_panel.last_day - timedelta(days=20)
    loud = replace(
        nasty_panel,
        sales=nasty_panel.sales.with_columns(
            pl.when(pl.col("ds") > origin).then(999.0).otherwise("y").alias("y")
        ),
    )
    assert fitted.forecast(loud, origin, 14).equals(
        fitted.forecast(nasty_panel.up_to(origin), origin, 14)
    )


def test_a_series_that_never_sold_has_rows_without_a_forecast(fitted, nasty_panel):
    series = pl.concat(
        [nasty_panel.series, nasty_panel.series.head(1).with_columns(unique_id=pl.lit("NEW_S1"))]
    )
    frames = (
        nasty_panel.sales,
        series,
        nasty_panel.calendar,
        nasty_panel.prices,
        nasty_panel.covariates,
    )
    rows = fitted.forecast(panel_of(*frames), nasty_panel.last_day, HORIZON)
    assert rows.height == 9 * HORIZON
    closed = nasty_panel.calendar.filter(pl.col("is_closed")).select("ds")
    assert (
        rows.filter(unique_id="NEW_S1").join(closed, on="ds", how="anti")["y_hat"].null_count()
        == HORIZON
    )
    assert rows.filter(pl.col("unique_id") != "NEW_S1")["y_hat"].null_count() == 0


def test_what_the_group_step_expects_is_shared_among_those_that_sell(
    fitted, nasty_panel, monkeypatch
):
    """A series that never sold gets no forecast: its share of the group's units would be lost."""
    given = {}

    def seen(context, own, y_hat, params):
        given["units"] = y_hat.copy()
        return y_hat

    monkeypatch.setattr("forecasting.global_lightgbm.scaled_to_groups", seen)
    series = pl.concat(
        [nasty_panel.series, nasty_panel.series.head(1).with_columns(unique_id=pl.lit("ZZ_S1"))]
    )
    panel = panel_of(
        nasty_panel.sales, series, nasty_panel.calendar, nasty_panel.prices, nasty_panel.covariates
    )
    groups = fitted.params.groups.model_copy(update={"columns": []})
    replace(fitted, params=fitted.params.model_copy(update={"groups": groups})).forecast(
        panel, panel.last_day, HORIZON
    )
    assert (given["units"][-1] == 0).all()
    assert given["units"][0].max() > 0


def test_a_history_in_which_nothing_sold_is_no_history(unfitted, weekly_panel):
    still = replace(weekly_panel, sales=weekly_panel.sales.with_columns(y=pl.lit(0.0)))
    with pytest.raises(NotEnoughHistory):
        unfitted().fit(still)


def test_a_series_and_categories_unknown_at_training_are_forecast_once_they_sell(
    fitted, nasty_panel, sales_of
):
    origin = nasty_panel.last_day
    newcomer = sales_of({"ZZ_S9": [5.0] * 10}, origin - timedelta(days=9))
    unknown = {
        "unique_id": "ZZ_S9",
        "item_id": "ZZ",
        "dept_id": "D9",
        "store_id": "S9",
        "state_id": "CC",
    }
    panel = panel_of(
        pl.concat([nasty_panel.sales, newcomer], how="diagonal"),
        pl.concat([nasty_panel.series, pl.DataFrame([unknown])]),
        nasty_panel.calendar,
        nasty_panel.prices,
    )
    rows = fitted.forecast(panel, origin, HORIZON).filter(unique_id="ZZ_S9")
    assert rows["y_hat"].null_count() == 0
    assert 0 < rows["y_hat"].max() < 50


def test_a_history_too_short_to_learn_from_is_refused_with_the_way_out(unfitted, make_panel):
    with pytest.raises(NotEnoughHistory, match=r"has 14 days.*train\.horizon"):
        unfitted().fit(make_panel(series=4, days=14, nasty=False))


def test_too_few_rows_for_a_tree_are_refused_with_the_way_out(unfitted, make_panel):
    with pytest.raises(NotEnoughHistory, match=r"only \d+ rows .*train\.min_rows_in_leaf"):
        unfitted(min_rows_in_leaf=5000).fit(make_panel(series=4, days=80))


def test_a_panel_in_which_nothing_ever_sold_is_refused_not_a_crash(unfitted, sales_of):
    series = pl.DataFrame(
        {
            "unique_id": ["a"],
            "item_id": ["i"],
            "dept_id": ["D"],
            "store_id": ["S"],
            "state_id": ["AA"],
        }
    )
    with pytest.raises(NotEnoughHistory, match="only 0 rows"):
        unfitted().fit(panel_of(sales_of({"a": [0.0] * 90}), series))


def test_an_unfitted_model_says_so(unfitted, nasty_panel):
    with pytest.raises(ModelBroken, match="never fitted"):
        unfitted().forecast(nasty_panel, nasty_panel.last_day, 7)


def test_params_that_declare_other_features_than_the_fit_are_refused_by_name(fitted, nasty_panel):
    recipe = FeatureRecipe(
        fitted.feature_recipe.features.model_copy(update={"lags": [0, 2]}),
        fitted.feature_recipe.rules,
    )
    other = GlobalLightGBM(
        fitted.params,
        recipe,
        boosters=fitted.boosters,
        vocabulary=fitted.vocabulary,
        columns=fitted.columns,
    )
    with pytest.raises(
        ModelBroken, match=r"other features than params declare: \['lags_1', 'lags_2', 'lags_6'\]"
    ):
        other.forecast(nasty_panel, nasty_panel.last_day, 7)


class TestBundle:
    """Written, read, damaged."""

    @pytest.fixture
    def folder(self, fitted, tmp_path):
        save_bundle(fitted, tmp_path / "m", "panelhash")
        return tmp_path / "m"

    def test_the_same_model_comes_back_and_predicts_identically(self, fitted, folder, nasty_panel):
        back = load_bundle(folder)
        assert (back.columns, back.vocabulary, back.cutoff) == (
            fitted.columns,
            fitted.vocabulary,
            fitted.cutoff,
        )
        last = nasty_panel.last_day
        assert back.forecast(nasty_panel, last, 14).equals(fitted.forecast(nasty_panel, last, 14))

    def test_a_bundle_is_text_and_json_only(self, folder):
        assert sorted(path.name for path in folder.iterdir()) == [
            "block_07.txt",
            "block_14.txt",
            "card.json",
        ]

    def test_the_card_says_what_the_model_was_made_from(self, fitted, folder, nasty_panel):
        card = read_card(folder)
        assert card["panel_hash"] == "panelhash"
        assert card["cutoff"] == str(nasty_panel.last_day)
        assert card["columns"] == fitted.columns
        assert card["rows_used"] == {"7": fitted.rows_used[7], "14": fitted.rows_used[14]}
        assert sum(card["importance"].values()) == pytest.approx(1, abs=0.001)
        assert list(card["importance"].values()) != []

    def test_written_twice_it_is_the_same_bytes(self, fitted, folder, tmp_path):
        save_bundle(fitted, tmp_path / "again", "panelhash")
        for path in folder.iterdir():
            assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()

    def test_another_panel_is_another_model_id(self, fitted, folder, tmp_path):
        assert (
            save_bundle(fitted, tmp_path / "other", "otherhash")["model_id"]
            != read_card(folder)["model_id"]
        )

    def test_a_changed_model_file_is_refused(self, folder):
        path = folder / "block_14.txt"
        path.write_text(
            path.read_text(encoding="utf-8").replace("leaf_value=", "leaf_value=9", 1),
            encoding="utf-8",
        )
        with pytest.raises(ModelBroken, match=r"block_14\.txt' changed since its card was written"):
            load_bundle(folder)

    def test_a_missing_model_file_is_refused(self, folder):
        (folder / "block_07.txt").unlink()
        with pytest.raises(ModelBroken, match=r"block_07\.txt' is missing"):
            load_bundle(folder)

    def test_a_bundle_without_a_card_is_refused_with_the_way_out(self, tmp_path):
        with pytest.raises(ModelBroken, match=r"no readable card\.json.*train\.py"):
            load_bundle(tmp_path)

    def test_a_card_edited_by_hand_is_refused(self, folder):
        path = folder / "card.json"
        path.write_text(
            path.read_text(encoding="utf-8").replace('"h",', '"hh",', 1), encoding="utf-8"
        )
        with pytest.raises(ModelBroken, match=r"card\.json' changed since it was written"):
            load_bundle(folder)

    @pytest.mark.parametrize(
        "text", ["", '{"files": ', "{}", "[]", '{"files": {}, "cutoff": "2024-01-01"}']
    )
    def test_a_card_that_is_cut_short_or_says_too_little_is_refused(self, folder, text):
        (folder / "card.json").write_text(text, encoding="utf-8")
        with pytest.raises(ModelBroken):
            load_bundle(folder)


_FIT_ELSEWHERE = """
import sys, polars as pl
from pathlib import Path
from contract.demand import DemandRules
from contract.panel import panel_of
from contract.params import FeatureParams, TrainParams
from features.dense_panel import FeatureRecipe
from forecasting.bundle import save_bundle
from forecasting.global_lightgbm import GlobalLightGBM
at = Path(sys.argv[1])
names = ("sales", "series", "calendar", "prices", "covariates")
frames = {name: pl.read_parquet(at / f"{name}.parquet") for name in names}
features = FeatureParams.model_validate_json((at / "features.json").read_text())
train = TrainParams.model_validate_json((at / "train.json").read_text())
rules = DemandRules(True, features.max_stockout_share, "state_id")
model = GlobalLightGBM(train, FeatureRecipe(features, rules)).fit(panel_of(**frames))
print(save_bundle(model, at / "elsewhere", "panelhash")["model_id"])
"""


def test_the_same_fit_in_another_process_is_the_same_text_and_the_same_model_id(
    fitted, nasty_panel, tmp_path, root
):
    for name in ("sales", "series", "calendar", "prices", "covariates"):
        getattr(nasty_panel, name).write_parquet(tmp_path / f"{name}.parquet")
    (tmp_path / "features.json").write_text(
        fitted.feature_recipe.features.model_dump_json(), encoding="utf-8"
    )
    (tmp_path / "train.json").write_text(fitted.params.model_dump_json(), encoding="utf-8")
    command = [sys.executable, "-c", _FIT_ELSEWHERE, str(tmp_path)]
    finished = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)  # noqa: S603 our own text
    here = save_bundle(fitted, tmp_path / "here", "panelhash")
    assert finished.stdout.strip() == here["model_id"]
    for name in here["files"]:
        assert (tmp_path / "here" / name).read_bytes() == (
            tmp_path / "elsewhere" / name
        ).read_bytes()


def test_a_bundle_of_another_version_of_the_params_is_a_broken_model(tmp_path, fitted):
    card = save_bundle(fitted, tmp_path, "panel")
    del card["train"]["groups"], card["model_id"]
    text = json.dumps(
        {
            "model_id": hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()[:12],
            **card,
        }
    )
    (tmp_path / "card.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelBroken, match="another version"):
        load_bundle(tmp_path)


def forged(folder, fitted, **changes):
    """A bundle whose card says otherwise in these places, and has the id of what it says."""
    card = save_bundle(fitted, folder, "panel") | changes
    del card["model_id"]
    model_id = hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()[:12]
    text = json.dumps({"model_id": model_id, **card})
    (folder / "card.json").write_text(text, encoding="utf-8")
    return card


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/hostname", "block_07.txt/../secret", ""])
def test_a_card_that_names_other_files_than_blocks_is_refused(tmp_path, fitted, name):
    (tmp_path / "secret.txt").write_text("nobody's", encoding="utf-8")
    sha256 = hashlib.sha256(b"nobody's").hexdigest()
    forged(tmp_path / "bundle", fitted, files={name: sha256})
    with pytest.raises(ModelBroken, match="other files than its blocks"):
        load_bundle(tmp_path / "bundle")


@pytest.mark.parametrize("value", [5, None, [], "x", {"x": 1}])
@pytest.mark.parametrize(
    "name", ["features", "train", "vocabulary", "cutoff", "files", "left_out", "absent_means_zero"]
)
def test_a_card_of_other_json_is_a_broken_model_or_loads(tmp_path, fitted, name, value):
    forged(tmp_path, fitted, **{name: value})
    with suppress(ModelBroken):
        load_bundle(tmp_path)


def test_a_text_that_lightgbm_does_not_read_is_a_broken_model(tmp_path, fitted):
    names = save_bundle(fitted, tmp_path, "panel")["files"]
    noise = "tree\n" * 50
    forged(tmp_path, fitted, files=dict.fromkeys(names, hashlib.sha256(noise.encode()).hexdigest()))
    for name in names:
        (tmp_path / name).write_text(noise, encoding="utf-8")
    with pytest.raises(ModelBroken, match="number of classes"):
        load_bundle(tmp_path)


@pytest.fixture(scope="module")
def priced(weekly_panel) -> Panel:
    """The weekly panel with a price on every day and some after."""
    last = weekly_panel.last_day + timedelta(days=28)
    prices = weekly_panel.series.select(
        "unique_id",
        from_ds=weekly_panel.first_day,
        to_ds=last,
        known_at=datetime(2024, 1, 1),
        price=2.5,
    )
    return panel_of(weekly_panel.sales, weekly_panel.series, prices=prices)


def test_a_feature_always_known_in_training_and_unknown_now_is_refused_by_name(unfitted, priced):
    model = unfitted().fit(priced)
    assert model.forecast(priced, priced.last_day, 7)["y_hat"].null_count() == 0
    with pytest.raises(FeaturesMissing, match="price_level"):
        model.forecast(replace(priced, prices=priced.prices.clear()), priced.last_day, 7)


def test_a_feature_often_unknown_in_training_may_be_unknown_now(unfitted, priced):
    model = unfitted().fit(priced)
    often = replace(model, unknown_shares=dict.fromkeys(model.unknown_shares, 0.3))
    assert often.forecast(replace(priced, prices=priced.prices.clear()), priced.last_day, 7).height


@pytest.fixture(scope="module")
def promoted(weekly_panel) -> Panel:
    """The weekly panel on promotion every third week: twice the units at half the price."""
    days = [weekly_panel.first_day + timedelta(days=k) for k in range(200 + 28)]
    weeks = pl.DataFrame({"from_ds": days[::7], "promo": [k % 3 == 2 for k in range(33)]})
    prices = weekly_panel.series.select("unique_id").join(weeks, how="cross")
    sales = weekly_panel.sales.with_columns(
        y=pl.when((pl.col("ds") - weekly_panel.first_day).dt.total_days() // 7 % 3 == 2)
        .then(2 * pl.col("y"))
        .otherwise("y")
    )
    stated = prices.with_columns(
        pl.col("promo").cast(pl.Float64),
        to_ds=pl.col("from_ds") + timedelta(days=6),
        known_at=datetime(2024, 1, 1),
        price=pl.when("promo").then(1.25).otherwise(2.5),
    )
    return panel_of(sales, weekly_panel.series, prices=stated)


def test_a_plan_that_ends_leaves_the_days_before_its_end_as_they_were(unfitted, promoted):
    ended = with_plans_until(promoted, promoted.last_day, {"price": 9, "promo": 9})
    model = unfitted(hide_plans_share=0.3).fit(ended)
    whole = model.forecast(promoted, promoted.last_day, 14)
    part = model.forecast(ended, promoted.last_day, 14)
    assert part["reason"].null_count() == part.height
    assert part.filter(pl.col("h") <= 9).equals(whole.filter(pl.col("h") <= 9))


def test_what_is_not_known_of_promotions_is_forecast_at_their_mean(unfitted, promoted):
    """A third of the days sells double: 4/3 of a plain day, neither 1 nor 2."""
    nothing = with_plans_until(promoted, promoted.last_day, {"price": 0, "promo": 0})
    model = unfitted(hide_plans_share=0.3, rounds=100).fit(nothing)
    plain = promoted.sales.filter(
        (pl.col("ds") - promoted.first_day).dt.total_days() // 7 % 3 != 2
    )["y"].mean()
    mean = model.forecast(nothing, promoted.last_day, 14)["y_hat"].mean()
    assert mean / plain == pytest.approx(4 / 3, abs=0.15)


def test_a_model_of_whole_plans_falls_back_only_for_the_days_without_one(unfitted, promoted):
    """Nothing was hidden in its training, and no promotion was ever unknown."""
    model = unfitted().fit(promoted)
    ended = with_plans_until(promoted, promoted.last_day, {"price": 9, "promo": 9})
    rows = model.forecast(ended, promoted.last_day, 14)
    missing = rows.filter(reason="features_missing")
    assert set(missing["h"]) == set(range(10, 15))
    assert missing["y_hat"].null_count() == missing.height
    assert rows.filter(pl.col("reason").is_null())["y_hat"].null_count() == 0


def test_a_price_unknown_to_most_is_not_that_of_the_few_who_left(unfitted, promoted):
    """One series in thirty was without a price in training; a feed that died is another thing."""
    model = unfitted().fit(promoted)
    some = replace(model, unknown_shares=model.unknown_shares | {"price_level": 0.03})
    few = promoted.prices.filter(pl.col("unique_id") != promoted.series["unique_id"][0])
    rows = some.forecast(replace(promoted, prices=few), promoted.last_day, 14)
    assert rows["y_hat"].null_count() == 0
    never = promoted.prices.with_columns(price=pl.lit(None, pl.Float64))
    with pytest.raises(FeaturesMissing, match="price_level"):
        some.forecast(replace(promoted, prices=never), promoted.last_day, 14)


def test_a_series_its_plan_leaves_out_falls_back_alone(unfitted, promoted):
    one = promoted.series["unique_id"][0]
    model = unfitted().fit(promoted)
    without = replace(
        promoted,
        prices=promoted.prices.filter(
            (pl.col("unique_id") != one)
            | (pl.col("from_ds") <= promoted.last_day - timedelta(days=7))
        ),
    )
    rows = model.forecast(without, promoted.last_day, 7)
    assert set(rows.filter(reason="features_missing")["unique_id"]) == {one}


def test_the_card_says_how_far_plans_reached_and_older_cards_load(tmp_path, unfitted, promoted):
    ended = with_plans_until(promoted, promoted.last_day, {"price": 9, "promo": 5})
    card = save_bundle(unfitted().fit(ended), tmp_path, "panel")
    assert card["plan_reach"] == {"price": 9, "promo": 5}
    assert load_bundle(tmp_path).plan_reach == {"price": 9, "promo": 5}
    del card["plan_reach"], card["train"]["hide_plans_share"], card["model_id"]
    older = {"model_id": _name_of(card), **card}
    (tmp_path / "card.json").write_text(json.dumps(older), encoding="utf-8")
    loaded = load_bundle(tmp_path)
    assert (loaded.plan_reach, loaded.params.hide_plans_share) == ({}, 0.0)


def _name_of(card: dict) -> str:
    return hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()[:12]


def test_groups_are_not_scaled_up_to_fill_what_is_missing(unfitted, promoted):
    """Half of the store without a plan: the other half keeps about its forecast."""
    groups = unfitted().params.groups.model_copy(update={"columns": ["store_id"]})
    model = unfitted(groups=groups.model_dump()).fit(promoted)
    half = promoted.series["unique_id"].gather_every(2)
    kept = pl.col("unique_id").is_in(half.implode()) | (
        pl.col("from_ds") <= promoted.last_day - timedelta(days=7)
    )
    part = model.forecast(
        replace(promoted, prices=promoted.prices.filter(kept)), promoted.last_day, 7
    )
    assert part["reason"].count() == part.height / 2
    whole = model.forecast(promoted, promoted.last_day, 7)
    of_half = pl.col("unique_id").is_in(half.implode())
    ours, theirs = (rows.filter(of_half)["y_hat"].sum() for rows in (part, whole))
    assert ours == pytest.approx(theirs, rel=0.25)


def test_without_its_features_the_champion_is_left_out_and_the_ladder_says_why(
    unfitted, priced, inference_params
):
    without = replace(priced, prices=priced.prices.clear())
    flat = Calibration({"series": [Ratios([1.0], [[1.0] * 9], [0.0] * 9)]})
    calibrations = {"global_lightgbm": flat, "seasonal_naive": flat}
    model = unfitted().fit(priced)
    champion = Champion(model, None, calibrations)
    serving = Serving(champion, SeasonalNaive(7, EVERY_DAY), inference_params, EVERY_DAY)
    rows = publish_forecasts(serving, without, without.last_day, 7, "run")
    assert set(rows["reason"]) == {"features_missing"}
    assert "global_lightgbm" not in set(rows["method"])
