"""Power cuts by the hundred: a run is killed (SIGKILL) at a random point, started again, and
compared with the one nobody killed. From the root, with PYTHONPATH=. :

    python tests/powercut --kills 2000 --seed 7    a table; --json FILE for the numbers
    python tests/powercut --seed 7 --only 1234     one cut again (a `moment` only about there)
    python tests/powercut --faults 100             faults planted too: each must be found
    python tests/powercut --checkouts 20           `make repro` and the week killed, too

Ctrl-C (SIGINT) ends the kills after the cut at hand: table and JSON are then of those there were.

Each step of the plan (plan.py) is run once undisturbed: its state before, its result and its points
are kept. A cut takes a step's state, kills the run at a point drawn from (seed, number), in one of
three cuts the restart too, looks at what a reader would see, now and then loses the store file as
well, lets the step run to its end and compares everything (invariants.py). The undisturbed run is
watched for what only a real power cut would undo (durable.py). This process forks and uses neither
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
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import checkouts
import jinja2  # noqa: F401
import pyarrow.parquet  # noqa: F401
from durable import Watch
from faults import FAULTS, INGEST, Fault, never_synced
from invariants import VIOLATIONS, observed, seen_in_between, wrong_at_the_end
from plan import Step, now_of, small_params, steps
from points import Counter, Point, Slot, armed
from report import Report

import inference  # noqa: F401 -- warm for the children, like the next
import stages.take  # noqa: F401
from expectations.pages import _render  # noqa: F401
from forecasting import champion  # noqa: F401
from runtime.paths import Paths
from stages.rebuild import rebuild

_ENDS = 600  # seconds a child may take before it counts as hanging, on a machine that others use
_NOTHING = b'{"failed": "no result"}'
_INTERRUPTED: list[int] = []  # the signal, once it came: every process of the harness gets it
Plant = Callable[[], None] | None

PARAMS = small_params()  # read once: half of a small run's time is reading YAML
_HEAVY = ("commit", "close", "checkpoint", "insert", "update", "delete")


@dataclass
class Undisturbed:
    """A step as nobody disturbed it: the state it starts from, what it leaves, how many points of
    each kind it passes.
    """

    step: Step
    number: int
    before: Path
    after: dict[str, Any]
    seconds: float
    counts: dict[str, int]
    statements: list[str]
    statement_s: list[float]
    unsafe: list[str]


def child(work: Callable[[], Any]) -> tuple[int, int]:
    """A forked process doing `work`, its result as JSON in a pipe: (pid, reading end)."""
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
    except BaseException:  # the driver counts it as a violation
        os.write(writing, json.dumps({"failed": traceback.format_exc()[-1500:]}).encode())
    finally:
        os._exit(status)


def result_of(work: Callable[[], Any]) -> Any:
    """The result of a child that nobody kills."""
    pid, reading = child(work)
    try:
        text, deadline = b"", time.monotonic() + _ENDS
        while select.select([reading], [], [], max(deadline - time.monotonic(), 0))[0]:
            if not (part := os.read(reading, 1 << 20)):
                return json.loads(text or _NOTHING)
            text += part
        os.kill(pid, signal.SIGKILL)
        return {"failed": f"hung for {_ENDS} s"}
    finally:
        os.close(reading)
        os.waitpid(pid, 0)


def killed(
    base: Undisturbed, paths: Paths, point: Point, slot: Slot, plant: Plant = None
) -> str | None:
    """Where the run died; None when it was done before it got there."""

    def run() -> None:
        if plant:
            plant()
        armed(Counter(slot, notify, point), paths.root)
        _run(base.step, base.number, paths)

    reached, notify = os.pipe()
    slot.write("")
    pid, reading = child(run)
    os.close(notify)
    if point.delay_s is not None and select.select([reached, reading], [], [], _ENDS)[0]:
        time.sleep(point.delay_s)
        os.kill(pid, signal.SIGKILL)  # not reaped yet, so the number is still that child's
    elif not select.select([reading], [], [], _ENDS)[0]:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(reached)
    os.close(reading)
    return slot.read() if os.WIFSIGNALED(status) else None


def undisturbed_plan(folder: Path) -> list[Undisturbed]:
    """Every step done once, on top of the one before."""
    paths, plan = Paths(folder / "undisturbed"), []
    for number, step in enumerate(steps()):
        _must(result_of(partial(step.prepare, paths)))
        before = folder / f"before_{number:02d}"
        shutil.copytree(paths.root, before)
        since = time.monotonic()
        _must(result_of(partial(_run, step, number, paths)))
        seconds = time.monotonic() - since
        after = _must(result_of(lambda: observed(paths)))
        count = partial(_counted, step, number, before, folder / "counted")
        counted = _must(result_of(count))
        plan.append(Undisturbed(step, number, before, after, seconds, *counted))
    return plan


def _run(step: Step, number: int, paths: Paths) -> None:
    step.run(PARAMS, paths, now_of(number))


def _counted(step: Step, number: int, before: Path, work: Path, plant: Plant = None) -> tuple:
    """The points of a step by kind, its statements, their seconds, and what of it was not on disk
    in time. `plant`: once the watch stands.
    """
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(before, work)
    counter, names, watch = Counter(Slot()), [], Watch(work)
    passed = counter.passed

    def noted(kind: str, name: str) -> None:
        if kind == "statement":
            names.append(name)
        passed(kind, name)

    counter.passed = noted
    if plant:
        plant()
    armed(counter, work)
    _run(step, number, Paths(work))
    return counter.counts, names, counter.seconds, watch.unsafe()


def _must(result: Any) -> Any:
    if isinstance(result, dict) and "failed" in result:
        raise SystemExit(f"the plan itself failed:\n{result['failed']}")
    return result


def drawn(rng: random.Random, base: Undisturbed, window_s: float = 0.0) -> Point:
    """A point of this step: a kind, then any of its points, statements that write more often than
    others. `window_s`: a moment, of a step that is planted to take so much longer.
    """
    if window_s:
        return Point("moment", 1, rng.uniform(0, base.seconds + window_s))
    kind = rng.choices(["line", "touch", "statement", "inside", "moment"], [30, 15, 20, 20, 15])[0]
    if kind == "moment":
        return Point("moment", 1, rng.uniform(0, base.seconds))
    if kind == "inside":
        begun = [k for k, name in enumerate(base.statements) if name.startswith("before")]
        heavy = [k for k in begun if base.statements[k].removeprefix("before: ").startswith(_HEAVY)]
        at = rng.choice(heavy if heavy and rng.random() < 0.7 else begun)
        return Point("statement", at + 1, rng.uniform(0, 1.3 * base.statement_s[begun.index(at)]))
    return Point(kind, rng.randint(1, max(base.counts[kind], 1)))


def cut(
    plan: list[Undisturbed],
    folder: Path,
    number: int,
    report: Report,
    slot: Slot,
    fault: Fault | None = None,
) -> None:
    """One cut, its restart, its verdict; drawn from the report's seed and the number."""
    rng = random.Random(f"{report.seed}/{number}")  # noqa: S311 -- a draw, not a secret
    plant, window_s = (fault.plant, fault.window_s) if fault else (None, 0.0)
    base = rng.choice([base for base in plan if not fault or base.step.name in fault.steps])
    work = folder / "cut"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(base.before, work)
    paths, where = Paths(work), []
    for point in [drawn(rng, base, window_s) for _ in range(rng.choice([1, 1, 2]))]:
        at = killed(base, paths, point, slot, plant)
        kind = "inside" if point.kind == "statement" and point.delay_s is not None else point.kind
        report.note(base.step.name, kind, at)
        where.append(at or "done before")
    is_read = rng.random() < 0.4
    lost = rng.choices(["", "with the power", "later"], [80, 10, 10])[0]
    report.stores_lost += bool(lost)
    wrong = result_of(lambda: _verdict(base, paths, is_read, lost, plant))
    wrong = wrong if isinstance(wrong, list) else [wrong["failed"]]
    cut_at = f"'{base.step.name}' cut at {where}{lost and ', store lost '}{lost}"
    report.violations += [f"seed {report.seed} number {number}, {cut_at}: {one}" for one in wrong]


def _verdict(base: Undisturbed, paths: Paths, is_read: bool, lost: str, plant: Plant) -> list[str]:
    """What is wrong; of four cuts in ten also as read in between, of two in ten also after the
    store file was lost and made again: at once, before the step is run again, or once all was well.
    """
    if plant:
        plant()
    wrong = seen_in_between(paths) if is_read else []
    if lost == "with the power":
        _lose(base, paths)
    _run(base.step, base.number, paths)
    wrong += wrong_at_the_end(paths, base.after)
    if lost == "later":
        _lose(base, paths)
        wrong += [f"rebuilt: {one}" for one in wrong_at_the_end(paths, base.after)]
    return wrong


def _lose(base: Undisturbed, paths: Paths) -> None:
    """The store file gone (its log is not), and made again from the journal. One without a journal
    held nothing yet.
    """
    if any(paths.root.glob("journal/*/[0-9]*")):
        paths.store.unlink(missing_ok=True)
        rebuild(PARAMS, paths, now=now_of(base.number))


def cuts(
    plan: list[Undisturbed], folder: Path, seed: int, numbers: Iterator[int], kills: int
) -> Report:
    """So many kills, one cut after another."""
    report, slot = Report(seed), Slot()
    folder.mkdir()
    for number in numbers:
        cut(plan, folder, number, report, slot)
        if report.kills >= kills or _INTERRUPTED:
            break
    return report


def found_after(
    plan: list[Undisturbed], folder: Path, seed: int, fault: str, *, most: int
) -> int | None:
    """How many cuts it took to find what a planted fault brings about; None when `most` did not."""
    report, slot = Report(seed), Slot()
    own = folder / f"fault_{list(FAULTS).index(fault)}"
    own.mkdir()
    for number in range(most):
        cut(plan, own, number, report, slot, FAULTS[fault])
        if any(FAULTS[fault].seen in violation for violation in report.violations):
            return number + 1
    return None


def unsynced_seen(plan: list[Undisturbed], folder: Path) -> int | None:
    """1 when a run that flushes nothing to the disk is found unsafe, else None."""
    base = next(base for base in plan if base.step.name in INGEST)
    work = partial(_counted, base.step, base.number, base.before, folder / "unsynced", never_synced)
    return 1 if _must(result_of(work))[-1] else None


def unplanted() -> dict[str, int | None]:
    """Rules of the store that no planted fault breaks, as faults that were not found."""
    seen = {fault.seen for fault in FAULTS.values()}
    return {f"none is planted for: {rule}": None for rule in VIOLATIONS if rule not in seen}


def hunted(hunt: Callable[[str], int | None], jobs: int) -> dict[str, int | None]:
    """The hunts for every planted fault, shared by several processes."""

    def work(job: int) -> dict[str, int | None]:
        return {fault: hunt(fault) for fault in list(FAULTS)[job::jobs]}

    parts = _gathered([partial(work, job) for job in range(jobs)])
    found = {fault: cuts for part in parts for fault, cuts in part.items()}
    return {fault: found[fault] for fault in FAULTS}


def shared(plan: list[Undisturbed], folder: Path, seed: int, kills: int, jobs: int) -> Report:
    """The kills done by several processes, of `jobs` cuts of the seed each does one."""
    share = -(-kills // jobs)

    def work(job: int) -> dict[str, Any]:
        return cuts(plan, folder / f"job_{job}", seed, itertools.count(job, jobs), share).plain()

    unsafe = [f"'{base.step.name}': {one}" for base in plan for one in base.unsafe]
    total = Report(seed, violations=unsafe)
    for plain in _gathered([partial(work, job) for job in range(jobs)]):
        total.add(plain)
    return total


def _gathered(works: list[Callable[[], Any]]) -> list[Any]:
    """The results of children at work side by side; none is left behind when one fails."""
    results = []
    for pid, reading in [child(work) for work in works]:
        with os.fdopen(reading, "rb") as pipe:
            results.append(json.loads(pipe.read() or _NOTHING))
        os.waitpid(pid, 0)
    return [_must(result) for result in results]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--checkouts", type=int, default=0, metavar="N", help="so many kills of `make repro`, too"
    )
    parser.add_argument("--only", type=int, help="one cut of this seed again")
    parser.add_argument(
        "--faults", type=int, default=0, metavar="N", help="find each planted fault within N cuts"
    )
    parser.add_argument("--json", type=Path, help="where the numbers go")
    return parser.parse_args()


def main() -> int:
    """Run the plan, cut it, report."""
    arguments = _arguments()
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGINT, lambda number, _: _INTERRUPTED.append(number))
    since = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="powercut-") as name:
        folder = Path(name)
        plan = undisturbed_plan(folder)
        if arguments.only is not None:
            report = cuts(plan, folder / "only", arguments.seed, iter([arguments.only]), 1)
        else:
            report = shared(plan, folder, arguments.seed, arguments.kills, arguments.jobs)
        if arguments.checkouts and not _INTERRUPTED:
            kill = partial(checkouts.cuts, folder, arguments.seed, arguments.checkouts)
            report.add(_gathered([lambda: kill().plain()])[0])
        if arguments.faults and not _INTERRUPTED:
            hunt = partial(found_after, plan, folder, arguments.seed, most=arguments.faults)
            report.faults = unplanted() | hunted(hunt, arguments.jobs)
            report.faults["nothing flushed to the disk"] = unsynced_seen(plan, folder)
    report.seconds = round(time.monotonic() - since, 1)
    print(report.table())
    if arguments.json:
        points = {kind: len(points) for kind, points in sorted(report.points.items())}
        numbers = report.plain() | {"points": points}
        arguments.json.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return 1 if report.violations or report.unseen() else 0
