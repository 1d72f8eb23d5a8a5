"""What every task reads from its arguments first."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

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
