"""How every entry point behaves on the command line: arguments, one JSON summary or readable
lines, logs on stderr, exit codes.

An entry point has one main task, run when no other is named, and further tasks as subcommands:
`python ingest.py --dry-run`, `python ingest.py rebuild`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from contract.errors import TillcastError
from runtime.disk import disk_refusals
from runtime.logs import log_to_stderr, logged_to
from runtime.memory import keep_within, memory_refusals
from runtime.one_line import one_line
from runtime.paths import Paths
from runtime.process import clock, end_with_parent, is_dvc_stage, restrict_umask

Summary = dict[str, Any]
Work = Callable[[argparse.Namespace], Summary]

_LONGEST_LINE = 80  # characters of a list on one line
_DEEPEST = 4  # lists in lists that are printed line by line
MOST_REFUSALS = 4  # printed of one run: a daily flow has as many stages


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    """What all tasks share is enough."""


def _done(_summary: Summary) -> int:
    """What is not refused is done."""
    return 0


@dataclass(frozen=True)
class Task:
    """One thing an entry point does. The first line of `work`'s docstring is its help.

    `name` is the subcommand; `main` of an entry point has none. `describe` adds the task's own
    arguments. `exit_code` reads the summary of a task whose exit code is its result.
    """

    work: Work
    describe: Callable[[argparse.ArgumentParser], None] = _no_arguments
    name: str = ""
    exit_code: Callable[[Summary], int] = _done

    @property
    def help(self) -> str:
        """One line for people."""
        return (self.work.__doc__ or "").strip().splitlines()[0]


def run_tasks(
    description: str | None, main: Task, others: Sequence[Task], argv: list[str] | None = None
) -> int:
    """The task that the arguments name, or the main one; its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    chosen = next((task for task in others if arguments[:1] == [task.name]), None)
    if chosen is None:
        parser = entry_parser(description)
        main.describe(parser)
        parser.epilog = _listed(others)
        parser.tasks = tuple(task.name for task in others)
        return run(parser, main.work, arguments)
    parser = entry_parser(chosen.work.__doc__)
    parser.prog = f"{parser.prog} {chosen.name}"
    chosen.describe(parser)
    return run(parser, chosen.work, arguments[1:], chosen.exit_code)


class EntryParser(argparse.ArgumentParser):
    """Wrong usage ends with exit code 2 and names the tasks; with --json it is JSON on stdout."""

    tasks: tuple[str, ...] = ()
    is_json = False

    def error(self, message: str) -> NoReturn:
        """The reason and the way out, then exit code 2."""
        if self.tasks:
            message += f". The task comes first: {self.prog} [{' | '.join(self.tasks)}] ..."
        if self.is_json:
            print(json.dumps({"status": "refused", "error": "BadUsage", "reason": message}))
        super().error(message)


def entry_parser(description: str | None) -> EntryParser:
    """A parser with the arguments all tasks of all entry points share."""
    parser = EntryParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--params",
        type=Path,
        default=Path("params.yaml"),
        help="params file (default: %(default)s)",
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="data folder (default: %(default)s)"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON summary on stdout instead of lines"
    )
    return parser


def add_memory_budget(parser: argparse.ArgumentParser) -> None:
    """For a task that holds a panel: how much memory it may take."""
    parser.add_argument(
        "--memory-budget",
        type=float,
        metavar="MB",
        help="refuse work that needs more, and work in smaller pieces",
    )


def run(
    parser: EntryParser,
    work: Work,
    argv: list[str] | None = None,
    exit_code: Callable[[Summary], int] = _done,
) -> int:
    """Parse, work, print the summary; the exit code says how it went. A refusal is one line, never
    a traceback.

    `arguments.started_at` is the one moment a run reads from the clock.
    """
    parser.is_json = "--json" in (sys.argv[1:] if argv is None else argv)
    arguments = parser.parse_args(argv)
    arguments.started_at = clock()
    restrict_umask()
    if is_dvc_stage():
        end_with_parent()
    keep_within(getattr(arguments, "memory_budget", None))
    log_to_stderr()
    try:
        with _log_kept(arguments), memory_refusals(), disk_refusals(arguments.data):
            summary = work(arguments)
    except TillcastError as refusal:
        found: Summary = getattr(refusal, "summary", {})
        if found and not arguments.json:
            print(_readable(found))
        for reason in _refusals(refusal):
            print(f"refused: {one_line(reason)}", file=sys.stderr)
        if arguments.json:
            print(
                json.dumps(
                    {
                        "status": "refused",
                        "error": type(refusal).__name__,
                        "reason": str(refusal),
                        **found,
                    },
                    default=str,
                )
            )
        return refusal.exit_code
    print(json.dumps(summary, default=str) if arguments.json else _readable(summary))
    return exit_code(summary)


def _log_kept(arguments: argparse.Namespace) -> AbstractContextManager[None]:
    """A run's log in the data folder; none of a dry run, or of a stage of DVC."""
    if getattr(arguments, "dry_run", False) or is_dvc_stage():
        return nullcontext()
    return logged_to(Paths(arguments.data).logs, arguments.started_at)


def _listed(tasks: Sequence[Task]) -> str | None:
    """The further tasks of an entry point, one line each; `<task> --help` says more."""
    if not tasks:
        return None
    width = max(len(task.name) for task in tasks)
    return "\n".join(
        [
            "further tasks, each with --help:",
            *(f"  {task.name:<{width}}  {task.help}" for task in tasks),
        ]
    )


def _refusals(last: TillcastError) -> list[str]:
    """What was refused on the way to the last refusal, in order: of a lost store ingest speaks
    first, monitor last.

    A refusal put into other words (`raise ... from`) is printed once, in the last ones.
    """
    reasons = [str(last)]
    later: BaseException = last
    while (earlier := later.__context__) is not None and len(reasons) < MOST_REFUSALS:
        if (
            isinstance(earlier, TillcastError)
            and later.__cause__ is None
            and str(earlier) not in reasons
        ):
            reasons.insert(0, str(earlier))
        later = earlier
    return reasons


def _readable(summary: Summary) -> str:
    """One `name  value` line each; a value of several lines stands under its name."""
    width = max((len(name) for name in summary), default=0)
    return "\n".join(
        _line(name.ljust(width), _value(value, depth=1)) for name, value in summary.items()
    )


def _value(value: object, depth: int) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict | list) and len(str(value)) > _LONGEST_LINE and depth < _DEEPEST:
        named = value.items() if isinstance(value, dict) else (("-", one) for one in value)
        lines = (_line(f"{'  ' * depth}{name}", _value(one, depth + 1)) for name, one in named)
        return "".join(f"\n{line}" for line in lines)
    if isinstance(value, dict):
        return (
            ", ".join(f"{name}: {_value(one, _DEEPEST)}" for name, one in value.items()) or "none"
        )
    if isinstance(value, list | tuple):
        return ", ".join(_value(one, _DEEPEST) for one in value) or "none"
    text = str(value)
    return "\n\n" + text.strip("\n") + "\n" if "\n" in text else text


def _line(name: str, value: str) -> str:
    is_list = value.startswith("\n") and not value.startswith("\n\n")
    return f"{name.rstrip()}{value}" if is_list else f"{name}  {value}"
