"""Refused rows, with the reason, as they came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import duckdb
import polars as pl


def write_quarantine(
    con: duckdb.DuckDBPyConnection,
    batch_id: int,
    refused: pl.DataFrame,
    refused_at: datetime,
    sentences: Mapping[str, str],
) -> None:
    """Add a batch's refused rows (row_number, reason, raw, lines); the reason's sentence beside its code."""
    if refused.is_empty():
        return
    reason = pl.col("reason")
    words = reason.replace_strict(dict(sentences) or {"": ""}, default=None, return_dtype=pl.String)
    con.register("incoming", refused.select("row_number", "reason", "raw", "lines", words.alias("sentence")))
    con.execute(
        """
        insert into quarantine (batch_id, row_number, reason, sentence, raw, lines, refused_at)
        select $batch_id, row_number, reason, sentence, raw, lines, $refused_at from incoming""",
        {"batch_id": batch_id, "refused_at": refused_at},
    ).fetchall()
    con.unregister("incoming")


def read_quarantine(con: duckdb.DuckDBPyConnection, batch_id: int | None = None) -> pl.DataFrame:
    """Refused rows of one batch, or of all, in the order received."""
    query = "select * from quarantine where $batch_id is null or batch_id = $batch_id order by batch_id, row_number"
    return con.sql(query, params={"batch_id": batch_id}).pl()
