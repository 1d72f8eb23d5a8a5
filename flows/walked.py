"""A flow from the command line: with Prefect's ephemeral server, or plain."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from contract.days import parse_moment
from contract.errors import ServerSilent
from contract.walk import Summary, clock, door_parser, walk


def walked(
    description: str, flow: Callable[..., Summary], plain: Callable[..., Summary], with_places: bool = True
) -> int:
    """The exit code of the flow, or of the plain walk with --plain; a refusal is one line, as at a door."""
    parser = door_parser(description)
    parser.add_argument("--plain", action="store_true", help="without Prefect")
    parser.add_argument("--now", help="as if it were this moment (ISO 8601; default: the clock)")

    def work(arguments: Namespace) -> Summary:
        given: dict[str, Any] = {"now": parse_moment(arguments.now) if arguments.now else clock()}
        if with_places:
            given |= {"params": arguments.params, "data": arguments.data}
        if arguments.plain:
            return plain(**given)
        return _with_server(flow, given)

    return walk(parser, work)


def _with_server(flow: Callable[..., Summary], given: dict[str, Any]) -> Summary:
    """What the flow returns. ServerSilent when Prefect's server does not answer."""
    try:
        return flow(**given)
    except RuntimeError as error:
        if "Failed to reach API" not in str(error):
            raise
        raise ServerSilent(
            f"Prefect's server does not answer ({str(error).splitlines()[0]}). Start it (`prefect server start`), or walk without it: "
            "the same command with --plain."
        ) from error
