"""The planner's page of orders: what stands on it, and that nothing breaks out of it."""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.frames import ORDERS
from reports.orders_page import MOST_SHOWN, render_orders, write_orders_page

DAY = date(2026, 1, 5)


def _line(unique_id: str, **changes: object) -> dict[str, object]:
    line = dict.fromkeys(ORDERS.schema) | {
        "order_day": DAY,
        "run_id": "r",
        "unique_id": unique_id,
        "cover_from": DAY,
        "cover_to": date(2026, 1, 8),
        "demand": 10.0,
        "service": 0.95,
        "target": 14.0,
        "stock_ds": date(2026, 1, 4),
        "on_hand": 4.0,
        "on_order": 0.0,
        "position": 4.0,
        "units": 10.0,
        "packs": 10.0,
        "money": 30.0,
        "p_out": 0.05,
        "p_out_before": 0.0,
    }
    return line | changes


def _page(*lines: dict[str, object], name: str | None = None) -> str:
    rows = pl.DataFrame(list(lines), schema=ORDERS.schema)
    named = rows.with_columns(name=pl.lit(name, pl.String), store_id=pl.lit("S1"))
    return render_orders(named, ["store_id"])


def test_what_runs_out_stands_first():
    page = _page(_line("calm"), _line("urgent", p_out_before=0.6))
    out, order = page.split('id="order"')
    assert "urgent" in out
    assert "calm" not in out
    assert "calm" in order


def test_lines_without_a_proposal_are_counted_by_reason():
    page = _page(_line("a"), _line("b", units=None, packs=None, money=None, reason="no_stock"))
    assert "its stock was never stated" in page


def test_a_day_without_a_line_says_so():
    assert "No series" in _page()


def test_names_cannot_break_out_of_the_page():
    page = _page(_line("<script>x</script>", p_out_before=0.9), name="<img src=x onerror=y>")
    assert "<script>x" not in page
    assert "<img src" not in page


def test_of_many_lines_the_largest_are_shown():
    page = _page(*(_line(f"s{k:04d}", money=float(k)) for k in range(MOST_SHOWN + 50)))
    assert f"s{MOST_SHOWN + 49:04d}" in page
    assert "s0001" not in page


def test_formulas_stay_texts_in_both_files(tmp_path):
    rows = pl.DataFrame([_line("=1+1")], schema=ORDERS.schema)
    series = pl.DataFrame({"unique_id": ["=1+1"], "store_id": ["@SUM(A1)"]})
    write_orders_page(rows, series, pl.DataFrame({"unique_id": ["=1+1"]}), tmp_path)
    assert "'=1+1" in (tmp_path / "orders.csv").read_text(encoding="utf-8")
    sheet = pl.read_excel(tmp_path / "orders.xlsx")
    assert sheet["unique_id"].to_list() == ["=1+1"]  # as text: a formula would read as 2
    assert sheet["store_id"].to_list() == ["@SUM(A1)"]


def test_what_is_weighed_keeps_its_grams():
    page = _page(_line("cheese", units=0.5, on_hand=0.25), _line("eggs", units=1000.0))
    assert "<b>0.50</b>" in page
    assert "0.25 <small>" in page
    assert "<b>1\u2009000</b>" in page
