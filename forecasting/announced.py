"""Who is announced: series that plans name and that have not sold yet, and those that once were."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from contract.days import WEEK
from contract.panel import Panel
from contract.whole import Table, one_row

LAUNCH_DAYS = 28  # after its first planned day a series that never sold is a launch so long
LOOKED_BACK = 26 * WEEK  # for past launches; no more, so that a panel's beginning cannot tell

NOBODY = pl.DataFrame(schema={"unique_id": pl.String, "first": pl.Date})


def announced(panel: Panel, until: date, first_planned: pl.DataFrame | None = None) -> pl.DataFrame:
    """unique_id, first: series that sold nothing yet and are on offer from `first` on, which lies
    LAUNCH_DAYS before the panel's last day or later, and not after `until`.

    Of a series with rows of zeros the plans of others must be older by as much: where plans begin
    to come, they announce nobody.
    """
    first_planned = planned(panel) if first_planned is None else first_planned
    recent = first_planned.filter(
        pl.col("first") > panel.last_day - timedelta(days=LAUNCH_DAYS), pl.col("first") <= until
    )
    unsold = recent.join(_sold(panel, recent), on="unique_id", how="anti")
    began = _plans_began(panel, first_planned, unsold.height)
    if began is None:
        return NOBODY
    has_rows = pl.col("unique_id").is_in(panel.sales["unique_id"].unique().implode())
    is_later = pl.col("first") > began + timedelta(days=LAUNCH_DAYS)
    return unsold.filter(is_later | ~has_rows).sort("unique_id")


def planned(panel: Panel) -> pl.DataFrame:
    """unique_id, first: the first day that any plan of a known series states."""
    stated = (
        panel.prices.lazy().select("unique_id", first="from_ds"),
        panel.covariates.lazy().select("unique_id", first="ds"),
    )
    known = panel.series.lazy().select("unique_id")
    firsts = pl.concat(stated).group_by("unique_id").agg(pl.col("first").min())
    return firsts.join(known, on="unique_id", how="semi").collect()


def past_launches(panel: Panel, first_planned: pl.DataFrame) -> pl.DataFrame:
    """unique_id, first: series of the last LOOKED_BACK days that sold only once they were planned,
    and have been on offer for LAUNCH_DAYS.
    """
    last = panel.last_day
    recent = first_planned.filter(
        pl.col("first") > last - timedelta(days=LOOKED_BACK),
        pl.col("first") <= last - timedelta(days=LAUNCH_DAYS),
        pl.col("first") > panel.first_day + timedelta(days=LAUNCH_DAYS),
    )
    began = recent.join(_sold(panel, recent), on="unique_id", how="inner")
    began = began.filter(pl.col("first_sale") >= pl.col("first")).sort("unique_id")
    return began.select("unique_id", "first")


def _plans_began(panel: Panel, first_planned: pl.DataFrame, unsold: int) -> date | None:
    """The first day that any plan of all parts states; None where none of them has a series that
    is planned and did not sell.
    """
    count = first_planned.group_by("first").len().sort("first")
    own = Table(count["first"].cast(pl.String), {"series": count["len"].to_numpy()})
    candidates = one_row({"series": unsold})
    total = panel.whole.totals({"plans began": own, "plans unsold": candidates})
    if not total["plans unsold"].values["series"].any():
        return None
    return date.fromisoformat(total["plans began"].keys[0])


def _sold(panel: Panel, among: pl.DataFrame) -> pl.DataFrame:
    """unique_id, first_sale: of those among these series (unique_id) that ever sold a unit."""
    sold = panel.sales.lazy().join(among.lazy(), on="unique_id", how="semi")
    firsts = sold.filter(pl.col("y") > 0).group_by("unique_id").agg(first_sale=pl.col("ds").min())
    older = panel.before.select("unique_id", "first_sale").join(among, on="unique_id", how="semi")
    both = pl.concat([firsts.collect(), older]).group_by("unique_id")
    return both.agg(pl.col("first_sale").min())
