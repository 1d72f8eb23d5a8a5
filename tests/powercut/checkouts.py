"""`make repro`'s and the weekly flow's own processes in a checkout, killed at a random moment (all,
or the first alone), run again, and compared with the run nobody killed.

Slow (DVC runs every stage as a process), so a few dozen: `python tests/powercut --checkouts 20`.
A kill inside DVC's rewriting of dvc.lock lasts a millisecond of a minute: in one cut of three the
file is cut as that kill leaves it, in another DVC's list of processes.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from invariants import observed
from report import Report
from ruamel.yaml import YAML

from runtime.paths import Paths

ROOT = Path(__file__).resolve().parents[2]
_LEFT_OUT = (".dvc", "dvc.lock", "tests/", "benchmarks/", "docs/")
_PYTHON, _NOW = sys.executable, "2024-06-01T08:00"
_TINY: dict[str, dict[str, Any]] = {
    "features": {"windows": [7, 28], "year_windows": [], "hierarchy": [["store_id"]]},
    "train": {
        **{"horizon": 7, "blocks": [7], "rounds": 3, "leaves": 4, "min_rows_in_leaf": 20},
        **{"max_rows": 2000, "threads": 1},
    },
    "evaluate": {"origins": 2, "step_days": 7, "refit_every": 2, "calibration_bins": 2},
}
_GATE = {"confidence": 0.51, "max_abs_bias": 1.0, "max_coverage_gap": 1.0}


@dataclass(frozen=True)
class Life:
    """Commands, in their order, that are killed together and run again; `state`: what must be as if
    nobody had been killed.
    """

    name: str
    before: Path
    commands: tuple[tuple[str, ...], ...]
    state: Callable[[Path], dict[str, str]]


@dataclass(frozen=True)
class Undisturbed:
    """A life as nobody disturbed it: its seconds, and what it leaves, run once and run twice."""

    life: Life
    seconds: float
    states: tuple[dict[str, str], dict[str, str]]


def lives(folder: Path) -> list[Life]:
    """A first `make repro`, and the week after it, each with the checkout it begins with."""
    first = _new_checkout(folder / "first")
    week = folder / "week"
    shutil.copytree(first, week, symlinks=True)
    repro = (
        (_PYTHON, "ingest.py", "recover"),
        (_PYTHON, "-m", "dvc", "repro"),
        (_PYTHON, "inference.py", "publish"),
    )
    _through(repro, week)
    _commit(week)
    _drop_next_day(week)
    _through(((_PYTHON, "ingest.py"),), week)
    weekly = ((_PYTHON, "flows/weekly.py", "--plain", "--now", _NOW),)
    return [
        Life("make repro", first, repro, pins),
        Life("weekly with dvc", week, weekly, pins_and_store),
    ]


def pins(checkout: Path) -> dict[str, str]:
    """The hash of every output, as dvc.lock pins it."""
    lock = YAML(typ="safe").load((checkout / "dvc.lock").read_text(encoding="utf-8"))
    outs = [out for stage in lock["stages"].values() for out in stage["outs"]]
    return {out["path"]: out["md5"] for out in outs}


def pins_and_store(checkout: Path) -> dict[str, str]:
    """The same, and what the store holds."""
    return pins(checkout) | observed(Paths(checkout / "data"))["tables"]


def undisturbed(life: Life, work: Path) -> Undisturbed:
    """What a run nobody kills leaves, and its seconds. Killed when all but its end was done, it is
    a second run, whose candidate is the champion already.
    """
    _copied(life.before, work)
    since = time.monotonic()
    _through(life.commands, work)
    seconds, once = time.monotonic() - since, life.state(work)
    _through(life.commands, work)
    return Undisturbed(life, seconds, (once, life.state(work)))


def cuts(folder: Path, seed: int, count: int) -> Report:
    """So many kills, of one life and of the other."""
    report, work = Report(seed), folder / "work"
    bases = [undisturbed(life, work) for life in lives(folder)]
    for number in range(count):
        rng = random.Random(f"{seed}/checkout {number}")  # noqa: S311 -- a draw, not a secret
        base = bases[number % len(bases)]
        command, more = cut(base, work, rng)
        report.note(base.life.name, "processes", command)
        wrong = violations(base, work) if command else []
        at = f"'{base.life.name}' cut at {command}{more}"
        report.violations += [f"seed {seed} checkout {number}, {at}: {one}" for one in wrong]
    return report


def cut(base: Undisturbed, work: Path, rng: random.Random) -> tuple[str | None, str]:
    """One kill: the command at work, None when all were done, and what was cut besides."""
    _copied(base.life.before, work)
    after_s, is_first_alone = rng.uniform(0, base.seconds), rng.random() < 0.5
    command = _killed(base.life.commands, work, after_s, is_first_alone=is_first_alone)
    return command, _cut_more(work, rng) if command else ""


def violations(base: Undisturbed, work: Path) -> list[str]:
    """What is wrong once the commands were run again."""
    try:
        _through(base.life.commands, work)
    except subprocess.CalledProcessError as error:
        return [f"the second run failed: {error.output[-800:]}"]
    there = base.life.state(work)
    differing = [_differing(there, expected) for expected in base.states]
    return min(differing, key=len) + _unclean(work)


def _differing(there: dict[str, str], expected: dict[str, str]) -> list[str]:
    names = sorted(there.keys() | expected.keys())
    return [f"{name} differs" for name in names if there.get(name) != expected.get(name)]


def _unclean(work: Path) -> list[str]:
    """What DVC would do again although all was done."""
    said = _run((_PYTHON, "-m", "dvc", "status", "-q"), work)
    return [] if said.returncode == 0 else ["dvc would run again"]


def _cut_more(work: Path, rng: random.Random) -> str:
    """What a kill inside DVC's own writing leaves, where there is anything to cut."""
    lock, listed = work / "dvc.lock", work / ".dvc" / "tmp" / "rwlock"
    which = rng.choice([lock, listed, None])
    if which is None or not which.exists():
        return ""
    os.truncate(which, rng.choice([0, rng.randint(0, which.stat().st_size)]))
    return f", {which.name} cut to {which.stat().st_size} bytes"


def _killed(
    commands: tuple[tuple[str, ...], ...], work: Path, seconds: float, *, is_first_alone: bool
) -> str | None:
    """The command at work when it was killed with all its processes, or alone; None when all were
    done before.
    """
    deadline = time.monotonic() + seconds
    for command in commands:
        with subprocess.Popen(  # noqa: S603 -- our own commands
            command,
            **_surroundings(work),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as running:
            try:
                running.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                if is_first_alone:
                    running.kill()  # what it started must end with it
                else:
                    os.killpg(running.pid, signal.SIGKILL)
                return " ".join(command[1:])
    return None


def _through(commands: tuple[tuple[str, ...], ...], work: Path) -> None:
    for command in commands:
        done = _run(command, work)
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, command, done.stdout)


def _run(command: tuple[str, ...], work: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own commands
        command,
        **_surroundings(work),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _surroundings(work: Path) -> dict[str, Any]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "OMP_WAIT_POLICY": "passive", "PYTHONPATH": ""}
    return {"cwd": work, "env": os.environ | own}


def _copied(before: Path, work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(before, work, symlinks=True)


def _new_checkout(folder: Path) -> Path:
    """The code under git and DVC with the smallest world the params allow."""
    listed = _run(("git", "ls-files", "-z"), ROOT).stdout
    for name in filter(None, listed.split("\0")):
        if not name.startswith(_LEFT_OUT) and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    _make_tiny(folder / "params.yaml")
    dvc = (_PYTHON, "-m", "dvc")
    quiet = (*dvc, "config", "core.analytics", "false")
    _through((("git", "init", "-q"), (*dvc, "init", "-q"), quiet), folder)
    _commit(folder)
    return folder


def _make_tiny(params: Path) -> None:
    yaml = YAML()
    raw = yaml.load(params.read_text(encoding="utf-8"))
    raw["source"]["simulator"] |= {"series": 20, "days": 120, "daily_files": 2, "world": "calm"}
    raw["source"]["levels"] = [[], ["store_id"]]
    for section, values in _TINY.items():
        raw[section] |= values
    raw["evaluate"]["gate"] |= _GATE
    with params.open("w", encoding="utf-8") as file:
        yaml.dump(raw, file)


def _commit(folder: Path) -> None:
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.example")
    _through(((*git, "add", "-A"), (*git, "commit", "-qm", "as it stands")), folder)


def _drop_next_day(checkout: Path) -> None:
    """The simulator's next day in the inbox."""
    from contract.params_file import load_params
    from sources.simulator.drop import write_day
    from sources.simulator.simulation import simulate

    simulation = simulate(load_params(checkout / "params.yaml").source.simulator)
    day = simulation.last_day + timedelta(days=1)
    (checkout / "data" / "inbox").mkdir(parents=True, exist_ok=True)
    write_day(simulation, day, checkout / "data" / "inbox")
