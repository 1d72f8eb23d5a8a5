"""The harness: one registry, one parser, one writer, one way to start a measured process."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks.harness import results
from benchmarks.harness.command_line import listing, measure, option_parser
from benchmarks.harness.entry_points import NAMES, Folder, tried
from benchmarks.harness.process import command, measured, sampled
from benchmarks.harness.registry import (
    FOLDERS,
    SETS,
    Benchmark,
    Context,
    Option,
    benchmarks,
    chosen,
)
from benchmarks.speed.judging import prepared


@pytest.fixture
def kept_apart(tmp_path, monkeypatch):
    """Results kept in a folder of the test's own."""
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    return tmp_path


def counted(context: Context) -> results.Result:
    """A benchmark that adds to what it kept before."""
    return {"runs": context.before().get("runs", 0) + context.options.more}


def test_every_benchmark_says_its_question_and_its_needs(root):
    found = benchmarks()
    declared = [
        path.stem
        for folder in FOLDERS
        for path in (root / "benchmarks" / folder).glob("*.py")
        if "BENCHMARK = " in path.read_text(encoding="utf-8")
    ]
    assert sorted(found) == sorted(declared)
    assert [
        name for name, one in found.items() if not one.question.endswith("?") or not one.needs
    ] == []
    assert all(f"  {name} " in listing(list(found.values())) for name in found)


def test_options_of_one_name_mean_the_same_in_a_set():
    for name in SETS:
        options = [option for one in chosen(name) for option in one.options]
        assert all(one == other for one in options for other in options if one.name == other.name)


def test_every_benchmark_has_a_parser_of_its_own():
    for name, one in benchmarks().items():
        options = option_parser(name, [one]).parse_args(["--data", "somewhere"])
        assert options.data == Path("somewhere")


def test_an_unknown_benchmark_is_refused_with_those_there_are():
    with pytest.raises(SystemExit, match=r"no benchmark 'sped'; there are .*scale.*"):
        chosen("sped")


def test_a_run_is_printed_and_kept_and_the_next_one_adds_to_it(kept_apart, capsys):
    benchmark = Benchmark("?", "nothing", counted, (Option("more", "how many", 1, int),))
    measure("counted", [benchmark], [])
    measure("counted", [benchmark], ["--more", "2"])
    kept = json.loads((kept_apart / f"{benchmark.name}.json").read_text(encoding="utf-8"))
    assert kept["runs"] == 3
    assert {"processor", "cores", "python", "packages", "commit"} <= kept["machine"].keys()
    assert '"runs": 3' in capsys.readouterr().out


def test_a_result_by_source_is_called_after_the_source(tmp_path):
    (tmp_path / "params.yaml").write_text("source:\n  kind: m5\n", encoding="utf-8")
    benchmark = Benchmark("?", "nothing", counted, by_source=True)
    context = Context(benchmark, tmp_path / "data", Namespace())
    assert context.result_name == f"{benchmark.name}_m5"


def test_files_with_the_names_of_before_are_read_with_todays(kept_apart):
    (kept_apart / "old.json").write_text('{"told": [{"door": "train", "heard": {"2": 1}}]}')
    assert results.kept("old") == {"result": [{"entry_point": "train", "noticed": {"2": 1}}]}
    assert results.kept("never") is None


def test_measured_work_runs_in_a_process_of_its_own():
    timed = measured(prepared, 2, "polars", 100)
    assert timed.result["rows"] == 100
    assert len(timed.seconds) == 2
    assert timed.rss_mb > 0


def test_a_command_is_measured_however_it_ends():
    used = command("-c", 'print(\'{"status": "done"}\'); raise SystemExit(3)')
    assert (used.exit, used.summary) == (3, {"status": "done"})
    assert used.peak_mb > 0


def test_a_sampled_script_is_counted_by_function(tmp_path):
    seconds = sampled(tmp_path / "s.json", "ingest.py", "--help")
    assert sum(seconds.values()) > 0


def test_an_entry_point_is_run_over_a_folder(tmp_path):
    used = tried((f"{NAMES[0]}.py",), Folder(tmp_path / "none.yaml", tmp_path / "data"))
    assert used.exit == 2
    assert "none.yaml" in used.log
