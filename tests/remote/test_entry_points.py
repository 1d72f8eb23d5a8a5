"""The same by command and by flow: exit codes, what is written to shop.yaml, and a morning whose
delivery fails.
"""

from __future__ import annotations

import json
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import inference
import ingest
from contract.errors import RemoteUnreachable, SourceMissing
from contract.params_file import load_params
from flows.artifacts import show_nothing
from flows.daily import morning
from flows.tasks import worth_retrying

SHOP = """
source:
  kind: sql
  levels: [[]]
  region: null
  files:
    columns: {unique_id: [shop, sku], ds: day, y: sold}
    hierarchy: {store_id: shop}
  sql:
    url_env: TILLCAST_TEST_URL
    facts:
      sales: {table: sales, watermark: changed_at}
features: {hierarchy: []}
train: {groups: {columns: null}}
"""


@pytest.fixture
def checkout(tmp_path: Path, root: Path) -> Path:
    """Params as shipped, and a shop's own beside them."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copyfile(root / "params.yaml", folder / "params.yaml")
    (folder / "shop.yaml").write_text(SHOP, encoding="utf-8")
    return folder


def run(entry_point: Any, checkout: Path, *words: str) -> int:
    own = ["--params", str(checkout / "params.yaml"), "--data", str(checkout / "data")]
    return entry_point.main([*words, *own, "--json"])


def test_the_inbox_is_taken_after_what_is_new_was_fetched(checkout, database, capsys):
    assert run(ingest, checkout) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["rows_out"] == 240
    assert list(summary["fetched"].values()) == [240]
    assert run(ingest, checkout, "fetch") == 0
    day = date(2024, 3, 1) + timedelta(days=40)
    database.add(day, datetime(2024, 4, 11, 6))
    assert run(ingest, checkout, "fetch") == 0
    assert len(list((checkout / "data" / "inbox").iterdir())) == 1
    assert run(ingest, checkout) == 0
    assert not list((checkout / "data" / "inbox").iterdir())


def test_a_dry_run_fetches_nothing(checkout, database):
    assert run(ingest, checkout, "--dry-run") == 0
    assert not (checkout / "data" / "fetched.json").exists()


def test_exit_codes_say_whether_params_or_the_database_are_wrong(
    checkout, database, monkeypatch, capsys
):
    monkeypatch.setenv("TILLCAST_TEST_URL", f"sqlite:///{database.path}.gone")
    assert run(ingest, checkout) == 1
    assert ".gone" in capsys.readouterr().err
    monkeypatch.delenv("TILLCAST_TEST_URL")
    assert run(ingest, checkout) == 2
    assert run(inference, checkout, "deliver") == 2  # deliver.url_env is null


def test_a_source_of_tables_is_used_as_any_other(checkout, database):
    (checkout / "shop.yaml").write_text(SHOP.replace("kind: sql", "kind: simulator"), "utf-8")
    assert run(ingest, checkout, "source", "--use", "sql") == 0
    assert load_params(checkout / "params.yaml").source.kind == "sql"
    assert run(ingest, checkout, "fill") == 0


def test_the_tutorial_s_shop_is_one(checkout, root):
    tutorial = (root / "docs" / "tutorial.md").read_text(encoding="utf-8")
    section = tutorial[tutorial.index("## From a database or a bucket") :]
    shop = section[section.index("```yaml") + 7 : section.index("```\n```")]
    (checkout / "shop.yaml").write_text(shop, encoding="utf-8")
    source = load_params(checkout / "params.yaml").source
    assert (source.kind, set(source.sql.facts)) == ("sql", {"sales", "stock"})
    assert (source.files.sales, source.files.stock, source.files.prices) == (
        "sales.*", "stock.*", None,
    )  # fmt: skip


def test_a_delivery_that_fails_keeps_no_watcher_from_looking(tmp_path):
    done: list[str] = []

    def stage(task: Any, *_arguments: object) -> dict:
        done.append(task.fn.__name__)
        if task.fn.__name__ == "publish_elsewhere":
            raise RemoteUnreachable("nobody responds")
        return {}

    with pytest.raises(RemoteUnreachable):
        morning(stage, show_nothing, tmp_path, tmp_path, datetime(2024, 4, 10))
    assert done == ["take_inbox", "forecast", "propose", "publish_elsewhere", "look", "hand_out"]


def test_an_outage_is_tried_again_and_a_refusal_is_not():
    def is_retried(error: Exception) -> bool:
        return worth_retrying(None, None, SimpleNamespace(data=error))

    assert is_retried(RemoteUnreachable("nobody responds"))
    assert not is_retried(SourceMissing("no such table"))
