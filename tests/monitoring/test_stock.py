"""The watcher of what can be ordered: lines without units, old stock, mornings without orders."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from monitoring.finding import Finding
from monitoring.stock import DayOrders, stock

DAY = date(2024, 3, 5)
SUNDAY, MONDAY = date(2024, 3, 3), date(2024, 3, 4)
SERIES = pl.DataFrame(
    {"unique_id": [f"{store}{item}" for store in "NS" for item in range(4)]}
).with_columns(store_id=pl.col("unique_id").str.head(1))


def lines_of(
    *, without: dict[str, str] | None = None, old: str = "", counted: bool = True
) -> pl.DataFrame:
    """A line for each series: units 1, but those of `without` (id -> reason); `old`: of whose ids
    the first letters are among these.
    """
    without = without or {}
    is_old = pl.col("unique_id").str.head(1).is_in(list(old))
    return SERIES.select(
        "unique_id",
        order_day=pl.lit(DAY),
        reason=pl.col("unique_id").replace_strict(without, default=None, return_dtype=pl.String),
        flags=pl.when(is_old).then(pl.lit("promotion|stock_old")),
        stock_ds=pl.when(is_old).then(SUNDAY).otherwise(MONDAY)
        if counted
        else pl.lit(None, pl.Date),
    ).with_columns(units=pl.when(pl.col("reason").is_null()).then(1.0))


def looked(lines: pl.DataFrame, due: int = 8) -> list[Finding]:
    return stock(DayOrders(DAY, lines, due), SERIES, max_unordered=0.2, max_old=0.2)


def loud(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.cause, one.severity) for one in findings if one.severity != "ok"]


def test_no_supply_file_is_no_business_of_the_watcher():
    assert stock(None, SERIES, 0.2, 0.2) == []


def test_lines_with_units_by_a_fresh_stock_are_well():
    assert [(one.cause, one.severity, one.value) for one in looked(lines_of())] == [
        ("stock", "ok", 0.0),
        ("stock:old", "ok", 0.0),
    ]


def test_lines_without_units_raise_an_alert_that_counts_the_reasons():
    without = {"N0": "no_stock", "N1": "no_stock", "S3": "beyond_horizon"}
    findings = looked(lines_of(without=without))
    assert loud(findings) == [("stock", "warning")]
    assert findings[0].value == 3 / 8
    assert "(no_stock 2, beyond_horizon 1)" in findings[0].what
    assert loud(looked(lines_of(without={"N0": "no_stock"}))) == []


def test_a_store_whose_stock_did_not_come_is_named_and_the_others_are_judged_without_it():
    findings = looked(lines_of(old="S"))
    assert loud(findings) == [("stock:S", "warning")]
    assert f"the newest of {SUNDAY}" in findings[-1].what
    assert [one.value for one in findings if one.cause == "stock:old"] == [0.0]


def test_all_stock_old_is_one_cause_and_not_one_for_each_store():
    assert loud(looked(lines_of(old="NS"))) == [("stock:old", "warning")]
    flat = stock(DayOrders(DAY, lines_of(old="NS"), 8), SERIES.drop("store_id"), 0.2, 0.2)
    assert loud(flat) == [("stock:old", "warning")]


def test_lines_due_and_none_proposed_is_an_error():
    (finding,) = looked(lines_of().clear())
    assert (finding.cause, finding.severity) == ("stock", "error")
    assert "8 series are ordered on 2024-03-05" in finding.what


@pytest.mark.parametrize(("lines", "due"), [(lines_of().clear(), 0), (lines_of(counted=False), 8)])
def test_a_day_without_orders_and_a_shop_that_never_stated_stock_are_not_judged(lines, due):
    assert [one.is_judged for one in looked(lines, due)] == [False]
