"""Drills on alerts: something changes from a day on and is let in; is there an alert, how soon,
does it name what changed, and is its day right?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from contract.feeds import FEED_COLUMN
from contract.panel import Panel
from drills.drift_shapes import level_shift
from drills.faults import Rng
from drills.grade import grade_alert
from drills.panel_faults import (
    frozen_from,
    item_column,
    items_drawn,
    recycled_from,
    series_drawn,
)
from drills.result import Drill, Result, result_of

MORNINGS = (1, 3, 5, 7, 14)  # after which somebody looks


@dataclass(frozen=True)
class Alarm:
    """An alert as the watch words it: its cause, the day it states, the series it names."""

    cause: str
    since: date | None
    contributors: tuple[str, ...]


Look = Callable[[Panel], list[Alarm]]  # a panel as known on a morning -> its alerts


@dataclass(frozen=True)
class AlertFault:
    """`apply` changes a panel after a day by a strength; it returns the series an alert should name
    one of, too (none: any).
    """

    name: str
    what: str
    strengths: tuple[int, ...]
    apply: Callable[[Panel, date, int, Rng], tuple[Panel, pl.Series]]


def frozen_accepted(panel: Panel, day: date, percent: int, rng: Rng) -> tuple[Panel, pl.Series]:
    """So many percent of the series repeat a day, and somebody let them in."""
    stuck = series_drawn(panel, percent / 100, rng)
    return frozen_from(panel, day, stuck), stuck


def frozen_group(panel: Panel, day: date, number: int, _rng: Rng) -> tuple[Panel, pl.Series]:
    """One store's sales repeat a day."""
    stores = panel.series[FEED_COLUMN].unique().sort()
    stuck = panel.series.filter(pl.col(FEED_COLUMN) == stores[number % len(stores)])["unique_id"]
    return frozen_from(panel, day, stuck), stuck


def recycled(panel: Panel, day: date, items: int, rng: Rng) -> tuple[Panel, pl.Series]:
    """So many items' numbers belong to other products."""
    other_of = items_drawn(panel, items, rng)
    is_changed = pl.col(item_column(panel)).is_in(list(other_of))
    changed = panel.series.filter(is_changed)["unique_id"]
    return recycled_from(panel, day, other_of), changed


def shifted(panel: Panel, day: date, percent: int, rng: Rng) -> tuple[Panel, pl.Series]:
    """Everything sells so many percent more: what is graded is the day the alert states."""
    after = level_shift(panel, day + timedelta(days=1), percent / 100, rng)
    return after, panel.series["unique_id"].clear()


ALERT_FAULTS = (
    AlertFault(
        "frozen_accepted", "n% of series stand still, let in", (20, 50, 100), frozen_accepted
    ),
    AlertFault("frozen_group", "the n-th store stands still, let in", (0, 1), frozen_group),
    AlertFault("recycled", "n item numbers given away", (3, 10), recycled),
    AlertFault("onset", "everything sells n% more from a day on", (20, 40), shifted),
)


def alert_drills(
    panel: Panel, look: Look, seed: int, faults: Sequence[AlertFault] = ALERT_FAULTS
) -> Iterator[Result]:
    """One result per fault and strength; alerts that the undisturbed panel raises do not count."""
    day = panel.last_day - timedelta(days=MORNINGS[-1])
    days = {morning: day + timedelta(days=morning) for morning in MORNINGS}
    clean = {k: {alarm.cause for alarm in look(panel.up_to(until))} for k, until in days.items()}
    for fault in faults:
        for strength in fault.strengths:
            rng = np.random.default_rng(seed)
            broken, changed = fault.apply(panel, day, strength, rng)
            morning, alarms = _first_alarms(broken, days, look, clean)
            drill = Drill(fault.name, strength, "input", fault.what)
            yield _result(drill, morning, alarms, day + timedelta(days=1), set(changed))


def _first_alarms(
    broken: Panel, days: dict[int, date], look: Look, clean: dict[int, set[str]]
) -> tuple[int | None, list[Alarm]]:
    for morning, until in days.items():
        alarms = [alarm for alarm in look(broken.up_to(until)) if alarm.cause not in clean[morning]]
        if alarms:
            return morning, alarms
    return None, []


def _result(
    drill: Drill, morning: int | None, alarms: list[Alarm], first: date, changed: set[str]
) -> Result:
    """The best of the alerts of the first morning that had any."""
    if morning is None:
        return result_of(drill, "no alert", grade_alert(None, 0, False), [])
    days_off = min(abs((alarm.since - first).days) for alarm in alarms if alarm.since)
    named = {name for alarm in alarms for name in alarm.contributors}
    is_named = bool(changed & named) or not changed
    outcome = f"alert, dated {days_off} days off" + (", named" if changed & named else "")
    seen_by = [f"after {morning} days: {alarm.cause}" for alarm in alarms]
    return result_of(drill, outcome, grade_alert(morning, days_off, is_named), seen_by)
