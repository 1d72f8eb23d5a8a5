"""Layer 6, when: daily, weekly, drill, replay, deploy. Wraps entry points and stages for Prefect,
and runs them without it; decides nothing about data.

Whoever imports Prefect first fixes its settings, so they stand here, before any module of this
package can: it stays in this checkout, reports to nobody, and waits for its first start.
"""

from __future__ import annotations

import os
from pathlib import Path

from runtime.logs import OURS
from runtime.process import restrict_umask

ROOT = Path(__file__).resolve().parent.parent

SETTINGS = {
    "PREFECT_HOME": str(ROOT / ".prefect"),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # a fresh home migrates its database first: 25 s measured
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # what the entry points log stands in a run's own log, too
    "PREFECT_LOGGING_EXTRA_LOGGERS": ",".join(OURS),
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",  # what runs with --plain has none
}

restrict_umask()
for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)
