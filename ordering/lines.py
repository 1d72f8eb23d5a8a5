"""The order lines of a day: which series, for which days, how many units, or why none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from contract.frames import DEMAND_SPANS, ORDERS
from contract.params import OrderingParams
from contract.quantiles import QUANTILES
from ordering.calendar import order_lines
from ordering.demand import Demand
from ordering.money import packs_within
from ordering.proposal import (
    Proposed,
    Wanted,
    days_of_cover,
    joined_flags,
    judged,
    propose,
    with_service,
)
from ordering.stock import still_coming, with_position

SERIES = "unique_id"
LEAST_DAILY = 1.0  # units a day; a stock is absurd beside more than what hardly sells
# why a line has no units, the first that holds
REASONS: dict[str, str] = {
    "no_supply": "no row of the supply file fits the series",
    "no_stock": "its stock was never stated",
    "no_forecast": "the newest table has no row of it",
    "beyond_horizon": "it must last beyond the table's last day: raise train.horizon",
    "stock_absurd": "its stock is over ordering.max_stock_days of demand: another unit?",
    "order_absurd": "its pack or minimum is over ordering.max_stock_days of demand: another unit?",
}
_TERMS = ("pack_size", "min_order", "unit_cost", "margin", "leftover_cost", "target_service")
# key, from_h, to_h of spans -> DEMAND_SPANS, a row for each, in their order
Ask = Callable[[pl.DataFrame], pl.DataFrame]


def _nobody() -> pl.DataFrame:
    return pl.DataFrame(schema={SERIES: pl.String, "ds": pl.Date})


@dataclass(frozen=True)
class Facts:
    """What the order lines of a day are made of.

    `forecasts`: FORECASTS of one run, with final means; `overridden`: unique_id, ds of those that a
    person changed. `terms`: ordering.scopes.SeriesSupply.terms. `stock` and
    `open_orders` as the store holds them now (STOCK, OPEN_ORDERS). `sales`: unique_id, ds, y up to
    the origin, from the oldest count on and of weeks enough to say whether a series is sold in
    whole units. `promotions`: unique_id, from_ds, to_ds. `launches`:
    unique_id of series that began lately.
    """

    order_day: date
    origin: date
    forecasts: pl.DataFrame
    terms: pl.DataFrame
    stock: pl.DataFrame
    open_orders: pl.DataFrame
    sales: pl.DataFrame
    promotions: pl.DataFrame
    launches: pl.Series
    overridden: pl.DataFrame = field(default_factory=_nobody)

    @property
    def horizon(self) -> int:
        """Days the table has."""
        return int(self.forecasts["h"].max())  # type: ignore[arg-type]


def propose_orders(
    facts: Facts, params: OrderingParams, ask: Ask
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """ORDERS of the day without `created_at`, sorted by series, and DEMAND_SPANS behind them."""
    ends = _ends(facts, params)
    lines = _with_reasons(_lines(facts, ends, params), facts, params)
    unsaid = lines.filter(pl.col("reason").is_not_null())
    sound = lines.filter(pl.col("reason").is_null())
    if sound.is_empty():
        return _orders(facts, unsaid), DEMAND_SPANS.empty()
    spans, rows = _spans(sound, ends, ask, facts.horizon)
    sound = sound.with_columns(mean_alone=pl.Series(spans["alone"].mean))
    wanted = Wanted(*(spans[name].demand for name in ("until", "alone", "before", "life")))
    proposed = _within_budget(propose(sound, wanted), sound, wanted, params)
    filled = _filled(sound, proposed, spans["until"].mean, facts, params)
    distinct = rows.unique(["key", "from_h", "to_h"], maintain_order=True)
    return _orders(facts, pl.concat([filled, unsaid], how="diagonal")), distinct


def _ends(facts: Facts, params: OrderingParams) -> pl.DataFrame:
    """unique_id, cover_from, cover_to, probability, life_days and the days ahead of the origin that
    these are.
    """
    return order_lines(facts.terms, facts.order_day, params.lead_days).with_columns(
        from_h=(pl.col("cover_from") - facts.origin).dt.total_days(),
        to_h=(pl.col("cover_to") - facts.origin).dt.total_days(),
        life_h=(pl.col("life_to") - facts.origin).dt.total_days(),
    )


def _lines(facts: Facts, ends: pl.DataFrame, params: OrderingParams) -> pl.DataFrame:
    """One row a series: its likeliest cover, its terms, what is there, the first day not counted
    yet.
    """
    likeliest = (
        ends.sort("probability", "cover_to", descending=True)
        .group_by(SERIES, maintain_order=True)
        .first()
        .drop("probability", "to_h")
        .join(ends.group_by(SERIES).agg(to_h=pl.col("to_h").max()), on=SERIES)
        .sort(SERIES)
    )
    terms = facts.terms.with_columns(
        pl.col("pack_size").fill_null(1.0), pl.col("min_order").fill_null(0.0)
    )
    named = likeliest.join(
        terms.select(SERIES, *_TERMS), on=SERIES, how="left", maintain_order="left"
    )
    named = with_service(named, params.target_service)
    on_the_way = still_coming(facts.open_orders, facts.stock)
    counted = with_position(named, facts.stock, on_the_way, facts.sales)
    start = (pl.col("stock_ds") - facts.origin).dt.total_days().clip(lower_bound=0) + 1
    weighed = facts.sales.filter(pl.col("y") % 1 != 0)[SERIES].unique()
    return counted.with_columns(
        start_h=start,
        days_before=pl.col("from_h") - start,
        is_whole=~pl.col(SERIES).is_in(weighed.implode()),
    )


def _with_reasons(lines: pl.DataFrame, facts: Facts, params: OrderingParams) -> pl.DataFrame:
    """The lines, and one for each series whose stock is counted and of which supply says nothing;
    `reason` where nothing can be proposed, and `daily`, the table's units a day.
    """
    daily = facts.forecasts.group_by(SERIES).agg(daily=pl.col("y_hat").mean())
    unsupplied = facts.stock.join(facts.terms, on=SERIES, how="anti").select(
        SERIES, "on_hand", stock_ds="ds", reason=pl.lit("no_supply")
    )
    absurd = params.max_stock_days * pl.max_horizontal("daily", pl.lit(LEAST_DAILY))
    reason = (
        pl.when(pl.col("on_hand").is_null())
        .then(pl.lit("no_stock"))
        .when(pl.col("daily").is_null())
        .then(pl.lit("no_forecast"))
        .when(pl.col("to_h") > facts.horizon)
        .then(pl.lit("beyond_horizon"))
        .when(pl.col("position") > absurd)
        .then(pl.lit("stock_absurd"))
        .when(pl.max_horizontal("pack_size", "min_order") > absurd)
        .then(pl.lit("order_absurd"))
    )
    joined = lines.join(daily, on=SERIES, how="left", maintain_order="left")
    return pl.concat([joined.with_columns(reason=reason), unsupplied], how="diagonal")


@dataclass(frozen=True)
class _Read:
    """The demand that spans make as they were read, and its mean (series,)."""

    demand: Demand
    mean: np.ndarray


def _spans(
    lines: pl.DataFrame, ends: pl.DataFrame, ask: Ask, horizon: int
) -> tuple[dict[str, _Read], pl.DataFrame]:
    """Demand until the cover's end, of the cover alone, before it, and until the life's end, of
    every line; and the rows that were read, all at once: each question sorts a whole table.
    """
    numbered = lines.select(SERIES, "start_h").with_row_index("line")
    of_lines = ends.join(numbered, on=SERIES, how="inner", maintain_order="right_left")
    first_days = of_lines.unique("line", keep="first", maintain_order=True)
    wanted = {
        "until": of_lines.with_columns(from_h="start_h"),
        "alone": of_lines.with_columns(from_h=pl.max_horizontal("from_h", "start_h")),
        "before": first_days.with_columns(
            from_h="start_h", to_h=pl.col("from_h") - 1, probability=pl.lit(1.0)
        ).filter(pl.col("from_h") <= pl.col("to_h")),
        # beyond the table nothing is known: such a life limits nothing yet
        "life": first_days.with_columns(
            from_h="start_h", to_h="life_h", probability=pl.lit(1.0)
        ).filter(pl.col("to_h").is_between("from_h", horizon)),
    }
    every = pl.concat([_question(spans) for spans in wanted.values()])
    rows, at, reads = ask(every), 0, {}
    for name, spans in wanted.items():
        reads[name] = _read(rows.slice(at, spans.height), spans, lines.height)
        at += spans.height
    return reads, rows


def _question(spans: pl.DataFrame) -> pl.DataFrame:
    return spans.select(pl.col(SERIES).alias("key"), pl.col("from_h", "to_h").cast(pl.Int32))


def _read(rows: pl.DataFrame, spans: pl.DataFrame, lines: int) -> _Read:
    """What DEMAND_SPANS say of spans, a row for each."""
    line = spans["line"].to_numpy().astype(np.int64)
    probability = spans["probability"].to_numpy()
    mean = np.bincount(line, probability * rows["mean"].to_numpy(), minlength=lines)
    return _Read(Demand(rows.select(*QUANTILES).to_numpy(), line, probability, lines), mean)


def _within_budget(
    proposed: Proposed, lines: pl.DataFrame, wanted: Wanted, params: OrderingParams
) -> Proposed:
    if params.budget is None:
        return proposed
    packs = packs_within(params.budget, proposed, lines, wanted)
    flags = {**proposed.flags, "cut": packs < proposed.packs}
    return judged(lines, wanted, packs, proposed.target, flags, proposed.beside)


def _filled(
    lines: pl.DataFrame,
    proposed: Proposed,
    demand: np.ndarray,
    facts: Facts,
    params: OrderingParams,
) -> pl.DataFrame:
    means = _means(lines, facts)
    covered = days_of_cover(means, lines["position"].to_numpy())
    flags = {**_known_beside(lines, facts, params), **proposed.flags}
    return lines.with_columns(
        demand=pl.Series(demand),
        target=pl.Series(proposed.target),
        units=pl.Series(proposed.units),
        packs=pl.Series(proposed.packs),
        money=pl.Series(proposed.units) * pl.col("unit_cost"),
        short=pl.Series(proposed.outcome.short),
        left_over=pl.Series(proposed.outcome.left_over),
        p_out=pl.Series(proposed.outcome.p_out),
        p_out_before=pl.Series(proposed.p_out_before),
        days_of_cover=pl.Series(covered).fill_nan(None),
        flags=joined_flags(flags),
    )


def _known_beside(
    lines: pl.DataFrame, facts: Facts, params: OrderingParams
) -> dict[str, np.ndarray]:
    """What else to know of a line, by flag: of its stock, its forecast, its days."""
    age = (facts.order_day - lines["stock_ds"]).dt.total_days() - 1
    covers = lines.select(SERIES, "cover_from", "cover_to")
    promoted = covers.join(facts.promotions, on=SERIES, how="inner").filter(
        pl.col("from_ds") <= pl.col("cover_to"), pl.col("to_ds") >= pl.col("cover_from")
    )
    degraded = covers.join(
        facts.forecasts.filter(pl.col("reason").is_not_null()).select(SERIES, "ds"), on=SERIES
    ).filter(pl.col("ds").is_between("cover_from", "cover_to"))
    said = covers.join(facts.overridden, on=SERIES).filter(pl.col("ds") <= pl.col("cover_to"))

    def among(ids: pl.Series) -> np.ndarray:
        return lines[SERIES].is_in(ids.unique().implode()).to_numpy()

    return {
        "stock_old": (age > params.max_stock_age_days).to_numpy(),
        "stock_negative": (lines["on_hand"] < 0).to_numpy(),
        "promotion": among(promoted[SERIES]),
        "launch": among(facts.launches),
        "fallback": among(degraded[SERIES]),
        "override": among(said[SERIES]),
    }


def _means(lines: pl.DataFrame, facts: Facts) -> np.ndarray:
    """(lines, days) the table's means from each line's first day not counted yet, 0 beyond it."""
    rows = lines.select(SERIES, "start_h").with_row_index("line")
    located = facts.forecasts.select(SERIES, "h", "y_hat").join(rows, on=SERIES, how="inner")
    located = located.filter(pl.col("h") >= pl.col("start_h"))
    means = np.zeros((lines.height, facts.horizon))
    at = (located["h"] - located["start_h"]).to_numpy()
    means[located["line"].to_numpy(), at] = located["y_hat"].to_numpy()
    return means


def _orders(facts: Facts, lines: pl.DataFrame) -> pl.DataFrame:
    rows = lines.with_columns(
        order_day=pl.lit(facts.order_day), run_id=pl.lit(facts.forecasts["run_id"][0])
    )
    missing = [
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in ORDERS.schema.items()
        if name not in rows.columns
    ]
    return ORDERS.conform(rows.with_columns(missing)).sort(SERIES)
