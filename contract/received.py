"""What a source hands to ingest.py: rows mapped to a fact's contract, and the rows that could not
be.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

# the reason of a refused line that is the sum of others: no data, so not counted as a fault
TOTAL_LINE = "total_line"
READ = "(read)"  # beside a refused row's own columns: what could be read of it


@dataclass(frozen=True)
class Unread:
    """Rows of a file that could not be read, and sentences that say why: the column, three of its
    fields, the setting that would read them.
    """

    rows: int
    why: str


@dataclass(frozen=True)
class Received:
    """One fact out of one file; becomes one batch.

    `rows` has the columns of `FACTS[fact]`; `known_at` may be null (ingest.py fills it in). Beside
    them `row_number` (Int64, 1-based position in the file) and `lines` (Int64, how many received
    lines the row stands for: 1, or more where invoice lines were summed to a day). `refused` is as
    contract.frames.REFUSED: rows that could not even be mapped. `rows_in` counts received lines:
    `rows["lines"].sum() + refused rows`, always. `notes` are sentences a person should read, beside
    those of the rules. `series` holds the hierarchy columns of the series met
    (contract.frames.SERIES), if the fact names any. `unread`: which of `refused` could not be read.
    """

    fact: str
    rows: pl.DataFrame
    refused: pl.DataFrame
    rows_in: int
    series: pl.DataFrame | None = None
    notes: tuple[str, ...] = ()
    is_history: bool = False  # years at once: known_at is assumed from ds, not taken from the clock
    unread: Unread | None = None
