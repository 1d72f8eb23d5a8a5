"""The spans that orders were read from, when their table is published again."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl

from contract.frames import DEMAND_SPANS, FORECASTS, ORDERS
from contract.quantiles import QUANTILES
from storage.forecasts import latest_spans, publish
from storage.orders import publish_orders, spans_of
from storage.runs import Run
from storage.store import open_store

NOW, ORIGIN, DAY = datetime(2024, 3, 1, 5), date(2024, 2, 29), date(2024, 3, 1)
RUN = Run("r", "inference", NOW, NOW)


def spans(mean: float, *rows: tuple[str, str, int, int]) -> pl.DataFrame:
    """Level, key, from_h and to_h of each."""
    numbers = {"run_id": "r", "origin": ORIGIN} | dict.fromkeys(["mean", *QUANTILES], mean)
    names = ("level", "key", "from_h", "to_h")
    frame = pl.DataFrame([dict(zip(names, row, strict=True)) | numbers for row in rows])
    return DEMAND_SPANS.conform(frame)


def forecasts() -> pl.DataFrame:
    numbers = {"run_id": "r", "origin": ORIGIN, "ds": DAY, "h": 1, "method": "m"}
    quantiles = dict.fromkeys(["y_hat", *QUANTILES], 2.0)
    rows = [{"unique_id": name, "created_at": NOW} | numbers | quantiles for name in "ab"]
    return FORECASTS.conform(pl.DataFrame(rows))


def orders(*series: str) -> pl.DataFrame:
    numbers = {name: 1.0 for name, kind in ORDERS.columns.items() if kind == pl.Float64()}
    days = {"order_day": DAY, "cover_from": DAY, "cover_to": DAY, "stock_ds": ORIGIN}
    rows = [{"unique_id": one, "run_id": "r", "created_at": NOW} | days | numbers for one in series]
    return ORDERS.conform(pl.DataFrame(rows))


def test_they_stand_while_the_same_table_is_published_again(tmp_path: Path) -> None:
    """Killed before the orders are made anew, a line would be without what explains it."""
    published = [("series", "a", 1, 1), ("series", "b", 1, 1), ("total", "total", 1, 1)]
    with open_store(tmp_path / "store.duckdb") as con:
        publish(con, RUN, {"forecasts": forecasts(), "demand_spans": spans(2.0, *published)})
        of_orders = spans(5.0, ("series", "a", 2, 4), ("series", "b", 2, 4), ("total", "x", 2, 4))
        publish_orders(con, DAY, orders("a"), of_orders)
        publish(con, RUN, {"forecasts": forecasts(), "demand_spans": spans(3.0, *published[:2])})
        assert spans_of(con, "r", "a").select("to_h", "mean").rows() == [(1, 3.0), (4, 5.0)]
        assert spans_of(con, "r", "b").select("to_h", "mean").rows() == [(1, 3.0)]
        assert set(latest_spans(con)["level"]) == {"series"}
