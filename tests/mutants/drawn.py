"""Which mutants are tried: drawn by a seed, named by hand, or listed as nobody's loss."""

from __future__ import annotations

import ast
import hashlib
import itertools
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from places import Mutant, mutants_of
from scope import PACKAGES

_HERE = Path(__file__).resolve().parent
_KEY = ("path", "where", "before", "after")
Said = dict[str, str]


def drawn(root: Path, package: str, seed: int, count: int) -> list[Mutant]:
    """So many mutants of a package: one of its operators after the other, of each the place that
    seed and name hash to lowest. Where the code stays, the draw stays.
    """
    found: dict[str, list[Mutant]] = defaultdict(list)
    for path in PACKAGES[package].files(root):
        for mutant in mutants_of(root, path):
            found[mutant.operator].append(mutant)

    def lot(mutant: Mutant) -> str:
        return hashlib.sha256(f"{seed} {mutant.name}".encode()).hexdigest()

    lots = [sorted(found[operator], key=lot) for operator in sorted(found)]
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(*lots))
    return list(itertools.islice(filter(None, in_turn), count))


def named(root: Path) -> Iterator[Mutant]:
    """The mutants of named.toml; LookupError for one whose text the code holds not just once."""
    for one in _listed("named.toml"):
        text = (root / one["path"]).read_text(encoding="utf-8")
        if text.count(one["before"]) != 1:
            raise LookupError(f"{one['path']} holds not just once: {one['before']}")
        start = text.index(one["before"]) + len(one["before"]) - len(one["before"].lstrip())
        lines = _function_around(text, text[:start].count("\n") + 1)
        named_as = (one["path"], one["name"], "named", 0, lines, False)
        yield Mutant(*named_as, one["before"], one["after"], _with(text, one))


def lived_in(root: Path, run: dict[str, Any]) -> Iterator[tuple[str, Mutant]]:
    """Package and mutant of each that lived in a run and is still possible."""
    lived = {(one["package"], *(one[name] for name in _KEY)): one for one in run["lived"]}
    for package, path in dict.fromkeys((key[0], key[1]) for key in lived):
        for mutant in [*mutants_of(root, path), *(one for one in named(root) if one.path == path)]:
            if lived.pop((package, *key_of(mutant)), None):
                yield package, mutant


def equivalents() -> dict[tuple[str, ...], str]:
    """The reason why nobody could notice, by path, function, and the statement before and after."""
    return {tuple(one[name] for name in _KEY): one["reason"] for one in _listed("equivalent.toml")}


def key_of(mutant: Mutant) -> tuple[str, ...]:
    """How equivalent.toml finds a mutant."""
    return mutant.path, mutant.where, mutant.before, mutant.after


def outdated(root: Path) -> list[tuple[str, ...]]:
    """What equivalent.toml lists and the code no longer makes possible."""
    listed = equivalents()
    possible = {
        key_of(mutant) for path in {key[0] for key in listed} for mutant in mutants_of(root, path)
    }
    return [key for key in listed if key not in possible]


def _function_around(text: str, line: int) -> tuple[int, int]:
    """The lines of the innermost function that holds a line; the line itself outside of any."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, functions)]
    around = [node for node in nodes if node.lineno <= line <= (node.end_lineno or 0)]
    if not around:
        return line, line
    innermost = max(around, key=lambda node: node.lineno)
    return innermost.lineno + 1, innermost.end_lineno or line


def _with(text: str, one: Said) -> Callable[[], str]:
    return lambda: text.replace(one["before"], one["after"])


def _listed(name: str) -> list[Said]:
    with (_HERE / name).open("rb") as file:
        return tomllib.load(file).get("mutant", [])
