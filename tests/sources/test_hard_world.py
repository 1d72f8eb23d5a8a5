"""The hard world: levels move and days have shocks nobody foresees, stores shut; and of the calm
world not a byte changes.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from contract.frames import COVARIATES, SALES
from contract.params import SimulatorParams
from forecasting.oracle import Oracle
from sources.finding import files_of
from sources.reading import read_file
from sources.simulator import Simulation, make_drop, simulate
from sources.simulator.arriving import arriving
from sources.simulator.calendar import is_closed
from sources.simulator.closures import openings_of, plan_of
from sources.simulator.foresight import MOVING, foreseen
from sources.simulator.moves import BREAK_DAYS, PERSISTENCE, SHOCK_VARIANCE, moves_of
from sources.simulator.world import build_world

CALM_BYTES = "87ab53084128d59759827a91c79e3fd62c87bcedd04b2ca4183bceda32450deb"


@pytest.fixture(scope="module")
def moved(hard: Simulation) -> dict[str, np.ndarray]:
    """level, slope and shock by name, (series, days)."""
    shape = (hard.series.height, -1)
    return {name: hard.truth[name].to_numpy().astype(float).reshape(shape) for name in MOVING}


@pytest.fixture(scope="module")
def closed_days(hard: Simulation) -> pl.DataFrame:
    """store_id, ds of the days on which one store is shut and the calendar knows of none."""
    holidays = hard.calendar.filter("is_closed")["ds"]
    shut = hard.sales.filter(~pl.col("is_open"), ~pl.col("ds").is_in(holidays.implode()))
    return shut.join(hard.series, on="unique_id").select("store_id", "ds").unique()


def test_the_calm_world_is_byte_for_byte_the_one_before_there_was_a_hard_one(
    simulation: Simulation,
):
    total = hashlib.sha256()
    for frame, names in (
        (simulation.sales, ("y", "is_open", "stockout_share")),
        (simulation.truth, ("expected", "demand")),
        (simulation.prices, ("price", "promo")),
    ):
        for name in names:
            total.update(frame[name].cast(pl.Float64).to_numpy().tobytes())
    assert total.hexdigest() == CALM_BYTES
    assert simulation.truth.columns == ["unique_id", "ds", "expected", "demand"]
    assert simulation.covariates.is_empty()


def test_both_worlds_have_the_same_chain_and_the_same_prices(
    simulation: Simulation, hard: Simulation
):
    assert hard.series.equals(simulation.series)
    assert hard.prices.equals(simulation.prices)
    assert hard.calendar.equals(simulation.calendar)
    SALES.check_key(hard.sales)
    COVARIATES.check_key(hard.covariates)


def test_the_same_seed_is_the_same_hard_world_however_it_is_chunked(hard: Simulation):
    again = simulate(hard.params)
    assert pl.concat([rows for rows, _ in again.chunks(1)]).equals(
        pl.concat([rows for rows, _ in hard.chunks(16)])
    )
    assert again.truth.equals(hard.truth)
    other = simulate(hard.params.model_copy(update={"seed": 8}))
    assert not other.truth["level"].equals(hard.truth["level"])


def test_demand_scatters_around_its_expectation_in_the_hard_world_too(hard: Simulation):
    truth = hard.truth.filter(pl.col("expected") > 0)
    error = truth["demand"] - truth["expected"]
    assert abs(error.sum()) < 4 * np.sqrt((error**2).sum())


def test_levels_move_by_store_and_department_and_now_and_then_they_break(
    hard: Simulation, moved: dict[str, np.ndarray]
):
    of = {name: hard.series[name].to_numpy() for name in ("store_id", "dept_id")}
    groups = [
        moved["level"][(of["store_id"] == store) & (of["dept_id"] == dept)].mean(axis=0)
        for store in np.unique(of["store_id"])
        for dept in np.unique(of["dept_id"])
    ]
    steps = np.diff(np.array(groups), axis=1)
    usual = 1.48 * np.median(np.abs(steps))
    month = np.array(groups)[:, 28:] - np.array(groups)[:, :-28]
    assert 0.03 < month.std() < 0.15
    breaks = np.abs(steps) > 6 * usual
    assert 0.3 / BREAK_DAYS < breaks.mean() < 1.5 / BREAK_DAYS
    group, day = np.argwhere(breaks[:, 14:-14])[0] + [0, 14]
    before = groups[group][day - 13 : day + 1].mean()
    after = groups[group][day + 1 : day + 15].mean()
    assert after - before == pytest.approx(steps[group, day], abs=6 * usual), "a break stays"


def test_growth_is_uneven_and_changes_its_slope_seldom(moved: dict[str, np.ndarray]):
    slope = moved["slope"] * 365.25
    assert slope.min() < -0.05 < 0.05 < slope.max()
    assert 0.05 < slope[:, -1].std() < 0.2
    changes = (np.diff(slope, axis=1) != 0).mean()
    assert 0 < changes < 1 / 100


def test_the_shocks_of_a_day_are_common_and_last_for_days(
    hard: Simulation, moved: dict[str, np.ndarray]
):
    store = hard.series["store_id"].to_numpy()
    by_store = np.array([moved["shock"][store == name].mean(axis=0) for name in np.unique(store)])
    common = np.corrcoef(by_store)[np.triu_indices(len(by_store), 1)].mean()
    assert 0.1 < common < 0.6
    shock = moved["shock"]
    lasting = [np.corrcoef(one[:-1], one[1:])[0, 1] for one in shock[::17]]
    assert np.mean(lasting) == pytest.approx(PERSISTENCE, abs=0.06)
    assert shock.var() == pytest.approx(SHOCK_VARIANCE, rel=0.2)
    assert abs(shock.mean()) < 0.02


def test_items_differ_more_in_dispersion_than_in_the_calm_world(
    simulation: Simulation, hard: Simulation
):
    calmest, wildest = _dispersions(hard)
    assert calmest < 0.25, "near Poisson"
    assert wildest / calmest > 2 * np.divide(*reversed(_dispersions(simulation)))


def test_a_store_that_is_shut_sells_nothing_and_the_others_are_open(
    hard: Simulation, closed_days: pl.DataFrame
):
    stores = hard.series["store_id"].n_unique()
    assert 0 < closed_days.height < 0.1 * stores * hard.params.days
    assert (closed_days.group_by("ds").len()["len"] < stores).all()
    of_store = hard.sales.join(hard.series, on="unique_id").join(
        closed_days, on=["store_id", "ds"], how="semi"
    )
    assert of_store["is_open"].any() is False
    assert of_store["y"].sum() == 0
    truth = hard.truth.join(of_store, on=["unique_id", "ds"], how="semi")
    assert truth["expected"].sum() == 0


def test_works_are_announced_with_their_end_and_shut_days_are_not(
    hard: Simulation, closed_days: pl.DataFrame
):
    plan = hard.covariates
    assert set(plan["name"]) == {"is_open"}
    assert (plan["known_at"].dt.date() <= plan["ds"] - timedelta(days=60)).all()
    assert plan["known_at"].dt.date().max() <= hard.last_day
    both = plan.join(hard.sales, on=["unique_id", "ds"])
    assert not both.filter(pl.col("value") == 0)["is_open"].any(), "what was announced happened"
    first = plan.sort("ds").group_by("unique_id", maintain_order=True).first()
    assert (first["value"] == 0).all()
    stated = plan.filter(pl.col("value") == 0).join(hard.series, on="unique_id")
    announced = stated.select("store_id", "ds").unique()
    without = closed_days.join(announced, on=["store_id", "ds"], how="anti")
    assert announced.height > 0
    assert without.height > 0
    days = without.sort("store_id", "ds")["ds"].to_list()
    spells = np.split(days, np.flatnonzero(np.diff(days) != timedelta(days=1)) + 1)
    assert max(len(spell) for spell in spells) <= 6, "storms, not works"


def test_no_storm_stands_in_a_plan_that_says_when_works_end(simulator_params: SimulatorParams):
    """In 30 worlds some storms come in the 60 days after works: the plan calls these days open."""
    storms = 0
    for seed in range(30):
        update = {"world": "hard", "seed": seed, "series": 200, "days": 400}
        world = build_world(simulator_params.model_copy(update=update))
        openings = openings_of(world)
        is_works = np.zeros_like(openings.is_open)
        for spell in openings.announced:
            is_works[spell.store, spell.first : spell.reopens] = True
        holidays = np.array([is_closed(day) for day in world.days])
        store, day = np.nonzero(~openings.is_open & ~is_works & ~holidays)
        first = world.series["unique_id"].to_numpy()[np.unique(world.store, return_index=True)[1]]
        days = pl.Series(world.days).gather(day)
        storm = pl.DataFrame({"unique_id": first[store], "ds": days})
        stated = plan_of(world, openings).join(storm, on=["unique_id", "ds"], how="semi")
        assert (stated["value"] == 1).all()
        storms += stated.height
    assert storms > 0


def test_announced_closures_are_read_as_planned_openings_known_when_announced(
    hard: Simulation, tmp_path: Path, source_of
):
    drop = make_drop(hard, tmp_path, hard.params)
    source = source_of("simulator", tmp_path)
    names = [path.name for path in files_of(source)][:4]
    assert names == [path.name for path in drop.files[:4]]
    assert names[2:] == ["openings.parquet", "sales_history.parquet"]
    (fact,) = read_file(tmp_path / "openings.parquet", source)
    assert fact.fact == "covariates"
    assert not fact.is_history
    rows = COVARIATES.conform(fact.rows).sort(COVARIATES.key)
    assert rows.equals(hard.covariates)


def test_what_was_foreseen_by_hand():
    """Two days after the origin: of a shock of 0.2 remains 0.2 x 0.4^2, the level 1.0 has grown by
    twice 0.01; the break to 1.5 and the shock of -0.1 are not foreseen.
    """
    origin = date(2024, 5, 1)
    truth = pl.DataFrame(
        {
            "unique_id": ["a", "a"],
            "ds": [origin, origin + timedelta(days=2)],
            "expected": [3.0, np.exp(1.5 - 0.1 - SHOCK_VARIANCE / 2)],
            "demand": [4.0, 9.0],
            "level": [1.0, 1.5],
            "slope": [0.01, 0.5],
            "shock": [0.2, -0.1],
        }
    )
    by_hand = np.exp(1.0 + 0.02 + 0.2 * 0.16 - 0.16**2 * SHOCK_VARIANCE / 2)
    assert foreseen(truth, origin, 28)["y_hat"].to_list() == pytest.approx([by_hand])


def test_the_oracle_does_not_know_what_comes(hard: Simulation):
    """Another future: everything that moves is other after the origin, and the mean with it."""
    origin = hard.last_day - timedelta(days=100)
    rng = np.random.default_rng(1)
    other = {name: pl.Series(rng.normal(0, 0.3, hard.truth.height)) for name in MOVING}
    comes = pl.col("ds") > origin
    change = other["level"] + other["shock"]
    elsewhere = hard.truth.with_columns(
        pl.when(comes).then(pl.col("expected") * change.exp()).otherwise("expected"),
        *(
            pl.when(comes).then(pl.col(name) + other[name]).otherwise(name).alias(name)
            for name in MOVING
        ),
    )
    here, there = (foreseen(truth, origin, 28)["y_hat"] for truth in (hard.truth, elsewhere))
    assert (here - there).abs().max() < 1e-4 * here.max()
    assert here.sum() != pytest.approx(_expected(hard.truth, origin, 28), rel=1e-3)


def test_what_is_foreseen_is_the_mean_of_what_may_come(simulator_params: SimulatorParams):
    """Over many worlds neither too much nor too little, near the origin and far from it."""
    foreseen_units, expected_units = np.zeros((60, 2)), np.zeros((60, 2))
    for seed in range(60):
        update = {"world": "hard", "seed": seed, "series": 40, "days": 150}
        world = simulate(simulator_params.model_copy(update=update))
        ahead = foreseen(world.truth, world.last_day, 56).join(world.truth, on=["unique_id", "ds"])
        week = pl.col("ds") <= world.last_day + timedelta(days=7)
        for k, part in enumerate((ahead.filter(week), ahead.filter(~week))):
            foreseen_units[seed, k] = part["y_hat"].sum()
            expected_units[seed, k] = part["expected"].sum()
    ratio = foreseen_units.sum(axis=0) / expected_units.sum(axis=0)
    assert ratio == pytest.approx([1, 1], abs=0.02)


def test_on_the_scale_of_units_every_move_has_mean_one(simulator_params: SimulatorParams):
    """Else the hard world would grow by chance alone, and the oracle be biased. Two stores in 500
    worlds, 150 days after the first.
    """
    size = {"world": "hard", "series": 40, "days": 120}
    made = [
        moves_of(build_world(simulator_params.model_copy(update=size | {"seed": seed})))
        for seed in range(500)
    ]
    stays = np.array([(one.level - np.cumsum(one.slope, axis=-1))[..., 150] for one in made])
    assert np.exp(stays).mean() == pytest.approx(1, abs=0.01)
    assert np.exp([one.item[:, 150] for one in made]).mean() == pytest.approx(1, abs=0.006)
    shocks = np.array([one.shock[..., ::5] for one in made])
    assert np.exp(shocks - SHOCK_VARIANCE / 2).mean() == pytest.approx(1, abs=0.003)


def test_in_the_calm_world_the_oracle_forecasts_the_expected_demand(
    simulation: Simulation, hard: Simulation
):
    origin = simulation.last_day
    calm = foreseen(simulation.truth, origin, 28)
    assert calm["y_hat"].sum() == pytest.approx(_expected(simulation.truth, origin, 28))
    assert Oracle(hard.truth).truth is hard.truth


def test_a_frozen_feed_repeats_the_rows_of_the_day_before(
    simulator_params: SimulatorParams, tmp_path: Path
):
    clean = {"restated_share": 0, "late_share": 0, "bad_rows_share": 0, "daily_files": 60}
    params = simulator_params.model_copy(update=clean | {"frozen_share": 0.1})
    simulation = simulate(params)
    drop = make_drop(simulation, tmp_path, params)
    share = drop.frozen.height / (simulation.series["store_id"].n_unique() * 60)
    assert share == pytest.approx(0.1, rel=0.5)
    daily = pl.concat(
        [pl.read_csv(path, try_parse_dates=True) for path in drop.files if "sales_2" in path.name]
    )
    before = daily.select("unique_id", pl.col("ds") + timedelta(days=1), before="y")
    both = daily.join(before, on=["unique_id", "ds"])
    same = both.join(drop.frozen, on=["store_id", "ds"], how="semi")
    assert (same["y"] == same["before"]).all()
    truth = daily.join(simulation.sales, on=["unique_id", "ds"], suffix="_truth")
    sound = truth.join(drop.frozen, on=["store_id", "ds"], how="anti")
    assert (sound["y"] == sound["y_truth"]).all()
    assert truth.height == daily.height


def test_no_feed_freezes_by_default(hard: Simulation, params, tmp_path: Path):
    assert params.source.simulator.frozen_share == 0
    assert make_drop(hard, tmp_path, hard.params).frozen.is_empty()


def test_plans_of_fourteen_days_end_with_the_week_begun_within_them(
    simulator_params: SimulatorParams,
):
    params = simulator_params.model_copy(update={"plan_days": 14})
    short, whole = simulate(params), simulate(simulator_params)
    ahead = (short.prices["to_ds"].max() - short.last_day).days
    assert 14 <= ahead <= 14 + 6
    assert (
        short.prices["known_at"].dt.date() == short.prices["from_ds"] - timedelta(days=14)
    ).all()
    days = [
        simulation.prices.select(
            "unique_id", "price", "promo", ds=pl.date_ranges("from_ds", "to_ds")
        ).explode("ds")
        for simulation in (short, whole)
    ]
    until = pl.col("ds") <= short.prices["to_ds"].max()
    assert days[0].sort("unique_id", "ds").equals(days[1].filter(until).sort("unique_id", "ds"))
    assert short.sales.equals(whole.sales)


def test_a_million_series_begin_with_one_block(simulator_params: SimulatorParams):
    """What moves is kept by store, department and item: a block costs the same in a chain of any
    size.
    """
    update = {"world": "hard", "series": 1_000_000, "days": 120}
    _, truth = next(simulate(simulator_params.model_copy(update=update)).chunks(blocks=1))
    assert truth["unique_id"].n_unique() == 256


def test_a_plan_arrives_on_the_day_it_is_known_and_none_before(
    simulator_params: SimulatorParams, tmp_path: Path
):
    """A row known after it arrived would be refused, and the plans of a long life would end."""
    update = {"world": "hard", "plan_days": 14, "daily_files": 60, "series": 40}
    params = simulator_params.model_copy(update=update)
    plans = [
        (moment, pl.read_parquet(path).with_columns(arrives=pl.lit(moment)))
        for moment, path in arriving(params, tmp_path)
        if path.name.startswith("prices")
    ]
    rows = pl.concat([rows for _, rows in plans])
    assert (rows["known_at"] <= rows["arrives"]).all()
    assert rows.drop("arrives").sort("unique_id", "from_ds").equals(simulate(params).prices)
    later = rows.filter(pl.col("arrives") > plans[0][0])
    assert (later["arrives"].dt.date() == later["known_at"].dt.date()).all()
    assert later["arrives"].n_unique() >= 60 // 7


def _expected(truth: pl.DataFrame, origin: date, horizon: int) -> float:
    ahead = (pl.col("ds") - pl.lit(origin)).dt.total_days().is_between(1, horizon)
    return truth.filter(ahead)["expected"].sum()


def _dispersions(simulation: Simulation) -> tuple[float, float]:
    """Variance over mean, less one, of the calmest and the wildest tenth of the items that sell."""
    sold = simulation.truth.join(simulation.series, on="unique_id").filter(pl.col("expected") > 1)
    above = (pl.col("demand") - pl.col("expected")) ** 2 / pl.col("expected") - 1
    items = sold.group_by("item_id").agg(pl.len(), above=above.mean())
    of_items = items.filter(pl.col("len") > 1000)["above"]
    return of_items.quantile(0.1), of_items.quantile(0.9)
