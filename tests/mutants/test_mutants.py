"""The lists of the mutation runs against the code; `make mutants` for a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_every_listed_mutant_is_one_of_the_code_as_it_is(root: Path) -> None:
    command = [sys.executable, "tests/mutants", "--check"]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.returncode == 0, ended.stdout
    assert "named 6, listed" in ended.stdout
