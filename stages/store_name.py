"""Which store a source's facts belong in."""

from __future__ import annotations

import hashlib
import json

from contract.hashes import params_hash, text_hash
from contract.params import FilesParams, SourceParams


def store_name(source: SourceParams) -> str:
    """Another kind, path, mapping or simulated world of the source is another store."""
    own = {"simulator": params_hash(source.simulator), "m5": params_hash()}
    mapping = own.get(source.kind) or _mapping_hash(source.files)
    mark = f"{source.path} {source.assumed_delay_days} {mapping}"
    return f"{source.kind}-{hashlib.sha256(mark.encode()).hexdigest()[:8]}"


def _mapping_hash(files: FilesParams) -> str:
    """As params_hash, without holidays and names: they say nothing of how facts are read, and a
    store that stands takes them in its next morning.
    """
    mapping = files.model_dump(mode="json", exclude={"holidays", "names"})
    return text_hash(json.dumps([mapping], sort_keys=True))
