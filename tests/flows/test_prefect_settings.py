"""Whatever of flows/ is imported first, Prefect stays in this checkout: settings are read once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SAY = """
import importlib, sys
importlib.import_module(f"flows.{sys.argv[1]}")
from prefect.settings import get_current_settings
settings = get_current_settings()
print(settings.home, settings.server.ephemeral.startup_timeout_seconds)
"""


@pytest.mark.parametrize("module", ["artifacts", "daily", "engine", "tasks", "weekly"])
def test_the_first_import_finds_our_settings(module, root, tmp_path):
    environment = {name: value for name, value in os.environ.items() if "PREFECT" not in name}
    shown = subprocess.run(  # noqa: S603 -- our own interpreter
        [sys.executable, "-c", SAY, module],
        cwd=root,
        env=environment | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.split() == [str(root / ".prefect"), "120"]
    assert not (tmp_path / ".prefect").exists()
