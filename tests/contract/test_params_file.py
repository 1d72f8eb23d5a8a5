"""Switching the source edits three values of params.yaml and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import BadParams
from contract.params_file import load_params, with_source

TEXT = (Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")


def test_only_the_three_lines_change_and_there_and_back_is_the_same_text(tmp_path: Path) -> None:
    there = with_source(TEXT, "m5", 'a "folder": #1/ü', "0123e4")
    changed = [
        line for line, new in zip(TEXT.splitlines(), there.splitlines(), strict=True) if line != new
    ]
    assert [line.split(":")[0].strip() for line in changed] == ["kind", "path", "sha256"]
    (tmp_path / "p.yaml").write_text(there, encoding="utf-8")
    source = load_params(tmp_path / "p.yaml").source
    assert (source.kind, source.path, source.sha256) == ("m5", 'a "folder": #1/ü', "0123e4")
    assert with_source(
        with_source(there, "simulator", None, None), "simulator", None, None
    ) == with_source(TEXT, "simulator", None, None)


def test_a_value_over_several_lines_is_refused() -> None:
    text = "source: # where\n  kind: m5\n  path: >\n    folded\n  sha256: null\n"
    with pytest.raises(BadParams, match="path"):
        with_source(text, "m5", None, None)


def test_an_empty_value_is_filled_in() -> None:
    text = "source: # where\n  kind: m5\n  path:   # folder\n  sha256: null\n"
    assert with_source(text, "files", "x", None).splitlines()[2] == '  path: "x" # folder'
