"""Short names for values: equal values, equal hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from pydantic import BaseModel

from contract.params import Params


def params_hash(*sections: BaseModel, without: Iterable[str] = ()) -> str:
    """A short name for exactly these sections' values, fields left out apart: equal values, equal
    hash.
    """
    values = [section.model_dump(mode="json", exclude=set(without)) for section in sections]
    return text_hash(json.dumps(values, sort_keys=True))


def served_hash(params: Params) -> str:
    """The params a published table is made with: its run carries them, and an explanation compares
    with them.
    """
    return params_hash(params.source, params.features, params.train, params.inference)


def text_hash(*parts: object) -> str:
    """A short name for these parts, in this order."""
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]
