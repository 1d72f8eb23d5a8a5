"""Properties: whatever a file holds, every received line is a row or a refused row, with a number
of its own.
"""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.errors import BadInput
from sources.reading import read_file
from sources.reasons import REASONS

HEADER = ["shop", "item", "day", "sold", "open"]
FIELDS = st.one_of(
    st.sampled_from(
        [
            "A",
            "B",
            "",
            "2024-01-01",
            "2024-02-30",
            "1",
            "1,5",
            "-2",
            "nan",
            "yes",
            '"',
            "x\ny",
            " ",
            ";",
            "é",
        ]
    ),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00\r"), max_size=6),
)
LINES = st.lists(st.lists(FIELDS, min_size=1, max_size=7), max_size=12)
MAPPING = {
    "columns": {"unique_id": ["shop", "item"], "ds": "day", "y": "sold", "is_open": "open"},
    "hierarchy": {"store_id": "shop"},
    "date_format": "%Y-%m-%d",
    "separator": ",",
}
relaxed = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _written(lines: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEADER, *lines])
    return text.getvalue()


def _not_blank(lines: list[list[str]]) -> int:
    return sum(any(field.strip() for field in line) for line in lines)


@relaxed
@given(lines=LINES)
def test_received_lines_are_rows_plus_refused_rows(lines: list[list[str]], source_of):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sales.csv"
        path.write_text(_written(lines), encoding="utf8", newline="")
        try:
            (sales,) = read_file(path, source_of("files", Path(folder), **MAPPING))
        except BadInput as refusal:  # a word that returns: what it means must be stated
            assert "codes" in str(refusal) or "decimal" in str(refusal)
            return
    assert sales.rows_in == _not_blank([line[: len(HEADER) + 1] for line in lines])
    assert sales.rows_in == sales.rows.height + sales.refused.height
    numbers = sorted(sales.rows["row_number"].to_list() + sales.refused["row_number"].to_list())
    assert numbers == list(range(1, sales.rows_in + 1))
    assert set(sales.refused["reason"].to_list()) <= set(REASONS)
    assert sales.rows.select("unique_id", "ds", "y").null_count().sum_horizontal().item() == 0


@relaxed
@given(lines=LINES)
def test_summed_invoice_lines_are_counted_too(lines: list[list[str]], source_of):
    mapping = {
        **MAPPING,
        "transactions": True,
        "deduplicate_on": ["shop", "item", "day", "sold"],
        "keep": {"item": "A|B"},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sales.csv"
        path.write_text(_written(lines), encoding="utf8", newline="")
        try:
            (sales,) = read_file(path, source_of("files", Path(folder), **mapping))
        except BadInput as refusal:
            assert "codes" in str(refusal) or "decimal" in str(refusal)
            return
    assert sales.rows_in == _not_blank([line[: len(HEADER) + 1] for line in lines])
    assert sales.rows_in == sales.rows["lines"].sum() + sales.refused.height
    assert not sales.rows.select("unique_id", "ds").is_duplicated().any()


@relaxed
@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_sentence(content: bytes, source_of):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sales.csv"
        path.write_bytes(content)
        try:
            received = read_file(path, source_of("files", Path(folder), **MAPPING))
        except BadInput as refusal:
            assert str(refusal).endswith((".", "'"))
        else:
            assert all(
                fact.rows_in == fact.rows["lines"].sum() + fact.refused.height for fact in received
            )
