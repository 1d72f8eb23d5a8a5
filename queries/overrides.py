"""The overrides there are, what they make of the forecast, and what they were worth."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from contract.days import earliest, latest
from contract.demand import demand_rules
from contract.panel import Panel
from contract.params import Params
from forecasting.actuals import units_by_day
from forecasting.seasonal_naive import baseline_of
from monitoring.value_added import by_override, size_of, value_tables
from runtime.command_line import Summary
from runtime.paths import Paths
from storage.forecasts import newest_run
from storage.overrides import own_rows, read_overrides
from storage.panel import last_sales_day, read_tail
from storage.store import Connection, open_store

HOLDS, OVER, EXPIRED, REVOKED = "holds", "over", "expired", "revoked"
SCORED_DAYS = 182  # of a table's age; every origin is forecast again by the naive forecaster
_HISTORY_DAYS = 35  # before an override's table: what the naive forecast reads

Tables = dict[str, list[dict[str, Any]]]


def overrides(params: Params, paths: Paths) -> Summary:
    """Every override, the newest first, with units before and after on the table it was made on;
    and their value added.
    """
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        listed = listed_overrides(con)
        return {"overrides": listed.to_dicts(), "value_added": value_added(con, params)}


def listed_overrides(con: Connection) -> pl.DataFrame:
    """OVERRIDES, the newest first, with `state`, and `series`, `model_units`, `final_units` on the
    table each was made on.
    """
    rows = read_overrides(con)
    newest = newest_run(con)
    origin = newest[1] if newest else date.min
    made = own_rows(con, rows["override_id"].to_list()).group_by("override_id")
    sums = made.agg(
        series=pl.col("unique_id").n_unique(),
        model_units=pl.col("model").sum().round(3),
        final_units=pl.col("y_hat").sum().round(3),
    )
    listed = rows.with_columns(state=_state(origin)).join(
        sums, on="override_id", how="left", maintain_order="left", validate="1:1"
    )
    return listed.sort("override_id", descending=True)


def value_added(con: Connection, params: Params) -> Tables:
    """monitoring.value_added.value_tables of the overrides made in SCORED_DAYS up to the newest
    sales whose days have come true; empty before the first.
    """
    last = last_sales_day(con)
    if last is None:
        return {}
    made = read_overrides(con).filter(pl.col("origin") > last - timedelta(days=SCORED_DAYS))
    own = own_rows(con, made["override_id"].to_list())
    held = _held(own, made).filter(pl.col("ds") <= last)
    if held.is_empty():
        return {}
    since = earliest(made["origin"]) - timedelta(days=_HISTORY_DAYS)
    panel = read_tail(con, since, params.features.max_stockout_share)
    scored = by_override(_known(held, panel, params))
    sums = own.group_by("override_id").agg(pl.col("model", "y_hat").sum())
    sized = sums.select("override_id", size=size_of(pl.col("model"), pl.col("y_hat")))
    said = made.select("override_id", "reason", person="made_by")
    return value_tables(scored.join(said, on="override_id").join(sized, on="override_id"))


def _held(own: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """The overrides' rows with the origin of their table, up to the day they were revoked on."""
    rows = own.rename({"y_hat": "final"}).join(
        made.select("override_id", "origin", "revoked_at"), on="override_id", validate="m:1"
    )
    revoked_on = pl.col("revoked_at").dt.date()
    return rows.filter(revoked_on.is_null() | (pl.col("ds") < revoked_on))


def _known(held: pl.DataFrame, panel: Panel, params: Params) -> pl.DataFrame:
    """The rows whose sales are known, with y, and naive: the baseline's from their origin."""
    actuals = units_by_day(panel, earliest(held["ds"]), demand_rules(params))
    baseline = baseline_of(params)
    naive = [
        baseline.forecast(panel.up_to(origin), origin, (latest(rows["ds"]) - origin).days).select(
            "unique_id", "ds", pl.lit(origin).alias("origin"), naive="y_hat"
        )
        for (origin,), rows in held.group_by("origin", maintain_order=True)
    ]
    known = held.join(actuals, on=["unique_id", "ds"], how="inner", validate="m:1")
    keys = ["origin", "unique_id", "ds"]
    return known.join(pl.concat(naive), on=keys, how="left", validate="m:1").drop_nulls("naive")


def _state(origin: date) -> pl.Expr:
    return (
        pl.when(pl.col("revoked_at").is_not_null())
        .then(pl.lit(REVOKED))
        .when(pl.col("to_ds") <= origin)
        .then(pl.lit(OVER))
        .when(pl.col("expires_on") <= origin)
        .then(pl.lit(EXPIRED))
        .otherwise(pl.lit(HOLDS))
    )
