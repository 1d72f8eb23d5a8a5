"""The lessons of one part of a panel as files in its folder, and those of all parts as one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np

from contract.panel import Panel
from contract.params import Params
from features.dense_panel import DensePanel, feature_recipe_of
from forecasting.backtest import BacktestPlan, known_at
from forecasting.global_lightgbm import GlobalLightGBM
from forecasting.lesson import Examples, Lesson
from runtime.array_files import read_arrays, write_arrays


class Lessons(ABC):
    """A file for each block of a model, with what a part of a panel teaches it (scaling.run)."""

    def __call__(self, panel: Panel, folder: Path) -> None:
        """The files of one part."""
        model = self.model_of(panel)
        dense = model.training_panel(self.seen_of(panel))
        for written in [
            panel.whole.attempt(partial(_write, model, dense, end, folder)) for end in model.blocks
        ]:
            written()

    @abstractmethod
    def seen_of(self, panel: Panel) -> Panel:
        """The panel as the model sees it."""

    @abstractmethod
    def model_of(self, panel: Panel) -> GlobalLightGBM:
        """The model with all it learns but its boosters. Of a panel without rows that knows the
        totals of the parts it is the same.
        """


@dataclass(frozen=True)
class PartLessons(Lessons):
    """Of a fit by `params` on the panel up to `cutoff` (None: all of it)."""

    params: Params
    cutoff: date | None

    def seen_of(self, panel: Panel) -> Panel:
        """As Lessons.seen_of."""
        return panel if self.cutoff is None else panel.up_to(self.cutoff)

    def model_of(self, panel: Panel) -> GlobalLightGBM:
        """As Lessons.model_of."""
        seen = self.seen_of(panel)
        recipe = feature_recipe_of(self.params, seen)
        return GlobalLightGBM(self.params.train, recipe).looked_at(seen)


@dataclass(frozen=True)
class BacktestLessons(Lessons):
    """Of a forecaster of a backtest that is fitted at a cutoff."""

    forecaster: GlobalLightGBM
    plan: BacktestPlan
    cutoff: date

    def seen_of(self, panel: Panel) -> Panel:
        """As Lessons.seen_of."""
        return known_at(panel, self.cutoff, self.plan)

    def model_of(self, panel: Panel) -> GlobalLightGBM:
        """As Lessons.model_of."""
        return replace(self.forecaster).looked_at(self.seen_of(panel))


def lesson_of_parts(folders: Sequence[Path], end: int) -> Lesson:
    """The lesson of a block that parts have written, rows in the order of one panel's."""
    files = [_file(folder, end) for folder in folders]
    first = read_arrays(files[0], ["names", "categories", "kinds"])
    parts = {kind: _together(files, kind) for kind in first["kinds"].tolist()}
    names, categories = first["names"].tolist(), first["categories"].tolist()
    return Lesson(names, categories, parts["drawn"], parts.get("broken"))


def _together(files: Sequence[Path], kind: str) -> Examples:
    """Held once, and one part's beside them."""
    keys = np.concatenate([read_arrays(file, [f"{kind}_keys"])[f"{kind}_keys"] for file in files])
    order = np.lexsort(keys.T[::-1])
    place = np.empty_like(order)
    place[order] = np.arange(len(keys))
    features, units, done = None, np.empty(len(keys), dtype=np.float32), 0
    for file in files:
        own = read_arrays(file, [f"{kind}_features", f"{kind}_units"])
        rows = own[f"{kind}_features"]
        if features is None:
            features = np.empty((len(keys), rows.shape[1]), dtype=rows.dtype)
        at = place[done : done + len(rows)]
        features[at], units[at] = rows, own[f"{kind}_units"]
        done += len(rows)
    assert features is not None
    return Examples(keys[order], features, units)


def _write(model: GlobalLightGBM, dense: DensePanel, end: int, folder: Path) -> None:
    lesson = model.lesson(dense, model.blocks[end])
    kinds = {"drawn": lesson.drawn} | ({} if lesson.broken is None else {"broken": lesson.broken})
    arrays = {
        "names": np.array(lesson.names),
        "categories": np.array(lesson.categories, dtype=np.str_),
        "kinds": np.array(list(kinds)),
    }
    for kind, examples in kinds.items():
        arrays |= {f"{kind}_{name}": values for name, values in vars(examples).items()}
    write_arrays(_file(folder, end), arrays)


def _file(folder: Path, end: int) -> Path:
    return folder / f"lesson-{end:02d}.npz"
