"""Great Expectations as the judge of a daily batch: offline, without output, in memory."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from expectations.rule import Rule

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult

_ROW = "at"


def broken_by_great_expectations(measured: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """Per rule (column, named by its code) and row: whether the row breaks it, as Great
    Expectations says.
    """
    columns = dict.fromkeys(rule.column for rule in rules)
    frame = (
        measured.select(list(columns))
        .with_columns(pl.col(pl.Float32, pl.Float64).fill_nan(None))
        .with_row_index(_ROW)
    )
    by_code = {}  # the results are grouped by column, not in order
    for result in _validate(frame, rules).results:
        config = result.expectation_config
        if config is not None and config.meta is not None:
            by_code[config.meta["code"]] = result
    broken = {}
    for rule in rules:
        result = by_code[rule.code]
        if result.exception_info.get("raised_exception"):
            raise RuntimeError(
                f"rule {rule.code} could not be checked: "
                f"{result.exception_info['exception_message']}"
            )
        rows = [place[_ROW] for place in result.result.get("unexpected_index_list") or []]
        broken[rule.code] = pl.int_range(measured.height, eager=True).is_in(
            pl.Series(rows, dtype=pl.Int64).implode()
        )
    return pl.DataFrame(broken)


def _validate(frame: pl.DataFrame, rules: Sequence[Rule]) -> ExpectationSuiteValidationResult:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    chatter = logging.getLogger("great_expectations")
    chatter.addHandler(logging.NullHandler())
    # hundreds of lines about itself; what it cannot check is raised above
    chatter.propagate = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own deprecations, not ours to mend
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("memory").add_dataframe_asset("batch")
        batch = asset.add_batch_definition_whole_dataframe("whole").get_batch(
            {"dataframe": frame.to_pandas()}
        )
        suite = gx.ExpectationSuite(
            name="rules", expectations=[rule.expectation() for rule in rules]
        )
        every_row = {"result_format": "COMPLETE", "unexpected_index_column_names": [_ROW]}
        return batch.validate(suite, result_format=every_row)
