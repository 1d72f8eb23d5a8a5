"""Signals of what arrived: demand, units, zeros, mix, stock-outs, promotions, prices, assortment.

What has a season is compared with the same day 52 weeks before (same weekday, nearly the same
season and events); prices with the same series' 28 days before. The longest look back is YEAR, so a
signal is known from the panel's second year on.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from contract.days import YEAR
from contract.demand import DemandRules
from contract.panel import Panel
from features.dense import Days, locate, units_sold
from features.price import spread_over_days
from forecasting.slices import RECENT_DAYS
from monitoring.contributors import DAYS_OF_PARTS, Parts
from monitoring.distributions import yearly_distance
from monitoring.signal import WHOLE, Signal, members

PRICE_DAYS = 28
NEW_DAYS = 28
MOST_SERIES = 2_000  # whose values make a distribution
SMALLEST_DISTANCE = 0.05  # as yearly_distance
MIX_COLUMNS = ("cat_id", "dept_id")  # the first a source has


@dataclass(frozen=True)
class Arrived:
    """Dense (series, days) tables from `first` on: units (NaN unknown), price, promo, share of the
    day sold out.
    """

    first: date
    series: pl.DataFrame
    y: np.ndarray
    price: np.ndarray
    promo: np.ndarray
    sold_out: np.ndarray


def arrived(panel: Panel, days_back: int, rules: DemandRules) -> Arrived:
    """The last `days_back` days of a panel, and the year before them."""
    first = max(panel.last_day - timedelta(days=days_back + YEAR - 1), panel.first_day)
    days = Days(first, (panel.last_day - first).days + 1, 0, padding=0)
    recent = replace(panel, sales=panel.sales.filter(pl.col("ds") >= first))
    located = locate(recent.sales, panel.series, days)
    return Arrived(
        first=first,
        series=panel.series,
        y=units_sold(recent, days, rules),
        price=spread_over_days(panel, days, "price"),
        promo=spread_over_days(panel, days, "promo"),
        sold_out=days.scatter(located, panel.series.height, "stockout_share"),
    )


def some_of(seen: Arrived) -> np.ndarray:
    """The rows of MOST_SERIES series, evenly from all: a share of more values is no truer."""
    return np.unique(np.linspace(0, len(seen.y) - 1, MOST_SERIES).astype(int))


def input_signals(seen: Arrived, columns: list[str]) -> list[Signal]:
    """Every input's signal; those a source says nothing of are left out.

    `columns`: whose groups' demand is watched.
    """
    mix = [column for column in MIX_COLUMNS if column in seen.series.columns][:1]
    on_range = _on_range(seen.y)
    signals = [_demand(seen, columns), _units(seen), _zeros(seen, on_range), _assortment(seen)]
    signals += [_mix(seen, column) for column in mix]
    signals += [_stockouts(seen)] if np.isfinite(seen.sold_out).any() else []
    signals += [_promotions(seen, on_range)] if np.nansum(seen.promo) > 0 else []
    signals += [_prices(seen), _missing_prices(seen)] if np.isfinite(seen.price).any() else []
    return signals


def _demand(seen: Arrived, columns: list[str]) -> Signal:
    groups, sums = _group_sums(seen, columns)
    return Signal(
        watcher="drift",
        slice="demand",
        first=seen.first,
        groups=groups,
        values=_against_last_year(np.log(np.where(sums > 0, sums, np.nan))),
        parts=parts_of(seen, _more_than_a_year_before(seen.y)),
        smallest_spread=0.02,
        sentence="units sold{group}: {now:+.0%} (log) on the same days a year before "
        "(usually {usual:+.0%} ± {spread:.0%} a day)",
        advice="Look for a launch, a closure, a campaign or a feed counted twice or in another "
        "unit.",
    )


def _units(seen: Arrived) -> Signal:
    """How units are spread over series and days: a shape that may change while its sum does not."""
    return Signal(
        watcher="drift",
        slice="units",
        first=seen.first,
        groups=(WHOLE,),
        values=yearly_distance(seen.y[some_of(seen)])[None],
        parts=parts_of(seen, np.abs(_more_than_a_year_before(seen.y))),
        smallest_spread=SMALLEST_DISTANCE,
        sentence="units of a series and day lie {now:.2f} from those of the same weeks a year "
        "before: 0 is the same, 3 nothing in common (usually {usual:.2f} ± {spread:.2f})",
        advice="Look which shop, department or pack size sells in other amounts; half a feed and "
        "other units look the same.",
        sides="up",
    )


def _zeros(seen: Arrived, on_range: np.ndarray) -> Signal:
    is_zero = np.where(on_range, seen.y == 0, np.nan)
    share = _mean(is_zero)
    return Signal(
        watcher="drift",
        slice="zeros",
        first=seen.first,
        groups=(WHOLE,),
        values=_against_last_year(share[None]),
        parts=parts_of(seen, is_zero),
        smallest_spread=0.003,
        sentence="the share of days without a sale: {now:+.1%} on a year before "
        "(usually {usual:+.1%} ± {spread:.1%} a day)",
        advice="More: stock-outs or half a feed. Fewer: slow sellers left the range.",
    )


def _mix(seen: Arrived, column: str) -> Signal:
    groups, sums = _group_sums(seen, [column])
    share = sums[1:] / np.where(sums[:1] > 0, sums[:1], np.nan)
    return Signal(
        watcher="drift",
        slice="mix",
        first=seen.first,
        groups=groups[1:],
        values=_against_last_year(share),
        parts=parts_of(seen, _more_than_a_year_before(seen.y)),
        smallest_spread=0.005,
        sentence="the share{group} in units: {now:+.1%} on a year before "
        "(usually {usual:+.1%} ± {spread:.1%} a day)",
        advice="Ask who changed it; a change that stays is learned by retraining.",
    )


def _stockouts(seen: Arrived) -> Signal:
    return Signal(
        watcher="drift",
        slice="stockouts",
        first=seen.first,
        groups=(WHOLE,),
        values=_mean(seen.sold_out)[None],
        parts=parts_of(seen, seen.sold_out),
        smallest_spread=0.002,
        sentence="{now:.1%} of the day sold out on average (usually {usual:.1%} ± {spread:.1%})",
        advice="What sold is not what was wanted: call supply; order with the quantile, not the "
        "mean.",
        sides="up",
    )


def _promotions(seen: Arrived, on_range: np.ndarray) -> Signal:
    promo = np.where(on_range, np.nan_to_num(seen.promo), np.nan)
    return Signal(
        watcher="drift",
        slice="promotions",
        first=seen.first,
        groups=(WHOLE,),
        values=_mean(promo)[None],
        parts=parts_of(seen, promo),
        smallest_spread=0.005,
        sentence="{now:.1%} of the range is on promotion (usually {usual:.1%} ± {spread:.1%})",
        advice="Ask marketing whether the plan changed or did not come.",
    )


def _prices(seen: Arrived) -> Signal:
    before = np.full_like(seen.price, np.nan)
    before[:, PRICE_DAYS:] = seen.price[:, :-PRICE_DAYS]
    both = (seen.price > 0) & (before > 0)
    change = np.log(np.where(both, seen.price, 1.0) / np.where(both, before, 1.0))
    change[~both] = np.nan
    return Signal(
        watcher="drift",
        slice="prices",
        first=seen.first,
        groups=(WHOLE,),
        values=_mean(change)[None],
        parts=parts_of(seen, change),
        smallest_spread=0.002,
        sentence="prices of the same series moved by {now:+.1%} in 28 days "
        "(usually {usual:+.1%} ± {spread:.1%})",
        advice="Ask pricing whether it is meant; a change of currency, tax or pack size looks the "
        "same.",
    )


def _missing_prices(seen: Arrived) -> Signal:
    """Of what sold: a series that sells has a price, one that ended needs none."""
    is_missing = np.where(seen.y > 0, np.isnan(seen.price), np.nan)
    return Signal(
        watcher="drift",
        slice="missing_prices",
        first=seen.first,
        groups=(WHOLE,),
        values=_mean(is_missing)[None],
        parts=parts_of(seen, is_missing),
        smallest_spread=0.005,
        sentence="{now:.1%} of what sold has no price (usually {usual:.1%} ± {spread:.1%})",
        advice="Bring the price feed: without it the table falls back to the baseline.",
        sides="up",
    )


def _assortment(seen: Arrived) -> Signal:
    share, is_new_or_gone = _share_new_or_gone(seen.y)
    return Signal(
        watcher="drift",
        slice="assortment",
        first=seen.first,
        groups=(WHOLE,),
        values=share[None],
        parts=parts_of(seen, is_new_or_gone),
        smallest_spread=0.005,
        sentence="{now:.1%} of the range began or ceased to sell within 28 days "
        "(usually {usual:.1%} ± {spread:.1%})",
        advice="A planned change of range: retrain in four weeks. Else look whether ids were "
        "renamed.",
        sides="up",
    )


def _share_new_or_gone(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Series that sold first, or last, NEW_DAYS ago or less, as a share of those that sold in
    RECENT_DAYS; and which series on which day.

    That a series is gone shows only in days without a sale: slow sellers have weeks of them, hence
    the comparison with the usual.
    """
    sold = np.nan_to_num(y) > 0
    day = np.arange(sold.shape[1])
    first_sale = np.where(sold.any(axis=1), sold.argmax(axis=1), sold.shape[1])
    last_sale = np.maximum.accumulate(np.where(sold, day, -1), axis=1)
    unsold_days = day - last_sale
    active = np.maximum(((last_sale >= 0) & (unsold_days < RECENT_DAYS)).sum(axis=0), 1)
    found = (day >= first_sale[:, None]) & (day - first_sale[:, None] < NEW_DAYS)
    found |= (last_sale >= 0) & (unsold_days >= NEW_DAYS) & (unsold_days < 2 * NEW_DAYS)
    share: np.ndarray = found.sum(axis=0) / active
    share[:RECENT_DAYS] = np.nan  # everything is new where the panel begins
    return share, found


def _group_sums(seen: Arrived, columns: list[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Units of everything and of each group of the columns, (1 + groups, days); NaN on days nothing
    is known of.
    """
    units, known = np.nan_to_num(seen.y), np.isfinite(seen.y)
    rows = members(seen.series, columns)
    sums = [
        np.where(known[row].any(axis=0), units[row].sum(axis=0, dtype=np.float64), np.nan)
        for row in rows.values()
    ]
    return tuple(rows), np.array(sums)


def _on_range(y: np.ndarray) -> np.ndarray:
    """Known days of a series between its first sale and RECENT_DAYS after its newest one so far."""
    day = np.arange(y.shape[1])
    last_sale = np.maximum.accumulate(np.where(np.nan_to_num(y) > 0, day, -RECENT_DAYS), axis=1)
    on_range: np.ndarray = np.isfinite(y) & (day - last_sale < RECENT_DAYS)
    return on_range


def _against_last_year(values: np.ndarray) -> np.ndarray:
    difference = np.full_like(values, np.nan, dtype=np.float64)
    difference[:, YEAR:] = values[:, YEAR:] - values[:, :-YEAR]
    return difference


def _more_than_a_year_before(y: np.ndarray) -> np.ndarray:
    """(series, days) of the last weeks: units sold more than on the same day a year before."""
    more = np.full((len(y), min(DAYS_OF_PARTS, y.shape[1])), np.nan)
    known = min(max(y.shape[1] - YEAR, 0), more.shape[1])
    if known:
        more[:, -known:] = y[:, -known:] - y[:, -known - YEAR : -YEAR]
    return more


def parts_of(seen: Arrived, table: np.ndarray) -> Parts:
    """What each series brings to a signal: the last weeks of a table that ends with the panel."""
    recent = table[:, -DAYS_OF_PARTS:].astype(np.float32)
    first = seen.first + timedelta(days=seen.y.shape[1] - recent.shape[1])
    return Parts(first, seen.series, recent)


def _mean(table: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        # a day nobody knows anything of is NaN, and meant to be
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(table, axis=0, dtype=np.float64))
