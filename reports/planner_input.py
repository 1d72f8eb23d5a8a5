"""What the planner's page is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from reports.ahead import Known

HISTORY_DAYS = 84  # of sales, shown of a series


@dataclass(frozen=True)
class PlannerPage:
    """The page's one input. `sums`: ahead.sums_by_series with `price`; `exceptions`: unique_id,
    cause, units, money, words; `causes`: words of each cause. `overrides`: as listed, the newest
    first. `unit`: what y is called. `before_origin`: of the table before.
    """

    known: Known
    sums: pl.DataFrame
    exceptions: pl.DataFrame
    causes: dict[str, str]
    orders: pl.DataFrame
    names: pl.DataFrame
    calendar: pl.DataFrame
    overrides: pl.DataFrame
    value_added: dict[str, list[dict[str, Any]]]
    unit: str
    before_origin: date | None

    @property
    def has_money(self) -> bool:
        """Whether prices turn units into money; not where y is money already."""
        return self.unit == "units" and self.sums["price"].count() > 0
