"""Generated blocks of documents, found by their marks and written anew; pages and plots that are
generated whole.

A block stands between `<!-- NAME: begin, made by python -m benchmarks render -->` and
`<!-- NAME: end -->`, in any document of the root or below docs/; nothing between them is typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.harness.results import ROOT
from benchmarks.render.blocks import BlockText, blocks, pages

BLOCK = re.compile(r"<!-- (?P<name>\w+): begin[^>]*-->\n.*?<!-- (?P=name): end -->", re.DOTALL)
MAKER = "python -m benchmarks render"


def write_all(root: Path = ROOT) -> list[str]:
    """Every document with blocks and every page; those that changed."""
    return [str(path.relative_to(root)) for path, text in everything(root) if _written(path, text)]


def everything(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Each generated file, and each document that may hold blocks, with the text it should have."""
    by_name = blocks()
    for path in documents(root):
        yield path, rendered(path.read_text(encoding="utf-8"), by_name)
    for name, make in pages().items():
        yield root / "docs" / "results" / name, make()


def documents(root: Path = ROOT) -> list[Path]:
    """The root's documents and those below docs/, pages generated whole left out."""
    whole = pages()
    found = [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
    return sorted(path for path in found if path.name not in whole)


def rendered(text: str, by_name: Mapping[str, BlockText]) -> str:
    """The text with every block and its marks as they should be; LookupError for a block nobody
    makes.
    """

    def block(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in by_name:
            known = ", ".join(sorted(by_name))
            raise LookupError(f"no result is kept for the block '{name}'; there are {known}")
        begin, end = f"<!-- {name}: begin, made by {MAKER} -->", f"<!-- {name}: end -->"
        return f"{begin}\n{by_name[name]()}\n{end}"

    return BLOCK.sub(block, text)


def _written(path: Path, text: str) -> bool:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True
