"""Drills end to end on a small world, and the written rule of their grades."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from contract.levels import levels_of
from contract.params import Params
from drills import drilling
from drills.door import through_the_door
from drills.faults import PanelFault, wrong_unit
from drills.grade import grade_delivery, grade_table
from drills.scenario import outcome_of, publish, set_stage
from forecasting.scoring import calibration_json, score_backtest

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
def stage(tmp_path_factory, make_panel, params: Params, train_params, feature_params):
    """Eight series, 170 days, a tiny champion fitted 14 days before the end."""
    import json

    panel = make_panel(series=8, days=170, seed=4)
    small = params.model_copy(
        update={
            "train": train_params,
            "features": feature_params.model_copy(update={"year_windows": [], "known_future": [], "past_only": []}),
            "source": params.source.model_copy(update={"levels": ((), ("store_id",))}),
        }
    )
    scratch = tmp_path_factory.mktemp("drill")
    told = panel.sales.filter(pl.col("ds") > panel.last_day.replace(day=1)).with_columns(
        cutoff=panel.last_day.replace(day=1),
        h=pl.col("ds").dt.day().cast(pl.Int32) - 1,
        seasonal_naive="y",
        global_lightgbm="y",
    )
    models = ["seasonal_naive", "global_lightgbm"]
    _, calibrations = score_backtest(panel, told, models, small.source.hierarchy, 4)
    calibration = scratch / "calibration.json"
    calibration.write_text(json.dumps(calibration_json(calibrations)))
    return set_stage(panel, calibration, scratch, small)


@pytest.fixture
def clean(stage):
    return outcome_of(stage, publish(stage, stage.known, stage.registry))


def test_the_clean_run_is_whole_and_made_by_the_champion(clean):
    assert clean.is_whole
    assert clean.reasons.keys() <= {"no_history"}
    assert 0 < clean.wrmsse < 2


def test_the_champion_has_not_seen_the_days_it_is_scored_on(stage):
    from forecasting.bundle import read_card

    assert read_card(stage.registry / stage.model_id)["cutoff"] == str(stage.origin)
    assert (stage.panel.last_day - stage.origin).days == stage.horizon


def test_every_fault_is_graded_and_the_ladder_answers_for_a_lost_model(stage, params, tmp_path):
    def deliver(path):
        assert path.exists()
        return REFUSED if "renamed" in path.name else TAKEN

    results = drilling.run_drills(stage, params.drills, tmp_path, lambda panel, table: ["watched"], deliver)
    by_name = {result["fault"]: result for result in results}
    assert {result["grade"] for result in results} <= {"graceful", "degraded", "catastrophic"}
    for name in ("missing_model", "cut_model", "corrupted_model"):
        assert "no_model" in by_name[name]["told"]
        assert by_name[name]["grade"] != "catastrophic"
    assert by_name["renamed_column"]["grade"] == "graceful"
    assert by_name["half_file"]["grade"] == "catastrophic"  # this door took half a file and said nothing
    assert stage.registry.joinpath(stage.model_id, "card.json").exists()  # only copies were broken


def test_a_refusal_is_loud_and_so_degraded(stage, params, clean):
    nothing_left = PanelFault("x", "no sale at all", (1,), lambda panel, _strength, _rng: panel.up_to(date(1999, 1, 1)))
    (result,) = drilling.panel_drills(stage, params.drills, clean, lambda panel, table: [], [nothing_left])
    assert (result["outcome"], result["grade"], result["told"]) == ("refused", "degraded", "NotEnoughHistory")


def test_a_table_with_a_row_missing_is_not_whole(stage):
    table = publish(stage, stage.known, stage.registry)
    assert not outcome_of(stage, table.head(-1)).is_whole
    assert not outcome_of(stage, table.with_columns(q995=pl.lit(None, pl.Float64))).is_whole


@pytest.mark.parametrize(
    ("loss", "is_whole", "fallback_share", "grade"),
    [
        (-0.1, True, 0.0, "graceful"),
        (0.05, True, 0.0, "graceful"),
        (0.2, True, 0.0, "degraded"),
        (0.5, True, 0.0, "catastrophic"),
        (0.5, True, 1.0, "degraded"),
        (0.0, False, 0.0, "catastrophic"),
        (float("nan"), True, 0.0, "catastrophic"),
    ],
)
def test_the_rule_for_tables(params, loss, is_whole, fallback_share, grade):
    known = params.drills.model_copy(update={"graceful_loss": 0.05, "catastrophic_loss": 0.5})
    assert grade_table(loss, is_whole, fallback_share, known) == grade


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


def test_a_wrong_unit_meets_the_rules_at_the_door(stage, params, make_panel):
    """Each day against the days taken before it: the broken days are refused, the honest ones taken, nothing else is touched."""
    panel = make_panel(series=80, days=120, nasty=False)
    broken = wrong_unit(panel, 5, np.random.default_rng(1))
    taken, refused = through_the_door(broken, 10, levels_of(((), ("dept_id",))), params.ingest)
    assert refused == {"units_of_another_size": 5 * 80}
    assert taken.last_day == panel.last_day - timedelta(days=5)
    assert taken.sales.equals(panel.up_to(taken.last_day).sales)
