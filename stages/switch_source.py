"""Another source: shop.yaml says so from now on, and the store of the one before is set aside."""

from __future__ import annotations

from pathlib import Path

from contract.params import Params
from contract.params_file import load_laid, shop_of
from contract.params_lines import with_source
from runtime.command_line import Summary
from runtime.disk import flush_to_disk
from runtime.paths import Paths
from sources.finding import companions_of, content_hash, files_of
from stages.store_name import store_name
from storage.stores import switch_store


def switch_source(kind: str, data: Path | None, params_path: Path, paths: Paths) -> Summary:
    """Source.kind, path and sha256 of another source, every other line untouched; its store brought
    back.

    Written to the shop.yaml beside a params.yaml, which is never edited; to any other params file
    itself.
    """
    shop = shop_of(params_path)
    file = shop or params_path
    beside = file.with_name(f".{file.name}.new")
    wanted: dict[str, str | None] = {"kind": kind, "path": data and str(data), "sha256": None}

    def loaded() -> Params:
        _write(beside, file, params_path, wanted)
        return load_laid(params_path, beside) if shop else load_laid(beside, None)

    try:
        source = loaded().source
        if files := files_of(source):
            wanted["sha256"] = content_hash([*files, *companions_of(source)])
        params = loaded()
        if beside.read_bytes() != file.read_bytes():
            flush_to_disk(beside)  # an empty shop.yaml would be another source
            beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    moved = switch_store(
        paths.store, paths.stores, store_name(params.source), params.ingest.lock_wait_s
    )
    return {
        "source": kind,
        "path": data,
        "sha256": wanted["sha256"],
        "other_store_set_aside": moved,
    }


def _write(beside: Path, file: Path, params_path: Path, wanted: dict[str, str | None]) -> None:
    """The file's text with what is wanted; of what is yours, only what differs from what ships."""
    text = file.read_text(encoding="utf-8")
    as_shipped: list[str] = []
    if file != params_path:
        shipped = load_laid(params_path, None).source
        as_shipped = [name for name, value in wanted.items() if value == getattr(shipped, name)]
    values = {name: value for name, value in wanted.items() if name not in as_shipped}
    beside.write_text(with_source(text, values, as_shipped), encoding="utf-8")
