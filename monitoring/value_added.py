"""What people's overrides are worth: their errors beside the model's, and the model's beside the
naive forecast's, on the days that have come true.
"""

from __future__ import annotations

from typing import Any

import polars as pl

FORECASTS = ("naive", "model", "final")
# of the model's units, changed by; the last is open
SIZES = {"up to 10%": 0.1, "10 to 30%": 0.3, "30 to 100%": 1.0}
LARGEST = "over 100%"


def by_override(rows: pl.DataFrame) -> pl.DataFrame:
    """One row an override: days, y, and the absolute errors of naive, model and person, of the
    group's daily sums; `model_saved`, `person_saved`: units of error less than the one before.

    `rows`: override_id, unique_id, ds, y, and FORECASTS in units, of known days alone.
    """
    sums = rows.group_by("override_id", "ds").agg(pl.col("y", *FORECASTS).sum())
    errors = sums.with_columns((pl.col(*FORECASTS) - pl.col("y")).abs())
    scored = errors.group_by("override_id").agg(
        pl.len().alias("days"), pl.col("y", *FORECASTS).sum()
    )
    return scored.with_columns(
        model_saved=pl.col("naive") - pl.col("model"),
        person_saved=pl.col("model") - pl.col("final"),
    ).sort("override_id")


def size_of(model: pl.Expr, final: pl.Expr) -> pl.Expr:
    """How much of the model's units an override changed, as one of SIZES."""
    change = (final / model - 1).abs()
    size = pl.lit(LARGEST)
    for name, most in reversed(SIZES.items()):
        # percentages come back from floats: 10% is no more than 10%
        size = pl.when(change <= most + 1e-9).then(pl.lit(name)).otherwise(size)
    return size


def value_tables(scored: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """total, by_person, by_reason, by_size: overrides, how many of them helped, units sold, WAPE of
    naive, model and person, and what model and person saved; the most saved first.

    `scored`: by_override, with person, reason and size.
    """
    if scored.is_empty():
        return {}
    parts = {"total": pl.lit("all"), **{f"by_{one}": pl.col(one) for one in _BY}}
    return {name: _table(scored, key.alias("of")) for name, key in parts.items()}


_BY = ("person", "reason", "size")


def _table(scored: pl.DataFrame, key: pl.Expr) -> list[dict[str, Any]]:
    sold = pl.col("y").sum()
    share = pl.when(sold > 0).then(1 / sold)
    table = scored.group_by(key).agg(
        pl.len().alias("overrides"),
        (pl.col("person_saved") > 0).sum().alias("helped"),
        sold.round(3),
        *((pl.col(name).sum() * share).alias(f"{name}_wape") for name in FORECASTS),
        pl.col("model_saved", "person_saved").sum().round(3),
        (pl.col("person_saved").sum() * share).alias("person_saved_share"),
    )
    return table.sort(["person_saved", "of"], descending=[True, False]).to_dicts()
