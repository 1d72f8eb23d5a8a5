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
    of the days until its first; `life`: from the stock's day to the end of its life.
    """

    until: Demand
    alone: Demand
    before: Demand
    life: Demand


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
    # units that serve the cover beside the order, where it is judged by its own days; else NaN
    beside: np.ndarray


def with_service(lines: pl.DataFrame, target_service: float) -> pl.DataFrame:
    """The lines with `service`, what the order aims at, and `life_service` (null: no limit), at
    which its life must see it sold.

    Both are what supply says where it says a `target_service`. Else, where costs are known, what
    perishes is held to the critical ratio of the newsvendor (Arrow, Harris and Marschak 1951): the
    whole order, where it is sold before the next comes; else what of it would be left at its
    life's end. `lines`: target_service, margin, unit_cost, leftover_cost, life_to, is_one_cover.
    """
    loss = pl.coalesce("leftover_cost", "unit_cost")
    ratio = (pl.col("margin") / (pl.col("margin") + loss)).clip(LEAST_LEVEL, MOST_LEVEL)
    perishes = pl.col("life_to").is_not_null() & (pl.col("margin") > 0)
    is_free = pl.col("target_service").is_null()
    held = pl.when(perishes & is_free).then(ratio.fill_nan(None))
    one_cover = pl.when("is_one_cover").then(held)
    return lines.with_columns(
        service=pl.coalesce("target_service", one_cover, pl.lit(target_service)),
        life_service=pl.when(~pl.col("is_one_cover")).then(held),
    )


def propose(lines: pl.DataFrame, wanted: Wanted) -> Proposed:
    """The order of each line, before any money limit.

    `lines`, none null but where said: service, life_service (null: no limit), position, in_hand,
    on_order, arriving (what of it comes before the cover), lasting (what can still be sold on the
    cover's first day); is_whole (sold in whole units), pack_size, min_order, mean_alone (mean
    demand of the cover); life_days (null keeps), days_before (from the stock's day to the cover).
    """
    service, position = (lines[name].to_numpy() for name in ("service", "position"))
    pack = lines["pack_size"].to_numpy()
    perishes = lines["life_days"].is_not_null().to_numpy()
    whole = _nearest(wanted.until.suffices(service), lines)
    alone = _nearest(wanted.alone.suffices(service), lines)
    due, lasting = _due_within(lines), lines["lasting"].to_numpy()
    of_cover = alone - due
    # what cannot be sold by then serves nobody
    is_gone = (lasting < position - due) & (whole - position < of_cover - lasting)
    from_position = np.where(is_gone, of_cover - lasting, whole - position)
    is_empty_before = of_cover < from_position  # the shelf is empty first: those sales are lost
    limit = _life_limit(lines, wanted.life, position)
    needed = np.maximum(np.minimum(np.minimum(of_cover, from_position), limit), 0.0)
    packs = np.where(perishes, np.floor(needed / pack + UNDER), np.ceil(needed / pack - OVER))
    packs = np.maximum(packs, 0.0)  # of a little below a pack no -0.0 is left
    least = np.ceil(lines["min_order"].to_numpy() / pack - OVER)
    is_raised = (packs > 0) & (packs < least)
    packs = np.where(is_raised, least, packs)
    return judged(
        lines,
        wanted,
        packs,
        np.where(is_empty_before | is_gone, alone, whole),
        {
            "sales_lost": is_empty_before & (packs > 0),
            "gone": is_gone,
            "life": (limit < np.minimum(of_cover, from_position)) & (limit < np.inf),
            "minimum": is_raised,
            "over_life": perishes & (packs > 0) & (pack > lines["mean_alone"].to_numpy()),
        },
        np.where(is_empty_before, due, np.where(is_gone, due + lasting, np.nan)),
    )


def _life_limit(lines: pl.DataFrame, life: Demand, position: np.ndarray) -> np.ndarray:
    """(series,) units that are sold within their life with their `life_service`; inf: no limit."""
    service = lines["life_service"].fill_null(np.nan).to_numpy()
    limited = np.isfinite(service) & life.is_known
    enough = _nearest(life.suffices(np.where(limited, service, MOST_LEVEL)), lines)
    return np.where(limited, np.maximum(enough - position, 0.0), np.inf)


def _due_within(lines: pl.DataFrame) -> np.ndarray:
    """(series,) units on their way that come within the cover, and serve it like the order."""
    due: np.ndarray = (lines["on_order"] - lines["arriving"]).to_numpy()
    return due


def judged(
    lines: pl.DataFrame,
    wanted: Wanted,
    packs: np.ndarray,
    target: np.ndarray,
    flags: dict[str, np.ndarray],
    beside: np.ndarray,
) -> Proposed:
    """What becomes of so many packs. `beside` as in Proposed."""
    units = packs * lines["pack_size"].to_numpy()
    with_position = wanted.until.at(lines["position"].to_numpy() + units)
    by_itself = wanted.alone.at(np.nan_to_num(beside) + units)
    outcome = Outcome(
        *(
            np.where(np.isnan(beside), until, alone)
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
    return Proposed(units, packs, target, outcome, before, flags, beside)


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


def _nearest(units: np.ndarray, lines: pl.DataFrame) -> np.ndarray:
    """Whole units of what is sold in them: its quantiles lie near one. What is weighed stays."""
    nearest: np.ndarray = np.where(lines["is_whole"].to_numpy(), np.floor(units + 0.5), units)
    return nearest
