"""An earlier champion serves again."""

from __future__ import annotations

import logging
import time
from datetime import datetime

from contract.errors import BadUsage, ModelBroken
from contract.params import Params
from forecasting.bundle import load_bundle
from runtime.command_line import Summary
from runtime.paths import Paths
from stages.said import MOST_OF_A_REASON, refuse_text
from storage.models import in_line, promote
from storage.store import open_store

log = logging.getLogger("evaluate")

NEXT = "python inference.py: today's table by this model"


def roll_back(
    params: Params, paths: Paths, *, model_id: str | None, reason: str, now: datetime
) -> Summary:
    """An earlier champion (default: the one before) serves from now on. One transaction; the
    registry is read, never changed.

    Refused for a model whose bundle does not load: a rollback must not be the next incident.
    """
    refuse_text("--reason", reason, MOST_OF_A_REASON)
    started = time.perf_counter()
    with open_store(paths.store, params.ingest.lock_wait_s) as con:
        line = in_line(con)
        if model_id is None and len(line) < 2:
            raise ModelBroken(
                "there is no champion before this one. Name a model: "
                "`python evaluate.py rollback MODEL_ID --reason WHY`."
            )
        target = model_id or line[1]
        if target in line[:1]:
            raise BadUsage(
                f"model '{target}' is the champion already. Name an earlier one: {line[1:]}."
            )
        load_bundle(paths.registry / target)
        decision = promote(con, target, reason, now, "rollback")
    seconds = round(time.perf_counter() - started, 2)
    log.warning("rolled back model_id=%s replaced=%s reason=%s", target, decision.replaced, reason)
    return {
        "serves": target,
        "replaced": decision.replaced,
        "reason": reason,
        "seconds": seconds,
        "next": NEXT,
    }
