"""In how many parts a panel is worked on: as params say, or as few as memory holds."""

from __future__ import annotations

import logging
import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from contract.params import Params
from contract.question import Question
from forecasting.footprint import (
    Needs,
    Shape,
    to_backtest,
    to_backtest_part,
    to_draw,
    to_fit,
    to_forecast,
    to_learn_from_parts,
    to_look,
    to_recalibrate,
    to_score,
)
from runtime.memory import budget_mb, machine_mb, refuse_beyond
from scaling.parts import most_parts, part_of_series

if TYPE_CHECKING:
    from forecasting.champion import Champion
    from monitoring.past_tables import Published

log = logging.getLogger("scaling")

_WAY_OUT = "give each group of stores a data folder of its own"
SHARE_OF_MACHINE = 0.5  # of its memory that one process may take, where nothing else is said


@dataclass(frozen=True)
class Job:
    """Work on a panel that may go in parts: what it holds of a panel or part of this shape, what
    whoever puts the parts together holds, and what helps where neither fits. `only_in_one`: why it
    cannot go in parts.
    """

    needs: Callable[[Shape], Needs]
    together: Needs
    way_out: str
    only_in_one: str | None = None


def job_of_forecast(params: Params, champion: Champion, question: Question, shape: Shape) -> Job:
    """The champion's table that a question asks for, of a panel of this shape."""
    horizon = question.horizon or params.train.horizon
    return Job(
        lambda part: to_forecast(part, params, horizon),
        {},
        _WAY_OUT,
        _only_in_one(champion, question, shape),
    )


def job_of_fit(params: Params, shape: Shape) -> Job:
    """The fit on a panel of this shape."""
    return Job(
        lambda part: to_fit(part, params) if part == shape else _share_of_rows(part, shape, params),
        to_learn_from_parts(params),
        f"lower train.max_rows ({params.train.max_rows})",
    )


def job_of_backtest(params: Params, shape: Shape, only_in_one: str | None) -> Job:
    """The backtest on a panel of this shape."""

    def needs(part: Shape) -> Needs:
        if part == shape:
            return to_backtest(part, params)
        return to_backtest_part(part, params, part.series / max(shape.series, 1))

    return Job(
        needs,
        to_learn_from_parts(params) | to_score(shape, params),
        f"lower train.max_rows ({params.train.max_rows}) or evaluate.origins",
        only_in_one,
    )


def job_of_look(published: Published, shape: Shape) -> Job:
    """A look at a panel of this shape, and at these tables."""
    together = to_recalibrate(shape, published.judged_days)
    return Job(lambda part: to_look(part, published.rows_of_series), together, _WAY_OUT)


def job_of_sample(params: Params, rows: int, shape: Shape) -> Job:
    """A sample of so many rows to learn from, of a panel of this shape."""
    train = params.train.model_copy(update={"max_rows": rows, "break_share": 0.0})
    sampling = params.model_copy(update={"train": train})
    return Job(lambda part: _share_of_rows(part, shape, sampling), {}, _WAY_OUT)


def parts_for(
    params: Params,
    job: Job,
    shape: Shape,
    stores: Callable[[], tuple[pl.DataFrame, dict[str, int]]],
) -> pl.DataFrame | None:
    """unique_id, part: as few parts as memory holds, or as many as params say; None for one.

    `stores`: SERIES and how many rows each store has, read where there are parts. BadUsage where no
    number of them fits a budget.
    """
    wanted = params.scale.parts
    if job.only_in_one:
        if isinstance(wanted, int) and wanted > 1:
            log.warning("parts=1 reason=%s", job.only_in_one)
        wanted = 1
    needs = job.needs(shape)
    if wanted == 1 or (wanted == "auto" and max(needs.values()) <= most_mb(params)):
        log.info("memory %s", refuse_beyond(needs, job.way_out))
        return None
    if job.together:  # no number of parts makes it less
        refuse_beyond(job.together, job.way_out)
    series, rows = stores()
    if wanted == "auto":
        parts = _fewest_that_fit(series, rows, shape, params, job)
    else:
        parts = part_of_series(series, rows, min(wanted, most_parts(series)))
    largest = {"the largest part": max(job.needs(_largest(parts, shape)).values())}
    said = refuse_beyond(largest | job.together, job.way_out)
    count = parts["part"].n_unique()
    log.info("parts=%d memory %s", count, said)
    return parts if count > 1 else None


def _share_of_rows(part: Shape, shape: Shape, params: Params) -> Needs:
    return to_draw(part, params, part.series / max(shape.series, 1))


def _only_in_one(champion: Champion, question: Question, shape: Shape) -> str | None:
    """Why a question cannot be worked on in parts; None where it can."""
    if question.as_of is not None:
        return "a look back reads every version"
    return "there is no sale" if shape.sales == 0 else champion.only_in_one


def most_mb(params: Params) -> float:
    """What a process may hold, in MB: said in params or as a budget, or half of the machine."""
    said = params.scale.memory_mb or budget_mb()
    return said or (machine_mb() or math.inf) * SHARE_OF_MACHINE


def _fewest_that_fit(
    series: pl.DataFrame, rows: dict[str, int], shape: Shape, params: Params, job: Job
) -> pl.DataFrame:
    """Parts the largest of which fits; as many as there can be where none does."""

    def fits(part: Shape) -> bool:
        return max(job.needs(part).values()) <= most_mb(params)

    most = most_parts(series)
    parts = part_of_series(series, rows, most)
    if not fits(_largest(parts, shape)):
        return parts
    # of fewer even the mean part does not fit
    counts = range(1, most + 1)
    first = bisect_left(counts, True, key=lambda count: fits(_part_of(shape, shape.series / count)))
    for count in counts[first:-1]:
        fewer = part_of_series(series, rows, count)
        if fits(_largest(fewer, shape)):
            return fewer
    return parts


def _largest(parts: pl.DataFrame, shape: Shape) -> Shape:
    """The shape of the part that has most series."""
    return _part_of(shape, int(parts.group_by("part").len()["len"].max()))  # type: ignore[arg-type]


def _part_of(shape: Shape, series: float) -> Shape:
    """The shape of so many of the series, or one at least."""
    own = max(math.floor(series), 1)
    share = own / max(shape.series, 1)
    return Shape(own, shape.days, math.ceil(shape.sales * share), math.ceil(shape.plans * share))
