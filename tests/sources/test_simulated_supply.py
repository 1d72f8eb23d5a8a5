"""How the simulated chain is supplied: of its own random stream, faults included."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from contract.frames import OPEN_ORDERS, STOCK, SUPPLY
from sources.reading import read_file
from sources.simulator import Simulation, make_drop
from sources.simulator.supply import stock_file, stock_name, supply_file
from sources.simulator.world import DEPARTMENTS


def test_the_files_are_read_as_they_were_made(hard: Simulation, tmp_path: Path, source_of):
    make_drop(hard, tmp_path, hard.params)
    source = source_of("simulator", tmp_path)
    stock, orders = read_file(tmp_path / stock_name(hard.last_day), source)
    (supply,) = read_file(tmp_path / "supply.csv", source)
    for contract, fact in ((STOCK, stock), (OPEN_ORDERS, orders), (SUPPLY, supply)):
        contract.check_key(fact.rows)
        assert fact.refused.is_empty()
        assert fact.rows["known_at"].null_count() == 0
    made = stock_file(hard)
    assert stock.rows.select(*STOCK.columns).equals(made.select(*STOCK.columns))
    assert orders.rows.filter(pl.col("on_order") > 0).height == made["on_order"].count()
    assert supply.rows.height == len(DEPARTMENTS) + hard.series["item_id"].n_unique()


def test_the_same_seed_makes_the_same_stock_and_another_seed_another(hard: Simulation):
    again = Simulation(hard.params, hard.world, hard.plan)
    assert stock_file(hard).equals(stock_file(again))
    other = Simulation(hard.params.model_copy(update={"seed": 8}), hard.world, hard.plan)
    assert not stock_file(hard).equals(stock_file(other))


def test_stock_is_missing_stale_and_below_nothing_for_a_few(hard: Simulation):
    stock = stock_file(hard)
    missing = hard.series.height - stock.height
    stale = stock.filter(pl.col("ds") < hard.last_day).height
    below = stock.filter(pl.col("on_hand") < 0).height
    assert 0 < missing < 0.1 * hard.series.height
    assert 0 < stale < 0.1 * hard.series.height
    assert 0 < below < 0.1 * hard.series.height
    assert stock.filter(pl.col("due_ds") <= hard.last_day).is_empty()


def test_every_item_costs_less_than_its_usual_price(hard: Simulation):
    items = supply_file(hard).filter(pl.col("item_id").is_not_null())
    assert (items["unit_cost"] > 0).all()
    assert (items["margin"] > 0).all()
    price = (items["unit_cost"] + items["margin"]).round(2)
    assert price.equals(pl.Series(hard.world.base_price).round(2), check_names=False)
