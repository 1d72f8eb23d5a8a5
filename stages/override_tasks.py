"""What a person does about forecasts: `python inference.py override`, `revoke`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from contract.days import parse_day
from runtime.command_line import Summary, Task
from runtime.where import pairs_of, where_arguments
from stages.arguments import add_now, moment_of, params_and_paths

if TYPE_CHECKING:
    from stages.overrides import Request


def _override(arguments: Namespace) -> Summary:
    """Say what a group will sell on some days: beside the model's forecast, with who and why."""
    from stages.overrides import override

    params, paths = params_and_paths(arguments)
    now, dry_run = moment_of(arguments), arguments.dry_run
    return override(params, paths, _request(arguments), now=now, dry_run=dry_run)


def _revoke(arguments: Namespace) -> Summary:
    """Take an override back; what the model, or an earlier override, says holds again."""
    from stages.overrides import revoke

    number, by = arguments.override_id, arguments.by
    return revoke(*params_and_paths(arguments), number, by, moment_of(arguments))


def _request(arguments: Namespace) -> Request:
    from stages.overrides import Request

    return Request(
        where=pairs_of(arguments.where),
        from_ds=parse_day(arguments.first),
        to_ds=parse_day(arguments.last),
        kind="units" if arguments.percent is None else "percent",
        value=arguments.units if arguments.percent is None else arguments.percent,
        by=arguments.by,
        reason=arguments.reason,
        expires_on=parse_day(arguments.expires) if arguments.expires else None,
    )


def _override_arguments(parser: ArgumentParser) -> None:
    where_arguments(parser)
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument("--units", type=float, help="of the whole group and all the days")
    amount.add_argument("--percent", type=float, help="of the model's forecast; 0 is none")
    parser.add_argument("--by", required=True, help="who says so")
    parser.add_argument("--reason", required=True, help="why, for others and for value added")
    text = "tables from this day (their origin) on do not take it (default: all do)"
    parser.add_argument("--expires", metavar="DATE", help=text)
    text = "say what it would make of the forecast; write nothing"
    parser.add_argument("--dry-run", action="store_true", help=text)
    add_now(parser)


def _revoke_arguments(parser: ArgumentParser) -> None:
    text = "as `python inference.py overrides` numbers it"
    parser.add_argument("override_id", type=int, metavar="OVERRIDE_ID", help=text)
    parser.add_argument("--by", required=True, help="who does it")
    add_now(parser)


OVERRIDE = Task(_override, _override_arguments, "override")
REVOKE = Task(_revoke, _revoke_arguments, "revoke")
