"""Which series lie in which part, and totals over what parts hand in."""

from __future__ import annotations

import fcntl

import numpy as np
import polars as pl
import pytest

from contract.levels import joined, values_of
from contract.whole import Table
from scaling.parts import Parts, most_parts, part_of_series
from scaling.scratch import own_folder
from scaling.whole import NotSummedYet, PartOfWhole, add_up, add_up_all

SERIES = pl.DataFrame(
    {"unique_id": [f"i{k}_{store}" for store in "abcd" for k in range(3)]}
).with_columns(store_id=pl.col("unique_id").str.slice(3))


def test_a_store_is_never_divided_and_the_largest_stand_alone():
    parts = part_of_series(SERIES, {"a": 100, "b": 10, "c": 10, "d": 10}, 2)
    of_store = parts.join(SERIES, on="unique_id").group_by("store_id").agg(pl.col("part").unique())
    assert {store: part for store, [part] in of_store.iter_rows()} == {
        "a": 0,
        "b": 1,
        "c": 1,
        "d": 1,
    }


def test_without_stores_series_are_parted_by_their_names():
    named = SERIES.select("unique_id")
    parts = part_of_series(named, {}, 3)
    assert parts["part"].n_unique() == 3
    assert parts.equals(part_of_series(named, {}, 3))
    assert (most_parts(SERIES), most_parts(named)) == (4, 12)


def _part(folder, number: int, count: int = 2) -> PartOfWhole:
    return PartOfWhole(Parts(folder, count), number, "work")


def _hand_in(part: PartOfWhole, own: dict[str, Table]) -> None:
    with pytest.raises(NotSummedYet):
        part.totals(own)


def test_a_total_is_the_sum_by_key_over_all_parts(tmp_path):
    one = Table(pl.Series(["a", "c"]), {"units": np.array([[1.0, 2.0], [3.0, 4.0]])})
    two = Table(pl.Series(["b", "c"]), {"units": np.array([[10.0, 20.0], [30.0, 40.0]])})
    _hand_in(_part(tmp_path, 0), {"units by day": one})
    _hand_in(_part(tmp_path, 1), {"units by day": two})
    add_up_all(Parts(tmp_path, 2), "work", ["units by day"])
    total = _part(tmp_path, 1).totals({"units by day": two})["units by day"]
    assert total.keys.to_list() == ["a", "b", "c"]
    assert total.values["units"].tolist() == [[1, 2], [10, 20], [33, 44]]
    assert total.of(two.keys)["units"].tolist() == [[10, 20], [33, 44]]


def test_flags_are_gathered_and_counts_stay_counts(tmp_path):
    for number, key in enumerate("ab"):
        own = Table(pl.Series([key]), {"is_peer": np.array([number == 1]), "n": np.array([number])})
        _hand_in(_part(tmp_path, number), {"series": own})
    total = add_up(Parts(tmp_path, 2), "work", "series")
    assert total.values["is_peer"].tolist() == [0, 1]
    assert total.values["n"].dtype == np.int64


def test_what_is_kept_is_made_once(tmp_path):
    made = []

    def make() -> dict[str, np.ndarray]:
        made.append(1)
        return {"y_hat": np.arange(3.0), "keys": np.array(["a|b", "ü"])}

    for _ in range(2):
        kept = _part(tmp_path, 0).kept("means", make)
    assert len(made) == 1
    assert kept["keys"].tolist() == ["a|b", "ü"]


def test_what_dead_runs_left_goes_with_the_next_and_no_live_one_is_touched(tmp_path):
    """Killed with the lock alone, at work, and while the folder was being removed."""
    parent = tmp_path / "parts"
    for name, files in {"early": None, "at_work": ["x"], "late": []}.items():
        parent.mkdir(exist_ok=True)
        (parent / f"{name}.lock").touch()
        if files is not None:
            (parent / name).mkdir()
            for file in files:
                (parent / name / file).touch()
    with own_folder(parent) as folder:
        assert {path.name for path in parent.iterdir()} == {folder.name, f"{folder.name}.lock"}
        with own_folder(parent) as other:
            assert folder.exists()
            assert other != folder
    assert not list(parent.iterdir())


def test_two_runs_that_begin_at_once_have_a_folder_each(tmp_path, monkeypatch):
    """The other one looks for dead runs just before this one's lock is held."""
    lock, others = fcntl.flock, []

    def late(held, how):
        if not others:
            others.append(None)
            with own_folder(tmp_path / "parts"):
                pass
        lock(held, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with own_folder(tmp_path / "parts") as folder:
        (folder / "rows").touch()
    assert not list((tmp_path / "parts").iterdir())


@pytest.mark.parametrize(
    "values", [("a", "b"), ("a|b", ""), ("\\", "|\\|"), ("", ""), ("ü\n", "x")]
)
def test_a_key_gives_back_its_values(values):
    columns = ["one", "two"]
    frame = pl.DataFrame([values], schema=columns, orient="row")
    assert values_of(frame.select(joined(columns))[0, 0], columns) == values
    assert values_of("total", []) == ()
