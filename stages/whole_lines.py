"""A line is taken whole or refused whole: what stands beside sales that a rule refused is refused
with them.
"""

from __future__ import annotations

import polars as pl

from contract.received import Received
from expectations.judge import Judgement, refuse_keys
from expectations.suites import SUITES

Judged = list[tuple[Received, Judgement]]


def lines_taken_whole(judged: Judged) -> Judged:
    """The facts of one file; prices and covariates of a line whose sales were refused are refused
    for the same reason.

    The price of a few late lines would replace that of the whole day. Where a line states no units
    there are no sales to doubt: its price is a plan, and stands.
    """
    sales = next((judgement for fact, judgement in judged if fact.fact == "sales"), None)
    if sales is None or len(judged) == 1:
        return judged
    lines = _lines_of(sales.refused)
    return [
        (fact, judgement if fact.fact == "sales" else _without(judgement, fact.fact, lines))
        for fact, judgement in judged
    ]


def _lines_of(refused: pl.DataFrame) -> pl.DataFrame:
    """row_number, unique_id, ds and reason of the refused lines with units; of a line that could
    not be read, no value was.
    """
    stated = {
        name: pl.col("raw").str.json_path_match(f"$.{name}") for name in ("unique_id", "ds", "y")
    }
    lines = refused.with_columns(**stated).filter(pl.all_horizontal(pl.col(*stated).is_not_null()))
    return lines.select("row_number", "unique_id", pl.col("ds").str.to_date(strict=False), "reason")


def _without(judgement: Judgement, fact: str, lines: pl.DataFrame) -> Judgement:
    day = next((name for name in ("ds", "from_ds") if name in judgement.accepted.columns), None)
    if day is None or "unique_id" not in judgement.accepted.columns:
        return judgement
    for (reason,), keys in lines.rename({"ds": day}).group_by("reason", maintain_order=True):
        judgement = refuse_keys(judgement, SUITES[fact], keys.drop("reason"), str(reason))
    return judgement
