"""Two forecasters on the same windows: the headline's difference, and how sure it is.

What is compared is the headline itself, WRMSSE as the mean over all levels, by the logarithm of its
ratio at each cutoff: a window in which the baseline collapses counts as one window, not as the
loudest. Windows are one source of luck, stores the other: series of a store move together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from contract.demand import DemandRules
from contract.errors import ModelBroken
from contract.feeds import FEED_COLUMN
from contract.levels import Level
from contract.panel import Panel
from forecasting.backtested import Backtested, WholeBacktest
from forecasting.metrics import scaled_error, weighted
from forecasting.window import Window

SMALLEST = 1e-12  # what a loss of nothing counts as
MOST_BLOCKS = 20  # of stores; more are dealt into so many, or a chain of a thousand takes hours
BLOCK_COLUMNS = (FEED_COLUMN, "dept_id")  # the first with more than one value; else series


@dataclass(frozen=True)
class Losses:
    """One forecaster's WRMSSE: by level, and the headline without each block of series.

    `by_level` (cutoffs, levels); `without` (cutoffs, blocks), errors of the block taken out, scales
    and weights kept. Of windows in which nothing weighs there is no row.
    """

    by_level: np.ndarray
    without: np.ndarray

    @property
    def headline(self) -> np.ndarray:
        """(cutoffs,) means over the levels."""
        mean: np.ndarray = self.by_level.mean(axis=1)
        return mean

    @property
    def cutoffs(self) -> int:
        """How many windows were compared."""
        return int(self.by_level.shape[0])

    @property
    def is_evidence(self) -> bool:
        """One window and one block say nothing of another day or store."""
        return self.cutoffs > 1 or bool(self.cutoffs and self.without.shape[1] > 1)


@dataclass(frozen=True)
class Difference:
    """The log ratio of two losses: its mean, standard error, and the freedom that error has."""

    mean: float
    error: float
    freedom: float

    @property
    def relative(self) -> float:
        """As a share: -0.05 is a loss 5% smaller."""
        return float(np.expm1(self.mean))

    def probability_below(self, share: float) -> float:
        """That the relative difference is under `share`, by Student's t."""
        bound = float(np.log1p(share))
        if self.error <= 0:
            return float(self.mean < bound)
        from scipy import stats  # a second to import

        return float(stats.t.cdf((bound - self.mean) / self.error, self.freedom))


def losses_of(
    panel: Panel, backtest: pl.DataFrame, models: list[str], levels: list[Level], rules: DemandRules
) -> list[Losses]:
    """As `losses_on`, of the rows of a backtest of a panel."""
    return losses_on(WholeBacktest(panel, backtest, levels, rules), models)


def losses_on(backtest: Backtested, models: list[str]) -> list[Losses]:
    """Each model's losses on a backtest.

    ModelBroken where a model has no finite forecast of a known day: it would count as no error.
    """
    blocks = blocks_of(backtest.series)
    by_level: list[list[np.ndarray]] = [[] for _ in models]
    without: list[list[np.ndarray]] = [[] for _ in models]
    for cutoff in backtest.cutoffs:
        window = backtest.window(cutoff)
        if not window.weighs:
            continue
        for k, model in enumerate(models):
            y_hat = backtest.means(window, cutoff, model)
            _refuse_unknown(y_hat, model, cutoff, backtest.series)
            error = window.error(y_hat)
            by_level[k].append(level_losses(window, error))
            without[k].append(_without_each(window, error, blocks))
    shape = (-1, len(backtest.levels)), (-1, int(blocks.max()) + 1)
    return [
        Losses(np.array(a).reshape(shape[0]), np.array(b).reshape(shape[1]))
        for a, b in zip(by_level, without, strict=True)
    ]


def level_losses(window: Window, error: np.ndarray) -> np.ndarray:
    """(levels,) WRMSSE of (series, horizon) errors, 0 in unknown cells."""
    return np.array(
        [weighted(scaled_error(level, level.sums(error)), level.weight) for level in window.levels]
    )


def blocks_of(series: pl.DataFrame) -> np.ndarray:
    """For each series its block: its store; of a single store its department; else itself."""
    columns = (name for name in BLOCK_COLUMNS if name in series.columns)
    chosen = next((name for name in columns if series[name].n_unique() > 1), "unique_id")
    ranks: np.ndarray = series[chosen].rank("dense").to_numpy().astype(np.int64) - 1
    return ranks % MOST_BLOCKS


def relative_of(candidate: Losses, incumbent: Losses) -> float:
    """Of the mean headlines, as a leaderboard shows them; -0.05 is a loss 5% smaller."""
    means = candidate.headline.mean(), incumbent.headline.mean()
    return float(np.expm1(_log_ratio(*map(np.array, means))))


def difference(candidate: Losses, incumbent: Losses) -> Difference | None:
    """Of the headlines, negative is better; None where one window and one block are no evidence."""
    if not candidate.is_evidence:
        return None
    ratios = _log_ratio(candidate.headline, incumbent.headline)
    left_out = _log_ratio(candidate.without, incumbent.without).mean(axis=0)
    return _difference(ratios, left_out)


def level_difference(candidate: Losses, incumbent: Losses, level: int) -> Difference | None:
    """Of one level, by its cutoffs alone; None for a single window."""
    ratios = _log_ratio(candidate.by_level[:, level], incumbent.by_level[:, level])
    return _difference(ratios, np.zeros(1)) if len(ratios) > 1 else None


def _without_each(window: Window, error: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """(blocks,) headlines, the errors of one block taken out at a time."""
    left_out = (
        np.where(blocks[:, None] == block, 0.0, error) for block in range(int(blocks.max()) + 1)
    )
    return np.array([level_losses(window, one).mean() for one in left_out])


def _refuse_unknown(y_hat: np.ndarray, model: str, cutoff: object, series: pl.DataFrame) -> None:
    """ModelBroken for a (series, horizon) table, 0 in unknown cells, that is not finite."""
    unknown = ~np.isfinite(y_hat)
    if unknown.any():
        row, day = np.argwhere(unknown)[0]
        raise ModelBroken(
            f"'{model}' has no finite forecast of {unknown.sum()} known series-days after cutoff "
            f"{cutoff}, '{series['unique_id'][int(row)]}' at h={day + 1} the first. A missing "
            "forecast cannot be judged; fit it again (`python evaluate.py`)."
        )


def _difference(ratios: np.ndarray, left_out: np.ndarray) -> Difference:
    """Mean of (cutoffs,) log ratios; its error from the cutoffs' spread and a jackknife of blocks.

    The jackknife: Efron and Stein (1981). The two variances add up; their freedom is
    Satterthwaite's (1946). One cutoff says nothing of other days: then only the blocks speak.
    """
    n, blocks = len(ratios), len(left_out)
    of_cutoffs = float(ratios.var(ddof=1) / n) if n > 1 else 0.0
    of_blocks = float((blocks - 1) / blocks * ((left_out - left_out.mean()) ** 2).sum())
    variance = of_cutoffs + of_blocks
    parts = ((of_cutoffs, n - 1), (of_blocks, blocks - 1))
    spread = sum(part**2 / freedom for part, freedom in parts if freedom > 0)
    freedom = variance**2 / spread if spread > 0 else 1.0
    return Difference(float(ratios.mean()), float(np.sqrt(variance)), freedom)


def _log_ratio(candidate: np.ndarray, incumbent: np.ndarray) -> np.ndarray:
    """Log of the ratio; 0 where both are without error."""
    ratio: np.ndarray = np.log(np.maximum(candidate, SMALLEST) / np.maximum(incumbent, SMALLEST))
    return ratio
