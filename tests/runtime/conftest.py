"""What tests of a process's own affairs leave behind: nothing."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def own_logs(tmp_path, monkeypatch):
    """Runs that name no data folder write below a folder of the test's own; the handlers of the log
    are then as pytest had them.
    """
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
