"""The ladder's whole-table rungs: who serves without the champion, what goes out without sales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from contract.days import WEEK, days_after
from contract.errors import ModelBroken, NotEnoughHistory
from forecasting.champion import (
    CALIBRATION,
    Champion,
    champion_in_registry,
    serving_meanwhile,
)
from forecasting.columns import last_day
from forecasting.fallback import LAST_FORECAST


def who_serves(
    registry: Path,
    in_line: Sequence[str],
    backtest: Path,
    meanwhile: tuple[str, str] | None = None,
) -> Champion:
    """The first usable model in line, the champion first; `reason` says if it is an earlier one.

    Without any usable one `meanwhile` serves, what the newest refusal named: a registered model and
    a forecaster; else the baseline. `why_none` is what is wrong with the first in line.
    """
    why_none = None
    for place, model_id in enumerate(in_line):
        try:
            champion = champion_in_registry(registry, model_id, backtest)
        # its calibration: a mean without quantiles cannot be published
        except ModelBroken as broken:
            champion = Champion(None, None, {}, str(broken))
        if champion.model is not None:
            reason = "previous_champion" if place else None
            return replace(champion, why_none=why_none, reason=reason)
        why_none = why_none or champion.why_none
    if meanwhile is not None:
        try:
            return _serving_meanwhile(registry, *meanwhile, why_none)
        # its calibration, as above
        except ModelBroken as broken:
            why_none = why_none or str(broken)
    baseline = champion_in_registry(registry, None, backtest)
    return replace(baseline, why_none=why_none or baseline.why_none)


def _serving_meanwhile(
    registry: Path, model_id: str, method: str, why_none: str | None
) -> Champion:
    bundle = registry / model_id
    why = why_none or "no model has passed the gate yet"
    return serving_meanwhile(method, bundle, bundle / CALIBRATION, why)


def repeated(last: pl.DataFrame, today: date, horizon: int, run_id: str) -> pl.DataFrame:
    """The last published rows (FORECASTS or FORECAST_LEVELS) for `horizon` days from today on.

    A day they hold as it is, one beyond their end as the same weekday of their last week. Nothing
    was learned since, so the origin stays and h counts on.

    NotEnoughHistory when nothing was ever published.
    """
    if last.is_empty():
        raise NotEnoughHistory(
            "the store holds no sales to forecast from and no forecast to repeat. Ingest sales "
            "(`python ingest.py`), or bring the store back (`make rebuild`)."
        )
    end, days = last_day(last), days_after(today - timedelta(days=1), horizon)
    targets = pl.DataFrame({"target": days, "source": [_same_weekday(day, end) for day in days]})
    moved = last.drop("h").join(targets, left_on="ds", right_on="source", how="inner").drop("ds")
    method_and_reason = (
        {"method": pl.lit(LAST_FORECAST), "reason": pl.lit("no_sales")}
        if "method" in last.columns
        else {}
    )
    h = (pl.col("target") - pl.col("origin")).dt.total_days().cast(pl.Int32)
    return moved.with_columns(ds="target", h=h, run_id=pl.lit(run_id), **method_and_reason)


def _same_weekday(day: date, end: date) -> date:
    """The day itself, or as many whole weeks before it as lead to `end` or earlier."""
    beyond = max((day - end).days, 0)
    return day - timedelta(days=WEEK * -(-beyond // WEEK))
