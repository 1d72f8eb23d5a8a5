"""Signals of what arrived: demand, units, zeros, mix, stock-outs, promotions, prices, assortment.

What has a season is compared with the same day 52 weeks before (same weekday, nearly the same
season and events); prices with the same series' 28 days before. The longest look back is YEAR, so a
signal is known from the panel's second year on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property, partial

import numpy as np
import polars as pl

from contract.days import YEAR
from contract.demand import DemandRules
from contract.panel import Panel
from contract.sums import gathered, summed_by_group
from contract.whole import ALONE, Arrays, Whole, numbers_among
from features.dense import Days, locate, units_sold
from features.price import spread_over_days
from forecasting.slices import RECENT_DAYS
from monitoring.contributors import DAYS_OF_PARTS, Parts
from monitoring.distributions import yearly_distance
from monitoring.signal import WHOLE, Signal, group_names, members

PRICE_DAYS = 28
NEW_DAYS = 28
MOST_SERIES = 2_000  # whose values make a distribution
SMALLEST_DISTANCE = 0.05  # as yearly_distance
MIX_COLUMNS = ("cat_id", "dept_id")  # the first a source has
_RECENT = "recent"
Maker = Callable[[], list[Signal]]


@dataclass(frozen=True)
class Arrived:
    """Dense (series, days) tables from `first` on, each made when it is first read: units (NaN
    unknown), price, promo, share of the day sold out. `whole`: where they are of a part's series.
    """

    first: date
    series: pl.DataFrame
    last: date
    made: Mapping[str, Callable[[], np.ndarray]]
    whole: Whole = ALONE

    @cached_property
    def y(self) -> np.ndarray:
        """Units."""
        return self.made["y"]()

    @cached_property
    def price(self) -> np.ndarray:
        """Money a unit."""
        return self.made["price"]()

    @cached_property
    def promo(self) -> np.ndarray:
        """1 on promotion."""
        return self.made["promo"]()

    @cached_property
    def sold_out(self) -> np.ndarray:
        """Share of the day."""
        return self.made["sold_out"]()

    @cached_property
    def on_range(self) -> np.ndarray:
        """Known days of a series between its first sale and RECENT_DAYS after its newest one so
        far.
        """
        day = np.arange(self.y.shape[1])
        sold = np.nan_to_num(self.y) > 0
        last_sale = np.maximum.accumulate(np.where(sold, day, -RECENT_DAYS), axis=1)
        on_range: np.ndarray = np.isfinite(self.y) & (day - last_sale < RECENT_DAYS)
        return on_range

    def with_units(self, y: np.ndarray) -> Arrived:
        """The same where other units had arrived, from the first day on."""
        last = self.first + timedelta(days=y.shape[1] - 1)
        return replace(self, last=last, made={**self.made, "y": lambda: y})


def arrived(panel: Panel, days_back: int, rules: DemandRules) -> Arrived:
    """The last `days_back` days of a panel, and the year before them."""
    first = max(panel.last_day - timedelta(days=days_back + YEAR - 1), panel.first_day)
    days = Days(first, (panel.last_day - first).days + 1, 0, padding=0)
    recent = replace(panel, sales=panel.sales.filter(pl.col("ds") >= first))

    def sold_out() -> np.ndarray:
        located = locate(recent.sales, panel.series, days)
        return days.scatter(located, panel.series.height, "stockout_share")

    made: dict[str, Callable[[], np.ndarray]] = {
        "y": partial(units_sold, recent, days, rules),
        "price": partial(spread_over_days, panel, days, "price"),
        "promo": partial(spread_over_days, panel, days, "promo"),
        "sold_out": sold_out,
    }
    return Arrived(first, panel.series, panel.last_day, made, panel.whole)


def some_of(seen: Arrived) -> np.ndarray:
    """The rows of those of MOST_SERIES series, every n-th of all, that are here: a share of more
    values is no truer.
    """
    count = seen.whole.series(seen.series).height
    drawn = np.unique(np.linspace(0, count - 1, MOST_SERIES).astype(int))
    return np.flatnonzero(np.isin(numbers_among(seen.whole, seen.series), drawn))


@dataclass(frozen=True)
class Measured:
    """Daily sums of everything and of groups, (groups, days) each, and what single series bring."""

    groups: tuple[str, ...]
    sums: Arrays
    parts: Parts

    @property
    def mean(self) -> np.ndarray:
        """(groups, days) of the values that are known; NaN on days nothing is known of."""
        known = self.sums["known"]
        return np.where(known > 0, self.sums["sum"] / np.maximum(known, 1), np.nan)


def measured_by(
    seen: Arrived, of: str, columns: Sequence[str], make: Callable[[], tuple[Arrays, np.ndarray]]
) -> Measured:
    """As `measured`, of everything and of each group of the columns, in the order of `members`."""
    found = measured(seen, of, group_names(seen.series, columns), make)
    names = group_names(seen.whole.series(seen.series), columns)
    place = {name: at for at, name in enumerate(found.groups)}
    at = [place[name] for name in names]
    return replace(
        found, groups=tuple(names), sums={name: rows[at] for name, rows in found.sums.items()}
    )


def measured(
    seen: Arrived, of: str, groups: Sequence[str], make: Callable[[], tuple[Arrays, np.ndarray]]
) -> Measured:
    """What `make` gives, sums by group and the table of what each series brings, with the sums of
    all parts. `of`: its name.
    """

    def kept() -> Arrays:
        sums, table = make()
        return {**sums, _RECENT: _recent(table)}

    own = dict(seen.whole.kept(of, kept))
    parts = _parts_of(seen, own.pop(_RECENT))
    names, sums = summed_by_group(seen.whole, of, groups, own)
    return Measured(tuple(names), sums, parts)


def mean_of(
    seen: Arrived,
    of: str,
    make: Callable[[], np.ndarray],
    stated: Callable[[], np.ndarray] | None = None,
) -> Measured:
    """Whose `mean` is that of everything; `make` gives the (series, days) table. `stated`: where
    the source says anything of it, of which `says` is the count.
    """

    def sums() -> tuple[Arrays, np.ndarray]:
        table = make()
        known = np.isfinite(table)
        added = np.where(known, table, 0).sum(axis=0, dtype=np.float64)
        says = (stated() if stated else known).sum()
        arrays = {"sum": added[None], "known": known.sum(axis=0)[None], "says": np.array([says])}
        return arrays, table

    return measured(seen, of, [WHOLE], sums)


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
    some = some_of(seen)
    kept = seen.whole.kept(
        "units",
        lambda: {
            "y": seen.y[some],
            _RECENT: _recent(np.abs(_more_than_a_year_before(seen.y))),
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
        parts=_parts_of(seen, kept[_RECENT]),
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


def _recent(table: np.ndarray) -> np.ndarray:
    """The last weeks of a table, of which a signal's parts are kept."""
    return table[:, -DAYS_OF_PARTS:].astype(np.float32)


def _parts_of(seen: Arrived, recent: np.ndarray) -> Parts:
    """What each series brings to a signal: the last weeks of a table that ends with the panel."""
    first = seen.last - timedelta(days=recent.shape[1] - 1)
    return Parts(first, seen.series, recent)
