"""The planner's page: numbers by hand, what people changed, and that nothing breaks out of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from contract.frames import CALENDAR, ORDERS, OVERRIDES, PRICES
from contract.quantiles import QUANTILES
from reports.ahead import Known, cube, shown_levels, sums_by_series, weeks_by_series, windows
from reports.planner import render_planner, write_planner_page
from reports.planner_input import PlannerPage
from reports.planner_series import planner_series_files

ORIGIN, NASTY = date(2024, 12, 31), "</script><script>alert(1)</script>"
MOMENT = datetime(2024, 1, 1)


def days(first: int, last: int) -> list[date]:
    return [ORIGIN + timedelta(days=k) for k in range(first, last + 1)]


def known(**changes) -> Known:
    """a sold 2 a day, b 4; a year ago 1 and 2. Ahead 3 of a, of which a person made 5 on the first
    day, and 4 of b; the table before said 2 of a. a costs 10.
    """
    final = [
        {
            "unique_id": name,
            "ds": ds,
            "h": h,
            "y_hat": 5.0 if (name, h) == ("a", 1) else mean,
            "model": mean,
            "override_id": 1 if (name, h) == ("a", 1) else None,
            "reason": None,
            **dict.fromkeys(QUANTILES, mean),
        }
        for name, mean in (("a", 3.0), ("b", 4.0))
        for h, ds in enumerate(days(1, 28), start=1)
    ]
    sold = [
        {"unique_id": name, "ds": ds - timedelta(days=back), "y": y}
        for back, by_series in ((0, {"a": 2.0, "b": 4.0}), (364, {"a": 1.0, "b": 2.0}))
        for ds in days(-83, 0 if back == 0 else 28)
        for name, y in by_series.items()
    ]
    before = [{"unique_id": "a", "ds": ds, "y_hat": 2.0} for ds in days(1, 27)]
    price = {"unique_id": "a", "from_ds": ORIGIN, "to_ds": ORIGIN, "price": 10.0, "promo": None}
    fields = {
        "origin": ORIGIN,
        "final": pl.DataFrame(final, infer_schema_length=None).cast({"h": pl.Int32}),
        "before": pl.DataFrame(before),
        "sales": pl.DataFrame(sold).sort("unique_id", "ds"),
        "prices": PRICES.conform(pl.DataFrame([price | {"known_at": MOMENT}])),
        "series": pl.DataFrame({"unique_id": ["a", "b"], "store_id": ["S1", "S2"]}),
        "first_day": ORIGIN - timedelta(days=500),
    }
    return Known(**fields | changes)


def page(known: Known, **changes) -> PlannerPage:
    override = dict.fromkeys(OVERRIDES.schema) | {
        "override_id": 1,
        "made_by": "ada",
        "reason": "a fair",
        "level": "total",
        "key": "total",
        "from_ds": ORIGIN + timedelta(days=1),
        "to_ds": ORIGIN + timedelta(days=1),
        "kind": "percent",
        "value": 40.0,
        "state": "holds",
        "series": 2,
        "model_units": 7.0,
        "final_units": 9.0,
    }
    exception = {"unique_id": "a", "cause": "moves", "units": 3.0, "money": 30.0, "words": "1, 4"}
    fields = {
        "known": known,
        "sums": sums_by_series(known).with_columns(price=pl.Series([10.0, None])),
        "exceptions": pl.DataFrame([exception]),
        "causes": {"moves": "far from usual"},
        "orders": ORDERS.empty(),
        "names": pl.DataFrame({"unique_id": ["a", "b"]}),
        "calendar": CALENDAR.empty(),
        "overrides": pl.DataFrame([override]),
        "value_added": {},
        "unit": "units",
        "before_origin": ORIGIN - timedelta(days=1),
    }
    return PlannerPage(**fields | changes)


def test_units_and_money_of_each_span_by_hand():
    a, b = sums_by_series(known()).to_dicts()
    assert (a["units_next_7"], a["units_next_28"], a["units_model_7"]) == (23.0, 86.0, 21.0)
    assert (a["units_last_7"], a["units_year_28"]) == (14.0, 28.0)
    assert (a["units_before_28"], a["units_overlap_28"]) == (54.0, 83.0)
    assert (a["money_next_7"], a["money_last_7"]) == (230.0, 20.0)  # its price began on the origin
    assert (b["units_next_7"], b["money_next_7"], b["units_before_7"]) == (28.0, 0.0, 0.0)


def test_what_is_not_there_is_null_and_no_zero():
    young = known(first_day=ORIGIN - timedelta(days=100))
    alone = replace(young, before=young.before.clear(), prices=young.prices.clear())
    sums = cube(sums_by_series(alone), ["store_id"])
    for name in ("units_year_7", "units_before_7", "units_overlap_7", "money_next_7"):
        assert sums[name].to_list() == [None, None], name
    assert sums["units_next_7"].to_list() == [23.0, 28.0]


def test_weeks_are_whole_back_from_the_origin_and_ahead_of_it():
    weeks = weeks_by_series(known()).filter(unique_id="a").sort("week")
    assert weeks["week"].to_list() == [*range(-8, 0), 1, 2, 3, 4]
    assert weeks["units"].to_list() == [14.0] * 8 + [23.0, 21.0, 21.0, 21.0]


def test_a_level_of_one_group_or_of_many_is_no_row():
    series = pl.DataFrame(
        {
            "unique_id": [str(k) for k in range(100)],
            "region": ["r"] * 100,
            "item_id": [str(k) for k in range(100)],
            "dept_id": ["d", "e"] * 50,
            "store_id": ["s", "t"] * 50,
        }
    )
    assert shown_levels(series) == ["store_id", "dept_id"]
    assert windows(ORIGIN, 28, 84)[1] == (date(2024, 10, 9), ORIGIN)


def test_the_page_says_what_people_changed_and_holds_no_nan():
    text = render_planner(page(known()), has_orders=False)
    assert "a fair" in text
    assert "NaN" not in re.sub(r"<script>.*", "", text, flags=re.DOTALL)
    assert "None" not in re.sub(r"<script.*", "", text, flags=re.DOTALL)
    assert "+40%" in text


def test_where_y_is_money_no_price_is_multiplied_and_nothing_is_called_units():
    text = render_planner(page(known(), unit="EUR"), has_orders=False)
    body = re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL)
    assert "EUR" in body
    assert "units" not in body
    assert ">money<" not in body
    data = json.loads(re.search(r'id="crossed-data">(.*?)</script>', text, re.DOTALL)[1])
    assert data["has_money"] is False


def test_names_cannot_become_markup_or_script():
    evil = known()
    rename = {"a": NASTY, "b": "b"}
    swap = pl.col("unique_id").replace_strict(rename)
    frames = {
        name: getattr(evil, name) for name in ("final", "before", "sales", "prices", "series")
    }
    evil = replace(evil, **{name: frame.with_columns(swap) for name, frame in frames.items()})
    exception = page(known()).exceptions.with_columns(unique_id=pl.lit(NASTY), words=pl.lit(NASTY))
    overrides = page(known()).overrides.with_columns(
        made_by=pl.lit(NASTY), reason=pl.lit(NASTY), key=pl.lit(NASTY)
    )
    written = page(evil, exceptions=exception, overrides=overrides)
    text = render_planner(written, has_orders=True)
    assert NASTY not in text
    for _, part in planner_series_files(written, 84):
        assert "</script" not in part


def test_a_series_file_holds_last_year_the_final_numbers_and_why(tmp_path: Path):
    files = dict(planner_series_files(page(known()), 84))
    one = json.loads(re.match(r"tillcast\.got\(0,(.*)\);\n", files["0000.js"])[1])[0]
    assert (len(one["y"]), len(one["last"]), len(one["y_hat"])) == (84, 112, 28)
    assert (one["y_hat"][:2], one["model"][:2], one["overrides"]) == ([5, 3], [3, 3], [1])
    assert (one["last"][0], one["prices"], one["cause"]) == (1, [[83, 10]], ["moves"])
    index = json.loads(re.match(r"tillcast\.index\((.*)\);\n", files["index.js"])[1])
    assert index["overrides"] == {"1": "ada: a fair"}


def test_the_folder_is_whole_and_light(tmp_path: Path):
    (tmp_path / "planner").mkdir()
    (tmp_path / "planner" / "9999.js").write_text("of an older, longer table")
    target = write_planner_page(page(known()), tmp_path)
    assert target.stat().st_size < 100_000
    assert sorted(path.name for path in (tmp_path / "planner").iterdir()) == [
        "0000.js",
        "index.js",
        "vega.js",
    ]
    assert pl.read_csv(tmp_path / "planner.csv")["cause"].to_list() == ["far from usual"]
    assert pl.read_excel(tmp_path / "planner.xlsx")["money"].to_list() == [30]


@pytest.mark.parametrize("horizon", [3, 14])
def test_a_short_table_is_shown_as_far_as_it_reaches(horizon):
    whole = known()
    short = replace(whole, final=whole.final.filter(pl.col("h") <= horizon))
    assert short.spans == ([3] if horizon == 3 else [7])
    text = render_planner(page(short), has_orders=False)
    assert f"next {short.spans[0]} days" in text
