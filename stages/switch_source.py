"""Another source: params.yaml says so from now on, and the store of the one before is set aside."""

from __future__ import annotations

from pathlib import Path

from contract.params_file import load_params, with_source
from runtime.command_line import Summary
from runtime.paths import Paths
from sources.reading import companions_of, content_hash, files_of
from stages.store_name import store_name
from storage.stores import switch_store


def switch_source(kind: str, data: Path | None, params_path: Path, paths: Paths) -> Summary:
    """params.yaml with source.kind, path and sha256 of another source, every other line untouched;
    its store brought back.
    """
    beside = params_path.with_name(f".{params_path.name}.new")
    sha256 = None
    try:
        text = with_source(params_path.read_text(encoding="utf-8"), kind, data and str(data), None)
        beside.write_text(text, encoding="utf-8")
        source = load_params(beside).source
        if files := files_of(source):
            sha256 = content_hash([*files, *companions_of(source)])
        beside.write_text(with_source(text, kind, data and str(data), sha256), encoding="utf-8")
        params = load_params(beside)
        beside.replace(params_path)
    finally:
        beside.unlink(missing_ok=True)
    moved = switch_store(
        paths.store, paths.stores, store_name(params.source), params.ingest.lock_wait_s
    )
    return {"source": kind, "path": data, "sha256": sha256, "other_store_set_aside": moved}
