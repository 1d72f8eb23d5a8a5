"""The simulator: the same seed is the same chain, its truth is the truth, its faults are those it
says.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from contract.frames import CALENDAR, PRICES, SALES, SERIES
from contract.params import SimulatorParams
from sources.simulator import Drop, Simulation, make_drop, simulate, write_day, write_truth
from sources.simulator.calendar import events_of
from sources.simulator.faults import BAD_KINDS

REPOSITORY = Path(__file__).parents[2]
DROP_ELSEWHERE = """
import sys
from pathlib import Path
from contract.params import SimulatorParams
from sources.simulator import make_drop, simulate
params = SimulatorParams.model_validate_json(sys.argv[2])
make_drop(simulate(params), Path(sys.argv[1]), params)
"""


@pytest.fixture(scope="module")
def drop(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Drop:
    return make_drop(simulation, tmp_path_factory.mktemp("drop"), simulation.params)


def test_the_same_seed_writes_the_same_bytes_in_another_process(
    drop: Drop, simulation: Simulation, tmp_path: Path
):
    command = [
        sys.executable,
        "-c",
        DROP_ELSEWHERE,
        str(tmp_path),
        simulation.params.model_dump_json(),
    ]
    subprocess.run(command, cwd=REPOSITORY, check=True)  # noqa: S603 - our own interpreter and script
    here = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in drop.files}
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()
    }
    assert here == there


def test_another_seed_is_another_chain(simulation: Simulation):
    other = simulate(simulation.params.model_copy(update={"seed": 8}))
    assert other.sales["y"].sum() != simulation.sales["y"].sum()


def test_chunking_changes_no_value(simulation: Simulation):
    one, many = (pl.concat([rows for rows, _ in simulation.chunks(blocks)]) for blocks in (1, 16))
    assert one.equals(many)


@pytest.mark.parametrize("series", [20, 21, 257, 1000])
def test_there_are_as_many_series_as_the_params_say_each_named_by_item_and_store(
    simulator_params: SimulatorParams, series: int
):
    frame = simulate(simulator_params.model_copy(update={"series": series})).series
    assert frame.height == frame["unique_id"].n_unique() == series
    assert frame["unique_id"].is_sorted()
    assert frame.filter(
        pl.col("unique_id") != pl.col("item_id") + "_" + pl.col("store_id")
    ).is_empty()


def test_every_frame_keeps_its_contract_and_key(simulation: Simulation):
    for contract, frame in [
        (SALES, simulation.sales),
        (SALES, simulation.future),
        (CALENDAR, simulation.calendar),
        (PRICES, simulation.prices),
        (SERIES, simulation.series),
    ]:
        contract.check_key(contract.conform(frame))


def test_plans_and_future_reach_sixty_days_beyond_the_last_sales_day(simulation: Simulation):
    end = simulation.last_day + timedelta(days=60)
    assert simulation.sales["ds"].max() == simulation.last_day == date(2025, 2, 23)
    assert simulation.calendar["ds"].max() == simulation.prices["to_ds"].max() == end
    assert simulation.future["ds"].min() == simulation.last_day + timedelta(days=1)
    assert simulation.future["ds"].max() == simulation.truth["ds"].max() == end


def test_no_plan_is_learned_after_the_last_sales_day(simulation: Simulation):
    """A forecast from the default origin may use every plan in the files."""
    assert simulation.prices["known_at"].max().date() <= simulation.last_day
    assert simulation.calendar["known_at"].max().date() < simulation.params.start


def test_demand_scatters_around_its_expectation_without_bias(simulation: Simulation):
    truth = simulation.truth.filter(pl.col("expected") > 0)
    error = truth["demand"] - truth["expected"]
    assert abs(error.sum()) < 4 * np.sqrt((error**2).sum())
    assert (error**2).sum() > 1.2 * truth["expected"].sum(), "more scatter than Poisson"


def test_a_stock_out_hides_demand_and_nothing_else_does(simulation: Simulation):
    both = simulation.sales.join(simulation.truth, on=["unique_id", "ds"], validate="1:1")
    assert both.filter(pl.col("y") > pl.col("demand")).is_empty()
    assert both.filter(
        (pl.col("stockout_share") == 0) & (pl.col("y") != pl.col("demand"))
    ).is_empty()
    hit = both.filter(pl.col("stockout_share") > 0)
    assert hit["y"].sum() < 0.8 * hit["demand"].sum()
    assert hit.height / both.height == pytest.approx(simulation.params.stockout_share, rel=0.15)


def test_stores_are_closed_on_christmas_day_and_new_year(simulation: Simulation):
    closed = simulation.sales.filter(~pl.col("is_open"))
    assert set(closed["ds"].to_list()) == {date(2024, 1, 1), date(2024, 12, 25), date(2025, 1, 1)}
    assert closed["y"].sum() == 0
    assert simulation.truth.filter(pl.col("ds") == date(2024, 12, 25))["expected"].sum() == 0
    shut = simulation.calendar.filter("is_closed")
    assert set(shut["ds"].to_list()) == set(closed["ds"].to_list())
    assert set(shut["region"].to_list()) == {"*"}


def test_most_item_days_are_zero_or_small_and_a_few_are_fast(simulation: Simulation):
    y = simulation.sales["y"]
    assert 0.4 < (y == 0).mean() < 0.8
    assert 0 < (y > 10).mean() < 0.1


def test_some_items_are_launched_and_some_end(simulation: Simulation):
    life = simulation.sales.group_by("unique_id").agg(
        first=pl.col("ds").min(), last=pl.col("ds").max()
    )
    assert 0.02 < (life["first"] > simulation.params.start).mean() < 0.3
    assert 0.01 < (life["last"] < simulation.last_day).mean() < 0.2
    on_sale = simulation.prices.group_by("unique_id").agg(since=pl.col("from_ds").min())
    assert life.join(on_sale, on="unique_id").filter(pl.col("first") != pl.col("since")).is_empty()


def test_periods_cover_each_day_on_sale_once(simulation: Simulation):
    days = simulation.prices.select("unique_id", ds=pl.date_ranges("from_ds", "to_ds")).explode(
        "ds"
    )
    assert days.select(pl.struct("unique_id", "ds").is_duplicated().any()).item() is False
    assert simulation.sales.join(days, on=["unique_id", "ds"], how="anti").is_empty()


def test_a_promotion_sells_more_at_a_lower_price(simulation: Simulation):
    days = simulation.prices.select(
        "unique_id", "promo", "price", ds=pl.date_ranges("from_ds", "to_ds")
    ).explode("ds")
    truth = simulation.truth.join(days, on=["unique_id", "ds"]).filter(pl.col("expected") > 0)
    usual = pl.col("expected", "price") / pl.col("expected", "price").mean().over("unique_id")
    means = (
        truth.with_columns(usual)
        .group_by("promo")
        .agg(pl.col("expected", "price").mean())
        .sort("promo")
    )
    assert means["expected"][1] > 1.2 * means["expected"][0]
    assert means["price"][1] < 0.95 * means["price"][0]
    assert (truth["promo"] > 0).mean() == pytest.approx(simulation.params.promo_share, rel=0.3)


def test_events_fall_on_their_days():
    """Worked example: 2024 in any calendar on the wall."""
    events = {name: day for day, name in events_of(2024).items()}
    assert events["Easter"] == date(2024, 3, 31)
    assert events["Thanksgiving"] == date(2024, 11, 28)
    assert events["MemorialDay"] == date(2024, 5, 27)
    assert events["LaborDay"] == date(2024, 9, 2)
    assert events["MothersDay"] == date(2024, 5, 12)


def test_the_history_ends_where_the_daily_files_begin(drop: Drop, simulation: Simulation):
    history = pl.read_parquet(drop.files[2])
    assert drop.files[2].name == "sales_history.parquet"
    assert history["ds"].max() == simulation.last_day - timedelta(days=8)
    assert history["known_at"].null_count() == history.height
    assert [path.name for path in drop.files[:2]] == ["calendar.parquet", "prices.parquet"]
    assert len(drop.files) == 3 + 8 + 2
    assert [path.name for path in drop.files[-2:]] == ["supply.csv", "stock_2025-02-23.csv"]


def test_a_late_file_arrives_after_its_successor(drop: Drop):
    assert len(drop.late) == 2
    for late in drop.late:
        after = drop.files.index(late)
        assert drop.files[after - 1].name > late.name
    moments = [pl.read_csv(path)["known_at"].min() for path in drop.files[3:-2]]
    assert moments == sorted(moments)


def test_a_restated_row_comes_again_with_the_truth_and_a_later_known_at(
    drop: Drop, simulation: Simulation
):
    every = pl.concat(
        [
            pl.read_csv(path, schema_overrides={"ds": pl.String}).with_columns(
                file=pl.lit(path.name)
            )
            for path in drop.files[3:-2]
        ]
    )
    assert drop.restated.height > 0
    final = drop.restated.join(simulation.sales, on=["unique_id", "ds"], suffix="_truth")
    assert (final["y"] == final["y_truth"]).all()
    for row in drop.restated.head(20).iter_rows(named=True):
        seen = every.filter(unique_id=row["unique_id"], ds=str(row["ds"])).sort("known_at")
        assert seen["known_at"].n_unique() == 2
        assert seen["file"][-1] == row["file"]
        assert seen["y"][-1] == row["y"] != row["first_y"]


def test_every_kind_of_broken_line_is_there_and_written_down(drop: Drop):
    found = Counter[str]()
    for path in drop.files[3:-2]:
        lines = pl.read_csv(path, schema_overrides={"ds": pl.String})
        found["negative_y"] += (lines["y"] < 0).sum()
        found["unknown_series"] += lines["item_id"].null_count()
        found["unreadable_date"] += lines["ds"].str.contains("x").sum()
        found["duplicate_key"] += lines.height - lines.unique(["unique_id", "ds"]).height
    assert found == Counter(drop.bad_rows["kind"].to_list())
    assert set(found) == set(BAD_KINDS)
    assert min(found.values()) > 0


def test_without_faults_the_daily_files_hold_exactly_the_sales(
    simulator_params: SimulatorParams, tmp_path: Path
):
    clean = {
        "restated_share": 0,
        "late_share": 0,
        "bad_rows_share": 0,
        "daily_files": 3,
        "series": 60,
    }
    params = simulator_params.model_copy(update=clean)
    simulation = simulate(params)
    drop = make_drop(simulation, tmp_path, params)
    assert drop.late == []
    assert drop.bad_rows.is_empty()
    assert drop.restated.is_empty()
    daily = pl.concat([pl.read_csv(path, try_parse_dates=True) for path in drop.files[3:-2]])
    expected = simulation.sales.filter(pl.col("ds") > simulation.last_day - timedelta(days=3))
    assert daily["y"].sum() == expected["y"].sum()
    assert daily.height == expected.height


def test_without_daily_files_the_history_holds_everything(
    simulator_params: SimulatorParams, tmp_path: Path
):
    params = simulator_params.model_copy(update={"daily_files": 0, "series": 20})
    simulation = simulate(params)
    drop = make_drop(simulation, tmp_path, params)
    assert pl.read_parquet(drop.files[-3]).height == simulation.sales.height


def test_the_truth_file_is_the_truth_frame(simulation: Simulation, tmp_path: Path):
    assert pl.read_parquet(write_truth(simulation, tmp_path / "truth.parquet")).equals(
        simulation.truth
    )


def test_tomorrows_feed_can_be_written_too(simulation: Simulation, tmp_path: Path):
    tomorrow = simulation.last_day + timedelta(days=1)
    path = write_day(simulation, tomorrow, tmp_path)
    assert path.name == "sales_2025-02-24.csv"
    assert (
        pl.read_csv(path)["y"].sum()
        == simulation.future.filter(pl.col("ds") == tomorrow)["y"].sum()
    )


def test_thirty_thousand_series_are_only_more_of_the_same(simulator_params: SimulatorParams):
    """Blocks are independent: looking at the first chunk costs the same in a chain of any size."""
    big = simulate(simulator_params.model_copy(update={"series": 30_490, "days": 120}))
    sales, truth = next(big.chunks(blocks=1))
    assert truth["unique_id"].n_unique() == 256
    assert sales.height <= truth.height == 256 * 180
