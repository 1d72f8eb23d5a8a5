"""The results of queries for a terminal: single values as lines, lists as tables."""

from __future__ import annotations

from reports.tables import text_table
from runtime.command_line import Summary

SHOWN_QUANTILES = ("q025", "q250", "q500", "q750", "q975")
MOST_FILES = 12
_VALUE = {
    "of": "of",
    "overrides": "overrides",
    "helped": "helped",
    "units sold": "y",
    "WAPE naive": "naive_wape",
    "WAPE model": "model_wape",
    "WAPE final": "final_wape",
    "model saved": "model_saved",
    "person saved": "person_saved",
}
_OF_SPAN = ("mean", "q500", "q835", "q975")
_REGISTERED = (
    "model_id stage cutoff panel_hash params_hash git_commit runs forecast_rows first_origin "
    "last_origin"
)
_TRACED = {
    "batches": (
        "batch_id fact name received_at rows_in rows_accepted rows_refused rows_new rows_restated "
        "status"
    ),
    "brought": "fact series rows first_day last_day",
    "runs": (
        "run_id started_at origin status rows own_series own_rows own_units units is_proved "
        "thinned_at"
    ),
    "models": "model_id kind cutoff stage created_at",
}


def printed_explanation(cell: Summary, top: int) -> Summary:
    """An explanation as lines and tables."""
    lines = _lines(cell)
    if cell["steps"]:
        steps = [[name, _number(value)] for name, value in cell["steps"]]
        lines["steps"] = text_table(["step", "units after it"], steps)
    if cell["features"]:
        lines["features"] = _features(cell, top)
    days = cell["past_days"]
    lines["past days"] = (
        text_table(list(days[0]), [_cells(row) for row in days]) if days else "none"
    )
    lines["flags"] = "\n".join(f"- {flag}" for flag in cell["flags"]) or "none"
    lines["files"] = _files(cell["files"])
    return lines


def printed_overrides(found: Summary) -> Summary:
    """Overrides and their value added as tables."""
    rows = [
        [
            str(row["override_id"]),
            row["state"],
            f"{row['level']}: {row['key']}",
            f"{row['from_ds']} to {row['to_ds']}",
            f"{row['value']:+g}%" if row["kind"] == "percent" else f"{row['value']:g} units",
            f"{_number(row['model_units'])} -> {_number(row['final_units'])}",
            row["made_by"],
            row["reason"],
        ]
        for row in found["overrides"]
    ]
    head = ["id", "state", "of whom", "days", "override", "model -> final", "by", "reason"]
    tables = {
        name: text_table(list(_VALUE), [_value_cells(row) for row in table])
        for name, table in found["value_added"].items()
    }
    listed = text_table(head, rows) if rows else "none"
    return {"overrides": listed, **(tables or {"value added": "no day of any has come true yet"})}


def _value_cells(row: Summary) -> list[str]:
    return [_cell_of_value(name, row[column]) for name, column in _VALUE.items()]


def _cell_of_value(name: str, value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:+.1f}" if name.endswith("saved") else f"{value:.3f}"


def printed_order(explained: Summary) -> Summary:
    """An order line as lines and tables."""

    def pairs(values: Summary) -> str:
        return "\n".join(f"{name}: {_text(value)}" for name, value in values.items()) or "none"

    line, said_by = explained["line"], explained["said_by"]
    terms = {
        name: f"{value} (said by {said_by.get(name, '-')})"
        for name, value in explained["terms"].items()
        if name != "unique_id"
    }
    spans = [
        [str(span["first"]), str(span["last"]), *(_number(span[name]) for name in _OF_SPAN)]
        for span in explained["spans"]
    ]
    steps = [[name, _text(value)] for name, value in explained["steps"]]
    said = [
        [str(row["ds"]), _number(row["model"]), _number(row["y_hat"]), row["made_by"], row["why"]]
        for row in explained["overridden"]
    ]
    return {
        "order": f"{line['unique_id']} on {line['order_day']}, run {line['run_id']}",
        "steps": text_table(["step", "value"], steps),
        "flags": line["flags"] or "none",
        "terms": pairs(terms),
        "spans": text_table(["from", "to", *_OF_SPAN], spans) if spans else "none",
        "overridden": text_table(["day", "model", "final", "by", "reason"], said) if said else "no",
        "one day's forecast": explained["forecast"],
    }


def printed_trace(traced: Summary) -> Summary:
    """What a file touched, as tables."""

    def table(rows: list[Summary], names: list[str]) -> str:
        return (
            text_table(names, [[_text(row.get(name)) for name in names] for row in rows])
            if rows
            else "none"
        )

    return {name: table(traced[name], columns.split()) for name, columns in _TRACED.items()}


def printed_changes(changed: Summary) -> Summary:
    """What changed since the table before, level by level, then the series that moved most."""
    if changed["since"] is None:
        return {"changes": "there is no earlier table yet"}
    head = ["group", "before", "now", "moved"]

    def table(rows: list[Summary]) -> str:
        return text_table(
            head, [[row["group"], *(f"{row[name]:,.1f}" for name in head[1:])] for row in rows]
        )

    tables = {level: table(rows) for level, rows in changed["groups"].items()}
    origins = f"as forecast from {changed['since']} and from {changed['origin']}"
    days = f"units over {changed['days']} days, {origins}"
    return {"changes": days, **tables, "series": table(changed["series"])}


def printed_models(models: list[Summary]) -> Summary:
    """The registry as one table, hashes shortened."""
    names = _REGISTERED.split()
    rows = [
        [_text(str(row[name])[:12] if name == "git_commit" else row[name]) for name in names]
        for row in models
    ]
    none = "none yet: run `make repro`, or `python inference.py publish`"
    return {"models": text_table(names, rows) if rows else none}


def units_text(value: float, digits: int = 3) -> str:
    """A number as people write it: 4,330 and 0.0213, never 4.33e+03."""
    return f"{value:,.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:.{digits}g}"


def _lines(cell: Summary) -> Summary:
    run, quantiles = cell["run"], cell["quantiles"]
    code = (run["git_commit"] or "?")[:12]
    because = f", because {cell['reason_in_words'] or cell['reason']}" if cell["reason"] else ""
    same = (
        "as params.yaml says now" if run["same_params_as_now"] else "params.yaml has changed since"
    )
    mean = f"{units_text(cell['y_hat'], 4)} units (mean), {cell['h']} days after {cell['origin']}"
    called = f"{cell['called']} · " if cell["called"] else ""
    since = cell["thinned_since"]
    older = f"; {since} later tables of this day were thinned by age" if since else ""
    return {
        "forecast": f"{called}{cell['unique_id']} on {cell['ds']}: {mean}{older}",
        "quantiles": ", ".join(f"{name} {units_text(quantiles[name])}" for name in SHOWN_QUANTILES),
        "actual": "not yet" if cell["actual"] is None else f"{units_text(cell['actual'], 6)} units",
        "made by": f"{cell['method']}{because}",
        "run": f"{run['run_id']} of {run['started_at']:%Y-%m-%d %H:%M}, code {code}",
        "params": f"{run['params_hash']}, {same}",
        "model": _model(cell["model"]),
        "panel": _panel(cell["panel"]),
        "accounted": _accounted(cell),
    }


def _panel(panel: Summary) -> str:
    proved = (
        "the same by its hash" if panel["is_proved"] else "assumed: all received before the run"
    )
    days = f"{panel['first_day']} to {panel['last_day']}, {panel['files']} files"
    return f"{panel['hash']}, {days}; read again from {panel['read_from']}, {proved}"


def _features(cell: Summary, top: int) -> str:
    """Value and contribution; the rest is summed in one line, so that the column adds up."""
    base, *rows = cell["features"]
    shown, rest = rows[:top], rows[top:]
    lines = [[base["feature"], "", f"{base['contribution']:+.4f}"]]
    lines += [
        [row["feature"], _number(row["value"]), f"{row['contribution']:+.4f}"] for row in shown
    ]
    lines.append([f"{len(rest)} more", "", f"{sum(row['contribution'] for row in rest):+.4f}"])
    lines.append(["sum = raw score", "", f"{cell['contributions_sum']:+.4f}"])
    return text_table(["feature", "value", "adds to the score"], lines)


def _files(files: list[Summary]) -> str:
    """The newest files the series stands on; older ones counted."""
    shown = files[-MOST_FILES:]
    names = [
        "batch_id",
        "fact",
        "name",
        "received_at",
        "rows",
        "first_day",
        "last_day",
        "known_at_from",
    ]
    more = f"({len(files) - len(shown)} older ones not shown)\n" if len(files) > len(shown) else ""
    return more + text_table(names, [[_text(row[name]) for name in names] for row in shown])


def _model(model: Summary | None) -> str:
    if model is None:
        return "none"
    learned = f"learned up to {model['cutoff']} from panel {model['panel_hash']}"
    return f"{model['model_id']}, {model['kind']}, {model['stage']}, {learned}"


def _accounted(cell: Summary) -> str:
    if cell["difference"] is None:
        why = cell.get("not_made_again", "nothing can be said of how it was made")
        return f"no: this row is not made again; {why}"
    if cell["accounted"]:
        return "yes: the steps end at the published number"
    return f"no: the steps end {cell['difference']:+.3g} units off the published number"


def _cells(row: Summary) -> list[str]:
    return [_text(value) for value in row.values()]


def _text(value: object) -> str:
    if value is None:
        return ""
    return units_text(value, 4) if isinstance(value, float) else str(value)[:60]


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.5g}"
