"""What the 28 points of the ML Test Score rest on: tests CI runs, outputs `dvc repro` made, result files a benchmark kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ruamel.yaml import YAML


class Evidence(Protocol):
    """Something a machine made; `told` names it for the table."""

    @property
    def told(self) -> str:
        """Its name: a node id, a path."""
        ...

    def holds(self, root: Path, outcomes: dict[str, bool]) -> bool:
        """Whether it is there and says what is claimed."""
        ...


@dataclass(frozen=True)
class Passed:
    """A test, or all tests of a file, that passed in the run whose outcomes are given."""

    node: str

    @property
    def told(self) -> str:
        return f"`{self.node}`"

    def holds(self, root: Path, outcomes: dict[str, bool]) -> bool:
        file, _, name = self.node.partition("::")
        found = [
            passed
            for node, passed in outcomes.items()
            if node == self.node or (not name and node.startswith(f"{file}::"))
        ]
        return (root / file).exists() and bool(found) and all(found)


@dataclass(frozen=True)
class Made:
    """An output of a stage that dvc.lock names with its hash."""

    stage: str
    path: str

    @property
    def told(self) -> str:
        return f"`dvc repro {self.stage}`: `{self.path}`"

    def holds(self, root: Path, outcomes: dict[str, bool]) -> bool:
        lock = YAML(typ="safe").load((root / "dvc.lock").read_text(encoding="utf-8"))
        outs = lock["stages"].get(self.stage, {}).get("outs", [])
        return any(out["path"] == self.path and out.get("md5") for out in outs)


@dataclass(frozen=True)
class Measured:
    """A result file of a benchmark, and what its numbers must show."""

    name: str
    shows: Callable[[dict[str, Any]], bool]
    words: str

    @property
    def told(self) -> str:
        return f"`benchmarks/results/{self.name}.json`: {self.words}"

    def holds(self, root: Path, outcomes: dict[str, bool]) -> bool:
        path = root / "benchmarks" / "results" / f"{self.name}.json"
        return path.exists() and bool(self.shows(json.loads(path.read_text(encoding="utf-8"))))


@dataclass(frozen=True)
class Check:
    """One of the 28: what makes it 1 (`always`), what makes it 0.5 (`by_hand`), and what is missing where it is not 1."""

    number: int
    asks: str
    always: tuple[Evidence, ...] = ()
    by_hand: tuple[Evidence, ...] = ()
    why_not_whole: str = ""


def _ablated(told: dict[str, Any]) -> bool:
    left_out = {name.removeprefix("without ") for name in told["told"]}
    return {"lags", "calendar", "price", "promotion", "lifecycle", "hierarchy"} <= left_out


def _naive_is_worse(told: dict[str, Any]) -> bool:
    return told["told"]["seasonal_naive"]["wrmsse"] > told["told"]["global_lightgbm"]["wrmsse"]


T = "tests"
FACTORY_GATE, DESK, LABORATORY = (
    f"{T}/flows/test_gate_in_the_factory.py",
    f"{T}/flows/test_desk.py",
    f"{T}/flows/test_laboratory.py",
)
OUTPUTS, SIGNALS, INPUTS = (f"{T}/monitoring/test_{name}.py" for name in ("outputs", "signals", "inputs"))
LGBM = f"{T}/forecasting/test_global_lightgbm.py"

CHECKS: tuple[Check, ...] = (
    Check(
        1,
        "a schema states what each feature should look like",
        (
            Passed(f"{T}/expectations/test_judge.py"),
            Made("validate", "data/validation/panel.json"),
            Made("features", "data/features/profile.json"),
        ),
    ),
    Check(
        2,
        "every feature earns its place",
        by_hand=(Measured("ablation_m5", _ablated, "WRMSSE without each family"),),
        why_not_whole="the drop-one-family backtest is run by hand: 30 minutes on M5",
    ),
    Check(
        3,
        "no feature costs more than it is worth",
        by_hand=(Measured("ablation_m5", _ablated, "seconds to fit and forecast without each family beside its gain"),),
        why_not_whole="the same run, by hand; memory per family is not in it",
    ),
    Check(
        4,
        "features obey policy rules",
        (
            Passed(f"{T}/features/test_leaks.py"),
            Passed(f"{T}/features/test_anchors.py"),
            Passed(f"{T}/features/test_plans.py"),
        ),
    ),
    Check(
        5,
        "privacy controls through the pipeline",
        (
            Passed(
                f"{T}/sources/test_files.py::test_a_personal_column_may_tell_duplicates_apart_and_still_never_passes"
            ),
            Passed(f"{T}/security/test_files_as_weapons.py::test_nothing_written_is_open_to_the_world"),
        ),
    ),
    Check(6, "a new feature can be added quickly", (Passed(f"{T}/extending/test_extending.py"),)),
    Check(
        7,
        "all feature code is tested",
        tuple(Passed(f"{T}/features/test_{name}.py") for name in ("oracle", "invariance", "worked_examples", "leaks")),
    ),
    Check(
        8,
        "model specifications are reviewed and versioned",
        (
            Passed(f"{T}/test_docs.py::test_every_param_of_the_code_stands_in_params_yaml"),
            Passed(
                f"{T}/flows/test_versions.py::test_a_week_learns_what_arrived_and_an_older_week_comes_back_by_its_tag"
            ),
            Made("train", "data/models/candidate"),
        ),
    ),
    Check(
        9,
        "the offline metric tracks the business metric",
        by_hand=(Passed(f"{T}/forecasting/test_pit.py::test_the_right_quantile_is_the_cheapest_stock"),),
        why_not_whole="a newsvendor's cost is scored beside WRMSSE at every cutoff; how the two move together was never measured",
    ),
    Check(
        10,
        "hyper-parameters are tuned",
        by_hand=(Measured("search_m5", lambda told: len(told) > 1, "a recorded search"),),
        why_not_whole="searched by hand, not with every refit",
    ),
    Check(
        11,
        "the effect of staleness is known",
        by_hand=(
            Measured(
                "cadence",
                lambda told: {"7", "28", "56"} <= told["simulator"]["loss_by_age"].keys(),
                "loss by age of the fit",
            ),
        ),
        why_not_whole="measured by hand, on two data sets; it does not renew itself",
    ),
    Check(
        12,
        "a simpler model is not better",
        (
            Made("evaluate", "data/scores/leaderboard.json"),
            Passed(f"{LABORATORY}::test_the_model_beats_the_baseline_and_nobody_beats_the_oracle"),
        ),
        (Measured("models_m5", _naive_is_worse, "seasonal naive, averages and ETS in one table"),),
    ),
    Check(
        13,
        "quality holds on important slices",
        (
            Made("evaluate", "data/scores/scores.parquet"),
            Passed(f"{T}/forecasting/test_scoring.py::test_slices_share_out_all_known_cells"),
            Passed(f"{T}/forecasting/test_promotion.py"),
        ),
    ),
    Check(
        14,
        "checked for unequal treatment",
        by_hand=(
            Passed(f"{OUTPUTS}::test_biases_that_cancel_out_in_total_ring_by_store"),
            Passed(f"{SIGNALS}::test_bias_by_group_and_outcomes_outside_are_sums_of_the_day"),
        ),
        why_not_whole="a store served with a bias rings every morning; small stores are not compared with large ones",
    ),
    Check(
        15,
        "training is reproducible",
        (
            Passed(f"{LGBM}::test_the_same_fit_in_another_process_is_the_same_text_and_the_same_model_id"),
            Passed(f"{LABORATORY}::test_the_laboratory_made_again_has_the_same_bytes"),
        ),
    ),
    Check(16, "model code is unit tested", (Passed(LGBM), Passed(f"{T}/forecasting/test_alignment.py"))),
    Check(
        17,
        "the whole pipeline has an integration test",
        (Passed(LABORATORY), Passed(f"{T}/flows/test_flows.py::test_the_daily_flow_completes_in_prefect")),
    ),
    Check(
        18,
        "quality is validated before serving",
        (Passed(FACTORY_GATE), Made("evaluate", "data/scores/decision.json")),
        (Measured("gate", lambda told: told["trials"] >= 1000, "null and power"),),
    ),
    Check(
        19,
        "one example can be debugged step by step",
        (Passed(f"{DESK}::test_every_number_of_a_published_table_leads_back_to_run_model_panel_and_files"),),
    ),
    Check(
        20,
        "a canary before full serving",
        by_hand=(Passed(f"{T}/flows/test_shadow_in_the_factory.py"), Passed(f"{T}/forecasting/test_shadow.py")),
        why_not_whole="what the gate holds back forecasts in shadow; a week of it is asked of a recipe that passes only where "
        "evaluate.gate.shadow_days says so, and it ships as 0",
    ),
    Check(
        21,
        "rollback works",
        (Passed(f"{FACTORY_GATE}::test_after_a_rollback_the_next_table_is_the_earlier_champions"),),
    ),
    Check(
        22,
        "dependency and upstream changes raise notice",
        (
            Passed(f"{INPUTS}::test_one_silent_feed_is_a_warning_that_names_it_and_its_first_missing_day"),
            Passed(f"{T}/expectations/test_usual.py"),
            Passed(f"{T}/security/test_source.py::test_every_dependency_is_pinned_by_hash"),
            Passed(f"{T}/storage/test_migrations.py::test_a_newer_store_is_refused_with_the_way_out"),
        ),
    ),
    Check(
        23,
        "input invariants hold in training and serving",
        (
            Passed(f"{T}/expectations/test_judge.py::test_great_expectations_and_polars_refuse_the_same_rows"),
            Passed(f"{INPUTS}::test_the_refused_share_is_that_of_the_last_seven_days_with_its_reasons"),
            Made("validate", "data/validation/panel.json"),
        ),
    ),
    Check(
        24,
        "training and serving features agree",
        (
            Passed(f"{T}/flows/test_parity_at_the_doors.py"),
            Passed(
                f"{T}/features/test_invariance.py::test_the_training_frame_and_the_future_frame_have_the_same_columns_and_only_float32"
            ),
        ),
    ),
    Check(
        25,
        "models are not too old",
        (Passed(f"{INPUTS}::test_a_model_ages_by_days_of_sales_and_none_at_all_is_an_error"),),
    ),
    Check(
        26,
        "numerically stable",
        (
            Passed(
                f"{T}/forecasting/test_fallback.py::test_whatever_comes_in_every_row_comes_out_with_a_number_a_method_and_a_reason_where_due"
            ),
            Passed(f"{OUTPUTS}::test_rows_that_must_not_exist_are_an_error"),
        ),
    ),
    Check(
        27,
        "speed, memory and throughput have not regressed",
        by_hand=(
            Passed(
                f"{T}/monitoring/test_steadiness.py::test_a_door_that_takes_three_times_as_long_and_a_minute_more_rings_by_its_name"
            ),
            Passed(
                f"{T}/monitoring/test_steadiness.py::test_a_door_that_holds_three_times_as_much_as_usual_rings_by_its_name"
            ),
            Passed(f"{T}/flows/test_monitor_door.py::test_a_peak_three_times_as_usual_is_an_alert_of_the_next_morning"),
            Measured("daily_path_m5", lambda told: told["total"]["seconds"] < 60, "the daily path under a minute"),
        ),
        why_not_whole="seconds and memory of two doors are watched every morning; the others' and throughput are measured by hand",
    ),
    Check(
        28,
        "prediction quality has not regressed",
        (
            Passed(SIGNALS),
            Passed(f"{OUTPUTS}::test_accuracy_is_measured_against_the_promise_for_the_same_weeks"),
            Passed(f"{T}/flows/test_monitor_door.py::test_after_a_week_of_arrivals_the_published_table_is_judged"),
        ),
    ),
)
