"""A budget of memory: how large a piece of work may be, and what is refused before it starts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract.errors import BadUsage
from contract.memory import LEAST_PIECE_MB, PIECE_MB, keep_within, piece_mb, refuse_beyond


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
