"""The one parser: list, run, render."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.harness.registry import (
    FOLDERS,
    SETS,
    Benchmark,
    Context,
    Option,
    benchmarks,
    chosen,
)
from benchmarks.render.documents import write_all


def main(argv: list[str] | None = None) -> None:
    """List the benchmarks, run one or a set, or render what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    tasks = parser.add_subparsers(dest="task", required=True)
    tasks.add_parser("list", help="every benchmark: its question and what it needs")
    run = tasks.add_parser("run", help="measure, print, keep (NAME --help: its options)")
    run.add_argument("name", help="a benchmark, or a set: " + ", ".join(SETS))
    run.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    tasks.add_parser("render", help="generated blocks and pages anew from benchmarks/results/")
    arguments = parser.parse_args(argv)
    if arguments.task == "list":
        print(listing(list(benchmarks().values())))
    elif arguments.task == "render":
        print("\n".join(f"changed: {path}" for path in write_all()) or "nothing to change")
    else:
        measure(arguments.name, chosen(arguments.name), arguments.rest)


def listing(every: list[Benchmark]) -> str:
    """One line per benchmark, folder by folder."""
    lines = []
    for folder in FOLDERS:
        lines.append(f"{folder}/")
        for one in every:
            if one.folder == folder:
                lines.append(f"  {one.name:<18} {one.question} [{one.needs}]")
    return "\n".join([*lines, *(f"set {name}: {', '.join(of)}" for name, of in SETS.items())])


def measure(name: str, of_name: list[Benchmark], rest: list[str]) -> None:
    """Each in turn: its result printed and kept."""
    options = option_parser(name, of_name).parse_args(rest)
    for benchmark in of_name:
        context = Context(benchmark, options.data.resolve(), options)
        if result := benchmark.measure(context):
            table = (
                benchmark.table(result)
                if benchmark.table
                else json.dumps(result, indent=1, default=str)
            )
            print(f"{benchmark.name}\n\n{table}\n", flush=True)
            context.keep(result)


def option_parser(name: str, of_name: list[Benchmark]) -> argparse.ArgumentParser:
    """`--data`, and the options of these benchmarks."""
    words = "\n".join(f"{one.name}: {one.question} Needs {one.needs}." for one in of_name)
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks run {name}", description=words)
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="data folder (default: %(default)s)"
    )
    for option in {option.name: option for one in of_name for option in one.options}.values():
        _add(parser, option)
    return parser


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    flag = f"--{option.name.replace('_', '-')}"
    if option.kind is bool:
        parser.add_argument(flag, action="store_true", help=option.meaning)
    else:
        many = "+" if option.many else None
        parser.add_argument(
            flag, type=option.kind, nargs=many, default=option.default, help=option.meaning
        )
