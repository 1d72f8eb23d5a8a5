"""Short names for values: equal values, equal hash."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel

from contract.params import BESIDE_SALES, Params

Without = set[str] | dict[str, Any]  # fields left out; of inner sections; ...: a section whole


def params_hash(*sections: BaseModel, without: Without | None = None) -> str:
    """A short name for exactly these sections' values, fields left out apart: equal values, equal
    hash.
    """
    values = [section.model_dump(mode="json", exclude=without) for section in sections]
    return text_hash(json.dumps(values, sort_keys=True))


def served_hash(params: Params) -> str:
    """The params a published table is made with: its run carries them, and an explanation compares
    with them. What is in stock, how it is supplied and where rows were fetched moves no
    forecast; what totals say is named by the panel's hash.
    """
    served = (params.source, params.features, params.train, params.inference)
    return params_hash(*served, without={"files": set(BESIDE_SALES), "sql": ..., "bucket": ...})


def text_hash(*parts: object) -> str:
    """A short name for these parts, in this order."""
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]
