"""Order days and lead times as people write them."""

from __future__ import annotations

import re

from sources.calendar_words import WEEKDAYS

_EVERY_DAY = (
    "daily",
    "every day",
    "täglich",
    "taeglich",
    "tägl",
    "quotidien",
    "diario",
    "dagelijks",
)
_SHORT = {"tu": 2, "we": 3, "th": 4, "su": 7, "weds": 3}  # beside the German mo, fr, sa
_TO = re.compile(r"\s+(?:to|through|thru|bis|au|tot)\s+|\s*[-\u2013]\s*")
_PLURALS = {f"{name}s": number for name, number in WEEKDAYS.items() if len(name) > 4}
_AND = ("and", "und", "u", "et", "y", "e", "en")
_UNIT = r"(?:d|days?|t|tage?n?|jours?|j|d[ií]as?|giorn[oi]|dag(?:en)?)\.?"
_LEAD = rf"([-+]?\d{{1,4}})(?:[.,]0+)?\s*(?:{_UNIT})?"
_SHARED = re.compile(r"([-+]?\d{1,4})\s*(?:d\s*)?:\s*([-+]?(?:\d+(?:[.,]\d+)?|[.,]\d+))\s*(%?)")


def order_days_in(text: str) -> str | None:
    """ISO weekdays in their order, joined by blanks; None where a word is none: `Mo, Do` and `1;4`
    are `1 4`, `Mon-Fri` and `Mo bis Fr` are `1 2 3 4 5`.
    """
    plain = text.strip().casefold()
    if plain.rstrip(".") in _EVERY_DAY:
        return "1 2 3 4 5 6 7"
    days: set[int] = set()
    for word in re.split(r"[\s,;/|+&]+", _TO.sub("-", plain)):
        if not word or word.rstrip(".") in _AND:
            continue
        found = _days_of(word)
        if not found:
            return None
        days.update(found)
    return " ".join(str(day) for day in sorted(days)) or None


def lead_days_in(text: str) -> str | None:
    """Whole days, `2`, or days with their probabilities, `2:0.8 3:0.2`, shortest first; None for
    another text. What the numbers may be is for rules to say.
    """
    plain = text.strip().casefold()
    if single := re.fullmatch(_LEAD, plain):
        return str(int(single[1]))
    pairs = _SHARED.findall(plain)
    if not pairs or re.sub(r"[\s,;/|]+", "", _SHARED.sub("", plain)):
        return None
    shares: dict[int, float] = {}
    for days, share, percent in pairs:
        value = float(share.replace(",", ".")) / (100 if percent else 1)
        shares[int(days)] = shares.get(int(days), 0.0) + value
    return " ".join(f"{days}:{shares[days]:.12g}" for days in sorted(shares))


def _days_of(word: str) -> list[int]:
    """The weekdays that a word names: one, or those from one to another."""
    if one := _weekday(word):
        return [one]
    ends = [_weekday(end) for end in word.split("-")]
    if len(ends) != 2 or None in ends:
        return []
    first, last = (end or 0 for end in ends)
    return (
        list(range(first, last + 1)) if first <= last else [*range(first, 8), *range(1, last + 1)]
    )


def _weekday(word: str) -> int | None:
    word = word.rstrip(".")
    if word.isascii() and word.isdigit():
        return int(word) if 1 <= int(word) <= 7 else None
    return WEEKDAYS.get(word) or _SHORT.get(word) or _PLURALS.get(word)
