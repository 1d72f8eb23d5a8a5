"""The same table in any number of parts."""

from __future__ import annotations

import pytest
from polars.testing import assert_frame_equal

WITHIN = 1e-12
KEYS = ("level", "key", "group_key", "unique_id", "ds", "from_h", "to_h")


def _assert_same(whole, parts, exact: bool = False) -> None:
    assert parts.lineage == whole.lineage
    for name in ("rows", "levels", "spans"):
        ours, theirs = getattr(whole, name), getattr(parts, name)
        key = [
            c
            for c in ours.columns
            if c in ("level", "key", "group_key", "unique_id", "ds", "from_h", "to_h")
        ]
        ours, theirs = ours.sort(key), theirs.sort(key)
        if exact and name == "rows":
            assert ours.equals(theirs)
        else:
            assert_frame_equal(ours, theirs, rel_tol=WITHIN, abs_tol=1e-12)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_a_chain_is_forecast_alike_in_any_number_of_parts(both, small, chain, count):
    whole, parts = both(small, chain, count)
    assert whole.rows["method"].n_unique() > 1
    _assert_same(whole, parts)


def test_without_the_group_step_every_bit_is_the_same(both, small, chain):
    groups = small.train.groups.model_copy(update={"columns": None})
    alone = small.model_copy(update={"train": small.train.model_copy(update={"groups": groups})})
    _assert_same(*both(alone, chain), exact=True)
