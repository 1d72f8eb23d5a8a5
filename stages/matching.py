"""Judged rows of a file matched with the rows of it that lie in quarantine."""

from __future__ import annotations

import polars as pl

from contract.frames import STORED_FACTS
from sources.reasons import REASONS


def matching(
    judged: pl.DataFrame, own: pl.DataFrame, fact: str, by_line: bool = False
) -> pl.DataFrame:
    """The judged rows that lie in quarantine, each with the `raw` that names it there. `judged` as
    from `keyed` or `keyed_raw`, `own`: the quarantined rows of this fact.

    A row that a rule refused is known by its line and key, one that could not be mapped by its line
    alone: nothing of such a line was ever accepted. `by_line`: a line that cannot be mapped now
    stands for whatever it held.
    """
    keys = [f"(key) {name}" for name in STORED_FACTS[fact].key]
    is_unmapped = pl.col("reason").is_in(list(REASONS))
    unmapped = own.filter(is_unmapped)
    ruled_out = own.filter(~is_unmapped).with_columns(_key_in_raw(fact))
    unmapped_now = judged.filter(is_unmapped) if by_line else judged.clear()
    lines = unmapped.select("row_number", "raw", "lines")
    matches = [
        judged.join(lines, on="row_number" if by_line else ["row_number", "lines"], how="inner"),
        judged.join(
            ruled_out.select("row_number", "raw", *keys), on=["row_number", *keys], how="inner"
        ),
        unmapped_now.join(ruled_out.select("row_number", "raw"), on="row_number", how="inner"),
    ]
    return pl.concat([rows.select(*judged.columns, "raw") for rows in matches]).unique(
        ["row_number", "raw"], maintain_order=True
    )


def keyed(rows: pl.DataFrame, fact: str) -> pl.DataFrame:
    """Accepted rows with their key as text, `(key) NAME` for each of its columns."""
    return rows.with_columns(
        pl.col(name).cast(pl.String).alias(f"(key) {name}") for name in STORED_FACTS[fact].key
    )


def keyed_raw(refused: pl.DataFrame, fact: str) -> pl.DataFrame:
    """Refused rows with the key that their raw line names, as text, and without that line."""
    return refused.with_columns(_key_in_raw(fact)).drop("raw")


def _key_in_raw(fact: str) -> list[pl.Expr]:
    return [
        pl.col("raw").str.json_path_match(f"$.{name}").alias(f"(key) {name}")
        for name in STORED_FACTS[fact].key
    ]
