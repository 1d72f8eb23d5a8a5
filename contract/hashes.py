"""Short names for values: equal values, equal hash."""

from __future__ import annotations

import hashlib
import json

from pydantic import BaseModel

from contract.params import Params


def params_hash(*sections: BaseModel) -> str:
    """A short name for exactly these sections' values: equal values, equal hash."""
    text = json.dumps([section.model_dump(mode="json") for section in sections], sort_keys=True)
    return text_hash(text)


def served_hash(params: Params) -> str:
    """The params a published table is made with: its run carries them, and an explanation compares
    with them.
    """
    return params_hash(params.source, params.features, params.train, params.inference)


def text_hash(*parts: object) -> str:
    """A short name for these parts, in this order."""
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]
