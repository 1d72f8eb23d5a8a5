"""From files to facts: what lies in the inbox becomes accepted rows, quarantined rows and one
ledger line per batch.

reads   data/inbox/ (or, with `fill`, the source's own files), a database or bucket if the source
        is one, params.yaml: source, ingest
writes  data/tillcast.duckdb, data/archive/, data/validation/; `freeze` data/panel/, `fill`
        data/truth/
run     python ingest.py                        take what lies in the inbox
        python ingest.py fill --freeze          the offline stage 'panel': the whole source, then
                                                frozen Parquet
        python ingest.py check-panel            the frozen panel against every rule ->
                                                data/validation/panel.json
        python ingest.py fetch [--all]          what is new in a database or bucket -> the inbox,
                                                and nothing taken
        python ingest.py replay --batch 17      rows in quarantine judged anew; or --reason CODE;
                                                or mended: --corrected FILE
        python ingest.py withdraw --batch 17    one batch taken back, as if its file had not come
        python ingest.py compact                tables thinned by age (params.yaml: retention), the
                                                journal begun anew, both files small again
        python ingest.py rebuild                a damaged or lost store made again from its
                                                journal; the old file is set aside
        python ingest.py recover                dvc.lock, params and DVC's lock as a kill left
                                                them, put right or refused
        python ingest.py touched --file sales_2026-01-29.csv
                                                from a file to the runs, forecasts and models it
                                                touched
        python ingest.py draft ../sales         the mapping of files nobody has described, tried
                                                and written to shop.yaml
        python ingest.py source --use m5 --data-from ../m5
                                                switch the source; the store of the other one is
                                                set aside

A file is one transaction: facts, quarantine and ledger, or nothing. Killed at any moment, the next
run goes on.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from datetime import datetime
from typing import TYPE_CHECKING

from queries.tasks import TOUCHED
from runtime.command_line import Summary, Task, run_tasks
from stages.arguments import params_and_paths
from stages.ingest_tasks import TASKS, TRUSTED, add_accept_unusual

if TYPE_CHECKING:
    from contract.params import Params
    from runtime.paths import Paths


def ingest(
    params: Params,
    paths: Paths,
    *,
    now: datetime,
    dry_run: bool = False,
    trust_clock: bool = False,
) -> Summary:
    """Every file in the inbox taken once, plans first, after what is new elsewhere was laid there.
    A file refused, or a table that cannot be read, does not keep the others waiting.
    `trust_clock`: `now` is right, however far it is from what was received last.
    """
    from stages.clock import refuse_wrong_clock
    from stages.fetch import Fetched, fetch
    from stages.take import summary_of
    from stages.take_inbox import take_inbox
    from storage.inbox import claimed_inbox

    with claimed_inbox(paths.inbox, params.ingest.lock_wait_s):
        if not trust_clock:
            refuse_wrong_clock(params, paths, now)
        found = Fetched() if dry_run else fetch(params, paths, now=now)
        summary = summary_of(take_inbox(params, paths, now=now, dry_run=dry_run))
    found.refuse_if_failed()
    return summary | found.summary if found.is_any else summary


def _take_inbox(arguments: Namespace) -> Summary:
    """Take what lies in the inbox; exit code 1 when a file was refused whole, after all others were
    taken.
    """
    from stages.take import refuse_if_refused
    from storage.store import refuse_older

    params, paths = params_and_paths(arguments)
    if arguments.dry_run:
        refuse_older(paths.store, params.ingest.lock_wait_s)
    how = {"dry_run": arguments.dry_run, "trust_clock": arguments.trust_clock}
    summary = ingest(params, paths, now=arguments.started_at, **how)
    return refuse_if_refused(summary)


def _arguments(parser: ArgumentParser) -> None:
    add_accept_unusual(parser)
    text = "read and judge the inbox; write nothing, move nothing"
    parser.add_argument("--dry-run", action="store_true", help=text)
    parser.add_argument("--trust-clock", action="store_true", help=TRUSTED)


def main(argv: list[str] | None = None) -> int:
    """The command line: the inbox, or the task that is named."""
    return run_tasks(__doc__, Task(_take_inbox, _arguments), [*TASKS, TOUCHED], argv)


if __name__ == "__main__":
    sys.exit(main())
