"""Which store a source's facts belong in."""

from __future__ import annotations

import hashlib

from contract.hashes import params_hash
from contract.params import BESIDE_SALES, SourceParams

# they say nothing of how sales are read, and a store that stands takes them in its next morning
LABELS = {"holidays", "names", *BESIDE_SALES}


def store_name(source: SourceParams) -> str:
    """Another kind, path, mapping or simulated world of the source is another store."""
    files = [source.files]
    own = {"simulator": [source.simulator], "files": files, "m5": [], "sql": files}[source.kind]
    if source.kind == "sql":
        own = [*files, source.sql.facts["sales"].model_copy(update={"overlap": None})]
    mark = f"{source.path} {source.assumed_delay_days} {params_hash(*own, without=LABELS)}"
    return f"{source.kind}-{hashlib.sha256(mark.encode()).hexdigest()[:8]}"
