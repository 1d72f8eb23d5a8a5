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

from contract.days import WEEK
from contract.demand import DemandRules
from contract.feeds import feed_index, feed_names
from contract.panel import Panel
from contract.whole import Table, as_texts, from_texts, numbers_of_all
from features.dense import Days, locate, units_lately
from features.hierarchy import group_index, sum_by
from forecasting.announced import LAUNCH_DAYS, LOOKED_BACK, announced, past_launches, planned

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

_OF_SERIES, _OF_STORES = ("mean", "is_peer", "price"), ("units", "known", "open")
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
    """Who is announced to be on offer by `until`, and how much of each; None where nobody is.

    In a part of a panel those of the part; what analogues say is learned from all parts.
    """
    first_planned = planned(panel)
    coming = announced(panel, until, first_planned)
    whole, ids = panel.whole, panel.series["unique_id"]
    if not numbers_of_all(whole, "launches announced", {"series": coming.height})["series"]:
        return None
    own = whole.kept("launches", lambda: _learned(panel, until, first_planned, rules))
    tables = {
        "launches: series": Table(ids, {name: own[name] for name in _OF_SERIES}),
        "launches: stores": Table(
            feed_names(panel.series), {name: own[name] for name in _OF_STORES}
        ),
    }
    totals = whole.totals(tables)
    every, stores = totals["launches: series"], totals["launches: stores"]
    if not every.values["is_peer"].any():  # nobody sold anything lately
        nothing = coming.with_columns(pl.lit(0.0).alias(n) for n in ("level", "mean", "left"))
        nothing = nothing.with_columns(waited=pl.lit(0))
        return Launches(nothing, USUAL_SHARE, 0, np.ones((coming.height, WEEK)))
    level = _levels(whole.series(panel.series), every)
    own_store = stores.at(feed_names(panel.series))[feed_index(panel.series)]
    levels = panel.series.select(
        "unique_id", level=pl.Series(level[every.at(ids)]), store=pl.Series(own_store)
    )
    open_days = _open_days(panel, stores)
    past = pl.DataFrame(
        {"unique_id": from_texts(own["past"]), "first": own["past_first"]},
        schema={"unique_id": pl.String, "first": pl.Date},
    )
    share, count = _share_of_new(panel, past, levels, open_days, float(level.mean()))
    placed = coming.join(levels, on="unique_id", how="left", maintain_order="left")
    placed = _with_open_days(placed, open_days, panel.last_day, "waited")
    placed = placed.with_columns(mean=pl.col("level") * share)
    # what was expected and did not sell says that it is a slow one: the mean of a gamma prior whose
    # spread is its mean, after so many days of none
    left = pl.col("mean") / (1 + pl.col("mean") * pl.col("waited"))
    placed = placed.with_columns(left=left)
    weekdays = _weekdays(stores, panel.last_day)[placed["store"].to_numpy()]
    return Launches(placed.drop("store"), share, count, weekdays)


def _learned(
    panel: Panel, until: date, first_planned: pl.DataFrame, rules: DemandRules
) -> dict[str, np.ndarray]:
    """What the series of a panel say of launches: _OF_SERIES, _OF_STORES, and which were some."""
    peers = _peers(panel, past_launches(panel, first_planned), rules)
    past = {
        "past": as_texts(peers.past["unique_id"]),
        "past_first": peers.past["first"].to_physical().to_numpy(),
    }
    return {**_attributes(panel, until, peers), **_store_days(panel, peers), **past}


@dataclass(frozen=True)
class _Peers:
    """(series, PEER_DAYS) units, who of them teaches a level, and the past launches."""

    y: np.ndarray
    is_peer: np.ndarray  # (series,)
    past: pl.DataFrame  # unique_id, first


def _peers(panel: Panel, past: pl.DataFrame, rules: DemandRules) -> _Peers:
    """Series with units that are not new, unless most of their store is: it opened."""
    y = units_lately(panel, PEER_DAYS, rules)
    has_units, store = ~np.isnan(y).all(axis=1), feed_index(panel.series)
    is_new = panel.series["unique_id"].is_in(past["unique_id"].implode()).to_numpy()
    names = feed_names(panel.series)
    own = {
        name: np.bincount(store, of, len(names))
        for name, of in (("new", is_new & has_units), ("every", has_units))
    }
    count = panel.whole.totals({"launches: new": Table(names, own)})["launches: new"].of(names)
    opened = count["new"] > MOSTLY_NEW * np.maximum(count["every"], 1)
    is_new &= ~opened[store]
    taught = panel.series["unique_id"].filter(is_new).implode()
    return _Peers(y, has_units & ~is_new, past.filter(pl.col("unique_id").is_in(taught)))


def _attributes(panel: Panel, until: date, peers: _Peers) -> dict[str, np.ndarray]:
    """(series,) each: mean units a day of a peer, whether it is one, the last price (NaN: none)."""
    mean = np.zeros(len(peers.y))
    mean[peers.is_peer] = np.nanmean(peers.y[peers.is_peer], axis=1)
    return {"mean": mean, "is_peer": peers.is_peer, "price": _last_price(panel, until)}


def _store_days(panel: Panel, peers: _Peers) -> dict[str, np.ndarray]:
    """(stores, PEER_DAYS) units of the peers, how many are known; (stores, LOOKED_BACK) how many
    rows say that the store was open.
    """
    store, count = feed_index(panel.series), len(feed_names(panel.series))
    units, known = sum_by(peers.y[peers.is_peer], store[peers.is_peer], count)
    days = Days(panel.last_day - timedelta(days=LOOKED_BACK - 1), LOOKED_BACK, 0, padding=0)
    rows = panel.sales.filter(
        pl.col("ds") >= days.first, pl.col("y").is_not_null(), pl.col("is_open").fill_null(True)
    )
    located = locate(rows.select("unique_id", "ds"), panel.series, days)
    is_open = np.zeros((count, LOOKED_BACK))
    at = store[located["entity_ix"].to_numpy()], located["day_ix"].to_numpy()
    np.add.at(is_open, at, 1)
    return {"units": units, "known": known, "open": is_open}


def _levels(series: pl.DataFrame, every: Table) -> np.ndarray:
    """(series,) units a day by attributes, learned from the peers among all series."""
    mean, is_peer, price = (every.values[name] for name in ("mean", "is_peer", "price"))
    groups = [group_index(series, [name]) for name in series.columns[1:]]
    bands = _price_bands(price, is_peer > 0)
    return marginal_totals(mean, is_peer > 0, groups if bands is None else [*groups, bands])


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


def _last_price(panel: Panel, until: date) -> np.ndarray:
    """(series,) the last price that is known to hold from a day up to `until`; NaN: none."""
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
    price: np.ndarray = joined.collect()["price"].fill_null(np.nan).to_numpy()
    return price


def _price_bands(price: np.ndarray, peers: np.ndarray) -> np.ndarray | None:
    """(series,) in which band of the peers' prices each one's lies, the last band being that of no
    price; None where too few have one.
    """
    priced = price[peers & ~np.isnan(price)]
    if len(priced) < LEAST_PRICED:
        return None
    edges = np.quantile(priced, np.arange(1, PRICE_BANDS) / PRICE_BANDS)
    return np.where(np.isnan(price), PRICE_BANDS, np.searchsorted(edges, price))


def _open_days(panel: Panel, stores: Table) -> pl.DataFrame:
    """store (its place among all), ds: the days of the last LOOKED_BACK on which any row says that
    it was open.
    """
    store, back = np.nonzero(stores.values["open"])
    first = panel.last_day - timedelta(days=LOOKED_BACK - 1)
    days = pl.DataFrame({"store": store, "back": back})
    return days.select("store", ds=pl.lit(first) + pl.duration(days=pl.col("back")))


def _with_open_days(
    placed: pl.DataFrame, open_days: pl.DataFrame, last: date | pl.Expr, name: str
) -> pl.DataFrame:
    """The series (first, store), each with its store's open days from `first` to `last`."""
    met = placed.join(open_days, on="store").filter(pl.col("ds").is_between("first", last))
    counted = met.group_by("unique_id").agg(pl.len().cast(pl.Int64).alias(name))
    joined = placed.join(counted, on="unique_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col(name).fill_null(0))


def _share_of_new(
    panel: Panel,
    past: pl.DataFrame,
    own: pl.DataFrame,
    open_days: pl.DataFrame,
    mean_level: float,
) -> tuple[float, int]:
    """What past launches sold on the open ones of their first LAUNCH_DAYS, of their level by
    attributes, and how many it was. `own`: level and store of the part's series. Sums in one order:
    the same panel, the same bits.
    """
    until = pl.col("first") + pl.duration(days=LAUNCH_DAYS - 1)
    placed = past.join(own, on="unique_id", how="left", maintain_order="left")
    placed = _with_open_days(placed, open_days, until, "days")
    rows = panel.sales.select("unique_id", "ds", "y").join(past, on="unique_id", how="inner")
    sold = rows.filter(pl.col("ds").is_between("first", until)).group_by("unique_id")
    placed = placed.join(sold.agg(pl.col("y").sum()), on="unique_id", how="left")
    placed = placed.sort("unique_id")
    each = {
        "fitted": (placed["level"] * placed["days"]).to_numpy(),
        "days": placed["days"].to_numpy(),
        "units": placed["y"].fill_null(0.0).to_numpy(),
    }
    every = panel.whole.totals({"launches: past": Table(placed["unique_id"], each)})
    fitted, days, units = (float(of.sum()) for of in every["launches: past"].values.values())
    count = len(every["launches: past"].keys)
    usual = USUAL_LAUNCHES * (days / count if count else LAUNCH_DAYS) * mean_level
    total = fitted + usual
    share = (units + USUAL_SHARE * usual) / total if total > 0 else USUAL_SHARE
    return float(np.clip(share, LEAST_SHARE, MOST_SHARE)), count


def _weekdays(stores: Table, last_day: date) -> np.ndarray:
    """(stores, 7) factors from Monday over the mean of a store's open days, of what the peers of
    all stores sold up to the last day; drawn to the chain's, which stand where a store was never
    open.
    """
    totals, known = stores.values["units"].copy(), stores.values["known"]
    weekday = (last_day.weekday() - np.arange(totals.shape[1])[::-1]) % WEEK
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
