"""Faults of the store, the process and what surrounds both: each breaks a copy of a small world and
says how its morning is disturbed.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drills.mornings import Disturbance, World, cleared

MB = 1 << 20
REBUILD = ("ingest.py rebuild",)
Mend = Callable[[World], None]


@dataclass(frozen=True)
class MorningFault:
    """`disturb` breaks the world by a strength; `mend` is the cause going away; `steps`: what a
    person then has to run. `is_offline`: the offline stages are run, and their table counts.
    """

    name: str
    what: str
    strengths: tuple[int, ...]
    disturb: Callable[[World, int], Disturbance]
    mend: Mend | None = None
    steps: tuple[str, ...] = ()
    is_offline: bool = False


def corrupted_store(world: World, kind: int) -> Disturbance:
    """1: a kilobyte in the middle; 2: the second half gone; 3: the file's head."""
    size = world.store.stat().st_size
    if kind == 2:
        with world.store.open("r+b") as file:
            file.truncate(size // 2)
        return Disturbance()
    with world.store.open("r+b") as file:
        file.seek(size // 2 if kind == 1 else 0)
        file.write(b"\xa5" * (1024 if kind == 1 else 8192))
    return Disturbance()


def lost_store(world: World, _strength: int) -> Disturbance:
    """Somebody deleted the file."""
    world.store.unlink()
    return Disturbance()


def older_store(world: World, _strength: int) -> Disturbance:
    """Somebody brought yesterday's backup of the store back, without its journal."""
    world.store.write_bytes(world.backup.read_bytes())
    return Disturbance()


def held_store(world: World, _strength: int) -> Disturbance:
    """Another process has the store open."""
    file = world.store.open("rb+")
    fcntl.lockf(file, fcntl.LOCK_EX)
    return Disturbance(afterwards=file.close)


def full_disk(_world: World, kilobytes: int) -> Disturbance:
    """No file may grow beyond so many kB: what a full disk does to a write."""
    return Disturbance(limits={"RLIMIT_FSIZE": kilobytes * 1024})


def little_memory(_world: World, megabytes: int) -> Disturbance:
    """The process may address so many MB."""
    return Disturbance(limits={"RLIMIT_AS": megabytes * MB})


def killed(world: World, percent: int) -> Disturbance:
    """SIGKILL at so many percent of the run, counted in files touched."""
    return Disturbance(die_at=max(1, world.touches * percent // 100))


def lost_worker(world: World, percent: int) -> Disturbance:
    """The worker that started the run is killed at so many percent of it, as is the one that took
    over at once: both runs go on as orphans, beside each other.
    """
    return Disturbance(die_at=max(1, world.touches * percent // 100), victim="worker", times=2)


def slow_disk(_world: World, milliseconds: int) -> Disturbance:
    """Every file that the run writes, renames or removes takes so much longer; the store's own
    writes do not.
    """
    return Disturbance(slow_ms=milliseconds)


def wrong_clock(_world: World, days: int) -> Disturbance:
    """The machine's clock is so many days off."""
    return Disturbance(shifted_days=days)


def bad_params(world: World, kind: int) -> Disturbance:
    """1: a number outside its range; 2: a name nobody knows; 3: no YAML."""
    text = world.params.read_text(encoding="utf-8")
    _kept(world.params)
    spoiled = {
        1: text.replace("max_y: 100000", "max_y: -1"),
        2: text.replace("max_y: 100000", "max_y: 100000\n  max_z: 1"),
        3: text.replace("ingest:", "ingest: ["),
    }
    world.params.write_text(spoiled[kind], encoding="utf-8")
    return Disturbance()


def other_world(world: World, _strength: int) -> Disturbance:
    """params.yaml of another installation: its source is not the one the store belongs to."""
    text = world.params.read_text(encoding="utf-8")
    _kept(world.params)
    world.params.write_text(text.replace("seed: 7 ", "seed: 8 "), encoding="utf-8")
    return Disturbance()


def lost_registry(world: World, _strength: int) -> Disturbance:
    """The folder of all model bundles is gone."""
    registry = world.data / "models" / "registry"
    registry.rename(registry.with_name("kept"))
    return Disturbance()


def lost_archive(world: World, _strength: int) -> Disturbance:
    """The folder of all files ever taken is gone."""
    cleared(world.data / "archive")
    return Disturbance()


def lost_journal(world: World, _strength: int) -> Disturbance:
    """The store's journal is gone."""
    cleared(world.data / "journal")
    return Disturbance()


def blocked_inbox(world: World, _strength: int) -> Disturbance:
    """A file stands where the inbox should be."""
    inbox = world.data / "inbox"
    inbox.rename(inbox.with_name("kept"))
    inbox.write_bytes(b"")
    return Disturbance()


def two_at_once(_world: World, times: int) -> Disturbance:
    """The schedule fires so many times at the same moment."""
    return Disturbance(times=times)


def no_prefect(_world: World, _strength: int) -> Disturbance:
    """Prefect's server cannot be reached."""
    nobody = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_CLIENT_MAX_RETRIES": "0"}
    return Disturbance(command=("flows/daily.py",), environment=nobody)


def no_dvc_cache(world: World, strength: int) -> Disturbance:
    """DVC's cache was cleaned up; with strength 2 model and tables in the workspace, too."""
    cleared(world.checkout / ".dvc" / "cache")
    if strength == 2:
        cleared(world.data / "models" / "candidate")
        cleared(world.data / "forecasts")
    return Disturbance(command=("-m", "dvc", "repro", "--quiet"))


def _kept(path: Path) -> None:
    path.with_name("kept").write_bytes(path.read_bytes())


def _params_back(world: World) -> None:
    world.params.with_name("kept").replace(world.params)


def _registry_back(world: World) -> None:
    registry = world.data / "models" / "registry"
    registry.with_name("kept").rename(registry)


def _inbox_back(world: World) -> None:
    inbox = world.data / "inbox"
    inbox.unlink(missing_ok=True)
    inbox.with_name("kept").rename(inbox)


MORNING_FAULTS = (
    MorningFault("corrupted_store", "the store damaged", (1, 2, 3), corrupted_store, steps=REBUILD),
    MorningFault("lost_store", "the store deleted", (1,), lost_store, steps=REBUILD),
    MorningFault("older_store", "an older store brought back", (1,), older_store, steps=REBUILD),
    MorningFault("held_store", "the store held by another", (1,), held_store),
    MorningFault("full_disk", "no file beyond n kB", (4, 100), full_disk),
    MorningFault("little_memory", "n MB of address space", (1500,), little_memory),
    MorningFault("killed", "SIGKILL at n% of the run", (5, 30, 60, 95), killed),
    MorningFault("lost_worker", "workers killed at n%, orphans go on", (30, 95), lost_worker),
    MorningFault("slow_disk", "each file n ms slower", (50, 500), slow_disk),
    MorningFault("wrong_clock", "the clock n days off", (-3, 400), wrong_clock),
    MorningFault("bad_params", "params.yaml wrong", (1, 2, 3), bad_params, _params_back),
    MorningFault("other_world", "params of another source", (1,), other_world, _params_back),
    MorningFault("lost_registry", "all model bundles gone", (1,), lost_registry, _registry_back),
    MorningFault("lost_archive", "the archive gone", (1,), lost_archive),
    MorningFault("lost_journal", "the journal gone", (1,), lost_journal),
    MorningFault("blocked_inbox", "a file in the inbox's place", (1,), blocked_inbox, _inbox_back),
    MorningFault("two_at_once", "n runs at the same moment", (2,), two_at_once),
    MorningFault("no_prefect", "Prefect's server down", (1,), no_prefect),
    MorningFault("no_dvc_cache", "DVC's cache gone", (1, 2), no_dvc_cache, is_offline=True),
)
