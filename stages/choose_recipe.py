"""The recipe this panel wants, measured before it is trained."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from contract.errors import ModelBroken
from runtime.command_line import Summary
from runtime.json_files import write_json

if TYPE_CHECKING:
    from contract.params import Params, TrainParams
    from runtime.paths import Paths

log = logging.getLogger("evaluate")


def choose_recipe(params: Params, paths: Paths) -> Summary:
    """Measure what may be laid over `train` -> data/models/recipe.json."""
    from forecasting.choice import as_set, choose
    from storage.panel_files import read_frozen

    if params.evaluate.choose.minutes:
        panel = read_frozen(paths.panel)
        choice = choose(params, panel, _champions(paths), log.info)
    else:
        choice = as_set("evaluate.choose.minutes is 0")
    log.info("chose recipe=%s changes=%s", choice.recipe, choice.changes)
    write_json(paths.recipe, asdict(choice))
    return asdict(choice)


def _champions(paths: Paths) -> TrainParams | None:
    """What the champion was trained with; None where there is none that can be read."""
    from forecasting.bundle import CARD, read_card, recipe_of

    if not (paths.incumbent / CARD).exists():
        return None
    try:
        return recipe_of(read_card(paths.incumbent)).params
    except (ModelBroken, KeyError, ValueError):  # of other code: nothing that could be kept
        return None
