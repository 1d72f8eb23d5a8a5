"""The watchers as the drills need them, and what they say of undisturbed mornings."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from contract.panel import Panel
from drills.scenario import CHAMPION, PREVIOUS, Scenario, publish

CLEAN_MORNINGS = 8  # a week apart


@dataclass(frozen=True)
class Watchers:
    """The watchers as functions handed in; each returns the causes of the alerts it would raise.

    `this_morning` of a panel and a table; `later` of a table once its days are known, with how many
    days that took; `age` of a champion's cutoff on a last day. `alerting_notes`: the notes of the
    ingest rules that raise an alert.
    """

    this_morning: Callable[[Panel, pl.DataFrame], list[str]]
    later: Callable[[pl.DataFrame], list[str]]
    age: Callable[[date, date], list[str]]
    alerting_notes: frozenset[str] = frozenset()


def clean_mornings(scenario: Scenario, watchers: Watchers) -> list[dict[str, Any]]:
    """origin, model and alerts of undisturbed mornings a week apart, whose days no model had seen:
    each alert is a false one.
    """
    mornings = []
    for week in range(CLEAN_MORNINGS):
        origin = scenario.origin - timedelta(days=7 * week)
        model = CHAMPION if week == 0 else PREVIOUS
        panel = scenario.panel.up_to(origin)
        table = publish(scenario, panel, _only(scenario.registry, model), origin)
        alerts = [*watchers.this_morning(panel, table), *watchers.later(table)]
        mornings.append({"origin": str(origin), "model": model, "alerts": alerts})
    return mornings


def _only(registry: Path, model: str) -> Path:
    """A registry beside it whose champion is this model."""
    beside = registry.with_name(f"only_{model}")
    if not beside.exists():
        shutil.copytree(registry, beside)
        if model != CHAMPION:
            shutil.rmtree(beside / CHAMPION)
            (beside / model).rename(beside / CHAMPION)
    return beside
