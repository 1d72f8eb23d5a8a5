"""How every entry point behaves on the command line."""

import json
from datetime import date

import pytest

from contract.errors import BadInput, BadParams, GateFailed, SourceMissing, StoreBroken, StoreBusy
from runtime.command_line import entry_parser, run


def _run(work, *argv: str) -> int:
    return run(entry_parser("An entry point."), work, list(argv))


def _refuse(error: Exception):
    def work(arguments):
        raise error

    return work


def test_done_is_zero_and_one_line_a_fact(capsys):
    assert _run(lambda arguments: {"rows": 3, "wrmsse": 0.123456, "origin": date(2024, 1, 1)}) == 0
    assert capsys.readouterr().out == "rows    3\nwrmsse  0.1235\norigin  2024-01-01\n"


def test_a_value_of_several_lines_stands_under_its_name_between_empty_lines(capsys):
    _run(lambda arguments: {"table": "a\nb"})
    assert capsys.readouterr().out == "table  \n\na\nb\n\n"


def test_an_empty_summary_is_no_crash(capsys):
    assert _run(lambda arguments: {}) == 0
    assert capsys.readouterr().out == "\n"


def test_json_is_one_line_on_stdout_and_days_are_text(capsys):
    assert _run(lambda arguments: {"rows": 3, "origin": date(2024, 1, 1)}, "--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"rows": 3, "origin": "2024-01-01"}
    assert captured.out.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [(SourceMissing("s"), 1), (GateFailed("g"), 1), (BadParams("p"), 2), (StoreBusy("b"), 3)],
)
def test_a_refusal_ends_with_the_code_of_its_error_one_line_and_no_traceback(capsys, error, code):
    assert _run(_refuse(error)) == code
    captured = capsys.readouterr()
    assert captured.err == f"refused: {error}\n"
    assert captured.out == ""


def test_of_several_refusals_each_is_printed_in_its_order_and_one_in_other_words_once(capsys):
    """A lost store was reported as "no sales row" alone; what mends it (`make rebuild`) stood in
    the refusal before it.
    """

    def work(arguments):
        try:
            raise StoreBroken("the store is lost: make rebuild")
        finally:
            raise BadInput("no sales row")

    def in_other_words(arguments):
        try:
            raise StoreBusy("engine: locked")
        except StoreBusy as error:
            raise StoreBusy("held by 7") from error

    assert _run(work) == 1
    assert (
        capsys.readouterr().err
        == "refused: the store is lost: make rebuild\nrefused: no sales row\n"
    )
    assert _run(in_other_words) == 3
    assert capsys.readouterr().err == "refused: held by 7\n"


def test_a_refusal_in_json_names_the_error_and_the_reason(capsys):
    assert _run(_refuse(StoreBusy("held by 7")), "--json") == 3
    assert json.loads(capsys.readouterr().out) == {
        "status": "refused",
        "error": "StoreBusy",
        "reason": "held by 7",
    }


def test_a_bug_is_not_a_refusal_it_is_let_through():
    with pytest.raises(ZeroDivisionError):
        _run(lambda arguments: {"x": 1 / 0})


def test_wrong_arguments_end_with_two(capsys):
    with pytest.raises(SystemExit) as ended:
        _run(lambda arguments: {}, "--no-such-thing")
    assert ended.value.code == 2


def test_logs_go_to_stderr_so_that_stdout_stays_json(capsys):
    import logging

    def work(arguments):
        logging.getLogger("entry_point").info("read rows=3")
        return {"rows": 3}

    _run(work, "--json")
    captured = capsys.readouterr()
    assert "read rows=3" in captured.err
    assert json.loads(captured.out) == {"rows": 3}


def test_entry_points_share_params_data_and_json(tmp_path):
    arguments = entry_parser("An entry point.").parse_args(
        ["--data", str(tmp_path), "--params", "p.yaml"]
    )
    assert (arguments.data, str(arguments.params), arguments.json) == (tmp_path, "p.yaml", False)


def test_a_summary_shows_no_braces_or_brackets_of_python(capsys):
    nested = {"flags": {"life": 9, "loss": 0.123456}, "raised": ["bias", "drift"], "muted": []}
    deep = {"models": [{"a": 1, "b": [1, 2]}] * 9}
    _run(lambda arguments: nested | deep)
    printed = capsys.readouterr().out
    assert "flags   life: 9, loss: 0.1235" in printed
    assert "raised  bias, drift" in printed
    assert "muted   none" in printed
    assert not set("{}[]'") & set(printed)
