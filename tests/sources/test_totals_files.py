"""Files of totals of groups: whose total a row is, and what is refused."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from contract.errors import BadInput
from contract.frames import TOTALS
from contract.received import Received
from sources.finding import files_of
from sources.reading import read_file

MAPPING = {
    "sales": "till*",
    "columns": {"unique_id": "sku", "ds": "day", "y": "sold"},
    "hierarchy": {"store_id": "shop", "dept_id": "dept"},
    "totals": "sums*",
    "totals_columns": {"ds": "Tag", "y": "Menge", "known_at": "stand"},
    "totals_on": {"store_id": "Filiale", "dept_id": "Gruppe"},
}


@pytest.fixture
def read(tmp_path: Path, source_of):
    """Reads text as a file of totals; further arguments are lines of source.files over MAPPING."""

    def from_text(text: str, **files: object) -> Received:
        path = tmp_path / "sums.csv"
        path.write_text(text, encoding="utf-8")
        [fact] = read_file(path, source_of("files", tmp_path, **{**MAPPING, **files}))
        assert fact.rows_in == fact.rows["lines"].sum() + fact.refused.height
        return fact

    return from_text


HEAD = "Filiale;Gruppe;Tag;Menge;stand\n"


def test_a_row_holds_for_the_series_it_names_and_an_empty_cell_for_any(read):
    fact = read(
        HEAD
        + "N;Brot;31.12.2022;1.234,5;2023-01-01T06:00:00\n;*;31.12.2022;9,0;\nN;;01.01.2023;8,5;\n"
    )
    assert TOTALS.conform(fact.rows).rows() == [
        ('{"dept_id":"Brot","store_id":"N"}', date(2022, 12, 31), 1234.5, datetime(2023, 1, 1, 6)),
        ("{}", date(2022, 12, 31), 9.0, None),
        ('{"store_id":"N"}', date(2023, 1, 1), 8.5, None),
    ]


def test_without_a_mapping_the_columns_have_the_contracts_names(read):
    fact = read("ds,y\n2022-12-31,5\n", totals_columns={}, totals_on={})
    assert fact.rows.select("scope", "ds", "y").rows() == [("{}", date(2022, 12, 31), 5.0)]


def test_a_row_without_day_or_units_is_refused(read):
    lines = ["N;Brot;;5;", "N;Brot;31.12.2022;;", "N;Brot;31.12.2022;viele;", "N;;1.1.2023;1;"]
    reasons = read(HEAD + "\n".join(lines)).refused["reason"].to_list()
    assert reasons == ["missing_value", "missing_value", "unreadable_number"]


def test_a_file_without_a_column_it_is_mapped_to_says_which_line_names_it(read):
    with pytest.raises(BadInput, match=r"Gruppe.*source\.files\.totals_on"):
        read("Filiale;Tag;Menge;stand\nN;31.12.2022;5;\n")
    with pytest.raises(BadInput, match=r"Menge.*source\.files\.totals_columns"):
        read("Filiale;Gruppe;Tag;stand\nN;Brot;31.12.2022;\n")


def test_years_at_once_are_a_history_and_a_day_is_none(read):
    days = [f"N;Brot;{date(2022, month, 1)};5;\n" for month in range(1, 13)]
    assert read(HEAD + "".join(days)).is_history
    assert not read(HEAD + days[0]).is_history


def test_totals_are_taken_after_the_sales_and_before_the_supply(tmp_path: Path, source_of):
    source = source_of("files", tmp_path, **{**MAPPING, "supply": "vendors*"})
    for name in ("sums_1.csv", "vendors_1.csv", "till_1.csv"):
        (tmp_path / name).write_text("sku\n")
    names = [file.name for file in files_of(source)]
    assert names == ["till_1.csv", "sums_1.csv", "vendors_1.csv"]


def test_the_simulator_takes_a_file_in_the_contracts_words(tmp_path: Path, source_of):
    (tmp_path / "totals.csv").write_text("store_id,ds,y\nCA_1,2022-12-31,5\n,2022-12-31,9\n")
    [fact] = read_file(tmp_path / "totals.csv", source_of("simulator", None))
    assert fact.rows["scope"].to_list() == ['{"store_id":"CA_1"}', "{}"]
