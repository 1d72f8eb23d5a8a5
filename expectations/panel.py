"""The frozen panel against every rule, compiled to Polars."""

from __future__ import annotations

from datetime import date

import polars as pl

from contract.frames import FACTS
from contract.panel import Panel
from contract.params import IngestParams
from expectations.judge import broken_rows
from expectations.suite import Context
from expectations.suites import SUITES


def broken_by_panel(
    panel: Panel, ingest: IngestParams, last_day: date
) -> dict[str, dict[str, int]]:
    """Per fact and code: rows of the panel, or of a range of its series, that break a rule. Notes
    and rules about a row's arrival are left out. `last_day`: that of the whole panel.
    """
    return {fact: _broken(fact, panel, Context(ingest, last_day)) for fact in FACTS}


def _broken(fact: str, panel: Panel, context: Context) -> dict[str, int]:
    suite = SUITES[fact]
    rules = [
        rule
        for rule in suite.rules(context.ingest)
        if rule.severity != "note" and not rule.is_of_arrival
    ]
    measured = suite.measured(panel.fact(fact).with_columns(columns_missing=pl.lit(0)), context)
    counts = broken_rows(measured, rules, by_great_expectations=False).sum().row(0, named=True)
    return {code: int(count) for code, count in counts.items() if count}
