"""A checkout after a kill: dvc.lock, DVC's own lock and params are put right or refused before
anything runs.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML

from contract.errors import BadInput, BadParams, SourceMissing, StoreBroken
from contract.params_file import load_params
from flows import weekly
from flows.engine import plainly
from runtime.paths import Paths
from stages.fill import fill
from stages.recover import are_whole, recover

GONE_PID = 2**22 + 1  # above what Linux gives


@pytest.fixture
def pins() -> str:
    """Two stages of a dvc.lock as DVC writes it."""
    return """\
schema: '2.0'
stages:
  validate:
    cmd: python ingest.py check-panel
    deps:
    - path: data/panel
      hash: md5
      md5: 014239b9bb918933d12e54401feb18a5.dir
      size: 665310
      nfiles: 10
    params:
      params.yaml:
        ingest:
          max_y: 100000
      shop.yaml: {}
    outs:
    - path: data/validation/panel.json
      hash: md5
      md5: 245b760bac0f338a25b20b88d526ba68
      size: 5678
  incumbent:
    cmd: python evaluate.py incumbent
    outs:
    - path: data/models/incumbent
      hash: md5
      md5: 19ff65e4108c89be84608fb061c75799.dir
      size: 19
"""


@pytest.fixture
def checkout(tmp_path: Path, root: Path, pins: str) -> Path:
    """params.yaml, shop.yaml and dvc.lock under git; the params file."""
    for name in ("params.yaml", "shop.yaml"):
        shutil.copy(root / name, tmp_path / name)
    (tmp_path / "dvc.lock").write_text(pins, encoding="utf-8")
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", "params.yaml", "shop.yaml", "dvc.lock")
    _git(tmp_path, "commit", "-qm", "start")
    return tmp_path / "params.yaml"


def _git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True)  # noqa: S603, S607 -- ours


def test_a_whole_checkout_is_left_alone(checkout: Path, pins: str) -> None:
    rwlock = checkout.parent / ".dvc" / "tmp" / "rwlock"
    rwlock.write_text('{"read": {}, "write": {}}', encoding="utf-8")
    assert recover(checkout) == {"put_right": []}
    assert (checkout.parent / "dvc.lock").read_text(encoding="utf-8") == pins
    assert rwlock.exists()


def test_a_checkout_without_dvc_has_nothing_to_put_right(checkout: Path) -> None:
    (checkout.parent / "dvc.lock").unlink()
    shutil.rmtree(checkout.parent / ".dvc")
    assert recover(checkout) == {"put_right": []}


@pytest.mark.parametrize("kept", [0, 7, 240, -1])
def test_pins_cut_short_are_those_of_git_again(checkout: Path, pins: str, kept: int) -> None:
    lock = checkout.parent / "dvc.lock"
    lock.write_text(pins[:kept], encoding="utf-8")
    assert recover(checkout) == {"put_right": ["dvc.lock"]}
    assert lock.read_text(encoding="utf-8") == pins
    assert recover(checkout) == {"put_right": []}


def test_pins_that_a_power_cut_left_as_zeros_are_those_of_git_again(
    checkout: Path, pins: str
) -> None:
    lock = checkout.parent / "dvc.lock"
    lock.write_bytes(bytes(len(pins)))
    assert recover(checkout) == {"put_right": ["dvc.lock"]}
    assert lock.read_text(encoding="utf-8") == pins


def test_half_pins_that_git_does_not_have_are_refused_with_the_way_out(
    checkout: Path, pins: str
) -> None:
    _git(checkout.parent, "rm", "-q", "--cached", "dvc.lock")
    _git(checkout.parent, "commit", "-qm", "no pins")
    (checkout.parent / "dvc.lock").write_text(pins[:99], encoding="utf-8")
    with pytest.raises(BadInput, match=r"99 bytes.*rm dvc\.lock"):
        recover(checkout)
    shutil.rmtree(checkout.parent / ".git")
    with pytest.raises(BadInput, match=r"HEAD has no whole one"):
        recover(checkout)


def test_every_cut_that_dvc_would_refuse_is_seen(pins: str) -> None:
    """At every length: what is taken for whole, DVC's own schema takes too."""
    whole = [kept for kept in range(len(pins) + 1) if are_whole(pins[:kept])]
    for kept in whole:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(pins[:kept]))
    after_a_whole_file = {pins[:kept].splitlines()[-1] for kept in whole}
    assert after_a_whole_file == {
        *("      nfiles: 10", "      size: 5678", "      size: 19", "      size: 665310"),
        *("      shop.yaml: {}", "        ingest:", "          max_y: 100000"),
        *(line for line in pins.splitlines() if "      md5: " in line),
        "    cmd: python ingest.py check-panel",
        "    cmd: python evaluate.py incumbent",
    }


def test_the_pins_of_this_checkout_are_whole(root: Path) -> None:
    assert are_whole((root / "dvc.lock").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text", ["", '{"wri', f'{{"write": {{"/d": {{"pid": {GONE_PID}, "cmd": "dvc repro"}}}}}}']
)
def test_the_lock_of_a_dvc_that_is_gone_is_taken_away(checkout: Path, text: str) -> None:
    rwlock = checkout.parent / ".dvc" / "tmp" / "rwlock"
    rwlock.write_text(text, encoding="utf-8")
    assert recover(checkout) == {"put_right": ["rwlock"]}
    assert not rwlock.exists()


def test_a_number_that_another_process_has_since_is_no_dvc(checkout: Path) -> None:
    """In a container the next process has the number of the killed one."""
    rwlock = checkout.parent / ".dvc" / "tmp" / "rwlock"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        held = {"write": {"/d": {"pid": other.pid, "cmd": "dvc repro"}}}
        rwlock.write_text(json.dumps(held), encoding="utf-8")
        assert recover(checkout) == {"put_right": ["rwlock"]}
        other.kill()


def test_the_lock_of_a_dvc_at_work_is_left_alone(checkout: Path) -> None:
    rwlock = checkout.parent / ".dvc" / "tmp" / "rwlock"
    command = [sys.executable, "-c", "input()", "dvc", "repro"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as dvc:  # noqa: S603 -- ours
        held = {"write": {"/d": {"pid": dvc.pid, "cmd": "dvc repro"}}}
        rwlock.write_text(json.dumps(held), encoding="utf-8")
        assert recover(checkout) == {"put_right": []}
        dvc.kill()
    rwlock.write_text("", encoding="utf-8")
    with (checkout.parent / ".dvc" / "tmp" / "rwlock.lock").open("a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # it is being written
        assert recover(checkout) == {"put_right": []}


@pytest.mark.parametrize("kept", [100, 9_000, 20_000])
def test_half_params_are_refused_with_the_way_out(checkout: Path, kept: int) -> None:
    checkout.write_bytes(checkout.read_bytes()[:kept])
    with pytest.raises(BadParams, match=r"git diff -- params\.yaml shop\.yaml"):
        recover(checkout)


@pytest.mark.parametrize(
    "text", ["source: {kind: fi", "source:\n  kind: fil", "\0" * 300, "", " \n"]
)
def test_a_half_shop_is_refused_with_the_way_out(checkout: Path, text: str) -> None:
    checkout.with_name("shop.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadParams, match=r"backup"):
        recover(checkout)


def test_a_shop_cut_to_another_source_is_refused_by_the_week(checkout: Path) -> None:
    """What is left of it reads well: the store says whose it is."""
    shop = checkout.with_name("shop.yaml")
    small = "source: {simulator: {series: 20, days: 120}}\n"
    shop.write_text(small, encoding="utf-8")
    paths = Paths(checkout.parent / "data")
    now = datetime(2024, 6, 1, 6)
    fill(load_params(checkout), paths, now=now)
    shop.write_text("# only the comment is left\n", encoding="utf-8")
    with pytest.raises(StoreBroken, match="belongs to source"):
        weekly.week(plainly, checkout, paths.root, now)


@pytest.mark.parametrize("task", ["recover", "weekly"])
def test_what_is_half_is_put_right_before_the_flow_and_by_the_command(
    checkout: Path, pins: str, task: str, root: Path
) -> None:
    lock = checkout.parent / "dvc.lock"
    lock.write_text("", encoding="utf-8")
    if task == "weekly":  # there is no store yet: the flow stops right after
        with pytest.raises(SourceMissing):
            weekly.week(plainly, checkout, checkout.parent / "data", None)
    else:
        command = [sys.executable, str(root / "ingest.py"), "recover", "--params", str(checkout)]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(root)})  # noqa: S603 -- ours
    assert lock.read_text(encoding="utf-8") == pins
