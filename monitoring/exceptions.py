"""What a planner should look at first: series and causes, ranked by the money at risk."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from contract.days import WEEK

CAUSES = {
    "runs_out": "runs out before the delivery",
    "surplus": "more in stock than the table's days sell",
    "sold_otherwise": "last week sold otherwise than forecast",
    "moves": "the next week is far from the last four",
    "forecast_moved": "another forecast than in the table before",
}
LEAST_OUT = 0.1  # probability of running out from which a line is worth a look
LEAST_CHANGE = 0.25  # share by which a week or a table differs; less is not worth a line
LEAST_UNITS = 1.0  # less than one unit is noise of slow sellers


@dataclass(frozen=True)
class Evidence:
    """By series, each with unique_id.

    `sums`: units_next_7, units_last_28, units_before, units_overlap and price (null: not known);
    all ahead are the model's, since what a person changed is no surprise to people.
    `orders`: ORDERS of the newest order day. `horizon_units`: units of the whole table.
    `last_week`: y, mean, q025, q975 of the seven days up to the newest, as forecast before them.
    """

    sums: pl.DataFrame
    orders: pl.DataFrame
    horizon_units: pl.DataFrame
    last_week: pl.DataFrame


def exceptions(evidence: Evidence, count: int) -> pl.DataFrame:
    """unique_id, cause, units, money (null: no price), words; the most money first, units where
    there is no price of any.
    """
    price = evidence.sums.select("unique_id", "price")
    parts = [
        _runs_out(evidence.orders),
        _surplus(evidence),
        _sold_otherwise(evidence.last_week),
        _moves(evidence.sums),
        _forecast_moved(evidence.sums),
    ]
    every = pl.concat(parts).filter(pl.col("units") >= LEAST_UNITS)
    priced = every.join(price, on="unique_id", how="left", maintain_order="left", validate="m:1")
    ranked = priced.with_columns(money=pl.col("units") * pl.col("price")).drop("price")
    by = "money" if ranked["money"].count() else "units"
    order = [by, "unique_id", "cause"]
    return ranked.sort(order, descending=[True, False, False], nulls_last=True).head(count)


def _runs_out(orders: pl.DataFrame) -> pl.DataFrame:
    out = orders.filter(pl.col("p_out_before") >= LEAST_OUT, pl.col("demand") > 0)
    words = pl.format(
        "{}% likely; in hand {}, on its way {}, {} wanted until {}",
        (pl.col("p_out_before") * 100).round(0).cast(pl.Int64),
        _number("on_hand"),
        _number("on_order"),
        _number("demand"),
        "cover_to",
    )
    return _lines(out, "runs_out", pl.col("p_out_before") * pl.col("demand"), words)


def _surplus(evidence: Evidence) -> pl.DataFrame:
    lines = evidence.orders.join(evidence.horizon_units, on="unique_id", how="inner")
    over = pl.col("position") - pl.col("horizon_units")
    words = pl.format(
        "{} there or on its way, {} expected to sell", _number("position"), _number("horizon_units")
    )
    return _lines(lines.filter(over > 0), "surplus", over, words)


def _sold_otherwise(last_week: pl.DataFrame) -> pl.DataFrame:
    above, below = pl.col("y") - pl.col("q975"), pl.col("q025") - pl.col("y")
    beyond = pl.max_horizontal(above, below)
    words = pl.format(
        "sold {}, {} expected, {} to {} in 95% of weeks",
        *(_number(name) for name in ("y", "mean", "q025", "q975")),
    )
    return _lines(last_week.filter(beyond > 0), "sold_otherwise", beyond, words)


def _moves(sums: pl.DataFrame) -> pl.DataFrame:
    usual = pl.col("units_last_28") / (28 / WEEK)
    moved = (pl.col("units_next_7") - usual).abs()
    words = pl.format(
        "{} next week, {} in a week of the last four", _number("units_next_7"), _rounded(usual)
    )
    return _lines(sums.filter(moved > LEAST_CHANGE * usual), "moves", moved, words)


def _forecast_moved(sums: pl.DataFrame) -> pl.DataFrame:
    moved = (pl.col("units_overlap") - pl.col("units_before")).abs()
    words = pl.format("{} before, {} now", _number("units_before"), _number("units_overlap"))
    far = sums.filter(moved > LEAST_CHANGE * pl.col("units_before"))
    return _lines(far, "forecast_moved", moved, words)


def _lines(rows: pl.DataFrame, cause: str, units: pl.Expr, words: pl.Expr) -> pl.DataFrame:
    return rows.select(
        pl.col("unique_id").cast(pl.String),
        cause=pl.lit(cause),
        units=units.cast(pl.Float64).round(2),
        words=words.cast(pl.String),
    )


def _number(column: str) -> pl.Expr:
    return _rounded(pl.col(column))


def _rounded(value: pl.Expr) -> pl.Expr:
    """With a decimal below ten, none above; absent is 0."""
    value = value.cast(pl.Float64).fill_null(0.0)
    whole = value.round(0).cast(pl.Int64).cast(pl.String)
    is_small = (value.abs() < 10) & (value.round(1) != value.round(0))
    return pl.when(is_small).then(value.round(1).cast(pl.String)).otherwise(whole)
