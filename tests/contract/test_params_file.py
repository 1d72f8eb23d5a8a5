"""What ships and what is yours: laid over each other, and three values edited in their text."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from contract.errors import BadParams
from contract.params_file import load_laid, load_params
from contract.params_lines import with_source

SHIPPED = (Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")
SHOP = (Path(__file__).parents[2] / "shop.yaml").read_text(encoding="utf-8")
MAPPING = """\
source:
  kind: files
  path: mine
  levels: [[]]
  region: null
  files:
    sales: "*.csv"
    columns: {unique_id: sku, ds: day, y: pieces}
features: {hierarchy: [], price: false, known_future: [], past_only: []}
train: {rounds: 7}
"""


def _source(kind, path, sha256):
    return {"kind": kind, "path": path, "sha256": sha256}


@pytest.fixture
def folder(tmp_path):
    """What ships, as a checkout has it."""
    (tmp_path / "params.yaml").write_text(SHIPPED, encoding="utf-8")
    (tmp_path / "shop.yaml").write_text(SHOP, encoding="utf-8")
    return tmp_path


def test_an_empty_shop_is_what_ships(folder):
    laid = load_params(folder / "params.yaml")
    assert laid == load_laid(folder / "params.yaml", None)


def test_yours_is_laid_over_what_ships_and_over_its_profile(folder):
    (folder / "shop.yaml").write_text(
        "source: {kind: m5, path: x}\ntrain: {rounds: 7}\n", encoding="utf-8"
    )
    params = load_params(folder / "params.yaml")
    assert (params.source.kind, params.train.rounds) == ("m5", 7)
    assert params.train.blocks == [28]  # of the profile of m5
    assert load_laid(folder / "params.yaml", None).train.rounds != 7


def test_a_mapping_of_your_own_keeps_nothing_of_the_example(folder):
    (folder / "shop.yaml").write_text(MAPPING, encoding="utf-8")
    params = load_params(folder / "params.yaml")
    assert params.source.files.columns == {"unique_id": "sku", "ds": "day", "y": "pieces"}
    assert (params.source.files.hierarchy, params.source.files.past_only) == ({}, {})
    assert params.features.past_only == []


def test_without_columns_of_your_own_the_example_stands_and_yours_is_laid_over_it(folder):
    (folder / "shop.yaml").write_text(
        "source: {kind: files, files: {plans: 'test.*'}}\n", encoding="utf-8"
    )
    files = load_params(folder / "params.yaml").source.files
    assert (files.plans, files.sales) == ("test.*", "train.*")


def test_a_file_of_another_name_is_taken_whole(folder):
    (folder / "shop.yaml").write_text("train: {rounds: 7}\n", encoding="utf-8")
    other = folder / "other.yaml"
    other.write_text(SHIPPED, encoding="utf-8")
    assert load_params(other) == load_laid(folder / "params.yaml", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train: {round: 7}\n", r"shop\.yaml.*train\.round: Extra inputs"),
        ("trian: {rounds: 7}\n", r"trian: Extra inputs"),
        ("- train\n", r"shop\.yaml' holds no sections"),
        ("train: [\n", r"shop\.yaml' is not YAML"),
        (
            "source: files\n",
            r"shop\.yaml' holds 'files' where 'source' should hold names and values",
        ),
        ("source: {files: [a]}\n", r"shop\.yaml' holds \['a'\] where 'files'"),
        ("profiles: {m5: 4}\nsource: {kind: m5}\n", r"shop\.yaml' holds 4 where 'm5'"),
        ("profiles: {file: {train: {rounds: 7}}}\n", r"shop\.yaml' holds profiles for \['file'\]"),
        ("source: {files: {columns: }}\n", r"shop\.yaml.*source\.files\.columns"),
    ],
)
def test_what_is_wrong_in_yours_is_refused_by_name(folder, text, said):
    (folder / "shop.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadParams, match=said):
        load_params(folder / "params.yaml")


@pytest.mark.parametrize("text", ["ingest:\n", "source:\n  files:\n", "profiles:\n  m5:\n"])
def test_a_section_whose_lines_are_all_comments_changes_nothing(folder, text):
    (folder / "shop.yaml").write_text(text, encoding="utf-8")
    assert load_params(folder / "params.yaml") == load_laid(folder / "params.yaml", None)


def test_only_the_three_lines_change_and_there_and_back_is_the_same_text(tmp_path):
    there = with_source(SHIPPED, _source("m5", 'a "folder": #1/ü', "0123e4"))
    pairs = zip(SHIPPED.splitlines(), there.splitlines(), strict=True)
    changed = [line for line, new in pairs if line != new]
    assert [line.split(":")[0].strip() for line in changed] == ["kind", "path", "sha256"]
    (tmp_path / "p.yaml").write_text(there, encoding="utf-8")
    source = load_params(tmp_path / "p.yaml").source
    assert (source.kind, source.path, source.sha256) == ("m5", 'a "folder": #1/ü', "0123e4")
    back = _source("simulator", None, None)
    assert with_source(with_source(there, back), back) == with_source(SHIPPED, back)


def test_an_empty_shop_gets_a_section_and_loses_it_again():
    there = with_source(SHOP, _source("m5", "x", "0"))
    assert there == SHOP + 'source:\n  kind: "m5"\n  path: "x"\n  sha256: "0"\n'
    assert with_source(there, {}, ["kind", "path", "sha256"]) == SHOP


def test_lines_a_shop_lacks_are_added_and_the_others_stay():
    own = "source:  # mine\n    # my files\n    files: {sales: a}\n    kind: files\n"
    there = with_source(own, {"path": "x"}, ["kind"])
    expected = own.replace("    kind: files\n", "").replace("# mine\n", '# mine\n    path: "x"\n')
    assert there == expected


@pytest.mark.parametrize(
    "text",
    [
        "source: # where\n  kind: m5\n  path: >\n    folded\n  sha256: null\n",
        "source: {kind: m5, path: x}\n",
        "source: m5\n",
    ],
)
def test_what_is_not_a_line_for_each_value_is_refused(text):
    with pytest.raises(BadParams, match="source"):
        with_source(text, _source("m5", None, None))


def test_an_empty_value_is_filled_in():
    text = "source: # where\n  kind: m5\n  path:   # folder\n  sha256: null\n"
    there = with_source(text, _source("files", "x", None))
    assert there.splitlines()[2] == '  path: "x" # folder'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: " + "[" * 50_000, "levels"),
        ("a: " + "{a: " * 5_000 + "}" * 5_000, "levels"),
        ("".join(f"{' ' * k}a:\n" for k in range(3_000)), "levels"),
        ("- " * 5_000, "levels"),
        ("train: {rounds: 1" + "0" * 5_000 + "}", "digits"),
        ("source: !!python/object/apply:os.system ['true']", "constructor"),
        ("source: !shop {kind: files}", "constructor"),
        ("source: &a [*a]", "values"),
        ("source: {kind: files, kind: m5}", "duplicate"),
        ("a: 1\n---\nb: 2", "single document"),
    ],
)
def test_no_yaml_ends_the_process_or_makes_more_than_values(folder, text, said):
    """Deep brackets ended the interpreter itself; a tag may name any function of Python."""
    (folder / "shop.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadParams, match=said):
        load_params(folder / "params.yaml")


def test_aliases_of_aliases_are_refused_at_once(tmp_path: Path) -> None:
    names = "abcdefghij"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in pairwise(names):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    path = tmp_path / "params.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(BadParams, match="alias of an alias"):
        load_params(path)
    path.write_text("a: &a [*a]\n", encoding="utf-8")
    with pytest.raises(BadParams):
        load_params(path)
