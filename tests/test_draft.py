"""`ingest.py draft`: a mapping written where there is none, tried, and left to a person where
nobody can know.
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ruamel.yaml import YAML

from contract.params_file import load_params
from ingest import main

DAYS = [date(2024, 1, 1) + timedelta(days=k) for k in range(60)]


@pytest.fixture
def shop(root: Path, tmp_path: Path) -> Path:
    """A checkout's params.yaml as it ships, and beside it an empty shop.yaml."""
    (tmp_path / "params.yaml").write_bytes((root / "params.yaml").read_bytes())
    (tmp_path / "shop.yaml").write_text("# yours\n", encoding="utf-8")
    return tmp_path / "shop.yaml"


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """Sixty days of two items, one column about persons."""
    return written(
        tmp_path / "sales.csv",
        "date,item,qty,email",
        [f"{ds},{i},{k % 7},c{k}@example.com" for k, ds in enumerate(DAYS) for i in ("A", "B")],
    )


@pytest.fixture(scope="session")
def invented(root: Path) -> ModuleType:
    """tests/sources/invented_exports.py."""
    path = root / "tests" / "sources" / "invented_exports.py"
    spec = importlib.util.spec_from_file_location("invented_exports", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written(path: Path, head: str, rows: list[str]) -> Path:
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def draft(shop: Path, *arguments: object) -> int:
    params, data = shop.with_name("params.yaml"), shop.with_name("data")
    return main(["draft", *map(str, arguments), "--params", str(params), "--data", str(data)])


def summary(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def plain(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def test_an_empty_shop_gets_the_mapping_and_the_params_take_it(shop, sales, capsys):
    assert draft(shop, sales, "--json") == 0
    params = load_params(shop.with_name("params.yaml"))
    assert params.source.kind == "files"
    assert params.source.files.columns == {"unique_id": ["item"], "ds": "date", "y": "qty"}
    assert params.source.sha256 is not None
    found = summary(capsys)
    assert (found["rows_in"], found["rows_refused"], found["series"]) == (120, 0, 2)
    assert "personal" in found["not_mapped"]["email"]


def test_the_text_says_why_each_line_is_so_and_what_was_left_out(shop, sales):
    draft(shop, sales)
    lines = shop.read_text(encoding="utf-8").splitlines()
    assert any("y:" in line and "read as numbers" in line for line in lines)
    assert any(line.startswith("#   email: personal") for line in lines)
    assert [line for line in lines if "example.com" in line] == []


def test_nothing_is_taken_into_the_store(shop, sales):
    draft(shop, sales)
    assert not shop.with_name("data").exists() or not any(shop.with_name("data").rglob("*"))


def test_a_mapping_is_never_overwritten(shop, sales, capsys):
    text = "source:\n  files: {sales: 'x*', columns: {unique_id: a, ds: b, y: c}}\n"
    shop.write_text(text, encoding="utf-8")
    assert draft(shop, sales, "--json") == 0
    assert shop.read_text(encoding="utf-8") == text
    beside = shop.with_name("shop.draft.yaml")
    assert plain(beside)["source"]["files"]["columns"]["y"] == "qty"
    assert "mv shop.draft.yaml shop.yaml" in summary(capsys)["next"]


def test_settings_of_your_own_stay_with_their_comments(shop, sales):
    own = "monitor:\n  max_staleness_days: 5  # our files come late\n"
    shop.write_text(f"source:\n  kind: m5\n  path: old\n{own}", encoding="utf-8")
    assert draft(shop, sales) == 0
    assert own in shop.read_text(encoding="utf-8")
    params = load_params(shop.with_name("params.yaml"))
    assert (params.source.kind, params.monitor.max_staleness_days) == ("files", 5)


def test_a_kept_mapping_is_tried_on_its_files(shop, sales, capsys):
    draft(shop, sales)
    edited = shop.read_text(encoding="utf-8") + "# mine\n"
    shop.write_text(edited, encoding="utf-8")
    capsys.readouterr()
    assert draft(shop, sales, "--keep", "--json") == 0
    assert shop.read_text(encoding="utf-8").endswith("# mine\n")
    assert summary(capsys)["mapping"] == "kept"


def test_what_a_person_must_decide_ends_with_one_and_stands_in_the_text(shop, tmp_path, capsys):
    rows = [f"{ds},{i},{k % 7},{k % 5}" for k, ds in enumerate(DAYS) for i in ("A", "B")]
    file = written(tmp_path / "sales.csv", "date,item,qty_ordered,qty_shipped", rows)
    assert draft(shop, file, "--json") == 1
    found = summary(capsys)
    assert found["error"] == "Undecided"
    assert list(found["to_decide"]) == ["y", "holidays"]
    text = shop.with_name("shop.draft.yaml").read_text(encoding="utf-8")
    assert "# TO DECIDE: --answer y=(qty_ordered | qty_shipped)" in text
    assert plain(shop) is None
    assert draft(shop, file, "--answer", "y=qty_shipped") == 0
    assert plain(shop)["source"]["files"]["columns"]["y"] == "qty_shipped"


def test_on_a_terminal_a_person_chooses_by_number(shop, tmp_path, capsys, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    rows = [f"{ds},{i},{k % 7},{k % 5}" for k, ds in enumerate(DAYS) for i in ("A", "B")]
    file = written(tmp_path / "sales.csv", "date,item,qty_ordered,qty_shipped", rows)
    monkeypatch.setattr(sys, "stdin", Terminal("2\n"))
    assert draft(shop, file) == 0
    assert "qty_ordered" in capsys.readouterr().err
    assert plain(shop)["source"]["files"]["columns"]["y"] == "qty_shipped"


def test_refused_rows_are_shown_with_their_reason_and_three_of_them(shop, tmp_path, capsys):
    rows = [f"{ds},{i},{3 - k if 3 < k < 9 else k}" for k, ds in enumerate(DAYS) for i in "A"]
    file = written(tmp_path / "sales.csv", "date,item,qty", rows)
    draft(shop, file, "--json")
    refused = summary(capsys)["refused"]
    assert refused["units_negative"]["rows"] == 5
    assert len(refused["units_negative"]["examples"]) == 3


def test_odd_files_are_refused_without_a_traceback(shop, tmp_path, capsys):
    odd = {
        "empty": b"",
        "blank": b"\n\n\n",
        "one line": b"hello",
        "zeros": bytes(5000),
        "json": b'{"a": 1}',
        "no header": b"2024-01-01,A,3\n2024-01-02,A,4\n",
        "texts": b"a,b\n" + b"x,y\n" * 20,
        "cut parquet": b"PAR1abc",
        "quotes": b'date,item,qty\n"2024-01-01,A,3\n2024-01-02,A,4\n',
    }
    for name, content in odd.items():
        path = tmp_path / f"{name}.{'parquet' if 'parquet' in name else 'csv'}"
        path.write_bytes(content)
        assert draft(shop, path) == 1, name
        assert capsys.readouterr().err.startswith("refused: "), name


@pytest.mark.parametrize("text", ["source: [", "- source", "source: 3"])
def test_a_broken_shop_yaml_is_refused_as_params_are(shop, sales, capsys, text):
    shop.write_text(text, encoding="utf-8")
    for options in ([], ["--keep"]):
        assert draft(shop, sales, *options) == 2
        assert f"'{shop}'" in capsys.readouterr().err
    assert not shop.with_name("shop.draft.yaml").exists()


def test_texts_of_files_cannot_leave_their_comment(shop, tmp_path):
    rows = [f'{ds},{i},{k % 7},"x\nsource: evil"' for k, ds in enumerate(DAYS) for i in "AB"]
    file = written(tmp_path / "sales.csv", 'date,item,qty,"note\nfeatures: {}"', rows)
    assert draft(shop, file) == 0
    assert set(plain(shop)) >= {"source", "features"}
    assert plain(shop)["source"]["kind"] == "files"


def test_an_unknown_key_is_wrong_usage(shop, sales):
    assert draft(shop, sales, "--answer", "colour=red") == 2
    assert draft(shop, sales, "--answer", "date_format=dd.mm.yyyy") == 2
    assert draft(shop, sales, "--answer", "encoding=klingon") == 2
    assert draft(shop, sales, "--answer", "transactions=perhaps") == 2
    assert draft(shop) == 2


@pytest.mark.parametrize(
    ("name", "units", "lines"),
    [
        ("german_pos", "Menge", None),
        ("us_wide", "units", None),
        ("shopify_orders", "Lineitem quantity", True),
        ("sap_extract", "FKIMG", None),
        ("spark_parts", "units_sold", None),
        ("kiosk", "sold", None),
    ],
)
def test_an_export_as_people_have_it_needs_no_edit(
    shop, tmp_path, invented, capsys, name, units, lines
):
    path = invented.EXPORTS[name](tmp_path / "export")
    assert draft(shop, path, "--json") == 0
    found = summary(capsys)
    files = plain(shop)["source"]["files"]
    assert (files["columns"]["y"], files.get("transactions")) == (units, lines)
    assert found["rows_refused"] <= 0.01 * found["rows_in"]
    assert list(found["to_decide"]) == ["holidays"]  # which runs undecided, too


def test_whose_holidays_hold_is_a_question_of_the_text_and_keeps_nobody_waiting(shop, sales):
    assert draft(shop, sales) == 0
    text = shop.read_text(encoding="utf-8")
    assert "# TO DECIDE: --answer holidays=..." in text
    assert "no calendar lies beside the sales. In which country" in text
    assert "holidays" not in plain(shop)["source"]["files"]


def test_the_country_that_is_stated_stands_in_the_mapping_and_is_tried(shop, sales, capsys):
    assert draft(shop, sales, "--answer", "holidays=DE-BE", "--json") == 0
    found = summary(capsys)
    assert found["to_decide"] == {}
    assert found["rows_in"] > 120  # the holidays are read as a fill will read them
    assert load_params(shop.with_name("params.yaml")).source.files.holidays == "DE-BE"
    assert draft(shop, "--keep", "--json") == 0


@pytest.mark.parametrize(("code", "way_out"), [("Germany", "'DE-BE' or"), ("DE-BAV", "'DE-BY'")])
def test_a_country_nobody_knows_is_refused_and_nothing_is_written(
    shop, sales, capsys, code, way_out
):
    assert draft(shop, sales, "--answer", f"holidays={code}") == 2
    assert way_out in capsys.readouterr().err
    assert plain(shop) is None and not shop.with_name("shop.draft.yaml").exists()


def test_beside_a_calendar_there_is_no_question_of_holidays(shop, sales, capsys):
    folder = shop.with_name("files")
    folder.mkdir()
    sales.rename(folder / "sales.csv")
    days = [f"{ds},{'Carnival' if k % 9 == 0 else ''}" for k, ds in enumerate(DAYS)]
    written(folder / "days.csv", "date,event", days)
    assert draft(shop, folder, "--json") == 0
    assert summary(capsys)["to_decide"] == {}
    assert draft(shop, folder, "--answer", "holidays=DE") == 2
    assert "Take out source.files.holidays" in capsys.readouterr().err
