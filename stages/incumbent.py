"""The champion copied to where the offline stages compare with it."""

from __future__ import annotations

from contract.params import Params
from forecasting.champion import copy_incumbent
from forecasting.shadow import keep_shadow
from runtime.command_line import Summary
from runtime.paths import Paths
from stages.shadow import shadow_so_far
from storage.models import champion
from storage.store import read_store


def name_incumbent(params: Params, paths: Paths) -> Summary:
    """The store's champion and its challenger's shadow, copied. Before the first promotion: a note
    that there is none.
    """
    with read_store(paths.store, params.ingest.lock_wait_s) as con:
        model_id = champion(con)
    copy_incumbent(paths.registry, model_id, paths.incumbent)
    shadow = shadow_so_far(params, paths) if model_id else None
    keep_shadow(paths.incumbent, shadow)
    return {
        "incumbent": model_id,
        "copied_to": str(paths.incumbent),
        "shadow": shadow.sentence if shadow else None,
    }
