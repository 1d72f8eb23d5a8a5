"""--help of every script prints how it is used, and nothing else happens: no store, no server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for path in [*ROOT.glob("*.py"), *ROOT.glob("flows/*.py")]
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
)
ENTRY_POINTS = {"ingest.py", "train.py", "evaluate.py", "inference.py", "monitor.py"}
HEAVY = {
    "polars", "pydantic", "duckdb", "numpy", "pandas",
    "great_expectations", "lightgbm", "statsforecast", "prefect", "holidays",
}  # fmt: skip
# Prefect makes its home folder, empty, when it is imported; nothing more may be there
HOME = "prefect-home"


def run_script(script: str, argument: str, here: Path) -> subprocess.CompletedProcess[str]:
    """The script run from an empty folder; it fails when it does not end by itself."""
    command = [sys.executable, str(ROOT / script), argument]
    own = {**os.environ, "PREFECT_HOME": str(here / HOME)}
    return subprocess.run(  # noqa: S603 -- our own scripts
        command, cwd=here, env=own, capture_output=True, text=True, check=False, timeout=60
    )


def test_every_entry_point_and_flow_script_is_run():
    flows = {f"flows/{name}.py" for name in ("daily", "weekly", "drill", "deploy", "replay")}
    assert ENTRY_POINTS | flows == set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_is_printed_and_nothing_is_done(script, tmp_path):
    ended = run_script(script, "--help", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("usage:")
    assert "run " in ended.stdout  # the script's own words, too
    assert [path for path in tmp_path.rglob("*") if path.name != HOME] == []


@pytest.mark.parametrize("script", sorted(ENTRY_POINTS))
def test_help_of_an_entry_point_imports_nothing_heavy(script):
    """The task that runs imports what is heavy: else help takes seconds on a busy machine."""
    code = (
        "import runpy, sys\n"
        f"sys.argv = [{script!r}, '--help']\n"
        "try:\n"
        f"    runpy.run_path({script!r}, run_name='__main__')\n"
        "finally:\n"
        "    print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run(  # noqa: S603 -- our own code
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert HEAVY & set(ended.stderr.split()) == set()


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_argument_nobody_knows_starts_nothing(script, tmp_path):
    ended = run_script(script, "--hepl", tmp_path)
    assert ended.returncode == 2
    assert "--hepl" in ended.stderr
    assert [path for path in tmp_path.rglob("*") if path.name != HOME] == []
