"""What is there on an order day, by hand."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from ordering.stock import still_coming, with_position

TODAY = date(2026, 1, 10)


def _day(ago: int) -> date:
    return TODAY - timedelta(days=ago)


def _stock(*rows: tuple[str, int, float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [(unique_id, _day(ago), on_hand) for unique_id, ago, on_hand in rows],
        schema={"unique_id": pl.String, "ds": pl.Date, "on_hand": pl.Float64},
        orient="row",
    )


def _open(*rows: tuple[str, int, int, float]) -> pl.DataFrame:
    """Series, days ago it was stated, days ahead it is due, units."""
    return pl.DataFrame(
        [(unique_id, _day(ago), _day(-due), units) for unique_id, ago, due, units in rows],
        schema={
            "unique_id": pl.String,
            "ds": pl.Date,
            "due_ds": pl.Date,
            "on_order": pl.Float64,
        },
        orient="row",
    )


def _position(
    stock: pl.DataFrame,
    orders: pl.DataFrame,
    sales: list[tuple[str, int, float]] | None = None,
    life_days: int | None = None,
) -> pl.DataFrame:
    """Of series a, for a cover from tomorrow to in three days."""
    lines = pl.DataFrame(
        [("a", _day(-1), _day(-3), life_days)],
        schema={
            "unique_id": pl.String,
            "cover_from": pl.Date,
            "cover_to": pl.Date,
            "life_days": pl.Int64,
        },
        orient="row",
    )
    sold = pl.DataFrame(
        [(unique_id, _day(ago), y) for unique_id, ago, y in sales or []],
        schema={"unique_id": pl.String, "ds": pl.Date, "y": pl.Float64},
        orient="row",
    )
    return with_position(lines, stock, still_coming(orders, stock), sold)


def test_what_is_due_by_the_covers_end_counts_and_what_comes_before_it_is_kept_apart():
    orders = _open(("a", 1, 0, 5.0), ("a", 1, 3, 6.0), ("a", 1, 4, 7.0))
    line = _position(_stock(("a", 1, 10.0)), orders).row(0, named=True)
    assert (line["arriving"], line["on_order"], line["position"]) == (5.0, 11.0, 21.0)


def test_an_overdue_order_still_comes():
    line = _position(_stock(("a", 1, 0.0)), _open(("a", 1, -4, 5.0))).row(0, named=True)
    assert line["position"] == 5.0


def test_of_older_statements_only_what_is_due_after_the_count_is_still_coming():
    """The count holds what arrived before it."""
    orders = _open(("a", 3, -2, 5.0), ("a", 3, 2, 6.0))
    assert _position(_stock(("a", 1, 10.0)), orders)["position"].item() == 16.0


def test_what_sold_after_the_count_is_no_more_in_hand():
    sales = [("a", 3, 100.0), ("a", 2, 4.0), ("a", 1, 3.0), ("b", 1, 50.0)]
    line = _position(_stock(("a", 3, 10.0)), _open(), sales).row(0, named=True)
    assert (line["in_hand"], line["on_hand"]) == (3.0, 10.0)
    assert _position(_stock(("a", 3, 5.0)), _open(), sales)["position"].item() == 0.0


def test_returns_bring_nothing_back():
    line = _position(_stock(("a", 2, 10.0)), _open(), [("a", 1, -6.0)])
    assert line["position"].item() == 10.0


def test_of_what_perishes_lasts_what_lives_to_the_covers_first_day():
    """10 counted, so delivered, yesterday; 5 come today and 6 within the cover, from tomorrow on;
    an overdue order, of 1, comes today at the earliest.
    """
    stock = _stock(("a", 1, 10.0))
    orders = _open(("a", 1, 0, 5.0), ("a", 1, 2, 6.0), ("a", 1, -4, 1.0))
    by_life = {life: _position(stock, orders, life_days=life) for life in (None, 3, 2, 1)}
    assert {life: line["lasting"].item() for life, line in by_life.items()} == {
        None: 16.0,
        3: 16.0,
        2: 6.0,
        1: 0.0,
    }
    assert {line["position"].item() for line in by_life.values()} == {22.0}


def test_a_negative_count_is_no_units():
    orders = _open(("a", 1, 1, 4.0))
    assert _position(_stock(("a", 1, -8.0)), orders)["position"].item() == 4.0


def test_a_series_never_counted_has_no_position():
    assert _position(_stock(("b", 1, 8.0)), _open(("a", 1, 1, 4.0)))["position"].to_list() == [None]
