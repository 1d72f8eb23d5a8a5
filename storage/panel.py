"""The panel as the store knows it, now or at any earlier moment."""

from __future__ import annotations

from datetime import datetime

import duckdb
import polars as pl

from contract.frames import FACTS
from contract.panel import Panel
from storage.facts import read_fact, read_superseded
from storage.series import read_series


def read_panel(con: duckdb.DuckDBPyConnection, as_of: datetime | None = None) -> Panel:
    """Everything known now, earlier versions included, so that it can still be read as of any moment; or what was
    known at `as_of` and nothing else. No batch_id, no clock: the same statements give the same panel."""
    facts = {fact: read_fact(con, fact, as_of) for fact in FACTS}
    series = read_series(con)
    if as_of is None:
        return Panel(**facts, series=series, superseded={fact: read_superseded(con, fact) for fact in FACTS})
    sold = facts["sales"].select(pl.col("unique_id").unique())
    return Panel(**facts, series=series.join(sold, on="unique_id", how="semi", maintain_order="left"))
