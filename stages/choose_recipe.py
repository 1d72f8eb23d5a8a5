"""The recipe this panel wants, measured before it is trained."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from contract.errors import ModelBroken
from runtime.command_line import Summary
from runtime.json_files import write_json

if TYPE_CHECKING:
    from contract.panel import Panel
    from contract.params import Params, TrainParams
    from runtime.paths import Paths

log = logging.getLogger("evaluate")


def choose_recipe(params: Params, paths: Paths) -> Summary:
    """Measure what may be laid over `train` -> data/models/recipe.json."""
    from forecasting.choice import as_set, choose

    if params.evaluate.choose.minutes:
        choice = choose(params, _some_series(params, paths), _champions(paths), log.info)
    else:
        choice = as_set("evaluate.choose.minutes is 0")
    log.info("chose recipe=%s changes=%s", choice.recipe, choice.changes)
    write_json(paths.recipe, asdict(choice))
    return asdict(choice)


def _some_series(params: Params, paths: Paths) -> Panel:
    """The frozen panel of the series that recipes are measured on; the rest is not read."""
    from forecasting.choice import series_apart
    from forecasting.footprint import shape_of_card
    from storage.panel_files import read_card, read_frozen, read_frozen_series

    series, shape = read_frozen_series(paths.panel), shape_of_card(dict(read_card(paths.panel)))
    nth = series_apart(params, series, shape.days)
    return read_frozen(paths.panel, series.gather_every(nth)["unique_id"] if nth > 1 else None)


def _champions(paths: Paths) -> TrainParams | None:
    """What the champion was trained with; None where there is none that can be read."""
    from forecasting.bundle import CARD, read_card, recipe_of

    if not (paths.incumbent / CARD).exists():
        return None
    try:
        return recipe_of(read_card(paths.incumbent)).params
    except ModelBroken:  # of other code: nothing that could be kept
        return None
