"""What people say beside the forecasts, as the store keeps it: two times, the later one holds,
nothing is deleted.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadUsage
from contract.frames import FORECASTS, OVERRIDDEN
from contract.quantiles import QUANTILES
from storage.forecasts import forecasts_of, publish
from storage.journal import BASELINE, recorded
from storage.overrides import (
    Override,
    own_rows,
    read_final,
    read_overrides,
    revoke_override,
    standing_overrides,
    write_override,
)
from storage.rebuild import rebuild
from storage.retention import Ages, thin
from storage.runs import Run
from storage.snapshot import write_snapshot
from storage.store import claim, open_store, transaction

NOW, ORIGIN, DAY = datetime(2024, 3, 1, 5), date(2024, 2, 29), date(2024, 3, 1)
SOURCE = "files-1"
ADA = Override(NOW, "ada", "total", "total", DAY, DAY, "percent", 50.0, "fair", "r", ORIGIN)


def table(run_id: str, origin: date = ORIGIN, **means: float) -> dict[str, pl.DataFrame]:
    """One day of each series; every quantile half its mean."""
    numbers = {"run_id": run_id, "origin": origin, "ds": origin + timedelta(days=1), "h": 1}
    rows = [
        {"unique_id": name, "method": "m", "created_at": NOW, "y_hat": mean}
        | dict.fromkeys(QUANTILES, mean / 2)
        | numbers
        for name, mean in means.items()
    ]
    return {"forecasts": FORECASTS.conform(pl.DataFrame(rows))}


def said(**finals: float) -> pl.DataFrame:
    rows = [(name, DAY, 2.0, final) for name, final in finals.items()]
    return pl.DataFrame(rows, schema=["unique_id", "ds", "model", "y_hat"], orient="row")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a journal and a table of a (2 units), b (2) and c (0)."""
    path = tmp_path / "data" / "tillcast.duckdb"
    with open_store(path) as con:
        with transaction(con):
            claim(con, SOURCE)
        publish(con, Run("r", "inference", NOW, NOW), table("r", a=2.0, b=2.0, c=0.0))
    return path


def finals(con, as_of: datetime | None = None) -> list[tuple]:
    columns = ("unique_id", "model", "y_hat", "override_id")
    return read_final(con, "r", as_of).select(columns).rows()


def test_what_is_final_stands_beside_the_model_and_forecasts_are_untouched(store):
    with open_store(store) as con:
        before = forecasts_of(con, "r")
        write_override(con, ADA, said(a=3.0))
        assert finals(con) == [("a", 2.0, 3.0, 1), ("b", 2.0, 2.0, None), ("c", 0.0, 0.0, None)]
        assert read_final(con, "r")["q500"].to_list() == [1.5, 1.0, 0.0]
        assert forecasts_of(con, "r").equals(before)


def test_the_later_of_two_holds_until_it_is_revoked_and_any_moment_can_be_read(store):
    hours = [NOW + timedelta(hours=k) for k in range(4)]
    with open_store(store) as con:
        write_override(con, ADA, said(a=3.0, b=3.0))
        bob = Override(hours[1], "bob", "series", "a", DAY, DAY, "units", 9.0, "x", "r", ORIGIN)
        assert write_override(con, bob, said(a=9.0)) == 2
        assert [row[2:] for row in finals(con)][:2] == [(9.0, 2), (3.0, 1)]
        revoke_override(con, 2, "ada", hours[2])
        assert [row[2:] for row in finals(con)][:2] == [(3.0, 1), (3.0, 1)]
        revoke_override(con, 1, "ada", hours[3])
        assert [row[3] for row in finals(con)] == [None] * 3
        then = {k: [row[3] for row in finals(con, at)][:2] for k, at in enumerate(hours)}
        assert then == {0: [1, 1], 1: [2, 1], 2: [1, 1], 3: [None, None]}
        assert finals(con, NOW - timedelta(hours=1))[0][3] is None


def test_a_row_of_nothing_has_no_quantiles_once_somebody_expects_something(store):
    with open_store(store) as con:
        write_override(con, ADA, said(c=4.0))
        row = read_final(con, "r").filter(unique_id="c").row(0, named=True)
        assert (row["y_hat"], row["q025"], row["q975"]) == (4.0, None, None)


def test_what_is_not_there_or_revoked_already_is_not_revoked(store):
    with open_store(store) as con:
        with pytest.raises(BadUsage, match=r"no override 7.*lists them"):
            revoke_override(con, 7, "ada", NOW)
        write_override(con, ADA, said(a=3.0))
        revoke_override(con, 1, "bob", NOW)
        with pytest.raises(BadUsage, match=r"override 1 was revoked by bob on 2024-03-01 05:00"):
            revoke_override(con, 1, "ada", NOW)


def test_a_table_takes_what_is_not_revoked_not_expired_and_has_days_ahead(store):
    later, ends = DAY + timedelta(days=9), DAY + timedelta(days=2)
    with open_store(store) as con:
        for to_ds, expires_on in ((DAY, None), (later, None), (later, ends), (later, None)):
            one = Override(**{**ADA.__dict__, "to_ds": to_ds, "expires_on": expires_on})
            write_override(con, one, said(a=3.0))
        revoke_override(con, 4, "ada", NOW)
        taken = [
            standing_overrides(con, ORIGIN + timedelta(days=k))["override_id"].to_list()
            for k in range(4)
        ]
        assert taken == [[1, 2, 3], [2, 3], [2, 3], [2]]


@pytest.mark.parametrize("is_begun_anew", [False, True])
def test_a_rebuilt_store_has_the_overrides_and_what_was_taken_back(store, is_begun_anew):
    with open_store(store) as con:
        write_override(con, ADA, said(a=3.0, b=3.0))
        write_override(con, ADA, said(a=5.0))
        if is_begun_anew:
            with recorded(con, BASELINE):
                pass
        revoke_override(con, 2, "bob", NOW)
        rows = table("s", DAY, a=4.0)
        rows["overridden"] = OVERRIDDEN.conform(
            pl.DataFrame({"run_id": "s", "override_id": 1, "unique_id": "a"}).with_columns(
                ds=DAY + timedelta(days=1), model=4.0, y_hat=6.0
            )
        )
        publish(con, Run("s", "inference", NOW, NOW), rows)
        before = read_overrides(con), finals(con), read_final(con, "s")
    rebuild(store, store.parent / "stores", SOURCE, NOW)
    with open_store(store) as con:
        after = read_overrides(con), finals(con), read_final(con, "s")
    assert after[1] == before[1]
    assert after[0].equals(before[0])
    assert after[2].equals(before[2])
    assert after[2]["y_hat"].to_list() == [6.0]


def test_the_same_table_published_again_changes_nothing_said_of_it(store):
    with open_store(store) as con:
        write_override(con, ADA, said(a=3.0))
        frames = table("r", a=2.0, b=2.0, c=0.0)
        frames["overridden"] = own_rows(con, [1])
        publish(con, Run("r", "inference", NOW, NOW), frames)
        assert finals(con)[0] == ("a", 2.0, 3.0, 1)


def test_a_thinned_table_keeps_what_was_said_on_it_and_no_other(store):
    ages = Ages(whole_days=0, first_week_days=0, order_days=0)
    with open_store(store) as con:
        write_override(con, ADA, said(a=3.0))
        for k in range(1, 4):
            origin, name = ORIGIN + timedelta(days=7 * k), f"r{k}"
            frames = table(name, origin, a=2.0)
            frames["overridden"] = own_rows(con, [1]).with_columns(run_id=pl.lit(name))
            started = NOW + timedelta(days=7 * k)
            publish(con, Run(name, "inference", started, started), frames)
        with transaction(con):
            thin(con, ages, NOW + timedelta(days=30))
        left = con.execute("select distinct run_id from overridden order by 1").fetchall()
        assert left == [("r",), ("r2",), ("r3",)]
        assert own_rows(con, [1])["y_hat"].to_list() == [3.0]


def test_the_snapshot_shows_what_is_final_of_the_newest_table(store, tmp_path):
    with open_store(store) as con:
        write_override(con, ADA, said(a=3.0))
    write_snapshot(store, tmp_path / "copy" / "tillcast.duckdb", 5)
    with open_store(tmp_path / "copy" / "tillcast.duckdb", read_only=True) as con:
        query = "select unique_id, model, y_hat, override_id from final_forecasts order by 1"
        assert con.execute(query).fetchall() == [
            ("a", 2.0, 3.0, 1),
            ("b", 2.0, 2.0, None),
            ("c", 0.0, 0.0, None),
        ]
