"""A day whose only row was refused: not known, and so neither a sale nor a day without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from contract.demand import DemandRules
from contract.panel import Panel
from features.dense import days_of, units_sold
from storage.batches import Batch, Delivery, write_delivery
from storage.lineage import panel_as_read
from storage.panel import read_panel, read_parts, read_tail
from storage.replays import Replay, write_replays
from storage.store import open_store

FIRST = date(2025, 3, 3)
NOW = datetime(2025, 3, 6, 5)


def day(k: int) -> date:
    return FIRST + timedelta(days=k)


def accepted(*cells: tuple[str, int, float]) -> pl.DataFrame:
    rows = [
        {"unique_id": name, "ds": day(k), "y": y, "known_at": NOW, "lines": 1}
        for name, k, y in cells
    ]
    return pl.DataFrame(rows).with_columns(
        is_open=pl.lit(None, pl.Boolean),
        stockout_share=pl.lit(None, pl.Float64),
        row_number=pl.lit(1),
    )


def refused(*cells: tuple[str, object]) -> pl.DataFrame:
    raws = [json.dumps({"unique_id": name, "ds": str(ds), "y": "-3"}) for name, ds in cells]
    return pl.DataFrame({"row_number": 1, "reason": "units_negative", "raw": raws, "lines": 1})


def write(
    con: duckdb.DuckDBPyConnection,
    sha256: str,
    taken: pl.DataFrame,
    held: pl.DataFrame,
    received_at: datetime = NOW,
    known_at_from: str = "received",
    reason: str | None = None,
) -> int:
    series = pl.DataFrame({"unique_id": ["a", "b"], "store_id": ["S1", "S1"]})
    rows_in = taken.height + held.height
    batch = Batch("sales", rows_in, taken, held, known_at_from, series, reason)
    return write_delivery(con, Delivery("s", sha256, sha256, received_at), [batch], {})[0]


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Series a and b of one store over three days; the row of b's second day was refused."""
    with open_store(tmp_path / "store.duckdb") as con:
        taken = accepted(("a", 0, 1.0), ("a", 1, 2.0), ("a", 2, 3.0), ("b", 0, 4.0), ("b", 2, 6.0))
        write(con, "one", taken, refused(("b", day(1))))
        yield con


def units(panel: Panel) -> list[list[float | None]]:
    table = units_sold(panel, days_of(panel, horizon=1, padding=0), DemandRules(True, 1.0, None))[
        :, :-1
    ]
    return [[None if np.isnan(y) else y for y in row] for row in table.tolist()]


def test_a_refused_day_is_unknown_and_an_absent_one_is_zero(con: duckdb.DuckDBPyConnection) -> None:
    assert units(read_panel(con)) == [[1, 2, 3], [4, None, 6]]
    con.execute("delete from quarantine").fetchall()
    assert units(read_panel(con)) == [[1, 2, 3], [4, 0, 6]]


def test_every_way_of_reading_has_the_refused_day(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    whole = read_panel(con).sales
    assert whole.filter(pl.col("y").is_null()).rows() == [("b", day(1), None, NOW, None, None)]
    assert whole.equals(whole.sort("unique_id", "ds"))
    assert read_panel(con, NOW).sales.equals(whole)
    assert read_tail(con, FIRST, 1.0).sales.equals(whole)
    assert read_tail(con, day(2), 1.0).sales["y"].null_count() == 0
    assert panel_as_read(con, 1, None, "").sales.equals(whole)
    parts = pl.DataFrame({"unique_id": ["a", "b"], "part": [1, 0]})
    b, a = read_parts(con, parts, FIRST, 1.0, tmp_path / "rows")
    assert pl.concat([a.sales, b.sales]).equals(whole)


def test_what_is_stated_otherwise_counts(con: duckdb.DuckDBPyConnection) -> None:
    later = datetime(2025, 3, 9, 5)
    write(
        con,
        "two",
        accepted(("b", 1, 5.0)).with_columns(known_at=later),
        pl.DataFrame(),
        received_at=later,
    )
    assert units(read_panel(con)) == [[1, 2, 3], [4, 5, 6]]
    assert units(read_panel(con, NOW)) == [[1, 2, 3], [4, None, 6]]
    assert units(panel_as_read(con, 1, None, "")) == [[1, 2, 3], [4, None, 6]]


@pytest.mark.parametrize(
    "cell",
    [
        ("a", day(9)),
        ("a", day(-400)),
        ("nobody", day(1)),
        ("a", "no day"),
        ("a", None),
        ("", day(1)),
    ],
)
def test_no_day_is_added_that_sales_do_not_span_and_no_series_nobody_knows(
    con: duckdb.DuckDBPyConnection, cell: tuple[str, object]
) -> None:
    before = read_panel(con).sales
    write(con, "two", accepted(("a", 1, 2.0)), refused(cell))
    assert read_panel(con).sales.equals(before)


def test_raw_text_that_is_no_json_is_passed_over(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("update quarantine set raw = '{not json'").fetchall()
    assert read_panel(con).sales["y"].null_count() == 0


def test_a_file_refused_whole_says_nothing(con: duckdb.DuckDBPyConnection) -> None:
    write(
        con, "two", pl.DataFrame(), refused(("a", day(1)), ("b", day(0))), reason="too_many_refused"
    )
    assert units(read_panel(con)) == [[1, 2, 3], [4, None, 6]]


def test_what_a_replay_left_behind_of_a_file_refused_whole_is_unknown(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """Its store did report that day: the row still refused is no day without a sale."""
    held = refused(("a", day(3)), ("b", day(3)))
    first = write(con, "two", pl.DataFrame(), held, reason="too_many_refused")
    later = datetime(2025, 3, 9, 5)
    passed = accepted(("a", 3, 7.0)).with_columns(known_at=later)
    batch = Batch("sales", 1, passed, held.clear(), "received", None, None, first)
    taken = held.head(1).select("row_number", "raw")
    nothing = held.select("row_number", "raw", "reason").clear()
    write_replays(con, Delivery("s", "two", "two", later), [Replay(batch, taken, nothing)], {})
    assert units(read_panel(con)) == [[1, 2, 3, 7], [4, None, 6, None]]
    assert units(read_panel(con, NOW)) == [[1, 2, 3], [4, None, 6]]


def test_a_refused_day_of_a_history_is_unknown_from_when_its_neighbours_were_known(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """Else a panel as of the past, or a backtest of it, would show a day without a sale."""
    morning = datetime(2025, 2, 4, 6)
    taken = accepted(("a", -28, 1.0), ("a", -27, 2.0), ("b", -28, 3.0)).with_columns(
        known_at=pl.col("ds").cast(pl.Datetime("us")) + pl.duration(days=1, hours=6)
    )
    write(
        con, "history", taken, refused(("b", day(-27))), known_at_from="assumed: ds + 1 days, 06:00"
    )
    unknown = ("b", day(-27), None, datetime(2025, 2, 5, 6), None, None)
    assert unknown in read_panel(con).sales.rows()
    assert unknown in read_panel(con, datetime(2025, 2, 6)).sales.rows()
    assert unknown in read_panel(con).as_known_at(datetime(2025, 2, 6)).sales.rows()
    assert read_panel(con, morning).sales["ds"].unique().to_list() == [day(-28)]
