"""What every task reads from its arguments first."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from contract.days import parse_moment
from contract.errors import BadUsage
from runtime.paths import Paths

if TYPE_CHECKING:
    from contract.params import Params


def params_and_paths(arguments: Namespace) -> tuple[Params, Paths]:
    """The params and the data folder. Of --accept-unusual: unusual days are noted only."""
    from contract.params_file import load_params  # pydantic is heavy, --help does without it

    params = load_params(arguments.params)
    if getattr(arguments, "accept_unusual", False):
        noting = params.ingest.model_copy(update={"refuse_unusual": False})
        params = params.model_copy(update={"ingest": noting})
    return _scaled(params, arguments), Paths(arguments.data)


def add_scale(parser: ArgumentParser) -> None:
    """For a task that can work in parts of whole stores."""
    text = "so many parts, one after another (default: scale.parts: as few as memory holds)"
    parser.add_argument("--parts", type=int, metavar="N", help=text)
    text = "who runs them: here, dask, dask:tcp://host:port (default: scale.engine)"
    parser.add_argument("--on", metavar="ENGINE", help=text)


def _scaled(params: Params, arguments: Namespace) -> Params:
    """The params with --parts and --on in the place of their own."""
    said: dict[str, Any] = {
        "parts": getattr(arguments, "parts", None),
        "engine": getattr(arguments, "on", None),
    }
    changed = {name: value for name, value in said.items() if value is not None}
    if changed.get("parts", 1) < 1:
        raise BadUsage(f"--parts {changed['parts']} is no count of parts. Give 1 or more.")
    return params.model_copy(update={"scale": params.scale.model_copy(update=changed)})


def moment_of(arguments: Namespace) -> datetime:
    """The moment of a task that may look back: --now, or the clock's."""
    return parse_moment(arguments.now) if arguments.now else arguments.started_at


def add_now(parser: ArgumentParser) -> None:
    """For a task that may look back."""
    parser.add_argument("--now", help="as if it were this moment (ISO 8601; default: the clock)")
