"""What to order: the newest table, stock and supply -> orders, one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from contract.demand import demand_rules
from contract.errors import BadUsage, SourceMissing
from contract.panel import Panel
from contract.params import Params
from forecasting.dispersion import DISPERSION_DAYS, dispersion_at_end
from forecasting.publication import trim_to_last_sale
from forecasting.shapes import shapes_of
from forecasting.slices import RECENT_DAYS
from forecasting.span_table import series_spans
from ordering.calendar import order_day_of
from ordering.lines import Facts, propose_orders
from ordering.scopes import supply_of
from reports.orders_page import write_orders_page
from runtime.command_line import Summary
from runtime.paths import Paths
from storage.decisions import newest_interval_scale
from storage.forecasts import forecasts_of, newest_run
from storage.orders import publish_orders
from storage.panel import read_tail
from storage.runs import Run
from storage.series import read_names
from storage.store import Connection, open_store, read_store
from storage.supply import read_open_orders, read_stock, read_supply

log = logging.getLogger("inference")


@dataclass(frozen=True)
class _Inputs:
    """The order day, a table, what it is read with, and what is there before that day."""

    day: date
    run: Run
    origin: date
    day: date
    forecasts: pl.DataFrame
    panel: Panel
    interval_scale: str | None
    supply: pl.DataFrame
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
        inputs = _read(con, params, order_day, now.date())
    day = inputs.day
    _refuse_day(day, inputs)
    if inputs.supply.is_empty():
        return {"order_day": day, "lines": 0, "why": "no supply file (source.files.supply)"}
    facts = _facts(inputs)
    orders, spans = propose_orders(facts, params.ordering, _ask(inputs, params, paths))
    summary = _summary(orders, facts)
    if dry_run:
        return summary | {"written": None}
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        publish_orders(con, day, orders.with_columns(created_at=now), spans)
        names = read_names(con)
    page = write_orders_page(orders, inputs.panel.series, names, paths.reports)
    log.info("ordered order_day=%s lines=%d units=%s", day, orders.height, summary["units"])
    return summary | {"written": str(paths.store), "page": str(page)}


def _read(con: Connection, params: Params, order_day: date | None, today: date) -> _Inputs:
    newest = newest_run(con)
    if newest is None:
        raise SourceMissing("there is no forecast to order by. Run `python inference.py` first.")
    run, origin = newest
    day = order_day or order_day_of(origin, today)
    decided = newest_interval_scale(con, run.model_id, run.started_at) if run.model_id else None
    stock = read_stock(con, before=day)
    oldest = min([origin - timedelta(days=DISPERSION_DAYS), *stock["ds"].to_list()])
    return _Inputs(
        day,
        run,
        origin,
        forecasts_of(con, run.run_id),
        read_tail(con, oldest, params.features.max_stockout_share),
        decided.detail if decided else None,
        read_supply(con),
        stock,
        read_open_orders(con, before=day),
    )


def _refuse_day(day: date, inputs: _Inputs) -> None:
    last = inputs.forecasts["ds"].max()
    if not inputs.origin < day <= last:  # type: ignore[operator]
        raise BadUsage(
            f"{day} is no order day of the newest table, which holds {inputs.origin} to {last} "
            "(the first day excluded). Give one of its days, or make a newer table first."
        )


def _facts(inputs: _Inputs) -> Facts:
    panel, origin = inputs.panel, inputs.origin
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
        inputs.day,
        origin,
        inputs.forecasts,
        supply_of(inputs.supply, panel.series).terms,
        inputs.stock,
        inputs.open_orders,
        sold.select("unique_id", "ds", "y"),
        panel.prices.filter(pl.col("promo") > 0).select("unique_id", "from_ds", "to_ds"),
        launches,
    )


def _ask(inputs: _Inputs, params: Params, paths: Paths) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """The quantiles of spans, as the run's calibration has them."""
    scale, model_id = inputs.interval_scale, inputs.run.model_id
    shapes = shapes_of(inputs.forecasts, model_id, scale, paths.registry, paths.backtest)
    known = trim_to_last_sale(inputs.panel.up_to(inputs.origin))
    dispersion = dispersion_at_end(known, demand_rules(params))
    return lambda spans: series_spans(inputs.forecasts, spans, dispersion, shapes)


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
