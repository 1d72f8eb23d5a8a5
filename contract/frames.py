"""The frames that cross a package's edge: columns, types, key and grain, declared once, then
trusted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from contract.errors import ContractBroken
from contract.quantiles import QUANTILES

MOMENT = pl.Datetime("us")


@dataclass(frozen=True)
class FrameContract:
    """What a frame must look like. Absent `optional` columns become nulls; `open_ended` allows
    further columns.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: dict[str, pl.DataType]
    optional: dict[str, pl.DataType] = field(default_factory=dict)
    open_ended: bool = False

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Required, then optional columns, in the order the frame has them."""
        return {**self.columns, **self.optional}

    def empty(self) -> pl.DataFrame:
        """A frame of this shape with no row."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with this contract's columns, order and types; ContractBroken names what is
        missing or wrong.
        """
        missing = [name for name in self.columns if name not in frame.columns]
        if missing:
            raise ContractBroken(
                f"frame '{self.name}' lacks {missing}; it has {frame.columns}. "
                f"Its grain is {self.grain}: map the columns in shop.yaml (source.files.columns)."
            )
        additions = [
            pl.lit(None, dtype=kind).alias(name)
            for name, kind in self.optional.items()
            if name not in frame.columns
        ]
        frame = frame.with_columns(additions)
        columns = [pl.col(name).cast(kind) for name, kind in self.schema.items()]
        if self.open_ended:
            columns += [pl.col(name) for name in frame.columns if name not in self.schema]
        try:
            return frame.select(columns)
        except pl.exceptions.PolarsError as error:
            raise ContractBroken(
                f"frame '{self.name}' holds a value of a wrong type: {error}"
            ) from error

    def check_key(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame itself, if no key repeats and no key column is null; ContractBroken shows one
        that does.
        """
        repeated = frame.lazy().group_by(self.key).len().filter(pl.col("len") > 1).head(1).collect()
        if repeated.height:
            raise ContractBroken(
                f"frame '{self.name}' repeats the key {repeated.row(0, named=True)}; "
                f"its grain is {self.grain}."
            )
        if frame.select(pl.any_horizontal(pl.col(list(self.key)).is_null().any())).item():
            raise ContractBroken(
                f"frame '{self.name}' has a null in its key {list(self.key)}; "
                f"its grain is {self.grain}."
            )
        return frame


SALES = FrameContract(
    "sales",
    "one series and day, as last known",
    ("unique_id", "ds"),
    {"unique_id": pl.String(), "ds": pl.Date(), "y": pl.Float64(), "known_at": MOMENT},
    {"is_open": pl.Boolean(), "stockout_share": pl.Float64()},
)

SERIES = FrameContract(
    "series",
    "one series",
    ("unique_id",),
    {"unique_id": pl.String()},
    open_ended=True,
)

CALENDAR = FrameContract(
    "calendar",
    "one region and day; region '*' holds everywhere",
    ("region", "ds"),
    {"region": pl.String(), "ds": pl.Date(), "known_at": MOMENT},
    # event: names joined by '|'; is_payday: a day on which customers receive money (M5's SNAP)
    {
        "event": pl.String(),
        "event_type": pl.String(),
        "is_closed": pl.Boolean(),
        "is_payday": pl.Boolean(),
    },
)

PRICES = FrameContract(
    "prices",
    "one series and period, both ends included; periods of a series do not overlap",
    ("unique_id", "from_ds"),
    {"unique_id": pl.String(), "from_ds": pl.Date(), "to_ds": pl.Date(), "known_at": MOMENT},
    {"price": pl.Float64(), "promo": pl.Float64()},
)

COVARIATES = FrameContract(
    "covariates",
    "one series, day and name",
    ("unique_id", "ds", "name"),
    {
        "unique_id": pl.String(),
        "ds": pl.Date(),
        "name": pl.String(),
        "value": pl.Float64(),
        "known_at": MOMENT,
    },
)

TOTALS = FrameContract(
    "totals",
    "one scope (contract.scopes) and day: units that all its series sold, older than their sales "
    "or beside them",
    ("scope", "ds"),
    {"scope": pl.String(), "ds": pl.Date(), "y": pl.Float64(), "known_at": MOMENT},
)

STOCK = FrameContract(
    "stock",
    "one series and day: units in hand at its close",
    ("unique_id", "ds"),
    {"unique_id": pl.String(), "ds": pl.Date(), "on_hand": pl.Float64(), "known_at": MOMENT},
)

OPEN_ORDERS = FrameContract(
    "open_orders",
    "one series, day and due day: units ordered and not arrived, as stated at the day's close; "
    "0 due on the day itself: none is open",
    ("unique_id", "ds", "due_ds"),
    {
        "unique_id": pl.String(),
        "ds": pl.Date(),
        "due_ds": pl.Date(),
        "on_order": pl.Float64(),
        "known_at": MOMENT,
    },
)

# what a row of the supply file may say of its series; all null: the row was withdrawn
TERMS: dict[str, pl.DataType] = {
    "order_days": pl.String(),  # ISO weekdays, "1 4"
    "review_days": pl.Float64(),
    "first_order": pl.Date(),
    "lead_days": pl.String(),  # "2", or days with their probabilities, "2:0.8 3:0.2"
    "pack_size": pl.Float64(),
    "min_order": pl.Float64(),
    "shelf_life_days": pl.Float64(),
    "unit_cost": pl.Float64(),
    "margin": pl.Float64(),
    "leftover_cost": pl.Float64(),
    "target_service": pl.Float64(),
}

SUPPLY = FrameContract(
    "supply",
    "one scope (contract.scopes): terms of supply of the series that have its values",
    ("scope",),
    {"scope": pl.String(), "known_at": MOMENT},
    TERMS,
)

# what is older than a panel that begins late: all that is read of it
BEFORE = FrameContract(
    "before",
    "one series with units sold before the panel's first day; a first and a last day on which it "
    "was not sold out",
    ("unique_id",),
    {
        "unique_id": pl.String(),
        "first_sale": pl.Date(),
        "last_sale": pl.Date(),
        "most_sold": pl.Float64(),
    },
)

# the facts of a panel: all bitemporal, all stored and superseded the same way
FACTS: dict[str, FrameContract] = {
    frame.name: frame for frame in (SALES, CALENDAR, PRICES, COVARIATES, TOTALS)
}

PLANS = (PRICES.name, COVARIATES.name)  # what is known of days ahead, series by series


def earlier_of(contract: FrameContract) -> FrameContract:
    """What earlier versions of a fact look like."""
    return FrameContract(
        f"superseded_{contract.name}",
        f"one earlier version of {contract.grain}",
        (*contract.key, "known_at"),
        {**contract.schema, "superseded_at": MOMENT},
    )


# the facts beside it, kept in the same way: no model reads them, no panel's hash changes with them
SUPPLY_FACTS: dict[str, FrameContract] = {
    frame.name: frame for frame in (STOCK, OPEN_ORDERS, SUPPLY)
}
STORED_FACTS: dict[str, FrameContract] = FACTS | SUPPLY_FACTS

_QUANTILE_COLUMNS = {name: pl.Float64() for name in QUANTILES}

FORECASTS = FrameContract(
    "forecasts",
    "one run, series and target day",
    ("run_id", "unique_id", "ds"),
    {
        "run_id": pl.String(),
        "origin": pl.Date(),
        "unique_id": pl.String(),
        "ds": pl.Date(),
        "h": pl.Int32(),
        "y_hat": pl.Float64(),
        **_QUANTILE_COLUMNS,
        "method": pl.String(),
    },
    {"reason": pl.String(), "created_at": MOMENT},
)

FORECAST_LEVELS = FrameContract(
    "forecast_levels",
    "one run, level, group and target day",
    ("run_id", "level", "group_key", "ds"),
    {
        "run_id": pl.String(),
        "origin": pl.Date(),
        "level": pl.String(),
        "group_key": pl.String(),
        "ds": pl.Date(),
        "h": pl.Int32(),
        "y_hat": pl.Float64(),
        **_QUANTILE_COLUMNS,
    },
)

DEMAND_SPANS = FrameContract(
    "demand_spans",
    "one run, series or group, and span of days ahead, both ends included",
    ("run_id", "level", "key", "from_h", "to_h"),
    {
        "run_id": pl.String(),
        "origin": pl.Date(),
        "level": pl.String(),
        "key": pl.String(),
        "from_h": pl.Int32(),
        "to_h": pl.Int32(),
        "mean": pl.Float64(),
        **_QUANTILE_COLUMNS,
    },
)

# what to order; `units` null where nothing can be said, and `reason` says why
ORDERS = FrameContract(
    "orders",
    "one order day and series whose order day it is; the newest proposal for the day",
    ("order_day", "unique_id"),
    {
        "order_day": pl.Date(),
        "run_id": pl.String(),
        "unique_id": pl.String(),
        "cover_from": pl.Date(),
        "cover_to": pl.Date(),
        "demand": pl.Float64(),
        "service": pl.Float64(),
        "target": pl.Float64(),
        "stock_ds": pl.Date(),
        "on_hand": pl.Float64(),
        "on_order": pl.Float64(),
        "position": pl.Float64(),
        "units": pl.Float64(),
        "packs": pl.Float64(),
        "money": pl.Float64(),
        "short": pl.Float64(),
        "left_over": pl.Float64(),
        "p_out": pl.Float64(),
        "p_out_before": pl.Float64(),
        "days_of_cover": pl.Float64(),
    },
    {"reason": pl.String(), "flags": pl.String(), "created_at": MOMENT},
)

# what a person says of a group's days, beside the model's forecast; `revoked_at` null: it holds
OVERRIDES = FrameContract(
    "overrides",
    "one override: what a person said of a group's days",
    ("override_id",),
    {
        "override_id": pl.Int64(),
        "made_at": MOMENT,
        "made_by": pl.String(),
        "level": pl.String(),
        "key": pl.String(),
        "from_ds": pl.Date(),
        "to_ds": pl.Date(),
        "kind": pl.String(),
        "value": pl.Float64(),
        "reason": pl.String(),
        "run_id": pl.String(),
        "origin": pl.Date(),
    },
    {
        "expires_on": pl.Date(),
        "revoked_at": MOMENT,
        "revoked_by": pl.String(),
    },
)

OVERRIDDEN = FrameContract(
    "overridden",
    "one run, override, series and target day; of several overrides of a row the last one holds",
    ("run_id", "override_id", "unique_id", "ds"),
    {
        "run_id": pl.String(),
        "override_id": pl.Int64(),
        "unique_id": pl.String(),
        "ds": pl.Date(),
        "model": pl.Float64(),
        "y_hat": pl.Float64(),
    },
)

SCORES = FrameContract(
    "scores",
    "one run, model, cutoff, level, slice and metric",
    ("run_id", "model", "cutoff", "level", "slice", "metric"),
    {
        "run_id": pl.String(),
        "model": pl.String(),
        "cutoff": pl.Date(),
        "level": pl.String(),
        "slice": pl.String(),
        "metric": pl.String(),
        "value": pl.Float64(),
    },
)

# what was refused, before the batch it belongs to is known
REFUSED = FrameContract(
    "refused",
    "one refused row of one batch",
    ("row_number", "reason"),
    {"row_number": pl.Int64(), "reason": pl.String(), "raw": pl.String()},
)
