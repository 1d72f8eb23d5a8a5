"""Where things lie under one data folder. Entry points hold a Paths; packages are handed single
paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The data folder and what lies in it."""

    root: Path

    @property
    def store(self) -> Path:
        """The DuckDB file: what production remembers, one writer at a time."""
        return self.root / "tillcast.duckdb"

    @property
    def stores(self) -> Path:
        """Stores of other sources, set aside by `ingest.py source --use`."""
        return self.root / "stores"

    @property
    def inbox(self) -> Path:
        """Where extracts are dropped."""
        return self.root / "inbox"

    @property
    def fetched(self) -> Path:
        """What was fetched from a database or bucket, and how far; beside the inbox, which others
        may write to.
        """
        return self.root / "fetched.json"

    @property
    def delivered(self) -> Path:
        """What became of the newest deliveries to others."""
        return self.root / "delivered.json"

    @property
    def staging(self) -> Path:
        """Copies that are being taken; outside the inbox, which others may write to."""
        return self.root / "staging"

    @property
    def tries(self) -> Path:
        """A mark for each content that is being taken: what is left there ended a process."""
        return self.root / "tries"

    @property
    def archive(self) -> Path:
        """Every file ever taken from the inbox, by content hash; `refused/` holds files refused
        whole.
        """
        return self.root / "archive"

    @property
    def parts(self) -> Path:
        """Parts of panels while they are forecast; nothing between two runs."""
        return self.root / "parts"

    @property
    def panel(self) -> Path:
        """The frozen panel: ordered Parquet, one file per frame, and panel.json."""
        return self.root / "panel"

    @property
    def truth(self) -> Path:
        """The simulator's expected demand, one Parquet file; absent for real sources."""
        return self.root / "truth"

    @property
    def validation(self) -> Path:
        """Validation pages, one per batch, and their index."""
        return self.root / "validation"

    @property
    def features(self) -> Path:
        """The feature profile."""
        return self.root / "features"

    @property
    def candidate(self) -> Path:
        """The newest trained model bundle."""
        return self.root / "models" / "candidate"

    @property
    def recipe(self) -> Path:
        """What is trained instead of what params say, and why."""
        return self.root / "models" / "recipe.json"

    @property
    def incumbent(self) -> Path:
        """The champion's bundle that the offline run compares with; a note that there is none
        before the first promotion.
        """
        return self.root / "models" / "incumbent"

    @property
    def registry(self) -> Path:
        """Every published model bundle, by model_id."""
        return self.root / "models" / "registry"

    @property
    def backtest(self) -> Path:
        """Backtest forecasts, and the calibration learned from them."""
        return self.root / "backtest"

    @property
    def scores(self) -> Path:
        """Backtest scores, plots' data and the promotion decision."""
        return self.root / "scores"

    @property
    def forecasts(self) -> Path:
        """The offline run's forecast tables as Parquet."""
        return self.root / "forecasts"

    @property
    def served(self) -> Path:
        """Samples of the feature rows that tables were served with, one Parquet file a run, and its
        hash.
        """
        return self.root / "served"

    @property
    def snapshot(self) -> Path:
        """The store's copy for dashboards: read-only, renewed whole."""
        return self.root / "snapshot" / "tillcast.duckdb"

    @property
    def exports(self) -> Path:
        """Long frames to take along."""
        return self.root / "exports"

    @property
    def scenarios(self) -> Path:
        """What-ifs that somebody kept, and their plans."""
        return self.root / "scenarios"

    @property
    def reports(self) -> Path:
        """What people read."""
        return self.root / "reports"

    @property
    def logs(self) -> Path:
        """What runs logged, a JSON file a day."""
        return self.root / "logs"
