"""Faults of a model's folder: cut, changed, gone, or whole and yet the wrong one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from drills.faults import BundleFault
from forecasting.bundle import CARD
from forecasting.champion import CALIBRATION


def corrupted_model(bundle: Path) -> None:
    """One digit of one booster is another: the file still parses."""
    path = sorted(bundle.glob("block_*.txt"))[0]
    text = path.read_text(encoding="utf-8")
    at = text.index("leaf_value=") + len("leaf_value=")
    path.write_text(text[:at] + "9" + text[at:], encoding="utf-8")


def cut_model(bundle: Path) -> None:
    """The disk was full when a booster was written."""
    path = sorted(bundle.glob("block_*.txt"))[-1]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def missing_model(bundle: Path) -> None:
    """Somebody cleaned up the registry."""
    shutil.rmtree(bundle)


def swapped_boosters(bundle: Path) -> None:
    """The booster of the first days stands where that of the last days should, and the other way
    round.
    """
    first, *_, last = sorted(bundle.glob("block_*.txt"))
    kept = first.read_bytes()
    first.write_bytes(last.read_bytes())
    last.write_bytes(kept)


def forged_card(bundle: Path) -> None:
    """The card says another cutoff than the one it was written with."""
    path = bundle / CARD
    card = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(card | {"cutoff": "2030-01-01"}), encoding="utf-8")


def cut_calibration(bundle: Path) -> None:
    """Half of the calibration is left."""
    path = bundle / CALIBRATION
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def changed_calibration(bundle: Path) -> None:
    """The calibration parses, and every ratio of it is a tenth: intervals of a tenth of their
    width.
    """
    path = bundle / CALIBRATION
    path.write_text(
        json.dumps(_tenth(json.loads(path.read_text(encoding="utf-8")), inside="")),
        encoding="utf-8",
    )


def _tenth(value: object, inside: str) -> object:
    """The same JSON with each number inside `quantiles` divided by ten."""
    if isinstance(value, dict):
        return {name: _tenth(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_tenth(part, inside) for part in value]
    return value / 10 if inside == "quantiles" and isinstance(value, float) else value


BUNDLE_FAULTS = (
    BundleFault("corrupted_model", "one digit of a booster changed", (1, 2), corrupted_model),
    BundleFault("cut_model", "half of a booster is left", (1, 2), cut_model),
    BundleFault("missing_model", "the model's folder is gone", (1, 2), missing_model),
    BundleFault("swapped_boosters", "two boosters swapped", (1,), swapped_boosters),
    BundleFault("forged_card", "the card changed by hand", (1,), forged_card),
    BundleFault("cut_calibration", "half of the calibration is left", (1, 2), cut_calibration),
    BundleFault(
        "changed_calibration", "intervals of a tenth of the width", (1,), changed_calibration
    ),
)
