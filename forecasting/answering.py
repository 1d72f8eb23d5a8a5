"""One question, one answer: a panel and who serves -> the rows that go out, their levels, and the lineage both carry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from contract.frames import FORECAST_LEVELS
from contract.panel import Panel
from contract.params import Params, served_hash, text_hash
from contract.question import Question
from forecasting.champion import Champion
from forecasting.ladder import repeated
from forecasting.publication import publish_forecasts, publish_levels, uncalibrated
from forecasting.seasonal_naive import baseline_of


@dataclass(frozen=True)
class Answer:
    """FORECASTS and FORECAST_LEVELS of one run; `lineage`: its run_id, and model, data and params behind it.

    `levels_left_out`: levels that have no calibration yet.
    """

    rows: pl.DataFrame
    levels: pl.DataFrame
    lineage: dict[str, Any]
    levels_left_out: tuple[str, ...] = ()

    @property
    def run_id(self) -> str:
        """The run's name."""
        return self.lineage["run_id"]


def answer(params: Params, panel: Panel, champion: Champion, question: Question, stand_in: str | None = None) -> Answer:
    """What the champion says; `stand_in`: why it is an earlier one. A part of the series comes without levels."""
    origin, horizon = question.origin or panel.last_day, question.horizon or params.train.horizon
    lineage = _lineage(params, panel, champion, (origin, horizon, question.series, question.as_of), stand_in)
    baseline = baseline_of(params)
    method, model = champion.method(baseline.name), champion.model
    run_id, region = lineage["run_id"], params.source.region
    wanted = panel.matching(question.series).series.select("unique_id") if question.series else None
    rows = publish_forecasts(
        panel,
        origin,
        horizon,
        model,
        baseline,
        champion.calibrations,
        params.inference,
        run_id,
        region,
        stand_in,
        params.ingest.absent_means_zero,
    )
    if wanted is not None:  # features need the neighbours, the asker does not; a part of a group has no own calibration
        rows = rows.join(wanted, on="unique_id", how="semi", maintain_order="left")
        return Answer(rows, FORECAST_LEVELS.empty(), lineage)
    calibration, hierarchy = champion.calibrations[method], params.source.hierarchy
    levels = publish_levels(rows, panel.series, hierarchy, calibration)
    return Answer(rows, levels, lineage, tuple(uncalibrated(hierarchy, calibration)))


def repeat(params: Params, panel: Panel, last: tuple[pl.DataFrame, pl.DataFrame], today: date) -> Answer:
    """The lowest rung: no sale can be read, so the last published table and its levels go out again, from today on."""
    horizon = params.train.horizon
    lineage = _lineage(params, panel, Champion(None, None, {}), (today, horizon, None, None))
    rows, levels = (repeated(table, today, horizon, lineage["run_id"]) for table in last)
    return Answer(rows, levels, lineage)


def _lineage(
    params: Params, panel: Panel, champion: Champion, asked: tuple, stand_in: str | None = None
) -> dict[str, Any]:
    """Which model, data and params made the rows. The run_id is their hash: the same question twice is the same run."""
    made_of = served_hash(params)
    beside = [made for made in (stand_in, champion.stretch) if made]
    return {
        "run_id": text_hash(champion.model_id, panel.hash, made_of, *asked, *beside),
        "door": "inference",
        "params_hash": made_of,
        "panel_hash": panel.hash,
        "model_id": champion.model_id,
        "as_of": asked[-1],
    }
