"""One simulated history: what the tills say, what was planned, and the truth behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from contract.frames import SALES
from contract.params import SimulatorParams
from sources.simulator.calendar import calendar_frame, published_before
from sources.simulator.closures import openings_of, plan_of
from sources.simulator.demand import Block, chain_of, demand_blocks
from sources.simulator.foresight import MOVING
from sources.simulator.moves import Moved
from sources.simulator.prices import PricePlan, price_periods, price_plan
from sources.simulator.world import World, build_world

CHUNK_BLOCKS = 8  # blocks handed out together; any number gives the same rows
REPORTED_AT = timedelta(days=1, hours=6)  # after the beginning of ds: the morning after, at six


@dataclass(frozen=True)
class Simulation:
    """Everything about one seed. Frames are drawn when first read; `chunks` never holds more than a
    part.
    """

    params: SimulatorParams
    world: World
    plan: PricePlan

    @property
    def last_day(self) -> date:
        """The last day with sales: the default origin."""
        return self.params.start + timedelta(days=self.params.days - 1)

    @property
    def series(self) -> pl.DataFrame:
        """SERIES: unique_id and its five levels, one row per series."""
        return self.world.series

    @cached_property
    def calendar(self) -> pl.DataFrame:
        """CALENDAR, also of the days beyond the last sales day."""
        return calendar_frame(self.world.days, published_before(self.params.start))

    @cached_property
    def prices(self) -> pl.DataFrame:
        """PRICES, also of the days beyond the last sales day."""
        return price_periods(self.world, self.plan)

    @cached_property
    def covariates(self) -> pl.DataFrame:
        """COVARIATES `is_open` of announced closures; none in the calm world."""
        return plan_of(self.world, openings_of(self.world))

    @cached_property
    def sales(self) -> pl.DataFrame:
        """SALES up to the last day, known the morning after; no row for a series off sale."""
        return pl.concat([sales for sales, _ in self._known_and_future], rechunk=True)

    @cached_property
    def future(self) -> pl.DataFrame:
        """SALES of the days beyond the last sales day: what a forecast from the last origin is
        scored against.
        """
        return pl.concat([future for _, future in self._known_and_future], rechunk=True)

    @cached_property
    def truth(self) -> pl.DataFrame:
        """Every series and day, those beyond included: `expected` (mean demand), `demand` (drawn,
        uncensored); in the hard world `level`, `slope`, `shock` as in Moved.
        """
        return pl.concat([truth for _, truth in self.chunks()], rechunk=True)

    def chunks(self, blocks: int = CHUNK_BLOCKS) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """SALES (future days included) and truth, some blocks of series at a time, in the order of
        `series`.
        """
        part: list[Block] = []
        for block in demand_blocks(chain_of(self.world, self.plan)):
            part.append(block)
            if len(part) == blocks:
                yield self._frames(part)
                part = []
        if part:
            yield self._frames(part)

    @cached_property
    def _known_and_future(self) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
        known = pl.col("ds") <= self.last_day
        return [(rows.filter(known), rows.filter(~known)) for rows, _ in self.chunks()]

    def _frames(self, blocks: list[Block]) -> tuple[pl.DataFrame, pl.DataFrame]:
        days = self.world.days
        series = sum(len(block.y) for block in blocks)
        code = np.repeat(np.arange(series) + blocks[0].first, len(days))
        keys = pl.DataFrame(
            {
                "unique_id": self.series["unique_id"].gather(code),
                "ds": pl.Series(days, dtype=pl.Date).gather(np.tile(np.arange(len(days)), series)),
            }
        )
        truth = keys.with_columns(
            expected=_column(blocks, "expected").round(4), demand=_column(blocks, "demand") * 1.0
        )
        moved = [block.moved for block in blocks if block.moved]
        if moved:
            truth = truth.with_columns(
                _column(moved, name).cast(pl.Float32).alias(name) for name in MOVING
            )
        sales = keys.with_columns(
            y=_column(blocks, "y"),
            known_at=pl.col("ds").cast(pl.Datetime("us")) + REPORTED_AT,
            is_open=_column(blocks, "is_open"),
            stockout_share=_column(blocks, "stockout_share"),
        )
        return SALES.conform(sales.filter(_column(blocks, "on_sale"))), truth


def simulate(params: SimulatorParams) -> Simulation:
    """The simulation of a seed. Same params, same values, in any process, however it is chunked."""
    world = build_world(params)
    return Simulation(params, world, price_plan(world))


def _column(blocks: list[Block] | list[Moved], name: str) -> pl.Series:
    """One quantity of all blocks, series by series and day by day."""
    return pl.Series(np.concatenate([getattr(block, name).ravel() for block in blocks]))
