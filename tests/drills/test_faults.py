"""The catalogue: every fault breaks what it says and nothing else."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from drills import bundle_faults, file_faults, panel_faults
from drills.catalogue import NAMED, names, unexcused
from drills.file_faults import FILE_FAULTS
from drills.panel_faults import PANEL_FAULTS
from drills.result import NOBODY, Drill, result_of
from drills.scorecard import false_alarms, scorecard

CSV = (
    "unique_id,ds,y,store_id\n"
    "a_S1,2024-01-01,3.0,S1\nb_S1,2024-01-01,0.0,S1\nc_S1,2024-01-01,2.0,S1\n"
)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("fault", PANEL_FAULTS, ids=lambda fault: fault.name)
def test_a_panel_fault_leaves_its_input_alone_and_is_the_same_each_time(fault, make_panel):
    panel = make_panel(series=8, days=150, nasty=fault.name != "closed_ahead")
    before = panel.sales.clone(), panel.prices.clone(), panel.calendar.clone()
    for strength in fault.strengths:
        broken = [fault.apply(panel, strength, np.random.default_rng(5)) for _ in range(2)]
        assert broken[0].sales.equals(broken[1].sales)
        changed = [
            not a.equals(getattr(broken[0], n))
            for n, a in zip(("sales", "prices", "calendar"), before, strict=True)
        ]
        assert sum(changed) == 1
    assert (panel.sales.equals(before[0]), panel.prices.equals(before[1])) == (True, True)


def test_late_feeds_and_short_history_cut_on_their_own_side(make_panel, rng):
    panel = make_panel(series=4, days=60)
    assert (panel.last_day - panel_faults.late_feeds(panel, 7, rng).last_day).days == 7
    short = panel_faults.short_history(panel, 28, rng)
    assert (short.last_day, (short.last_day - short.first_day).days) == (panel.last_day, 27)


def test_a_lost_feed_is_one_store_and_a_wrong_unit_one_department(make_panel, rng):
    panel = make_panel(series=8, days=60, nasty=False)
    lost = panel.sales.join(
        panel_faults.lost_feed(panel, 7, rng).sales, on=["unique_id", "ds"], how="anti"
    )
    assert lost["unique_id"].str.slice(-2).n_unique() == 1
    assert lost["ds"].n_unique() == 7
    wrong = panel_faults.wrong_unit(panel, 1, rng).sales
    hit = wrong.filter(wrong["y"] != panel.sales["y"]).join(panel.series, on="unique_id")
    assert (hit["dept_id"].n_unique(), hit["ds"].unique().to_list()) == (1, [panel.last_day])


def test_a_source_without_stores_or_departments_loses_one_series(sales_of, rng):
    from contract.panel import panel_of

    panel = panel_of(
        sales_of({"a": [1.0] * 9, "b": [1.0] * 9}), pl.DataFrame({"unique_id": ["a", "b"]})
    )
    assert panel_faults.lost_feed(panel, 9, rng).sales["unique_id"].n_unique() == 1


def test_file_faults_by_hand(rng):
    assert file_faults.same_file(CSV, rng) == CSV.encode()
    assert file_faults.renamed_column(CSV, rng).startswith(b"unique_id,ds,units_sold,store_id\n")
    assert file_faults.half_file(CSV, rng).decode().splitlines() == CSV.splitlines()[:2]
    assert (
        file_faults.wrong_unit_file(CSV, rng).decode().splitlines()[1]
        == "a_S1,2024-01-01,3000.0,S1"
    )
    assert file_faults.empty_file(CSV, rng) == b""


def test_shuffled_columns_say_the_same(rng):
    import io

    shuffled = pl.read_csv(io.BytesIO(file_faults.shuffled_columns(CSV, rng)))
    assert shuffled.columns != CSV.splitlines()[0].split(",")
    assert shuffled.select("unique_id", "ds", "y", "store_id").write_csv() == CSV


def test_other_files_by_hand(rng):
    assert file_faults.zero_file(CSV, rng).decode().splitlines()[1] == "a_S1,2024-01-01,0,S1"
    assert (
        file_faults.day_first_dates(CSV, rng).decode().splitlines()[2] == "b_S1,01/01/2024,0.0,S1"
    )
    assert (
        file_faults.yesterdays_date(CSV, rng).decode().splitlines()[3] == "c_S1,2023-12-31,2.0,S1"
    )
    assert file_faults.fewer_columns(CSV, rng).decode().splitlines()[0] == "unique_id,y,store_id"
    assert len(file_faults.doubled_file(CSV, rng).splitlines()) == 7
    scrambled = file_faults.scrambled_rows(CSV, rng).decode().splitlines()
    assert sorted(row.split(",")[2] for row in scrambled[1:]) == ["0.0", "2.0", "3.0"]


def test_shifted_days_move_and_none_is_sold_twice(make_panel, rng):
    panel = make_panel(series=4, days=60, nasty=False)
    shifted = panel_faults.day_shift(panel, 7, rng)
    assert shifted.last_day == panel.last_day
    assert shifted.sales.select("unique_id", "ds").is_unique().all()
    moved = shifted.sales.filter(ds=panel.last_day)["y"].to_list()
    assert moved == panel.sales.filter(ds=panel.last_day - timedelta(days=1))["y"].to_list()


def test_swapped_feeds_trade_places_item_by_item(make_panel, rng):
    panel = make_panel(series=8, days=60, nasty=False)
    swapped = panel_faults.swapped_feeds(panel, 7, rng)
    late = pl.col("ds") > panel.last_day - timedelta(days=7)
    assert sorted(swapped.sales.filter(late)["y"]) == sorted(panel.sales.filter(late)["y"])
    assert swapped.sales.filter(~late).equals(panel.sales.filter(~late))


def test_renamed_items_stop_under_the_old_name_and_go_on_under_the_new_one(make_panel, rng):
    panel = make_panel(series=8, days=60, nasty=False)
    renamed = panel_faults.unknown_items(panel, 7, rng)
    new = set(renamed.series["unique_id"]) - set(panel.series["unique_id"])
    assert new
    assert renamed.sales["y"].sum() == panel.sales["y"].sum()
    assert renamed.sales.filter(pl.col("unique_id").is_in(list(new)))["ds"].n_unique() == 7


def test_a_tenth_of_a_calibration_is_narrower_and_nothing_else_of_it_changes(tmp_path):
    calibration = {
        "m": {"series": [{"centres": [1.0], "quantiles": [[0.5, 2.0]], "at_zero": [0.0, 1.0]}]}
    }
    (tmp_path / "calibration.json").write_text(json.dumps(calibration))
    bundle_faults.changed_calibration(tmp_path)
    found = json.loads((tmp_path / "calibration.json").read_text())
    assert found == {
        "m": {"series": [{"centres": [1.0], "quantiles": [[0.05, 0.2]], "at_zero": [0.0, 1.0]}]}
    }


def test_the_catalogue_holds_at_least_thirty_faults_each_with_a_name_of_its_own_and_a_sentence():
    assert len(set(names())) == len(names()) >= 60
    assert all(len(fault.what.split()) > 1 for fault in (*PANEL_FAULTS, *FILE_FAULTS))


def test_a_catastrophe_fails_the_build_unless_it_has_a_named_reason():
    results = [
        {"fault": "x", "strength": "1", "grade": "catastrophic"},
        {"fault": "y", "strength": "1", "grade": "degraded"},
    ]
    assert unexcused(results) == ["x 1"]
    for fault, strength in (drill.split() for drill in NAMED):
        assert unexcused([{"fault": fault, "strength": strength, "grade": "catastrophic"}]) == []


def test_the_scorecard_counts_every_grade_and_the_false_alarms():
    drill = Drill("x", 2, "input", "something broken")
    results = [
        result_of(drill, "published", "graceful", ["on arrival: noted y"], loss=0.1),
        result_of(drill, "refused", "degraded", []),
    ]
    mornings = [{"origin": "2024-01-01", "model": "champion", "alerts": ["bias", "drift"]}]
    card = scorecard(results, mornings, 12.6)
    assert card["counts"] == {"graceful": 1, "degraded": 1, "catastrophic": 0}
    assert (card["seconds"], card["named"], card["clean_mornings"]) == (13, NAMED, mornings)
    assert [one["seen_by"] for one in card["drills"]] == ["on arrival: noted y", NOBODY]
    assert false_alarms(mornings) == "2 on 1 undisturbed mornings"
