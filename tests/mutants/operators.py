"""What is changed in a place of the code: each operator takes a node of the syntax tree and yields
what could stand there instead.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import copy

from sql_texts import variants

Operator = Callable[[ast.AST], Iterator[ast.AST]]

_COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
}
_LOGIC: dict[type, type] = {
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_PAIRS = [
    ("min", "max"),
    ("any", "all"),
    ("first", "last"),
    ("head", "tail"),
    ("floor", "ceil"),
    ("mean", "median"),
    ("is_null", "is_not_null"),
    ("min_horizontal", "max_horizontal"),
    ("any_horizontal", "all_horizontal"),
    ("rolling_min", "rolling_max"),
    ("forward_fill", "backward_fill"),
    ("startswith", "endswith"),
    ("maximum", "minimum"),
]
_TWINS = dict(_PAIRS) | {second: first for first, second in _PAIRS} | {"sum": "max"}
_WORDS = {
    "semi": "anti",
    "anti": "semi",
    "left": "inner",
    "inner": "left",
    "full": "left",
    "backward": "forward",
    "forward": "backward",
}
_STEPS = {
    *("filter", "fill_null", "fill_nan", "sort", "unique", "round", "clip", "abs", "drop_nulls"),
    *("over", "shift", "reverse", "strip", "lower", "drop_nans"),
}
_DROPPED = (ast.AugAssign, ast.Raise, ast.Continue, ast.Break, ast.Delete)


def _comparison(node: ast.AST) -> Iterator[ast.AST]:
    """`<` as `<=` or `>=`, `in` as `not in`."""
    if not isinstance(node, ast.Compare):
        return
    for k, operation in enumerate(node.ops):
        for other in _COMPARISONS[type(operation)]:
            ops = [*node.ops[:k], other(), *node.ops[k + 1 :]]
            yield ast.Compare(node.left, ops, node.comparators)


def _logic(node: ast.AST) -> Iterator[ast.AST]:
    """`and` as `or`, `&` as `|`; an operand of `and` or `or` left out."""
    if isinstance(node, ast.BoolOp):
        yield ast.BoolOp(_LOGIC[type(node.op)](), node.values)
        for k in range(len(node.values)):
            rest = [*node.values[:k], *node.values[k + 1 :]]
            yield ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0]
    if isinstance(node, ast.BinOp) and type(node.op) in _LOGIC:
        yield ast.BinOp(node.left, _LOGIC[type(node.op)](), node.right)


def _arithmetic(node: ast.AST) -> Iterator[ast.AST]:
    """`+` as `-`, `*` as `/`; not of texts and lists, where it cannot run."""
    texts = (ast.JoinedStr, ast.List, ast.Tuple)
    if not isinstance(node, ast.BinOp) or type(node.op) not in _ARITHMETIC:
        return
    sides = (node.left, node.right)
    if any(isinstance(side, texts) or _is_text(side) for side in sides):
        return
    yield ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)


def _number(node: ast.AST) -> Iterator[ast.AST]:
    """A whole number one more and one less, another doubled; True as False."""
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, float):
        yield ast.Constant(value * 2 or 1.0)


def _negation(node: ast.AST) -> Iterator[ast.AST]:
    """`not x` as `x`, also `~x` and `-x`."""
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.UAdd):
        yield node.operand


def _condition(node: ast.AST) -> Iterator[ast.AST]:
    """What `if` looks at turned round, or a comprehension's `if` left out."""
    if isinstance(node, ast.If | ast.IfExp):
        changed = copy(node)
        changed.test = ast.UnaryOp(ast.Not(), node.test)
        yield changed
    if isinstance(node, ast.comprehension) and node.ifs:
        changed = copy(node)
        changed.ifs = node.ifs[1:]
        yield changed


def _statement(node: ast.AST) -> Iterator[ast.AST]:
    """A call, `raise`, `+=`, or the setting of a field or an item, left out."""
    sets = isinstance(node, ast.Assign) and isinstance(
        node.targets[0], ast.Attribute | ast.Subscript
    )
    calls = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    if sets or calls or isinstance(node, _DROPPED):
        yield ast.Pass()


def _returned(node: ast.AST) -> Iterator[ast.AST]:
    """Nothing returned instead of something; a comparison or a negation turned round."""
    if not isinstance(node, ast.Return) or node.value is None:
        return
    if isinstance(node.value, ast.Compare | ast.BoolOp) or (
        isinstance(node.value, ast.UnaryOp) and isinstance(node.value.op, ast.Not)
    ):
        yield ast.Return(ast.UnaryOp(ast.Not(), node.value))
    elif not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield ast.Return(ast.Constant(None))


def _default(node: ast.AST) -> Iterator[ast.AST]:
    """A default of a parameter, as a number is changed; a text's default is empty."""
    if not isinstance(node, ast.arguments):
        return
    for name in ("defaults", "kw_defaults"):
        values = getattr(node, name)
        for k, value in enumerate(values):
            for other in _other_default(value):
                changed = copy(node)
                setattr(changed, name, [*values[:k], other, *values[k + 1 :]])
                yield changed


def _other_default(value: ast.AST | None) -> Iterator[ast.AST]:
    if _is_text(value) and value.value:
        yield ast.Constant("")
    elif isinstance(value, ast.Constant):
        yield from _number(value)


def _twin(node: ast.AST) -> Iterator[ast.AST]:
    """`min` for `max`, `first` for `last`; a join of another kind."""
    if isinstance(node, ast.Call):
        called = node.func
        if isinstance(called, ast.Name) and called.id in _TWINS:
            yield ast.Call(ast.Name(_TWINS[called.id]), node.args, node.keywords)
        if isinstance(called, ast.Attribute) and called.attr in _TWINS:
            other = ast.Attribute(called.value, _TWINS[called.attr])
            yield ast.Call(other, node.args, node.keywords)
    is_kind = isinstance(node, ast.keyword) and node.arg in ("how", "strategy", "closed")
    if is_kind and _is_text(node.value) and node.value.value in _WORDS:
        yield ast.keyword(node.arg, ast.Constant(_WORDS[node.value.value]))


def _step(node: ast.AST) -> Iterator[ast.AST]:
    """A step of a chain left out: a filter, one of its conditions, `fill_null`, `sort`, `over`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    if node.func.attr not in _STEPS:
        return
    yield node.func.value
    if node.func.attr == "filter" and len(node.args) > 1:
        for k in range(len(node.args)):
            rest = [*node.args[:k], *node.args[k + 1 :]]
            yield ast.Call(node.func, rest, node.keywords)


def _sql(node: ast.AST) -> Iterator[ast.AST]:
    """A word of an SQL text."""
    if _is_text(node):
        yield from (ast.Constant(text) for text in variants(node.value))
    if isinstance(node, ast.JoinedStr):
        for k, part in enumerate(node.values):
            whole = "".join(one.value if _is_text(one) else "x" for one in node.values)
            if _is_text(part):
                for text in variants(part.value, whole):
                    yield ast.JoinedStr(
                        [*node.values[:k], ast.Constant(text), *node.values[k + 1 :]]
                    )


def _is_text(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


OPERATORS: dict[str, Operator] = {
    "comparison": _comparison,
    "logic": _logic,
    "arithmetic": _arithmetic,
    "number": _number,
    "negation": _negation,
    "condition": _condition,
    "statement": _statement,
    "return": _returned,
    "default": _default,
    "twin": _twin,
    "step": _step,
    "sql": _sql,
}
