"""The planner's page of orders: what is weighed keeps its grams, names stay text."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from contract.frames import ORDERS
from reports.orders_page import render_orders

DAY = date(2026, 1, 5)
NASTY = "<script>alert(1)</script>"


@pytest.fixture
def lines() -> pl.DataFrame:
    """Half a kilo of cheese, and a thousand eggs."""
    stated = {
        "order_day": [DAY] * 2,
        "run_id": ["r"] * 2,
        "unique_id": ["N_cheese", "N_eggs"],
        "cover_from": [DAY] * 2,
        "cover_to": [DAY] * 2,
        "units": [0.5, 1000.0],
        "on_hand": [0.25, 3.0],
        "created_at": [datetime(2026, 1, 5, 6)] * 2,
        "name": [NASTY, "eggs"],
        "store_id": ["N", "N"],
    }
    rows = pl.DataFrame(stated)
    others = [pl.lit(None, kind).alias(n) for n, kind in ORDERS.schema.items() if n not in stated]
    return rows.with_columns(others)


def test_what_is_weighed_keeps_its_grams(lines):
    page = render_orders(lines, ["store_id"])
    assert "<b>0.50</b>" in page
    assert "0.25 <small>" in page
    assert "<b>1\u2009000</b>" in page


def test_names_stay_text(lines):
    page = render_orders(lines, ["store_id"])
    assert NASTY not in page
    assert "&lt;script&gt;" in page


def test_a_day_without_lines_says_so(lines):
    assert "No series' order day" in render_orders(lines.clear(), ["store_id"])
