"""Overrides in a shop, through the entry points: set, seen in the next table and the orders, scored
when the days have come true.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import inference
import ingest
from queries.export import export
from queries.overrides import overrides
from queries.planner import renew_planner_page
from stages.order import order
from stages.overrides import Request, override, revoke
from storage.forecasts import latest_forecasts, newest_run
from storage.orders import read_orders, spans_of
from storage.overrides import overridden_of, read_final
from storage.series import add_columns, read_series
from storage.store import open_store

NOW = datetime(2024, 6, 1, 7)
FIRST = date(2024, 5, 30)  # the first day of the shop's table
WEEK = (FIRST, FIRST + timedelta(days=6))


@pytest.fixture
def run(shop, capsys):
    """`run("override", ...)`: the exit code of inference.py, and its summary as JSON."""

    def run_inference(*arguments: str) -> tuple[int, dict]:
        capsys.readouterr()
        code = inference.main([*arguments, *shop.options, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run_inference


def _read(shop, read, *arguments):
    with open_store(shop.paths.store, read_only=True) as con:
        return read(con, *arguments)


def _final(shop) -> pl.DataFrame:
    run, _ = _read(shop, newest_run)
    return _read(shop, read_final, run.run_id)


def _wanted(**changes) -> Request:
    fields = {"where": {"store_id": "CA_1"}, "from_ds": WEEK[0], "to_ds": WEEK[1]}
    return Request(
        **fields | {"kind": "percent", "value": 50.0, "by": "ada", "reason": "fair"} | changes
    )


def test_a_group_is_overridden_summed_exactly_listed_and_revoked(shop, run):
    days = ("--from", str(WEEK[0]), "--to", str(WEEK[1]))
    said = ("--units", "700", "--by", "ada", "--reason", "a fair next door")
    where = ("--where", "store_id=CA_1", "--where", "dept_id=FOODS_1")
    code, made = run("override", *where, *days, *said)
    assert (code, made["level"], made["key"]) == (0, "store_id*dept_id", "CA_1|FOODS_1")
    final, series = _final(shop), _read(shop, read_series)
    group = series.filter(store_id="CA_1", dept_id="FOODS_1")["unique_id"].implode()
    rows = final.filter(pl.col("unique_id").is_in(group), pl.col("ds").is_between(*WEEK))
    assert rows["y_hat"].sum() == pytest.approx(700, rel=1e-12)
    assert rows["override_id"].to_list() == [1] * rows.height
    assert rows.height == made["rows"] == 7 * made["series"]
    others = final.join(rows, on=["unique_id", "ds"], how="anti")
    assert others["override_id"].null_count() == others.height
    assert others["y_hat"].equals(others["model"])
    listed = run("overrides")[1]["overrides"][0]
    assert (listed["state"], listed["made_by"], listed["final_units"]) == ("holds", "ada", 700.0)
    assert run("revoke", "1", "--by", "bob")[0] == 0
    assert _final(shop)["override_id"].null_count() == final.height
    assert run("overrides")[1]["overrides"][0]["state"] == "revoked"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"where": {"shop": "CA_1"}}, "no column of the series is called ['shop']"),
        ({"where": {"store_id": "CA_9"}}, "no series has store_id = 'CA_9'"),
        ({"where": {"unique_id": "nobody"}}, "no series has unique_id = 'nobody'"),
        ({"where": {"store_id": "CA_1", "state_id": "TX"}}, "state_id = 'TX' there"),
        ({"from_ds": FIRST - timedelta(days=1)}, "are no days of the newest table"),
        ({"to_ds": FIRST + timedelta(days=90)}, "are no days of the newest table"),
        ({"to_ds": FIRST - timedelta(days=3)}, "are no days of the newest table"),
        ({"value": -100.1}, "below zero"),
        ({"kind": "units", "value": -1.0}, "below zero"),
        ({"value": float("nan")}, "no number"),
        ({"value": float("inf")}, "no number"),
        ({"by": " "}, "--by ' ' is no text"),
        ({"by": "ada\u202ebob"}, r"--by 'ada\u202ebob' is no text"),
        ({"reason": "two\nlines"}, "is no text of one line"),
        ({"reason": "not utf-8: \udcff"}, "is no text of one line"),
        ({"value": 1e13}, "beyond counting"),
        ({"kind": "units", "value": 1e308}, "beyond counting"),
        ({"reason": "x" * 301}, "is no text of one line"),
        ({"expires_on": FIRST - timedelta(days=1)}, "is over"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(shop, changes, why):
    from contract.errors import BadUsage

    with pytest.raises(BadUsage) as refusal:
        override(shop.params, shop.paths, _wanted(**changes), now=NOW)
    assert why in str(refusal.value)
    assert overrides(shop.params, shop.paths)["overrides"] == []


def test_a_series_that_came_after_the_table_is_refused_and_in_a_group_it_is_no_row(shop, newcomer):
    from contract.errors import BadUsage

    for kind in ("units", "percent"):
        wanted = _wanted(where={"unique_id": newcomer}, kind=kind)
        with pytest.raises(BadUsage, match=r"has no row of 'NEW_CA_1'.*came after it"):
            override(shop.params, shop.paths, wanted, now=NOW)
    assert overrides(shop.params, shop.paths)["overrides"] == []
    made = override(shop.params, shop.paths, _wanted(kind="units", value=700.0), now=NOW)
    assert (made["final_units"], made["rows"]) == (700.0, 7 * made["series"])


def test_units_of_a_store_that_is_closed_by_habit_are_refused(shop, next_day):
    from contract.errors import BadUsage

    now, first = NOW + timedelta(days=28), FIRST + timedelta(days=28)
    for k in range(1, 29):
        path = next_day(shop, k)
        rows = pl.read_csv(path, infer_schema=False)
        shut = pl.col("store_id") == "CA_1"
        said = {"y": "0", "is_open": "false"}
        closed = {n: pl.when(shut).then(pl.lit(v)).otherwise(n) for n, v in said.items()}
        rows.with_columns(**closed).write_csv(path)
    ingest.ingest(shop.params, shop.paths, now=now)
    inference.infer(shop.params, shop.paths, now=now)
    days = {"from_ds": first, "to_ds": first + timedelta(days=6)}
    wanted = _wanted(kind="units", value=70.0, **days)
    with pytest.raises(BadUsage, match=r"no day of 'CA_1' .* can sell: calendar, plan or habit"):
        override(shop.params, shop.paths, wanted, now=now)


def test_a_group_whose_level_would_be_called_as_another_is_refused(shop):
    from contract.errors import BadUsage

    with open_store(shop.paths.store) as con:
        add_columns(con, ["series"])
    wanted = _wanted(where={"series": "unplaced"})
    with pytest.raises(BadUsage, match=r"\['series'\] would be called 'series', as another"):
        override(shop.params, shop.paths, wanted, now=NOW)


def test_a_dry_run_says_what_would_be_and_writes_nothing(shop):
    said = override(shop.params, shop.paths, _wanted(), now=NOW, dry_run=True)
    assert said["final_units"] == pytest.approx(1.5 * said["model_units"], abs=2e-3)
    assert overrides(shop.params, shop.paths)["overrides"] == []


def test_the_same_sent_twice_is_one_and_after_a_revocation_it_is_another(shop):
    def numbers(*requests: Request) -> list[int]:
        made = (override(shop.params, shop.paths, one, now=NOW) for one in requests)
        return [one["override_id"] for one in made]

    assert numbers(_wanted(), _wanted(), _wanted(value=51.0), _wanted()) == [1, 1, 2, 3]
    revoke(shop.params, shop.paths, 3, "ada", NOW)
    assert numbers(_wanted()) == [4]


def test_no_group_is_the_total_and_the_wrong_pair_is_refused(shop, run):
    days = ("--from", str(WEEK[0]), "--to", str(WEEK[1]), "--percent", "5")
    who = ("--by", "ada", "--reason", "all of it", "--dry-run")
    assert run("override", *days, *who)[1]["level"] == "total"
    code, refused = run("override", "--where", "store_id", *days, *who)
    assert (code, refused["error"]) == (2, "BadUsage")


def test_the_next_table_takes_it_and_one_past_its_expiry_does_not(shop, next_day):
    last = WEEK[1]
    units = _wanted(kind="units", value=700.0)
    short = _wanted(where={"store_id": "TX_1"}, expires_on=FIRST)
    for wanted in (units, short):
        override(shop.params, shop.paths, wanted, now=NOW)
    before = _final(shop).filter(override_id=1).group_by("ds").agg(pl.col("y_hat").sum())
    next_day(shop, 1)
    ingest.ingest(shop.params, shop.paths, now=NOW)
    inference.infer(shop.params, shop.paths, now=NOW)
    run, origin = _read(shop, newest_run)
    assert origin == FIRST
    rows = _read(shop, overridden_of, run.run_id)
    assert rows["override_id"].unique().to_list() == [1]
    after = rows.group_by("ds").agg(pl.col("y_hat").sum()).sort("ds")
    assert after["ds"].to_list() == [FIRST + timedelta(days=k) for k in range(1, 7)]
    assert after["ds"].max() == last
    same = after.join(before, on="ds")
    assert same["y_hat"].to_list() == pytest.approx(same["y_hat_right"].to_list(), rel=1e-12)


def test_orders_are_of_the_final_means_and_say_so(shop):
    plain = order(shop.params, shop.paths, now=NOW, order_day=FIRST)
    before = _read(shop, read_orders)
    override(shop.params, shop.paths, _wanted(where={}, value=100.0), now=NOW)
    order(shop.params, shop.paths, now=NOW, order_day=FIRST)
    after = _read(shop, read_orders)
    both = before.join(after, on="unique_id", suffix="_after").drop_nulls("demand")
    week = pl.col("cover_to") <= WEEK[1]
    doubled = both.filter(week, pl.col("demand") > 0)
    ratio = (doubled["demand_after"] / doubled["demand"]).to_list()
    assert ratio == pytest.approx([2.0] * len(ratio))
    assert doubled.height > 3
    assert doubled["flags_after"].str.contains("override").all()
    assert after["units"].sum() > before["units"].sum() == plain["units"]
    line = doubled["unique_id"][0]
    kept = _read(shop, spans_of, after["run_id"][0], line)
    model = _read(shop, latest_forecasts).filter(pl.col("unique_id") == line, pl.col("h") <= 7)
    week_ahead = kept.filter(from_h=1, to_h=7)["mean"].item()
    assert week_ahead == pytest.approx(model["y_hat"].sum())  # the spans published stay the model's


def test_an_export_has_the_final_number_beside_the_models(shop, tmp_path):
    override(shop.params, shop.paths, _wanted(), now=NOW)
    export(shop.params, shop.paths, tmp_path / "out", "parquet")
    rows = pl.read_parquet(tmp_path / "out" / "final_forecasts.parquet")
    said = rows.filter(pl.col("override_id") == 1)
    assert said["tillcast-final"].to_list() == pytest.approx((said["tillcast"] * 1.5).to_list())
    assert said["made_by"].unique().to_list() == ["ada"]
    model = pl.read_parquet(tmp_path / "out" / "forecasts.parquet")
    assert rows["tillcast"].equals(model["tillcast"])


def test_before_the_first_table_there_is_no_page_and_nothing_fails(params, paths):
    with open_store(paths.store):
        pass
    assert renew_planner_page(params, paths) is None
    assert overrides(params, paths) == {"overrides": [], "value_added": {}}


def test_value_added_tells_a_helpful_planner_from_a_harmful_one(shop, next_day):
    """ada knows what one store will sell each day; bob doubles the forecast of another; of what
    cara revoked before the first day nothing is scored.
    """
    params, paths = shop.params, shop.paths
    files = [next_day(shop, k) for k in range(1, 8)]
    days = [FIRST + timedelta(days=k) for k in range(7)]
    before = datetime.combine(FIRST, datetime.min.time()) - timedelta(hours=1)
    wanted = [
        _wanted(from_ds=day, to_ds=day, kind="units", value=_sold_at(path, "CA_1"))
        for day, path in zip(days, files, strict=True)
    ]
    wanted.append(_wanted(where={"store_id": "TX_1"}, value=100.0, by="bob", reason="hope"))
    for one in wanted:
        override(params, paths, one, now=before)
    cara = _wanted(where={"dept_id": "FOODS_1"}, value=300.0, by="cara")
    revoke(params, paths, override(params, paths, cara, now=before)["override_id"], "cara", before)
    assert overrides(params, paths)["value_added"] == {}
    ingest.ingest(params, paths, now=datetime.combine(days[-1], before.time()) + timedelta(days=2))
    tables = overrides(params, paths)["value_added"]
    by_person = {row["of"]: row for row in tables["by_person"]}
    assert set(by_person) == {"ada", "bob"}
    ada, bob = by_person["ada"], by_person["bob"]
    assert ada["person_saved"] > 0 > bob["person_saved"]
    assert ada["overrides"] == ada["helped"] == 7
    assert ada["final_wape"] < ada["model_wape"] / 2
    assert bob["final_wape"] > bob["model_wape"]
    assert {row["of"] for row in tables["by_reason"]} == {"fair", "hope"}
    assert tables["total"][0]["overrides"] == 8
    assert sum(row["overrides"] for row in tables["by_size"]) == 8


def _sold_at(path: Path, store: str) -> float:
    """The units of a day's file in one store."""
    rows = pl.read_csv(path, infer_schema=False).filter(store_id=store)
    return rows["y"].cast(pl.Float64, strict=False).fill_null(0.0).clip(lower_bound=0.0).sum()
