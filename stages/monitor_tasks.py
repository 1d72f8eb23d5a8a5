"""What `python monitor.py <task>` does beside looking: report, notify, and what a person does about
alerts and intervals: ack, resolve, mute, as-calibrated.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from runtime.command_line import Summary, Task
from stages.arguments import add_now, moment_of, params_and_paths


def _report(arguments: Namespace) -> Summary:
    """Render data/reports/index.html from the offline stages' files."""
    from stages.report import report

    return report(*params_and_paths(arguments))


def _notify(arguments: Namespace) -> Summary:
    """Send to each address of TILLCAST_NOTIFY what is news to it; --test sends a message without
    news.
    """
    from stages.notify import notify, try_channels

    params, paths = params_and_paths(arguments)
    if arguments.test:
        return try_channels(params)
    return notify(params, paths, moment_of(arguments), dry_run=arguments.dry_run)


def _acknowledge(arguments: Namespace) -> Summary:
    """Take an alert on; it stays open."""
    from stages.answer_alerts import acknowledge_alert

    alert_id, by, now = arguments.alert_id, arguments.by, moment_of(arguments)
    return acknowledge_alert(*params_and_paths(arguments), alert_id, by, now)


def _resolve(arguments: Namespace) -> Summary:
    """Close an alert by hand."""
    from stages.answer_alerts import resolve_alert

    alert_id, now = arguments.alert_id, moment_of(arguments)
    return resolve_alert(*params_and_paths(arguments), alert_id, now)


def _mute(arguments: Namespace) -> Summary:
    """Raise nothing of a cause for some days; `bias` stands for `bias:store_id:CA_1`, too."""
    from stages.answer_alerts import mute_cause

    cause, days, now = arguments.cause, arguments.days, moment_of(arguments)
    return mute_cause(*params_and_paths(arguments), cause, days, now)


def _as_calibrated(arguments: Namespace) -> Summary:
    """Take back how the champion's intervals were scaled."""
    from stages.recalibrate import as_calibrated

    return as_calibrated(*params_and_paths(arguments), arguments.by, moment_of(arguments))


def _notify_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--test", action="store_true", help="see whether each address is reached")
    parser.add_argument("--dry-run", action="store_true", help="say what is due, send nothing")
    add_now(parser)


def _some_undelivered(summary: Summary) -> int:
    """1 where a message did not arrive."""
    return 1 if summary.get("undelivered") else 0


def _alert_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "alert_id", type=int, metavar="ALERT_ID", help="as table alerts and the report name it"
    )
    _person_arguments(parser)


def _mute_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "cause", metavar="CAUSE", help="as table alerts names it, or the watcher alone"
    )
    parser.add_argument(
        "--days", type=float, default=7, help="how long (default: %(default)s; 0 lifts it)"
    )
    add_now(parser)


def _person_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--by", default="somebody", help="who does it")
    add_now(parser)


TASKS = (
    Task(_report, name="report"),
    Task(_notify, _notify_arguments, "notify", _some_undelivered),
    Task(_acknowledge, _alert_arguments, "ack"),
    Task(_resolve, _alert_arguments, "resolve"),
    Task(_mute, _mute_arguments, "mute"),
    Task(_as_calibrated, _person_arguments, "as-calibrated"),
)
