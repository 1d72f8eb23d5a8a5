"""What one section of params names, another must provide."""

from __future__ import annotations

from copy import deepcopy

import pytest
from ruamel.yaml import YAML

from contract.agreement import LATE_DAYS, furthest_day
from contract.errors import BadParams, LeakingFeature
from contract.params_file import lay_over, params_of
from features.declared import declared_features


@pytest.fixture
def files(root) -> dict:
    """The shipped params for own files, as a plain mapping."""
    plain = YAML(typ="safe").load((root / "params.yaml").read_text(encoding="utf-8"))
    profile = plain.pop("profiles")["files"]
    return deepcopy(lay_over(lay_over(plain, {"source": {"kind": "files"}}), profile))


def test_the_shipped_files_profile_agrees_with_itself(files):
    assert params_of(files).source.kind == "files"


@pytest.mark.parametrize(
    ("place", "value", "absent"),
    [
        ("source.levels", [["dept_id"]], "dept_id"),
        ("source.region", "state_id", "state_id"),
        ("features.hierarchy", [["store_id", "item_id"]], "item_id"),
        ("train.groups.columns", ["aisle"], "aisle"),
        ("source.files.names", {"dept_id": "aisle"}, "dept_id"),
        ("features.known_future", ["weather"], "weather"),
        ("features.past_only", ["school_holiday"], "school_holiday"),
    ],
)
def test_a_name_nobody_provides_is_refused_with_place_and_way_out(files, place, value, absent):
    *sections, name = place.split(".")
    section = files
    for part in sections:
        section = section[part]
    section[name] = value
    with pytest.raises(BadParams) as refusal:
        params_of(files)
    assert str(refusal.value).startswith(f"{place} names ['{absent}'], but source.files.")
    assert "profiles.files" in str(refusal.value)


def test_a_covariate_may_not_take_the_name_of_the_planned_openings(files):
    files["source"]["files"]["known_future"]["is_open"] = "Open"
    with pytest.raises(
        BadParams, match="'is_open', the name under which planned openings are kept"
    ):
        params_of(files)


def test_a_level_may_not_be_called_as_names_are(files):
    files["source"]["files"]["hierarchy"]["name_of_store_id"] = "City"
    with pytest.raises(BadParams, match=r"begin with 'name_of_' hold .*source\.files\.names"):
        params_of(files)


def test_a_calendar_and_holidays_together_are_refused_and_which_to_take_out_is_said(files):
    files["source"]["files"] |= {"calendar": "days*", "holidays": "DE"}
    with pytest.raises(
        BadParams, match=r"calendar \('days\*'\) .* Take out source\.files\.holidays"
    ):
        params_of(files)


def test_holidays_by_region_need_a_column_of_regions(files):
    files["source"]["files"]["holidays"] = {"BY": "DE-BY"}
    files["source"]["region"] = None
    with pytest.raises(BadParams, match=r"names regions \['BY'\], but source\.region names no"):
        params_of(files)
    files["source"]["region"] = "store_id"
    assert params_of(files).source.files.holidays == {"BY": "DE-BY"}


def test_norway_is_a_country_and_no_no(files):
    """YAML of old reads NO as false."""
    written = YAML(typ="safe").load("holidays: NO")
    files["source"]["files"] |= written
    assert params_of(files).source.files.holidays == "NO"


def test_the_simulators_columns_are_known_without_a_mapping(root):
    plain = YAML(typ="safe").load((root / "params.yaml").read_text(encoding="utf-8"))
    plain.pop("profiles")
    plain["features"]["hierarchy"] = [["shop"]]
    with pytest.raises(
        BadParams, match=r"features\.hierarchy names \['shop'\], but source\.kind simulator has"
    ):
        params_of(plain)


@pytest.mark.parametrize(("place", "value"), [("horizon", 337), ("blocks", [28, 337])])
def test_a_horizon_that_reaches_past_last_year_is_refused_with_its_limit(root, place, value):
    plain = YAML(typ="safe").load((root / "params.yaml").read_text(encoding="utf-8"))
    plain.pop("profiles")
    plain["train"][place] = value
    with pytest.raises(BadParams, match=r"want 337 days ahead; .* allows 336"):
        params_of(plain)


def test_the_furthest_day_leaks_nothing_with_feeds_two_weeks_late_and_the_next_would(params):
    furthest = furthest_day(params) + LATE_DAYS
    assert declared_features(params.features, furthest)
    with pytest.raises(LeakingFeature):
        declared_features(params.features, furthest + 1)
    bare = params.model_copy(
        update={
            "features": params.features.model_copy(update={"hierarchy": [], "year_windows": []})
        }
    )
    assert declared_features(bare.features, furthest_day(bare) + LATE_DAYS)
    assert furthest_day(bare) == 350


@pytest.mark.parametrize(
    ("place", "value", "allowed", "words"),
    [
        ("retention.first_week_days", 426, 427, "keeps 426 .*; monitor.signals judge by 427"),
        ("monitor.signals.past_days", 372, 371, "keeps 434 .*; monitor.signals judge by 435"),
        ("evaluate.gate.shadow_days", 57, 56, "wants 57 .*; retention.whole_days keeps 56"),
    ],
)
def test_tables_that_are_read_are_kept(files, place, value, allowed, words):
    *sections, name = place.split(".")
    section = files
    for part in sections:
        section = section[part]
    section[name] = allowed
    params_of(files)
    section[name] = value
    with pytest.raises(BadParams, match=words):
        params_of(files)
