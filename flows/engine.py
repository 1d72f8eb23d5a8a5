"""Prefect, told before it is imported to stay in this checkout, to tell nobody anything, and to wait for its first start."""

from __future__ import annotations

import os
from pathlib import Path

from contract.walk import close_to_others

ROOT = Path(__file__).resolve().parent.parent

SETTINGS = {
    "PREFECT_HOME": str(ROOT / ".prefect"),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # a fresh home migrates its database first: 25 s measured
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}

close_to_others()
for name, value in SETTINGS.items():
    os.environ.setdefault(name, value)

from prefect import flow, task  # noqa: E402 -- reads its settings when imported

__all__ = ["ROOT", "SETTINGS", "flow", "task"]
