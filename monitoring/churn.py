"""The published table against the one a week before it, and against what sold lately: does it jump,
explode or lie flat.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from contract.panel import Panel
from contract.sums import summed
from contract.whole import ALONE, Whole
from monitoring.finding import Finding, not_judged

WATCHER = "churn"
RECENT_DAYS = 28
FEW_DAYS = 7
_COMPARE = "Compare with the table before; order by the run before if nobody can say why."


def churn(
    newest: pl.DataFrame, past: pl.DataFrame, max_share: float, whole: Whole = ALONE
) -> Finding:
    """Units by which two tables differ on the series and days of both, as a share of the earlier
    one's.

    `past` holds earlier tables; the newest of them that is about any of its days is compared.
    """
    now = newest.select("unique_id", "ds", now="y_hat", origin_now="origin")
    both = past.join(now, on=["unique_id", "ds"], how="inner")
    own = both.filter(pl.col("origin") < pl.col("origin_now")).group_by(
        "origin_now", "origin", "ds"
    )
    moved = (pl.col("now") - pl.col("y_hat")).abs().sum()
    sums = own.agg(pl.col("y_hat").sum(), moved=moved)
    daily = summed(whole, "churn", sums, ["origin_now", "origin", "ds"])
    if daily.is_empty():
        return not_judged(WATCHER, "no two tables to compare yet")
    daily = daily.filter(pl.col("origin") == pl.col("origin").max())
    if daily["ds"].n_unique() < FEW_DAYS or daily["y_hat"].sum() <= 0:
        return not_judged(WATCHER, "the tables share less than a week")
    share = float(daily.select(pl.sum("moved") / pl.sum("y_hat")).item())
    origin, before = daily.row(0)[:2]
    is_out = share > max_share
    return Finding(
        WATCHER,
        f"the table of {origin} differs by {share:.1%} from that of {before} on the same days",
        "warning" if is_out else "ok",
        share,
        max_share,
        "Look what changed between the two: a model, prices, a restated history; "
        "orders swing by as much."
        if is_out
        else "",
        origin,
    )


def level_and_shape(
    newest: pl.DataFrame, panel: Panel, max_level: float, least_shape: float
) -> list[Finding]:
    """Whether the mean day of the table is far from that of the last four weeks, and whether its
    days differ as those did.

    Far: `max_level` times it, or less than the inverse of that. Days must differ `least_shape`
    times as much: a table without weekdays is no forecast.
    """
    since = panel.last_day - timedelta(days=RECENT_DAYS)
    recent = panel.daily.filter(pl.col("ds") > since).group_by("ds").agg(pl.col("units").sum())
    own = newest.group_by("origin", "ds").agg(pl.col("y_hat").sum())
    table = summed(panel.whole, "level and shape", own, ["origin", "ds"])
    sold, forecast = (
        days.filter(pl.col(of) > 0)[of] for days, of in ((recent, "units"), (table, "y_hat"))
    )
    if len(sold) < RECENT_DAYS / 2 or len(forecast) < FEW_DAYS:
        return [not_judged(WATCHER, "less than two weeks of sales, or of a table", "level")]
    (mean_sold, spread_sold), (mean, spread) = _mean_and_spread(sold), _mean_and_spread(forecast)
    origin: date = table.select(pl.max("origin")).item()
    shape = (spread / mean) / max(spread_sold / mean_sold, 1e-9)
    return [_level(mean / mean_sold, max_level, origin), _shape(shape, least_shape, origin)]


def _level(level: float, most: float, origin: date) -> Finding:
    is_off = not 1 / most <= level <= most
    return Finding(
        WATCHER,
        f"the table's mean day is {level:.2f} times the last four weeks'",
        "error" if is_off else "ok",
        level,
        most,
        _COMPARE if is_off else "",
        origin,
        "level",
    )


def _shape(shape: float, least: float, origin: date) -> Finding:
    is_flat = shape < least
    return Finding(
        WATCHER,
        f"the table's days differ {shape:.2f} times as much as the last four weeks' did",
        "warning" if is_flat else "ok",
        shape,
        least,
        _COMPARE if is_flat else "",
        origin,
        "shape",
    )


def _mean_and_spread(days: pl.Series) -> tuple[float, float]:
    mean, spread = days.to_frame("y").select(mean=pl.mean("y"), spread=pl.std("y")).row(0)
    return float(mean), float(spread)
