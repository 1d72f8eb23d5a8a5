"""What the tests of sources share: small simulations, small params, and where the real data lies if
it is there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from contract.params import FilesParams, SimulatorParams, SourceParams
from sources.simulator import Simulation, simulate

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def simulator_params() -> SimulatorParams:
    """300 series over 420 days in the calm world, with every fault of a real feed in it."""
    return SimulatorParams(
        series=300,
        days=420,
        start=date(2024, 1, 1),
        seed=7,
        daily_files=8,
        restated_share=0.03,
        late_share=0.25,
        bad_rows_share=0.02,
        stockout_share=0.05,
        promo_share=0.08,
        world="calm",
        plan_days=None,
        frozen_share=0.0,
    )


@pytest.fixture(scope="session")
def simulation(simulator_params: SimulatorParams) -> Simulation:
    """The simulation of those params."""
    return simulate(simulator_params)


@pytest.fixture(scope="session")
def hard(simulator_params: SimulatorParams) -> Simulation:
    """The same in the hard world."""
    return simulate(simulator_params.model_copy(update={"world": "hard"}))


@pytest.fixture
def source_of(simulator_params: SimulatorParams) -> Callable[..., SourceParams]:
    """A maker of source params: kind, path, and the lines of source.files."""

    def make(kind: str, path: Path | None, **files: object) -> SourceParams:
        return SourceParams(
            kind=kind,
            path=str(path) if path else None,
            sha256=None,
            assumed_delay_days=1,
            levels=((),),
            region=None,
            simulator=simulator_params,
            files=FilesParams.model_validate({"sales": "sales*", **files}),
        )

    return make


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("TILLCAST_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set TILLCAST_SHARED_DATA to run this test")
    return folder
