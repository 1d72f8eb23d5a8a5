"""security.md: each line names a test, and each test that is named is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
UNHELD = "Limits"  # the section of what is not held


def claims_of(text: str) -> list[str]:
    """The lines that say what somebody can or cannot do, limits left out."""
    held = re.sub(rf"^## {UNHELD}\n.*?(?=^## |\Z)", "", text, flags=re.DOTALL | re.MULTILINE)
    items = re.findall(r"^- .*?(?=\n- |\n\n|\Z)", held, flags=re.DOTALL | re.MULTILINE)
    return [" ".join(item.split()) for item in items]


def missing(claims: list[str], tests: Path) -> list[str]:
    """Claims that name no test, and tests that are named and not there."""
    wrong = [claim for claim in claims if not NAMED.search(claim)]
    for path, name in {found for claim in claims for found in NAMED.findall(claim)}:
        if not (tests / path).exists() or name not in functions_of(tests / path):
            wrong.append(f"{path}::{name}")
    return sorted(wrong)


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_line_names_a_test_that_is_there(root: Path) -> None:
    claims = claims_of((root / "security.md").read_text(encoding="utf-8"))
    assert len(claims) >= 45
    assert missing(claims, root / "tests") == []


def test_every_test_of_an_attack_stands_on_the_page(root: Path) -> None:
    """Of the three files that were written for it."""
    page = (root / "security.md").read_text(encoding="utf-8")
    for name in ("test_params_as_weapons.py", "test_served_ports.py", "test_read_access.py"):
        tests = functions_of(root / "tests" / "security" / name)
        own = {test for test in tests if test.startswith("test_") and not test.endswith("_seen")}
        assert {test for test in own if f"{name}::{test}`" not in page} == set()


@pytest.mark.parametrize(
    ("line", "is_wrong"),
    [
        ("- Run SQL. `security/test_page.py::test_there`", False),
        ("- Run SQL.\n  `security/test_page.py::test_gone`", True),
        ("- Run SQL. `security/test_elsewhere.py::test_there`", True),
        ("- Run SQL.", True),
        ("## Limits\n\n- Run SQL.", False),
    ],
)
def test_a_claim_without_its_test_is_seen(tmp_path: Path, line: str, is_wrong: bool) -> None:
    (tmp_path / "security").mkdir()
    (tmp_path / "security" / "test_page.py").write_text("def test_there(): ...\n", encoding="utf-8")
    claims = claims_of(f"# Security\n\n## Who\n\n{line}\n")
    assert bool(missing(claims, tmp_path)) == is_wrong
