"""When the stores of a chain are shut beyond its holidays: works that are announced, and days that
are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

import numpy as np
import polars as pl
from numpy.random import Generator

from contract.agreement import OPENING
from contract.frames import COVARIATES
from sources.simulator.calendar import is_closed
from sources.simulator.world import BEYOND_DAYS, CLOSURES, World, generator

# a store and year. Of Rossmann's stores 0.1 close for ten days or more and 0.08 for a day or a few;
# more here, so that ten stores over two years hold some of both
WORKS_A_YEAR, SHUT_A_YEAR = 0.2, 0.5
WORKS_DAYS = (10, 42)  # Rossmann's median closure of weeks is 16 days
SHUT_DAYS = (1, 3)  # a storm, a power cut, a strike


@dataclass(frozen=True)
class Spell:
    """Days on which one store is shut, day indices."""

    store: int
    first: int
    reopens: int


@dataclass(frozen=True)
class Openings:
    """Which store is open when, and which closures were announced."""

    is_open: np.ndarray  # (stores, days) bool
    is_planned: np.ndarray  # the same, had no storm come
    announced: tuple[Spell, ...]


def openings_of(world: World) -> Openings:
    """The openings of a seed: holidays close every store; in the hard world works and shut days
    close single ones.
    """
    is_open = np.tile([not is_closed(day) for day in world.days], (len(world.state), 1))
    if world.params.world == "calm":
        return Openings(is_open, is_open, ())
    rng = generator(world.params.seed, CLOSURES)
    works = _spells(rng, is_open, WORKS_A_YEAR, WORKS_DAYS)
    is_planned = _without(is_open, works)
    is_open = _without(is_planned, _spells(rng, is_open, SHUT_A_YEAR, SHUT_DAYS))
    return Openings(is_open, is_planned, works)


def plan_of(world: World, openings: Openings) -> pl.DataFrame:
    """COVARIATES `is_open` of the announced closures, a row per series of the store and day.

    0 while they last, then 1 until well after: weeks of closed days would be taken for a habit.
    """
    plans = [COVARIATES.empty(), *(_plan(world, openings, spell) for spell in openings.announced)]
    # where one closure follows another closely, what was announced last holds
    return pl.concat(plans).unique(COVARIATES.key, keep="last").sort(COVARIATES.key)


def _plan(world: World, openings: Openings, spell: Spell) -> pl.DataFrame:
    stated = slice(spell.first, spell.reopens + BEYOND_DAYS)
    days = pl.DataFrame(
        {"ds": world.days[stated], "value": openings.is_planned[spell.store, stated] * 1.0}
    )
    known_at = datetime.combine(world.days[spell.first] - timedelta(days=BEYOND_DAYS), time())
    ids = world.series.filter(pl.Series(world.store == spell.store)).select("unique_id")
    return COVARIATES.conform(
        ids.join(days, how="cross").with_columns(
            name=pl.lit(OPENING), known_at=pl.lit(known_at, pl.Datetime("us"))
        )
    )


def _without(is_open: np.ndarray, spells: tuple[Spell, ...]) -> np.ndarray:
    """A copy of the openings, shut during these spells."""
    left = is_open.copy()
    for spell in spells:
        left[spell.store, spell.first : spell.reopens] = False
    return left


def _spells(
    rng: Generator, is_open: np.ndarray, a_year: float, length: tuple[int, int]
) -> tuple[Spell, ...]:
    """Spells that begin by chance, their length between these days, in the order they begin."""
    begins = rng.random(is_open.shape) < a_year / 365.25
    lasts = rng.integers(length[0], length[1], is_open.shape, endpoint=True)
    day, store = np.nonzero(begins.T)
    return tuple(
        Spell(int(s), int(d), int(d + lasts[s, d])) for d, s in zip(day, store, strict=True)
    )
