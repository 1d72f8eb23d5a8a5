"""A flow from the command line: with Prefect's ephemeral server, or plain."""

from __future__ import annotations

import atexit
import os
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from contract.days import parse_moment
from contract.errors import ServerUnreachable
from runtime.command_line import Summary, entry_parser, run
from stages.take import refuse_if_refused

Flow = Callable[..., Summary]


def run_flow(description: str | None, flow: Flow, plain: Flow, in_checkout: bool = False) -> int:
    """The exit code of the flow, or of the plain run with --plain; a refusal is one line.

    `in_checkout`: the flow's params and data are this checkout's own, and the flow takes neither.
    A file that was refused whole is a refusal here, too, once the flow is through: exit code 1.
    """
    parser = entry_parser(description)
    parser.add_argument("--plain", action="store_true", help="without Prefect")
    parser.add_argument("--now", help="as if it were this moment (ISO 8601; default: the clock)")

    def work(arguments: Namespace) -> Summary:
        now = parse_moment(arguments.now) if arguments.now else arguments.started_at
        where = {} if in_checkout else {"params": arguments.params, "data": arguments.data}
        values = {"now": now, **where}
        summary = plain(**values) if arguments.plain else _with_server(flow, values)
        if "ingest" in summary:
            refuse_if_refused(summary["ingest"])
        return summary

    return run(parser, work)


def _with_server(flow: Flow, values: dict[str, Any]) -> Summary:
    """What the flow returns. ServerUnreachable when Prefect's server does not respond."""
    atexit.register(_say_nothing_more)  # before Prefect's own, and so after them
    try:
        return flow(**values)
    except RuntimeError as error:
        if "Failed to reach API" not in str(error):
            raise
        raise ServerUnreachable(
            f"Prefect's server does not answer ({str(error).splitlines()[0]}). Start it "
            "(`prefect server start`), or run without it: the same command with --plain."
        ) from error


def _say_nothing_more() -> None:
    """After a flow DuckDB's binding counts on stderr the references that Prefect's threads hold:
    60 lines after every healthy morning.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
