"""A rule: what breaks it, as a Polars expression and as an expectation, and why a retailer would
want it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import polars as pl

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

# refuse the file, the row, or of the row one value (the row, where nothing else stands in it); keep
# it and say so
Severity = Literal["batch", "row", "value", "note"]

_IN_GREAT_EXPECTATIONS = {"batch": "critical", "row": "warning", "value": "warning", "note": "info"}


@dataclass(frozen=True)
class Range:
    """Where a value may lie; None is no bound. `above` leaves its bound out, the others take it
    in.
    """

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None

    def excludes(self, value: pl.Expr) -> pl.Expr:
        """Whether a value lies outside; null for none."""
        outside = [pl.lit(False)]
        outside += [value < self.at_least] if self.at_least is not None else []
        outside += [value <= self.above] if self.above is not None else []
        outside += [value > self.at_most] if self.at_most is not None else []
        return pl.any_horizontal(outside)


@dataclass(frozen=True)
class Rule:
    """What the values of one column must be. `allowed`: where a value, if there is one, must lie;
    None: there must be one.

    `is_of_arrival`: it compares with what was known on arrival, so it says nothing of a panel
    later. `way_out`: of a rule about days, what to do where it is wrong. `value`: the column that a
    rule of severity "value" makes unknown. `is_left_out`: a row that breaks it is none of ours, and
    no fault of its file: it does not count for ingest.max_refused_share.
    """

    code: str
    sentence: str
    column: str
    allowed: Range | None
    severity: Severity = "row"
    is_of_arrival: bool = False
    way_out: str = ""
    value: str = ""
    is_left_out: bool = False

    def refusing_value(self, value: str) -> Rule:
        """The same rule, refusing this value of a row and no other."""
        return replace(self, severity="value", value=value)

    def with_severity(self, severity: Severity) -> Rule:
        """The same rule, refusing the batch, the row, or nothing."""
        return replace(self, severity=severity)

    def leaving_out(self) -> Rule:
        """The same rule, refusing rows without a fault of their file."""
        return replace(self, is_left_out=True)

    def on_arrival(self, way_out: str = "") -> Rule:
        """The same rule, of a row's arrival alone."""
        return replace(self, is_of_arrival=True, way_out=way_out)

    @property
    def broken(self) -> pl.Expr:
        """True for a row that breaks it; null (nothing to compare) breaks nothing."""
        value = pl.col(self.column)
        return value.is_null() if self.allowed is None else self.allowed.excludes(value)

    def expectation(self) -> Expectation:
        """The same for Great Expectations; its `meta` holds the code."""
        from great_expectations.expectations.core.expect_column_values_to_be_between import (
            ExpectColumnValuesToBeBetween,
        )
        from great_expectations.expectations.core.expect_column_values_to_not_be_null import (
            ExpectColumnValuesToNotBeNull,
        )
        from great_expectations.expectations.metadata_types import FailureSeverity

        severity = FailureSeverity(_IN_GREAT_EXPECTATIONS[self.severity])
        meta = {"code": self.code}
        if self.allowed is None:
            return ExpectColumnValuesToNotBeNull(column=self.column, severity=severity, meta=meta)
        is_strict = self.allowed.above is not None
        return ExpectColumnValuesToBeBetween(
            column=self.column,
            min_value=self.allowed.above if is_strict else self.allowed.at_least,
            max_value=self.allowed.at_most,
            strict_min=is_strict,
            severity=severity,
            meta=meta,
        )


def present(column: str, code: str, sentence: str) -> Rule:
    """The column must hold a value, or the row is refused."""
    return Rule(code, sentence, column, None)


def within(
    column: str,
    code: str,
    sentence: str,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
) -> Rule:
    """A value, where there is one, must lie in the range, or the row is refused."""
    return Rule(code, sentence, column, Range(at_least, above, at_most))
