"""The fit on the frozen panel, in one part or many: the same model."""

from __future__ import annotations

import logging
from datetime import date

import polars as pl

from contract.panel import Panel
from contract.params import Params
from features.days_off import WHY_WITHOUT_ROWS, days_without_rows
from features.older_totals import WHY_UNUSED, unused_scopes
from features.reach import WHY_LEFT_OUT, short_plans
from forecasting.footprint import shape_of_card
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.part_lessons import PartLessons
from runtime.paths import Paths
from stages.frozen_parts import frozen_parts, stores_of
from stages.learn_in_parts import learn_blocks, written_lessons
from stages.parts_wanted import job_of_fit, parts_for
from storage.panel_files import read_card, read_frozen

log = logging.getLogger("train")

FIT = "fit"


def fit(params: Params, paths: Paths, cutoff: date | None) -> GlobalLightGBM:
    """The model fitted on the panel up to the cutoff; None: on all of it."""
    shape, lessons = shape_of_card(dict(read_card(paths.panel))), PartLessons(params, cutoff)
    parts = parts_for(params, job_of_fit(params, shape), shape, lambda: stores_of(paths))
    if parts is None:
        return _fit_in_one(lessons, read_frozen(paths.panel))
    return _fit_in_parts(lessons, paths, parts)


def _fit_in_one(lessons: PartLessons, panel: Panel) -> GlobalLightGBM:
    model, seen = lessons.model_of(panel), lessons.seen_of(panel)
    _say(lessons.params, model, seen)
    return model.learn(model.training_panel(seen))


def _fit_in_parts(lessons: PartLessons, paths: Paths, parts: pl.DataFrame) -> GlobalLightGBM:
    """Parts make the rows, one after another or side by side; the fit is here, block by block."""
    with frozen_parts(lessons.params, paths, parts) as (files, engine):
        outline = written_lessons(lessons, FIT, files, engine)
        model = lessons.model_of(outline)
        _say(lessons.params, model, lessons.seen_of(outline))
        return learn_blocks(model, FIT, files)


def _say(params: Params, model: GlobalLightGBM, panel: Panel) -> None:
    """What is fitted, and what of the panel is of no use to it."""
    log.info("fitting cutoff=%s series=%d", panel.last_day, panel.series.height)
    recipe = model.feature_recipe
    if recipe.left_out:
        log.warning("left_out=%s reason=%s", list(recipe.left_out), WHY_LEFT_OUT)
    if short := short_plans(recipe.features, model.plan_reach, params.train.horizon):
        log.warning("plans_end_after_days=%s horizon=%d", short, params.train.horizon)
    if missing := days_without_rows(panel):
        newest = [str(day) for day in missing[-3:]]
        log.warning("days_without_rows=%d newest=%s %s", len(missing), newest, WHY_WITHOUT_ROWS)
    if unused := unused_scopes(panel, params.train.groups.columns, params.train.horizon):
        log.warning("totals_unused=%d such_as=%s %s", len(unused), unused[:2], WHY_UNUSED)
