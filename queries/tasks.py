"""The queries on the command line: subcommands of the entry point they belong to, `python
inference.py explain ...`.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from contract.days import parse_day
from contract.severity import rank
from runtime.command_line import Summary, Task
from runtime.paths import Paths
from runtime.where import pairs_of, where_arguments

if TYPE_CHECKING:
    from contract.params import Params

# what the queries import is heavy: imported by the task that runs, so that --help is quick


def _explain(arguments: Namespace) -> Summary:
    """One forecast number back to its run, model, params, panel and files, with what every feature
    added; with --order, an order line back to demand, stock and terms.
    """
    from contract.errors import BadUsage
    from queries.explain import explain_cell
    from queries.printed import printed_explanation

    if arguments.order:
        return _explain_order(arguments)
    if arguments.ds is None:
        raise BadUsage("which day's forecast? Give --ds DATE (or --order, for the order line).")
    cell = arguments.series, parse_day(arguments.ds), arguments.run
    explained = explain_cell(*_params_and_paths(arguments), *cell)
    return explained if arguments.json else printed_explanation(explained, arguments.top)


def _explain_order(arguments: Namespace) -> Summary:
    from queries.explain_order import explain_order
    from queries.printed import printed_order

    day = parse_day(arguments.ds) if arguments.ds else None
    explained = explain_order(*_params_and_paths(arguments), arguments.series, day)
    return explained if arguments.json else printed_order(explained)


def _span(arguments: Namespace) -> Summary:
    """Demand of any days together, at any service: of a series, or of a group with --level."""
    from queries.span import SpanQuestion, demand_of_span

    days = parse_day(arguments.first), parse_day(arguments.last)
    question = SpanQuestion(arguments.series, arguments.level, *days, arguments.service)
    return demand_of_span(*_params_and_paths(arguments), question)


def _touched(arguments: Namespace) -> Summary:
    """One received file forward: the rows it brought, the runs that read it, the forecasts and
    models it touched.
    """
    from queries.printed import printed_trace
    from queries.trace import touched_by

    traced = touched_by(*_params_and_paths(arguments), arguments.file, arguments.batch)
    return traced if arguments.json else printed_trace(traced)


def _export(arguments: Namespace) -> Summary:
    """The newest forecasts, levels and backtest as Nixtla long frames (unique_id, ds, cutoff, y,
    model columns).
    """
    from queries.export import export

    params, paths = _params_and_paths(arguments)
    return export(params, paths, arguments.to or paths.exports, arguments.form, arguments.run)


def _snapshot(arguments: Namespace) -> Summary:
    """The store copied to data/snapshot/, read-only, for dashboards: they never wait for a writer,
    nor it for them.
    """
    from queries.export import snapshot

    return snapshot(*_params_and_paths(arguments))


def _changes(arguments: Namespace) -> Summary:
    """What changed since the table before: units of the days both tables forecast, by group and by
    series.
    """
    from queries.changes import changes
    from queries.printed import printed_changes

    changed = changes(*_params_and_paths(arguments))
    return changed if arguments.json else printed_changes(changed)


def _models(arguments: Namespace) -> Summary:
    """The model registry: which model made which forecasts from which data and code."""
    from queries.export import models
    from queries.printed import printed_models

    registered = models(*_params_and_paths(arguments))
    return {"models": registered} if arguments.json else printed_models(registered)


def _health(arguments: Namespace) -> Summary:
    """Whether all is well, and a line for each thing, the worst first; exit code 0 ok, 1 warning,
    2 error.
    """
    from contract.days import parse_moment
    from queries.health import health
    from reports.metrics import open_metrics
    from runtime.disk import write_whole

    now = parse_moment(arguments.now) if arguments.now else arguments.started_at
    found = health(*_params_and_paths(arguments), now)
    if arguments.metrics:
        write_whole(arguments.metrics, open_metrics(found.numbers))
    lines = {line.name: f"{line.severity:<7}  {line.what}" for line in found.lines}
    if not arguments.json:
        return {"health": found.severity, **lines}
    numbers = [
        {"name": number.name, "value": number.value, **number.labels} for number in found.numbers
    ]
    return {"health": found.severity, "lines": lines, "numbers": numbers}


def _severity_code(summary: Summary) -> int:
    """The exit code of how all is."""
    return rank(summary["health"])


def _overrides(arguments: Namespace) -> Summary:
    """What people said beside the forecasts, what of it holds, and what it was worth so far."""
    from queries.overrides import overrides
    from queries.printed import printed_overrides

    found = overrides(*_params_and_paths(arguments))
    return found if arguments.json else printed_overrides(found)


def _what_if(arguments: Namespace) -> Summary:
    """Other prices, promotions or opening: the forecast beside the published one."""
    from forecasting.what_if import Change
    from queries.what_if import Scenario, keep, what_if

    days = parse_day(arguments.first), parse_day(arguments.last)
    is_open = {None: None, "open": True, "closed": False}[arguments.opening]
    change = Change(*days, arguments.price, arguments.price_percent, arguments.promo, is_open)
    scenario = Scenario(pairs_of(arguments.where), change)
    params, paths = _params_and_paths(arguments)
    result = what_if(params, paths, scenario)
    if arguments.keep:
        result["kept"] = str(keep(paths, arguments.keep, scenario, result))
    return result if arguments.json else {k: v for k, v in result.items() if k != "rows"}


def _planner(arguments: Namespace) -> Summary:
    """The planner's page of the newest table: data/reports/planner.html and what lies beside it."""
    from queries.planner import renew_planner_page

    page = renew_planner_page(*_params_and_paths(arguments))
    if page is None:
        return {"page": None, "why": "there is no forecast to show: run `python inference.py`"}
    return {"page": str(page), "bytes": page.stat().st_size}


def _random_split(arguments: Namespace) -> Summary:
    """Measure what a random split would have claimed for the same model and data."""
    from queries.random_split import random_split

    return random_split(*_params_and_paths(arguments))


def _params_and_paths(arguments: Namespace) -> tuple[Params, Paths]:
    from contract.params_file import load_params

    return load_params(arguments.params), Paths(arguments.data)


def _explain_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--series", required=True, metavar="ID", help="unique_id of the series")
    parser.add_argument(
        "--ds", metavar="DATE", help="the day forecast (YYYY-MM-DD); with --order the order day"
    )
    text = "the order line of the series (default: of the newest order day)"
    parser.add_argument("--order", action="store_true", help=text)
    parser.add_argument(
        "--run",
        metavar="RUN_ID",
        help="of this run (default: the newest whole table with that day)",
    )
    parser.add_argument(
        "--top", type=int, default=12, help="features printed, largest first (default: %(default)s)"
    )


def _span_arguments(parser: ArgumentParser) -> None:
    text = "unique_id of the series; with --level the group's key, as in forecast_levels"
    parser.add_argument("--series", required=True, metavar="ID", help=text)
    parser.add_argument("--level", help="a level of the hierarchy, as store_id*dept_id, or total")
    days = {"first": "from", "last": "to"}
    for name, flag in days.items():
        text = f"the {name} day, included (YYYY-MM-DD)"
        parser.add_argument(f"--{flag}", dest=name, required=True, metavar="DATE", help=text)
    text = "probability that the units suffice, 0.005 to 0.995 (default: %(default)s)"
    parser.add_argument("--service", type=float, default=0.95, help=text)


def _health_arguments(parser: ArgumentParser) -> None:
    text = "write the numbers there, too, as OpenMetrics"
    parser.add_argument("--metrics", type=Path, metavar="FILE", help=text)
    text = "as if it were this moment (ISO 8601; default: the clock)"
    parser.add_argument("--now", help=text)


def _what_if_arguments(parser: ArgumentParser) -> None:
    where_arguments(parser)
    parser.add_argument("--price", type=float, help="money a unit")
    parser.add_argument("--price-percent", type=float, metavar="PERCENT", help="of the price known")
    parser.add_argument("--promo", type=float, help="strength of the promotion; 0 is none")
    parser.add_argument("--opening", choices=("open", "closed"), help="of the stores")
    text = "keep it as data/scenarios/NAME.json, and its plan as NAME.csv"
    parser.add_argument("--keep", metavar="NAME", help=text)


def _touched_arguments(parser: ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--file",
        metavar="NAME",
        help="file name as received, a glob of it, or the start of its SHA-256",
    )
    which.add_argument(
        "--batch", type=int, metavar="ID", help="one line of the ledger (table batches)"
    )


def _export_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--to", type=Path, metavar="DIR", help="folder to write into (default: data/exports)"
    )
    parser.add_argument(
        "--form", choices=("parquet", "csv"), default="parquet", help="default: %(default)s"
    )
    parser.add_argument(
        "--run", metavar="RUN_ID", help="of this run (default: the newest whole table)"
    )


PLANNER = Task(_planner, name="planner")
TOUCHED = Task(_touched, _touched_arguments, "touched")
HEALTH = Task(_health, _health_arguments, "health", _severity_code)
RANDOM_SPLIT = Task(_random_split, name="random-split")
OF_FORECASTS = (
    Task(_explain, _explain_arguments, "explain"),
    Task(_span, _span_arguments, "span"),
    Task(_changes, name="changes"),
    Task(_export, _export_arguments, "export"),
    Task(_models, name="models"),
    Task(_overrides, name="overrides"),
    Task(_what_if, _what_if_arguments, "what-if"),
    Task(_snapshot, name="snapshot"),
)
