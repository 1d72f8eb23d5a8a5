"""A life in minutes: the daily and weekly flows over simulated days, one line a day, nobody waits
for the clock.

run     python flows/replay.py [--days 90] [--series 120] [--data data/replay]
        make replay DAYS=90

writes  a world of its own under --data, emptied first: store, journal, archive, models, reports.
        The checkout's own data/ is not touched.

The simulator sends a history, then a file a day: some late, some restated, some with broken rows.
On top, planned: one day comes as half a file (refused, sent whole the next morning), and for three
days production stands still. Every morning at 06:30 the daily flow, on Sundays the weekly one with
the offline stages by hand (no DVC: nothing here is versioned).
"""

from __future__ import annotations

import logging
import sys
import time
from argparse import Namespace
from pathlib import Path

# run by path, flows/ stands first on sys.path
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from runtime.command_line import Summary, entry_parser, run


def _replay(arguments: Namespace) -> Summary:
    from flows.replay_world import build_world
    from flows.replaying import replay

    if not arguments.verbose:
        logging.disable()  # refusals and alerts are planned here, and stand in the day's line
    started, root = time.monotonic(), arguments.data
    world = build_world(root, arguments.params, arguments.days, arguments.series)
    for line in replay(world, arguments.days):
        print(line, file=sys.stderr if arguments.json else sys.stdout, flush=True)
    return {**world.counts, "seconds": round(time.monotonic() - started), "world": str(root)}


def main(argv: list[str] | None = None) -> int:
    """Replay the days, print what happened, in counts."""
    parser = entry_parser(__doc__)
    parser.add_argument("--days", type=int, default=90, help="mornings (default: %(default)s)")
    parser.add_argument("--series", type=int, default=120, help="series (default: %(default)s)")
    parser.add_argument("--verbose", action="store_true", help="every log line, too")
    parser.set_defaults(data=Path("data/replay"))
    return run(parser, _replay, argv)


if __name__ == "__main__":
    sys.exit(main())
