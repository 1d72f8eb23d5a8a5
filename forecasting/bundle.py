"""A fitted model on disk: LightGBM's own text beside a JSON card.

No pickle: nothing in a bundle can run when it is read.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from contract.demand import DemandRules
from contract.errors import ModelBroken
from contract.hashes import params_hash
from contract.params import FeatureParams, TrainParams
from features.dense_panel import FeatureRecipe, Vocabulary
from forecasting.global_lightgbm import GlobalLightGBM

CARD = "card.json"
_OF_OTHER_CODE = (KeyError, TypeError, ValueError, AttributeError)  # a card may hold any JSON
Card = dict[str, Any]


def save_bundle(
    model: GlobalLightGBM, folder: Path, panel_hash: str, choice: dict[str, Any] | None = None
) -> Card:
    """Write the boosters and the card into an empty folder; returns the card.

    `choice`: which recipe was chosen and why (forecasting.choice), None where params alone say.

    Same fit, same bytes, same model_id.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for end, booster in model.boosters.items():
        name = f"block_{end:02d}.txt"
        text = booster.model_to_string()
        (folder / name).write_text(text, encoding="utf-8")
        files[name] = _sha256(text)
    card = _card(model, files, panel_hash, choice)
    (folder / CARD).write_text(json.dumps(card, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return card


def read_card(folder: Path) -> Card:
    """The card of a bundle. ModelBroken when there is none, or when it is not as it was written."""
    try:
        card: Card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        is_whole = card["model_id"] == _model_id(card)
    except (
        FileNotFoundError,
        json.JSONDecodeError,
        UnicodeDecodeError,
        KeyError,
        TypeError,
    ) as error:
        raise ModelBroken(
            f"'{folder}' holds no readable {CARD}: {error!r}. Run `python train.py`, or name "
            "another model."
        ) from error
    if not is_whole:
        raise ModelBroken(
            f"'{folder / CARD}' changed since it was written. Train again, or roll back to "
            "another model."
        )
    return card


def load_bundle(folder: Path) -> GlobalLightGBM:
    """The fitted model of a bundle.

    ModelBroken when a file is missing or is not the one the card was written for.
    """
    import lightgbm  # two seconds to import

    card = read_card(folder)
    texts = {name: _checked_text(folder / name, sha256) for name, sha256 in _files_of(card, folder)}
    try:
        model = recipe_of(card)
        model.vocabulary = Vocabulary(**card["vocabulary"])
        model.columns, model.unknown_shares = card["columns"], card["unknown_shares"]
        model.cutoff = date.fromisoformat(card["cutoff"])
        model.plan_reach = card.get("plan_reach", {})  # cards older than it do not say
        model.boosters = {
            int(name[len("block_") : -len(".txt")]): lightgbm.Booster(model_str=text)
            for name, text in texts.items()
        }
    except (*_OF_OTHER_CODE, lightgbm.basic.LightGBMError) as error:
        raise ModelBroken(
            f"'{folder}' was made by another version of this code: {error}. Train again."
        ) from error
    return model


def _files_of(card: Card, folder: Path) -> list[tuple[str, str]]:
    """The names and hashes of a bundle's texts; ModelBroken for a name that leads elsewhere."""
    names = card.get("files")
    if not isinstance(names, dict) or not all(
        re.fullmatch(r"block_\d+\.txt", one) for one in names
    ):
        raise ModelBroken(
            f"'{folder / CARD}' names other files than its blocks: {names!r}. Use only bundles "
            "that train.py wrote."
        )
    return list(names.items())


def recipe_of(card: Card) -> GlobalLightGBM:
    """The forecaster a card describes, not fitted.

    ModelBroken for a card of other code.
    """
    try:
        features, train = FeatureParams(**card["features"]), TrainParams(**card["train"])
        rules = DemandRules(card["absent_means_zero"], features.max_stockout_share, card["region"])
        recipe = FeatureRecipe(features, rules, tuple(card["left_out"]))
    except _OF_OTHER_CODE as error:
        raise ModelBroken(
            f"the card of model {card['model_id']} was written by another version of this code: "
            f"{error!r}. Train again."
        ) from error
    return GlobalLightGBM(train, recipe)


def _card(
    model: GlobalLightGBM, files: dict[str, str], panel_hash: str, choice: dict[str, Any] | None
) -> Card:
    train, features = model.params, model.feature_recipe.features
    card: Card = {
        "kind": model.name,
        "cutoff": str(model.fitted_up_to),
        "panel_hash": panel_hash,
        "params_hash": params_hash(train, features),
        "train": train.model_dump(mode="json"),
        "features": features.model_dump(mode="json"),
        "region": model.feature_recipe.rules.region,
        "absent_means_zero": model.feature_recipe.rules.absent_means_zero,
        "left_out": list(model.feature_recipe.left_out),
        "plan_reach": model.plan_reach,
        "columns": model.columns,
        "vocabulary": asdict(model.fitted_vocabulary),
        "rows_used": {str(end): rows for end, rows in model.rows_used.items()},
        "unknown_shares": {name: round(share, 4) for name, share in model.unknown_shares.items()},
        "files": files,
        **({"choice": choice} if choice else {}),
        "importance": _importance(model),
    }
    return {"model_id": _model_id(card), **card}


def _model_id(card: Card) -> str:
    """A short name for everything the card says."""
    content = {name: value for name, value in card.items() if name != "model_id"}
    return _sha256(json.dumps(content, sort_keys=True))[:12]


def _importance(model: GlobalLightGBM) -> dict[str, float]:
    """Share of the total gain of each feature, all blocks together, largest first."""
    of_blocks = [booster.feature_importance("gain") for booster in model.boosters.values()]
    gains = np.sum(of_blocks, axis=0)
    shares = gains / max(gains.sum(), 1e-12)
    ranked = sorted(zip(model.columns, shares, strict=True), key=lambda pair: -pair[1])
    return {name: round(float(share), 5) for name, share in ranked}


def _checked_text(path: Path, sha256: str) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ModelBroken(
            f"'{path}' is missing from its bundle. Train again, or roll back to another model."
        ) from error
    if _sha256(text) != sha256:
        raise ModelBroken(
            f"'{path}' changed since its card was written. Train again, or roll back to another "
            "model."
        )
    return text


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
