"""The written rule: how a drill is graded.

graceful      the table is whole and lost at most `graceful_loss` of WRMSSE; or a wrong file was
              refused, a harmless one taken once; or a disturbed morning published the very table
              of an undisturbed one; or every order line has the units of an undisturbed morning; or
              an alert came within a week, names a series that changed and states the day it began,
              three days off at most
degraded      the table is whole and lost more; or lost `catastrophic_loss` or more, but most of its
              rows say that they are not the champion's; or a run was refused with a reason; or a
              wrong file came in with a note, a harmless one was refused; or a morning ended without
              its table and said so (a refusal, a signal, rows with a reason), and the next one had
              it; or every order line that is not as it would be gives a reason or a flag; or an
              alert came later, named another series or stated another day
catastrophic  the table lost `catastrophic_loss` or more, or its 95% intervals cover
              `catastrophic_coverage_lost` less, and it calls itself the champion's (a watcher's
              alert does not help: the orders leave); or it lacks rows or holds nulls or negatives;
              or a wrong file came in unnoticed, or a harmless one counted twice, or the right file
              afterwards did not put it right; or a morning ended well without its table, or with
              another one, or the steps written down did not bring it back; or an order line is
              wrong and says nothing, or the right files afterwards did not put it right; or no
              alert came
"""

from __future__ import annotations

import math
from typing import Any, Literal

from contract.params import DrillParams

Grade = Literal["graceful", "degraded", "catastrophic"]

MOST_ROWS = 0.5
ALERT_MORNINGS, ONSET_DAYS = 7, 3


def grade_table(
    loss: float, coverage_lost: float, is_whole: bool, fallback_share: float, params: DrillParams
) -> Grade:
    """The grade of a published table by what it lost of WRMSSE (a share) and coverage against the
    clean run (negative: it won).
    """
    if not is_whole or math.isnan(loss):
        return "catastrophic"
    is_lost = loss >= params.catastrophic_loss or coverage_lost >= params.catastrophic_coverage_lost
    if is_lost and fallback_share <= MOST_ROWS:
        return "catastrophic"
    return "graceful" if loss <= params.graceful_loss and not is_lost else "degraded"


def grade_delivery(
    summary: dict[str, Any], is_wrong: bool, is_known: bool, is_put_right: bool = True
) -> Grade:
    """The grade of a file from ingest.py's summary; `is_known`: the same content was taken
    before; `is_put_right`: after the right file the store holds what it would have held.
    """
    if not is_put_right:
        return "catastrophic"
    if is_wrong:
        if summary["rows_out"] == 0:
            return "graceful"
        return "degraded" if summary["notes"] or summary["rows_refused"] else "catastrophic"
    if summary["refused"]:
        return "degraded"
    return "graceful" if summary["known" if is_known else "accepted"] == 1 else "catastrophic"


def grade_orders(said: int, unsaid: int, is_put_right: bool) -> Grade:
    """The grade of a morning's orders. said: lines that are wrong or without units and say so;
    unsaid: wrong lines that do not; `is_put_right`: the right files brought the right orders.
    """
    if unsaid or not is_put_right:
        return "catastrophic"
    return "degraded" if said else "graceful"


def grade_morning(outcome: str, is_loud: bool, is_recovered: bool) -> Grade:
    """The grade of a morning. outcome: published (the undisturbed table), fallback (a whole one
    whose rows give a reason), yesterday's (still the one before), unreadable (the store), other.
    """
    if not is_recovered or outcome == "other":
        return "catastrophic"
    if outcome == "published":
        return "graceful"
    return "degraded" if is_loud else "catastrophic"


def grade_alert(mornings: int | None, days_off: int, is_named: bool) -> Grade:
    """The grade of an alert: the mornings it took (None: there was none), the days by which its
    "since" is off, whether it names a series that changed.
    """
    if mornings is None:
        return "catastrophic"
    is_right = mornings <= ALERT_MORNINGS and days_off <= ONSET_DAYS and is_named
    return "graceful" if is_right else "degraded"
