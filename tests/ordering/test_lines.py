"""Order lines: which have units, which a reason, which a flag that doubts what they stand on."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from contract.frames import DEMAND_SPANS, FORECASTS, OPEN_ORDERS, STOCK, TERMS
from contract.params import OrderingParams, Params
from contract.quantiles import QUANTILES
from ordering.lines import REASONS, Facts, propose_orders

ORIGIN = date(2024, 3, 4)
DAY = ORIGIN + timedelta(days=1)
HORIZON = 14


@pytest.fixture(scope="module")
def ordering(params: Params) -> OrderingParams:
    """At most 100 days of demand in stock, of a day before."""
    return params.ordering.model_copy(update={"max_stock_days": 100.0, "max_stock_age_days": 1})


def facts_of(terms: dict[str, object], *, on_hand: float = 3.0, age: int = 0) -> Facts:
    """One series that sells 2 a day, with these terms, counted so many days before the origin."""
    days = [
        {"unique_id": "a", "ds": ORIGIN + timedelta(days=h), "h": h, "y_hat": 2.0}
        for h in range(1, HORIZON + 1)
    ]
    forecasts = pl.DataFrame(days).with_columns(
        run_id=pl.lit("r"), origin=ORIGIN, method=pl.lit("m"), reason=pl.lit(None, pl.String)
    )
    stock = {"unique_id": "a", "ds": ORIGIN - timedelta(days=age), "on_hand": on_hand}
    return Facts(
        DAY,
        ORIGIN,
        FORECASTS.conform(forecasts.with_columns(**{name: pl.lit(2.0) for name in QUANTILES})),
        pl.DataFrame([dict.fromkeys(TERMS) | {"unique_id": "a"} | terms], schema_overrides=TERMS),
        pl.DataFrame([stock | {"known_at": None}], schema=STOCK.schema),
        OPEN_ORDERS.empty(),
        pl.DataFrame(schema={"unique_id": pl.String, "ds": pl.Date, "y": pl.Float64}),
        pl.DataFrame(schema={"unique_id": pl.String, "from_ds": pl.Date, "to_ds": pl.Date}),
        pl.Series("unique_id", [], pl.String),
    )


def ask(spans: pl.DataFrame) -> pl.DataFrame:
    """Demand that is its mean for certain."""
    mean = 2.0 * (pl.col("to_h") - pl.col("from_h") + 1)
    return DEMAND_SPANS.conform(
        spans.with_columns(
            run_id=pl.lit("r"), origin=ORIGIN, level=pl.lit("series"), mean=mean
        ).with_columns(**{name: pl.col("mean") for name in QUANTILES})
    )


def line_of(facts: Facts, params: OrderingParams) -> dict[str, object]:
    orders, _ = propose_orders(facts, params, ask)
    return orders.row(0, named=True)


@pytest.mark.parametrize(
    ("terms", "on_hand", "reason"),
    [
        ({}, 3.0, None),
        ({"lead_days": "0"}, 3.0, None),
        ({"lead_days": str(HORIZON)}, 3.0, "beyond_horizon"),
        ({}, 201.0, "stock_absurd"),
        ({"pack_size": 200.0}, 3.0, None),  # a hundred days of demand
        ({"pack_size": 201.0}, 3.0, "order_absurd"),
        ({"min_order": 10_000.0}, 3.0, "order_absurd"),
    ],
)
def test_a_line_has_units_or_the_reason_why_not(ordering, terms, on_hand, reason):
    line = line_of(facts_of(terms, on_hand=on_hand), ordering)
    assert line["reason"] == reason
    assert reason is None or reason in REASONS
    assert (line["units"] is None) == (reason is not None)


def test_without_a_lead_time_the_order_lasts_from_its_own_day(ordering):
    line = line_of(facts_of({"lead_days": "0"}, on_hand=0.0), ordering)
    assert (line["cover_from"], line["cover_to"], line["units"]) == (DAY, DAY, 2.0)


@pytest.mark.parametrize(
    ("on_hand", "age", "flag"),
    [(3.0, 1, None), (3.0, 2, "stock_old"), (-3.0, 0, "stock_negative")],
)
def test_what_a_line_stands_on_is_doubted_by_a_flag(ordering, on_hand, age, flag):
    line = line_of(facts_of({}, on_hand=on_hand, age=age), ordering)
    assert set(str(line["flags"] or "").split("|")) - {"", "sales_lost"} == ({flag} - {None})
