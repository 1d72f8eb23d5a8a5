"""Runs: what an entry point did and what it took, in stores of this version and of the one before
memory was kept.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from contract.frames import FORECASTS
from contract.quantiles import QUANTILES
from storage.forecasts import newest_run, publish
from storage.lineage import cell_runs
from storage.migrations import MIGRATIONS, version_of
from storage.rebuild import rebuild
from storage.runs import Run, read_runs, run_of, write_run
from storage.schema import SCHEMA_VERSION
from storage.snapshot import write_snapshot
from storage.store import claim, open_store, transaction

NOW, ORIGIN = datetime(2024, 3, 1, 5), date(2024, 2, 29)
DDL = (Path(__file__).parent / "schema_1.sql").read_text(encoding="utf-8")
RUN = Run("r5", "inference", NOW, NOW, model_id="m", peak_mb=512.25)


@pytest.fixture
def of_version_4(tmp_path: Path) -> Path:
    """A store as version 4 left it: one whole table and its run, and a run of the monitor."""
    path = tmp_path / "store.duckdb"
    with duckdb.connect(path) as con:
        for statement in DDL.split(";\n"):
            con.execute(statement).fetchall()
        for version in ("1", "2", "3"):
            MIGRATIONS[version](con)
        con.execute("insert into meta values ('schema_version', '4')").fetchall()
        con.execute("""
            insert into runs values
            ('r4', 'inference', '2024-02-29 05:00', '2024-02-29 05:02', 'done', 'abc', 'p', 'h',
             'm', null),
            ('m4', 'monitor', '2024-02-29 05:02', null, 'done', 'abc', 'p', null, null, null)
            """).fetchall()
        con.register("incoming", table("r4"))
        con.execute("insert into forecasts by name select * from incoming").fetchall()
        assert "peak_mb" not in con.sql("from runs").columns
    return path


def table(run_id: str) -> pl.DataFrame:
    numbers = {"origin": ORIGIN, "ds": date(2024, 3, 1), "h": 1, "y_hat": 2.0} | dict.fromkeys(
        QUANTILES, 2.0
    )
    return FORECASTS.conform(
        pl.DataFrame(
            [
                {"run_id": run_id, "unique_id": "a", "method": "seasonal_naive", "created_at": NOW}
                | numbers
            ]
        )
    )


@pytest.mark.parametrize("read_only", [True, False])
def test_a_store_of_version_4_keeps_its_runs_and_says_that_their_peaks_are_unknown(
    of_version_4: Path, read_only: bool
) -> None:
    with open_store(of_version_4, read_only=read_only) as con:
        assert version_of(con) == SCHEMA_VERSION
        runs = read_runs(con).sort("run_id")
    columns = ["run_id", "door", "git_commit", "model_id", "peak_mb"]
    assert runs.select(columns).rows() == [
        ("m4", "monitor", "abc", None, None),
        ("r4", "inference", "abc", "m", None),
    ]


def test_an_old_run_is_read_traced_and_snapshot_as_before(
    of_version_4: Path, tmp_path: Path
) -> None:
    with open_store(of_version_4) as con:
        run, origin = newest_run(con)
        (cell,) = cell_runs(con, "a", date(2024, 3, 1)).to_dicts()
    assert (run.run_id, run.peak_mb, origin) == ("r4", None, ORIGIN)
    assert run_of({name: cell[name] for name in Run.__dataclass_fields__}) == run
    assert write_snapshot(of_version_4, tmp_path / "snapshot.duckdb", 1) > 0


def test_old_and_new_runs_come_back_from_the_journal(
    of_version_4: Path, dump_of, tmp_path: Path
) -> None:
    with open_store(of_version_4) as con:
        with transaction(con):
            claim(con, "files-1")
        # the whole store, as its first entry since
        publish(con, RUN, {"forecasts": table("r5")})
        publish(
            con,
            Run("r6", "inference", NOW, NOW, peak_mb=None),
            {"forecasts": table("r6")},
        )
    before = dump_of(of_version_4)
    of_version_4.unlink()
    rebuild(of_version_4, tmp_path / "aside", "files-1", NOW)
    assert dump_of(of_version_4) == before
    with open_store(of_version_4) as con:
        assert dict(read_runs(con).select("run_id", "peak_mb").rows())["r5"] == 512.25


def test_a_run_written_again_says_its_newest_peak(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.duckdb") as con:
        write_run(con, RUN)
        write_run(con, Run("r5", "inference", NOW, NOW, peak_mb=300.0))
        assert read_runs(con).select("run_id", "peak_mb").rows() == [("r5", 300.0)]


def test_a_run_of_before_peaks_were_kept_is_still_a_run() -> None:
    fields = {
        "run_id": "r",
        "door": "inference",
        "started_at": "2024-03-01 05:00:00",
        "ended_at": None,
        "as_of": None,
    }
    assert run_of(fields) == Run("r", "inference", NOW)
