"""What the best informed could foresee: of the truth, that which is settled at an origin."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from sources.simulator.moves import PERSISTENCE, SHOCK_VARIANCE

MOVING = ("level", "slope", "shock")  # columns of the hard world's truth


def foreseen(truth: pl.DataFrame, origin: date, horizon: int) -> pl.DataFrame:
    """unique_id, ds, y_hat of the `horizon` days after the origin: the mean demand as it stands
    then.

    In the calm world that is `expected`: nothing is to come. In the hard one it is the mean over
    all that may come: the level goes on from where it stands with the slope of that day, and of the
    day's shock remains what lasts. Drifts, breaks, other slopes and shocks to come are not
    foreseen. Prices, promotions, events, seasons and closed days are known, announced or not.
    """
    last = origin + timedelta(days=horizon)
    ahead = truth.filter(pl.col("ds") > origin, pl.col("ds") <= last)
    if MOVING[0] not in truth.columns:
        return ahead.select("unique_id", "ds", y_hat=pl.col("expected").cast(pl.Float64))
    now = truth.filter(pl.col("ds") == origin).select(
        "unique_id", *(pl.col(name).alias(f"{name}_now") for name in MOVING)
    )
    h = (pl.col("ds") - pl.lit(origin)).dt.total_days()
    lasting = pl.lit(PERSISTENCE).pow(h)
    shock = lasting * pl.col("shock_now") - lasting**2 * SHOCK_VARIANCE / 2
    unforeseen = pl.col("level") + pl.col("shock") - SHOCK_VARIANCE / 2
    settled = pl.col("level_now") + pl.col("slope_now") * h + shock
    return ahead.join(now, on="unique_id", how="left", validate="m:1").select(
        "unique_id", "ds", y_hat=pl.col("expected") * (settled - unforeseen).exp()
    )
