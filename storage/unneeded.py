"""Files beside the store that nothing reads any more: archived ones by age, bundles of models by
what is kept of their work.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from storage.connection import Connection
from storage.inbox import archived_copies
from storage.models import challenger, in_line, read_models

IN_LINE = 3  # the champion and two before it: a rollback, and one from there


def contents_out_of_archive(con: Connection, archive_days: int) -> set[str]:
    """The sha256 of each content that was delivered last more than `archive_days` before the newest
    delivery.
    """
    query = """
        with delivered as (select sha256, max(received_at) as last_at from batches group by sha256)
        select sha256 from delivered
        where last_at < (select max(received_at) from batches) - to_days($days)"""
    return {sha256 for (sha256,) in con.execute(query, {"days": archive_days}).fetchall()}


def models_without_rows(con: Connection) -> set[str]:
    """The model_id of each model whose bundle nobody can need: no row it made is kept, it is
    neither the newest nor the challenger, and not among the first in line.
    """
    query = """
        select model_id from models
        where model_id not in (
            select model_id from runs semi join forecasts using (run_id)
            where model_id is not null)"""
    without = {model_id for (model_id,) in con.execute(query).fetchall()}
    challenging = challenger(con)
    needed = [*in_line(con)[:IN_LINE], *read_models(con)["model_id"].head(1)]
    return without - {*needed, challenging.model_id if challenging else None}


def archived_of(archive: Path, contents: set[str]) -> list[Path]:
    """The files that hold these contents, taken or refused."""
    return [path for sha256 in sorted(contents) for path in archived_copies(archive, sha256)]


def bundles_of(registry: Path, models: set[str]) -> list[Path]:
    """The folders of these models that are still there."""
    return [registry / name for name in sorted(models) if (registry / name).is_dir()]


def drop(files: list[Path], bundles: list[Path]) -> None:
    """Delete them, one after the other: cut anywhere, the next run goes on."""
    for file in files:
        file.unlink(missing_ok=True)
    for bundle in bundles:
        shutil.rmtree(bundle)
