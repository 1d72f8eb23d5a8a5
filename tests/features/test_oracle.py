"""Every feature against a naive loop over one series and day.

On a random panel with gaps, launches and closed days.
"""

from __future__ import annotations

import math
import re
from datetime import date, timedelta

import numpy as np
import pytest

from contract.days import WEEK, YEAR
from contract.panel import Panel

REACH = 14
DAYS = 430  # more than a year, so that last year's features are known


class World:
    """A panel as plain dictionaries, read by loops: no dense table, expression or anchor."""

    def __init__(self, panel: Panel):
        self.first, self.last = panel.first_day, panel.last_day
        self.static = {row["unique_id"]: row for row in panel.series.iter_rows(named=True)}
        self.codes = {
            name: {
                value: code
                for code, value in enumerate(sorted(panel.series[name].unique().to_list()))
            }
            for name in panel.series.columns[1:]
        }
        self.events: dict[tuple[str, date], str] = {}
        self.paydays: dict[tuple[str, date], bool] = {}
        self.closed: set[tuple[str, date]] = set()
        for row in panel.calendar.iter_rows(named=True):
            if row["event"] is not None:
                self.events[row["region"], row["ds"]] = row["event"]
            if row["is_payday"] is not None:
                self.paydays[row["region"], row["ds"]] = row["is_payday"]
            if row["is_closed"]:
                self.closed.add((row["region"], row["ds"]))
        self.event_codes = {
            name: k for k, name in enumerate(sorted(set(self.events.values())), start=1)
        }
        self.rows = {
            (row["unique_id"], row["ds"]): row for row in panel.sales.iter_rows(named=True)
        }
        self.feed = {(self.static[one]["store_id"], ds) for one, ds in self.rows}
        self.plan: dict[tuple[str, date], dict] = {}
        for row in panel.prices.iter_rows(named=True):
            for k in range((row["to_ds"] - row["from_ds"]).days + 1):
                day = row["from_ds"] + timedelta(days=k)
                if day >= self.first:
                    self.plan[row["unique_id"], day] = row
        self.covariates = {
            (r["unique_id"], r["ds"], r["name"]): r["value"]
            for r in panel.covariates.iter_rows(named=True)
        }
        self.launch = {one: self._first_sale(one) for one in self.static}

    def day(self, index: int) -> date:
        return self.first + timedelta(days=index)

    def units(self, one: str, day: date) -> float | None:
        """Units sold, or None where the day teaches nothing."""
        if self.launch[one] is None or day < self.launch[one]:
            return None
        return self._raw(one, day)

    def price(self, one: str, day: date) -> float | None:
        return self.plan[one, day]["price"] if (one, day) in self.plan else None

    def promo(self, one: str, day: date) -> float:
        return self.plan[one, day]["promo"] if (one, day) in self.plan else 0.0

    def event(self, one: str, day: date) -> str | None:
        return self.events.get((self.static[one]["state_id"], day)) or self.events.get(("*", day))

    def is_payday(self, one: str, day: date) -> bool:
        local = self.paydays.get((self.static[one]["state_id"], day))
        return local if local is not None else self.paydays.get(("*", day), False)

    def members(self, one: str, columns: list[str]) -> list[str]:
        return [
            other
            for other, row in self.static.items()
            if all(row[c] == self.static[one][c] for c in columns)
        ]

    def _first_sale(self, one: str) -> date | None:
        sold = [ds for (name, ds) in self.rows if name == one and (self._raw(one, ds) or 0) > 0]
        return min(sold, default=None)

    def _raw(self, one: str, day: date) -> float | None:
        if ("*", day) in self.closed or (self.static[one]["state_id"], day) in self.closed:
            return None
        row = self.rows.get((one, day))
        if row is not None:
            return None if row["is_open"] is False else row["y"]
        return 0.0 if (self.static[one]["store_id"], day) in self.feed else None


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _over(above: float | None, below: float | None) -> float | None:
    return None if above is None or below is None or below <= 0 else above / below


def _back(day: date, days: int) -> list[date]:
    return [day - timedelta(days=k) for k in range(days)]


def _newest_same_weekday(origin: date, target: date) -> date:
    return next(day for day in _back(origin, 7) if day.weekday() == target.weekday())


def _own_sales(w: World, name: str, one: str, origin: date, target: date) -> float | None:
    family, _, rest = name.partition("_")
    k = int(rest.split("_")[-1]) if rest[-1].isdigit() else 0
    if family == "lags":
        return w.units(one, origin - timedelta(days=k))
    if family == "weekday":
        return _mean(
            [
                w.units(one, _newest_same_weekday(origin, target) - timedelta(days=7 * j))
                for j in range(k)
            ]
        )
    if family == "year":
        last = target - timedelta(days=YEAR - k // 2)
        return _mean([w.units(one, day) for day in _back(last, k)]) if last >= w.first else None
    window = [w.units(one, day) for day in _back(origin, k)]
    known = [value for value in window if value is not None]
    if rest.startswith("mean"):
        return _mean(window)
    if rest.startswith("zeros"):
        return sum(value == 0 for value in known) / len(known) if known else None
    return float(np.std(known, ddof=1)) if len(known) >= 2 else None


def _lifecycle(w: World, name: str, one: str, origin: date) -> float | None:
    sold = [
        day
        for (other, day) in w.rows
        if other == one and day <= origin and (w.units(one, day) or 0) > 0
    ]
    if not sold:
        return None
    return float((origin - (min(sold) if name == "lifecycle_age" else max(sold))).days)


def _calendar(w: World, name: str, one: str, target: date) -> float:
    ahead = [k for k in range(REACH) if w.event(one, target + timedelta(days=k))]
    behind = [k for k in range(REACH) if w.event(one, target - timedelta(days=k))]
    return {
        "weekday": target.isoweekday,
        "day_of_month": lambda: target.day,
        "week_of_year": lambda: target.isocalendar().week,
        "days_to_event": lambda: ahead[0] if ahead else REACH,
        "days_from_event": lambda: behind[0] if behind else REACH,
        "payday_week": lambda: np.mean([w.is_payday(one, day) for day in _back(target, WEEK)]),
        "is_payday": lambda: w.is_payday(one, target),
        "event": lambda: w.event_codes.get(w.event(one, target), 0),
    }[name.removeprefix("calendar_")]()


def _price(w: World, name: str, one: str, target: date) -> float | None:
    price = w.price(one, target)
    below = {
        "price_level": lambda: 1.0,
        "price_change_7": lambda: w.price(one, target - timedelta(days=7)),
        "price_vs_28": lambda: _mean([w.price(one, day) for day in _back(target, 28)]),
        "price_vs_112": lambda: _mean([w.price(one, day) for day in _back(target, 112)]),
        "price_vs_group": lambda: _mean(
            [w.price(other, target) for other in w.members(one, ["store_id", "dept_id"])]
        ),
    }[name]()
    return _over(price, below)


def _promo(w: World, name: str, one: str, origin: date, target: date) -> float | None:
    if name == "promo_today":
        return w.promo(one, target)
    last, days = (target, 7) if name == "promo_share_7" else (origin, 28)
    return _mean([w.promo(one, day) for day in _back(last, days)])


def _hierarchy(w: World, name: str, one: str, origin: date, target: date) -> float | None:
    table, what = re.fullmatch(
        r"hierarchy_(.+?_id)_((?:trend|member|weekday|season).*)", name
    ).groups()
    group = w.members(one, table.split("*"))

    def known(day: date) -> list[float]:
        return [units for other in group if (units := w.units(other, day)) is not None]

    def total(last: date, days: int) -> float | None:
        if last < w.first:
            return None
        return _mean([sum(known(day)) if known(day) else None for day in _back(last, days)])

    if what == "member_mean":
        return _mean([_mean(known(day)) for day in _back(origin, 28)])
    if what.startswith("trend"):
        return _over(total(origin, int(what.split("_")[1])), total(origin, 28))
    if what == "weekday":
        newest = _newest_same_weekday(origin, target)
        days = [newest - timedelta(days=7 * k) for k in range(4)]
        return _over(
            _mean([sum(known(day)) if known(day) else None for day in days]), total(origin, 28)
        )
    year = timedelta(days=YEAR)
    return _over(total(target - year + timedelta(days=14), 28), total(origin - year, 28))


def naive_value(w: World, name: str, one: str, origin_ix: int, h: int) -> float | None:
    """What the feature should be, by its definition in docs/design/features.md and features/."""
    origin, target = w.day(origin_ix), w.day(origin_ix + h)
    covariate = re.fullmatch(r"covariates_(future|past)_(.+)", name)
    if covariate:
        return w.covariates.get((one, target if covariate[1] == "future" else origin, covariate[2]))
    loops = {
        "h": lambda: float(h),
        "static": lambda: w.codes[name.removeprefix("static_")][
            w.static[one][name.removeprefix("static_")]
        ],
        "calendar": lambda: _calendar(w, name, one, target),
        "price": lambda: _price(w, name, one, target),
        "promo": lambda: _promo(w, name, one, origin, target),
        "lifecycle": lambda: _lifecycle(w, name, one, origin),
        "hierarchy": lambda: _hierarchy(w, name, one, origin, target),
    }
    family = name.split("_", maxsplit=1)[0]
    return loops[family]() if family in loops else _own_sales(w, name, one, origin, target)


@pytest.fixture(scope="module")
def world_and_space(make_panel, dense_of):
    panel = make_panel(series=6, days=DAYS, seed=5)
    return World(panel), dense_of(panel)


@pytest.mark.parametrize("origin_ix", [3, 60, 363, 392, DAYS - 1])
def test_every_feature_equals_its_naive_loop(world_and_space, frame_at, origin_ix):
    world, dense = world_and_space
    frame = frame_at(dense, origin_ix, [1, 7, 8, 17, 28])
    wrong = []
    for row in frame.iter_rows(named=True):
        for name in frame.columns[1:]:
            naive, fast = (
                naive_value(world, name, row["unique_id"], origin_ix, int(row["h"])),
                row[name],
            )
            same = (
                fast is None
                if naive is None
                else fast is not None and math.isclose(naive, fast, rel_tol=1e-5, abs_tol=1e-6)
            )
            if not same:
                wrong.append((name, row["unique_id"], row["h"], naive, fast))
    assert wrong == []


def test_the_random_panel_is_nasty_enough_to_mean_something(world_and_space):
    world, dense = world_and_space
    days = [world.day(k) for k in range(DAYS)]
    assert any(launch != world.first for launch in world.launch.values())
    assert any(
        (one, day) not in world.rows and world.units(one, day) == 0
        for one in world.static
        for day in days
    )
    assert any(("S2", day) not in world.feed for day in days)
    assert world.closed
    assert {feature.family for feature in dense.features} >= {
        "lags",
        "windows",
        "weekday",
        "year",
        "calendar",
        "price",
    }


def test_targets_are_the_units_of_the_target_day(world_and_space):
    from features.frame import Rows, targets

    world, dense = world_and_space
    ids = dense.series["unique_id"].to_list()
    for one in range(len(ids)):
        h = np.arange(1, 29, dtype=np.int32)
        rows = Rows(np.full(28, one, dtype=np.int32), np.full(28, 300, dtype=np.int32), h)
        wanted = [world.units(ids[one], world.day(300 + int(k))) for k in h]
        assert targets(dense, rows).tolist() == pytest.approx(
            [np.nan if y is None else y for y in wanted], nan_ok=True
        )
