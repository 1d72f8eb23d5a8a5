"""The layers: who may import whom. Keeps the rules on the real tree, and shows for each rule a
source that breaks it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

LAYERS = {
    **dict.fromkeys(["contract", "runtime"], 0),
    **dict.fromkeys(["sources", "expectations", "storage", "features", "remote"], 1),
    **dict.fromkeys(["forecasting", "ordering", "scaling"], 2),
    **dict.fromkeys(["monitoring", "reports", "drills"], 3),
    **dict.fromkeys(["stages", "queries"], 4),
    "flows": 6,
    "app": 6,
}
ENTRY_POINTS = {"ingest", "train", "evaluate", "inference", "monitor"}
ENTRY_LAYER = 5
SHARED = "contract.errors"  # what runtime may import of its neighbour: one tree of errors for all
BESIDE = {"benchmarks", "tests", "docs", "data"}
OWNERS = {
    "duckdb": "storage",
    "prefect": "flows",
    "great_expectations": "expectations",
    "holidays": "sources",
    "sqlalchemy": "remote",
    "fsspec": "remote",
    "fastapi": "app",
    "dask": "scaling",
    "distributed": "scaling",
}  # engine: the package that speaks to it


def home_of(path: str) -> str:
    """The package, entry point or folder beside that a module belongs to: `features/frame.py` ->
    features.
    """
    return Path(path).parts[0].removesuffix(".py")


def layer_of(home: str) -> int | None:
    """The layer of a package or entry point; None for what stands beside them."""
    return ENTRY_LAYER if home in ENTRY_POINTS else LAYERS.get(home)


def imported_by(path: str, source: str) -> set[str]:
    """Top-level names a module imports, anywhere in it: under TYPE_CHECKING, in functions, by
    import_module with a literal.

    SHARED counts as nobody's, so that runtime may import it.
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {
                alias.name.split(".", maxsplit=1)[0] for alias in node.names if alias.name != SHARED
            }
        elif isinstance(node, ast.ImportFrom) and node.module != SHARED:
            names.add(home_of(path) if node.level else node.module.split(".", maxsplit=1)[0])
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            if called in ("import_module", "__import__"):
                names.add(str(node.args[0].value).split(".", maxsplit=1)[0])
    return names


def broken_rules(modules: dict[str, str]) -> list[str]:
    """One sentence for each rule broken by a tree of {module path: source}; empty for a tree in
    order.
    """
    broken = [
        *_unknown_places(modules),
        *_shadowing_flows(modules),
        *_circles(modules),
        *_reading_patterns(modules),
    ]
    for path, source in sorted(modules.items()):
        home = home_of(path)
        for name in sorted(imported_by(path, source) - ({home} - {"tests"})):
            broken += [
                f"{path} imports {name}: {rule}" for rule in _rules_against(path, home, name)
            ]
    return broken


def _unknown_places(modules: dict[str, str]) -> Iterator[str]:
    for path in sorted(modules):
        parts = Path(path).parts
        if len(parts) == 1 and home_of(path) not in ENTRY_POINTS:
            yield f"{path} is no entry point"
        if len(parts) > 1 and parts[0] not in {*LAYERS, *BESIDE}:
            yield f"{path} lies in a folder that is no package of ours"


def _shadowing_flows(modules: dict[str, str]) -> Iterator[str]:
    for path in sorted(modules):
        if home_of(path) == "flows" and Path(path).stem in {*LAYERS, *ENTRY_POINTS}:
            yield f"{path} shadows the package or entry point of its name when Prefect loads it"


def _reading_patterns(modules: dict[str, str]) -> Iterator[str]:
    """Polars takes a path for a pattern unless `glob` says no; a shop's folder may be [shop]."""
    for path, source in sorted(modules.items()):
        for node in ast.walk(ast.parse(source)) if home_of(path) not in BESIDE else ():
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "attr", "") in ("read_parquet", "scan_parquet")
                and "glob" not in {keyword.arg for keyword in node.keywords}
            ):
                yield f"{path}:{node.lineno} reads a pattern of files: say glob=False"


def _rules_against(path: str, home: str, name: str) -> Iterator[str]:
    """Why this import is against the rules."""
    layer, below = layer_of(home), layer_of(name)
    if name in OWNERS and home not in (OWNERS[name], "tests", "benchmarks"):
        yield f"only {OWNERS[name]} speaks to {name}"
    if name == "tests":
        yield "nothing imports from tests"
    if name == "benchmarks" and home != "tests":
        yield "benchmarks is imported by nobody"
    if name in ("flows", "app") and home != "tests":
        yield f"{name} is imported by nobody"
    if name == "drills" and not path.startswith(("tests/", "benchmarks/", "flows/drill")):
        yield "no production code imports drills"
    if name == "storage" and home not in {
        *ENTRY_POINTS,
        "stages",
        "queries",
        "flows",
        "tests",
        "benchmarks",
    }:
        yield "only entry points, stages, queries and flows open the store"
    if layer is not None and below is not None:
        if below > layer:
            yield f"layer {layer} does not look up to layer {below}"
        if below == layer and home not in ENTRY_POINTS:
            yield f"packages of layer {layer} do not import each other"


def _circles(modules: dict[str, str]) -> Iterator[str]:
    """Modules of the packages that import each other, directly or round about, under TYPE_CHECKING
    too.
    """
    ours = {
        path.removesuffix(".py").replace("/", "."): path
        for path in modules
        if home_of(path) not in BESIDE
    }
    reached = {name: _modules_imported(modules[path], set(ours)) for name, path in ours.items()}
    while True:
        further = {
            name: found.union(*(reached[one] for one in found)) for name, found in reached.items()
        }
        if further == reached:
            break
        reached = further
    yield from (
        f"{ours[name]} imports itself round about" for name in sorted(ours) if name in reached[name]
    )


def _modules_imported(source: str, ours: set[str]) -> set[str]:
    """The modules of ours that a module imports, by their full names."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names & ours


def modules_of(root: Path) -> dict[str, str]:
    """Every Python module of the checkout by its path, hidden folders and caches left out."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        inside = path.relative_to(root)
        if (
            not any(part.startswith((".", "__pycache__")) for part in inside.parts)
            and inside.parts[0] != "data"
        ):
            found[inside.as_posix()] = path.read_text(encoding="utf-8")
    return found


def test_the_tree_keeps_its_rules(root):
    modules = modules_of(root)
    assert {home_of(path) for path in modules} >= {"contract", "features", "forecasting"}
    assert broken_rules(modules) == []


def test_no_folder_stands_beside_the_packages_without_a_decision(root):
    folders = {
        path.name
        for path in root.iterdir()
        if path.is_dir() and not path.name.startswith((".", "__"))
    }
    assert folders - {*LAYERS, *BESIDE} == set()


def test_every_package_says_in_its_docstring_what_it_is_for(root):
    for package in LAYERS:
        assert ast.get_docstring(
            ast.parse((root / package / "__init__.py").read_text(encoding="utf-8"))
        ), package


@pytest.mark.parametrize(
    ("path", "source", "rule"),
    [
        ("features/x.py", "import forecasting.metrics", "layer 1 does not look up to layer 2"),
        ("contract/x.py", "from features.frame import Rows", "layer 0 does not look up to layer 1"),
        ("forecasting/x.py", "import reports", "layer 2 does not look up to layer 3"),
        ("monitoring/x.py", "from evaluate import evaluate", "layer 3 does not look up to layer 5"),
        (
            "reports/x.py",
            "from queries.trace import touched_by",
            "layer 3 does not look up to layer 4",
        ),
        ("stages/x.py", "import queries", "packages of layer 4 do not import each other"),
        (
            "runtime/x.py",
            "from contract.params import Params",
            "packages of layer 0 do not import each other",
        ),
        (
            "contract/x.py",
            "from runtime.disk import sha256_of",
            "packages of layer 0 do not import each other",
        ),
        (
            "features/x.py",
            "from sources.m5 import read",
            "packages of layer 1 do not import each other",
        ),
        ("monitoring/x.py", "import reports.plots", "packages of layer 3 do not import each other"),
        ("train.py", "import duckdb", "only storage speaks to duckdb"),
        ("flows/daily.py", "import duckdb", "only storage speaks to duckdb"),
        ("ingest.py", "from prefect import flow", "only flows speaks to prefect"),
        (
            "sources/x.py",
            "import great_expectations as gx",
            "only expectations speaks to great_expectations",
        ),
        ("stages/x.py", "import holidays", "only sources speaks to holidays"),
        ("queries/x.py", "from fastapi import Request", "only app speaks to fastapi"),
        ("stages/x.py", "from app.shop import Shop", "app is imported by nobody"),
        (
            "app/x.py",
            "import storage",
            "only entry points, stages, queries and flows open the store",
        ),
        (
            "forecasting/x.py",
            "from storage.sales import read",
            "only entry points, stages, queries and flows open the store",
        ),
        (
            "reports/x.py",
            "import storage",
            "only entry points, stages, queries and flows open the store",
        ),
        (
            "drills/x.py",
            "import storage",
            "only entry points, stages, queries and flows open the store",
        ),
        ("train.py", "import drills.faults", "no production code imports drills"),
        ("flows/daily.py", "import drills", "no production code imports drills"),
        ("train.py", "from flows.daily import daily", "flows is imported by nobody"),
        ("benchmarks/x.py", "import flows", "flows is imported by nobody"),
        ("evaluate.py", "import benchmarks.speed", "benchmarks is imported by nobody"),
        ("features/x.py", "from tests.conftest import make_panel", "nothing imports from tests"),
        (
            "tests/features/test_x.py",
            "from tests.conftest import make_panel",
            "nothing imports from tests",
        ),
    ],
)
def test_each_rule_has_been_seen_to_fail(path, source, rule):
    found = broken_rules({path: source})
    assert any(sentence.endswith(rule) for sentence in found), found


def test_a_path_that_may_be_a_pattern_is_seen():
    source = "import polars as pl\npl.scan_parquet(path).filter(pl.read_parquet(path, glob=False))"
    assert broken_rules({"stages/x.py": source}) == [
        "stages/x.py:2 reads a pattern of files: say glob=False"
    ]


@pytest.mark.parametrize("path", ["flows/monitoring.py", "flows/train.py", "flows/flows.py"])
def test_a_flow_named_as_a_package_or_entry_point_is_seen(path):
    assert broken_rules({path: ""}) == [
        f"{path} shadows the package or entry point of its name when Prefect loads it"
    ]


def test_a_circle_of_modules_is_seen():
    modules = {
        "features/a.py": "from features.b import one",
        "features/b.py": "import features.c",
        "features/c.py": "import typing\nif typing.TYPE_CHECKING:\n    from features import a",
        "features/d.py": "from features.a import two",
    }
    circle = [f"features/{name}.py imports itself round about" for name in "abc"]
    assert broken_rules(modules) == circle


def test_a_further_folder_or_root_script_is_seen():
    assert broken_rules({"utils/x.py": ""}) == [
        "utils/x.py lies in a folder that is no package of ours"
    ]
    assert broken_rules({"helpers.py": ""}) == ["helpers.py is no entry point"]


@pytest.mark.parametrize(
    "source",
    [
        "def work():\n    import duckdb",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import duckdb",
        "import importlib\nimportlib.import_module('duckdb')",
        "try:\n    from duckdb import connect\nexcept ImportError:\n    pass",
        "__import__('duckdb.typing')",
    ],
)
def test_an_import_cannot_hide(source):
    assert broken_rules({"features/x.py": source}) == [
        "features/x.py imports duckdb: only storage speaks to duckdb"
    ]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("forecasting/x.py", "from contract.panel import Panel\nfrom features.frame import Rows"),
        ("features/x.py", "from features.dense import Days\nfrom . import dense"),
        ("train.py", "import storage\nimport forecasting\nimport contract"),
        ("evaluate.py", "from train import forecaster_of"),
        ("flows/daily.py", "from prefect import flow\nfrom ingest import ingest"),
        ("flows/drill_store.py", "import drills\nimport storage\nimport ingest"),
        ("runtime/x.py", "from contract.errors import DiskRefused"),
        ("stages/x.py", "import storage\nfrom monitoring.finding import Finding"),
        ("storage/x.py", "import duckdb"),
        ("expectations/x.py", "import great_expectations"),
        ("benchmarks/x.py", "import duckdb\nimport train\nimport storage"),
        ("tests/storage/test_x.py", "import duckdb\nimport storage\nimport drills"),
        ("reports/x.py", "import polars, altair\nfrom forecasting.metrics import pinball"),
    ],
)
def test_what_is_allowed_is_not_refused(path, source):
    assert broken_rules({path: source}) == []
