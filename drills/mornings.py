"""A morning: the daily walk of a small finished world in a process of its own, disturbed, then
walked again when the cause is gone.
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

PATIENCE_S = 600
DISTURBED = Path(__file__).with_name("disturbed.py")


@dataclass(frozen=True)
class World:
    """A checkout of its own whose laboratory has published once; a new day lies in the inbox; `now`
    is the morning after.

    `backup` is the store as it was before that publication; `touches`: of files, by an undisturbed
    walk.
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
class How:
    """How a walk is disturbed. `limits` as resource names them, `slow_ms`: what a touch of a file
    takes longer, `die_at`: the touch at which the walk is killed, or the worker that started it (0
    counts).
    """

    command: tuple[str, ...] = ("flows/daily.py", "--plain")
    shifted_days: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    slow_ms: int = 0
    die_at: int | None = None
    dies: Literal["walk", "worker"] = "walk"
    times: int = 1
    afterwards: Callable[[], None] | None = None


@dataclass(frozen=True)
class Ended:
    """How a walk ended: exit code (negative: the signal that killed it), what it said on stderr,
    seconds.
    """

    code: int
    said: str
    seconds: float

    @property
    def sentence(self) -> str:
        """The refusal, or how else it ended, in a few words."""
        if self.code == 0:
            return ""
        lines = [line for line in self.said.splitlines() if line.strip()] or [""]
        refused = [line for line in lines if line.startswith("refused: ")]
        if refused:
            return f"exit {self.code}, {refused[-1]}"
        how = f"killed by signal {-self.code}" if self.code < 0 else f"exit {self.code}"
        return (
            f"{how}: a traceback: {lines[-1]}"
            if "Traceback" in self.said
            else f"{how}: {lines[-1]}"
        )


def walk(world: World, how: How | None = None) -> Ended:
    """The walk to its end; of several at once the worst, the last to end."""
    how, since = how or How(), time.perf_counter()
    running = [_started(world, how) for _ in range(how.times)]
    said = [process.communicate(timeout=PATIENCE_S)[1] for process in running]
    codes = [process.returncode for process in running]
    if how.afterwards:
        how.afterwards()
    worst = max(range(len(codes)), key=lambda k: abs(codes[k]))
    return Ended(codes[worst], said[worst], time.perf_counter() - since)


def steps_taken(world: World, steps: tuple[str, ...]) -> float:
    """Seconds of the commands a person gives; CalledProcessError when one of them is refused."""
    since = time.perf_counter()
    for step in steps:
        ended = walk(world, How(command=tuple(step.split())))
        if ended.code:
            raise subprocess.CalledProcessError(ended.code, step, stderr=ended.said)
    return time.perf_counter() - since


def _started(world: World, how: How) -> subprocess.Popen[str]:
    door, *arguments = how.command
    is_flow = door.startswith("flows/")
    now = (world.now + timedelta(days=how.shifted_days)).isoformat() if is_flow else None
    told = {"data": str(world.data), "limits": how.limits, "slow_ms": how.slow_ms, "dies": how.dies}
    told |= {"die_at": -1 if how.die_at is None else how.die_at}
    is_disturbed = how.die_at is not None or how.limits or how.slow_ms
    disturbed = [str(DISTURBED), json.dumps(told)] if is_disturbed else []
    command = [sys.executable, *disturbed, door, *arguments, *(["--now", now] if now else [])]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = os.environ | {
        "OMP_WAIT_POLICY": "passive",
        "PATH": path,
        "PYTHONPATH": str(world.checkout),
    }
    return subprocess.Popen(  # noqa: S603 -- our own command
        command,
        cwd=world.checkout,
        env=environment | how.environment,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def cleared(folder: Path) -> Path:
    """The folder gone, its place free."""
    rmtree(folder, ignore_errors=True)
    return folder
