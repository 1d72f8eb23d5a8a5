"""How much memory a process may hold: set once by the command line, read by whatever works in
pieces. And how much it held.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from contract.errors import BadUsage, MemoryRefused, TillcastError

PIECE_MB = 512.0  # of one piece of work where no budget is set
LEAST_PIECE_MB = 32.0
_PIECE_SHARE = 0.2  # of a budget

# what the system, a library and DuckDB say
_NO_MEMORY = ("Cannot allocate memory", "failed to map segment", "OutOfMemory", "out of memory")

_budget_mb: float | None = None


def keep_within(budget_mb: float | None) -> None:
    """The most this process may hold from here on, in MB; None: as much as the machine has."""
    global _budget_mb  # noqa: PLW0603 -- one process, one budget
    _budget_mb = budget_mb


def budget_mb() -> float | None:
    """The most this process may hold, in MB, where that was said."""
    return _budget_mb


def piece_mb() -> float:
    """The most one piece of work may hold, in MB."""
    return (
        PIECE_MB
        if _budget_mb is None
        else min(PIECE_MB, max(LEAST_PIECE_MB, _budget_mb * _PIECE_SHARE))
    )


def refuse_beyond(needs: Mapping[str, float], way_out: str) -> str:
    """What the work will hold, as words for a log; BadUsage if some step holds more than the
    budget.

    `needs`: MB the process holds while it is at a step. Without a budget nothing is refused; more
    than the machine has free is said.
    """
    most = max(needs.values())
    steps = ", ".join(f"{step} {mb:,.0f}" for step, mb in needs.items())
    if _budget_mb is not None and most > _budget_mb:
        raise BadUsage(
            f"this needs about {most:,.0f} MB ({steps}), and --memory-budget is "
            f"{_budget_mb:,.0f}. Give it more, or {way_out}."
        )
    free = _free_mb()
    short = f"; the machine has {free:,.0f} free" if free is not None and most > free else ""
    return f"about {most:,.0f} MB ({steps}){short}"


@contextmanager
def memory_refusals() -> Iterator[None]:
    """MemoryRefused instead of what Python, DuckDB or the system says when there is no more memory;
    all else passes.
    """
    try:
        yield
    except TillcastError:
        raise  # it may quote anything
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if not isinstance(error, MemoryError) and not any(words in text for words in _NO_MEMORY):
            raise
        raise MemoryRefused(
            f"memory ran out ({text.splitlines()[0][:300]}). What was not finished is not kept. "
            "Give the process more (`ulimit -v`), or a --memory-budget to work in smaller pieces, "
            "then run the same command again."
        ) from error


def forget_peak() -> None:
    """From here on `peak_mb` counts anew, beginning with what is held now: an entry point begins,
    perhaps after another in this process.

    Where that is not possible (not Linux, a container that forbids it) a peak goes on being that of
    the process so far.
    """
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_mb() -> float | None:
    """The most this process held resident since it began or since `forget_peak`, in MB; None where
    the system does not say.

    Not `ru_maxrss`, which in a child begins at what its parent held. In the daily flow, with
    Prefect or plain, the entry points are tasks of one process: what an earlier one has not given
    back counts as held by the next, and so do Prefect and its client.
    """
    return linux_mb(Path("/proc/self/status"), "VmHWM")


def machine_mb(root: Path = Path("/")) -> float | None:
    """The most a process here can ever hold, in MB: the machine's memory, or less where its cgroup
    or one above allows less.

    None where the system does not say. What others hold on the same machine is not taken off.
    """
    whole = linux_mb(root / "proc/meminfo", "MemTotal")
    return None if whole is None else min([whole, *_cgroup_limits_mb(root)])


def linux_mb(file: Path, name: str) -> float | None:
    """A line `name: 123 kB` of a file under /proc, in MB; None without the file (other systems) or
    the line (some containers).
    """
    if not file.exists():
        return None
    lines = dict(
        line.split(":", 1)
        for line in file.read_text(encoding="ascii", errors="replace").splitlines()
    )
    return int(lines[name].split()[0]) / 1024 if name in lines else None


def _cgroup_limits_mb(root: Path) -> Iterator[float]:
    """What the cgroups this process stands in allow, with those around them: of version 2, and of
    version 1's memory controller.
    """
    memberships = root / "proc/self/cgroup"
    lines = memberships.read_text(encoding="utf-8").splitlines() if memberships.exists() else []
    kinds = {
        "": ("sys/fs/cgroup", "memory.max"),
        "memory": ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
    }
    for line in lines:
        _, controller, inside = line.split(":", 2)
        if controller in kinds:
            top, name = kinds[controller]
            folder = root / top / inside.lstrip("/")
            for limit in (at / name for at in (folder, *folder.parents)):
                text = limit.read_text(encoding="ascii").strip() if limit.is_file() else ""
                if text.isdecimal():  # else "max"
                    yield int(text) / 2**20


def _free_mb() -> float | None:
    """What can be had without swapping, where the system says it (Linux)."""
    return linux_mb(Path("/proc/meminfo"), "MemAvailable")
