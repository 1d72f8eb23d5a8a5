"""How much memory a process may hold: told once at the door, asked by whatever works in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from contract.errors import BadUsage, MemoryRefused

PIECE_MB = 512.0  # of one piece of work where no budget is told
LEAST_PIECE_MB = 32.0
_PIECE_SHARE = 0.2  # of a budget

# what the system, a library and DuckDB say
_NO_MEMORY = ("Cannot allocate memory", "failed to map segment", "OutOfMemory", "out of memory")

_budget_mb: float | None = None


def keep_within(budget_mb: float | None) -> None:
    """The most this process may hold from here on, in MB; None: as much as the machine has."""
    global _budget_mb  # noqa: PLW0603 -- one process, one budget
    _budget_mb = budget_mb


def piece_mb() -> float:
    """The most one piece of work may hold, in MB."""
    return PIECE_MB if _budget_mb is None else min(PIECE_MB, max(LEAST_PIECE_MB, _budget_mb * _PIECE_SHARE))


def refuse_beyond(needs: Mapping[str, float], way_out: str) -> str:
    """What the work will hold, as words for a log; BadUsage if some step holds more than the budget.

    `needs`: MB the process holds while it is at a step. Without a budget nothing is refused; more than the machine has free is said.
    """
    most = max(needs.values())
    steps = ", ".join(f"{step} {mb:,.0f}" for step, mb in needs.items())
    if _budget_mb is not None and most > _budget_mb:
        raise BadUsage(
            f"this needs about {most:,.0f} MB ({steps}), and --memory-budget is {_budget_mb:,.0f}. Give it more, or {way_out}."
        )
    free = _free_mb()
    short = f"; the machine has {free:,.0f} free" if free is not None and most > free else ""
    return f"about {most:,.0f} MB ({steps}){short}"


@contextmanager
def memory_refusals() -> Iterator[None]:
    """MemoryRefused instead of what Python, DuckDB or the system says when there is no more memory; all else passes."""
    try:
        yield
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        if not isinstance(error, MemoryError) and not any(words in said for words in _NO_MEMORY):
            raise
        raise MemoryRefused(
            f"memory ran out ({said.splitlines()[0][:300]}). What was not finished is not kept. Give the process more "
            "(`ulimit -v`), or a --memory-budget to work in smaller pieces, then run the same command again."
        ) from error


def _free_mb() -> float | None:
    """What can be had without swapping, where the system tells (Linux)."""
    path = Path("/proc/meminfo")
    if not path.exists():
        return None
    lines = dict(line.split(":", 1) for line in path.read_text(encoding="ascii").splitlines())
    return int(lines["MemAvailable"].split()[0]) / 1024
