"""Who serves: the champion copied to where the laboratory compares with it, and an earlier one put back in office."""

from __future__ import annotations

import logging
import time
from datetime import datetime

from contract.errors import BadUsage, ModelBroken
from contract.params import Params
from contract.places import Places
from contract.walk import Summary

log = logging.getLogger("evaluate")

NEXT = "python inference.py: today's table by this model"


def name_incumbent(params: Params, places: Places) -> Summary:
    """The store's champion, copied to where the laboratory compares with it. Before the first promotion: a note that there is none."""
    from desk.shadowing import shadow_so_far
    from forecasting.champion import name_incumbent as copy
    from forecasting.shadow import keep_shadow
    from storage.models import champion
    from storage.store import open_store

    model_id = None
    if places.store.exists():
        with open_store(places.store, params.ingest.lock_wait_s, read_only=True) as con:
            model_id = champion(con)
    copy(places.registry, model_id, places.incumbent)
    shadow = shadow_so_far(params, places) if model_id else None
    keep_shadow(places.incumbent, shadow)
    return {"incumbent": model_id, "copied_to": str(places.incumbent), "shadow": shadow.told if shadow else None}


def roll_back(params: Params, places: Places, *, model_id: str | None, reason: str, now: datetime) -> Summary:
    """An earlier champion (default: the one before) serves from now on. One transaction; the registry is read, never changed.

    Refused for a model whose bundle does not load: a rollback must not be the next incident.
    """
    from forecasting.bundle import load_bundle
    from storage.models import in_line, promote
    from storage.store import open_store

    started = time.perf_counter()
    with open_store(places.store, params.ingest.lock_wait_s) as con:
        line = in_line(con)
        if model_id is None and len(line) < 2:
            raise ModelBroken(
                "there is no champion before this one. Name a model: `python evaluate.py --rollback MODEL_ID`."
            )
        target = model_id or line[1]
        if target in line[:1]:
            raise BadUsage(f"model '{target}' is the champion already. Name an earlier one: {line[1:]}.")
        load_bundle(places.registry / target)
        decision = promote(con, target, reason, now, "rollback")
    seconds = round(time.perf_counter() - started, 2)
    log.warning("rolled back model_id=%s replaced=%s reason=%s", target, decision.replaced, reason)
    return {"serves": target, "replaced": decision.replaced, "reason": reason, "seconds": seconds, "next": NEXT}
