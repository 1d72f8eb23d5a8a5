"""What somebody who edits params.yaml or shop.yaml can have the service do: read what its user may
read, and nothing else.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from contract.errors import TillcastError
from contract.params_file import load_params
from flows.weekly import weekly
from runtime.paths import Paths
from stages.fill import fill
from storage.store import read_store

NOW = datetime(2024, 6, 1, 6)
ACCOUNTS = "root:x:0:0:administrator of the machine\n"
MAPPING = """
source:
  kind: files
  path: {path}
  levels: [[]]
  region: null
  files:
    sales: "{sales}"
    columns: {{unique_id: item, ds: day, y: units}}
features: {{hierarchy: []}}
"""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder elsewhere that holds what is nobody's business, and sales."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "passwd").write_text(ACCOUNTS, encoding="utf-8")
    rows = [f"{day:02d},a,3" for day in range(1, 29)]
    lines = ["day,item,units", *(f"2024-05-{row}" for row in rows)]
    (folder / "sales.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def filled(tmp_path: Path, root: Path) -> Callable[[Path, str], str | None]:
    """`filled(path, sales)`: a store filled from there; why not, or None when it was."""

    def fill_from(path: Path, sales: str) -> str | None:
        checkout = tmp_path / "checkout"
        checkout.mkdir(exist_ok=True)
        shutil.copy(root / "params.yaml", checkout)
        shop = MAPPING.format(path=path, sales=sales)
        (checkout / "shop.yaml").write_text(shop, encoding="utf-8")
        try:
            fill(load_params(checkout / "params.yaml"), Paths(checkout / "data"), now=NOW)
        except TillcastError as error:
            return str(error)
        return None

    return fill_from


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_source_anywhere_is_read_and_left_as_it_is(
    filled: Callable[[Path, str], str | None], outside: Path, tmp_path: Path
) -> None:
    before = contents(outside)
    assert filled(outside, "sales.csv") is None
    with read_store(tmp_path / "checkout" / "data" / "tillcast.duckdb") as con:
        assert con.execute("select count(*), sum(y) from sales").fetchall() == [(28, 84.0)]
    assert contents(outside) == before
    assert {path.name for path in tmp_path.iterdir()} == {"checkout", "elsewhere"}


@pytest.mark.parametrize(
    "sales", ["../elsewhere/sales.csv", "sub/../../elsewhere/*", "/etc/hostname", "../*/*.csv"]
)
def test_a_pattern_does_not_lead_out_of_the_source(
    filled: Callable[[Path, str], str | None], outside: Path, tmp_path: Path, sales: str
) -> None:
    (tmp_path / "sent" / "sub").mkdir(parents=True)
    (tmp_path / "sent" / "notes.csv").write_text("day,item,units\n", encoding="utf-8")
    assert "holds no file named" in str(filled(tmp_path / "sent", sales))


def test_a_file_without_the_mapped_columns_is_refused_and_its_text_is_in_no_table(
    filled: Callable[[Path, str], str | None], outside: Path, tmp_path: Path
) -> None:
    before = contents(outside)
    assert "'item'" in str(filled(outside, "passwd"))
    assert contents(outside) == before
    with read_store(tmp_path / "checkout" / "data" / "tillcast.duckdb") as con:
        assert con.execute("select count(*) from quarantine").fetchall() == [(0,)]


def test_no_param_enters_a_command(root: Path) -> None:
    """DVC would fill `${...}` into the shell's line; prefect.yaml could run steps of its own."""
    pipeline = (root / "dvc.yaml").read_text(encoding="utf-8")
    assert "${" not in pipeline
    commands = re.findall(r"^\s+cmd: (.+)$", pipeline, flags=re.MULTILINE)
    assert len(commands) >= 9
    assert all(re.fullmatch(r"exec python \w+\.py[\w -]*", command) for command in commands)
    deployments = (root / "prefect.yaml").read_text(encoding="utf-8")
    assert not re.search(r"^\s*(?:build|push|pull|steps):", deployments, flags=re.MULTILINE)


def test_params_that_ask_for_more_than_a_night_are_ended() -> None:
    """Leaves, rows and origins multiply; the flow has an end."""
    assert weekly.timeout_seconds == 12 * 3600


def test_rounds_that_no_night_holds_are_refused_with_their_bound(
    tmp_path: Path, root: Path
) -> None:
    shutil.copy(root / "params.yaml", tmp_path)
    shop = tmp_path / "shop.yaml"
    shop.write_text("train: {rounds: 10000}\n", encoding="utf-8")
    assert load_params(tmp_path / "params.yaml").train.rounds == 10_000
    shop.write_text("train: {rounds: 10001}\n", encoding="utf-8")
    with pytest.raises(TillcastError, match=r"train\.rounds.*10001.*10000|train\.rounds.*10000"):
        load_params(tmp_path / "params.yaml")
