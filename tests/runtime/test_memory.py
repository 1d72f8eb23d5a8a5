"""A budget of memory: how large a piece of work may be, and what is refused before it starts. What
a process held, and could.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.errors import BadUsage, MemoryRefused
from runtime.memory import (
    LEAST_PIECE_MB,
    PIECE_MB,
    forget_peak,
    keep_within,
    linux_mb,
    machine_mb,
    memory_refusals,
    peak_mb,
    piece_mb,
    refuse_beyond,
)


@pytest.fixture(autouse=True)
def _no_budget_left() -> Iterator[None]:
    yield
    keep_within(None)


@pytest.mark.parametrize(
    ("budget", "piece"), [(None, PIECE_MB), (1e6, PIECE_MB), (1000, 200.0), (1, LEAST_PIECE_MB)]
)
def test_a_piece_is_a_fifth_of_the_budget_within_bounds(budget: float | None, piece: float) -> None:
    keep_within(budget)
    assert piece_mb() == piece


def test_work_that_needs_more_than_the_budget_is_refused_with_its_largest_step_and_a_way_out() -> (
    None
):
    keep_within(900)
    with pytest.raises(
        BadUsage, match=r"about 1,000 MB \(reading 300, fitting 1,000\).*is 900.*or buy memory"
    ):
        refuse_beyond({"reading": 300, "fitting": 1000}, "buy memory")
    assert refuse_beyond({"reading": 300, "fitting": 900}, "buy memory").startswith("about 900 MB")


def test_without_a_budget_nothing_is_refused_but_said() -> None:
    assert "the machine has" in refuse_beyond({"fitting": 1e9}, "")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 2 GiB"),
        OSError(12, "Cannot allocate memory"),
        ImportError("x.so: failed to map segment"),
    ],
)
def test_no_more_memory_is_said_with_a_way_out(error: Exception) -> None:
    with (
        pytest.raises(
            MemoryRefused, match=r"memory ran out .*--memory-budget.* run the same command again"
        ),
        memory_refusals(),
    ):
        raise error


def test_what_duckdb_says_of_memory_is_understood_and_other_errors_pass() -> None:
    import duckdb

    with pytest.raises(MemoryRefused), memory_refusals(), duckdb.connect() as con:
        con.execute("set memory_limit = '1MB'; set temp_directory = ''")
        con.execute(
            "create table t as "
            "select range as a, hash(range)::varchar as b from range(1000000) order by b"
        ).fetchall()
    with pytest.raises(KeyError), memory_refusals():
        raise KeyError("no memory of that")


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="only Linux tells and forgets a peak"
)
def test_a_peak_is_what_was_held_at_most_and_is_forgotten_on_request() -> None:
    forget_peak()
    before = peak_mb()
    held = bytearray(64 * 2**20)  # zeros written: resident
    held[::4096] = b"x" * len(held[::4096])
    during = peak_mb()
    del held
    assert before + 32 < during < before + 96
    assert peak_mb() == pytest.approx(during, abs=4)  # the kernel counts in batches
    forget_peak()
    assert peak_mb() < during - 32


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux shows a process's own peak"
)
def test_a_childs_peak_does_not_begin_at_its_parents(root: Path) -> None:
    held = b"x" * (300 * 2**20)
    command = "from runtime.memory import peak_mb; print(peak_mb())"
    child = subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-c", command],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert 1 < float(child.stdout) < 200 < len(held) / 2**20


@pytest.mark.parametrize(
    ("cgroup", "files", "most"),
    [
        ("0::/\n", {}, 1000),
        (
            "0::/a/b\n",
            {"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "524288000\n"},
            500,
        ),
        ("0::/a\n", {"sys/fs/cgroup/a/memory.max": "9223372036854771712\n"}, 1000),
        (
            "4:memory:/x\n0::/\n",
            {"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "262144000\n"},
            250,
        ),
        ("4:cpu:/x\n", {"sys/fs/cgroup/memory/memory.limit_in_bytes": "262144000\n"}, 1000),
    ],
)
def test_a_machine_ends_where_the_narrowest_cgroup_around_the_process_does(
    tmp_path: Path, cgroup: str, files: dict[str, str], most: float
) -> None:
    system = {
        "proc/meminfo": "MemTotal:  1024000 kB\nMemFree: 1 kB\n",
        "proc/self/cgroup": cgroup,
        **files,
    }
    for name, text in system.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="ascii")
    assert machine_mb(tmp_path) == most


def test_a_system_that_does_not_say_has_no_end_and_no_peak(tmp_path: Path) -> None:
    assert machine_mb(tmp_path) is None
    (tmp_path / "status").write_text("Name:\tpython\nVmRSS:\t 1024 kB\n", encoding="ascii")
    assert linux_mb(tmp_path / "status", "VmHWM") is None
    assert linux_mb(tmp_path / "status", "VmRSS") == 1
