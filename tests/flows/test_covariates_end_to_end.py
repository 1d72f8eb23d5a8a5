"""A retailer's own column through the entry points: what a thermometer in another unit does to the
morning's look.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ingest
import monitor
from contract.days import YEAR
from contract.params import Params
from runtime.paths import Paths
from storage.alerts import open_alerts
from storage.store import open_store

FIRST, DAYS = date(2023, 1, 2), YEAR + 160
CAUSE = "drift:covariates:temperature"


@pytest.fixture
def own_files(params: Params) -> Params:
    files = params.source.files.model_copy(
        update={
            "columns": {"unique_id": ["shop"], "ds": "day", "y": "sold"},
            "hierarchy": {"store_id": "shop"},
            "sales": "sales*",
            "known_future": {},
            "past_only": {"temperature": "celsius"},
            "static": None,
        }
    )
    features = params.features.model_copy(update={"known_future": [], "past_only": ["temperature"]})
    source = params.source.model_copy(update={"kind": "files", "files": files, "region": None})
    # judged by Polars alone: quicker
    rules = params.ingest.model_copy(update={"great_expectations_max_rows": 1})
    return params.model_copy(update={"source": source, "features": features, "ingest": rules})


def write_sales(path: Path, first: int, days: int, fahrenheit: bool = False) -> None:
    """Six shops, each with a thermometer of its own."""
    rng = np.random.default_rng(first)
    day = np.arange(first, first + days).repeat(6)
    celsius = 10 - 9 * np.cos(2 * np.pi * day / 365.25) + rng.normal(0, 3, len(day))
    columns = {
        "shop": [f"S{k % 6}" for k in range(len(day))],
        "day": [FIRST + timedelta(days=int(k)) for k in day],
        "sold": rng.poisson(8, len(day)),
        "celsius": (celsius * 1.8 + 32 if fahrenheit else celsius).round(1),
    }
    pl.DataFrame(columns).write_csv(path)


def look(params: Params, paths: Paths, days: int) -> dict[str, str]:
    """The open alerts about the thermometer on the morning after so many days: cause -> what."""
    now = datetime.combine(FIRST + timedelta(days=days), time(6))
    monitor.monitor(params, paths, now=now)
    with open_store(paths.store) as con:
        return dict(open_alerts(con).filter(cause=CAUSE).select("cause", "what").iter_rows())


def test_a_thermometer_in_fahrenheit_is_one_alert_and_gone_when_the_file_is_put_right(
    own_files, paths
):
    paths.inbox.mkdir(parents=True, exist_ok=True)

    def arrive(name: str, first: int, days: int, fahrenheit: bool = False) -> None:
        write_sales(paths.inbox / name, first, days, fahrenheit)
        assert (
            ingest.ingest(
                own_files,
                paths,
                now=datetime.combine(FIRST + timedelta(days=first + days), time(5)),
            )["refused"]
            == 0
        )

    arrive("sales_history.csv", 0, DAYS)
    assert look(own_files, paths, DAYS) == {}
    arrive("sales_week.csv", DAYS, 7, fahrenheit=True)
    assert "beyond any earlier year's" in look(own_files, paths, DAYS + 7)[CAUSE]
    arrive("sales_week_again.csv", DAYS, 8)
    assert look(own_files, paths, DAYS + 8) == {}
