"""Published tables laid into files, one for each run and part of their series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import polars as pl

from contract.frames import FORECASTS
from contract.quantiles import QUANTILES
from storage.connection import Connection, registered
from storage.forecasts import judged_columns
from storage.part_files import HELD_ROWS
from storage.schema import quoted, quoted_text

_COPY = """
copy (select {columns}, coalesce(part, 0) as part
      from forecasts left join part_of_series using (unique_id)
      where run_id = $run_id and h <= $most_h)
to {folder} (format parquet, compression lz4, partition_by (part))"""


def lay_tables(
    con: Connection, days_ahead: Mapping[str, int], parts: pl.DataFrame, folder: Path
) -> None:
    """The tables of these runs, so many days ahead, by `parts` (unique_id, part: 0, 1, ...); of
    series that are in no part with those of the first.
    """
    columns = ", ".join(quoted(name) for name in judged_columns(QUANTILES))
    with registered(con, part_of_series=parts):
        con.execute(HELD_ROWS).fetchall()
        for run_id, most_h in days_ahead.items():
            to = folder / run_id
            to.mkdir(parents=True)
            statement = _COPY.format(columns=columns, folder=quoted_text(str(to)))
            con.execute(statement, {"run_id": run_id, "most_h": most_h}).fetchall()


def laid_rows(
    folder: Path,
    part: int,
    run_ids: list[str],
    quantiles: Iterable[str],
    most_h: int,
    until: date,
) -> pl.DataFrame:
    """As storage.forecasts.judged_rows, of one part of the tables that were laid."""
    columns = judged_columns(quantiles)
    files = [
        file
        for run_id in run_ids
        for file in sorted((folder / run_id / f"part={part}").glob("*.parquet"))
    ]
    if not files:
        return FORECASTS.empty().select(columns)
    rows = pl.scan_parquet(files, glob=False, hive_partitioning=False).select(columns)
    return rows.filter(pl.col("h") <= most_h, pl.col("ds") <= until).collect()
