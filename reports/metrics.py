"""Numbers of health as OpenMetrics, for Prometheus and what reads its format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.core import Metric

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

WORDS = {
    "health": "0 ok, 1 warning, 2 error: the exit code of monitor.py health",
    "sales_age_days": "days since the newest day of sales",
    "table_age_hours": "hours since the newest forecast table was made",
    "table_origin_age_days": "days since the last day that table knew",
    "champion_age_days": "days since the last day the champion learned from",
    "look_age_hours": "hours since the watchers looked",
    "undelivered": "addresses whose newest message did not arrive",
    "alerts": "open alerts by severity",
    "rows_received": "rows received in seven days",
    "rows_refused": "of them those refused",
    "files_received": "files received in seven days",
    "files_refused": "of them those refused whole",
    "run_seconds": "seconds of an entry point's newest whole run",
    "run_peak_mb": "MB it held at most",
    "store_bytes": "size of the store's file",
    "disk_free_bytes": "room left on its disk",
}


@dataclass(frozen=True)
class Number:
    """One number, its unit in its name (a key of WORDS); `labels` tell those of one name apart."""

    name: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


def open_metrics(numbers: Sequence[Number]) -> str:
    """The numbers as gauges `tillcast_<name>`, in the OpenMetrics text format."""
    from prometheus_client.core import CollectorRegistry
    from prometheus_client.openmetrics.exposition import generate_latest

    class Collected:
        def collect(self) -> Iterable[Metric]:
            return _families(numbers)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected())  # type: ignore[arg-type]
    text: str = generate_latest(registry).decode("utf-8")
    return text


def _families(numbers: Sequence[Number]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    for name in dict.fromkeys(number.name for number in numbers):
        same = [number for number in numbers if number.name == name]
        labels = list(same[0].labels)
        family = GaugeMetricFamily(f"tillcast_{name}", WORDS[name], labels=labels)
        for number in same:
            family.add_metric([number.labels[label] for label in labels], number.value)
        yield family
