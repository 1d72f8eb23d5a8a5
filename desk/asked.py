"""The desk's questions on the command line, asked at the door they belong to: `python inference.py explain ...` and the like."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from contract.days import parse_day
from contract.params import load_params
from contract.places import Places
from contract.walk import Summary, door_parser, walk
from desk.printed import TextTable


def answer(argv: list[str], text_table: TextTable) -> int:
    """The exit code of one question; `argv` begins with its name."""
    describe, work = QUESTIONS[argv[0]]
    parser = door_parser(str(work.__doc__))
    describe(parser)
    return walk(parser, lambda arguments: work(arguments, text_table), argv[1:])


def _explain(arguments: Namespace, text_table: TextTable) -> Summary:
    """One forecast number back to its run, model, params, panel and files, with what every feature added."""
    from desk.explaining import explain_cell
    from desk.printed import explained

    places, ds = Places(arguments.data), parse_day(arguments.ds)
    told = explain_cell(load_params(arguments.params), places, arguments.series, ds, arguments.run)
    return told if arguments.json else explained(told, text_table, arguments.top)


def _touched(arguments: Namespace, text_table: TextTable) -> Summary:
    """One received file forward: the rows it brought, the runs that read it, the forecasts and models it touched."""
    from desk.printed import traced
    from desk.tracing import touched_by

    places = Places(arguments.data)
    told = touched_by(load_params(arguments.params), places, arguments.file, arguments.batch)
    return told if arguments.json else traced(told, text_table)


def _export(arguments: Namespace, text_table: TextTable) -> Summary:
    """The newest forecasts, their levels and the backtest as Nixtla long frames (unique_id, ds, cutoff, y, model columns)."""
    from desk.handing_over import export

    places = Places(arguments.data)
    return export(load_params(arguments.params), places, arguments.to or places.exports, arguments.form, arguments.run)


def _snapshot(arguments: Namespace, text_table: TextTable) -> Summary:
    """The store copied to data/snapshot/, read-only, for dashboards: they never wait for a writer, nor it for them."""
    from desk.handing_over import snapshot

    return snapshot(load_params(arguments.params), Places(arguments.data))


def _changes(arguments: Namespace, text_table: TextTable) -> Summary:
    """What changed since the table before: units of the days both tables forecast, by group and by series."""
    from desk.changes import changes
    from desk.printed import moved

    told = changes(load_params(arguments.params), Places(arguments.data))
    return told if arguments.json else moved(told, text_table)


def _models(arguments: Namespace, text_table: TextTable) -> Summary:
    """The model registry: which model made which forecasts from which data and code."""
    from desk.handing_over import models
    from desk.printed import registered

    told = models(load_params(arguments.params), Places(arguments.data))
    return {"models": told} if arguments.json else registered(told, text_table)


def _describe_export(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--to", type=Path, metavar="DIR", help="folder to write into (default: exports/ of the data folder)"
    )
    parser.add_argument("--form", choices=("parquet", "csv"), default="parquet", help="default: %(default)s")
    parser.add_argument("--run", metavar="RUN_ID", help="of this run (default: the newest whole table)")


def _nothing_more(parser: ArgumentParser) -> None:
    """The arguments all doors share are enough."""


def _describe_explain(parser: ArgumentParser) -> None:
    parser.add_argument("--series", required=True, metavar="ID", help="unique_id of the series")
    parser.add_argument("--ds", required=True, metavar="DATE", help="the day forecast (YYYY-MM-DD)")
    parser.add_argument("--run", metavar="RUN_ID", help="of this run (default: the newest whole table with that day)")
    parser.add_argument("--top", type=int, default=12, help="features printed, largest first (default: %(default)s)")


def _describe_touched(parser: ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--file", metavar="NAME", help="file name as received, a glob of it, or the start of its SHA-256"
    )
    which.add_argument("--batch", type=int, metavar="ID", help="one line of the ledger (table batches)")


QUESTIONS = {
    "explain": (_describe_explain, _explain),
    "touched": (_describe_touched, _touched),
    "export": (_describe_export, _export),
    "changes": (_nothing_more, _changes),
    "models": (_nothing_more, _models),
    "snapshot": (_nothing_more, _snapshot),
}
