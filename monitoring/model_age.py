"""Model age: days since the last sales day the champion has learned from; who serves without."""

from __future__ import annotations

from datetime import date

from monitoring.finding import Finding


def no_champion(serves: str | None, reason: str) -> Finding:
    """A store without a champion: `serves` is the best of the backtest, and the gate's `reason` for
    refusing the candidate; None: nothing was judged yet, and the baseline serves.
    """
    if serves is None:
        what, severity = "no model was promoted: the baseline serves", "error"
        advice = "Run `make repro`: it trains a candidate and judges it."
    else:
        what, severity = f"no model has passed the gate ({reason}); {serves} serves", "warning"
        advice = (
            "The table is of the best the backtest knows. The first candidate that passes the gate "
            "takes over; the weekly flow tries one each week. Too strict a limit? It stands under "
            "evaluate.gate."
        )
    return Finding("champion", what, severity, 0.0, 1.0, advice)


def model_age(cutoff: date, last_day: date, max_days: int) -> Finding:
    """Age on the newest sales day."""
    age_days = (last_day - cutoff).days
    return Finding(
        "model_age",
        f"the champion learned up to {cutoff}, {age_days} days before the newest sales day",
        "warning" if age_days > max_days else "ok",
        float(age_days),
        float(max_days),
        "Run the weekly flow: `python flows/weekly.py --plain`.",
        cutoff,
    )
