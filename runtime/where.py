"""Which group and days a task is about: `--where dept_id=FOODS_3 --from DATE --to DATE`."""

from __future__ import annotations

from argparse import ArgumentParser

from contract.errors import BadUsage


def pairs_of(where: list[str]) -> dict[str, str]:
    """Column to value; BadUsage for what is no pair, or for a column twice."""
    pairs = dict(one.split("=", maxsplit=1) for one in where if "=" in one)
    if len(pairs) < len(where):
        raise BadUsage(
            f"--where {where}: give COLUMN=VALUE, each column once. None at all is the total."
        )
    return pairs


def where_arguments(parser: ArgumentParser) -> None:
    """The group and the days."""
    text = "COLUMN=VALUE of the series, such as dept_id=FOODS_3; several narrow it; none: all"
    parser.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE", help=text)
    parser.add_argument(
        "--from", dest="first", required=True, metavar="DATE", help="first day (YYYY-MM-DD)"
    )
    parser.add_argument(
        "--to", dest="last", required=True, metavar="DATE", help="last day, included"
    )
