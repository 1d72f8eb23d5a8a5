"""A mutant tried: which tests could notice it, and which did."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coverage import CoverageData
from places import Mutant
from processes import Ended, Slot, forked, run_tests
from scope import PACKAGES, Package

_UNDISTURBED_S = 1800  # a package's tests, watched by coverage
_LEAST_S, _TIMES = 20.0, 5.0  # a time limit: so many times what a test took, and so much more


@dataclass(frozen=True)
class Undisturbed:
    """What a package's tests do when nothing is wrong: seconds of each, lines of each file by the
    tests that ran them. `spawning`: those of files that start processes, which nobody watches.
    """

    seconds: dict[str, float]
    lines: dict[str, dict[int, set[str]]]
    spawning: set[str]
    most_tests: int | None

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Those that run its lines, or its file where it runs at import, or where none is seen to,
        those that start processes; the quickest first, no more than `most_tests`.
        """
        by_line = self.lines.get(mutant.path, {})
        first, last = (0, max(by_line, default=0)) if mutant.runs_at_import else mutant.lines
        running = set().union(*(by_line.get(line, set()) for line in range(first, last + 1)))
        known = (running or self.spawning) & self.seconds.keys()
        return sorted(known, key=lambda test: (self.seconds[test], test))[: self.most_tests]


def copied(root: Path, target: Path) -> Path:
    """The files under version control and those about to be, as they stand."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(  # noqa: S603 -- our own words
        command, cwd=root, capture_output=True, check=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)
    return target


@dataclass(frozen=True)
class Which:
    """How many of a package's tests try a mutant at most, and since which commit of `root` they
    must have changed (None: any).
    """

    root: Path
    most_tests: int | None
    since: str | None

    def files(self, package: Package) -> list[str]:
        """Files or folders of tests."""
        if self.since is None:
            return list(package.tests)
        command = ["git", "diff", "--name-only", "--diff-filter=d", self.since, "--"]
        changed = subprocess.run(  # noqa: S603 -- our own words
            [*command, *package.tests], cwd=self.root, capture_output=True, check=True, text=True
        )
        return [name for name in changed.stdout.split() if Path(name).name.startswith("test_")]


def undisturbed(copy: Path, package: Package, which: Which) -> Undisturbed:
    """The package's tests as they are, watched; SystemExit when one fails."""
    tests = which.files(package)
    if not tests:
        return Undisturbed({}, {}, set(), 0)
    kept = Path(f"{copy}.coverage")
    watched = [f"--cov={name}" for name in package.measured]
    watched += ["--cov-context=test", "--cov-report=", "--cov-fail-under=0"]

    def work(at: Slot) -> Any:
        os.environ["COVERAGE_FILE"] = str(kept)
        return run_tests(copy, tests, None, watched, at)

    result = forked(work, _UNDISTURBED_S)
    if isinstance(result, Ended) or result["ended"]:
        raise SystemExit(f"the tests fail without any mutant: {result}")
    seconds = result["seconds"]
    files = {test.split("::")[0] for test in seconds}
    spawning = {file for file in files if "subprocess" in (copy / file).read_text("utf-8")}
    by_processes = {test for test in seconds if test.split("::")[0] in spawning}
    return Undisturbed(seconds, _lines_by_test(copy, kept), by_processes, which.most_tests)


def _lines_by_test(copy: Path, kept: Path) -> dict[str, dict[int, set[str]]]:
    data = CoverageData(str(kept))
    data.read()
    lines: dict[str, dict[int, set[str]]] = {}
    for path in data.measured_files():
        by_line = data.contexts_by_lineno(path)
        lines[str(Path(path).relative_to(copy.resolve()))] = {
            line: {context.rpartition("|")[0] for context in contexts if context}
            for line, contexts in by_line.items()
        }
    return lines


def tried(copy: Path, mutant: Mutant, base: Undisturbed) -> dict[str, Any]:
    """What became of a mutant: killed, and by which test or how; survived; reached by no test."""
    chosen = base.tests_for(mutant)
    if not chosen:
        return {"verdict": "unreached", "by": None, "tests": 0}
    path = copy / mutant.path
    before, state = path.read_text(encoding="utf-8"), path.stat()
    path.write_text(mutant.text(), encoding="utf-8")
    try:
        limits_s = {test: _LEAST_S + _TIMES * base.seconds[test] for test in chosen}
        result = forked(lambda at: _noticed(copy, limits_s, at), sum(limits_s.values()))
    finally:
        path.write_text(before, encoding="utf-8")
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    if isinstance(result, Ended):
        by = f"{result.how} in {result.test}"
    else:
        by = result["failed"] or (
            f"pytest ended with {result['ended']}" if result["ended"] else None
        )
    return {"verdict": "killed" if by else "survived", "by": by, "tests": len(chosen)}


def _noticed(copy: Path, limits_s: dict[str, float], at: Slot) -> Any:
    sys.dont_write_bytecode = True  # of a file that is mutated for a moment
    files = list(dict.fromkeys(name.split("::")[0] for name in limits_s))
    return run_tests(copy, files, limits_s, ["-x", "--tb=no", "--show-capture=no"], at)


def package_of(path: str) -> str:
    """The package whose tests try a file."""
    folder, _, _ = path.rpartition("/")
    return folder if folder in PACKAGES else "ingest"
