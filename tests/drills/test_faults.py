"""The catalogue: every fault breaks what it says and nothing else."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from drills import faults
from drills.faults import BUNDLE_FAULTS, FILE_FAULTS, PANEL_FAULTS

CSV = "unique_id,ds,y,store_id\na_S1,2024-01-01,3.0,S1\nb_S1,2024-01-01,0.0,S1\nc_S1,2024-01-01,2.0,S1\n"


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("fault", PANEL_FAULTS, ids=lambda fault: fault.name)
def test_a_panel_fault_leaves_its_input_alone_and_is_the_same_each_time(fault, make_panel):
    panel = make_panel(series=8, days=120)
    before = panel.sales.clone(), panel.prices.clone(), panel.calendar.clone()
    for strength in fault.strengths:
        broken = [fault.apply(panel, strength, np.random.default_rng(5)) for _ in range(2)]
        assert broken[0].sales.equals(broken[1].sales)
        changed = [
            not a.equals(getattr(broken[0], n)) for n, a in zip(("sales", "prices", "calendar"), before, strict=True)
        ]
        assert sum(changed) == 1
    assert (panel.sales.equals(before[0]), panel.prices.equals(before[1])) == (True, True)


def test_late_feeds_and_short_history_cut_on_their_own_side(make_panel, rng):
    panel = make_panel(series=4, days=60)
    assert (panel.last_day - faults.late_feeds(panel, 7, rng).last_day).days == 7
    short = faults.short_history(panel, 28, rng)
    assert (short.last_day, (short.last_day - short.first_day).days) == (panel.last_day, 27)


def test_a_lost_feed_is_one_store_and_a_wrong_unit_one_department(make_panel, rng):
    panel = make_panel(series=8, days=60, nasty=False)
    lost = panel.sales.join(faults.lost_feed(panel, 7, rng).sales, on=["unique_id", "ds"], how="anti")
    assert lost["unique_id"].str.slice(-2).n_unique() == 1
    assert lost["ds"].n_unique() == 7
    wrong = faults.wrong_unit(panel, 1, rng).sales
    hit = wrong.filter(wrong["y"] != panel.sales["y"]).join(panel.series, on="unique_id")
    assert (hit["dept_id"].n_unique(), hit["ds"].unique().to_list()) == (1, [panel.last_day])


def test_a_source_without_stores_or_departments_loses_one_series(sales_of, rng):
    from contract.panel import panel_of

    panel = panel_of(sales_of({"a": [1.0] * 9, "b": [1.0] * 9}), pl.DataFrame({"unique_id": ["a", "b"]}))
    assert faults.lost_feed(panel, 9, rng).sales["unique_id"].n_unique() == 1


def test_file_faults_by_hand(rng):
    assert faults.same_file(CSV, rng) == CSV.encode()
    assert faults.renamed_column(CSV, rng).startswith(b"unique_id,ds,units_sold,store_id\n")
    assert faults.half_file(CSV, rng).decode().splitlines() == CSV.splitlines()[:2]
    assert faults.wrong_unit_file(CSV, rng).decode().splitlines()[1] == "a_S1,2024-01-01,3000.0,S1"
    assert faults.empty_file(CSV, rng) == b""


def test_shuffled_columns_say_the_same(rng):
    import io

    shuffled = pl.read_csv(io.BytesIO(faults.shuffled_columns(CSV, rng)))
    assert shuffled.columns != CSV.splitlines()[0].split(",")
    assert shuffled.select("unique_id", "ds", "y", "store_id").write_csv() == CSV


def test_every_fault_has_a_name_of_its_own_and_a_sentence():
    every = [*PANEL_FAULTS, *BUNDLE_FAULTS, *FILE_FAULTS]
    assert len({fault.name for fault in every}) == len(every)
    assert all(len(fault.what.split()) > 1 for fault in every)
