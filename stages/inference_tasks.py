"""What `python inference.py <task>` does beside today's table: from-panel, publish,
orders, deliver."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from contract.days import parse_day, parse_moment
from contract.errors import BadUsage
from contract.question import Question
from runtime.command_line import Summary, Task, add_memory_budget
from stages.arguments import add_scale, params_and_paths

if TYPE_CHECKING:
    from contract.params import Params


def _from_panel(arguments: Namespace) -> Summary:
    """Forecast from the frozen panel with the candidate: the offline stage `forecast`."""
    from stages.forecast_panel import forecast_panel

    params, paths = params_and_paths(arguments)
    return forecast_panel(params, paths, question_of(arguments, params))


def _publish(arguments: Namespace) -> Summary:
    """Put the newest offline result into the store: model, scores, forecasts, and the promotion."""
    from stages.publish import publish

    return publish(*params_and_paths(arguments), now=arguments.started_at)


def _orders(arguments: Namespace) -> Summary:
    """Propose what to order by the newest table, stock and supply; again whenever stock arrives."""
    from stages.order import order

    day = parse_day(arguments.day) if arguments.day else None
    params, paths = params_and_paths(arguments)
    now, dry_run = arguments.started_at, arguments.dry_run
    return order(params, paths, now=now, order_day=day, dry_run=dry_run)


def _orders_arguments(parser: ArgumentParser) -> None:
    text = "the order day (YYYY-MM-DD; default: today, or the day after a table of the past)"
    parser.add_argument("--day", metavar="DATE", help=text)
    text = "propose and write nothing"
    parser.add_argument("--dry-run", action="store_true", help=text)


def question_of(arguments: Namespace, params: Params) -> Question:
    """The question in the arguments; BadUsage for a horizon that features cannot reach."""
    from contract.agreement import furthest_day

    furthest = furthest_day(params)
    if arguments.horizon is not None and not 1 <= arguments.horizon <= furthest:
        raise BadUsage(
            f"--horizon {arguments.horizon} is no count of days to forecast. Give 1 to {furthest}."
        )
    return Question(
        origin=parse_day(arguments.origin) if arguments.origin else None,
        horizon=arguments.horizon,
        as_of=parse_moment(arguments.as_of) if arguments.as_of else None,
        series=arguments.series,
    )


def question_arguments(parser: ArgumentParser) -> None:
    """From which day, how far, as known when, for which series; in how many parts."""
    add_memory_budget(parser)
    add_scale(parser)
    parser.add_argument(
        "--origin", help="last day known (YYYY-MM-DD; default: the newest sales day)"
    )
    parser.add_argument("--horizon", type=int, help="days ahead (default: train.horizon)")
    parser.add_argument("--as-of", help="read the data as it was known at this moment (ISO 8601)")
    parser.add_argument("--series", help="only series matching this glob")


def _deliver(arguments: Namespace) -> Summary:
    """Publish the newest table and its orders in a database or bucket; twice changes nothing."""
    from stages.deliver import deliver

    return deliver(*params_and_paths(arguments), now=arguments.started_at)


FROM_PANEL = Task(_from_panel, question_arguments, "from-panel")
PUBLISH = Task(_publish, name="publish")
DELIVER = Task(_deliver, name="deliver")
ORDERS = Task(_orders, _orders_arguments, "orders")
