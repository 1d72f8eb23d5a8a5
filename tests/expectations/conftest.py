"""What the tests of rules share: params as shipped, and a file of sales as the judge sees it."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from contract.frames import REFUSED, SALES
from contract.params import IngestParams, Params
from contract.received import Received
from expectations.judge import Judgement, judge
from expectations.suite import Context
from expectations.suites import SUITES


@pytest.fixture(scope="session")
def ingest(params: Params) -> IngestParams:
    """The section as shipped."""
    return params.ingest


@pytest.fixture(scope="session")
def judged() -> Callable[..., Judgement]:
    """`judged(rows, context, great)`: unique_id, ds and y as one file of sales, one line a row."""
    return _judged


def _judged(rows: pl.DataFrame, context: Context, great: bool = False) -> Judgement:
    whole = SALES.conform(rows.with_columns(known_at=None)).with_row_index("row_number", offset=1)
    whole = whole.with_columns(pl.col("row_number").cast(pl.Int64), lines=pl.lit(1, pl.Int64))
    received = Received("sales", whole, REFUSED.empty(), rows.height)
    return judge(received, SUITES["sales"], context, great)
