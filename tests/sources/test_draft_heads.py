"""Where a table begins that nobody has described: its header line and its encoding."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import BadInput
from sources.draft.heads import encoding_of, header_in, header_of
from sources.headers import Wanted
from sources.tables import read_table


def written(folder: Path, text: str, encoding: str = "utf8") -> Path:
    path = folder / "sales.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_the_header_is_the_first_line_of_names_over_values():
    assert header_in([["date", "item", "qty"], ["2024-01-01", "A", "3"]]) == ["date", "item", "qty"]


def test_title_lines_above_it_are_none(tmp_path):
    text = "Sales report\nprinted by,Ann,,\n\ndate,store,item,qty\n2024-01-01,1,A,3\n"
    assert header_of(written(tmp_path, text), None) == ["date", "store", "item", "qty"]


def test_days_as_names_are_a_header_too():
    days = ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert header_in([["item", *days], ["A", "1", "2", "3"]]) == ["item", *days]


def test_a_table_without_a_header_is_refused_with_its_first_line(tmp_path):
    with pytest.raises(BadInput, match=r"no line that names its columns.*2024-01-01"):
        header_of(written(tmp_path, "2024-01-01,A,3\n2024-01-02,A,4\n"), None)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("cp1252", "Stück;Käse;Größe\n1;Brötchen;Nüsse\n"),
        ("cp850", "Stück;Käse;Größe\n1;Brötchen;Nüsse\n"),
        ("cp1252", "Quantité;Réf;Magasin\n1;café crème;Nîmes\n"),
    ],
)
def test_the_encoding_is_the_page_in_which_its_bytes_are_letters(tmp_path, page, text):
    assert encoding_of(written(tmp_path, text, page)) == page


@pytest.mark.parametrize("page", ["utf8", "utf-8-sig", "utf-16"])
def test_what_the_reader_sees_by_itself_is_left_to_it(tmp_path, page):
    assert encoding_of(written(tmp_path, "Stück;Käse\n1;2\n", page)) is None


@pytest.mark.parametrize("page", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_the_header_of_wide_text_is_read_as_the_reader_reads_it(tmp_path, page):
    path = written(tmp_path, "Bericht\n\nTag;Stück\n2024-01-01;3\n", page)
    assert header_of(path, None) == ["Tag", "Stück"]
    assert read_table(path, wanted=Wanted(frozenset({"Tag"}))).columns[:2] == ["Tag", "Stück"]
