"""The recipe this panel wants, measured before it is trained."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from datetime import date
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
        some, whole = _some_series(params, paths)
        choice = choose(params, some, _champions(paths), log.info, whole)
    else:
        choice = as_set("evaluate.choose.minutes is 0")
    log.info("chose recipe=%s changes=%s", choice.recipe, choice.changes)
    write_json(paths.recipe, asdict(choice))
    return asdict(choice)


def _some_series(params: Params, paths: Paths) -> tuple[Panel, Panel]:
    """The frozen panel of the series that recipes are measured on; and one without rows that knows
    days and series of the whole, as the rest is not read.
    """
    import polars as pl

    from contract.whole import ARRIVALS
    from forecasting.choice import tried_series
    from forecasting.footprint import shape_of_card
    from storage.panel_files import read_card, read_frozen, read_frozen_series

    series, card = read_frozen_series(paths.panel), read_card(paths.panel)
    tried = tried_series(params, series, shape_of_card(dict(card)).days)
    some = read_frozen(paths.panel, tried if len(tried) < series.height else None)
    days = pl.DataFrame({"ds": [date.fromisoformat(card[of]) for of in ("first_day", "last_day")]})
    arrivals = pl.concat([ARRIVALS.empty(), days], how="diagonal")
    return some, replace(some, sales=some.sales.clear(), series=series, arrivals=arrivals)


def _champions(paths: Paths) -> TrainParams | None:
    """What the champion was trained with; None where there is none that can be read."""
    from forecasting.bundle import CARD, read_card, recipe_of

    if not (paths.incumbent / CARD).exists():
        return None
    try:
        return recipe_of(read_card(paths.incumbent)).params
    except ModelBroken:  # of other code: nothing that could be kept
        return None
