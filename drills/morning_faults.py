"""Faults of the store, the process and what surrounds both: each breaks a copy of a small world and
says how its walk is disturbed.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drills.mornings import How, World, cleared

MB = 1 << 20
REBUILD = ("ingest.py rebuild",)
Mend = Callable[[World], None]


@dataclass(frozen=True)
class MorningFault:
    """`disturb` breaks the world by a strength; `mend` is the cause going away; `steps`: what a
    person then has to run.
    `of_laboratory`: what is walked is the laboratory, and its table counts.
    """

    name: str
    what: str
    strengths: tuple[int, ...]
    disturb: Callable[[World, int], How]
    mend: Mend | None = None
    steps: tuple[str, ...] = ()
    of_laboratory: bool = False


def corrupted_store(world: World, kind: int) -> How:
    """1: a kilobyte in the middle; 2: the second half gone; 3: the file's head."""
    size = world.store.stat().st_size
    if kind == 2:
        with world.store.open("r+b") as file:
            file.truncate(size // 2)
        return How()
    with world.store.open("r+b") as file:
        file.seek(size // 2 if kind == 1 else 0)
        file.write(b"\xa5" * (1024 if kind == 1 else 8192))
    return How()


def lost_store(world: World, _strength: int) -> How:
    """Somebody deleted the file."""
    world.store.unlink()
    return How()


def older_store(world: World, _strength: int) -> How:
    """Somebody brought yesterday's backup of the store back, without its journal."""
    world.store.write_bytes(world.backup.read_bytes())
    return How()


def held_store(world: World, _strength: int) -> How:
    """Another process has the store open."""
    file = world.store.open("rb+")
    fcntl.lockf(file, fcntl.LOCK_EX)
    return How(afterwards=file.close)


def full_disk(_world: World, kilobytes: int) -> How:
    """No file may grow beyond so many kB: what a full disk does to a write."""
    return How(limits={"RLIMIT_FSIZE": kilobytes * 1024})


def little_memory(_world: World, megabytes: int) -> How:
    """The process may address so many MB."""
    return How(limits={"RLIMIT_AS": megabytes * MB})


def killed(world: World, percent: int) -> How:
    """SIGKILL at so many percent of the walk, counted in files touched."""
    return How(die_at=max(1, world.touches * percent // 100))


def lost_worker(world: World, percent: int) -> How:
    """The worker that started the walk is killed at so many percent of it, as is the one that took
    over at once: both walks go on as orphans, beside each other.
    """
    return How(die_at=max(1, world.touches * percent // 100), dies="worker", times=2)


def slow_disk(_world: World, milliseconds: int) -> How:
    """Every file that the walk writes, renames or removes takes so much longer; the store's own
    writes do not.
    """
    return How(slow_ms=milliseconds)


def wrong_clock(_world: World, days: int) -> How:
    """The machine's clock is so many days off."""
    return How(shifted_days=days)


def bad_params(world: World, kind: int) -> How:
    """1: a number outside its range; 2: a name nobody knows; 3: no YAML."""
    text = world.params.read_text(encoding="utf-8")
    _kept(world.params)
    spoiled = {
        1: text.replace("max_y: 100000", "max_y: -1"),
        2: text.replace("max_y: 100000", "max_y: 100000\n  max_z: 1"),
        3: text.replace("ingest:", "ingest: ["),
    }
    world.params.write_text(spoiled[kind], encoding="utf-8")
    return How()


def other_world(world: World, _strength: int) -> How:
    """params.yaml of another installation: its source is not the one the store belongs to."""
    text = world.params.read_text(encoding="utf-8")
    _kept(world.params)
    world.params.write_text(text.replace("seed: 7 ", "seed: 8 "), encoding="utf-8")
    return How()


def lost_registry(world: World, _strength: int) -> How:
    """The folder of all model bundles is gone."""
    registry = world.data / "models" / "registry"
    registry.rename(registry.with_name("kept"))
    return How()


def lost_archive(world: World, _strength: int) -> How:
    """The folder of all files ever taken is gone."""
    cleared(world.data / "archive")
    return How()


def lost_journal(world: World, _strength: int) -> How:
    """The store's journal is gone."""
    cleared(world.data / "journal")
    return How()


def blocked_inbox(world: World, _strength: int) -> How:
    """A file stands where the inbox should be."""
    inbox = world.data / "inbox"
    inbox.rename(inbox.with_name("kept"))
    inbox.write_bytes(b"")
    return How()


def two_at_once(_world: World, times: int) -> How:
    """The schedule fires so many times at the same moment."""
    return How(times=times)


def no_prefect(_world: World, _strength: int) -> How:
    """Prefect's server does not answer."""
    nobody = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_CLIENT_MAX_RETRIES": "0"}
    return How(command=("flows/daily.py",), environment=nobody)


def no_dvc_cache(world: World, strength: int) -> How:
    """DVC's cache was cleaned up; with strength 2 the model and the tables in the workspace, too."""
    cleared(world.checkout / ".dvc" / "cache")
    if strength == 2:
        cleared(world.data / "models" / "candidate")
        cleared(world.data / "forecasts")
    return How(command=("-m", "dvc", "repro", "--quiet"))


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
    MorningFault("killed", "SIGKILL at n% of the walk", (5, 30, 60, 95), killed),
    MorningFault("lost_worker", "workers killed at n%, orphans go on", (30, 95), lost_worker),
    MorningFault("slow_disk", "each file n ms slower", (50, 500), slow_disk),
    MorningFault("wrong_clock", "the clock n days off", (-3, 400), wrong_clock),
    MorningFault("bad_params", "params.yaml wrong", (1, 2, 3), bad_params, _params_back),
    MorningFault("other_world", "params of another source", (1,), other_world, _params_back),
    MorningFault("lost_registry", "all model bundles gone", (1,), lost_registry, _registry_back),
    MorningFault("lost_archive", "the archive gone", (1,), lost_archive),
    MorningFault("lost_journal", "the journal gone", (1,), lost_journal),
    MorningFault("blocked_inbox", "a file in the inbox's place", (1,), blocked_inbox, _inbox_back),
    MorningFault("two_at_once", "n walks at the same moment", (2,), two_at_once),
    MorningFault("no_prefect", "Prefect's server down", (1,), no_prefect),
    MorningFault("no_dvc_cache", "DVC's cache gone", (1, 2), no_dvc_cache, of_laboratory=True),
)
