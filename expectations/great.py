"""Great Expectations as the judge of a daily batch: offline, silent, in memory."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence

import polars as pl

from expectations.rule import Rule

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
    result = _validate(frame, rules)
    answers = {
        answer.expectation_config.meta["code"]: answer for answer in result.results
    }  # grouped by column, not in order
    broken = {}
    for rule in rules:
        answer = answers[rule.code]
        if answer.exception_info.get("raised_exception"):
            raise RuntimeError(
                f"rule {rule.code} could not be asked: {answer.exception_info['exception_message']}"
            )
        rows = [found[_ROW] for found in answer.result.get("unexpected_index_list") or []]
        broken[rule.code] = pl.int_range(measured.height, eager=True).is_in(
            pl.Series(rows, dtype=pl.Int64).implode()
        )
    return pl.DataFrame(broken)


def _validate(frame: pl.DataFrame, rules: Sequence[Rule]):
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    chatter = logging.getLogger("great_expectations")
    chatter.addHandler(logging.NullHandler())
    # hundreds of lines about itself; what it cannot answer is raised above
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
        asked = {"result_format": "COMPLETE", "unexpected_index_column_names": [_ROW]}
        return batch.validate(suite, result_format=asked)
