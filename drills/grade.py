"""The written rule: how a drill is graded.

graceful      the table is whole and lost at most `graceful_loss` of WRMSSE; or a wrong file was refused, a harmless one taken once
degraded      the table is whole and lost more; or lost `catastrophic_loss` or more, but most of its rows say that they are not
              the champion's; or a run was refused out loud; or a wrong file came in with a note, a harmless one was refused
catastrophic  the table lost `catastrophic_loss` or more and calls itself the champion's (a watcher's alarm does not help: the
              orders leave); or it lacks rows or holds nulls or negatives; or a wrong file came in in silence, or a harmless
              one counted twice
"""

from __future__ import annotations

import math
from typing import Any, Literal

from contract.params import DrillParams

Grade = Literal["graceful", "degraded", "catastrophic"]


MOST_ROWS = 0.5


def grade_table(loss: float, is_whole: bool, fallback_share: float, params: DrillParams) -> Grade:
    """The grade of a published table that lost this share of WRMSSE against the clean run (negative: it won)."""
    if not is_whole or math.isnan(loss):
        return "catastrophic"
    if loss >= params.catastrophic_loss and fallback_share <= MOST_ROWS:
        return "catastrophic"
    return "graceful" if loss <= params.graceful_loss else "degraded"


def grade_delivery(summary: dict[str, Any], is_wrong: bool, is_known: bool) -> Grade:
    """The grade of a file from the ingest door's summary; `is_known`: the same content was taken before."""
    if is_wrong:
        if summary["rows_out"] == 0:
            return "graceful"
        return "degraded" if summary["notes"] or summary["rows_refused"] else "catastrophic"
    if summary["refused"]:
        return "degraded"
    return "graceful" if summary["known" if is_known else "accepted"] == 1 else "catastrophic"
