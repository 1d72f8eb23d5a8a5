"""How far ahead the panel's plans reach, and the panel had they reached no further."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from contract.frames import FACTS
from contract.panel import Panel
from contract.params import FeatureParams
from contract.whole import Table, one_row
from features.dense import Days, locate
from features.plans import DENSE, LOOK_BACK, PRICE, PROMO, REACHES, RECENT_DAYS, reach_of
from features.price import spread_over_days

EVENTS = "events"  # what the calendar says beyond the date: feasts and pay days
WHY_LEFT_OUT = (
    "known until the last sales day, not ahead of it: bring the days ahead (source.files.plans, "
    "or .calendar for events)"
)

Reach = Mapping[str, int]  # price, promo, each covariate -> days after the last sales day


def plan_reach(panel: Panel, horizon: int) -> dict[str, int]:
    """Days after the panel's last one that each family of plans is stated for, up to the horizon.

    `price`, `promo` and every covariate that the panel (all its parts together) states anything of.
    0 is a plan that ends with the sales, or did before them.
    """
    stated, series = _stated(panel, horizon)
    return {
        name: max(_reach(by_day, horizon, None if name == PRICE else series), 0)
        for name, (by_day, was_stated) in stated.items()
        if by_day.any() or was_stated
    }


def _stated(panel: Panel, horizon: int) -> tuple[dict[str, tuple[np.ndarray, bool]], int]:
    """By family of plans the (LOOK_BACK + horizon,) count of series it states something of, and
    whether it ever did of any; how many series there are. Of all parts of the panel.
    """
    days = Days(panel.last_day - timedelta(days=LOOK_BACK - 1), LOOK_BACK, horizon, 0)
    tables = {value: spread_over_days(panel, days, value) for value in (PRICE, PROMO)}
    for name in panel.covariates["name"].unique().sort():
        of_name = locate(panel.covariates.filter(pl.col("name") == name), panel.series, days)
        if of_name.is_empty():  # a panel of the past may hold plans of series that it has not yet
            continue
        table = days.scatter(of_name, panel.series.height, "value")
        # a shop may call a covariate price or promo: one family with what prices state
        tables[name] = np.where(np.isnan(table), tables.get(name, table), table)
    names = sorted(tables)
    counts = {
        "stated": np.array([(~np.isnan(tables[name])).sum(axis=0) for name in names]),
        "was_stated": np.array([_was_stated(panel, name) for name in names], dtype=np.int64),
    }
    of_all = one_row({"series": panel.series.height})
    own = {"plans": Table(pl.Series(names), counts), "series": of_all}
    totals = panel.whole.totals({f"{name} {panel.last_day}": of for name, of in own.items()})
    plans, of_all = totals.values()
    series = int(of_all.values["series"][0])
    rows = zip(plans.values["stated"], plans.values["was_stated"] > 0, strict=True)
    return dict(zip(plans.keys, rows, strict=True)), series


def short_plans(params: FeatureParams, reach: Reach, horizon: int) -> dict[str, int]:
    """Of the plans these params read those that end inside the horizon, and after how many days;
    `reach` as of `plan_reach`.
    """
    read = _plans_read(params)
    return {name: days for name, days in reach.items() if name in read and days < horizon}


def plannable(params: FeatureParams, panel: Panel, horizon: int) -> tuple[FeatureParams, list[str]]:
    """The features without plans that end with the sales, and the names of what was left out.

    A promotion known for every past day and for none to come teaches a model what it will never
    learn of a day ahead. One that reaches part of the way stays: training hides what serving will
    not know (features.hiding).
    """
    gone = {name for name, days in plan_reach(panel, horizon).items() if days == 0}
    gone |= {EVENTS} if _calendar_ends(panel, horizon) else set()
    kept = {
        "known_future": [name for name in params.known_future if name not in gone],
        "price": params.price and PRICE not in gone,
        "promo": params.promo and PROMO not in gone,
        "calendar": "dates" if params.calendar and EVENTS in gone else params.calendar,
    }
    read = _plans_read(params) | ({EVENTS} if params.calendar is True else set())
    left_out = sorted(gone & read)
    return (params.model_copy(update=kept), left_out) if left_out else (params, [])


def with_plans_until(panel: Panel, origin: date, reach: Reach) -> Panel:
    """The panel as it would be known at an origin had each plan ended `reach` days after it.

    A family that `reach` does not name is left whole.
    """
    ends = {name: origin + timedelta(days=days) for name, days in reach.items()}
    covariates = panel.covariates
    if ends:
        end = pl.col("name").replace_strict(ends, default=None, return_dtype=pl.Date)
        covariates = covariates.filter(end.is_null() | (pl.col("ds") <= end))
    prices = panel.prices
    for family in {PRICE, PROMO} & ends.keys():
        prices = _unsaid_after(prices, family, ends[family])
    return replace(panel, prices=prices, covariates=covariates)


def plans_at(panel: Panel, origin: date, reach: Reach) -> Panel:
    """The panel with the plans of an origin in the past: what was announced by then, and of what
    does not say when it was, `reach` days.

    A row was announced where it was known (`known_at`) before its first day. Of one corrected since
    the days ahead are those announced then; the days up to the origin are as known today.
    """
    evening = datetime.combine(origin, time()) + timedelta(days=1)
    undated: dict[str, pl.DataFrame] = {}
    announced: dict[str, pl.DataFrame] = {}
    for name, first in (("prices", "from_ds"), ("covariates", "ds")):
        rows, said = _since_corrected(panel, name, first, origin, evening)
        is_announced = (pl.col("known_at").dt.date() < pl.col(first)).fill_null(value=False)
        undated[name] = rows.filter(~is_announced)
        announced[name] = pl.concat(
            [rows.filter(is_announced, pl.col("known_at") <= evening), said]
        )
    cut = with_plans_until(_with_facts(panel, undated), origin, reach)
    whole = {
        name: pl.concat([cut.fact(name), rows]).sort(FACTS[name].key)
        for name, rows in announced.items()
    }
    return _with_facts(cut, whole)


def _since_corrected(
    panel: Panel, name: str, first: str, origin: date, evening: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of a fact without the days after an origin that were corrected since; and what had
    been announced for these days.
    """
    rows, contract, known_at = panel.fact(name), FACTS[name], pl.col("known_at")
    last = "to_ds" if "to_ds" in rows.columns else first
    valid = (known_at <= evening) & (pl.col("superseded_at") > evening)
    ahead = (known_at.dt.date() < pl.col(first)) & (pl.col(last) > origin)
    said = panel.superseded[name].filter(valid, ahead) if name in panel.superseded else None
    if said is None or said.is_empty():
        return rows, rows.clear()
    is_said, others = (
        rows.join(said, on=contract.key, how=how, maintain_order="left") for how in ("semi", "anti")
    )
    # a period that crosses the origin becomes two
    until = is_said.filter(pl.col(first) <= origin).with_columns(
        pl.min_horizontal(last, pl.lit(origin))
    )
    if last != first:
        others = _beginning_after(others, said)
    tomorrow = pl.max_horizontal(first, pl.lit(origin + timedelta(days=1)))
    return pl.concat([others, until]), contract.conform(said).with_columns(tomorrow)


def _beginning_after(periods: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """The periods, those that begin within one that was said only once that is over: it was cut
    short for them, and nobody knew.
    """
    earlier = said.select("unique_id", "from_ds", over="to_ds").sort("from_ds")
    within = periods.sort("from_ds").join_asof(
        earlier, on="from_ds", by="unique_id", check_sortedness=False
    )
    begins = pl.max_horizontal("from_ds", pl.col("over") + pl.duration(days=1))
    begun = within.with_columns(from_ds=begins).filter(pl.col("from_ds") <= pl.col("to_ds"))
    return begun.select(periods.columns)


def _with_facts(panel: Panel, facts: dict[str, pl.DataFrame]) -> Panel:
    return replace(panel, prices=facts["prices"], covariates=facts["covariates"])


def _plans_read(params: FeatureParams) -> set[str]:
    own = {PRICE: params.price, PROMO: params.promo}
    return {*params.known_future, *(name for name, is_on in own.items() if is_on)}


def _unsaid_after(prices: pl.DataFrame, family: str, end: date) -> pl.DataFrame:
    """Periods without a family's value after a day; one that crosses it becomes two."""
    other = PROMO if family == PRICE else PRICE
    before = prices.filter(pl.col("from_ds") <= end).with_columns(
        to_ds=pl.min_horizontal("to_ds", pl.lit(end))
    )
    after = prices.filter(pl.col("to_ds") > end, pl.col(other).is_not_null()).with_columns(
        pl.lit(None, pl.Float64).alias(family),
        from_ds=pl.max_horizontal("from_ds", pl.lit(end + timedelta(days=1))),
    )
    return pl.concat([before, after.select(before.columns)]).sort("unique_id", "from_ds")


def _reach(stated: np.ndarray, horizon: int, series: int | None) -> int:
    """Of counts of series by day, all series as one feed; `series` as of `reach_of`."""
    return min(reach_of(stated, LOOK_BACK - 1, series), horizon) if stated.any() else 0


def _calendar_ends(panel: Panel, horizon: int) -> bool:
    """Whether the calendar knows feasts or pay days of the past alone.

    With a row a day, by how much of the days ahead has one; a list of feasts, which may have none
    in the horizon, if it says nothing of any later day.
    """
    if panel.calendar.filter(pl.col("event").is_not_null() | pl.col("is_payday")).is_empty():
        return False
    ahead = (panel.calendar["ds"].unique() - panel.last_day).dt.total_days()
    recent = len(ahead.filter(ahead.is_between(1 - RECENT_DAYS, 0))) / RECENT_DAYS
    if recent < DENSE:
        return not (ahead > 0).any()
    return len(ahead.filter(ahead.is_between(1, horizon))) / horizon < REACHES * recent


def _was_stated(panel: Panel, name: str) -> bool:
    """Whether a plan that states nothing now ever did; promotions are too rare to say."""
    if name != PRICE:
        return name != PROMO
    priced = panel.prices.filter(pl.col(PRICE).is_not_null())["unique_id"].unique()
    return bool(priced.is_in(panel.series["unique_id"].implode()).any())
