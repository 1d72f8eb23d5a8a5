"""What every task reads from its arguments first."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import datetime
from typing import TYPE_CHECKING

from contract.days import parse_moment
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
    return params, Paths(arguments.data)


def moment_of(arguments: Namespace) -> datetime:
    """The moment of a task that may look back: --now, or the clock's."""
    return parse_moment(arguments.now) if arguments.now else arguments.started_at


def add_now(parser: ArgumentParser) -> None:
    """For a task that may look back."""
    parser.add_argument("--now", help="as if it were this moment (ISO 8601; default: the clock)")
