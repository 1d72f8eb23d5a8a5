"""What `python evaluate.py <task>` does beside the backtest: choose, incumbent, rollback."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from contract.errors import BadUsage
from runtime.command_line import Summary, Task
from stages.arguments import params_and_paths


def _choose(arguments: Namespace) -> Summary:
    """Measure which recipe this panel wants; the next training takes it."""
    from stages.choose_recipe import choose_recipe

    return choose_recipe(*params_and_paths(arguments))


def _incumbent(arguments: Namespace) -> Summary:
    """Copy the store's champion to data/models/incumbent, where the backtest compares with it."""
    from stages.incumbent import name_incumbent

    return name_incumbent(*params_and_paths(arguments))


def _rollback(arguments: Namespace) -> Summary:
    """Let an earlier champion serve again (default: the one before)."""
    from stages.rollback import roll_back

    if not arguments.reason.strip():
        raise BadUsage("a rollback is recorded with its reason: add --reason 'what was wrong'.")
    return roll_back(
        *params_and_paths(arguments),
        model_id=arguments.model_id,
        reason=arguments.reason,
        now=arguments.started_at,
    )


def _rollback_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "model_id",
        nargs="?",
        metavar="MODEL_ID",
        help="the model to serve (default: the champion before)",
    )
    parser.add_argument("--reason", required=True, help="what was wrong, for the record")


CHOOSE = Task(_choose, name="choose")
INCUMBENT = Task(_incumbent, name="incumbent")
ROLLBACK = Task(_rollback, _rollback_arguments, "rollback")
