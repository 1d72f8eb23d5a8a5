"""Power cuts by the hundred: a door is killed (SIGKILL) at a random point, started again, and compared with the run nobody killed.

    PYTHONPATH=. python tests/powercut/harness.py --kills 2000 --seed 7            a table, and --json FILE for the numbers
    PYTHONPATH=. python tests/powercut/harness.py --seed 7 --only 1234             one cut again (a `moment` only about where it was)

Each step of the plan (plan.py) is walked once undisturbed: its state before, its result and its points are kept. A cut takes
a step's state, kills the door at a point drawn from (seed, number), in one of three cuts the restart too, looks at what a
reader would see, lets the door run to its end and compares everything (invariants.py). This process forks and uses neither
Polars nor DuckDB itself, so that the forked ones find them unused; what it imports, they need not.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import jinja2  # noqa: F401
import pyarrow.parquet  # noqa: F401
from invariants import observed, seen_in_between, wrong_at_the_end
from plan import Step, now_of, small_params, steps
from points import Counter, Point, Slot, armed

import inference  # noqa: F401 -- warm for the children, like the next
import ingest
import intake.taking  # noqa: F401
from contract.places import Places
from expectations.pages import _render  # noqa: F401
from forecasting import champion  # noqa: F401

_ENDS = 60  # seconds a child may take before it counts as hanging
PARAMS = small_params()  # read once: half of a small door's time is reading YAML
_HEAVY = ("commit", "close", "checkpoint", "insert", "update", "delete")


@dataclass
class Walked:
    """A step as nobody disturbed it: the state it starts from, what it leaves, how many points of each kind it passes."""

    step: Step
    number: int
    before: Path
    after: dict[str, Any]
    seconds: float
    counts: dict[str, int]
    statements: list[str]
    statement_s: list[float]


@dataclass
class Report:
    """What was tried and what was hit."""

    seed: int
    kills: int = 0
    not_reached: int = 0
    seconds: float = 0.0
    by_step: Tally = field(default_factory=Tally)
    by_kind: Tally = field(default_factory=Tally)
    points: dict[str, set[str]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def child(work: Callable[[], Any]) -> tuple[int, int]:
    """A forked process doing `work`, its JSON answer in a pipe: (pid, reading end)."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(reading)
    status = 1
    try:
        os.write(writing, json.dumps(work()).encode())
        status = 0
    except BaseException:  # told to the driver, which counts it as a violation
        os.write(writing, json.dumps({"failed": traceback.format_exc()[-1500:]}).encode())
    finally:
        os._exit(status)


def answer(work: Callable[[], Any]) -> Any:
    """What a child that nobody kills answers."""
    pid, reading = child(work)
    try:
        text, deadline = b"", time.monotonic() + _ENDS
        while select.select([reading], [], [], max(deadline - time.monotonic(), 0))[0]:
            if not (part := os.read(reading, 1 << 20)):
                return json.loads(text or b'{"failed": "no answer"}')
            text += part
        os.kill(pid, signal.SIGKILL)
        return {"failed": f"hung for {_ENDS} s"}
    finally:
        os.close(reading)
        os.waitpid(pid, 0)


def killed(walked: Walked, places: Places, point: Point, slot: Slot) -> str | None:
    """Where the door died; None when it was done before it got there."""

    def walk() -> None:
        armed(Counter(slot, tell, point), places.root)
        walked.step.door(PARAMS, places, now_of(walked.number))

    told, tell = os.pipe()
    slot.write("")
    pid, reading = child(walk)
    os.close(tell)
    if point.delay_s is not None and select.select([told, reading], [], [], _ENDS)[0]:
        time.sleep(point.delay_s)
        os.kill(pid, signal.SIGKILL)  # not reaped yet, so the number is still that child's
    elif not select.select([reading], [], [], _ENDS)[0]:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(told)
    os.close(reading)
    return slot.read() if os.WIFSIGNALED(status) else None


def walked_plan(folder: Path) -> list[Walked]:
    """Every step done once, on top of the one before."""
    places, done = Places(folder / "undisturbed"), []
    for number, step in enumerate(steps()):
        answer(partial(step.prepare, places))
        before = folder / f"before_{number:02d}"
        shutil.copytree(places.root, before)
        since = time.monotonic()
        _must(answer(partial(_door, step, number, places)))
        seconds = time.monotonic() - since
        after = _must(answer(lambda: observed(places)))
        count = partial(_counted, step, number, before, folder / "counted")
        counted = _must(answer(count))
        done.append(Walked(step, number, before, after, seconds, *counted))
    return done


def _door(step: Step, number: int, places: Places) -> None:
    step.door(PARAMS, places, now_of(number))


def _counted(step: Step, number: int, before: Path, work: Path) -> tuple[dict[str, int], list[str], list[float]]:
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(before, work)
    counter, names = Counter(Slot()), []
    passed = counter.passed
    counter.passed = lambda kind, name: (names.append(name) if kind == "statement" else None, passed(kind, name))[1]
    armed(counter, work)
    _door(step, number, Places(work))
    return counter.counts, names, counter.seconds


def _must(told: Any) -> Any:
    if isinstance(told, dict) and "failed" in told:
        raise SystemExit(f"the plan itself failed:\n{told['failed']}")
    return told


def drawn(rng: random.Random, walked: Walked) -> Point:
    """A point of this step: a kind, then any of its points, statements that write more often than others."""
    kind = rng.choices(["line", "touch", "statement", "inside", "moment"], [30, 15, 20, 20, 15])[0]
    if kind == "moment":
        return Point("moment", 1, rng.uniform(0, walked.seconds))
    if kind == "inside":
        begun = [k for k, name in enumerate(walked.statements) if name.startswith("before")]
        heavy = [k for k in begun if walked.statements[k].removeprefix("before: ").startswith(_HEAVY)]
        at = rng.choice(heavy if heavy and rng.random() < 0.7 else begun)
        return Point("statement", at + 1, rng.uniform(0, 1.3 * walked.statement_s[begun.index(at)]))
    return Point(kind, rng.randint(1, max(walked.counts[kind], 1)))


def cut(plan: list[Walked], folder: Path, seed: int, number: int, report: Report, slot: Slot) -> None:
    """One cut, its restart, its verdict."""
    rng = random.Random(f"{seed}/{number}")  # noqa: S311 -- a draw, not a secret
    walked = rng.choice(plan)
    work = folder / "cut"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(walked.before, work)
    places, where = Places(work), []
    for point in [drawn(rng, walked) for _ in range(rng.choice([1, 1, 2]))]:
        at = killed(walked, places, point, slot)
        _note(report, walked, point, at)
        where.append(at or "done before")
    is_read, is_lost = rng.random() < 0.4, rng.random() < 0.1
    wrong = answer(lambda: _verdict(walked, places, is_read, is_lost))
    wrong = wrong if isinstance(wrong, list) else [wrong["failed"]]
    report.violations += [f"seed {seed} number {number}, '{walked.step.name}' cut at {where}: {one}" for one in wrong]


def _verdict(walked: Walked, places: Places, is_read: bool, is_lost: bool) -> list[str]:
    """What is wrong; of four cuts in ten also as read in between, of one in ten also after the store was lost and made again."""
    wrong = seen_in_between(places) if is_read else []
    _door(walked.step, walked.number, places)
    wrong += wrong_at_the_end(places, walked.after)
    if is_lost:
        places.store.unlink()
        ingest.rebuild(PARAMS, places, now=now_of(walked.number))
        wrong += [f"rebuilt: {one}" for one in wrong_at_the_end(places, walked.after)]
    return wrong


def _note(report: Report, walked: Walked, point: Point, at: str | None) -> None:
    if at is None:
        report.not_reached += 1
        return
    kind = "inside" if point.kind == "statement" and point.delay_s is not None else point.kind
    report.kills += 1
    report.by_step[walked.step.name] += 1
    report.by_kind[kind] += 1
    report.points.setdefault(kind, set()).add(at)


def table_of(report: Report) -> str:
    """The report as people read it."""
    lines = ["| cut at | kills | different points |", "|---|---|---|"]
    lines += [f"| {kind} | {report.by_kind[kind]} | {len(points)} |" for kind, points in sorted(report.points.items())]
    lines += ["", "| step | kills |", "|---|---|", *(f"| {step} | {count} |" for step, count in report.by_step.items())]
    lines += [
        "",
        f"kills {report.kills}, door done before {report.not_reached}, {report.seconds:.0f} s, seed {report.seed}",
    ]
    return "\n".join([*lines, f"violations {len(report.violations)}", *report.violations])


def cuts(plan: list[Walked], folder: Path, seed: int, numbers: Iterator[int], kills: int) -> Report:
    """So many kills, one cut after another."""
    report, slot = Report(seed), Slot()
    folder.mkdir()
    for number in numbers:
        cut(plan, folder, seed, number, report, slot)
        if report.kills >= kills:
            break
    return report


def shared(plan: list[Walked], folder: Path, seed: int, kills: int, jobs: int) -> Report:
    """The kills done by several processes, each every so-manieth cut of the seed."""

    def work(job: int) -> dict[str, Any]:
        done = cuts(plan, folder / f"job_{job}", seed, itertools.count(job, jobs), kills // jobs)
        return vars(done) | {"points": {kind: sorted(points) for kind, points in done.points.items()}}

    total = Report(seed)
    for pid, reading in [child(partial(work, job)) for job in range(jobs)]:
        with os.fdopen(reading, "rb") as pipe:
            told = _must(json.loads(pipe.read()))
        os.waitpid(pid, 0)
        total.kills += told["kills"]
        total.not_reached += told["not_reached"]
        total.by_step.update(told["by_step"])
        total.by_kind.update(told["by_kind"])
        total.violations += told["violations"]
        for kind, points in told["points"].items():
            total.points.setdefault(kind, set()).update(points)
    return total


def main() -> int:
    """Walk the plan, cut it, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", type=int, help="one cut of this seed again")
    parser.add_argument("--json", type=Path, help="where the numbers go")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    since = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="powercut-") as made:
        plan = walked_plan(Path(made))
        if arguments.only is not None:
            report = cuts(plan, Path(made) / "only", arguments.seed, iter([arguments.only]), 1)
        else:
            report = shared(plan, Path(made), arguments.seed, arguments.kills, arguments.jobs)
    report.seconds = round(time.monotonic() - since, 1)
    print(table_of(report))
    if arguments.json:
        told = vars(report) | {"points": {kind: len(points) for kind, points in sorted(report.points.items())}}
        arguments.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
