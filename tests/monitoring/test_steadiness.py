"""Tables that jump, explode or lie flat; entry points that take long or hold much; refusals that
grow.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from contract.panel import panel_of
from contract.params import SignalParams
from monitoring.churn import churn, level_and_shape
from monitoring.decide import is_muted, to_close
from monitoring.judge import judge
from monitoring.memory import LEAST_MB, memory, memory_limit
from monitoring.quality import refused_signal
from monitoring.runtime import runtime

ORIGIN = date(2024, 1, 31)
NOW = datetime(2024, 6, 1, 6)


def test_churn_is_the_units_that_moved_on_the_days_of_both_tables(forecasts_of):
    before = forecasts_of({"a": [4.0] * 14, "b": [4.0] * 14}, ORIGIN - timedelta(days=7))
    now = forecasts_of({"a": [5.0] * 14, "b": [3.0] * 14}, ORIGIN)
    finding = churn(now, before, max_share=0.2)
    assert (finding.value, finding.severity) == (0.25, "warning")
    assert churn(now, before, max_share=0.3).severity == "ok"
    assert not churn(now, before.clear(), 0.3).is_judged
    assert not churn(now, now, 0.3).is_judged  # a table is not compared with itself
    assert churn(now.clear(), before, 0.3).what == "no two tables to compare yet"
    shared = before["ds"].unique().sort().filter(before["ds"].unique().sort() > now["origin"][0])
    six, seven = (before.filter(pl.col("ds").is_in(shared.head(n).implode())) for n in (6, 7))
    assert [churn(now, one, 0.3).is_judged for one in (six, seven)] == [False, True]


@pytest.mark.parametrize(
    ("means", "severities"),
    [
        ([1.0, 3.0] * 7, ["ok", "ok"]),
        ([9.0, 27.0] * 7, ["error", "ok"]),
        ([2.0] * 14, ["ok", "warning"]),
    ],
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
    ended = [start + timedelta(seconds=s) for start, s in zip(started, seconds, strict=True)]
    return pl.DataFrame(
        {"door": "inference", "started_at": started, "ended_at": ended, "status": "done"}
    )


def test_an_entry_point_that_takes_three_times_as_long_and_a_minute_more_raises_an_alert():
    (slow,) = runtime(runs(60, 60, 60, 70, 50, 240), max_ratio=3)
    assert (slow.cause, slow.severity, slow.value) == ("runtime:inference", "warning", 4.0)
    # nine seconds keep nobody waiting
    assert runtime(runs(1, 1, 1, 1, 1, 9), 3)[0].severity == "ok"
    assert not runtime(runs(60, 240), 3)[0].is_judged


def test_an_entry_point_too_young_to_be_judged_is_named_beside_one_that_is_well():
    young = runs(60, 60).with_columns(door=pl.lit("monitor"))
    well, unjudged = runtime(pl.concat([runs(*[60] * 6), young]), 3)
    assert (well.cause, well.severity, well.value) == ("runtime", "ok", 1.0)
    assert (unjudged.cause, unjudged.is_judged) == ("runtime:monitor", False)
    assert to_close([well, unjudged], ["runtime:inference", "runtime:monitor"]) == [
        "runtime:inference"
    ]


def holding(*peaks: float | None, entry_point: str = "inference") -> pl.DataFrame:
    peak_mb = pl.Series("peak_mb", peaks, dtype=pl.Float64)
    return runs(*[60] * len(peaks)).with_columns(peak_mb, door=pl.lit(entry_point))


def test_an_entry_point_that_holds_three_times_as_much_as_usual_raises_an_alert():
    (grown,) = memory(holding(500, 480, 520, 500, 490, 1500), max_ratio=1.5)
    assert (grown.cause, grown.severity, grown.value) == ("memory:inference", "warning", 3.0)
    assert grown.what == "inference.py's process held 1,500 MB at most, usually 500 MB"
    assert (grown.threshold, grown.since) == (1.5, (NOW + timedelta(days=5)).date())
    steady = holding(300, 300, 300, 300, 300, 300, entry_point="monitor")
    both = memory(pl.concat([holding(500, 480, 520, 500, 490, 1500), steady]), 1.5)
    assert [finding.cause for finding in both] == ["memory:inference"]


@pytest.mark.parametrize(
    ("newest", "severity"),
    [(749, "ok"), (756, "ok"), (757, "warning"), (400, "ok")],
    ids=["ratio", "least", "both", "less"],
)
def test_memory_raises_an_alert_above_the_ratio_and_the_least_difference_together(newest, severity):
    assert LEAST_MB == 256
    assert memory(holding(*[500] * 6, newest), max_ratio=1.5)[0].severity == severity


def test_a_small_entry_point_may_double_and_a_large_one_wander_without_an_alert():
    assert memory(holding(*[100] * 6, 300), 1.5)[0].severity == "ok"  # 200 MB kill nobody
    # an eighth is how large entry points wander
    assert memory(holding(*[8000] * 6, 9000), 1.5)[0].severity == "ok"


def test_only_the_thirty_runs_before_say_what_is_usual():
    assert memory(holding(*[9000] * 40, *[500] * 30, 1500), 1.5)[0].value == 3.0


@pytest.mark.parametrize("peaks", [[None] * 8, [None, 500, 500, 500, 500, 500], [500] * 7 + [None]])
def test_runs_that_say_no_peak_are_not_judged_and_not_well(peaks):
    (unjudged,) = memory(holding(*peaks), 1.5)
    assert (unjudged.cause, unjudged.is_judged) == ("memory:inference", False)
    assert to_close([unjudged], ["memory:inference"]) == []


def test_old_runs_without_a_peak_do_not_count_as_runs_before():
    assert memory(holding(None, None, *[500] * 5, 1500), 1.5)[0].value == 3.0
    assert not memory(holding(None, None, *[500] * 4, 1500), 1.5)[0].is_judged


def test_queries_and_shadows_say_nothing_of_an_entry_points_memory():
    others = holding(9000, 9000).with_columns(status=pl.lit("answer"))
    (well,) = memory(pl.concat([holding(*[500] * 6), others]), 1.5)
    assert (well.cause, well.value) == ("memory", 1.0)


def test_a_peak_near_the_machines_end_raises_an_alert_before_anything_has_grown():
    peaks = pl.concat([holding(13_000), holding(400, entry_point="monitor")])
    (near,) = memory_limit(peaks, 16_000, max_share=0.8)
    assert (near.cause, near.severity, near.value) == ("memory_limit:inference", "warning", 0.8125)
    assert "13,000 MB at most, of 16,000 MB" in near.what
    assert memory_limit(peaks, 17_000, 0.8)[0].severity == "ok"
    assert [finding.is_judged for finding in memory_limit(peaks, None, 0.8)] == [False, False]
    assert not memory_limit(holding(None), 16_000, 0.8)[0].is_judged
    assert not memory_limit(holding().clear(), 16_000, 0.8)[0].is_judged


def test_refusals_for_one_reason_raise_an_alert_though_their_share_is_small():
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
    quarantine = pl.DataFrame(
        {"batch_id": odd, "reason": ["units_negative"] * 5, "lines": [15] * 5}
    )
    signal = refused_signal(batches, quarantine, NOW.date())
    params = SignalParams(
        false_alarms_per_quarter=0.1, watch_days=28, past_days=364, least_past_days=84
    )
    (finding,) = judge(signal, params)
    assert (finding.cause, finding.severity) == ("quality:trend", "warning")
    assert finding.since == NOW.date() - timedelta(days=4)
    assert (
        judge(refused_signal(batches, quarantine.clear(), NOW.date()), params)[0].severity == "ok"
    )


def test_muting_a_watcher_mutes_its_groups_and_not_its_namesakes():
    assert is_muted("bias:store_id:CA_1", ["bias"])
    assert is_muted("bias", ["bias"])
    assert not is_muted("bias", ["bias:store_id:CA_1"])
    assert not is_muted("biased", ["bias"])
