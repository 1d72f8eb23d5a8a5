"""Drills end to end on a small world, and the written rule of their grades."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from contract.errors import ModelBroken
from contract.levels import levels_of
from contract.params import Params
from drills import bundle_faults, drilling, watchers
from drills.drilling import Grading, bundle_drills, panel_drills
from drills.faults import PanelFault
from drills.file_drills import Inbox, file_drills
from drills.grade import grade_delivery, grade_morning, grade_table
from drills.judged_panel import judge_prices, judge_sales
from drills.panel_faults import PANEL_FAULTS, prices_in_cents, wrong_unit
from drills.scenario import CHAMPION, build_scenario, outcome_of, publish
from drills.watchers import Watchers, clean_mornings

TAKEN = {
    "accepted": 1,
    "known": 0,
    "refused": 0,
    "growing": 0,
    "rows_in": 9,
    "rows_refused": 0,
    "rows_out": 9,
    "notes": [],
    "why_refused": {},
}
REFUSED = TAKEN | {"accepted": 0, "refused": 1, "rows_out": 0, "why_refused": {"f": "it is empty"}}
KNOWN = TAKEN | {"accepted": 0, "known": 1}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory, make_panel, params: Params, train_params, feature_params):
    """Eight series, 170 days, a tiny champion fitted 14 days before the end."""
    panel = make_panel(series=8, days=170, seed=4)
    small = params.model_copy(
        update={
            "train": train_params,
            "features": feature_params.model_copy(
                update={"year_windows": [], "known_future": [], "past_only": []}
            ),
            "source": params.source.model_copy(update={"levels": ((), ("store_id",))}),
        }
    )
    scratch = tmp_path_factory.mktemp("drill")
    backtest = panel.sales.filter(pl.col("ds") > panel.last_day.replace(day=1)).with_columns(
        cutoff=panel.last_day.replace(day=1),
        h=pl.col("ds").dt.day().cast(pl.Int32) - 1,
        seasonal_naive="y",
        global_lightgbm="y",
    )
    return build_scenario(panel, backtest, scratch, small)


WATCHERS = Watchers(
    lambda panel, table: ["watched"],
    lambda table: ["after 7 days: bias"],
    lambda cutoff, last: ["model_age"],
)


@pytest.fixture
def clean(scenario):
    return outcome_of(scenario, publish(scenario, scenario.known, scenario.registry))


@pytest.fixture
def grading(scenario, params, clean) -> Grading:
    return Grading(scenario, params.drills, clean, WATCHERS)


def test_the_clean_run_is_whole_and_made_by_the_champion(clean):
    assert clean.is_whole
    assert clean.reasons.keys() <= {"no_history"}
    assert 0 < clean.wrmsse < 2


def test_what_the_clean_rows_say_too_notices_nothing(grading):
    """A series just launched has no history, fault or not."""
    harmless = PanelFault("harmless", "nothing is broken", (1,), lambda panel, *_: panel)
    launched = replace(grading.clean, reasons={"no_history": 10_000})
    (result,) = panel_drills(replace(grading, clean=launched), (harmless,))
    assert "on the rows" not in result["seen_by"]


def test_rows_that_the_clean_run_has_not_notice(grading):
    """All rows of a chain without history, where the clean run has its own."""
    emptied = PanelFault("emptied", "of most series nothing is left", (1,), _first_series_alone)
    (result,) = panel_drills(grading, (emptied,))
    assert "on the rows" in result["seen_by"] or "refused" in result["seen_by"]


def _first_series_alone(panel, *_):
    first = panel.sales["unique_id"].min()
    return replace(panel, sales=panel.sales.filter(pl.col("unique_id") == first))


def test_the_champion_has_not_seen_the_days_it_is_scored_on(scenario):
    from forecasting.bundle import read_card

    assert read_card(scenario.registry / CHAMPION)["cutoff"] == str(scenario.origin)
    assert (scenario.panel.last_day - scenario.origin).days == scenario.horizon


def test_every_panel_fault_is_graded_and_says_who_saw_it(grading):
    some = [
        fault
        for fault in PANEL_FAULTS
        if fault.name in ("no_prices", "late_feeds", "wrong_unit", "unknown_items")
    ]
    results = list(panel_drills(grading, some))
    assert len(results) == sum(len(fault.strengths) for fault in some)
    assert {result["grade"] for result in results} <= {"graceful", "degraded", "catastrophic"}
    assert all(
        "this morning: watched" in result["seen_by"]
        for result in results
        if result["outcome"] == "published"
    )


def test_a_lost_champion_leaves_it_to_the_one_before_and_both_lost_to_the_baseline(
    scenario, grading, tmp_path, monkeypatch
):
    monkeypatch.setattr(drilling, "STALE_DAYS", (28,))
    results = list(bundle_drills(grading, tmp_path))
    seen_by = {(result["fault"], result["strength"]): result["seen_by"] for result in results}
    for name in ("missing_model", "cut_model", "corrupted_model", "cut_calibration"):
        assert "previous_champion" in seen_by[name, "1"]
        assert "no_model" in seen_by[name, "2"]
    assert "model_age" in seen_by["stale_model", "28"]
    assert scenario.registry.joinpath(CHAMPION, "card.json").exists()  # only copies were broken


def test_a_file_drill_checks_whether_the_right_file_put_it_right(make_panel, params, tmp_path):
    panel = make_panel(series=8, days=120, nasty=False)
    days = panel.sales["ds"].unique().sort()

    def deliver(path):
        assert path.exists()
        return REFUSED if "renamed" in path.name else TAKEN

    inbox = Inbox(deliver, lambda: panel.sales)
    by_name = {
        result["fault"]: result
        for result in file_drills(panel, params.drills, tmp_path / "a", inbox)
    }
    assert by_name["renamed_column"]["grade"] == "graceful"
    # half a file was taken, and nothing said
    assert by_name["half_file"]["grade"] == "catastrophic"
    forgetful = Inbox(lambda path: REFUSED, lambda: panel.sales.filter(pl.col("ds") < days[20]))
    assert {
        result["grade"] for result in file_drills(panel, params.drills, tmp_path / "b", forgetful)
    } == {"catastrophic"}


def test_undisturbed_mornings_are_watched_too(scenario):
    mornings = clean_mornings(
        scenario, Watchers(lambda panel, table: [], lambda table: [], lambda cutoff, last: [])
    )
    assert len(mornings) == watchers.CLEAN_MORNINGS
    assert all(morning["alerts"] == [] for morning in mornings)


def test_a_refusal_is_loud_and_so_degraded(grading):
    nothing_left = PanelFault(
        "x", "no sale at all", (1,), lambda panel, _strength, _rng: panel.up_to(date(1999, 1, 1))
    )
    (result,) = panel_drills(grading, [nothing_left])
    assert (result["outcome"], result["grade"], result["seen_by"]) == (
        "refused",
        "degraded",
        "refused: NotEnoughHistory",
    )


def test_a_table_with_a_row_missing_is_not_whole(scenario):
    table = publish(scenario, scenario.known, scenario.registry)
    assert not outcome_of(scenario, table.head(-1)).is_whole
    assert not outcome_of(scenario, table.with_columns(q995=pl.lit(None, pl.Float64))).is_whole


@pytest.mark.parametrize(
    ("loss", "coverage_lost", "is_whole", "fallback_share", "grade"),
    [
        (-0.1, 0.0, True, 0.0, "graceful"),
        (0.05, 0.0, True, 0.0, "graceful"),
        (0.2, 0.0, True, 0.0, "degraded"),
        (0.5, 0.0, True, 0.0, "catastrophic"),
        (0.5, 0.0, True, 1.0, "degraded"),
        (0.0, 0.3, True, 0.0, "catastrophic"),
        (0.0, 0.3, True, 1.0, "degraded"),
        (0.0, 0.0, False, 0.0, "catastrophic"),
        (float("nan"), 0.0, True, 0.0, "catastrophic"),
    ],
)
def test_the_rule_for_tables(params, loss, coverage_lost, is_whole, fallback_share, grade):
    limits = {"graceful_loss": 0.05, "catastrophic_loss": 0.5, "catastrophic_coverage_lost": 0.2}
    known = params.drills.model_copy(update=limits)
    assert grade_table(loss, coverage_lost, is_whole, fallback_share, known) == grade


@pytest.mark.parametrize(
    ("outcome", "is_loud", "is_recovered", "grade"),
    [
        ("published", False, True, "graceful"),
        ("published", False, False, "catastrophic"),
        ("yesterday's", True, True, "degraded"),
        ("yesterday's", False, True, "catastrophic"),
        ("unreadable", True, True, "degraded"),
        ("fallback", True, True, "degraded"),
        ("other", True, True, "catastrophic"),
    ],
)
def test_the_rule_for_mornings(outcome, is_loud, is_recovered, grade):
    assert grade_morning(outcome, is_loud, is_recovered) == grade


@pytest.mark.parametrize(
    ("summary", "is_wrong", "is_known", "grade"),
    [
        (REFUSED, True, False, "graceful"),
        (TAKEN, True, False, "catastrophic"),
        (TAKEN | {"notes": ["volume_unusual"]}, True, False, "degraded"),
        (TAKEN | {"rows_refused": 2}, True, False, "degraded"),
        (TAKEN, False, False, "graceful"),
        (REFUSED, False, False, "degraded"),
        (KNOWN, False, True, "graceful"),
        (TAKEN, False, True, "catastrophic"),
    ],
)
def test_the_rule_for_files(summary, is_wrong, is_known, grade):
    assert grade_delivery(summary, is_wrong, is_known) == grade
    assert grade_delivery(summary, is_wrong, is_known, is_put_right=False) == "catastrophic"


def test_a_wrong_unit_meets_the_rules_of_sales(params, make_panel):
    """Each day against the days taken before it: the broken days are refused, the honest ones
    taken, nothing else is touched.
    """
    panel = make_panel(series=80, days=120, nasty=False)
    broken = wrong_unit(panel, 5, np.random.default_rng(1))
    judged = judge_sales(broken, 10, levels_of(((), ("dept_id",))), params.ingest)
    assert judged.refused == {"units_of_another_size": 5 * 80}
    assert judged.panel.last_day == panel.last_day - timedelta(days=5)
    assert judged.panel.sales.equals(panel.up_to(judged.panel.last_day).sales)


def test_a_frozen_feed_meets_the_rule_on_repeats_and_a_frozen_store_alone(params, make_panel):
    """Each frozen day is refused, also after a week of refused ones; of one store only its own."""
    from drills.panel_faults import frozen_feed, frozen_part, frozen_store

    panel, levels = make_panel(series=240, days=120, nasty=False), levels_of(((), ("dept_id",)))
    whole = judge_sales(frozen_feed(panel, 7, np.random.default_rng(1)), 7, levels, params.ingest)
    assert set(whole.refused) == {"day_copied"}
    assert whole.panel.last_day == panel.last_day - timedelta(days=7)
    broken = frozen_store(panel, 7, np.random.default_rng(1))
    few_stores = params.ingest.model_copy(update={"max_refused_share": 0.5})  # one is a quarter
    store = judge_sales(broken, 7, levels, few_stores)
    assert set(store.refused) == {"day_copied"}
    assert store.panel.last_day == panel.last_day
    frozen = broken.sales.filter(broken.sales["y"] != panel.sales["y"])["unique_id"].unique()
    late = store.panel.sales.filter(pl.col("ds") > panel.last_day - timedelta(days=7))
    assert not set(frozen) & set(late["unique_id"])
    part = judge_sales(frozen_part(panel, 50, np.random.default_rng(1)), 7, levels, params.ingest)
    assert (part.refused, "rows_repeated" in part.noted) == ({}, True)


def test_prices_in_cents_meet_the_rules_of_prices(params, make_panel):
    """A refused price leaves the one that was known before, and its promotion."""
    panel = make_panel(series=8, days=120, nasty=False)
    broken = prices_in_cents(panel, 60, np.random.default_rng(1))
    assert not broken.prices.equals(panel.prices)
    judged = judge_prices(panel, broken, params.ingest)
    assert (judged.refused, "price_jump" in judged.noted) == ({}, True)
    assert judged.panel.prices.select("unique_id", "from_ds", "price").equals(
        panel.prices.select("unique_id", "from_ds", "price")
    )


def test_the_same_bundle_faults_break_what_they_say(scenario, tmp_path):
    import shutil

    from forecasting.champion import champion_in_registry

    for fault in bundle_faults.BUNDLE_FAULTS:
        registry = shutil.copytree(scenario.registry, tmp_path / fault.name)
        before = {path.name: path.read_bytes() for path in (registry / CHAMPION).iterdir()}
        fault.apply(registry / CHAMPION)
        after = {path.name: path.read_bytes() for path in (registry / CHAMPION).glob("*")}
        assert before != after, fault.name
    with pytest.raises(ModelBroken):
        champion_in_registry(tmp_path / "cut_calibration", CHAMPION, tmp_path)


def test_days_sent_again_with_other_numbers_are_noted_as_restated_and_the_same_numbers_are_not(
    scenario,
):
    from drills.panel_faults import restated_month

    judged = [
        judge_sales(panel, 7, scenario.levels, scenario.params.ingest, before=scenario.known)
        for panel in (scenario.known, restated_month(scenario.known, 50, np.random.default_rng(1)))
    ]
    assert ["day_restated" in panel.noted for panel in judged] == [False, True]
