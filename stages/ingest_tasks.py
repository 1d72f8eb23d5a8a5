"""What `python ingest.py <task>` does beside taking the inbox: fill, fetch, freeze, check-panel,
replay, withdraw, compact, rebuild, recover, source, draft.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from contract.days import parse_moment
from contract.errors import BadUsage
from runtime.command_line import Summary, Task
from runtime.paths import Paths
from stages.arguments import params_and_paths
from stages.draft_tasks import DRAFT

# what the stages import is heavy: imported by the task that runs, so that --help is quick

TRUSTED = "the clock is right, however far it is from what was received last"


def add_accept_unusual(parser: ArgumentParser) -> None:
    """For a task that judges rows."""
    text = "only note days unlike their weekday: half a file, another unit"
    parser.add_argument("--accept-unusual", action="store_true", help=text)


def _fill(arguments: Namespace) -> Summary:
    """Take the source's own files, all of them; with --freeze write the panel, too."""
    from stages.fill import fill
    from stages.freeze import freeze

    params, paths = params_and_paths(arguments)
    summary = fill(params, paths, now=arguments.started_at)
    return summary | freeze(params, paths) if arguments.freeze else summary


def _fetch(arguments: Namespace) -> Summary:
    """Lay what is new in a database or bucket into the inbox; take nothing."""
    from stages.fetch import fetch_only

    params, paths = params_and_paths(arguments)
    return fetch_only(params, paths, now=arguments.started_at, whole=arguments.all)


def _freeze(arguments: Namespace) -> Summary:
    """Write the store's panel to data/panel as ordered Parquet."""
    from stages.freeze import freeze

    params, paths = params_and_paths(arguments)
    return freeze(params, paths, as_of=parse_moment(arguments.as_of) if arguments.as_of else None)


def _check_panel(arguments: Namespace) -> Summary:
    """Check the frozen panel against every rule."""
    from stages.freeze import check_panel

    return check_panel(*params_and_paths(arguments))


def _replay(arguments: Namespace) -> Summary:
    """Judge quarantined rows again, of one batch or one reason; or take its lines as mended by
    hand.
    """
    from stages.correct import correct
    from stages.replay import Refused, replay

    if arguments.corrected is not None and arguments.batch is None:
        raise BadUsage("--corrected goes with --batch ID: it holds lines of that batch's file.")
    if arguments.corrected is not None and arguments.dry_run:
        raise BadUsage("--corrected cannot be tried: it takes its lines in. Leave out --dry-run.")
    params, paths = params_and_paths(arguments)
    if arguments.corrected is not None:
        return correct(
            params, paths, arguments.batch, arguments.corrected, now=arguments.started_at
        )
    refused = Refused(arguments.batch, arguments.reason)
    return replay(params, paths, refused, now=arguments.started_at, dry_run=arguments.dry_run)


def _withdraw(arguments: Namespace) -> Summary:
    """Take one batch back, as if its file had not come; what was known then stays."""
    from stages.withdraw import withdraw

    params, paths = params_and_paths(arguments)
    how = {"dry_run": arguments.dry_run, "trust_clock": arguments.trust_clock}
    return withdraw(params, paths, arguments.batch, now=arguments.started_at, **how)


def _rebuild(arguments: Namespace) -> Summary:
    """Make a damaged or lost store again from its journal."""
    from stages.rebuild import rebuild

    params, paths = params_and_paths(arguments)
    return rebuild(params, paths, now=arguments.started_at)


def _compact(arguments: Namespace) -> Summary:
    """Thin published tables by age, begin the journal anew, give back the space of both."""
    from stages.compact import compact

    params, paths = params_and_paths(arguments)
    return compact(params, paths, now=arguments.started_at, dry_run=arguments.dry_run)


def _recover(arguments: Namespace) -> Summary:
    """Put right what a kill left half in this checkout, or refuse it: dvc.lock, params."""
    from stages.recover import recover

    return recover(arguments.params)


def _source(arguments: Namespace) -> Summary:
    """Switch the source in params.yaml; the store of the other one is set aside."""
    from stages.switch_source import switch_source

    return switch_source(
        arguments.use, arguments.data_from, arguments.params, Paths(arguments.data)
    )


def _fill_arguments(parser: ArgumentParser) -> None:
    add_accept_unusual(parser)
    parser.add_argument("--freeze", action="store_true", help="then write the panel to data/panel")


def _fetch_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="as if nothing had been fetched before")


def _freeze_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--as-of", metavar="T", help="the panel as it was known at T (day or moment, UTC)"
    )


def _replay_arguments(parser: ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--batch", type=int, metavar="ID", help="the rows of this batch (table batches)"
    )
    which.add_argument(
        "--reason", metavar="CODE", help="the rows refused for this reason (table quarantine)"
    )
    parser.add_argument(
        "--corrected", type=Path, metavar="FILE", help="with --batch: its lines, mended by hand"
    )
    parser.add_argument("--dry-run", action="store_true", help="judge; write nothing")
    add_accept_unusual(parser)


def _withdraw_arguments(parser: ArgumentParser) -> None:
    text = "a line of the ledger (table batches)"
    parser.add_argument("--batch", type=int, metavar="ID", required=True, help=text)
    parser.add_argument("--dry-run", action="store_true", help="say what would go; write nothing")
    parser.add_argument("--trust-clock", action="store_true", help=TRUSTED)


def _compact_arguments(parser: ArgumentParser) -> None:
    text = "say what would go; write nothing"
    parser.add_argument("--dry-run", action="store_true", help=text)


def _source_arguments(parser: ArgumentParser) -> None:
    text = "the source from now on"
    parser.add_argument(
        "--use", choices=("simulator", "m5", "files", "sql"), required=True, help=text
    )
    parser.add_argument(
        "--data-from", type=Path, metavar="DIR", help="folder or file of the source's files"
    )


TASKS = (
    Task(_fill, _fill_arguments, "fill"),
    Task(_fetch, _fetch_arguments, "fetch"),
    Task(_freeze, _freeze_arguments, "freeze"),
    Task(_check_panel, name="check-panel"),
    Task(_replay, _replay_arguments, "replay"),
    Task(_withdraw, _withdraw_arguments, "withdraw"),
    Task(_compact, _compact_arguments, "compact"),
    Task(_rebuild, name="rebuild"),
    Task(_recover, name="recover"),
    Task(_source, _source_arguments, "source"),
    DRAFT,
)
