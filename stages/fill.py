"""The whole source into the store: every file it names, taken as a history."""

from __future__ import annotations

import shutil
from datetime import datetime

from contract.params import Params
from runtime.command_line import Summary
from runtime.paths import Paths
from stages.fetch import fetched_whole, remember
from stages.public_holidays import stage_holidays
from stages.source_files import stage_source_files
from stages.store_name import store_name
from stages.take import refuse_if_refused, summary_of, take
from storage.inbox import claimed_inbox
from storage.stores import switch_store


def fill(params: Params, paths: Paths, *, now: datetime) -> Summary:
    """The source's own files, all of them, in the store of this source; those it holds already
    change nothing.

    A file that changed since counts as having always said so, also in a reading as of before: the
    panel must be the one a clean clone fills. What is to be known from today on goes through the
    inbox. BadInput when a file is refused: a panel without it would be another panel.
    """
    switch_store(paths.store, paths.stores, store_name(params.source), params.ingest.lock_wait_s)
    staging = paths.staging / "fill"
    with claimed_inbox(paths.inbox, params.ingest.lock_wait_s):
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        # of the source's own files one may hold another store: all new, and no wonder
        noting = params.ingest.model_copy(update={"refuse_all_new": False})
        params = params.model_copy(update={"ingest": noting})
        with fetched_whole(params, paths, now=now) as whole:
            files = [
                *stage_holidays(params, paths, staging, now),
                *stage_source_files(whole.source, staging, paths.truth),
            ]
        summary = summary_of([take(path, params, paths, now, is_history=True) for path in files])
        shutil.rmtree(staging)
    refuse_if_refused(summary)
    remember(params, paths, whole)
    return summary
