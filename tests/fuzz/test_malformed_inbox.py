"""Malformed files taken for real: none crashes, tears the store, or stays without a reason."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from benchmarks.robustness.malformed_inbox import Tried, table, tried_alone
from drills.malformed import KINDS, malformed

FILES = int(
    os.environ.get("TILLCAST_FUZZ_FILES", "160")
)  # a few hundred here; thousands with the variable set
SEED = int(os.environ.get("TILLCAST_FUZZ_SEED", "7"))
MOST_SECONDS = 20.0  # per file, on a busy machine
MOST_MB = 1500.0


@pytest.fixture(scope="module")
def tried() -> tuple[list[Tried], float]:
    return tried_alone(FILES, SEED)


@pytest.fixture(scope="module")
def results(tried: tuple[list[Tried], float]) -> list[Tried]:
    return tried[0]


def test_no_file_breaks_what_the_inbox_guarantees(results: list[Tried]) -> None:
    """Crash, half a write, a lost or doubled row, a file left behind or outside, a refusal without
    a sentence.
    """
    broken = [one for one in results if one.broken]
    assert broken == [], table(results)


def test_every_kind_was_tried_and_every_outcome_seen(results: list[Tried]) -> None:
    assert Counter(one.kind for one in results).keys() == KINDS.keys()
    assert {"accepted", "accepted in part", "refused"} <= {one.outcome for one in results}


def test_time_and_memory_are_bounded(tried: tuple[list[Tried], float]) -> None:
    results, peak_mb = tried
    assert max(one.seconds for one in results) < MOST_SECONDS
    assert peak_mb < MOST_MB


def test_one_number_of_a_seed_is_the_same_file_alone() -> None:
    many = list(malformed(3, 45))
    assert list(malformed(3, 1, first=44)) == many[44:]
    assert [one.content for one in many] != [one.content for one in malformed(4, 45)]
