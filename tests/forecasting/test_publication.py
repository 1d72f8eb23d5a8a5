"""What is published: all rows, honest quantiles, levels that add up."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.demand import DemandRules
from contract.errors import BadInput
from contract.frames import CALENDAR, FORECAST_LEVELS, FORECASTS
from contract.levels import Level, levels_of
from contract.panel import panel_of
from contract.quantiles import QUANTILES
from forecasting.calibration import learn_groups
from forecasting.champion import Champion
from forecasting.dispersion import dispersion_at_end
from forecasting.intervals import Calibration, DispersionClass, Ratios
from forecasting.publication import (
    Serving,
    level_sums,
    levels_of_sums,
    publish_forecasts,
    trim_to_last_sale,
    uncalibrated,
)
from forecasting.seasonal_naive import SeasonalNaive

EVERY_DAY = DemandRules(absent_means_zero=True, max_stockout_share=1.0, region=None)

LEVELS = levels_of(((), ("store_id",), ("store_id", "dept_id")))
HORIZON = 14


class Model:
    """Forecasts a given list of numbers, row by row."""

    name = "model"

    def __init__(self, y_hat: list[float | None]):
        self.y_hat = y_hat

    def forecast(self, panel, origin, horizon):
        grid = SeasonalNaive(7, EVERY_DAY).forecast(panel, origin, horizon)
        values = [self.y_hat[k % len(self.y_hat)] for k in range(grid.height)]
        return grid.with_columns(y_hat=pl.Series(values, dtype=pl.Float64))


def _calibration(seed: int) -> Calibration:
    rng = np.random.default_rng(seed)
    y_hat = rng.gamma(1, 3, (60, HORIZON)) * (rng.random((60, HORIZON)) > 0.1)
    weeks = learn_groups(
        y_hat, rng.poisson(y_hat * rng.uniform(0.5, 2, y_hat.shape)).astype(float), 4
    )
    return Calibration({level.name: weeks for level in LEVELS})


CALIBRATIONS = {"model": _calibration(1), "seasonal_naive": _calibration(2)}


@pytest.fixture(scope="module")
def panel(make_panel):
    """Eight series and one that has never sold."""
    base = make_panel(series=8, days=80, seed=7)
    new = base.series.head(1).with_columns(unique_id=pl.lit("NEW_S1"))
    return panel_of(
        base.sales, pl.concat([base.series, new]), base.calendar, base.prices, base.covariates
    )


def _publish(panel, inference_params, y_hat: list[float | None] | None) -> pl.DataFrame:
    serving = _serving(Model(y_hat) if y_hat is not None else None, inference_params)
    return publish_forecasts(serving, panel, panel.last_day, HORIZON, "run1")


def _serving(model, inference_params) -> Serving:
    champion = Champion(model, None, CALIBRATIONS)
    return Serving(champion, SeasonalNaive(7, EVERY_DAY), inference_params, EVERY_DAY)


forecasts = st.lists(
    st.one_of(
        st.none(),
        st.just(0.0),
        st.floats(0.001, 500),
        st.sampled_from([float("nan"), float("inf"), -3.0]),
    ),
    min_size=1,
    max_size=30,
)


@given(y_hat=forecasts)
def test_whatever_the_champion_says_all_rows_are_there_and_sound(panel, inference_params, y_hat):
    rows = _publish(panel, inference_params, y_hat)
    assert rows.height == 9 * HORIZON
    FORECASTS.check_key(FORECASTS.conform(rows))
    numbers = rows.select("y_hat", *QUANTILES).to_numpy()
    assert np.isfinite(numbers).all()
    assert (numbers >= 0).all()
    quantiles = numbers[:, 1:]
    assert (np.diff(quantiles, axis=1) >= -1e-9 * quantiles[:, 1:]).all()
    assert rows["method"].null_count() == 0
    assert (rows["reason"].is_null() == (rows["method"] == "model")).all()


def _levels(rows, panel, levels):
    sums = level_sums(rows, panel.series, levels)
    return levels_of_sums(sums, rows["run_id"][0], rows["origin"][0], CALIBRATIONS["model"])


@given(y_hat=forecasts)
def test_the_sums_of_every_level_equal_the_sums_of_its_series(panel, inference_params, y_hat):
    rows = _publish(panel, inference_params, y_hat)
    levels = _levels(rows, panel, LEVELS)
    FORECAST_LEVELS.check_key(levels)
    by_day = rows.group_by("ds").agg(pl.col("y_hat").sum()).sort("ds")["y_hat"].to_list()
    for name in ("total", "store_id", "store_id*dept_id"):
        summed = (
            levels.filter(level=name)
            .group_by("ds")
            .agg(pl.col("y_hat").sum())
            .sort("ds")["y_hat"]
            .to_list()
        )
        assert summed == pytest.approx(by_day)
    one = levels.filter(level="store_id*dept_id", group_key="S2|D0").sort("ds")["y_hat"].to_list()
    members = panel.series.filter(store_id="S2", dept_id="D0")["unique_id"].implode()
    theirs = (
        rows.filter(pl.col("unique_id").is_in(members))
        .group_by("ds")
        .agg(pl.col("y_hat").sum())
        .sort("ds")
    )
    assert one == pytest.approx(theirs["y_hat"].to_list())


def test_levels_have_a_row_for_every_group_and_day_and_sound_quantiles(panel, inference_params):
    levels = _levels(_publish(panel, inference_params, [2.0, 0.0, 7.0]), panel, LEVELS)
    assert levels.height == (1 + 2 + 4) * HORIZON
    # the series have a table of their own
    assert set(levels["level"]) == {"total", "store_id", "store_id*dept_id"}
    assert levels.filter(level="total")["group_key"].unique().to_list() == ["total"]
    quantiles = levels.select(list(QUANTILES)).to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles >= 0).all()


def test_a_level_that_came_into_params_after_the_calibration_is_left_out_and_named(
    panel, inference_params
):
    rows = _publish(panel, inference_params, [2.0])
    more = [*LEVELS[:-1], Level("dept_id", ("dept_id",)), LEVELS[-1]]
    levels = _levels(rows, panel, more)
    assert levels.equals(_levels(rows, panel, LEVELS))
    assert uncalibrated(more, CALIBRATIONS["model"]) == ["dept_id"]


def test_without_a_champion_the_baseline_serves_and_every_row_says_so(panel, inference_params):
    rows = _publish(panel, inference_params, None)
    assert set(rows["reason"]) == {"no_model"}
    assert set(rows.filter(pl.col("unique_id") != "NEW_S1")["method"]) == {"seasonal_naive"}
    closed = panel.calendar.filter("is_closed")["ds"].implode()
    new = rows.filter(unique_id="NEW_S1").select(
        "method", "y_hat", is_closed=pl.col("ds").is_in(closed)
    )
    assert set(new.filter(~pl.col("is_closed"))["method"]) == {"zero"}  # no row of it ever came
    assert new.filter("is_closed")["y_hat"].to_list() == [0.0]


def test_on_a_closed_day_nothing_is_expected_and_nothing_feared_whoever_says_otherwise(
    panel, inference_params
):
    closed = panel.calendar.filter("is_closed")["ds"].implode()
    rows = _publish(panel, inference_params, [5.0]).filter(pl.col("ds").is_in(closed))
    assert rows.height == panel.series.height
    assert rows.select("y_hat", *QUANTILES).sum().sum_horizontal().item() == 0


def test_each_row_has_the_quantiles_of_what_made_it(panel, inference_params):
    closed = panel.calendar.filter("is_closed")["ds"].implode()
    rows = _publish(panel, inference_params, [3.0, None]).filter(~pl.col("ds").is_in(closed))
    for method, calibration in CALIBRATIONS.items():
        own = rows.filter(method=method)
        wanted = calibration.quantiles("series", own["y_hat"].to_numpy(), own["h"].to_numpy())
        assert own.height > 0
        assert own.select(list(QUANTILES)).to_numpy() == pytest.approx(wanted)


def test_a_series_quantiles_follow_its_own_dispersion_up_to_the_origin(panel, inference_params):
    """Of two classes, one without spread and one with: the table is what the calibration says."""
    calm, wild = [1.0] * 9, [0.1, 0.2, 0.4, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0]
    classes = (DispersionClass([0.5], [calm]), DispersionClass([5.0], [wild]))
    calibration = Calibration({"series": [Ratios([5.0], [[2.0] * 9], [0.0] * 9, classes)]})
    champion = Champion(Model([5.0]), "m", {"model": calibration, "seasonal_naive": calibration})
    serving = Serving(champion, SeasonalNaive(7, EVERY_DAY), inference_params, EVERY_DAY)
    closed = panel.calendar.filter("is_closed")["ds"].implode()
    rows = publish_forecasts(serving, panel, panel.last_day, HORIZON, "r").join(
        dispersion_at_end(panel, EVERY_DAY), on="unique_id", how="left"
    )
    rows = rows.filter(~pl.col("ds").is_in(closed), method="model")
    wanted = calibration.quantiles(
        "series",
        rows["y_hat"].to_numpy(),
        rows["h"].to_numpy(),
        rows["dispersion"].fill_null(np.nan).to_numpy(),
    )
    assert rows["q975"].n_unique() > 2
    assert rows.select(list(QUANTILES)).to_numpy() == pytest.approx(wanted)


def test_rows_lead_to_their_run_and_origin(panel, inference_params):
    rows = _publish(panel, inference_params, [1.0])
    assert rows.select("run_id", "origin").unique().rows() == [("run1", panel.last_day)]


def test_nothing_but_the_series_means_no_level_rows(panel, inference_params):
    rows = _publish(panel, inference_params, [1.0])
    assert _levels(rows, panel, levels_of(())).is_empty()


def test_closed_days_behind_a_hole_in_the_feed_are_not_what_came_last(make_panel, inference_params):
    """A week is missing, then a closed day reports zeros.

    The forecast is the one that the last selling day allows.
    """
    from dataclasses import replace
    from datetime import timedelta

    whole = make_panel(series=8, days=80, seed=7, nasty=False)
    known = whole.up_to(whole.last_day - timedelta(days=8))
    zeros = whole.sales.filter(pl.col("ds") == whole.last_day).with_columns(
        y=pl.lit(0.0), is_open=pl.lit(False)
    )
    holed = replace(known, sales=pl.concat([known.sales, zeros]).sort("unique_id", "ds"))
    serving = _serving(None, inference_params)

    def table(panel):
        return publish_forecasts(serving, panel, whole.last_day, HORIZON, "run")

    assert table(holed).equals(table(known))
    tight = replace(
        whole,
        sales=pl.concat([whole.up_to(whole.last_day - timedelta(days=1)).sales, zeros]).sort(
            "unique_id", "ds"
        ),
    )
    assert not table(tight).equals(table(known))


def test_a_calendar_that_closes_nearly_everything_is_refused_unless_the_stores_do_close(
    make_panel, inference_params
):
    from dataclasses import replace

    panel = make_panel(series=8, days=80, seed=7, nasty=False)
    days = pl.date_range(
        panel.last_day, panel.last_day.replace(year=panel.last_day.year + 1), eager=True
    )
    shut = CALENDAR.conform(
        pl.DataFrame(
            {"ds": days, "region": "*", "known_at": panel.sales["known_at"][0], "is_closed": True}
        )
    )
    closed = replace(panel, calendar=shut)
    with pytest.raises(BadInput, match="most_closed_ahead"):
        _publish(closed, inference_params, [1.0])
    lockdown = inference_params.model_copy(update={"most_closed_ahead": 1.0})
    assert _publish(closed, lockdown, [1.0])["y_hat"].sum() == 0


def test_a_total_far_from_the_last_weeks_is_another_shops_model_and_the_baseline_serves(
    make_panel, inference_params
):
    """Drill `wrong_model`: the model of a shop a tenth as large.

    Held against eight weeks, so that a week of zeros condemns nobody.
    """
    panel = make_panel(series=8, days=120, seed=7, nasty=False)
    usual = (
        panel.sales.filter(pl.col("ds") > panel.last_day - timedelta(days=56))["y"].sum() / 56 / 8
    )
    for factor, reason in (
        (0.1, "level_implausible"),
        (0.5, None),
        (2.0, None),
        (5.0, "level_implausible"),
    ):
        rows = _publish(panel, inference_params, [usual * factor])
        assert set(rows["reason"]) == {reason}, factor


@pytest.mark.parametrize(
    ("after", "kept"),
    [([None] * 3 + [0.0] * 3, 50), ([0.0] * 5 + [None] + [0.0] * 6 + [None, 0.0], 64)],
)
def test_zeros_behind_a_hole_are_cut_and_those_of_a_slow_shop_with_a_day_off_are_not(
    sales_of, after, kept
):
    known = panel_of(sales_of({"a": [0.0, 1.0] * 25 + after}), pl.DataFrame({"unique_id": ["a"]}))
    trimmed = trim_to_last_sale(known)
    assert (trimmed.last_day - trimmed.first_day).days + 1 == kept
