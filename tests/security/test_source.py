"""The source itself: nothing evaluates input, no name is put into SQL by hand, every dependency is
pinned by hash.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.errors import ContractBroken
from storage.schema import quoted

FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "joblib",
    "shelve",
    "marshal",
    "cloudpickle",
    "xmlrpc",
    "telnetlib",
}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "os.system",
    "os.popen",
    "yaml.load",
    "pickle.loads",
    "np.load",
}
STATEMENTS = {"execute", "executemany", "sql"}
# storage.schema: the only ways for a name to stand in a statement
QUOTING = {"quoted", "quoted_text"}


def modules(root: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(root.rglob("*.py")):
        inside = path.relative_to(root).as_posix()
        if not inside.startswith((".", "data/", "tests/", "benchmarks/")):
            yield inside, ast.parse(path.read_text(encoding="utf-8"))


def called(node: ast.Call) -> str:
    """The dotted name of what is called."""
    return ast.unparse(node.func)


def evaluating(name: str, tree: ast.Module) -> Iterator[str]:
    """Places where a module could run what it reads."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
            )
            yield from (
                f"{name} imports {one}" for one in names if one.split(".")[0] in FORBIDDEN_MODULES
            )
        if isinstance(node, ast.Call):
            if called(node) in FORBIDDEN_CALLS and not _takes_no_pickle(node):
                yield f"{name}:{node.lineno} calls {called(node)}"
            if any(
                word.arg == "shell" and ast.unparse(word.value) != "False" for word in node.keywords
            ):
                yield f"{name}:{node.lineno} starts a shell"
            if called(node) == "YAML" and any(
                ast.unparse(word.value) == "'unsafe'" for word in node.keywords
            ):
                yield f"{name}:{node.lineno} loads YAML unsafely"


def _takes_no_pickle(call: ast.Call) -> bool:
    return any(
        word.arg == "allow_pickle" and ast.unparse(word.value) == "False" for word in call.keywords
    )


def interpolating(name: str, tree: ast.Module) -> Iterator[str]:
    """f-strings in statements that hold anything but quoted names."""
    quoted_names = _made_by_quoting(tree)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and called(node).rpartition(".")[2] in STATEMENTS
            and node.args
        ):
            for value in ast.walk(node.args[0]):
                if isinstance(value, ast.FormattedValue) and not _is_harmless(
                    value.value, quoted_names
                ):
                    yield f"{name}:{node.lineno} puts {ast.unparse(value.value)} into a statement"


def _made_by_quoting(tree: ast.Module) -> set[str]:
    """Local names whose every assignment calls a quoting function, or is made of literals."""
    made: dict[str, bool] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            made[name] = made.get(name, True) and _calls_quoting(node.value)
    return {name for name, is_quoted in made.items() if is_quoted}


def _calls_quoting(value: ast.expr) -> bool:
    calls = {called(node) for node in ast.walk(value) if isinstance(node, ast.Call)}
    return bool(calls & QUOTING) or isinstance(value, ast.Constant)


def _is_harmless(value: ast.expr, quoted_names: set[str]) -> bool:
    """A call of a quoting function, a name that such calls made, or a choice between texts of ours
    and such names.
    """
    if isinstance(value, ast.IfExp):
        return all(_is_harmless(one, quoted_names) for one in (value.body, value.orelse))
    if isinstance(value, ast.BinOp):
        return all(_is_harmless(one, quoted_names) for one in (value.left, value.right))
    if isinstance(value, ast.Call):
        return called(value) in QUOTING
    return isinstance(value, ast.Constant) or (
        isinstance(value, ast.Name) and value.id in quoted_names
    )


def test_nothing_evaluates_what_it_reads(root: Path) -> None:
    assert [place for name, tree in modules(root) for place in evaluating(name, tree)] == []


def test_no_value_is_put_into_a_statement_by_hand(root: Path) -> None:
    assert [place for name, tree in modules(root) for place in interpolating(name, tree)] == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "subprocess.run(x, shell=True)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "YAML(typ='unsafe')",
    ],
)
def test_evaluation_is_seen(source: str) -> None:
    assert list(evaluating("x.py", ast.parse(source)))


def test_arrays_that_hold_no_pickle_may_be_loaded() -> None:
    assert not list(evaluating("x.py", ast.parse("np.load(path, allow_pickle=False)")))


@pytest.mark.parametrize(
    "source",
    ['con.execute(f"select * from {name}")', "con.sql(f\"select 1 where a = '{row[0]}'\")"],
)
def test_interpolation_is_seen(source: str) -> None:
    assert list(interpolating("x.py", ast.parse(source)))


def test_a_name_that_is_no_name_never_enters_a_statement() -> None:
    with pytest.raises(ContractBroken):
        quoted('a"; drop table sales; --')


def test_every_page_escapes_by_itself(root: Path) -> None:
    """Jinja's autoescape is on wherever an environment is made; what templates take as it is was
    made safe by reports.html.
    """
    nodes = [
        node for _, tree in modules(root) for node in ast.walk(tree) if isinstance(node, ast.Call)
    ]
    made = [node for node in nodes if called(node) == "Environment"]
    assert len(made) == 2  # of validation pages; of reports and the app
    for node in made:
        assert any(
            word.arg == "autoescape" and ast.unparse(word.value) == "True" for word in node.keywords
        )
    templates = [path.read_text(encoding="utf-8") for path in root.glob("*/templates/*.html")]
    raw = {
        found.strip() for text in templates for found in re.findall(r"\{\{([^}|]*)\|\s*safe", text)
    }
    assert raw <= {
        "specs",
        "fan_spec",
        "crossed",
        "chart",
        "vega",
    }  # reports.html.script_json and .vega: neither can end its script element


def test_every_dependency_is_pinned_by_hash(root: Path) -> None:
    lock = (root / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", lock.replace("\\\n", " "))
    pins = [block for block in blocks if re.match(r"[A-Za-z0-9]", block)]
    assert len(pins) > 100
    for block in pins:
        assert re.match(r"[A-Za-z0-9_.\[\]-]+==\S+", block), block[:80]
        assert "--hash=sha256:" in block, block[:80]


def test_no_known_hole_in_a_dependency(root: Path) -> None:
    """By a database of advisories where one can be reached; the lock's hashes are checked above in
    any case.
    """
    if shutil.which("pip-audit", path=str(Path(sys.executable).parent)) is None:
        pytest.skip(
            "pip-audit is not installed and its database is not reachable offline: "
            "the lock's hashes are what was checked"
        )
    command = [
        str(Path(sys.executable).parent / "pip-audit"),
        "-r",
        "requirements.lock",
        "--require-hashes",
        "--disable-pip",
    ]
    done = subprocess.run(  # noqa: S603 -- our own command
        command,
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    unreachable = ("ConnectionError", "Max retries", "ServiceError")
    if any(words in done.stderr for words in unreachable):
        pytest.skip("the database of advisories cannot be reached from here")
    assert done.returncode == 0, done.stdout
