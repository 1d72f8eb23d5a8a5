"""A rule: what breaks it, as a Polars expression and as an expectation, and why a retailer would
want it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import polars as pl

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

Severity = Literal["batch", "row", "note"]  # refuse the file, refuse the row, keep it and say so

_IN_GREAT_EXPECTATIONS = {"batch": "critical", "row": "warning", "note": "info"}


@dataclass(frozen=True)
class Rule:
    """`broken` is true for a row that breaks it; null (nothing to compare) breaks nothing. It reads
    one column.
    """

    code: str
    sentence: str
    severity: Severity
    column: str
    broken: pl.Expr
    expectation: Callable[[], Expectation]
    # compares with what was known on arrival; says nothing of a panel later
    is_of_arrival: bool = False
    way_out: str = ""  # of a rule about days: what to do where it is wrong


def present(
    column: str,
    code: str,
    sentence: str,
    severity: Severity = "row",
    *,
    is_of_arrival: bool = False,
) -> Rule:
    """The column must hold a value."""
    expectation = partial(_not_null, column, code, severity)
    return Rule(
        code, sentence, severity, column, pl.col(column).is_null(), expectation, is_of_arrival
    )


def within(
    column: str,
    code: str,
    sentence: str,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    severity: Severity = "row",
    is_of_arrival: bool = False,
    way_out: str = "",
) -> Rule:
    """A value, where there is one, must lie in the range."""
    value = pl.col(column)
    outside = [pl.lit(False)]
    outside += [value < at_least] if at_least is not None else []
    outside += [value <= above] if above is not None else []
    outside += [value > at_most] if at_most is not None else []
    lowest = at_least if above is None else above
    expectation = partial(_between, column, code, severity, lowest, at_most, above is not None)
    return Rule(
        code,
        sentence,
        severity,
        column,
        pl.any_horizontal(outside),
        expectation,
        is_of_arrival,
        way_out,
    )


def not_learned_ahead() -> Rule:
    """The rule on `known_at` that all facts share. One day of grace: a till's clock may stand in
    another time zone.
    """
    sentence = (
        "Nobody has learned tomorrow what he says today; until then this row would beat every correction. "
        "Is known_at another column?"
    )
    return within(
        "days_learned_ahead", "learned_in_future", sentence, at_most=1, is_of_arrival=True
    )


def _not_null(column: str, code: str, severity: Severity) -> Expectation:
    from great_expectations import expectations as gxe

    return gxe.ExpectColumnValuesToNotBeNull(
        column=column, severity=_IN_GREAT_EXPECTATIONS[severity], meta={"code": code}
    )


def _between(
    column: str,
    code: str,
    severity: Severity,
    lowest: float | None,
    highest: float | None,
    is_strict: bool,
) -> Expectation:
    from great_expectations import expectations as gxe

    return gxe.ExpectColumnValuesToBeBetween(
        column=column,
        min_value=lowest,
        max_value=highest,
        strict_min=is_strict,
        severity=_IN_GREAT_EXPECTATIONS[severity],
        meta={"code": code},
    )
