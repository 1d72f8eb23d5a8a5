"""The newest table and its orders, published where others read them."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from contract.errors import BadParams, SourceMissing, TillcastError
from contract.frames import ORDERS, OVERRIDDEN
from contract.params import Params
from runtime.command_line import Summary
from runtime.disk import disk_refusals
from runtime.json_files import read_json_if_whole, write_json
from runtime.paths import Paths
from storage.claims import claimed
from storage.forecasts import latest_forecasts
from storage.orders import read_orders
from storage.overrides import overridden_of
from storage.store import open_store

if TYPE_CHECKING:
    from remote.bucket import Bucket
    from remote.published import Delivery

log = logging.getLogger("inference")

MANIFEST = "latest.json"
_SLICE = 50_000  # rows hashed at once; bounds memory


def deliver(params: Params, paths: Paths, *, now: datetime) -> Summary:
    """The newest whole table and the orders made of it, delivered once; twice changes nothing.

    What failed is on record for the watcher `delivery`, then raised. StoreBusy where another
    process delivers from this store: of two, the older table could be the last.
    """
    variable = params.deliver.url_env
    if variable is None:
        raise BadParams(
            "deliver.url_env is null: nothing is delivered. Set it in shop.yaml to the name of the "
            "environment variable that holds the url of the database or bucket."
        )
    lock = paths.delivered.with_suffix(".lock")
    with claimed(lock, "the newest table is being delivered", params.ingest.lock_wait_s):
        return _deliver(params, paths, now)


def _deliver(params: Params, paths: Paths, now: datetime) -> Summary:
    frames = _frames(params, paths)
    run_id = str(frames["forecasts"]["run_id"][0])
    try:
        written = _publish(params, paths, run_id, frames, now)
    except TillcastError as error:
        _record(paths, {"run_id": run_id, "failed_at": now, "why": str(error)})
        raise
    _record(paths, {"run_id": run_id, "delivered_at": now})
    rows = {name: frame.height for name, frame in frames.items()}
    log.info("delivered run_id=%s rows=%s written=%s", run_id, rows, written)
    return {"run_id": run_id, **rows, "written": written}


def deliver_if_wanted(params: Params, paths: Paths, *, now: datetime) -> Summary:
    """The same where a place is named; nothing else."""
    if params.deliver.url_env is None:
        if paths.delivered.exists():  # an alert about deliveries has lost its cause
            _record(paths, {"stopped_at": now})
        return {"written": False, "reason": "deliver.url_env names no place"}
    return deliver(params, paths, now=now)


def _frames(params: Params, paths: Paths) -> dict[str, pl.DataFrame]:
    """The newest whole table, its orders, and the rows of it that a person changed."""
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        forecasts, orders = latest_forecasts(con), read_orders(con)
        if forecasts.is_empty():
            raise SourceMissing("there is no table to deliver. Run `python inference.py` first.")
        run_id = forecasts["run_id"][0]
        changed = overridden_of(con, run_id).with_columns(run_id=pl.lit(run_id))
    return {
        "forecasts": forecasts,
        "orders": ORDERS.conform(orders.filter(pl.col("run_id") == run_id)),
        "overridden": OVERRIDDEN.conform(changed),
    }


def _publish(
    params: Params, paths: Paths, run_id: str, frames: Mapping[str, pl.DataFrame], now: datetime
) -> bool:
    from remote.bucket import bucket_at
    from remote.database import connected
    from remote.environment import is_of_database, url_in
    from remote.published import Delivery, publish

    variable = params.deliver.url_env or ""
    delivery = Delivery(run_id, _content_of(frames), now, frames)
    if is_of_database(url_in(variable)):
        with connected(variable, is_reading=False) as con:
            return publish(con, delivery, params.deliver.db_schema, params.deliver.keep_runs)
    return _into_bucket(bucket_at(url_in(variable)), delivery, paths.staging / "deliver")


def _content_of(frames: Mapping[str, pl.DataFrame]) -> str:
    """A hash of all values, in the order the store has them; not of when the table was made."""
    total = hashlib.sha256()
    for name, frame in frames.items():
        total.update(f"{name} {frame.columns}\n".encode())
        for rows in frame.drop("created_at", strict=False).iter_slices(_SLICE):
            total.update(rows.write_csv(include_header=False).encode())
    return total.hexdigest()


def _into_bucket(bucket: Bucket, delivery: Delivery, scratch: Path) -> bool:
    """The tables as Parquet under names of their content, then the manifest that names them.
    `scratch`: a folder of ours.
    """
    manifest = {
        "run_id": delivery.run_id,
        "content": delivery.content,
        "files": {
            name: {"key": f"{delivery.run_id}/{name}-{delivery.content[:16]}.parquet",
                   "rows": frame.height}
            for name, frame in delivery.frames.items()
        },
    }  # fmt: skip
    if _is_there(bucket, manifest):
        return False
    with _emptied(scratch):
        for name, frame in delivery.frames.items():
            path = scratch / f"{name}.parquet"
            frame.rechunk().write_parquet(path)
            bucket.write(manifest["files"][name]["key"], path)
            path.unlink()
        listed = scratch / MANIFEST
        write_json(listed, manifest | {"delivered_at": delivery.delivered_at})
        bucket.write(MANIFEST, listed)
    return True


@contextmanager
def _emptied(folder: Path) -> Iterator[None]:
    """A folder without what a kill left there, and gone afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with disk_refusals(folder):
            folder.mkdir(parents=True)
            yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_there(bucket: Bucket, manifest: Summary) -> bool:
    """Whether the newest manifest names this content, and its files are there."""
    try:
        newest = json.loads(bucket.read(MANIFEST) or b"{}")
    except ValueError:
        return False
    is_same = isinstance(newest, dict) and newest.get("content") == manifest["content"]
    return is_same and all(bucket.holds(file["key"]) for file in manifest["files"].values())


def _record(paths: Paths, outcome: Summary) -> None:
    """The newest outcome; of failures in a row when the first was, too."""
    before = read_json_if_whole(paths.delivered) or {}
    if "failed_at" in outcome:
        outcome = {"failed_since": before.get("failed_since") or outcome["failed_at"], **outcome}
    write_json(paths.delivered, outcome)
