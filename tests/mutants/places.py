"""Every place of a file that an operator can change, without what nobody runs or reads as a value:
docstrings, annotations, decorators, log lines, `zip(strict=...)`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from operators import OPERATORS

_UNREAD = {"annotation", "returns", "decorator_list", "format_spec", "type_comment"}
_CONTEXT = 45  # characters of a statement shown on either side of what changes
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Mutant:
    """One change of one file: `where`, the function it stands in; `number`, which of its operator's
    there; `lines` of the statement; whether it `runs_at_import`.
    """

    path: str
    where: str
    operator: str
    number: int
    lines: tuple[int, int]
    runs_at_import: bool
    before: str
    after: str
    text: Callable[[], str]  # the file with the change

    @property
    def name(self) -> str:
        """What the seed draws by: the same as long as the function stays."""
        return f"{self.path} {self.where} {self.operator} {self.number}"

    def plain(self) -> dict[str, str | int]:
        """As JSON holds it."""
        named = {"path": self.path, "where": self.where, "operator": self.operator}
        return named | {"line": self.lines[0], "before": self.before, "after": self.after}


@dataclass(frozen=True)
class _Place:
    """Where a node hangs: a field of its parent, an item of it."""

    parent: ast.AST
    field: str
    index: int | None

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


@dataclass(frozen=True)
class _At:
    """What a node stands in."""

    statement: ast.stmt | None = None
    where: tuple[str, ...] = ()
    runs_at_import: bool = True


def mutants_of(root: Path, path: str) -> Iterator[Mutant]:
    """Every mutant of a file, in its order."""
    tree = ast.parse((root / path).read_text(encoding="utf-8"))
    numbers: Counter[tuple[str, str]] = Counter()
    for node, place, at in _nodes(tree, _At()):
        for operator, changed in OPERATORS.items():
            for other in changed(node):
                where = ".".join(at.where)
                number = numbers[where, operator]
                numbers[where, operator] += 1
                statement = at.statement or node
                before, after = _shown(statement, node, place, other)
                yield Mutant(
                    *(path, where, operator, number, _lines_of(statement), at.runs_at_import),
                    *(before, after, _changing(tree, node, place, other)),
                )


def _nodes(node: ast.AST, at: _At) -> Iterator[tuple[ast.AST, _Place, _At]]:
    """Every node below this one that may be changed, its place, and what it stands in."""
    for field, value in ast.iter_fields(node):
        if field in _UNREAD:
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if not isinstance(child, ast.AST) or _is_unread(child):
                continue
            inside = _inside(child, node, field, at)
            yield child, _Place(node, field, index), inside
            yield from _nodes(child, inside)


def _inside(child: ast.AST, parent: ast.AST, field: str, at: _At) -> _At:
    """A function's body runs later than what stands around it, its defaults do not."""
    where, runs_at_import = at.where, at.runs_at_import
    if field == "body" and isinstance(parent, _FUNCTIONS):
        runs_at_import = False
    if isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
        where = (*where, child.name)
    statement = child if isinstance(child, ast.stmt) else at.statement
    return _At(statement, where, runs_at_import)


def _is_unread(node: ast.AST) -> bool:
    """Docstrings, log lines, and what is there only to fail where the code is wrong."""
    if isinstance(node, ast.Expr):
        value = node.value
        if isinstance(value, ast.Constant):
            return True
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            return isinstance(value.func.value, ast.Name) and value.func.value.id == "log"
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, ast.keyword) and node.arg == "strict"


def _lines_of(statement: ast.AST) -> tuple[int, int]:
    """Of a compound statement its head alone."""
    body = getattr(statement, "body", None)
    last = statement.end_lineno
    if isinstance(body, list) and body:
        last = max(statement.lineno, body[0].lineno - 1)
    return statement.lineno, last


def _changing(tree: ast.Module, node: ast.AST, place: _Place, other: ast.AST) -> Callable[[], str]:
    def text() -> str:
        place.put(other)
        try:
            return ast.unparse(ast.fix_missing_locations(tree)) + "\n"
        finally:
            place.put(node)

    return text


def _shown(statement: ast.AST, node: ast.AST, place: _Place, other: ast.AST) -> tuple[str, str]:
    """The statement before and after, no more of it than shows the change."""
    before = _head(statement)
    if node is statement:
        return _trimmed(before, _head(other))
    place.put(other)
    try:
        return _trimmed(before, _head(statement))
    finally:
        place.put(node)


def _head(statement: ast.AST) -> str:
    """A statement on one line, without the body below it."""
    shown = statement
    if isinstance(getattr(statement, "body", None), list):
        fields = dict(ast.iter_fields(statement))
        empty = {"orelse", "finalbody", "handlers", "decorator_list"} & fields.keys()
        shown = type(statement)(**fields | {"body": [ast.Pass()]} | {name: [] for name in empty})
        if isinstance(statement, ast.Try):
            shown = ast.Try([ast.Pass()], [], [], [ast.Pass()])
    return " ".join(ast.unparse(ast.fix_missing_locations(shown)).removesuffix("pass").split())


def _trimmed(before: str, after: str) -> tuple[str, str]:
    """Both texts without what they share far from where they differ."""
    shortest = min(len(before), len(after))
    start = next((k for k in range(shortest) if before[k] != after[k]), shortest)
    rest = shortest - start
    same = next((k for k in range(rest) if before[-1 - k] != after[-1 - k]), rest)
    first, last = max(start - _CONTEXT, 0), max(same - _CONTEXT, 0)
    return before[first : len(before) - last], after[first : len(after) - last]
