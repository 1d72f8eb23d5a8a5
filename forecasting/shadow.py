"""A challenger's shadow: its forecasts beside the champion's on live days, and their score."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from contract.params import GateParams

NAMED = "shadow.json"  # in the folder of the champion's copy, which `dvc repro` reads
LEAST_DAYS = 7  # of outcomes; fewer are one weekend
SURE = 2.0  # standard errors; days are the observations


@dataclass(frozen=True)
class Shadow:
    """A challenger against what was served, on the same series and days.

    `relative`: its absolute error over the served one's, less 1 (negative is better); `error` its
    standard error, from the spread of the days.
    """

    model_id: str
    params_hash: str
    days: int
    series: int
    wape: float
    served_wape: float
    relative: float
    error: float

    @property
    def sentence(self) -> str:
        """In a sentence."""
        return (
            f"{self.model_id} in shadow on {self.series} series over {self.days} days: "
            f"WAPE {self.wape:.3f}, served {self.served_wape:.3f} "
            f"({self.relative:+.1%} ± {self.error:.1%})"
        )


def shadow_of(scored: pl.DataFrame, model_id: str, params_hash: str) -> Shadow | None:
    """The challenger's score against what was served; None on fewer than LEAST_DAYS.

    `scored`: unique_id, ds, y, error of the challenger, served_error.
    """
    daily = scored.group_by("ds").agg(
        theirs=pl.col("served_error").abs().sum(),
        ours=pl.col("error").abs().sum(),
        y=pl.col("y").sum(),
    )
    ours, theirs, units = (float(daily[name].sum()) for name in ("ours", "theirs", "y"))
    if daily.height < LEAST_DAYS or theirs <= 0 or units <= 0:
        return None
    difference = pl.col("ours") - pl.col("theirs") * (ours / theirs)
    spread: float = daily.select(difference.std()).item()
    error = spread * daily.height**0.5 / theirs
    series = scored["unique_id"].n_unique()
    # rounded: the last bits of sums vary
    scores = (round(score, 6) for score in (ours / units, theirs / units, ours / theirs - 1, error))
    return Shadow(model_id, params_hash, daily.height, series, *scores)


def shadow_against(shadow: Shadow | None, params_hash: str | None, params: GateParams) -> list[str]:
    """Why a candidate of this recipe (the card's params_hash) may not serve yet; empty if it may.

    Its like was worse in shadow, beyond chance, or has not been there for `shadow_days`.
    """
    own = shadow if shadow is not None and shadow.params_hash == params_hash else None
    days = own.days if own else 0
    against = (
        [f"its recipe was {days} days in shadow, {params.shadow_days} needed"]
        if days < params.shadow_days
        else []
    )
    if own and own.relative > max(params.max_loss, SURE * own.error):
        against.append(
            f"its recipe was worse on live days: {own.sentence}, {params.max_loss:.0%} allowed"
        )
    return against


def keep_shadow(folder: Path, shadow: Shadow | None) -> None:
    """Beside the champion's copy, where the gate reads it; nothing where there is none."""
    if shadow is not None:
        (folder / NAMED).write_text(json.dumps(asdict(shadow)) + "\n", encoding="utf-8")


def read_shadow(folder: Path) -> Shadow | None:
    """The shadow kept in a folder."""
    path = folder / NAMED
    return Shadow(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
