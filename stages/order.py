"""What to order: the newest table, stock and supply -> orders, one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from contract.demand import demand_rules
from contract.errors import BadUsage
from contract.frames import FORECASTS
from contract.panel import Panel
from contract.params import Params
from contract.quantiles import QUANTILES
from forecasting.dispersion import DISPERSION_DAYS
from forecasting.publication import dispersion_of_table
from forecasting.shapes import shapes_of
from forecasting.slices import RECENT_DAYS
from forecasting.span_table import series_spans
from ordering.calendar import order_day_of
from ordering.lines import Facts, propose_orders
from ordering.scopes import supply_of
from reports.orders_page import write_orders_page
from runtime.command_line import Summary
from runtime.paths import Paths
from storage.decisions import interval_scale_of
from storage.forecasts import needed_run
from storage.orders import publish_orders
from storage.overrides import read_final
from storage.panel import read_tail
from storage.runs import Run
from storage.series import read_names
from storage.store import Connection, open_store, read_store
from storage.supply import read_open_orders, read_stock, read_supply
from storage.thinned import refuse_thinned

log = logging.getLogger("inference")


@dataclass(frozen=True)
class _Table:
    """The newest table with its final means, the rows that a person changed, the day it is ordered
    on, and the terms it is ordered by.
    """

    day: date
    run: Run
    origin: date
    forecasts: pl.DataFrame
    overridden: pl.DataFrame
    supply: pl.DataFrame


@dataclass(frozen=True)
class _Inputs:
    """A table, what it is read with, and what is there before its day."""

    table: _Table
    panel: Panel
    interval_scale: str | None
    stock: pl.DataFrame
    open_orders: pl.DataFrame


def order(
    params: Params,
    paths: Paths,
    *,
    now: datetime,
    order_day: date | None = None,
    dry_run: bool = False,
) -> Summary:
    """The proposals of an order day, by default the next one of the newest table.

    Without a supply file nothing is proposed, and said so. SourceMissing without a table.
    """
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        table = _read_table(con, order_day, now.date())
        day = table.day
        if table.supply.is_empty():
            return {"order_day": day, "lines": 0, "why": "no supply file (source.files.supply)"}
        inputs = _read_inputs(con, params, table)
    facts = _facts(inputs)
    orders, spans = propose_orders(facts, params.ordering, _ask(inputs, params, paths))
    summary = _summary(orders, facts)
    if dry_run:
        return summary | {"written": None}
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        # table demand_spans stays the model's
        of_model = spans.join(facts.overridden, left_on="key", right_on="unique_id", how="anti")
        publish_orders(con, day, orders.with_columns(created_at=now), of_model)
        names = read_names(con)
    page = write_orders_page(orders, inputs.panel.series, names, paths.reports)
    log.info("ordered order_day=%s lines=%d units=%s", day, orders.height, summary["units"])
    return summary | {"written": str(paths.store), "page": str(page)}


def _read_table(con: Connection, order_day: date | None, today: date) -> _Table:
    run, origin = needed_run(con, "order by")
    day = order_day or order_day_of(origin, today)
    refuse_thinned(con, run.run_id)
    final = read_final(con, run.run_id)
    said = final.filter(pl.col("override_id").is_not_null()).select("unique_id", "ds")
    # of quantiles orders read only whether a day is closed; spans are learned for the final mean
    forecasts = FORECASTS.conform(final.with_columns(pl.col(*QUANTILES).fill_null(pl.col("y_hat"))))
    table = _Table(day, run, origin, forecasts, said, read_supply(con))
    _refuse_day(table)
    return table


def _refuse_day(table: _Table) -> None:
    last = table.forecasts["ds"].max()
    if not table.origin < table.day <= last:  # type: ignore[operator]
        raise BadUsage(
            f"{table.day} is no order day of the newest table, which holds {table.origin} to "
            f"{last} (the first day excluded). Give one of its days, or make a newer table first."
        )


def _read_inputs(con: Connection, params: Params, table: _Table) -> _Inputs:
    stock = read_stock(con, before=table.day)
    oldest = min([table.origin - timedelta(days=DISPERSION_DAYS), *stock["ds"].to_list()])
    return _Inputs(
        table,
        read_tail(con, oldest, params.features.max_stockout_share),
        interval_scale_of(con, table.run),
        stock,
        read_open_orders(con, before=table.day),
    )


def _facts(inputs: _Inputs) -> Facts:
    panel, table = inputs.panel, inputs.table
    origin = table.origin
    sold = panel.sales.filter(pl.col("ds") <= origin)
    first_sales = pl.concat(
        [
            sold.filter(pl.col("y") > 0).group_by("unique_id").agg(first=pl.col("ds").min()),
            panel.before.select("unique_id", first="first_sale"),
        ]
    )
    began = first_sales.group_by("unique_id").agg(pl.col("first").min())
    launches = began.filter(pl.col("first") > origin - timedelta(days=RECENT_DAYS))["unique_id"]
    return Facts(
        table.day,
        origin,
        table.forecasts,
        supply_of(table.supply, panel.series).terms,
        inputs.stock,
        inputs.open_orders,
        sold.select("unique_id", "ds", "y"),
        panel.prices.filter(pl.col("promo") > 0).select("unique_id", "from_ds", "to_ds"),
        launches,
        table.overridden,
    )


def _ask(inputs: _Inputs, params: Params, paths: Paths) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """The quantiles of spans, as the run's calibration has them."""
    table, scale = inputs.table, inputs.interval_scale
    shapes = shapes_of(table.forecasts, table.run.model_id, scale, paths.registry, paths.backtest)
    dispersion = dispersion_of_table(inputs.panel, table.origin, demand_rules(params))
    return lambda spans: series_spans(table.forecasts, spans, dispersion, shapes)


def _summary(orders: pl.DataFrame, facts: Facts) -> Summary:
    """What a person wants to know of a day's proposals."""
    reasons = orders["reason"].drop_nulls().value_counts().sort("reason")
    flags = orders["flags"].drop_nulls().str.split("|").explode().value_counts().sort("flags")
    ordered = orders.filter(pl.col("units") > 0)
    return {
        "order_day": facts.order_day,
        "run_id": facts.forecasts["run_id"][0],
        "lines": orders.height,
        "ordered": ordered.height,
        "units": round(float(ordered["units"].sum()), 1),
        "money": round(float(ordered["money"].sum()), 2),
        "without_units": dict(reasons.iter_rows()),
        "flags": dict(flags.iter_rows()),
    }
