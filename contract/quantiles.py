"""The nine quantiles every forecast carries, named per mille: the median and the 50, 67, 95 and 99%
intervals of M5.
"""

from __future__ import annotations

QUANTILES: dict[str, float] = {
    "q005": 0.005,
    "q025": 0.025,
    "q165": 0.165,
    "q250": 0.250,
    "q500": 0.500,
    "q750": 0.750,
    "q835": 0.835,
    "q975": 0.975,
    "q995": 0.995,
}

# central interval, by its nominal coverage: lower and upper column
INTERVALS: dict[float, tuple[str, str]] = {
    0.50: ("q250", "q750"),
    0.67: ("q165", "q835"),
    0.95: ("q025", "q975"),
    0.99: ("q005", "q995"),
}
