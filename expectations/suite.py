"""A suite: the measures taken of a fact's rows, and the rules they must keep, in the order of
blame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from contract.frames import CALENDAR, PRICES, SERIES, STORED_FACTS, FrameContract
from contract.params import IngestParams
from expectations.rule import Rule

# what was counted on the days before a batch, by the columns of the levels compared
PAST = {"ds": pl.Date(), "rows": pl.Int64(), "selling": pl.Int64(), "volume": pl.Float64()}

# of a day known before, the shares of its rows that the batch says otherwise, and lower; its rows
RESTATED = {
    "ds": pl.Date(),
    "restated_share": pl.Float64(),
    "lowered_share": pl.Float64(),
    "known_rows": pl.Int64(),
}

# of rows that are sums of lines, the keys that are known already: what the batch would replace
STATED_BEFORE = {"unique_id": pl.String(), "ds": pl.Date()}

# rows of the batch that say what is known already
REPEATED = {"unique_id": pl.String(), "ds": pl.Date()}

# of the weeks before a batch, by series and weekday (1: Monday): units in all, and weeks with a row
USUAL_UNITS = {
    "unique_id": pl.String(),
    "weekday": pl.Int8(),
    "units": pl.Float64(),
    "weeks": pl.Int64(),
}

# of the eight weeks before a batch up to its last day, the rows that sold
RECENT_SALES = {"unique_id": pl.String(), "ds": pl.Date(), "y": pl.Float64()}

# of the eight weeks before a batch, the least (above 0) and most units a series had in hand; of
# series whose stock was stated often enough that deliveries are in it
KNOWN_STOCK = {"unique_id": pl.String(), "least": pl.Float64(), "most": pl.Float64()}


@dataclass(frozen=True)
class Context:
    """What the judge may know beside the batch itself. Empty frames mean: nothing known, nothing to
    compare with.
    """

    ingest: IngestParams
    received_day: date
    known_series: pl.Series | None = None  # the assortment: who is new
    first_known: date | None = None  # the first day of sales known
    # without the rows the batch restates
    past: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PAST))
    restated: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RESTATED))
    repeated: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REPEATED))
    usual_units: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=USUAL_UNITS))
    # without the rows the batch restates
    recent_sales: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RECENT_SALES))
    series: pl.DataFrame = field(default_factory=SERIES.empty)  # the groups of the batch's series
    # the groups compared with their weekday; (): all together
    levels: tuple[tuple[str, ...], ...] = ((),)
    prices: pl.DataFrame = field(default_factory=PRICES.empty)  # current ones of the batch's series
    calendar: pl.DataFrame = field(default_factory=CALENDAR.empty)  # of the batch's days
    known_stock: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=KNOWN_STOCK))
    regions: pl.DataFrame | None = None  # unique_id, region: which calendar a series keeps
    stated_before: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=STATED_BEFORE))

    @property
    def columns(self) -> list[str]:
        """The columns of the series that the compared levels are made of."""
        return list(dict.fromkeys(column for level in self.levels for column in level))


Measure = Callable[[pl.DataFrame, Context], pl.DataFrame]


@dataclass(frozen=True)
class Suite:
    """The rules of one fact. `measured` adds the columns that rules read and a received file does
    not have.
    """

    fact: str
    measured: Measure
    rules: Callable[[IngestParams], list[Rule]]

    @property
    def contract(self) -> FrameContract:
        """The fact's frame."""
        return STORED_FACTS[self.fact]
