"""A morning: the daily flow of a small finished world in a process of its own, disturbed, and run
again when the cause is gone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from shutil import copytree, rmtree
from typing import Literal

from runtime.process import path_with_python

PATIENCE_S = 600
DISTURBED = Path(__file__).with_name("disturbed.py")


@dataclass(frozen=True)
class World:
    """A checkout of its own whose offline stages have published once; a new day lies in the inbox;
    `now` is the morning after.

    `backup` is the store as it was before that publication; `touches`: of files, by an undisturbed
    run.
    """

    checkout: Path
    now: datetime
    touches: int = 0

    @property
    def data(self) -> Path:
        """The world's data folder."""
        return self.checkout / "data"

    @property
    def store(self) -> Path:
        """The world's store."""
        return self.data / "tillcast.duckdb"

    @property
    def params(self) -> Path:
        """The world's params file."""
        return self.checkout / "params.yaml"

    @property
    def backup(self) -> Path:
        """The store of the day before."""
        return self.checkout / "backup.duckdb"

    def copied_to(self, folder: Path) -> World:
        """The same world elsewhere, to break."""
        copytree(self.checkout, folder, symlinks=True)
        return replace(self, checkout=folder)


@dataclass(frozen=True)
class Disturbance:
    """What is run, and how it is disturbed. `limits` as resource names them, `slow_ms`: what a
    touch of a file takes longer, `die_at`: the touch at which `victim` is killed (0: nobody is, and
    the touches are counted), `times`: so many runs at the same moment.
    """

    command: tuple[str, ...] = ("flows/daily.py", "--plain")
    shifted_days: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    slow_ms: int = 0
    die_at: int | None = None
    victim: Literal["run", "worker"] = "run"
    times: int = 1
    afterwards: Callable[[], None] | None = None


@dataclass(frozen=True)
class Ended:
    """How a run ended: exit code (negative: the signal that killed it), its stderr, seconds."""

    code: int
    stderr: str
    seconds: float

    @property
    def sentence(self) -> str:
        """The refusal, or how else it ended, in a few words."""
        if self.code == 0:
            return ""
        lines = [line for line in self.stderr.splitlines() if line.strip()] or [""]
        refused = [line for line in lines if line.startswith("refused: ")]
        if refused:
            return f"exit {self.code}, {refused[-1]}"
        how = f"killed by signal {-self.code}" if self.code < 0 else f"exit {self.code}"
        return (
            f"{how}: a traceback: {lines[-1]}"
            if "Traceback" in self.stderr
            else f"{how}: {lines[-1]}"
        )


def run_in(world: World, disturbance: Disturbance | None = None) -> Ended:
    """The daily flow, or another command, run to its end; of several at once the worst, when the
    last has ended.
    """
    disturbance, since = disturbance or Disturbance(), time.perf_counter()
    running = [_started(world, disturbance) for _ in range(disturbance.times)]
    errors = [process.communicate(timeout=PATIENCE_S)[1] for process in running]
    codes = [process.returncode for process in running]
    if disturbance.afterwards:
        disturbance.afterwards()
    worst = max(range(len(codes)), key=lambda k: abs(codes[k]))
    return Ended(codes[worst], errors[worst], time.perf_counter() - since)


def steps_taken(world: World, steps: tuple[str, ...]) -> float:
    """Seconds of the commands a person gives; CalledProcessError when one of them is refused."""
    since = time.perf_counter()
    for step in steps:
        ended = run_in(world, Disturbance(command=tuple(step.split())))
        if ended.code:
            raise subprocess.CalledProcessError(ended.code, step, stderr=ended.stderr)
    return time.perf_counter() - since


def _started(world: World, disturbance: Disturbance) -> subprocess.Popen[str]:
    script, *arguments = disturbance.command
    if script.startswith("flows/"):
        now = world.now + timedelta(days=disturbance.shifted_days)
        arguments += ["--now", now.isoformat()]
    command = [sys.executable, *_disturbed_by(world, disturbance), script, *arguments]
    environment = os.environ | {
        "OMP_WAIT_POLICY": "passive",
        "PATH": path_with_python(),
        "PYTHONPATH": str(world.checkout),
    }
    return subprocess.Popen(  # noqa: S603 -- our own command
        command,
        cwd=world.checkout,
        env=environment | disturbance.environment,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _disturbed_by(world: World, disturbance: Disturbance) -> list[str]:
    """The script that disturbs another one, with its instructions; nothing where none is needed."""
    die_at, limits, slow_ms = disturbance.die_at, disturbance.limits, disturbance.slow_ms
    if die_at is None and not limits and not slow_ms:
        return []
    instructions = {
        "data": str(world.data),
        "limits": limits,
        "slow_ms": slow_ms,
        "victim": disturbance.victim,
        "die_at": -1 if die_at is None else die_at,
    }
    return [str(DISTURBED), json.dumps(instructions)]


def cleared(folder: Path) -> Path:
    """The folder gone, its place free."""
    rmtree(folder, ignore_errors=True)
    return folder
