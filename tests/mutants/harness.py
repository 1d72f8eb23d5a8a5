"""Mutants of the code against the tests of its package. From the root:

    python tests/mutants --sample 240 --seed 1    a table; --json FILE keeps the run
    python tests/mutants --only storage/journal   every mutant drawn there, and the named ones
    python tests/mutants --check                  equivalent.toml and named.toml against the code

A run is kept after each mutant, so that one that is interrupted has said what it saw. Exit code 1:
one lived that equivalent.toml does not list.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from drawn import drawn, lived_in, named, outdated
from places import Mutant
from report import Tried, kept, numbers, run_of, table, verdict_of
from scope import PACKAGES, Package
from trial import Undisturbed, Which, copied, package_of, tried, undisturbed

ROOT = Path(__file__).resolve().parents[2]


def chosen(
    arguments: argparse.Namespace, former: dict[str, Any] | None
) -> list[tuple[str, Mutant]]:
    """The named mutants, then the drawn ones, those of a package together; or what lived in a
    former run.
    """
    share = -(-arguments.sample // len(PACKAGES))
    if former is None:
        found = [(package_of(mutant.path), mutant) for mutant in named(ROOT)]
        for package in PACKAGES:
            found += [(package, one) for one in drawn(ROOT, package, arguments.seed, share)]
    else:
        found = list(lived_in(ROOT, former))
    wanted = arguments.only or ""
    order = list(PACKAGES)
    return sorted(
        ((package, one) for package, one in found if wanted in f"{package}: {one.path}"),
        key=lambda pair: order.index(pair[0]),
    )


def in_turn(
    folder: Path, mutants: list[tuple[str, Mutant]], jobs: int, which: Which
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The number of each mutant and what became of it, `jobs` packages at a time."""
    packages = list(dict.fromkeys(package for package, _ in mutants))
    waiting, filled = os.pipe()
    os.write(filled, bytes(range(len(packages))))
    os.close(filled)
    reading, writing = os.pipe()
    pids = []
    for job in range(jobs):
        if not (pid := os.fork()):
            base_of = partial(undisturbed, folder / f"copy_{job}", which=which)
            _work(folder / f"copy_{job}", mutants, base_of, (waiting, writing))
        pids.append(pid)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as lines:
        for line in lines:
            number, verdict = json.loads(line)
            yield number, verdict
    for pid in pids:
        os.waitpid(pid, 0)


def _work(
    copy: Path,
    mutants: list[tuple[str, Mutant]],
    base_of: Callable[[Package], Undisturbed],
    pipes: tuple[int, int],
) -> None:
    """One package after the other, as long as one waits; a line of JSON for each mutant tried."""
    waiting, writing = pipes
    packages = list(dict.fromkeys(package for package, _ in mutants))
    copied(ROOT, copy)
    try:
        while number := os.read(waiting, 1):
            package = packages[number[0]]
            base = base_of(PACKAGES[package])
            for k, (whose, mutant) in enumerate(mutants):
                if whose == package:
                    os.write(writing, (json.dumps([k, tried(copy, mutant, base)]) + "\n").encode())
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sample", type=int, default=240, help="so many mutants in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", help="those whose 'package: path' holds this text")
    parser.add_argument("--round", default="as it stands", help="how the run is called where kept")
    parser.add_argument(
        "--again", metavar="ROUND", help="only what lived in this run of --json and the seed"
    )
    parser.add_argument(
        "--most-tests", type=int, default=60, help="for one mutant; --again: all there are"
    )
    parser.add_argument(
        "--since", metavar="COMMIT", help="only tests of the package changed since then"
    )
    parser.add_argument("--check", action="store_true", help="try none; is what is listed so?")
    parser.add_argument("--json", type=Path, help="where the run is kept beside others")
    return parser.parse_args()


def check() -> int:
    """Whether the lists still speak of the code as it is."""
    count = len(list(named(ROOT)))
    missing = outdated(ROOT)
    print(f"named {count}, listed as equivalent and not possible {len(missing)}")
    for one in missing:
        print(*one, sep="\n    ")
    return 1 if missing else 0


def main() -> int:
    """Draw, try, report."""
    arguments = _arguments()
    if arguments.check:
        return check()
    former = run_of(arguments.json, arguments.seed, arguments.again) if arguments.again else None
    mutants, done = chosen(arguments, former), []
    since, began = time.monotonic(), f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
    which = Which(ROOT, None if arguments.again else arguments.most_tests, arguments.since)
    run: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        for number, verdict in in_turn(Path(name), mutants, arguments.jobs, which):
            package, mutant = mutants[number]
            done.append((number, (package, mutant, verdict)))
            _say(mutant, verdict)
            seen: list[Tried] = [one for _, one in sorted(done, key=lambda pair: pair[0])]
            run = {"seed": arguments.seed, "round": arguments.round, "began": began}
            run |= {"seconds": round(time.monotonic() - since)} | numbers(seen, former)
            if arguments.json:
                kept(arguments.json, run)
    print(table(run))
    return 1 if {"survived", "unreached"} & run["counts"].keys() else 0


def _say(mutant: Mutant, verdict: dict[str, Any]) -> None:
    say = partial(print, file=sys.stderr, flush=True)
    say(f"{verdict_of(mutant, verdict)}: {mutant.path}:{mutant.lines[0]} {mutant.operator}", end="")
    say(f" by {verdict['by']}")
