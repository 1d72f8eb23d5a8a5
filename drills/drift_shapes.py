"""The catalogue of drifts: each changes what happens from a day on, by a size; panels in, panels
out, whole units stay whole.

Nothing before `since` moves. Demand that falls is thinned (each unit stays with a chance), demand
that grows gains Poisson units at the series' own recent level, so that zeros become sales as they
would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from contract.feeds import FEED_COLUMN
from contract.panel import Panel, panel_of

Rng = np.random.Generator
# assumed response of units to price where a drift changes prices; the simulator draws -0.6 to -2.6
ELASTICITY = -1.5
PROMO_PRICE, PROMO_LIFT = 0.8, 1.75  # a planned promotion: 20% off, and what it sells more
SOLD_OUT = 0.7  # share of the day without stock in a wave of stock-outs
WAVE_DAYS = 91
LEVEL_DAYS = 29


@dataclass(frozen=True)
class DriftShape:
    """`what` happens from a day on, at growing `sizes`, and what a size is."""

    name: str
    what: str
    size_is: str
    sizes: tuple[float, ...]
    apply: Callable[[Panel, date, float, Rng], Panel]


def nothing(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """No drift: a share of the units is taken out and as many are drawn anew. What is found here is
    found by chance.
    """
    return _redrawn(panel, since, rng, lambda _series, _days: (1 - size, size))


def level_shift(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """Everything sells more at once."""
    return _scaled(panel, since, rng, lambda _series, _days: 1 + size)


def level_drop(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """Everything sells less at once."""
    return _scaled(panel, since, rng, lambda _series, _days: 1 - size)


def trend_break(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """Everything grows by so much every four weeks."""
    return _scaled(panel, since, rng, lambda _series, days: (1 + size) ** (days / 28))


def season_change(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """Each department gets a wave of a quarter that it never had, each at another phase."""
    column = "dept_id" if "dept_id" in panel.series.columns else "unique_id"
    code = panel.series[column].rank("dense").to_numpy().astype(float)
    phase = dict(zip(panel.series["unique_id"], 2 * np.pi * code / code.max(), strict=True))

    def factor(series: np.ndarray, days: np.ndarray) -> np.ndarray:
        at = np.array([phase[name] for name in series])
        return np.exp(size * (np.sin(2 * np.pi * days / WAVE_DAYS + at) - np.sin(at)))

    return _scaled(panel, since, rng, factor)


def price_shock(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """All prices rise, and units fall by the assumed elasticity."""
    dearer = replace(
        panel, prices=_prices_from(panel, since, panel.series["unique_id"], 1 + size, None)
    )
    return _scaled(dearer, since, rng, lambda _series, _days: (1 + size) ** ELASTICITY)


def promotion_change(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """So large a share of the series is on promotion from now on, planned and carried out."""
    chosen = _share_of(panel, size, rng)
    cheaper = replace(panel, prices=_prices_from(panel, since, chosen, PROMO_PRICE, 1.0))
    return _scaled(
        cheaper,
        since,
        rng,
        lambda series, _days: np.where(np.isin(series, chosen), PROMO_LIFT, 1.0),
    )


def mix_change(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """One department sells more, the others so much less that the total stays."""
    column = "dept_id" if "dept_id" in panel.series.columns else FEED_COLUMN
    rising = _group(panel, column, rng)
    recent = panel.sales.filter(
        pl.col("ds").is_between(since - timedelta(days=56), since - timedelta(days=1))
    )
    share = float(
        recent.filter(pl.col("unique_id").is_in(rising.implode()))["y"].sum() / recent["y"].sum()
    )
    falling = max(1 - size * share / (1 - share), 0.0)
    return _scaled(
        panel,
        since,
        rng,
        lambda series, _days: np.where(np.isin(series, rising), 1 + size, falling),
    )


def unit_change(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """One department is reported in another unit."""
    hit = _group(panel, "dept_id" if "dept_id" in panel.series.columns else FEED_COLUMN, rng)
    wrong = (pl.col("ds") >= since) & pl.col("unique_id").is_in(hit.implode())
    return replace(
        panel,
        sales=panel.sales.with_columns(y=pl.when(wrong).then(pl.col("y") * size).otherwise("y")),
    )


def missing_prices(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """The prices of some series no longer arrive; they sell as before."""
    chosen = _share_of(panel, size, rng)
    split = _split_at(panel.prices, since)
    gone = (pl.col("from_ds") >= since) & pl.col("unique_id").is_in(chosen.implode())
    return replace(panel, prices=split.filter(~gone))


def stockout_wave(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """On so large a share of series-days the shelf is empty for most of the day, and the feed says
    so.
    """
    sales = panel.sales
    hit = (sales["ds"] >= since).to_numpy() & (rng.random(sales.height) < size)
    y = sales["y"].to_numpy().copy()
    known = hit & np.isfinite(y)
    y[known] = rng.binomial(y[known].astype(np.int64), 1 - SOLD_OUT)
    share = pl.when(pl.Series(hit)).then(pl.lit(SOLD_OUT)).otherwise("stockout_share")
    return replace(panel, sales=sales.with_columns(y=pl.Series(y), stockout_share=share))


def assortment_churn(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """Some series end, and new ones without a past take their place and their demand."""
    chosen = _share_of(panel, size, rng)
    renamed = (
        pl.when(pl.col("unique_id").is_in(chosen.implode()))
        .then(pl.lit("NEW_") + pl.col("unique_id"))
        .otherwise("unique_id")
    )
    sales = panel.sales.with_columns(
        unique_id=pl.when(pl.col("ds") >= since).then(renamed).otherwise("unique_id")
    )
    prices = _split_at(panel.prices, since).with_columns(
        unique_id=pl.when(pl.col("from_ds") >= since).then(renamed).otherwise("unique_id")
    )
    born = panel.series.filter(pl.col("unique_id").is_in(chosen.implode())).with_columns(
        unique_id=renamed
    )
    return panel_of(
        sales, pl.concat([panel.series, born]), panel.calendar, prices, panel.covariates
    )


def new_region(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """New stores open, each with the range and the demand of one that is there."""
    stores = panel.series[FEED_COLUMN].unique().sort().to_list()
    sales, series, prices = [panel.sales], [panel.series], [panel.prices]
    for k in range(int(size)):
        model = panel.only(
            panel.series.filter(pl.col(FEED_COLUMN) == stores[k % len(stores)])["unique_id"]
        )
        name = pl.format("{}_N{}", "unique_id", pl.lit(k))
        sales.append(model.sales.filter(pl.col("ds") >= since).with_columns(unique_id=name))
        prices.append(model.prices.with_columns(unique_id=name))
        series.append(
            model.series.with_columns(pl.lit(f"NEW_{k}").alias(FEED_COLUMN), unique_id=name)
        )
    return panel_of(
        pl.concat(sales), pl.concat(series), panel.calendar, pl.concat(prices), panel.covariates
    )


def corruption(panel: Panel, since: date, size: float, rng: Rng) -> Panel:
    """A share of the rows carries another row's number, as when a join went wrong."""
    sales = panel.sales
    hit = np.flatnonzero((sales["ds"] >= since).to_numpy() & (rng.random(sales.height) < size))
    y = sales["y"].to_numpy().copy()
    y[hit] = y[rng.permutation(hit)]
    return replace(panel, sales=sales.with_columns(y=pl.Series(y)))


SHAPES = (
    DriftShape(
        "nothing", "the same demand drawn anew in part", "share of units", (0.05, 0.2), nothing
    ),
    DriftShape("level_shift", "everything sells more", "share", (0.05, 0.1, 0.2, 0.4), level_shift),
    DriftShape("level_drop", "everything sells less", "share", (0.05, 0.1, 0.2, 0.4), level_drop),
    DriftShape(
        "trend_break", "everything grows", "share in 28 days", (0.02, 0.05, 0.1, 0.2), trend_break
    ),
    DriftShape(
        "season_change",
        "a new wave in each department",
        "log height",
        (0.1, 0.2, 0.4, 0.8),
        season_change,
    ),
    DriftShape(
        "price_shock", "all prices rise, units fall", "share", (0.02, 0.05, 0.1, 0.2), price_shock
    ),
    DriftShape(
        "promotion_change",
        "more of the range on promotion",
        "share of series",
        (0.05, 0.1, 0.2, 0.4),
        promotion_change,
    ),
    DriftShape(
        "assortment_churn",
        "series replaced by new ones",
        "share of series",
        (0.05, 0.1, 0.2, 0.4),
        assortment_churn,
    ),
    DriftShape(
        "mix_change",
        "one department up, the others down",
        "share",
        (0.1, 0.2, 0.4, 0.8),
        mix_change,
    ),
    DriftShape("new_region", "stores opened", "stores", (1, 2, 4), new_region),
    DriftShape(
        "unit_change", "a department in another unit", "factor", (1.5, 2, 4, 6), unit_change
    ),
    DriftShape(
        "corruption",
        "rows with another row's number",
        "share of rows",
        (0.02, 0.05, 0.2, 0.5),
        corruption,
    ),
    DriftShape(
        "missing_prices",
        "prices no longer arrive",
        "share of series",
        (0.05, 0.2, 0.5, 1.0),
        missing_prices,
    ),
    DriftShape(
        "stockout_wave",
        "shelves empty 70% of the day",
        "share of days",
        (0.05, 0.1, 0.2, 0.4),
        stockout_wave,
    ),
)

Factor = Callable[[np.ndarray, np.ndarray], np.ndarray | float]
Parts = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray | float, np.ndarray | float]]


def _scaled(panel: Panel, since: date, rng: Rng, factor: Factor) -> Panel:
    """Units from a day on times factor(series, days since then), in whole units."""

    def parts(series: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        times = np.asarray(factor(series, days), dtype=float)
        return np.minimum(times, 1.0), np.maximum(times - 1, 0.0)

    return _redrawn(panel, since, rng, parts)


def _redrawn(panel: Panel, since: date, rng: Rng, parts: Parts) -> Panel:
    """From a day on the share of units that stays, and new ones as a share of the series' own
    recent level.
    """
    level = pl.col("y").rolling_mean(LEVEL_DAYS, min_samples=1).over("unique_id")
    sales = panel.sales.with_columns(level=level)
    late = (sales["ds"] >= since).to_numpy() & sales["y"].is_not_null().to_numpy()
    late &= sales["is_open"].fill_null(True).to_numpy()
    rows = sales.filter(pl.Series(late))
    days = (rows["ds"] - since).dt.total_days().to_numpy()
    stays, new = (
        np.broadcast_to(part, len(days)) for part in parts(rows["unique_id"].to_numpy(), days)
    )
    kept = rng.binomial(rows["y"].to_numpy().astype(np.int64), stays)
    gained = rng.poisson(new * rows["level"].fill_null(0).to_numpy())
    changed = sales["y"].to_numpy().copy()
    changed[late] = kept + gained
    return replace(panel, sales=panel.sales.with_columns(y=pl.Series(changed, dtype=pl.Float64)))


def _prices_from(
    panel: Panel, since: date, chosen: pl.Series, times: float, promo: float | None
) -> pl.DataFrame:
    """The prices with those of the chosen series changed from a day on; `promo`, if any, is stated
    for them.
    """
    hit = (pl.col("from_ds") >= since) & pl.col("unique_id").is_in(chosen.implode())
    changed = _split_at(panel.prices, since).with_columns(
        price=pl.when(hit).then((pl.col("price") * times).round(2)).otherwise("price"),
        promo=pl.when(hit).then(pl.lit(promo)).otherwise("promo")
        if promo is not None
        else pl.col("promo"),
    )
    return changed


def _split_at(prices: pl.DataFrame, since: date) -> pl.DataFrame:
    """Periods that reach over a day cut into one before and one from it on."""
    over = (pl.col("from_ds") < since) & (pl.col("to_ds") >= since)
    whole = prices.filter(~over)
    before = prices.filter(over).with_columns(to_ds=pl.lit(since - timedelta(days=1)))
    after = prices.filter(over).with_columns(from_ds=pl.lit(since))
    return pl.concat([whole, before, after]).sort("unique_id", "from_ds")


def _share_of(panel: Panel, share: float, rng: Rng) -> pl.Series:
    ids = panel.series["unique_id"].sort().to_numpy()
    return pl.Series(
        rng.choice(ids, max(round(share * len(ids)), 1), replace=False), dtype=pl.String
    )


def _group(panel: Panel, column: str, rng: Rng) -> pl.Series:
    groups = panel.series[column].unique().sort()
    return panel.series.filter(pl.col(column) == groups[int(rng.integers(len(groups)))])[
        "unique_id"
    ]
