"""What a person typed into a form, as stages and queries take it; BadUsage says what is wrong."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qs

from contract.days import parse_day
from contract.errors import BadUsage
from forecasting.what_if import Change
from queries.what_if import Scenario
from stages.overrides import Request

MOST_BYTES = 20_000  # of a form
MOST_FIELDS = 60

Fields = dict[str, str]


def fields_of(body: bytes) -> Fields:
    """The fields of a form, trimmed, without the empty ones; of one given twice the last."""
    try:
        parsed = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise BadUsage(f"the form cannot be read: {error}. Send it from its page.") from error
    trimmed = {name: values[-1].strip() for name, values in parsed.items()}
    return {name: value for name, value in trimmed.items() if value}


def group_of(fields: Fields) -> dict[str, str]:
    """Column to value of the fields `where-<column>`."""
    return {
        name.removeprefix("where-"): value
        for name, value in fields.items()
        if name.startswith("where-")
    }


def override_of(fields: Fields) -> Request:
    """The override that a form wants."""
    kind = fields.get("kind")
    if kind not in ("percent", "units"):
        raise BadUsage("say whether it is percent or units.")
    return Request(
        where=group_of(fields),
        from_ds=_day(fields, "from"),
        to_ds=_day(fields, "to"),
        kind=kind,  # type: ignore[arg-type]  # one of the two, as checked
        value=_needed(fields, "value"),
        by=fields.get("by", ""),
        reason=fields.get("reason", ""),
        expires_on=parse_day(fields["expires"]) if "expires" in fields else None,
    )


def scenario_of(fields: Fields) -> Scenario:
    """The what-if that a form wants."""
    opening = fields.get("opening")
    if opening not in (None, "open", "closed"):
        raise BadUsage("the opening is open or closed, or left as it is.")
    change = Change(
        _day(fields, "from"),
        _day(fields, "to"),
        price=_number(fields, "price"),
        price_percent=_number(fields, "price-percent"),
        promo=_number(fields, "promo"),
        is_open=None if opening is None else opening == "open",
    )
    return Scenario(group_of(fields), change)


def days_of(fields: Fields) -> float:
    """For how many days something is muted."""
    return _needed(fields, "days")


def _day(fields: Fields, name: str) -> date:
    if name not in fields:
        raise BadUsage(f"'{name}' is empty: give a day.")
    return parse_day(fields[name])


def _needed(fields: Fields, name: str) -> float:
    value = _number(fields, name)
    if value is None:
        raise BadUsage(f"'{name}' is empty: give a number.")
    return value


def _number(fields: Fields, name: str) -> float | None:
    if name not in fields:
        return None
    try:
        return float(fields[name])
    except ValueError as error:
        raise BadUsage(
            f"'{fields[name][:40]}' is no number for '{name}'. Write 12.5, with a point."
        ) from error
