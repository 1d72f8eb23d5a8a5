"""The bitemporal facts: what is known now and was known at any moment, whatever came first."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.frames import FACTS, SALES
from storage.facts import read_fact, read_superseded, write_fact
from storage.store import open_store, transaction

DAY = date(2024, 2, 29)


def moment(day: int) -> datetime:
    """Six in the morning, so many days after the leap day."""
    return datetime(2024, 2, 29, 6) + timedelta(days=day)


def sales(*rows: tuple[str, float, int]) -> pl.DataFrame:
    """Rows of the leap day: series, units, and how many days later we learned it."""
    table = [(series, DAY, y, moment(day)) for series, y, day in rows]
    return SALES.conform(pl.DataFrame(table, schema=SALES.columns, orient="row"))


def stored(path: Path, batches: list[pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`sales` and `sales_history` after these batches, without batch_id."""
    path.unlink(missing_ok=True)
    with open_store(path) as con:
        for number, batch in enumerate(batches, start=1):
            with transaction(con):
                write_fact(con, "sales", batch, number)
        history = con.sql("select * from sales_history order by unique_id, ds, known_at").pl()
        return read_fact(con, "sales"), history.drop("batch_id")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.duckdb"


def test_a_correction_appends_and_the_old_value_can_still_be_read_as_of_its_time(
    path: Path,
) -> None:
    """5 units known on day 1, corrected to 3 on day 4: on day 3 we knew 5, on day 4 three."""
    stored(path, [sales(("a", 5, 1)), sales(("a", 3, 4))])
    with open_store(path) as con:
        assert read_fact(con, "sales")["y"].to_list() == [3]
        assert read_fact(con, "sales", moment(0))["y"].to_list() == []
        assert read_fact(con, "sales", moment(3))["y"].to_list() == [5]
        assert read_fact(con, "sales", moment(4))["y"].to_list() == [3]
        earlier = read_superseded(con, "sales").row(0, named=True)
    assert (earlier["y"], earlier["known_at"], earlier["superseded_at"]) == (
        5,
        moment(1),
        moment(4),
    )


def test_the_same_value_again_changes_nothing(path: Path) -> None:
    once = stored(path, [sales(("a", 5, 1))])
    again = stored(path, [sales(("a", 5, 1)), sales(("a", 5, 9)), sales(("a", 5, 1))])
    assert all(left.equals(right) for left, right in zip(once, again, strict=True))


def test_a_late_file_finds_its_place_between_two_equal_statements(path: Path) -> None:
    """5, then 2, then 5 again; the 2 arrives last of all and is still what was known in between."""
    current, history = stored(path, [sales(("a", 5, 1)), sales(("a", 5, 9)), sales(("a", 2, 4))])
    assert current["y"].to_list() == [5]
    assert history["y"].to_list() == [5, 2, 5]
    assert history["superseded_at"].to_list() == [moment(4), moment(9), None]


def test_of_two_statements_of_one_moment_the_later_batch_wins_and_the_other_is_kept(
    path: Path,
) -> None:
    current, history = stored(path, [sales(("a", 5, 1)), sales(("a", 7, 1))])
    assert current["y"].to_list() == [7]
    assert sorted(history["y"].to_list()) == [5, 7]
    with open_store(path) as con:
        assert read_superseded(con, "sales").is_empty()  # valid for no time: no panel needs it


statements = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.integers(0, 6)), st.integers(0, 2), min_size=1, max_size=14
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stated=statements, seed=st.integers(0, 10**6))
def test_the_order_of_arrival_changes_nothing(path: Path, stated: dict, seed: int) -> None:
    """Any grouping into batches, in any order, gives the same sales and sales_history as the plain
    loop over them.
    """
    rng = random.Random(seed)  # noqa: S311 -- a shuffle, not a secret
    rows = [(series, float(y), day) for (series, day), y in stated.items()]
    rng.shuffle(rows)
    batches: list[list] = []
    for row in rows:
        without = [batch for batch in batches if row[0] not in {series for series, _, _ in batch}]
        rng.choice([*without, batches.append([]) or batches[-1]]).append(row)
    current, history = stored(path, [sales(*batch) for batch in batches if batch])
    expected = timeline(stated)
    assert [
        (r["unique_id"], r["y"], r["known_at"], r["superseded_at"]) for r in history.to_dicts()
    ] == expected
    assert [(r["unique_id"], r["y"], r["known_at"]) for r in current.to_dicts()] == [
        (series, y, known) for series, y, known, until in expected if until is None
    ]


def timeline(stated: dict) -> list[tuple]:
    """The naive loop: per series, values in the order known, equal neighbours one, each until the
    next.
    """
    versions: list[list] = []
    for (series, day), y in sorted(stated.items()):
        if versions and versions[-1][0] == series:
            if versions[-1][1] == y:
                continue
            versions[-1][3] = moment(day)
        versions.append([series, y, moment(day), None])
    return [tuple(version) for version in versions]


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stated=statements)
def test_a_key_stands_once_in_the_current_table(path: Path, stated: dict) -> None:
    current, _ = stored(
        path, [sales((series, float(y), day)) for (series, day), y in stated.items()]
    )
    SALES.check_key(current)


def test_all_facts_are_kept_the_same_way(path: Path) -> None:
    """A closed day announced, a price corrected, a covariate restated: each leaves its earlier
    version behind.
    """
    rows = {
        "calendar": {"region": "*", "ds": DAY, "is_closed": True},
        "prices": {"unique_id": "a", "from_ds": DAY, "to_ds": DAY, "price": 2.5},
        "covariates": {"unique_id": "a", "ds": DAY, "name": "rain", "value": 1.0},
    }
    changed = {
        "calendar": {"is_closed": None},
        "prices": {"to_ds": date(2024, 3, 2)},
        "covariates": {"value": None},
    }
    with open_store(path) as con:
        for fact, row in rows.items():
            for number, day in enumerate((1, 2), start=1):
                frame = pl.DataFrame(
                    [row | {"known_at": moment(day)} | (changed[fact] if day == 2 else {})]
                )
                write_fact(con, fact, FACTS[fact].conform(frame), number)
            assert (read_fact(con, fact).height, read_superseded(con, fact).height) == (1, 1)
            assert read_fact(con, fact, moment(1)).drop("known_at").row(0) != read_fact(
                con, fact
            ).drop("known_at").row(0)
