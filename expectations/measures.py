"""Measures that several suites share: of names, of repeated keys, of days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from contract.spelling import bare

CONTROL_CHARACTERS = r"[\x00-\x1f\x7f]"


def is_unknown(known: pl.Series | None) -> pl.Expr:
    """1 for a series that is none of the known ones; 0 where nothing is known yet."""
    if known is None or known.is_empty():
        return pl.lit(0, pl.Int64).alias("is_unknown")
    return (~pl.col("unique_id").is_in(known.implode())).cast(pl.Int64).alias("is_unknown")


def with_known_as(
    rows: pl.DataFrame, known: pl.Series | None, recent: pl.DataFrame
) -> pl.DataFrame:
    """Adds `known_as`: of a row of no known series the known one whose name differs in its spelling
    alone (contract.spelling), which sold lately (`recent`: unique_id) and has no row on this day;
    and `spelt_otherwise`, 1 where there is one.
    """
    found = _spelt_otherwise(rows, known, recent)
    if found.is_empty():  # nearly always
        return rows.with_columns(known_as=pl.lit(None, pl.String), spelt_otherwise=pl.lit(0))
    joined = rows.join(found, on=["unique_id", "ds"], how="left", maintain_order="left")
    return joined.with_columns(spelt_otherwise=pl.col("known_as").is_not_null().cast(pl.Int64))


def _spelt_otherwise(
    rows: pl.DataFrame, known: pl.Series | None, recent: pl.DataFrame
) -> pl.DataFrame:
    """unique_id, ds, known_as of such rows."""
    nobody = pl.DataFrame(schema={"unique_id": pl.String, "ds": pl.Date, "known_as": pl.String})
    if known is None or known.is_empty() or recent.is_empty():
        return nobody
    keys = rows.lazy().select("unique_id", "ds").drop_nulls()
    new = keys.filter(~pl.col("unique_id").is_in(known.implode())).unique().collect()
    if new.is_empty():
        return nobody
    sold = recent.select("unique_id").unique()
    names = sold.select(bare("unique_id").alias("(bare)"), known_as="unique_id")
    names = names.unique("(bare)", keep="none")  # of two spellings that both sell neither is meant
    met = new.with_columns(bare("unique_id").alias("(bare)")).join(names, on="(bare)")
    there = rows.select("ds", known_as="unique_id")
    return met.join(there, on=["known_as", "ds"], how="anti").select("unique_id", "ds", "known_as")


def name_length(column: str) -> pl.Expr:
    """Characters of a name; null for no name."""
    return pl.col(column).str.len_chars().cast(pl.Int64).alias(f"{column}_length")


def control_characters(column: str) -> pl.Expr:
    """How many characters of a name cannot be seen: line ends, tabs, zero bytes."""
    return (
        pl.col(column)
        .str.count_matches(CONTROL_CHARACTERS)
        .cast(pl.Int64)
        .alias(f"{column}_unseen")
    )


def days_ahead(column: str, received_day: date) -> pl.Expr:
    """Days by which a day lies after the moment it was learned: nobody knows tomorrow's sales."""
    learned = pl.col("known_at").dt.date().fill_null(received_day)
    return (pl.col(column) - learned).dt.total_days().alias("days_ahead")


def days_learned_ahead(received_day: date) -> pl.Expr:
    """Days by which the moment a row was learned lies after the day it was received; null where the
    file does not say.
    """
    return (
        (pl.col("known_at").dt.date() - pl.lit(received_day))
        .dt.total_days()
        .alias("days_learned_ahead")
    )


def days_since(column: str, first: date) -> pl.Expr:
    """Days since a first day; negative before it."""
    return (pl.col(column) - pl.lit(first)).dt.total_days().alias("days_since_oldest")


def days_from_now(column: str, received_day: date) -> pl.Expr:
    """Days by which a day lies after the one on which its file was received."""
    return (pl.col(column) - pl.lit(received_day)).dt.total_days().alias("days_from_now")


def with_copies(rows: pl.DataFrame, key: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    """Adds `copy` (0 for the first of equal rows) and `versions` (how many different rows share the
    key).

    A key without repetition is found by its hash first: most batches repeat none, and this is their
    cheap way out.
    """
    key_hash = rows.select(pl.struct(key).hash()).to_series()
    suspects = (
        key_hash.is_duplicated()
        & rows.select(pl.all_horizontal(pl.col(key).is_not_null())).to_series()
    )
    unique = {"copy": pl.lit(0, pl.Int64), "versions": pl.lit(1, pl.Int64)}
    if not suspects.any():
        return rows.with_columns(**unique)
    content = pl.struct(*key, *values)
    repeated = (
        rows.with_row_index("at")
        .filter(suspects)
        .select(
            "at",
            copy=pl.int_range(pl.len()).over(content),
            versions=content.n_unique().over(pl.struct(key)).cast(pl.Int64),
        )
    )
    joined = (
        rows.with_row_index("at")
        .join(repeated, on="at", how="left", maintain_order="left")
        .drop("at")
    )
    return joined.with_columns(pl.col("copy").fill_null(0), pl.col("versions").fill_null(1))
