"""`python ingest.py draft`: the command line of drafting, and the questions on a terminal."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import BadUsage
from runtime.command_line import Summary, Task
from runtime.paths import Paths

if TYPE_CHECKING:
    from sources.draft.doubts import Doubt

_MOST_ROUNDS = 10  # of questions: each may raise another


def _draft(arguments: Namespace) -> Summary:
    """Draft the mapping of files nobody has described, write it to shop.yaml, and try it."""
    from stages.draft import decided, draft_mapping, summary_of
    from stages.keep import keep_mapping, maps_columns

    if arguments.keep and maps_columns(arguments.params):
        root = arguments.files[0] if arguments.files else None
        paths = Paths(arguments.data)
        return keep_mapping(root, arguments.params, paths, arguments.started_at)
    if not arguments.files:
        raise BadUsage("name the files to draft a mapping of, or their folder.")
    choices = decided(arguments.choices)
    is_terminal = sys.stdin.isatty() and not arguments.json
    for _ in range(_MOST_ROUNDS):
        drafted = draft_mapping(arguments.files, choices, arguments.params, arguments.started_at)
        if not drafted.doubts or not is_terminal:
            break
        for doubt in drafted.doubts:
            choices |= _decision(doubt)
    drafted.write()
    return summary_of(drafted)


def _decision(doubt: Doubt) -> dict[str, str]:
    """What a person at the terminal says: a choice's number, or any value the setting takes."""
    from stages.draft import decided

    print(f"\n{doubt.question}", file=sys.stderr)
    for number, choice in enumerate(doubt.choices, start=1):
        print(f"  {number}  {choice}", file=sys.stderr)
    while True:
        print(f"{doubt.setting}: ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            raise BadUsage(f"the input ended before {doubt.setting} was decided.")
        text = line.strip()
        if text.isdigit() and 1 <= int(text) <= len(doubt.choices):
            text = doubt.choices[int(text) - 1]
        try:
            return decided([f"{doubt.setting}={text}"])
        except BadUsage as error:
            print(error, file=sys.stderr)


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE|FOLDER", help="your files")
    parser.add_argument(
        "--answer",
        dest="choices",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="decide beforehand: y=COLUMN, unique_id=COLUMN+COLUMN, date_format=%%d/%%m/%%Y, ...",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="where shop.yaml maps columns already, keep it and try it",
    )


DRAFT = Task(_draft, _arguments, "draft")
