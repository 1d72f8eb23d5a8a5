"""Validation pages: offline, escaped, few."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from pathlib import Path

import polars as pl

from contract.frames import REFUSED, SALES
from contract.params import Params
from contract.received import Received
from expectations.judge import Judgement, judge
from expectations.pages import write_page
from expectations.suite import Context
from expectations.suites import SUITES, sentences
from runtime.paths import Paths

EVIL = "<script>alert('x')</script>"


def judgement(params: Params) -> Judgement:
    """One good row, and one of negative units with markup for a name."""
    rows = SALES.conform(
        pl.DataFrame(
            {
                "unique_id": ["a", EVIL],
                "ds": date(2024, 2, 29),
                "y": [1.0, -1.0],
                "known_at": [None, None],
            }
        )
    ).with_columns(row_number=pl.Series([1, 2]), lines=pl.lit(1, pl.Int64))
    loose = params.ingest.model_copy(update={"max_refused_share": 1.0})
    received = Received("sales", rows, REFUSED.empty(), 2)
    return judge(
        received, SUITES["sales"], Context(loose, date(2024, 3, 1)), by_great_expectations=False
    )


def page(folder: Path, params: Params, number: int, keep: int = 3) -> Path:
    head = {
        "name": f"{EVIL}{number}.csv",
        "fact": "sales",
        "received_at": datetime(2024, 3, 1, 5),
        "rows_in": 2,
    }
    words = sentences(params.ingest)
    return write_page(
        folder, f"20240301T050000-{number:06d}-sales", judgement(params), head, words, keep
    )


def test_a_page_says_what_was_refused_and_why_and_names_cannot_become_markup(
    tmp_path: Path, params: Params
) -> None:
    text = page(tmp_path, params, 1).read_text(encoding="utf-8")
    assert "units_negative" in text
    assert "Returns are not demand" in text
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    for html in (text, index):
        assert "<script" not in html
        assert "&lt;script&gt;" in html


def test_pages_load_nothing_from_anywhere(tmp_path: Path, params: Params) -> None:
    page(tmp_path, params, 1)
    for path in tmp_path.glob("*.html"):
        assert not re.search(
            r"(https?:)?//|<link|<img|@import|url\(", path.read_text(encoding="utf-8")
        )


def test_only_the_newest_pages_are_kept_with_their_json(tmp_path: Path, params: Params) -> None:
    for number in range(5):
        page(tmp_path, params, number)
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert len(kept) == 3 * 2 + 1
    assert kept[0].startswith("20240301T050000-000002")
    said = json.loads(
        (tmp_path / "20240301T050000-000004-sales.batch.json").read_text(encoding="utf-8")
    )
    assert (said["rows_in"], said["rows_accepted"], said["rows_refused"]) == (2, 1, 1)
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"-00000(\d)-sales.html", index) == ["4", "3", "2"]


def test_the_report_leads_to_the_pages(root: Path) -> None:
    """From data/reports to data/validation, by a path that holds wherever the data folder lies."""
    paths = Paths(Path("/anywhere"))
    text = (root / "reports" / "templates" / "page.html").read_text(encoding="utf-8")
    (link,) = re.findall(r'href="([^"]*validation[^"]*)"', text)
    assert (paths.reports / link).resolve() == paths.validation / "index.html"
