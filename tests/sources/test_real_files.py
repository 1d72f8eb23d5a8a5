"""The mapping tried on other people's data. Counts were taken from the files by other means (see
each test).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from contract.frames import COVARIATES, PRICES, SALES
from sources.finding import files_of
from sources.reading import read_file

ROSSMANN = {
    "sales": "train.*",
    "static": "store.*",
    "static_on": ["Store"],
    "columns": {
        "unique_id": ["Store"],
        "ds": "Date",
        "y": "Sales",
        "is_open": "Open",
        "promo": "Promo",
    },
    "hierarchy": {"store_id": "Store", "store_type": "StoreType", "assortment": "Assortment"},
    "known_future": {
        "school_holiday": "SchoolHoliday",
        "state_holiday": {"column": "StateHoliday", "codes": {"0": 0, "a": 1, "b": 2, "c": 3}},
    },
    "past_only": {"customers": "Customers"},
}
STORE_ITEM_DEMAND = {
    "sales": "train.*",
    "columns": {"unique_id": ["item", "store"], "ds": "date", "y": "sales"},
    "hierarchy": {"store_id": "store", "item_id": "item"},
}
FRESHRETAILNET = {
    "sales": "daily.*",
    "columns": {
        "unique_id": ["product_id", "store_id"],
        "ds": "dt",
        "y": "sale_amount",
        "stockout_share": "stockout_hours_6_22",
        "price": "discount",
        "promo": "activity_flag",
    },
    "scale": {"stockout_share": 0.0625},
    "hierarchy": {
        "city_id": "city_id",
        "store_id": "store_id",
        "cat_id": "third_category_id",
        "item_id": "product_id",
    },
    "known_future": {"holiday": "holiday_flag"},
}
ONLINE_RETAIL = {
    "sales": "transactions.*",
    "transactions": True,
    "deduplicate_on": [
        "invoice",
        "stock_code",
        "description",
        "quantity",
        "invoice_ts",
        "unit_price",
        "customer_id",
        "country",
    ],
    "keep": {"stock_code": "^[0-9]{5}[A-Za-z]*$"},
    "columns": {
        "unique_id": "stock_code",
        "ds": "invoice_ts",
        "y": "quantity",
        "price": "unit_price",
    },
    "hierarchy": {"item_id": "stock_code"},
}


@pytest.fixture
def facts_of(shared_data: Path, source_of):
    """Reads one folder of the real data by its mapping, checking what holds for every source."""

    def read(folder: str, mapping: dict) -> dict:
        source = source_of("files", shared_data / folder, **mapping)
        facts = {fact.fact: fact for path in files_of(source) for fact in read_file(path, source)}
        for fact in facts.values():
            assert fact.rows_in == fact.rows["lines"].sum() + fact.refused.height
            assert fact.is_history
        return facts

    return read


def test_rossmann_maps_without_a_refused_line(facts_of):
    facts = facts_of("rossmann", ROSSMANN)
    sales = SALES.check_key(facts["sales"].rows)
    assert (sales.height, facts["sales"].refused.height, facts["sales"].series.height) == (
        970_379,
        0,
        1_115,
    )
    assert sales.filter(~pl.col("is_open"))["y"].sum() == 0
    assert PRICES.check_key(facts["prices"].rows)["lines"].sum() == 970_379
    assert COVARIATES.check_key(facts["covariates"].rows).height == 3 * 970_379


def test_store_item_demand_maps_without_a_refused_line(facts_of):
    sales = facts_of("store_item_demand", STORE_ITEM_DEMAND)["sales"]
    assert (SALES.check_key(sales.rows).height, sales.refused.height, sales.series.height) == (
        913_000,
        0,
        500,
    )


def test_freshretailnet_keeps_its_stock_outs(facts_of):
    """README of the data: 44% of store-product-days have some stock-out between 6 and 22 h."""
    sales = facts_of("freshretailnet", FRESHRETAILNET)["sales"]
    assert (sales.rows.height, sales.series.height) == (3_052_160, 40_160)
    assert sales.rows["stockout_share"].max() == 1.0
    assert (sales.rows["stockout_share"] > 0).mean() == pytest.approx(0.44, abs=0.01)


def test_online_retail_sums_products_once_and_hides_its_customers(facts_of, shared_data: Path):
    """The same sum by hand: distinct lines (the sheet apart), five digits first, quantity > 0."""
    sales = facts_of("online_retail", ONLINE_RETAIL)["sales"]
    lines = (
        pl.read_parquet(shared_data / "online_retail" / "transactions.parquet")
        .drop("sheet")
        .unique()
    )
    products = lines.filter(
        pl.col("stock_code").str.strip_chars().str.contains("^[0-9]{5}[A-Za-z]*$")
    )
    assert sales.rows["y"].sum() == products.filter(pl.col("quantity") > 0)["quantity"].sum()
    assert sales.rows_in == 1_067_370
    assert set(sales.refused["reason"].unique()) == {"duplicate_line", "not_a_product", "returned"}
    assert SALES.check_key(sales.rows)["ds"].max() == date(2011, 12, 9)
    assert not sales.refused["raw"].str.contains("customer").any()
