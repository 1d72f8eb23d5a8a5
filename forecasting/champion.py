"""What serves in production: a model and its calibrations, or the baseline alone and why."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contract.errors import ModelBroken
from forecasting.bundle import Card, load_bundle, read_card
from forecasting.fallback import NO_CHAMPION
from forecasting.forecaster import BASELINE, Forecaster
from forecasting.global_lightgbm import WHY_RECURSIVE_IN_ONE, GlobalLightGBM
from forecasting.intervals import Calibration
from forecasting.scoring import calibration_of
from forecasting.window_average import GROUPED_AVERAGE, WindowAverage
from runtime.disk import flush_to_disk, sha256_of

CALIBRATION, NAMED = "calibration.json", "incumbent.json"
CALIBRATION_HASH = "calibration.sha256"


@dataclass(frozen=True)
class Champion:
    """`model` None: the baseline serves, and `why_none` says why. Calibrations by method."""

    model: Forecaster | None
    model_id: str | None
    calibrations: dict[str, Calibration]
    why_none: str | None = None
    # JSON: factors on its intervals, learned from actuals (forecasting.recalibration)
    interval_scale: str | None = None
    # why what serves is not the champion, on its rows (forecasting.fallback.REASONS)
    reason: str | None = None

    def method(self, baseline: str) -> str:
        """What makes most of the rows."""
        return self.model.name if self.model else baseline

    @property
    def only_in_one(self) -> str | None:
        """Why its table cannot be made in parts of a panel, whatever params would train today; None
        where it can.
        """
        if isinstance(self.model, GlobalLightGBM) and self.model.is_recursive:
            return WHY_RECURSIVE_IN_ONE
        return None


def champion_in_registry(registry: Path, model_id: str | None, backtest: Path) -> Champion:
    """The champion the store names.

    A missing or broken bundle is no champion: the ladder serves, and says so.
    """
    if model_id is None:
        return Champion(
            None, None, _calibrations(backtest / CALIBRATION), "no model was promoted yet"
        )
    bundle = registry / model_id
    calibration = bundle / CALIBRATION
    return _load(bundle, calibration if calibration.exists() else backtest / CALIBRATION)


def calibrations_in_registry(
    registry: Path, model_id: str | None, backtest: Path
) -> dict[str, Calibration]:
    """By method the calibrations a run's table was made with, without loading its model.

    ModelBroken where there is none.
    """
    kept = registry / model_id / CALIBRATION if model_id else None
    return _calibrations(kept if kept and kept.exists() else backtest / CALIBRATION)


def candidate_champion(
    candidate: Path, incumbent: Path, backtest: Path, decision: Path
) -> Champion:
    """The candidate, if the gate let it pass; else the champion it could not replace.

    The champion as it was when the data were frozen; without one the best of the backtest, with the
    gate's reasons.
    """
    kept: dict[str, Any] = json.loads(decision.read_text(encoding="utf-8"))
    if kept["promote"]:
        return _load(candidate, backtest / CALIBRATION)
    if (incumbent / CALIBRATION).exists():
        return _load(incumbent, incumbent / CALIBRATION)
    serves = kept.get("serves")  # none in a decision of before
    method = serves["method"] if serves else BASELINE
    return serving_meanwhile(method, candidate, backtest / CALIBRATION, "; ".join(kept["reasons"]))


def serving_meanwhile(method: str, bundle: Path, calibration: Path, why_none: str) -> Champion:
    """What serves while no model is champion: a forecaster of the backtest, by its name.

    `bundle`: the candidate's; simple forecasters take its features' recipe. A bundle that cannot be
    loaded leaves the table to the baseline.
    """
    calibrations = _calibrations(calibration)
    baseline = Champion(None, None, calibrations, why_none)
    if method == BASELINE:  # as the best of the backtest, not for want of any
        return replace(baseline, reason=NO_CHAMPION)
    if method not in calibrations:
        return baseline
    try:
        model = load_bundle(bundle)
    except ModelBroken as broken:
        return replace(baseline, why_none=f"{why_none}; {broken}")
    served, model_id = _named(model, method), read_card(bundle)["model_id"]
    return replace(baseline, model=served, model_id=model_id, reason=NO_CHAMPION)


def _named(model: GlobalLightGBM, method: str) -> Forecaster:
    """The fitted model itself, or a simple forecaster that reads the same features."""
    if method == model.name:
        return model
    groups = model.params.groups if method == GROUPED_AVERAGE else None
    return WindowAverage(model.feature_recipe, groups)


def enter_registry(candidate: Path, backtest: Path, registry: Path) -> Card:
    """Copy a candidate and its calibration to registry/<model_id>; returns the card.

    A model already there stays as it is.
    """
    card = read_card(candidate)
    target, unfinished = registry / card["model_id"], registry / f".{card['model_id']}.part"
    if not target.exists():
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(candidate, unfinished)
        keep_calibration(backtest / CALIBRATION, unfinished)
        for path in (*unfinished.rglob("*"), unfinished):
            flush_to_disk(path)
        # whole or not at all: a power cut leaves no half bundle under its name
        unfinished.rename(target)
        flush_to_disk(registry)
    return card


def copy_incumbent(registry: Path, model_id: str | None, folder: Path) -> None:
    """A copy of the champion's bundle for `dvc repro`, whose stages do not read the store.

    Only a note (NAMED) if there is no champion. A champion whose bundle is lost is none: nothing
    could be compared with it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    bundle = registry / model_id if model_id else None
    if bundle is not None and bundle.is_dir():
        shutil.copytree(bundle, folder)
    folder.mkdir(parents=True, exist_ok=True)
    named = {"model_id": model_id if bundle is not None and bundle.is_dir() else None}
    (folder / NAMED).write_text(json.dumps(named) + "\n", encoding="utf-8")


def keep_calibration(calibration: Path, bundle: Path) -> None:
    """Copy a calibration into a bundle, and its hash beside it.

    Intervals of a tenth of their width parse as well as right ones.
    """
    shutil.copy(calibration, bundle / CALIBRATION)
    (bundle / CALIBRATION_HASH).write_text(sha256_of(bundle / CALIBRATION), encoding="ascii")


def _load(bundle: Path, calibration: Path) -> Champion:
    calibrations = _calibrations(calibration)
    try:
        return Champion(load_bundle(bundle), read_card(bundle)["model_id"], calibrations)
    except ModelBroken as broken:
        return Champion(None, None, calibrations, str(broken))


def _calibrations(path: Path) -> dict[str, Calibration]:
    # only in the registry: the backtest's own is DVC's to check
    kept = path.with_name(CALIBRATION_HASH)
    if kept.exists() and path.exists() and kept.read_text(encoding="ascii") != sha256_of(path):
        raise ModelBroken(
            f"'{path}' changed since it was kept. Roll back to another model, or remove "
            f"'{path.parent}' and publish the model again (`python inference.py publish`)."
        )
    try:
        return calibration_of(json.loads(path.read_text(encoding="utf-8")))
    # JSON of another shape fails in the second or third way
    except (FileNotFoundError, json.JSONDecodeError, AttributeError, TypeError) as error:
        raise ModelBroken(
            f"there is no calibration in '{path}'. Run `make repro` (or `python evaluate.py`) "
            "first: it learns the quantiles."
        ) from error
