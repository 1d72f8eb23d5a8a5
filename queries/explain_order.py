"""One order line back to its demand, its stock and its terms: the arithmetic a planner checks."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from contract.errors import SourceMissing
from contract.params import Params
from contract.quantiles import QUANTILES
from ordering.scopes import supply_of
from runtime.command_line import Summary
from runtime.paths import Paths
from storage.connection import Connection
from storage.orders import read_orders, spans_of
from storage.overrides import overridden_of, read_overrides
from storage.series import read_series
from storage.store import read_store
from storage.supply import read_open_orders, read_stock, read_supply
from storage.thinned import refuse_thinned_orders

Row = dict[str, Any]


def explain_order(
    params: Params, paths: Paths, unique_id: str, order_day: date | None = None
) -> Summary:
    """The line of a series and order day (default: the newest), and what it was made of.

    Terms and stock are read as they were known when it was proposed. SourceMissing for no line.
    """
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        orders = read_orders(con, order_day).filter(unique_id=unique_id)
        if orders.is_empty():
            if order_day is not None:
                refuse_thinned_orders(con, order_day)
            when = f"on {order_day}" if order_day else "on the newest order day"
            raise SourceMissing(
                f"there is no order line of '{unique_id}' {when}. Lines are of series whose order "
                "day it is: see table orders, or run `python inference.py orders`."
            )
        line = orders.row(0, named=True)
        return {
            "line": line,
            "steps": _steps(line),
            **_terms(con, unique_id, line),
            **_stock(con, unique_id, line),
            "spans": _spans(con, line),
            "overridden": _overridden(con, line),
            "forecast": f"python inference.py explain --series {unique_id} --ds {_day(line)}",
        }


def _steps(line: Row) -> list[tuple[str, object]]:
    """The arithmetic, in its order; of a line without units what stood in the way."""
    if line["units"] is None:
        return [("no proposal", line["reason"])]
    days = f"{line['cover_from']} to {line['cover_to']}"
    why = _why_alone(line)
    alone = f" of those days alone: {why}" if why else ""
    return [
        ("delivered and sold", days),
        ("mean demand until then", round(line["demand"], 1)),
        (f"enough with probability {line['service']:.1%}{alone}", line["target"]),
        (f"in hand at the close of {line['stock_ds']}", line["on_hand"]),
        ("on its way by then", line["on_order"]),
        ("position, without what sold since the count", line["position"]),
        ("units proposed, whole packs", line["units"]),
        ("expected short", round(line["short"], 2)),
        ("expected left over", round(line["left_over"], 2)),
        ("runs out before the delivery", f"{line['p_out_before']:.1%}"),
        ("runs out by the end", f"{line['p_out']:.1%}"),
    ]


def _why_alone(line: Row) -> str | None:
    """Why the order is sized by the cover's own days, where it is."""
    flags = (line["flags"] or "").split("|")
    if "gone" in flags:
        return "what is in hand cannot be sold by then"
    return "the shelf is empty before" if "sales_lost" in flags else None


def _terms(con: Connection, unique_id: str, line: Row) -> Summary:
    """What supply says of the series, and which row says it."""
    supply = read_supply(con, line["created_at"])
    found = supply_of(supply, read_series(con).filter(unique_id=unique_id))
    said = {"terms": found.terms, "said_by": found.said_by}
    return {
        name: {k: v for k, v in frame.row(0, named=True).items() if v is not None}
        if frame.height
        else {}
        for name, frame in said.items()
    }


def _stock(con: Connection, unique_id: str, line: Row) -> Summary:
    at, day = line["created_at"], line["order_day"]
    frames = {"stock": read_stock(con, at, day), "open_orders": read_open_orders(con, at, day)}
    return {name: frame.filter(unique_id=unique_id).to_dicts() for name, frame in frames.items()}


def _spans(con: Connection, line: Row) -> list[Row]:
    """The published spans of the series in that run, as days."""
    spans = spans_of(con, line["run_id"], line["unique_id"])
    days = spans.select(
        first=pl.col("origin") + pl.duration(days="from_h"),
        last=pl.col("origin") + pl.duration(days="to_h"),
        mean="mean",
        **{name: pl.col(name) for name in QUANTILES},
    )
    return days.to_dicts()


def _overridden(con: Connection, line: Row) -> list[Row]:
    """The days of the series that a person had changed when the line was proposed."""
    rows = overridden_of(con, line["run_id"], line["created_at"])
    days = rows.filter(unique_id=line["unique_id"]).drop("unique_id")
    said = read_overrides(con).select("override_id", "made_by", why="reason")
    return days.join(said, on="override_id", how="left", maintain_order="left").to_dicts()


def _day(line: Row) -> date:
    first: date | None = line["cover_from"]
    return first or line["order_day"] + timedelta(days=1)
