"""A budget of memory: how large a piece of work may be, and what is refused before it starts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract.errors import BadUsage, MemoryRefused
from contract.memory import LEAST_PIECE_MB, PIECE_MB, keep_within, memory_refusals, piece_mb, refuse_beyond


@pytest.fixture(autouse=True)
def _no_budget_left() -> Iterator[None]:
    yield
    keep_within(None)


@pytest.mark.parametrize(("budget", "piece"), [(None, PIECE_MB), (1e6, PIECE_MB), (1000, 200.0), (1, LEAST_PIECE_MB)])
def test_a_piece_is_a_fifth_of_the_budget_within_bounds(budget: float | None, piece: float) -> None:
    keep_within(budget)
    assert piece_mb() == piece


def test_work_that_needs_more_than_the_budget_is_refused_with_its_largest_step_and_a_way_out() -> None:
    keep_within(900)
    with pytest.raises(BadUsage, match=r"about 1,000 MB \(reading 300, fitting 1,000\).*is 900.*or buy memory"):
        refuse_beyond({"reading": 300, "fitting": 1000}, "buy memory")
    assert refuse_beyond({"reading": 300, "fitting": 900}, "buy memory").startswith("about 900 MB")


def test_without_a_budget_nothing_is_refused_but_said() -> None:
    assert "the machine has" in refuse_beyond({"fitting": 1e9}, "")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 2 GiB"),
        OSError(12, "Cannot allocate memory"),
        ImportError("x.so: failed to map segment"),
    ],
)
def test_no_more_memory_is_said_with_a_way_out(error: Exception) -> None:
    with (
        pytest.raises(MemoryRefused, match=r"memory ran out .*--memory-budget.* run the same command again"),
        memory_refusals(),
    ):
        raise error


def test_what_duckdb_says_of_memory_is_understood_and_other_errors_pass() -> None:
    import duckdb

    with pytest.raises(MemoryRefused), memory_refusals(), duckdb.connect() as con:
        con.execute("set memory_limit = '1MB'; set temp_directory = ''")
        con.execute(
            "create table t as select range as a, hash(range)::varchar as b from range(1000000) order by b"
        ).fetchall()
    with pytest.raises(KeyError), memory_refusals():
        raise KeyError("no memory of that")
