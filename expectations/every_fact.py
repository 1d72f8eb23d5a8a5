"""Rules that several facts share."""

from __future__ import annotations

from contract.params import IngestParams
from expectations.rule import Rule, within

# of a rule about what is unusual: what to do where it is wrong
WAY_OUT = "If it is right, drop the file again and run `python ingest.py --accept-unusual`."


def columns_there() -> Rule:
    """Every required column is in the file, or it is refused whole."""
    sentence = "A required column is not there: another file, or another mapping."
    return within("columns_missing", "columns_missing", sentence, at_most=0).with_severity("batch")


def readable_name(column: str, named: str, subject: str) -> list[Rule]:
    """A name's length and characters; `named` begins the codes, `subject` the sentence."""
    sentence = f"{subject} has 1 to 200 characters."
    unseen = "A name with line ends or tabs is a shifted column."
    return [
        within(f"{column}_length", f"{named}_name_absurd", sentence, at_least=1, at_most=200),
        within(f"{column}_unseen", f"{named}_name_unseen", unseen, at_most=0),
    ]


def not_too_old() -> Rule:
    """No day before the first day of the business."""
    sentence = "A day before ingest.oldest_day is a typing error."
    return within("days_since_oldest", "day_too_old", sentence, at_least=0)


def not_too_far_ahead(ingest: IngestParams) -> Rule:
    """No day so far ahead that nobody plans it: one of the year 2199 would make a plan centuries
    long.
    """
    sentence = "A day further ahead than ingest.most_days_ahead is a typing error, not a plan."
    most = ingest.most_days_ahead
    return within("days_from_now", "day_too_far", sentence, at_most=most).on_arrival()


def not_learned_ahead() -> Rule:
    """The rule on `known_at`. One day of grace: a till's clock may stand in another time zone."""
    sentence = (
        "Nobody has learned tomorrow what he says today; until then this row would beat every "
        "correction. Is known_at another column?"
    )
    return within("days_learned_ahead", "learned_in_future", sentence, at_most=1).on_arrival()


def stated_once(contradiction: str, repetition: str) -> list[Rule]:
    """No key twice in a file: neither with other values, nor with the same."""
    return [
        within("versions", "contradicting_rows", contradiction, at_most=1),
        within("copy", "repeated_row", repetition, at_most=0),
    ]


def of_somebody(code: str) -> Rule:
    """A note on rows whose scope names a value that no known series has (`is_of_nobody`)."""
    sentence = "No series has the values that the row names: written another way?"
    rule = within("is_of_nobody", code, sentence, at_most=0)
    return rule.on_arrival().with_severity("note")
