"""Seconds from a command to its first output: `--help` of every entry point, `dvc status` with
nothing changed.
"""

from __future__ import annotations

from benchmarks.harness.entry_points import NAMES
from benchmarks.harness.process import start_up
from benchmarks.harness.registry import Benchmark, Context
from benchmarks.harness.results import Result

HELP_RUNS, DVC_RUNS = 5, 3


def measure(_context: Context) -> Result:
    """Medians, process start included. `dvc status -q` ends with 1 where anything changed."""
    helps = {name: start_up([f"{name}.py", "--help"], HELP_RUNS) for name in NAMES}
    return {"start_up_s": helps, "dvc_no_op_s": start_up(["-m", "dvc", "status", "-q"], DVC_RUNS)}


def table(result: Result) -> str:
    """One line."""
    slowest = max(result["start_up_s"].values())
    return f"`--help` of an entry point {slowest:.2f} s, `dvc status` {result['dvc_no_op_s']:.2f} s"


BENCHMARK = Benchmark(
    question="How long until an entry point shows its help, and dvc that nothing changed?",
    needs="a checkout after make repro; seconds",
    measure=measure,
    table=table,
)
