"""A model learned from the parts of a panel: parts make the rows, the fit is here."""

from __future__ import annotations

from contract.panel import Panel
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.part_lessons import Lessons, lesson_of_parts
from scaling.engines import Engine
from scaling.parts import Parts
from scaling.run import run_parts
from scaling.whole import summed


def written_lessons(lessons: Lessons, work: str, files: Parts, engine: Engine) -> Panel:
    """A panel without rows that knows the totals of the parts, whose lessons lie in files now."""
    run_parts(lessons, work, files, engine)
    return files.outline(summed(files, work))


def learn_blocks(model: GlobalLightGBM, work: str, files: Parts) -> GlobalLightGBM:
    """The model, fitted block by block on the lessons that parts wrote."""
    for end in model.blocks:
        model.learn_block(end, lesson_of_parts(files.all_results(work), end))
    return model
