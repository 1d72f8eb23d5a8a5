"""A mapping tried: its files read and judged as a first load, nothing kept."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from contract.params import Params
from expectations.suites import sentences
from runtime.command_line import Summary
from runtime.paths import Paths
from sources.reasons import REASONS
from stages.judged_facts import Judged, judged_file
from stages.public_holidays import stage_holidays
from stages.source_files import stage_source_files

_EXAMPLES = 3  # rows shown per reason
_LONGEST = 200  # characters of each


@dataclass
class Refused:
    """The lines of one reason: how many, what it says, three of them."""

    what: str
    rows: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class Trial:
    """What a first load would be: counts of lines, refusals by reason, files refused whole."""

    rows_in: int = 0
    rows_refused: int = 0
    series: int = 0
    refused: dict[str, Refused] = field(default_factory=dict)
    why_refused: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Whether the files would be taken, with at least one row."""
        return not self.why_refused and self.rows_in > self.rows_refused

    @property
    def summary(self) -> Summary:
        """For people and scripts."""
        counts = {"rows_in": self.rows_in, "rows_refused": self.rows_refused}
        return {
            **counts,
            "rows_out": self.rows_in - self.rows_refused,
            "series": self.series,
            "refused": {reason: asdict(lines) for reason, lines in self.refused.items()},
            "why_refused": self.why_refused,
            "notes": self.notes,
        }


def try_mapping(params: Params, now: datetime) -> Trial:
    """Every file of the source, judged into an empty store by the compiled rules."""
    quick = params.ingest.model_copy(
        update={"great_expectations_max_rows": 0, "refuse_all_new": False}
    )
    params = params.model_copy(update={"ingest": quick})
    trial = Trial()
    with tempfile.TemporaryDirectory() as folder:
        paths, staging = Paths(Path(folder)), Path(folder) / "staged"
        staging.mkdir()
        holidays = stage_holidays(params, paths, staging, now)
        for file in [*holidays, *stage_source_files(params.source, staging, paths.truth)]:
            judged, reason = judged_file(file, params, paths, now, is_fill=True)
            if reason:
                trial.why_refused[file.name] = reason
            _count(trial, judged, REASONS | sentences(params.ingest))
    return trial


def _count(trial: Trial, judged: Judged, words: dict[str, str]) -> None:
    for fact, judgement in judged:
        trial.rows_in += fact.rows_in
        trial.rows_refused += int(judgement.refused["lines"].sum())
        trial.notes += judgement.notes
        if fact.series is not None:
            trial.series = max(trial.series, fact.series.height)
        for (reason,), rows in judgement.refused.group_by("reason", maintain_order=True):
            _add_refused(trial, str(reason), rows, words)


def _add_refused(trial: Trial, reason: str, rows: pl.DataFrame, words: dict[str, str]) -> None:
    found = trial.refused.setdefault(reason, Refused(words.get(reason, reason)))
    found.rows += int(rows["lines"].sum())
    examples = rows["raw"].head(_EXAMPLES - len(found.examples)).str.slice(0, _LONGEST)
    found.examples.extend(examples.to_list())
