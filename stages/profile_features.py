"""What the features look like at the panel's end, for schema and drift checks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contract.panel import Panel
from contract.params import Params
from features.dense_panel import feature_recipe_of
from features.profile import Sample, profile_of, read_sample, sample_of
from forecasting.footprint import shape_of_card
from runtime.command_line import Summary
from runtime.json_files import write_json
from runtime.paths import Paths
from scaling.run import run_parts
from stages.frozen_parts import frozen_parts, stores_of
from stages.parts_wanted import job_of_sample, parts_for
from storage.panel_files import read_card, read_frozen

PROFILE_ROWS = 200_000  # enough for three digits of every range and share
PROFILE, SAMPLE = "profile", "sample.parquet"


def profile_features(params: Params, paths: Paths) -> Summary:
    """Range, mean and share of unknowns of each feature -> data/features/profile.json."""
    profile = profile_of(_samples(params, paths))
    target = paths.features / "profile.json"
    write_json(target, profile)
    return {"features": len(profile["features"]), "rows": profile["rows"], "profile": str(target)}


@dataclass(frozen=True)
class PartSample:
    """Draws the sample of a panel, or of a part of one (scaling.run)."""

    params: Params

    def of(self, panel: Panel) -> Sample:
        """The sample."""
        recipe = feature_recipe_of(self.params, panel)
        return sample_of(recipe, panel, self.params.train, PROFILE_ROWS)

    def __call__(self, panel: Panel, folder: Path) -> None:
        """The sample as a file."""
        self.of(panel).write(folder / SAMPLE)


def _samples(params: Params, paths: Paths) -> list[Sample]:
    shape, drawing = shape_of_card(dict(read_card(paths.panel))), PartSample(params)
    job = job_of_sample(params, PROFILE_ROWS, shape)
    parts = parts_for(params, job, shape, lambda: stores_of(paths))
    if parts is None:
        return [drawing.of(read_frozen(paths.panel))]
    with frozen_parts(params, paths, parts) as (files, engine):
        run_parts(drawing, PROFILE, files, engine)
        return [read_sample(folder / SAMPLE) for folder in files.all_results(PROFILE)]
