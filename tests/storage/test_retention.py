"""What is kept of published tables: young ones whole, of older weeks a week, and the word of the
others. Rows that are gone are never given as an empty table.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from contract.errors import ThinnedByAge
from contract.quantiles import QUANTILES
from monitoring.outcome_signals import weekly_origins
from monitoring.past_tables import weekly_runs
from storage.connection import Connection, frame_of
from storage.forecasts import forecasts_of, latest_forecasts, newest_runs, publish
from storage.lineage import forecast_counts, newest_tables
from storage.models import Model, write_model
from storage.orders import publish_orders, read_orders, spans_of
from storage.retention import Ages, orders_to_thin, tables_to_thin, thin
from storage.runs import Run
from storage.snapshot import model_registry
from storage.store import open_store, transaction
from storage.thinned import refuse_thinned_orders, thinned_tables

FIRST, HORIZON = date(2024, 1, 1), 28  # a Monday
AGES = Ages(whole_days=42, first_week_days=100, order_days=30)
NOW = datetime(2025, 1, 1, 5)


@pytest.fixture
def con(tmp_path: Path) -> Iterator[Connection]:
    with open_store(tmp_path / "store.duckdb") as con:
        yield con


def table(
    con: Connection, day: int, run_id: str = "", status: str = "done", made: int | None = None
) -> str:
    """A table of one series and the total from the `day`-th day, made on the morning after."""
    origin = FIRST + timedelta(days=day)
    run_id = run_id or f"run-{day:03d}"
    numbers = {"origin": origin, **dict.fromkeys(["y_hat", *QUANTILES], 2.0)}
    days = [
        {"run_id": run_id, "ds": origin + timedelta(days=h), "h": h} | numbers
        for h in range(1, HORIZON + 1)
    ]
    started_at = datetime(2024, 1, 2, 6) + timedelta(days=day if made is None else made)
    of_series = {"unique_id": "a", "method": "m", "created_at": started_at}
    span = {"run_id": run_id, "level": "series", "key": "a", "from_h": 1, "to_h": 7, "mean": 14.0}
    frames = {
        "forecasts": pl.DataFrame([of_series | one for one in days]),
        "forecast_levels": pl.DataFrame(
            [{"level": "total", "group_key": "total"} | one for one in days]
        ),
        "demand_spans": pl.DataFrame([span | numbers]),
    }
    run = Run(run_id, "inference", started_at, started_at, status, model_id="model")
    publish(con, run, frames)
    return run_id


def thinned(con: Connection, ages: Ages = AGES) -> None:
    with transaction(con):
        thin(con, ages, NOW)


def kept(con: Connection, name: str = "forecasts") -> dict[str, int]:
    query = f"select run_id, count(*) from {name} group by run_id order by run_id"  # noqa: S608 -- ours
    return dict(con.execute(query).fetchall())


def test_young_tables_stay_whole_of_older_weeks_one_week_of_still_older_ones_nothing(con) -> None:
    for day in range(120):
        table(con, day)
    thinned(con)
    newest = 119
    weekly = {  # Sundays: day 6, 13, ..
        f"run-{day:03d}": 7 for day in range(6, newest - 42, 7) if newest - day <= 100
    }
    whole = {f"run-{day:03d}": HORIZON for day in range(newest - 42, 120)}
    assert min(weekly) == "run-020"
    assert kept(con) == kept(con, "forecast_levels") == weekly | whole
    assert set(kept(con, "demand_spans")) == set(whole)
    assert con.execute("select max(h) from forecasts where run_id = 'run-020'").fetchall() == [(7,)]
    assert thinned_tables(con).height == 120 - len(whole)
    assert tables_to_thin(con, AGES).is_empty()


def test_what_the_watchers_read_is_the_same_before_and_after(con) -> None:
    """Holes in the tables as production leaves them; the first week of a week's last table, and the
    whole ones of the last weeks.
    """
    for day in (day for day in range(150) if day % 11 and day not in range(60, 72)):
        table(con, day)
    last = FIRST + timedelta(days=149)
    first = last - timedelta(days=AGES.first_week_days)

    def read() -> tuple[list[pl.DataFrame], list[pl.DataFrame]]:
        runs = newest_runs(con)
        weekly = weekly_origins(day for day in runs if first <= day < last)
        of_run = "select * exclude (created_at) from forecasts where run_id = $id and h <= $most"
        signals = [frame_of(con, of_run, id=runs[day], most=7) for day in weekly]
        scored = [
            frame_of(con, of_run, id=run_id, most=HORIZON)
            for run_id in weekly_runs(runs, last, HORIZON)
        ]
        return signals, scored

    before = read()
    thinned(con)
    after = read()
    assert len(before[0]) > 10
    assert all(frame.height == HORIZON for frame in before[1])
    for was, now in zip(before, after, strict=True):
        assert len(was) == len(now)
        assert all(a.equals(b) for a, b in zip(was, now, strict=True))


def test_what_was_made_lately_is_young_however_old_its_origin(con) -> None:
    for day in (0, 1, 200, 201):
        table(con, day)
    table(con, 3, "made today", "answer", made=200)
    table(con, 4, "made then", "answer")
    table(con, 5, "shadow then", "shadow")
    thinned(con)
    assert kept(con) == {"made today": HORIZON, "run-200": HORIZON, "run-201": HORIZON}


def test_the_two_newest_whole_tables_stay_however_long_production_stood_still(con) -> None:
    for day in (0, 1, 300):
        table(con, day)
    before = newest_tables(con, 2)
    thinned(con)
    assert kept(con) == {"run-001": HORIZON, "run-300": HORIZON}
    assert all(a.equals(b) for a, b in zip(newest_tables(con, 2), before, strict=True))


def test_a_second_table_of_an_origin_is_the_one_that_counts(con) -> None:
    table(con, 6, "z-first")
    table(con, 6, "a-second", made=7)
    for day in (90, 91):
        table(con, day)
    thinned(con)
    assert kept(con) == {"a-second": 7, "run-090": HORIZON, "run-091": HORIZON}


def test_a_store_without_tables_has_nothing_to_thin(con) -> None:
    thinned(con)
    table(con, 0, "shadow alone", "shadow")
    thinned(con)
    assert kept(con) == {"shadow alone": HORIZON}
    assert orders_to_thin(con, AGES).is_empty()


def test_who_asks_for_a_thinned_table_is_refused_with_the_way_out(con) -> None:
    for day in (5, 6, 90, 91):
        table(con, day)
    thinned(con)
    words = r"run-005' from 2024-01-06 was thinned by age on 2025-01-01: 0 of 28 rows.*" + (
        r"--origin 2024-01-06 --as-of 2024-01-07T06:00:00.*retention\.whole_days"
    )
    with pytest.raises(ThinnedByAge, match=words):
        forecasts_of(con, "run-005")
    with pytest.raises(ThinnedByAge, match="7 of 28 rows are left"):
        forecasts_of(con, "run-006")
    for day in (6, 7):
        with pytest.raises(ThinnedByAge):
            latest_forecasts(con, date(2024, 1, day))
    assert latest_forecasts(con, date(2024, 1, 8)).is_empty()
    assert latest_forecasts(con).height == forecasts_of(con, "run-091").height == HORIZON


def test_a_table_made_anew_is_whole_again(con) -> None:
    for day in (6, 90, 91):
        table(con, day)
    thinned(con)
    table(con, 6)
    assert forecasts_of(con, "run-006").height == HORIZON
    assert latest_forecasts(con, date(2024, 1, 7)).height == HORIZON


def test_a_table_thinned_twice_says_what_it_had_at_first(con) -> None:
    for day in (6, 90, 91):
        table(con, day)
    thinned(con)
    table(con, 200)
    thinned(con)
    said = thinned_tables(con).filter(run_id="run-006").row(0, named=True)
    assert (said["rows"], said["units"], said["rows_left"]) == (HORIZON, 2.0 * HORIZON, 0)
    assert (said["day"], said["last_ds"]) == (date(2024, 1, 7), date(2024, 2, 4))


def test_counts_of_what_was_published_stay(con) -> None:
    with transaction(con):
        write_model(con, Model("model", "k", FIRST, None, None, "{}", NOW))
    runs = [table(con, day) for day in (5, 6, 90, 91)]
    own = pl.Series(["a"])
    registry, counts = model_registry(con), forecast_counts(con, runs, own).sort("origin")
    assert registry.select("runs", "forecast_rows").row(0) == (4, 4 * HORIZON)
    thinned(con)
    assert model_registry(con).equals(registry)
    after = forecast_counts(con, runs, own).sort("origin")
    whole = ["run_id", "origin", "rows", "units"]
    assert after.select(whole).equals(counts.select(whole))
    assert after["own_rows"].to_list() == [None, None, HORIZON, HORIZON]


def line(run_id: str, day: date, units: float | None) -> pl.DataFrame:
    fields = {"order_day": day, "run_id": run_id, "unique_id": "a", "created_at": NOW}
    return pl.DataFrame([fields]).with_columns(units=pl.lit(units, pl.Float64))


def test_orders_stay_for_their_days_with_the_spans_they_were_sized_by(con) -> None:
    from contract.frames import DEMAND_SPANS, ORDERS

    for day in (0, 1, 60, 70, 80, 100):
        run_id, order_day = table(con, day), FIRST + timedelta(days=day + 1)
        units = None if day == 70 else 3.0  # such a line was sized by nothing
        lines = pl.concat([ORDERS.empty(), line(run_id, order_day, units)], how="diagonal")
        publish_orders(con, order_day, lines, DEMAND_SPANS.empty())
    ages = Ages(whole_days=10, first_week_days=10, order_days=40)
    assert orders_to_thin(con, ages)["rows_going"].to_list() == [1, 1]
    thinned(con, ages)
    assert read_orders(con, date(2024, 3, 2)).height == 1
    assert spans_of(con, "run-060", "a").height == 1
    assert read_orders(con, date(2024, 3, 12)).height == 1
    assert set(kept(con, "demand_spans")) == {"run-060", "run-080", "run-100"}
    assert set(kept(con)) == {"run-080", "run-100"}
    refuse_thinned_orders(con, date(2024, 3, 2))
    with pytest.raises(ThinnedByAge, match=r"1 order lines of 2024-01-02.*retention\.order_days"):
        refuse_thinned_orders(con, date(2024, 1, 2))
