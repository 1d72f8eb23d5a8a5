"""The clock against the ledger: what was learned at a wrong moment beats what is learned at the
right one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from contract.errors import ClockRefused
from contract.params import Params
from runtime.paths import Paths
from storage.batches import newest_received
from storage.store import open_store

_BEFORE = timedelta(days=1)  # a machine's clock may be set back by a time zone


def refuse_wrong_clock(params: Params, paths: Paths, now: datetime) -> None:
    """ClockRefused where `now` lies before the newest file that was received, or
    `ingest.most_clock_gap_days` after it.

    A run of the year 2036 makes every correction of the years before it void, and nobody sees it.
    """
    if not paths.store.exists():
        return
    with open_store(paths.store, params.ingest.lock_wait_s, read_only=True) as con:
        newest = newest_received(con)
    if newest is None:
        return
    batch_id, name, received_at = newest
    what = f"batch {batch_id} ('{name}') was received at {received_at:%Y-%m-%d %H:%M} UTC"
    clock = f"by this clock it is {now:%Y-%m-%d %H:%M}"
    if now < received_at - _BEFORE:
        raise ClockRefused(
            f"{what}, and {clock}: corrections would be older than what they correct. Set the "
            "clock right; if that batch's was wrong, take it back (`python ingest.py withdraw "
            f"--batch {batch_id} --trust-clock`); if both are right, add --trust-clock."
        )
    if now - received_at > timedelta(days=params.ingest.most_clock_gap_days):
        raise ClockRefused(
            f"{what}, and {clock}: over {params.ingest.most_clock_gap_days} days later "
            "(ingest.most_clock_gap_days). Set the clock right; if it is, add --trust-clock."
        )
