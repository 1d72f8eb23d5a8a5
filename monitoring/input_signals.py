"""Signals of what arrived: demand, units, zeros, mix, stock-outs, promotions, prices, assortment.

What has a season is compared with the same day 52 weeks before (same weekday, nearly the same
season and events); prices with the same series' 28 days before. The longest look back is YEAR, so a
signal is known from the panel's second year on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from contract.days import YEAR
from contract.sums import gathered
from contract.whole import Arrays
from forecasting.slices import RECENT_DAYS
from monitoring.contributors import DAYS_OF_PARTS
from monitoring.distributions import yearly_distance
from monitoring.measured import RECENT, Measured, mean_of, measured, measured_by, parts_of, recent
from monitoring.signal import WHOLE, Signal, members
from monitoring.what_arrived import Arrived, sampled

PRICE_DAYS = 28
NEW_DAYS = 28
SMALLEST_DISTANCE = 0.05  # as yearly_distance
MIX_COLUMNS = ("cat_id", "dept_id")  # the first a source has
Maker = Callable[[], list[Signal]]


def input_signals(seen: Arrived, columns: list[str]) -> list[Signal]:
    """Every input's signal; those a source says nothing of are left out.

    `columns`: whose groups' demand is watched.
    """
    return [signal for make in input_makers(seen, columns) for signal in make()]


def input_makers(seen: Arrived, columns: list[str]) -> list[Maker]:
    """What makes each of them; none where the source says nothing of it."""
    mix = [column for column in MIX_COLUMNS if column in seen.series.columns][:1]
    return [
        partial(_demand, seen, columns),
        partial(_units, seen),
        partial(_zeros, seen),
        partial(_assortment, seen),
        *(partial(_mix, seen, column) for column in mix),
        partial(_stockouts, seen),
        partial(_promotions, seen),
        partial(_prices, seen),
        partial(_missing_prices, seen),
    ]


def _demand(seen: Arrived, columns: list[str]) -> list[Signal]:
    units = _units_of_groups(seen, "demand", columns)
    sums = units.sums["units"]
    known = (units.sums["known"] > 0) & (sums > 0)
    signal = Signal(
        watcher="drift",
        slice="demand",
        first=seen.first,
        whole=seen.whole,
        groups=units.groups,
        values=_against_last_year(np.log(np.where(known, sums, np.nan))),
        parts=units.parts,
        smallest_spread=0.02,
        sentence="units sold{group}: {now:+.0%} (log) on the same days a year before "
        "(usually {usual:+.0%} ± {spread:.0%} a day)",
        advice="Look for a launch, a closure, a campaign or a feed counted twice or in another "
        "unit.",
    )
    return [signal]


def _units(seen: Arrived) -> list[Signal]:
    """How units are spread over series and days: a shape that may change while its sum does not."""
    some = sampled(seen)
    kept = seen.whole.kept(
        "units",
        lambda: {
            "y": seen.y[some],
            RECENT: recent(np.abs(_more_than_a_year_before(seen.y))),
        },
    )
    names = seen.series["unique_id"].gather(some)
    rows = gathered(seen.whole, "units", names, {"y": kept["y"]})
    signal = Signal(
        watcher="drift",
        slice="units",
        first=seen.first,
        whole=seen.whole,
        groups=(WHOLE,),
        values=yearly_distance(rows["y"])[None],
        parts=parts_of(seen, kept[RECENT]),
        smallest_spread=SMALLEST_DISTANCE,
        sentence="units of a series and day lie {now:.2f} from those of the same weeks a year "
        "before: 0 is the same, 3 nothing in common (usually {usual:.2f} ± {spread:.2f})",
        advice="Look which shop, department or pack size sells in other amounts; half a feed and "
        "other units look the same.",
        sides="up",
    )
    return [signal]


def _zeros(seen: Arrived) -> list[Signal]:
    zeros = mean_of(seen, "zeros", lambda: np.where(seen.on_range, seen.y == 0, np.nan))
    signal = Signal(
        watcher="drift",
        slice="zeros",
        first=seen.first,
        whole=seen.whole,
        groups=(WHOLE,),
        values=_against_last_year(zeros.mean),
        parts=zeros.parts,
        smallest_spread=0.003,
        sentence="the share of days without a sale: {now:+.1%} on a year before "
        "(usually {usual:+.1%} ± {spread:.1%} a day)",
        advice="More: stock-outs or half a feed. Fewer: slow sellers left the range.",
    )
    return [signal]


def _mix(seen: Arrived, column: str) -> list[Signal]:
    units = _units_of_groups(seen, "mix", [column])
    sums = np.where(units.sums["known"] > 0, units.sums["units"], np.nan)
    share = sums[1:] / np.where(sums[:1] > 0, sums[:1], np.nan)
    signal = Signal(
        watcher="drift",
        slice="mix",
        first=seen.first,
        whole=seen.whole,
        groups=units.groups[1:],
        values=_against_last_year(share),
        parts=units.parts,
        smallest_spread=0.005,
        sentence="the share{group} in units: {now:+.1%} on a year before "
        "(usually {usual:+.1%} ± {spread:.1%} a day)",
        advice="Ask who changed it; a change that stays is learned by retraining.",
    )
    return [signal]


def _stockouts(seen: Arrived) -> list[Signal]:
    sold_out = mean_of(seen, "stockouts", lambda: seen.sold_out)
    if not sold_out.sums["says"].any():
        return []
    signal = Signal(
        watcher="drift",
        slice="stockouts",
        first=seen.first,
        whole=seen.whole,
        groups=(WHOLE,),
        values=sold_out.mean,
        parts=sold_out.parts,
        smallest_spread=0.002,
        sentence="{now:.1%} of the day sold out on average (usually {usual:.1%} ± {spread:.1%})",
        advice="What sold is not what was wanted: call supply; order with the quantile, not the "
        "mean.",
        sides="up",
    )
    return [signal]


def _promotions(seen: Arrived) -> list[Signal]:
    promo = mean_of(
        seen,
        "promotions",
        lambda: np.where(seen.on_range, np.nan_to_num(seen.promo), np.nan),
        lambda: seen.promo > 0,
    )
    if not promo.sums["says"].any():
        return []
    signal = Signal(
        watcher="drift",
        slice="promotions",
        first=seen.first,
        whole=seen.whole,
        groups=(WHOLE,),
        values=promo.mean,
        parts=promo.parts,
        smallest_spread=0.005,
        sentence="{now:.1%} of the range is on promotion (usually {usual:.1%} ± {spread:.1%})",
        advice="Ask marketing whether the plan changed or did not come.",
    )
    return [signal]


def _prices(seen: Arrived) -> list[Signal]:
    change = mean_of(
        seen, "prices", lambda: _price_changes(seen.price), lambda: np.isfinite(seen.price)
    )
    if not change.sums["says"].any():
        return []
    signal = Signal(
        watcher="drift",
        slice="prices",
        first=seen.first,
        whole=seen.whole,
        groups=(WHOLE,),
        values=change.mean,
        parts=change.parts,
        smallest_spread=0.002,
        sentence="prices of the same series moved by {now:+.1%} in 28 days "
        "(usually {usual:+.1%} ± {spread:.1%})",
        advice="Ask pricing whether it is meant; a change of currency, tax or pack size looks the "
        "same.",
    )
    return [signal]


def _price_changes(price: np.ndarray) -> np.ndarray:
    """(series, days) logs of a price over that of PRICE_DAYS before; NaN where one is unknown."""
    before = np.full_like(price, np.nan)
    before[:, PRICE_DAYS:] = price[:, :-PRICE_DAYS]
    both = (price > 0) & (before > 0)
    change: np.ndarray = np.log(np.where(both, price, 1.0) / np.where(both, before, 1.0))
    change[~both] = np.nan
    return change


def _missing_prices(seen: Arrived) -> list[Signal]:
    """Of what sold: a series that sells has a price, one that ended needs none."""
    missing = mean_of(
        seen,
        "missing_prices",
        lambda: np.where(seen.y > 0, np.isnan(seen.price), np.nan),
        lambda: np.isfinite(seen.price),
    )
    if not missing.sums["says"].any():
        return []
    signal = Signal(
        watcher="drift",
        slice="missing_prices",
        first=seen.first,
        whole=seen.whole,
        groups=(WHOLE,),
        values=missing.mean,
        parts=missing.parts,
        smallest_spread=0.005,
        sentence="{now:.1%} of what sold has no price (usually {usual:.1%} ± {spread:.1%})",
        advice="Bring the price feed: without it the table falls back to the baseline.",
        sides="up",
    )
    return [signal]


def _assortment(seen: Arrived) -> list[Signal]:
    def sums() -> tuple[Arrays, np.ndarray]:
        active, found = _new_or_gone(seen.y)
        return {"active": active[None], "found": found.sum(axis=0)[None]}, found

    range_ = measured(seen, "assortment", [WHOLE], sums)
    share = range_.sums["found"] / np.maximum(range_.sums["active"], 1)
    share[:, :RECENT_DAYS] = np.nan  # everything is new where the panel begins
    signal = Signal(
        watcher="drift",
        slice="assortment",
        first=seen.first,
        whole=seen.whole,
        groups=(WHOLE,),
        values=share,
        parts=range_.parts,
        smallest_spread=0.005,
        sentence="{now:.1%} of the range began or ceased to sell within 28 days "
        "(usually {usual:.1%} ± {spread:.1%})",
        advice="A planned change of range: retrain in four weeks. Else look whether ids were "
        "renamed.",
        sides="up",
    )
    return [signal]


def _new_or_gone(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(days,) how many series sold in RECENT_DAYS; and which of them on which day sold first, or
    last, NEW_DAYS ago or less.

    That a series is gone shows only in days without a sale: slow sellers have weeks of them, hence
    the comparison with the usual.
    """
    sold = np.nan_to_num(y) > 0
    day = np.arange(sold.shape[1])
    first_sale = np.where(sold.any(axis=1), sold.argmax(axis=1), sold.shape[1])
    last_sale = np.maximum.accumulate(np.where(sold, day, -1), axis=1)
    unsold_days = day - last_sale
    active: np.ndarray = ((last_sale >= 0) & (unsold_days < RECENT_DAYS)).sum(axis=0)
    found = (day >= first_sale[:, None]) & (day - first_sale[:, None] < NEW_DAYS)
    found |= (last_sale >= 0) & (unsold_days >= NEW_DAYS) & (unsold_days < 2 * NEW_DAYS)
    return active, found


def _units_of_groups(seen: Arrived, of: str, columns: list[str]) -> Measured:
    """`units` of everything and of each group of the columns, and how many series are `known`."""
    rows = members(seen.series, columns)

    def sums() -> tuple[Arrays, np.ndarray]:
        units, known = np.nan_to_num(seen.y), np.isfinite(seen.y)
        of_groups = {
            "units": [units[row].sum(axis=0, dtype=np.float64) for row in rows.values()],
            "known": [known[row].sum(axis=0) for row in rows.values()],
        }
        arrays = {name: np.array(tables) for name, tables in of_groups.items()}
        return arrays, _more_than_a_year_before(seen.y)

    return measured_by(seen, of, columns, sums)


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
