"""All suites by fact, and all codes in words."""

from __future__ import annotations

from contract.params import IngestParams
from expectations.calendar import CALENDAR_SUITE
from expectations.covariates import COVARIATES_SUITE
from expectations.judge import FILE_REFUSED, TOO_MANY_REFUSED
from expectations.prices import PRICES_SUITE
from expectations.sales import SALES_SUITE
from expectations.stock import OPEN_ORDERS_SUITE, STOCK_SUITE
from expectations.suite import Suite
from expectations.supply import SUPPLY_SUITE
from expectations.totals import TOTALS_SUITE
from expectations.unread import ROWS_REFUSED, ROWS_UNREAD

SUITES: dict[str, Suite] = {
    suite.fact: suite
    for suite in (
        SALES_SUITE,
        CALENDAR_SUITE,
        PRICES_SUITE,
        COVARIATES_SUITE,
        TOTALS_SUITE,
        STOCK_SUITE,
        OPEN_ORDERS_SUITE,
        SUPPLY_SUITE,
    )
}


def sentences(ingest: IngestParams) -> dict[str, str]:
    """Every code the judge may give, with its sentence."""
    of_rules = {
        rule.code: rule.sentence for suite in SUITES.values() for rule in suite.rules(ingest)
    }
    of_files = {
        TOO_MANY_REFUSED: "Too many rows of its batch were refused; the file is refused whole.",
        FILE_REFUSED: "Another fact of the same file was refused whole, and a file is wholly in or "
        "wholly out.",
        ROWS_UNREAD: "More rows than ingest.most_unread could not be read; their days are unknown.",
        ROWS_REFUSED: "Rules refused more than ingest.most_unread of the rows of a file taken.",
    }
    return of_files | of_rules
