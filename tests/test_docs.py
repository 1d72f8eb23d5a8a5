"""Docs held to code: params and their comments, tables, features, errors, commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from contract.demand import demand_rules
from contract.errors import TillcastError
from contract.frames import FORECAST_LEVELS, FORECASTS, SCORES, SERIES, STORED_FACTS
from contract.params import FeatureParams, Params
from contract.params_file import lay_over, load_params, params_of
from features.declared import declared_features
from forecasting.fallback import REASONS
from forecasting.metrics import __doc__ as metrics_doc
from forecasting.metrics import point_scores, quantile_scores
from forecasting.window import window_after


def params_in_code(section: type[BaseModel] = Params, inside: str = "") -> set[str]:
    """Every param contract/params.py knows, dotted; sections themselves left out."""
    names = set()
    for name, field in section.model_fields.items():
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            names |= params_in_code(nested, f"{inside}{name}.")
        else:
            names.add(f"{inside}{name}")
    return names


def params_in_text(text: str) -> dict[str, str]:
    """Every `name: value` line of a YAML text by its dotted path, with the comment on the line (''
    without one).
    """
    found, path = {}, []
    for line in text.splitlines():
        match = re.match(r"^( *)([A-Za-z_0-9]+):(?: (?:\"[^\"]*\"|[^#\"])*)?(#.*)?$", line)
        if match:
            depth = len(match[1]) // 2
            path = [*path[:depth], match[2]]
            found[".".join(path)] = (match[3] or "").lstrip("# ").strip()
    return found


@pytest.fixture(scope="module")
def written(root: Path) -> dict[str, str]:
    """params.yaml's lines and their comments."""
    return params_in_text((root / "params.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def plain(root: Path) -> dict[str, Any]:
    """params.yaml's values."""
    return YAML(typ="safe").load((root / "params.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def design(root: Path) -> dict[str, str]:
    """The pages of the detailed design, by name."""
    return {
        path.stem: path.read_text(encoding="utf-8")
        for path in (root / "docs" / "design").glob("*.md")
    }


def test_every_param_of_the_code_stands_in_params_yaml(written):
    assert params_in_code() - set(written) == set()


def test_every_line_of_params_yaml_is_a_param_of_the_code(written, plain):
    known = params_in_code()
    sections = {
        ".".join(name.split(".")[:k]) for name in known for k in range(1, name.count(".") + 1)
    }
    unknown = {
        name
        for name in written
        if not name.startswith("profiles")
        and not any(name == one or name.startswith(f"{one}.") for one in known)
    }
    assert unknown - sections == set()
    profiles = plain.pop("profiles")
    assert params_of(plain)
    for kind, sections_over in profiles.items():
        assert params_of(lay_over(lay_over(plain, {"source": {"kind": kind}}), sections_over)), kind


def test_every_param_has_a_comment_on_its_line(written):
    wanted = params_in_code() | {name for name in written if "." not in name}
    assert [name for name in sorted(wanted) if name in written and not written[name]] == []


def test_every_param_of_a_profile_has_a_comment_or_is_the_one_above_it(written):
    of_profiles = {
        name.split(".", 2)[2]
        for name in written
        if re.fullmatch(r"profiles\.\w+\.\w+\.\w+.*", name)
    }
    assert {name for name in of_profiles if name not in written} == set()


def test_the_comment_reader_sees_a_missing_comment():
    text = 'a: 1  # how many\nb:\n  c: "x # y"\n  d: [1, 2]  # days\n'
    assert params_in_text(text) == {"a": "how many", "b": "", "b.c": "", "b.d": "days"}


@pytest.mark.parametrize(
    "table", [*STORED_FACTS, SERIES.name, FORECASTS.name, FORECAST_LEVELS.name, SCORES.name]
)
def test_every_table_of_the_contract_stands_in_the_design_of_the_store(design, table):
    assert f"| `{table}` |" in design["storage"]


def test_every_family_of_features_has_a_line_in_the_design_of_features(design):
    page = design["features"]
    section = page[page.index("## Families") : page.index("## How it is fast")]
    shipped = FeatureParams(
        max_stockout_share=0.25,
        lags=[0],
        windows=[7],
        weekday_weeks=[1],
        year_windows=[1],
        calendar=True,
        event_reach_days=1,
        price=True,
        promo=True,
        lifecycle=True,
        hierarchy=[[]],
        hierarchy_windows=[7],
        static=True,
        known_future=["a"],
        past_only=["b"],
        chunk_series=1,
    )
    for family in {feature.family for feature in declared_features(shipped, horizon=28)} | {
        "static"
    }:
        assert f"| `{family}` |" in section, family


def test_every_anchor_is_explained_in_the_design_of_data(design):
    for anchor in ("origin", "weekday", "year", "target"):
        assert f"`{anchor}` (" in design["data"], anchor


def test_every_fault_of_the_drills_stands_in_the_design_of_operations(design):
    from drills.catalogue import names

    assert [name for name in names() if f"`{name}`" not in design["operations"]] == []


def test_system_design_has_its_five_parts_and_leads_to_every_page_of_the_design(root, design):
    overview = (root / "system_design.md").read_text(encoding="utf-8")
    parts = [
        "1. Problem",
        "2. Data pipeline",
        "3. Model",
        "4. Evaluation",
        "5. Deployment constraints",
    ]
    assert re.findall(r"^## (.+)$", overview, flags=re.MULTILINE) == parts
    assert [page for page in design if f"(docs/design/{page}.md" not in overview] == []


def test_every_score_is_defined_in_the_docstring_of_metrics(make_panel, params):
    panel = make_panel(series=2, days=40)
    level = window_after(
        panel, panel.first_day.replace(day=30), 7, params.source.hierarchy[:1], demand_rules(params)
    ).levels[0]
    scores = point_scores(level, level.y) | quantile_scores(
        level, {q: level.y for q in FORECASTS.columns if q[0] == "q"}
    )
    for name in {score.split("_")[0] for score in scores}:
        assert re.search(rf"\b{name}\b", metrics_doc), name


def test_the_sign_of_the_error_is_the_same_in_every_document(root, metrics_doc=metrics_doc):
    for text in ((root / "system_design.md").read_text(encoding="utf-8"), metrics_doc):
        assert "error = y_hat - y" in text
        assert "positive means" in text


def test_every_reason_of_the_ladder_is_a_sentence():
    assert all(len(sentence.split()) > 3 for sentence in REASONS.values())


def test_every_exit_code_of_the_errors_is_one_the_contract_names():
    def codes(error: type[TillcastError]) -> set[int]:
        return {error.exit_code}.union(*(codes(child) for child in error.__subclasses__()))

    assert codes(TillcastError) == {1, 2, 3}


def test_every_package_the_project_names_is_in_the_lock(root):
    import tomllib

    lock = (root / "requirements.lock").read_text(encoding="utf-8")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirement in project["dependencies"] + project["optional-dependencies"]["dev"]:
        name = re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9_.-]+", requirement)[0])
        assert re.search(rf"^{re.escape(name)}==", lock, flags=re.MULTILINE | re.IGNORECASE), name


def test_every_entry_point_says_what_it_reads_what_it_writes_and_how_to_run_it(root):
    import ast

    for name in ("ingest", "train", "evaluate", "inference", "monitor"):
        path = root / f"{name}.py"
        if path.exists():
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            assert re.search(r"^reads ", text, flags=re.MULTILINE | re.IGNORECASE), name
            assert re.search(r"^writes ", text, flags=re.MULTILINE | re.IGNORECASE), name
            assert f"python {name}.py" in text, name


def test_every_section_of_params_is_named_after_an_entry_point_a_package_or_what_it_feeds():
    sections = {
        "source",
        "ingest",
        "features",
        "train",
        "evaluate",
        "inference",
        "scale",
        "ordering",
        "monitor",
        "deliver",
        "retention",
        "reports",
        "drills",
    }
    assert set(Params.model_fields) == sections


def test_the_runbook_says_what_to_do_for_every_watcher_and_exit_code(root):
    from monitoring.decide import FIRST_CALL

    runbook = (root / "docs" / "runbook.md").read_text(encoding="utf-8")
    for watcher in FIRST_CALL:
        assert re.search(rf"^### .*`{watcher}[`:]", runbook, flags=re.MULTILINE), watcher
    for code in (0, 1, 2, 3):
        assert f"\n| {code} | " in runbook
    for reason in set(REASONS):
        assert f"`{reason}`" in runbook, reason


TYPED = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "system_design.md",
    "monitoring.md",
    "postmortem.md",
    "security.md",
]
TYPED += [
    "docs/runbook.md",
    "docs/tutorial.md",
    "docs/extending.md",
    "docs/design/*.md",
    "docs/results/*.md",
]


def typed_in(root: Path, names: list[str]) -> list[tuple[str, str, str]]:
    """Document, entry point or flow, arguments of every `python ENTRY.py ARGUMENTS` it types."""
    command = re.compile(r"python ((?:flows/)?[a-z]+\.py)([^`\n#|]*)")
    paths = [path for name in names for path in sorted(root.glob(name))]
    return [
        (path.name, *found)
        for path in paths
        for found in command.findall(path.read_text(encoding="utf-8"))
    ]


def test_every_task_and_option_a_document_types_is_one_its_entry_point_has(root):
    """`python ingest.py replay --batch ID`: "replay" and "--batch" stand in the sources of the
    command line.
    """
    shared = ("runtime/*.py", "flows/*.py", "stages/*.py", "queries/*.py")
    beside = "".join(
        path.read_text(encoding="utf-8") for part in shared for path in sorted(root.glob(part))
    )
    typed = typed_in(root, TYPED)
    assert len(typed) > 60
    for document, entry_point, arguments in typed:
        sources = (root / entry_point).read_text(encoding="utf-8") + beside
        task = re.match(r" +([a-z][a-z-]+)", arguments)
        for name in [*re.findall(r"--[a-z-]+", arguments), *([task[1]] if task else [])]:
            assert f'"{name}"' in sources, (document, entry_point, name)


def test_a_task_and_an_option_nobody_has_are_seen(tmp_path):
    (tmp_path / "page.md").write_text(
        "`python ingest.py refill --faster` and\npython train.py\n", encoding="utf-8"
    )
    assert typed_in(tmp_path, ["*.md"]) == [
        ("page.md", "ingest.py", " refill --faster"),
        ("page.md", "train.py", ""),
    ]


def test_every_benchmark_a_document_types_is_there(root):
    documents = [path for name in TYPED for path in root.glob(name)]
    typed = {
        name
        for path in documents
        for name in re.findall(r"python -m benchmarks run (\w+)", path.read_text(encoding="utf-8"))
    } - {"NAME"}
    assert len(typed) > 20
    assert sorted(name for name in typed if not list(root.glob(f"benchmarks/**/{name}.py"))) == []


def test_every_mapping_of_the_tutorial_is_a_shop_the_params_take(root, tmp_path):
    """Each yaml block that names profiles, as shop.yaml beside what ships."""
    text = (root / "docs" / "tutorial.md").read_text(encoding="utf-8")
    blocks = [
        YAML(typ="safe").load(block)
        for block in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    ]
    mappings = [block for block in blocks if "profiles" in block]
    assert len(mappings) >= 3
    (tmp_path / "params.yaml").write_bytes((root / "params.yaml").read_bytes())
    for block in mappings:
        shop = lay_over(block, {"source": {"kind": "files"}})
        with (tmp_path / "shop.yaml").open("w", encoding="utf-8") as file:
            YAML(typ="safe").dump(shop, file)
        params = load_params(tmp_path / "params.yaml")
        assert params.source.files.columns == block["source"]["files"]["columns"]


def test_a_stage_that_reads_the_frozen_panel_runs_again_when_its_reader_changed(root):
    stages = YAML(typ="safe").load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    readers = {
        name: stage["deps"]
        for name, stage in stages.items()
        if "data/panel" in stage.get("deps", [])
    }
    assert {"validate", "features", "train", "evaluate", "forecast", "report"} <= set(readers)
    assert [name for name, deps in readers.items() if "storage/panel_files.py" not in deps] == []


def test_the_lock_pins_what_the_stages_say_they_read(root):
    """`dvc repro` after a stage's deps changed, or a clean clone runs everything anew."""
    stages, locked = (
        YAML(typ="safe").load((root / name).read_text(encoding="utf-8"))["stages"]
        for name in ("dvc.yaml", "dvc.lock")
    )
    for name, stage in stages.items():
        pinned = {dep["path"] for dep in locked[name].get("deps", [])}
        assert set(stage.get("deps", [])) == pinned, name
