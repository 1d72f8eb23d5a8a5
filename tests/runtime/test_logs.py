"""Log lines in a file a day, beside stderr."""

from __future__ import annotations

import json
import logging
from datetime import datetime

import pytest

from contract.errors import BadInput
from runtime.command_line import entry_parser, run
from runtime.logs import KEPT_DAYS, log_to_stderr, logged_to

NOW = datetime(2024, 5, 31, 6)


def lines_of(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_record_is_a_line_of_json_whatever_it_quotes(tmp_path):
    log_to_stderr()
    with logged_to(tmp_path / "logs", NOW):
        logging.getLogger("ingest").info("took file=%s", 'a\n{"level": "ERROR"}')
        try:
            raise ValueError("off")
        except ValueError:
            logging.getLogger("monitor").exception("ended")
    first, second = lines_of(tmp_path / "logs" / "2024-05-31.jsonl")
    assert (first["level"], first["logger"]) == ("INFO", "ingest")
    assert first["message"] == 'took file=a\\n{"level": "ERROR"}'
    assert first["at"].endswith("+00:00") and "traceback" not in first
    assert second["traceback"].endswith("ValueError: off")


def test_what_comes_after_is_not_in_the_file(tmp_path):
    log_to_stderr()
    for _ in range(2):
        with logged_to(tmp_path, NOW):
            logging.getLogger("ingest").info("a run")
        logging.getLogger("ingest").info("after it")
    said = [line["message"] for line in lines_of(tmp_path / "2024-05-31.jsonl")]
    assert said == ["a run", "a run"]


def test_files_of_a_month_ago_go_and_others_stay(tmp_path):
    names = ["2024-04-30.jsonl", "2024-05-01.jsonl", "2024-05-30.jsonl", "notes.txt"]
    for name in names:
        (tmp_path / name).write_text("{}\n")
    with logged_to(tmp_path, NOW):
        pass
    assert KEPT_DAYS == 30
    assert sorted(path.name for path in tmp_path.iterdir()) == names[1:]


def test_without_a_record_no_file_is_made(tmp_path):
    with logged_to(tmp_path / "logs", NOW):
        pass
    assert not (tmp_path / "logs").exists()


def file_in_its_place(logs) -> None:
    logs.write_text("no folder")


def full_disk(logs) -> None:
    logs.mkdir()
    (logs / "2024-05-31.jsonl").symlink_to("/dev/full")


def old_file_that_stays(logs) -> None:
    (logs / "2024-04-30.jsonl").mkdir(parents=True)


@pytest.mark.parametrize(
    ("trouble", "what"),
    [
        (file_in_its_place, "2024-05-31.jsonl' cannot be written ([Errno 17] File exists"),
        (full_disk, "2024-05-31.jsonl' cannot be written ([Errno 28] No space left"),
        (old_file_that_stays, "2024-04-30.jsonl' cannot be removed ([Errno 21] Is a directory"),
    ],
)
def test_a_log_that_cannot_be_written_ends_nothing_and_is_said_once(
    tmp_path, capsys, trouble, what
):
    trouble(tmp_path / "logs")
    log_to_stderr()
    with logged_to(tmp_path / "logs", NOW):
        for _ in range(3):
            logging.getLogger("ingest").info("went on")
    lines = capsys.readouterr().err.splitlines()
    assert sum(line.endswith("INFO ingest went on") for line in lines) == 3
    (said,) = [line for line in lines if not line.endswith("INFO ingest went on")]
    assert what in said


def test_what_fits_again_is_written_again(tmp_path, capsys):
    logs, log = tmp_path / "logs", logging.getLogger("ingest")
    full_disk(logs)
    log_to_stderr()
    with logged_to(logs, NOW):
        log.info("lost")
        (logs / "2024-05-31.jsonl").unlink()
        log.info("kept")
    assert [line["message"] for line in lines_of(logs / "2024-05-31.jsonl")] == ["kept"]


def works(_arguments):
    logging.getLogger("ingest").info("worked")
    return {}


def refuses(_arguments):
    logging.getLogger("ingest").error("looked")
    raise BadInput("no")


@pytest.mark.parametrize("work", [works, refuses])
def test_a_run_of_an_entry_point_is_kept(tmp_path, work):
    run(entry_parser("x"), work, ["--data", str(tmp_path)])
    (file,) = (tmp_path / "logs").iterdir()
    assert [line["logger"] for line in lines_of(file)] == ["ingest"]


def test_a_dry_run_and_a_stage_of_dvc_keep_none(tmp_path, monkeypatch):
    parser = entry_parser("x")
    parser.add_argument("--dry-run", action="store_true")
    run(parser, works, ["--data", str(tmp_path), "--dry-run"])
    monkeypatch.setenv("DVC_STAGE", "train")
    monkeypatch.setattr("runtime.command_line.end_with_parent", lambda: None)
    run(entry_parser("x"), works, ["--data", str(tmp_path)])
    assert not (tmp_path / "logs").exists()
