"""Files beside the store that nothing reads any more, and those that something does."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from contract.quantiles import QUANTILES
from storage.batches import Delivery, unreadable, write_delivery
from storage.forecasts import publish
from storage.inbox import archived_file
from storage.models import Model, promote, write_model
from storage.runs import Run
from storage.store import open_store, transaction
from storage.unneeded import (
    archived_of,
    bundles_of,
    contents_out_of_archive,
    drop,
    models_without_rows,
)

NOW = datetime(2024, 3, 1, 5)


@pytest.fixture
def con(tmp_path: Path):
    with open_store(tmp_path / "store.duckdb") as con:
        yield con


def received(con: duckdb.DuckDBPyConnection, sha256: str, days_ago: int) -> None:
    at = NOW - timedelta(days=days_ago)
    write_delivery(con, Delivery("files", f"{sha256}.csv", sha256, at), [unreadable("empty")], {})


def registered(con: duckdb.DuckDBPyConnection, name: str, day: int) -> None:
    with transaction(con):
        made_at = NOW + timedelta(days=day)
        write_model(con, Model(name, "global_lightgbm", None, None, None, "{}", made_at))


def test_a_content_goes_by_its_last_delivery_counted_to_the_newest_of_all(
    con: duckdb.DuckDBPyConnection,
) -> None:
    for sha256, days_ago in (("old", 41), ("edge", 30), ("again", 50), ("new", 0)):
        received(con, sha256, days_ago)
    received(con, "again", 3)
    assert contents_out_of_archive(con, 30) == {"old"}
    assert contents_out_of_archive(con, 29) == {"old", "edge"}
    assert contents_out_of_archive(con, 41) == set()


def test_a_store_that_received_nothing_has_nothing_to_drop(con: duckdb.DuckDBPyConnection) -> None:
    assert contents_out_of_archive(con, 1) == set()
    assert models_without_rows(con) == set()


def test_models_in_line_or_newest_or_with_rows_keep_their_bundles(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """m0 to m5 were champions one after the other, m1 made a table that is kept, m6 and m7 were
    never promoted.
    """
    for day in range(6):
        registered(con, f"m{day}", day)
        promote(con, f"m{day}", "better", NOW + timedelta(days=day))
    registered(con, "m6", 6)
    registered(con, "m7", 7)
    numbers = dict.fromkeys(["y_hat", *QUANTILES], 1.0)
    row = {"run_id": "r", "origin": date(2024, 1, 1), "unique_id": "a", "ds": date(2024, 1, 2)}
    rows = pl.DataFrame([row | {"h": 1, "method": "m", "created_at": NOW} | numbers])
    publish(con, Run("r", "inference", NOW, model_id="m1"), {"forecasts": rows})
    assert models_without_rows(con) == {"m0", "m2", "m6"}


def test_without_any_champion_the_newest_candidate_stays(con: duckdb.DuckDBPyConnection) -> None:
    registered(con, "first", 0)
    registered(con, "second", 1)
    assert models_without_rows(con) == {"first"}


def test_what_is_dropped_is_gone_and_nothing_beside_it(tmp_path: Path) -> None:
    """A content taken and one refused, in the same folder as another; a bundle and one beside."""
    archive, registry = tmp_path / "archive", tmp_path / "registry"
    for name in ("ab/ab1_x.csv", "ab/ab2_x.csv", "refused/ab/ab1_y.csv"):
        (archive / name).parent.mkdir(parents=True, exist_ok=True)
        (archive / name).write_text("a\n", encoding="utf-8")
    for name in ("m1", "m2"):
        (registry / name).mkdir(parents=True)
        (registry / name / "card.json").write_text("{}", encoding="utf-8")
    files, bundles = archived_of(archive, {"ab1", "none"}), bundles_of(registry, {"m1", "m3"})
    assert (len(files), len(bundles)) == (2, 1)
    drop(files, bundles)
    assert [str(path.relative_to(archive)) for path in archive.rglob("*.csv")] == ["ab/ab2_x.csv"]
    assert [path.name for path in registry.iterdir()] == ["m2"]
    assert archived_file(archive, "ab1") is None
