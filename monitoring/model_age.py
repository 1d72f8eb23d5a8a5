"""Model age: days since the last sales day the champion has learned from."""

from __future__ import annotations

from datetime import date

from monitoring.finding import Finding


def model_age(cutoff: date | None, last_day: date, max_days: int) -> Finding:
    """Age on the newest sales day; a store without a champion is an error of its own."""
    if cutoff is None:
        return Finding(
            "champion",
            "no model was promoted: the baseline serves",
            "error",
            0.0,
            1.0,
            "Run `make repro`, read data/scores/decision.json for what the gate had against the "
            "candidate.",
        )
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
