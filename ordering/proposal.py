"""From demand, stock and supply to proposed units (docs/design/orders.md, The proposal)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from contract.quantiles import LEAST_LEVEL, MOST_LEVEL
from ordering.demand import Demand, Outcome

JOIN = "|"  # between flags
OVER, UNDER = 1e-9, 0.5  # of a pack: a rounding is no pack; half of one is the nearer


@dataclass(frozen=True)
class Wanted:
    """What the order lines, one a series and in one order, are decided by.

    `until`: demand from the stock's day to the cover's end; `alone`: of the cover's days; `before`:
    of the days until its first.
    """

    until: Demand
    alone: Demand
    before: Demand


@dataclass(frozen=True)
class Proposed:
    """(series,) units, the packs they are, what is aimed at, what becomes of it; and what else to
    know, as flags by name.
    """

    units: np.ndarray
    packs: np.ndarray
    target: np.ndarray
    outcome: Outcome
    p_out_before: np.ndarray
    flags: dict[str, np.ndarray]
    # whose shelf is empty before the delivery: the order is judged by its own days
    is_empty_before: np.ndarray


def service_of(supply: pl.DataFrame, target_service: float) -> pl.Series:
    """The service each series' order aims at: what its supply says; of the perishable, where costs
    are known, the critical ratio of the newsvendor (Arrow, Harris and Marschak 1951); else
    `target_service`.
    """
    loss = pl.coalesce("leftover_cost", "unit_cost")
    ratio = (pl.col("margin") / (pl.col("margin") + loss)).clip(LEAST_LEVEL, MOST_LEVEL)
    perishes = pl.col("shelf_life_days").is_not_null() & (pl.col("margin") > 0)
    chosen = pl.coalesce(
        "target_service", pl.when(perishes).then(ratio.fill_nan(None)), pl.lit(target_service)
    )
    return supply.select(service=chosen)["service"]


def propose(lines: pl.DataFrame, wanted: Wanted) -> Proposed:
    """The order of each line, before any money limit.

    `lines`, none null but where said: service, position, arriving (units that come before the
    cover), in_hand; pack_size, min_order, mean_alone (mean demand of the cover); life_days (null
    keeps), days_before (days from the stock's day to the cover's first).
    """
    service, position = (lines[name].to_numpy() for name in ("service", "position"))
    pack = lines["pack_size"].to_numpy()
    life = lines["life_days"].cast(pl.Float64).fill_null(np.inf).to_numpy()
    perishes = np.isfinite(life)
    whole = _nearest(wanted.until.suffices(service))
    alone = _nearest(wanted.alone.suffices(service))
    # what is in hand can be sold for its life at most, and is taken as fresh
    is_gone = life <= lines["days_before"].to_numpy()
    from_position = np.where(is_gone, np.inf, whole - position)
    is_empty_before = alone < from_position  # the shelf is empty first: those sales are lost
    needed = np.maximum(np.minimum(alone, from_position), 0.0)
    packs = np.where(perishes, np.floor(needed / pack + UNDER), np.ceil(needed / pack - OVER))
    least = np.ceil(lines["min_order"].to_numpy() / pack - OVER)
    is_raised = (packs > 0) & (packs < least)
    packs = np.where(is_raised, least, packs)
    return judged(
        lines,
        wanted,
        packs,
        np.where(is_empty_before, alone, whole),
        {
            "minimum": is_raised,
            "over_life": perishes & (packs > 0) & (pack > lines["mean_alone"].to_numpy()),
        },
        is_empty_before,
    )


def judged(
    lines: pl.DataFrame,
    wanted: Wanted,
    packs: np.ndarray,
    target: np.ndarray,
    flags: dict[str, np.ndarray],
    is_empty_before: np.ndarray,
) -> Proposed:
    """What becomes of so many packs."""
    units = packs * lines["pack_size"].to_numpy()
    with_position = wanted.until.at(lines["position"].to_numpy() + units)
    by_itself = wanted.alone.at(units)
    outcome = Outcome(
        *(
            np.where(is_empty_before, alone, until)
            for alone, until in (
                (by_itself.short, with_position.short),
                (by_itself.left_over, with_position.left_over),
                (by_itself.p_out, with_position.p_out),
            )
        )
    )
    in_hand = lines["in_hand"].to_numpy() + lines["arriving"].to_numpy()
    has_days = lines["days_before"].to_numpy() > 0
    before = np.where(has_days, wanted.before.at(in_hand).p_out, 0.0)
    return Proposed(units, packs, target, outcome, before, flags, is_empty_before)


def days_of_cover(means: np.ndarray, position: np.ndarray) -> np.ndarray:
    """(series,) days until (series, horizon) means have used up the position; beyond the table at
    its mean day. NaN where nothing is expected.
    """
    used = np.cumsum(means, axis=1)
    horizon = means.shape[1]
    whole = (used <= position[:, None]).sum(axis=1)
    before = np.where(whole > 0, used[np.arange(len(used)), np.maximum(whole - 1, 0)], 0.0)
    of_day = means[np.arange(len(used)), np.minimum(whole, horizon - 1)]
    with np.errstate(invalid="ignore", divide="ignore"):
        within = whole + (position - before) / of_day
        beyond = horizon + (position - used[:, -1]) / means.mean(axis=1)
    return np.where(whole < horizon, within, np.where(used[:, -1] > 0, beyond, np.nan))


def joined_flags(flags: dict[str, np.ndarray]) -> pl.Series:
    """The names of the flags that hold, joined; null where none does."""
    frame = pl.DataFrame({name: pl.Series(held) for name, held in flags.items()})
    names = [pl.when(name).then(pl.lit(name)) for name in flags]
    joined = frame.select(flags=pl.concat_str(names, separator=JOIN, ignore_nulls=True))["flags"]
    return joined.replace("", None)


def _nearest(units: np.ndarray) -> np.ndarray:
    """Whole units: where demand comes in them, its quantiles lie near one."""
    nearest: np.ndarray = np.floor(units + 0.5)
    return nearest
