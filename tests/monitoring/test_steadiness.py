"""Tables that jump, explode or lie flat; doors that take long; refusals that grow."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from contract.panel import panel_of
from contract.params import SignalParams
from monitoring.churn import churn, level_and_shape
from monitoring.decide import is_muted
from monitoring.judge import judge
from monitoring.quality import refused_signal
from monitoring.runtime import runtime

ORIGIN = date(2024, 1, 31)
NOW = datetime(2024, 6, 1, 6)


def test_churn_is_the_units_that_moved_on_the_days_both_tables_speak_of(forecasts_of):
    before = forecasts_of({"a": [4.0] * 14, "b": [4.0] * 14}, ORIGIN - timedelta(days=7))
    now = forecasts_of({"a": [5.0] * 14, "b": [3.0] * 14}, ORIGIN)
    finding = churn(now, before, max_share=0.2)
    assert (finding.value, finding.severity) == (0.25, "warning")
    assert churn(now, before, max_share=0.3).severity == "ok"
    assert not churn(now, before.clear(), 0.3).is_judged
    assert not churn(now, now, 0.3).is_judged  # a table is not compared with itself


@pytest.mark.parametrize(
    ("means", "severities"),
    [([1.0, 3.0] * 7, ["ok", "ok"]), ([9.0, 27.0] * 7, ["error", "ok"]), ([2.0] * 14, ["ok", "warning"])],
)
def test_a_table_explodes_or_lies_flat_beside_what_sold(forecasts_of, sales_of, means, severities):
    sales = sales_of({"a": [1.0, 3.0] * 20}, ORIGIN - timedelta(days=39))
    panel = panel_of(sales, pl.DataFrame({"unique_id": ["a"]}))
    findings = level_and_shape(forecasts_of({"a": means}), panel, max_level=2.0, least_shape=0.3)
    assert [(f.cause, f.severity) for f in findings] == list(
        zip(["churn:level", "churn:shape"], severities, strict=True)
    )


def runs(*seconds: float) -> pl.DataFrame:
    started = [NOW + timedelta(days=k) for k in range(len(seconds))]
    ended = [start + timedelta(seconds=took) for start, took in zip(started, seconds, strict=True)]
    return pl.DataFrame({"door": "inference", "started_at": started, "ended_at": ended, "status": "done"})


def test_a_door_that_takes_three_times_as_long_and_a_minute_more_rings_by_its_name():
    (slow,) = runtime(runs(60, 60, 60, 70, 50, 240), max_ratio=3)
    assert (slow.cause, slow.severity, slow.value) == ("runtime:inference", "warning", 4.0)
    assert runtime(runs(1, 1, 1, 1, 1, 9), 3)[0].severity == "ok"  # nine seconds keep nobody waiting
    assert not runtime(runs(60, 240), 3)[0].is_judged


def test_refusals_for_one_reason_ring_though_their_share_is_small():
    days = 140
    batches = pl.DataFrame(
        {
            "batch_id": range(days),
            "received_at": [NOW - timedelta(days=days - 1 - k) for k in range(days)],
            "rows_in": [1000] * days,
            "status": ["accepted"] * days,
        }
    )
    odd = [days - 1 - k for k in range(5)]
    quarantine = pl.DataFrame({"batch_id": odd, "reason": ["units_negative"] * 5, "lines": [15] * 5})
    signal = refused_signal(batches, quarantine, NOW.date())
    params = SignalParams(false_alarms_per_quarter=0.1, watch_days=28, past_days=364, least_past_days=84)
    (finding,) = judge(signal, params)
    assert (finding.cause, finding.severity) == ("quality:trend", "warning")
    assert finding.since == NOW.date() - timedelta(days=4)
    assert judge(refused_signal(batches, quarantine.clear(), NOW.date()), params)[0].severity == "ok"


def test_muting_a_watcher_mutes_its_groups_and_not_its_namesakes():
    assert is_muted("bias:store_id:CA_1", ["bias"])
    assert is_muted("bias", ["bias"])
    assert not is_muted("bias", ["bias:store_id:CA_1"])
    assert not is_muted("biased", ["bias"])
