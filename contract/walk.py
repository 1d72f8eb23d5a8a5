"""How every door behaves at its threshold: arguments, one JSON summary or readable lines, logs on stderr, exit codes."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contract.errors import TillcastError

Summary = dict[str, Any]


def door_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the arguments all doors share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="params file (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=Path("data"), help="data folder (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON summary on stdout instead of lines")
    return parser


def walk(
    parser: argparse.ArgumentParser, work: Callable[[argparse.Namespace], Summary], argv: list[str] | None = None
) -> int:
    """Parse, work, print the summary; the exit code says how it went. A refusal is one line, never a traceback."""
    arguments = parser.parse_args(argv)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    try:
        summary = work(arguments)
    except TillcastError as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        if arguments.json:
            print(json.dumps({"status": "refused", "error": type(refusal).__name__, "reason": str(refusal)}))
        return refusal.exit_code
    print(json.dumps(summary, default=str) if arguments.json else _readable(summary))
    return 0


def _readable(summary: Summary) -> str:
    width = max((len(name) for name in summary), default=0)
    return "\n".join(f"{name:<{width}}  {_value(value, width + 2)}" for name, value in summary.items())


def _value(value: object, indent: int) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("\n", "\n" + " " * indent)
