"""Plans against their past: coming days on which everybody is to be closed, and nobody says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from contract.agreement import OPENING
from contract.levels import TOTAL
from contract.panel import Panel
from contract.sums import summed_by_group
from features.opening import closed_ahead
from monitoring.finding import Finding

WATCHER = "planned_closed"
MOST_CLOSED = 0.5  # share of the series usually open on such a weekday


def planned_closed(panel: Panel, last: date, region: str | None) -> list[Finding]:
    """A warning for each day up to `last` that is planned closed for most of the series selling on
    its weekday, where no event is named.

    Such a day is forecast zero and ordered nothing, as the champion's and with tight quantiles: a
    tick in the wrong place looks like a feast.
    """
    horizon = (last - panel.last_day).days
    if horizon < 1:
        return []
    is_closed, usual = (
        closed_ahead(known, panel.last_day, horizon, region)
        for known in (panel, _without_plans(panel))
    )
    own = {"closed": is_closed & ~usual, "open": ~usual}
    sums = {name: days.sum(axis=0)[None] for name, days in own.items()}
    _, total = summed_by_group(panel.whole, WATCHER, [TOTAL], sums)
    shares = total["closed"][0] / np.maximum(total["open"][0], 1)
    days = [panel.last_day + timedelta(days=ahead + 1) for ahead in range(horizon)]
    named = set(panel.calendar.filter(pl.col("event").is_not_null())["ds"])
    return [
        _finding(day, float(share), panel.last_day)
        for day, share in zip(days, shares, strict=True)
        if share > MOST_CLOSED and day not in named
    ]


def _without_plans(panel: Panel) -> Panel:
    """What habit alone says."""
    covariates = panel.covariates.filter(pl.col("name") != OPENING)
    return replace(panel, calendar=panel.calendar.clear(), covariates=covariates)


def _finding(day: date, share: float, since: date) -> Finding:
    return Finding(
        WATCHER,
        f"{day:%A} {day} is planned closed for {share:.0%} of the series that sell on its weekday, "
        "and no event is named: it is forecast zero",
        "warning",
        share,
        MOST_CLOSED,
        "Ask who planned it. If it is wrong, bring the calendar (or the openings) of that day "
        "again and run `python inference.py`. If it is right, name the event in the calendar, or "
        f"`python monitor.py mute {WATCHER}:{day} --days 28`.",
        since,
        str(day),
    )
