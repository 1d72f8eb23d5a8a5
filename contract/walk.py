"""How every door behaves at its threshold: arguments, one JSON summary or readable lines, logs on stderr, exit codes."""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contract.disk import disk_refusals
from contract.errors import SourceMissing, TillcastError
from contract.memory import keep_within, memory_refusals

Summary = dict[str, Any]

MOST_REFUSALS = 4  # told of one run: a walk has as many stages


def door_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the arguments all doors share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="params file (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=Path("data"), help="data folder (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON summary on stdout instead of lines")
    return parser


def with_memory_budget(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser of a door that holds a panel: it can be told how much memory it may take."""
    parser.add_argument(
        "--memory-budget", type=float, metavar="MB", help="refuse work that needs more, and work in smaller pieces"
    )
    return parser


def walk(
    parser: argparse.ArgumentParser, work: Callable[[argparse.Namespace], Summary], argv: list[str] | None = None
) -> int:
    """Parse, work, print the summary; the exit code says how it went. A refusal is one line, never a traceback."""
    arguments = parser.parse_args(argv)
    close_to_others()
    keep_within(getattr(arguments, "memory_budget", None))
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    try:
        with memory_refusals(), disk_refusals(arguments.data):
            summary = work(arguments)
    except TillcastError as refusal:
        said = _refusals(refusal)
        print(*(f"refused: {one}" for one in said), sep="\n", file=sys.stderr)
        if arguments.json:
            print(json.dumps({"status": "refused", "error": type(refusal).__name__, "reason": str(refusal)}))
        return refusal.exit_code
    print(json.dumps(summary, default=str) if arguments.json else _readable(summary))
    return 0


def _refusals(last: TillcastError) -> list[str]:
    """What was refused on the way to the last refusal, in order: of a lost store ingest speaks first, monitor last.

    A refusal put into other words (`raise ... from`) is told once, in the last ones.
    """
    said, later = [str(last)], last
    while (earlier := later.__context__) is not None and len(said) < MOST_REFUSALS:
        if isinstance(earlier, TillcastError) and later.__cause__ is None and str(earlier) not in said:
            said.insert(0, str(earlier))
        later = earlier
    return said


def close_to_others() -> None:
    """From here on this process writes nothing that the group may change or others may read, whatever the umask was."""
    os.umask(os.umask(0o077) | 0o027)


def clock() -> datetime:
    """Now, in UTC without zone: the one moment a door reads, to hand on."""
    return datetime.now(UTC).replace(tzinfo=None)


def git_commit() -> str | None:
    """The commit the code stands at; None outside a checkout."""
    told = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607
    return told.stdout.strip() or None


def read_json(path: Path) -> dict[str, Any]:
    """What an earlier stage wrote. SourceMissing when it has not run yet."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SourceMissing(
            f"there is no '{path}'. Run `make repro` (or `dvc repro`) first: it makes this file."
        ) from error


def _readable(summary: Summary) -> str:
    """One `name  value` line each; a value of several lines stands under its name."""
    width = max((len(name) for name in summary), default=0)
    return "\n".join(f"{name:<{width}}  {_value(value)}" for name, value in summary.items())


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return "\n\n" + text.strip("\n") + "\n" if "\n" in text else text
