"""The error tree in the docstring is the tree in the code."""

import re

import contract.errors
from contract.errors import TillcastError


def _tree_in_code(root: type[TillcastError], depth: int = 0) -> dict[str, tuple[int, int]]:
    tree = {root.__name__: (depth, root.exit_code)}
    for child in root.__subclasses__():
        if child.__module__ == contract.errors.__name__:
            tree |= _tree_in_code(child, depth + 1)
    return tree


def _tree_in_docstring() -> dict[str, tuple[int, int]]:
    lines = re.findall(
        r"^ {4}((?:[│├└─ ]{4})*)(\w+) +(\d)  ", contract.errors.__doc__, flags=re.MULTILINE
    )
    return {name: (len(indent) // 4, int(code)) for indent, name, code in lines}


def test_the_docstring_shows_every_error_at_its_depth_with_its_exit_code():
    assert _tree_in_docstring() == _tree_in_code(TillcastError)


def test_every_error_says_in_its_docstring_what_it_means():
    names = _tree_in_code(TillcastError)
    assert all(getattr(contract.errors, name).__doc__ for name in names)
