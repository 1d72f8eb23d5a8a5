"""Series that were announced and have not sold yet, forecast from their analogues: what peers of
the same attributes sell, times the share of it that new ones sold in the past.

Level by attributes is the method of marginal totals (Bailey 1963; Jung 1968) with a credibility for
small groups; it reads columns of the hierarchy and the price.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from contract.days import WEEK, earliest
from contract.demand import DemandRules
from contract.feeds import feed_index
from contract.panel import Panel
from features.dense import units_lately
from features.hierarchy import group_index, sum_by

LAUNCH_DAYS = 28  # after its first planned day a series that never sold is a launch so long
LOOKED_BACK = 26 * WEEK  # for past launches; no more, so that a panel's beginning cannot tell
PEER_DAYS = 8 * WEEK
PRICE_BANDS = 8
LEAST_PRICED = 5 * PRICE_BANDS
MORE_MEMBERS = 5.0  # average series that are added to each group: a small one stays near the mean
MOSTLY_NEW = 0.5  # of a store's series: it opened, and says nothing of articles at first
LEAST_SHARE, MOST_SHARE = 0.2, 1.0  # of its level by attributes that a new series is said to sell
CHAINS_UNITS = 200.0  # of eight weeks, by which a store's weekdays are drawn to the chain's
ROUNDS = 8
# what a new series sells of its level by attributes, before any of the panel's own is seen. On M5
# 0.5 to 0.6
USUAL_SHARE, USUAL_LAUNCHES = 0.6, 10.0

_NOBODY = pl.DataFrame(schema={"unique_id": pl.String, "first": pl.Date})
_NO_ROWS = pl.DataFrame(schema={"unique_id": pl.String, "ds": pl.Date, "launch": pl.Float64})


@dataclass(frozen=True)
class Launches:
    """The announced series and the factors of their means.

    `announced`: unique_id, first (planned day), level (units an open day by attributes), waited
    (open days on offer without a sale), mean (the level times `share`, that of new ones), left
    (what is expected after waiting). `past`: how many of the panel's own taught the share;
    `weekdays` (announced, 7): factors from Monday of each one's store.
    """

    announced: pl.DataFrame
    share: float
    past: int
    weekdays: np.ndarray

    def rows(self, days: pl.Series) -> pl.DataFrame:
        """unique_id, ds, launch: the mean of each announced series on each of these days."""
        factor = self.weekdays[:, (days.dt.weekday() - 1).to_numpy()]
        crossed = self.announced.join(
            pl.DataFrame({"ds": days}), how="cross", maintain_order="left_right"
        ).with_columns(factor=pl.Series(factor.ravel()))
        units, on_offer = pl.col("left") * pl.col("factor"), pl.col("ds") >= pl.col("first")
        return crossed.select(
            "unique_id", "ds", launch=pl.when(on_offer).then(units).otherwise(0.0)
        )

    def steps(self, unique_id: str, ds: date) -> list[tuple[str, float | None]]:
        """What was done, and units after it, for one announced series and day."""
        at = self.announced["unique_id"].to_list().index(unique_id)
        one = self.announced.row(at, named=True)
        if ds < one["first"]:
            return [(f"on offer from {one['first']} on only", 0.0)]
        factor = float(self.weekdays[at, ds.weekday()])
        taught = f"{self.past} launches of the last half year beside {USUAL_LAUNCHES:g} usual ones"
        return [
            ("what series of its groups and price sell a day", one["level"]),
            (f"a new one sells {self.share:.0%} of it ({taught})", one["mean"]),
            (f"it was on offer on {one['waited']} open days and did not sell", one["left"]),
            (f"its store's weekday, times {factor:.2f}", one["left"] * factor),
        ]


def launch_rows(panel: Panel, days: pl.Series, rules: DemandRules) -> pl.DataFrame:
    """unique_id, ds, launch (units) of the series announced for these days after the panel's."""
    found = launches(panel, days.max(), rules)  # type: ignore[arg-type]
    return _NO_ROWS if found is None else found.rows(days)


def launches(panel: Panel, until: date, rules: DemandRules) -> Launches | None:
    """Who is announced to be on offer by `until`, and how much of each; None where nobody is."""
    first_planned = _first_planned(panel)
    coming = announced(panel, until, first_planned)
    if coming.is_empty():
        return None
    past = _past_launches(panel, first_planned)
    y = units_lately(panel, PEER_DAYS, rules)
    has_units, store = ~np.isnan(y).all(axis=1), feed_index(panel.series)
    is_new = panel.series["unique_id"].is_in(past["unique_id"].implode()).to_numpy()
    is_new &= ~_opened(store, is_new & has_units, has_units)[store]
    past = past.filter(
        pl.col("unique_id").is_in(panel.series["unique_id"].filter(is_new).implode())
    )
    peers = has_units & ~is_new
    if not peers.any():  # nobody sold anything lately
        nothing = coming.with_columns(pl.lit(0.0).alias(n) for n in ("level", "mean", "left"))
        nothing = nothing.with_columns(waited=pl.lit(0))
        return Launches(nothing, USUAL_SHARE, 0, np.ones((coming.height, WEEK)))
    level = _levels(panel, until, y, peers)
    levels = panel.series.select("unique_id", level=pl.Series(level), store=pl.Series(store))
    open_days = _open_days(panel, levels)
    share, count = _share_of_new(panel, past, levels, open_days)
    placed = coming.join(levels, on="unique_id", how="left", maintain_order="left")
    placed = _with_open_days(placed, open_days, panel.last_day, "waited")
    placed = placed.with_columns(mean=pl.col("level") * share)
    # what was expected and did not sell says that it is a slow one: the mean of a gamma prior whose
    # spread is its mean, after so many days of none
    left = pl.col("mean") / (1 + pl.col("mean") * pl.col("waited"))
    placed = placed.with_columns(left=left)
    weekdays = _weekdays(panel, y[peers], store[peers])[placed["store"].to_numpy()]
    return Launches(placed.drop("store"), share, count, weekdays)


def announced(panel: Panel, until: date, first_planned: pl.DataFrame | None = None) -> pl.DataFrame:
    """unique_id, first: series that sold nothing yet and are on offer from `first` on, which lies
    LAUNCH_DAYS before the panel's last day or later, and not after `until`.

    Of a series with rows of zeros the plans of others must be older by as much: where plans begin
    to come, they announce nobody.
    """
    first_planned = _first_planned(panel) if first_planned is None else first_planned
    if first_planned.is_empty():
        return _NOBODY
    recent = first_planned.filter(
        pl.col("first") > panel.last_day - timedelta(days=LAUNCH_DAYS), pl.col("first") <= until
    )
    unsold = recent.join(_sold(panel, recent), on="unique_id", how="anti")
    if unsold.is_empty():
        return _NOBODY
    plans_began = earliest(first_planned["first"])
    has_rows = pl.col("unique_id").is_in(panel.sales["unique_id"].unique().implode())
    is_later = pl.col("first") > plans_began + timedelta(days=LAUNCH_DAYS)
    return unsold.filter(is_later | ~has_rows).sort("unique_id")


def _first_planned(panel: Panel) -> pl.DataFrame:
    """unique_id, first: the first day that any plan of a known series states."""
    stated = (
        panel.prices.lazy().select("unique_id", first="from_ds"),
        panel.covariates.lazy().select("unique_id", first="ds"),
    )
    known = panel.series.lazy().select("unique_id")
    firsts = pl.concat(stated).group_by("unique_id").agg(pl.col("first").min())
    return firsts.join(known, on="unique_id", how="semi").collect()


def _sold(panel: Panel, among: pl.DataFrame) -> pl.DataFrame:
    """unique_id, first_sale: of those among these series (unique_id) that ever sold a unit."""
    sold = panel.sales.lazy().join(among.lazy(), on="unique_id", how="semi")
    firsts = sold.filter(pl.col("y") > 0).group_by("unique_id").agg(first_sale=pl.col("ds").min())
    older = panel.before.select("unique_id", "first_sale").join(among, on="unique_id", how="semi")
    both = pl.concat([firsts.collect(), older]).group_by("unique_id")
    return both.agg(pl.col("first_sale").min())


def _past_launches(panel: Panel, first_planned: pl.DataFrame) -> pl.DataFrame:
    """unique_id, first: series of the last LOOKED_BACK days that sold only once they were planned,
    and have been on offer for LAUNCH_DAYS.
    """
    last = panel.last_day
    recent = first_planned.filter(
        pl.col("first") > last - timedelta(days=LOOKED_BACK),
        pl.col("first") <= last - timedelta(days=LAUNCH_DAYS),
        pl.col("first") > panel.first_day + timedelta(days=LAUNCH_DAYS),
    )
    began = recent.join(_sold(panel, recent), on="unique_id", how="inner")
    began = began.filter(pl.col("first_sale") >= pl.col("first")).sort("unique_id")
    return began.select("unique_id", "first")


def _levels(panel: Panel, until: date, y: np.ndarray, peers: np.ndarray) -> np.ndarray:
    """(series,) units a day by attributes, learned from the peers."""
    mean = np.zeros(len(y))
    mean[peers] = np.nanmean(y[peers], axis=1)
    groups = [group_index(panel.series, [name]) for name in panel.series.columns[1:]]
    bands = _price_bands(panel, until, peers)
    return marginal_totals(mean, peers, groups if bands is None else [*groups, bands])


def marginal_totals(mean: np.ndarray, peers: np.ndarray, groups: list[np.ndarray]) -> np.ndarray:
    """(series,) products of the overall mean and an effect for each group a series stands in.

    `mean` (series,) counts where `peers`; `groups`: for each way of grouping the group of each
    series. Effects are such that fitted and actual sums of each group agree, but for MORE_MEMBERS
    average series added to both.
    """
    base = float(mean[peers].mean()) if peers.any() else 0.0
    level, added = np.full(len(mean), base), MORE_MEMBERS * base
    if base <= 0:
        return level
    effects = [np.ones(int(group.max(initial=0)) + 1) for group in groups]
    for _ in range(ROUNDS):
        for at, group in enumerate(groups):
            level /= effects[at][group]
            actual = np.bincount(group[peers], mean[peers], len(effects[at]))
            fitted = np.bincount(group[peers], level[peers], len(effects[at]))
            effects[at] = (actual + added) / (fitted + added)
            level *= effects[at][group]
    return level


def _price_bands(panel: Panel, until: date, peers: np.ndarray) -> np.ndarray | None:
    """(series,) in which band of the peers' prices each one's last known price lies, the last band
    being that of no price; None where too few have one.
    """
    last = (
        panel.prices.lazy()
        .filter(pl.col("from_ds") <= until, pl.col("price") > 0)
        .group_by("unique_id")
        .agg(price=pl.col("price").sort_by("from_ds").last())
    )
    joined = (
        panel.series.lazy()
        .select("unique_id")
        .join(last, on="unique_id", how="left", maintain_order="left")
    )
    price = joined.collect()["price"].fill_null(np.nan).to_numpy()
    priced = price[peers & ~np.isnan(price)]
    if len(priced) < LEAST_PRICED:
        return None
    edges = np.quantile(priced, np.arange(1, PRICE_BANDS) / PRICE_BANDS)
    return np.where(np.isnan(price), PRICE_BANDS, np.searchsorted(edges, price))


def _opened(store: np.ndarray, is_new: np.ndarray, has_units: np.ndarray) -> np.ndarray:
    """(stores,) of booleans: those most of whose series are new, as the store itself is."""
    count = int(store.max(initial=0)) + 1
    new, every = (np.bincount(store, part, count) for part in (is_new, has_units))
    opened: np.ndarray = new > MOSTLY_NEW * np.maximum(every, 1)
    return opened


def _open_days(panel: Panel, levels: pl.DataFrame) -> pl.DataFrame:
    """store, ds: the days of the last LOOKED_BACK on which any row says that a store was open."""
    since = panel.last_day - timedelta(days=LOOKED_BACK)
    known = panel.sales.filter(
        pl.col("ds") > since, pl.col("y").is_not_null(), pl.col("is_open").fill_null(True)
    )
    return known.join(levels, on="unique_id").select("store", "ds").unique()


def _with_open_days(
    placed: pl.DataFrame, open_days: pl.DataFrame, last: date | pl.Expr, name: str
) -> pl.DataFrame:
    """The series (first, store), each with its store's open days from `first` to `last`."""
    met = placed.join(open_days, on="store").filter(pl.col("ds").is_between("first", last))
    counted = met.group_by("unique_id").agg(pl.len().cast(pl.Int64).alias(name))
    joined = placed.join(counted, on="unique_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col(name).fill_null(0))


def _share_of_new(
    panel: Panel, past: pl.DataFrame, levels: pl.DataFrame, open_days: pl.DataFrame
) -> tuple[float, int]:
    """What past launches sold on the open ones of their first LAUNCH_DAYS, of their level by
    attributes, and how many it was. Sums in one order: the same panel, the same bits.
    """
    until = pl.col("first") + pl.duration(days=LAUNCH_DAYS - 1)
    placed = past.join(levels, on="unique_id", how="left", maintain_order="left")
    placed = _with_open_days(placed, open_days, until, "days")
    recent = panel.sales.select("unique_id", "ds", "y")
    sold = recent.join(past, on="unique_id", how="inner", maintain_order="left").filter(
        pl.col("ds").is_between("first", until)
    )
    fitted, days = float((placed["level"] * placed["days"]).sum()), float(placed["days"].sum())
    days_each = days / past.height if past.height else LAUNCH_DAYS
    usual = USUAL_LAUNCHES * days_each * float(levels["level"].mean() or 0.0)  # type: ignore[arg-type]
    units, total = float(sold["y"].sum()), fitted + usual
    share = (units + USUAL_SHARE * usual) / total if total > 0 else USUAL_SHARE
    return float(np.clip(share, LEAST_SHARE, MOST_SHARE)), past.height


def _weekdays(panel: Panel, y: np.ndarray, store: np.ndarray) -> np.ndarray:
    """(stores, 7) factors from Monday over the mean of a store's open days, of (series, days) units
    up to the panel's last day; drawn to the chain's, which stand where a store was never open.
    """
    count = int(feed_index(panel.series).max(initial=0)) + 1
    weekday = (panel.last_day.weekday() - np.arange(y.shape[1])[::-1]) % WEEK
    totals, known = sum_by(y, store, count)
    totals[known == 0] = np.nan
    with warnings.catch_warnings():  # the mean of nothing is NaN, and meant to be
        warnings.simplefilter("ignore", RuntimeWarning)
        means = np.stack([np.nanmean(totals[:, weekday == day], axis=1) for day in range(WEEK)], 1)
        own = means / np.nanmean(means, axis=1, keepdims=True)
        chain = np.nan_to_num(np.nanmean(own, axis=0), nan=1.0)
    units = np.nansum(totals, axis=1)[:, None]
    factors = (units * np.where(np.isfinite(own), own, chain) + CHAINS_UNITS * chain) / (
        units + CHAINS_UNITS
    )
    drawn: np.ndarray = np.where(np.isfinite(own), factors, chain)
    return drawn
