"""The published table against the one a week before it, and against what sold lately: does it jump,
explode or lie flat.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from contract.panel import Panel
from monitoring.finding import Finding, not_judged

WATCHER = "churn"
RECENT_DAYS = 28
FEW_DAYS = 7


def churn(newest: pl.DataFrame, past: pl.DataFrame, max_share: float) -> Finding:
    """Units by which two tables differ on the series and days both speak of, as a share of what the
    earlier one said.

    `past` holds earlier tables; the newest of them is compared.
    """
    earlier = past.filter(pl.col("origin") < newest["origin"].max()) if newest.height else past
    if newest.is_empty() or earlier.is_empty():
        return not_judged(WATCHER, "no two tables to compare yet")
    before = earlier.filter(pl.col("origin") == pl.col("origin").max())
    both = before.join(
        newest.select("unique_id", "ds", now="y_hat"), on=["unique_id", "ds"], how="inner"
    )
    if both["ds"].n_unique() < FEW_DAYS or both["y_hat"].sum() <= 0:
        return not_judged(WATCHER, "the tables share less than a week")
    share = float((both["now"] - both["y_hat"]).abs().sum() / both["y_hat"].sum())
    is_out = share > max_share
    return Finding(
        WATCHER,
        f"the table of {newest['origin'].max()} differs by {share:.1%} from that of {before['origin'][0]} on the same days",
        "warning" if is_out else "ok",
        share,
        max_share,
        "Look what changed between the two: a model, prices, a restated history; orders swing by as much."
        if is_out
        else "",
        newest["origin"].max(),
    )


def level_and_shape(
    newest: pl.DataFrame, panel: Panel, max_level: float, least_shape: float
) -> list[Finding]:
    """Whether the mean day of the table is `max_level` times that of the last four weeks or less
    than the inverse of it; and whether its days differ at least `least_shape` times as much as
    those did: a table without weekdays is no forecast.
    """
    sold = _days(
        panel.sales.filter(pl.col("ds") > panel.last_day - timedelta(days=RECENT_DAYS)), "y"
    )
    said = _days(newest, "y_hat")
    if len(sold) < RECENT_DAYS / 2 or len(said) < FEW_DAYS:
        return [not_judged(WATCHER, "less than two weeks of sales, or of a table", "level")]
    level = float(said.mean() / sold.mean())
    shape = float((said.std() / said.mean()) / max(sold.std() / sold.mean(), 1e-9))
    since = newest["origin"].max()
    is_off, is_flat = not 1 / max_level <= level <= max_level, shape < least_shape
    advice = "Compare with the table before; order by the run before if nobody can say why."
    return [
        Finding(
            WATCHER, f"the table's mean day is {level:.2f} times the last four weeks'", "error" if is_off else "ok",
            level, max_level, advice if is_off else "", since, "level",
        ),
        Finding(
            WATCHER, f"the table's days differ {shape:.2f} times as much as the last four weeks' did",
            "warning" if is_flat else "ok", shape, least_shape, advice if is_flat else "", since, "shape",
        ),
    ]  # fmt: skip


def _days(rows: pl.DataFrame, value: str) -> pl.Series:
    """Units of each day that sold or is to sell anything."""
    return rows.group_by("ds").agg(pl.col(value).sum()).filter(pl.col(value) > 0)[value]
