"""Whose code is mutated, and the tests that must notice: those of its package, no others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_INGESTING = (
    *("take", "take_file", "take_inbox", "judged_facts", "tries", "whole_lines", "clock"),
    *("replay", "replaced_days", "matching", "correct", "withdraw", "source_files", "fill"),
    *("ingest_tasks", "store_name"),
)
_TESTS_OF_INGEST = (
    *("ingest", "replay", "withdraw", "deliveries", "bad_input", "announced", "totals", "supply"),
    *("store_name", "public_holidays"),
)


@dataclass(frozen=True)
class Package:
    """Files that are mutated, tests that are run, what coverage is measured of."""

    code: tuple[str, ...]
    tests: tuple[str, ...]
    measured: tuple[str, ...]

    def files(self, root: Path) -> list[str]:
        """The files, as paths below the root."""
        found = [path for pattern in self.code for path in root.glob(pattern)]
        return sorted(str(path.relative_to(root)) for path in found)


def _of_its_own(name: str) -> Package:
    return Package((f"{name}/*.py",), (f"tests/{name}",), (name,))


PACKAGES = {
    "storage": _of_its_own("storage"),
    "ingest": Package(
        ("ingest.py", *(f"stages/{name}.py" for name in _INGESTING)),
        (
            *(f"tests/test_{name}.py" for name in _TESTS_OF_INGEST),
            "tests/security/test_hostile_inbox.py",
        ),
        ("ingest", "stages"),
    ),
    "expectations": _of_its_own("expectations"),
    "features": _of_its_own("features"),
    "forecasting": _of_its_own("forecasting"),
    "monitoring": _of_its_own("monitoring"),
}
