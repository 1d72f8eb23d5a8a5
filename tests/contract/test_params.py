"""params.yaml: what is laid over what, and how a wrong value is refused."""

from copy import deepcopy

import pytest
from ruamel.yaml import YAML

from contract.errors import BadParams
from contract.hashes import params_hash
from contract.params_file import load_params, params_of


@pytest.fixture
def raw(root) -> dict:
    """The shipped file as a plain mapping, without profiles."""
    plain = YAML(typ="safe").load((root / "params.yaml").read_text(encoding="utf-8"))
    plain.pop("profiles")
    return deepcopy(plain)


@pytest.fixture
def written(tmp_path, root):
    """`written(change)`: the shipped file with `change(mapping)` applied, as a path."""

    def write(change) -> object:
        plain = YAML(typ="safe").load((root / "params.yaml").read_text(encoding="utf-8"))
        change(plain)
        path = tmp_path / "params.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML(typ="safe").dump(plain, file)
        return path

    return write


def test_the_profile_of_the_source_kind_is_laid_over_the_sections(written):
    def use_m5(plain):
        plain["source"]["kind"] = "m5"
        plain["train"]["rounds"], plain["train"]["seed"] = 1, 99
        plain["profiles"]["m5"] = {"train": {"rounds": 7}}

    params = load_params(written(use_m5))
    assert params.train.rounds == 7
    assert params.train.seed == 99  # what the profile does not name stays


def test_the_profile_of_another_kind_changes_nothing(written):
    def change(plain):
        plain["train"]["rounds"] = 1
        plain["profiles"] = {"m5": {"train": {"rounds": 7}}}

    assert load_params(written(change)).train.rounds == 1


def test_a_profile_reaches_into_nested_sections(written):
    params = load_params(
        written(
            lambda plain: plain.update(
                profiles={"simulator": {"evaluate": {"gate": {"max_loss": 0.3}}}}
            )
        )
    )
    assert params.evaluate.gate.max_loss == 0.3
    assert params.evaluate.gate.confidence == 0.95


@pytest.mark.parametrize("column", ["series", "total", "a*b"])
def test_a_level_that_would_be_called_as_another_is_refused(written, column):
    with pytest.raises(BadParams, match=r"source\.levels.*called as another level is.*rename"):
        load_params(written(lambda plain: plain["source"].update(levels=[[], [column]])))


def test_a_name_nobody_knows_is_refused_with_its_place(written):
    with pytest.raises(BadParams, match=r"train\.round: Extra inputs are not permitted"):
        load_params(written(lambda plain: plain["train"].update(round=3)))


def test_a_name_nobody_knows_in_the_profile_is_refused_too(written):
    with pytest.raises(BadParams, match=r"train\.round:"):
        load_params(
            written(lambda plain: plain.update(profiles={"simulator": {"train": {"round": 3}}}))
        )


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("ingest", "max_refused_share", 1.5),
        ("ingest", "volume_band", 1.0),
        ("ingest", "volume_band", float("inf")),
        ("ingest", "max_y", float("nan")),
        ("ingest", "most_days_ahead", 0),
        ("features", "lags", [-1]),
        ("features", "windows", [1]),
        ("train", "blocks", [14, 7]),
        ("train", "blocks", []),
        ("train", "tweedie_power", 2.0),
        ("train", "strategy", "guess"),
        ("train", "rounds", 0),
        ("train", "seed", -1),
        ("evaluate", "origins", "many"),
        ("inference", "explosion_factor", 1.0),
        ("monitor", "max_wape_ratio", None),
    ],
)
def test_a_value_out_of_range_is_refused_with_place_value_and_way_out(raw, section, name, value):
    raw[section][name] = value
    with pytest.raises(BadParams) as refusal:
        params_of(raw, "my.yaml")
    message = str(refusal.value)
    assert message.startswith("my.yaml does not fit: ")
    assert f"{section}.{name}" in message
    assert "comment in params.yaml" in message
    shown = value[0] if isinstance(value, list) and name in ("lags", "windows") else value
    assert f"(got {shown!r})" in message


def test_every_wrong_place_is_listed_at_once(raw):
    raw["train"]["rounds"], raw["drills"]["seed"] = 0, "x"
    with pytest.raises(BadParams, match=r"train\.rounds.*drills\.seed"):
        params_of(raw)


def test_a_missing_section_is_refused(raw):
    del raw["monitor"]
    with pytest.raises(BadParams, match="monitor: Field required"):
        params_of(raw)


def test_a_file_that_is_not_there_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(BadParams, match=r"there is no params file .* pass --params"):
        load_params(tmp_path / "none.yaml")


def test_a_folder_is_no_params_file(tmp_path):
    with pytest.raises(BadParams, match=str(tmp_path)):
        load_params(tmp_path)


@pytest.mark.parametrize("text", ["train: [1, 2", "a: b: c", "\t- x"])
def test_what_is_not_yaml_is_refused(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadParams, match="is not YAML"):
        load_params(path)


@pytest.mark.parametrize("text", ["", "just words", "- a\n- b\n"])
def test_a_file_without_sections_is_refused(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadParams, match="holds no sections"):
        load_params(path)


@pytest.mark.parametrize(
    "change", [{"source": "simulator"}, {"profiles": ["m5"]}, {"profiles": {"simulator": 3}}]
)
def test_a_section_that_is_no_mapping_is_refused_not_a_crash(written, change):
    with pytest.raises(BadParams):
        load_params(written(lambda plain: plain.update(change)))


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(b"source: \xff\xfe")
    with pytest.raises(BadParams, match="is not YAML"):
        load_params(path)


def test_params_are_frozen(params):
    with pytest.raises(Exception, match="frozen"):
        params.train.rounds = 1


def test_equal_values_have_equal_hashes_and_any_change_another(params):
    same = params.train.model_copy()
    other = params.train.model_copy(update={"rounds": params.train.rounds + 1})
    assert params_hash(params.train) == params_hash(same)
    assert params_hash(params.train) != params_hash(other)
    assert params_hash(params.train, params.features) != params_hash(params.features, params.train)
