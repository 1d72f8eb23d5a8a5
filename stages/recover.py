"""What a kill left half in this checkout, before anything runs on it: DVC's pins and DVC's lock are
put right, half params are refused.

DVC rewrites dvc.lock in place: killed while it does, it leaves a file that it refuses ever after.
A lock cut between two stages reads well: DVC runs the stages it does not find again.
"""

from __future__ import annotations

import fcntl
import json
import logging
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from contract.errors import BadInput, BadParams
from contract.params_file import load_params, shop_of
from runtime.command_line import Summary
from runtime.disk import write_whole
from runtime.process import text_in_head
from storage.holder import process_name

log = logging.getLogger("ingest")

PINS = "dvc.lock"
_UNPINNED = {"path", "hash"}  # the keys before that of the hash itself


def recover(params_path: Path) -> Summary:
    """What of the checkout that holds this params file was put right; BadParams for half params."""
    checkout = params_path.resolve().parent
    _refuse_half_params(params_path)
    restored = {
        PINS: _restore_pins(checkout / PINS),
        "rwlock": _forget_dead_dvc(checkout / ".dvc" / "tmp"),
    }
    put_right = [name for name, is_restored in restored.items() if is_restored]
    for name in put_right:
        log.warning("put right file=%s reason=left by a kill", name)
    return {"put_right": put_right}


def are_whole(pins: str) -> bool:
    """Whether a dvc.lock was written to its end, as far as it shows."""
    try:
        raw = YAML(typ="safe").load(pins)
    except (YAMLError, ValueError):
        return False
    if not isinstance(raw, dict) or not {"schema", "stages"} <= raw.keys():
        return False
    stages = raw["stages"]
    is_ended = pins.endswith("\n")
    return is_ended and isinstance(stages, dict) and all(map(_is_pinned, stages.values()))


def _is_pinned(stage: Any) -> bool:
    """Whether a stage of dvc.lock has its command, a hash for each file and values for each file
    of params.
    """
    if not isinstance(stage, dict) or "cmd" not in stage:
        return False
    pins = [stage[part] for part in ("deps", "outs", "params") if part in stage]
    files = [file for part in ("deps", "outs") for file in stage.get(part) or []]
    params = (stage.get("params") or {}).values()
    return (
        all(pins)
        and all(isinstance(file, dict) and file.keys() - _UNPINNED for file in files)
        and all(isinstance(values, dict) for values in params)
    )


def _restore_pins(lock: Path) -> bool:
    """Whether dvc.lock was cut short, and is now as git's HEAD has it: what was pinned since is
    pinned again when its stages run. BadInput where git has none.
    """
    if not lock.exists() or are_whole(lock.read_text(encoding="utf-8", errors="replace")):
        return False
    pinned = text_in_head(lock)
    if pinned is None or not are_whole(pinned):
        raise BadInput(
            f"'{lock}' was cut short while it was written ({lock.stat().st_size} bytes), and git's "
            "HEAD has no whole one. Remove it (`rm dvc.lock`) and run the same command again: "
            "every stage runs once more and is pinned anew."
        )
    write_whole(lock, pinned)
    return True


def _forget_dead_dvc(tmp: Path) -> bool:
    """Whether DVC's list of who reads and writes what was half, or named only processes that are
    gone, and is away now. DVC itself trusts a number that another process has since.
    """
    listed = tmp / "rwlock"
    if not listed.exists():
        return False
    with (tmp / "rwlock.lock").open("a") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # a dvc of now is writing it
            return False
        text = listed.read_text(encoding="utf-8", errors="replace")
        holders = [int(pid) for pid in re.findall(r'"pid": (\d+)', text)]
        is_held = any("dvc" in process_name(pid) for pid in holders)
        if is_held or (_is_json(text) and not holders):
            return False
        listed.unlink()
    return True


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _refuse_half_params(params_path: Path) -> None:
    """BadParams for params that do not read, and for a shop.yaml of no bytes: as shipped it holds
    its comments, and nothing of ours ever writes it empty.
    """
    shop = shop_of(params_path)
    if shop is not None and not shop.read_bytes().strip(b"\0\n "):
        raise BadParams(
            f"'{shop}' is empty, not even the comments it ships with are there: a write was cut "
            "short. Bring yours back from git or a backup; without one `git checkout -- "
            f"{shop.name}` is the shipped one, which maps nothing of yours."
        )
    try:
        load_params(params_path)
    except BadParams as error:
        files = " ".join(path.name for path in (params_path, shop) if path)
        raise BadParams(
            f"{error} Cut short by a kill? `git diff -- {files}` shows what is missing; bring it "
            "back from git or a backup."
        ) from error
