"""What the boosters were given against what the store gives as of that run, by hand."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from forecasting.served import drawn
from monitoring.parity import parity

DAY = date(2024, 2, 1)


@pytest.fixture
def served() -> pl.DataFrame:
    """Two series, one day, two features."""
    return pl.DataFrame(
        {"unique_id": ["a", "b"], "ds": [DAY, DAY], "mean_7": [3.0, None], "price": [2.0, 4.0]},
        schema_overrides={"mean_7": pl.Float32, "price": pl.Float32},
    )


def test_equal_features_are_at_peace_and_the_last_bits_of_a_sum_do_not_count(served):
    finding = parity(served, served.with_columns(pl.col("mean_7") * (1 + 1e-6)), "r1")
    assert (finding.severity, finding.value) == ("ok", 0.0)
    assert "2 series x 2 features of run r1" in finding.what


def test_a_value_that_differs_raises_an_alert_with_its_series_day_and_both_values(served):
    finding = parity(
        served, served.with_columns(price=pl.Series([2.0, 5.0], dtype=pl.Float32)), "r1"
    )
    assert (finding.severity, finding.value, finding.cause) == ("error", 0.25, "parity")
    assert "price on 1 rows ('b' 2024-02-01: served 4, now 5)" in finding.what
    assert "explain --series b --ds 2024-02-01" in finding.advice


def test_unknown_against_known_a_lost_series_and_a_lost_feature_are_differences(served):
    known = served.with_columns(pl.col("mean_7").fill_null(0.0))
    assert (
        "mean_7 on 1 rows ('b' 2024-02-01: served nothing, now 0)"
        in parity(served, known, "r").what
    )
    # of b only the price was known
    assert parity(served, served.head(1), "r").value == pytest.approx(1 / 4)
    assert parity(served, served.drop("price"), "r").value == pytest.approx(2 / 4)


def test_the_sample_is_drawn_by_the_data_and_its_order_does_not_matter():
    names = [f"s{k}" for k in range(100)]
    first = drawn(names, 10, "panel one")
    assert first == drawn(names[::-1], 10, "panel one") == sorted(first)
    assert first != drawn(names, 10, "panel two")
    assert len(first) == 10
    assert drawn(names[:3], 10, "any") == names[:3]
