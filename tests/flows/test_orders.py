"""Orders in a shop: from table, stock and supply to lines, again by independent arithmetic."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest

import inference
from contract.errors import BadUsage, ModelBroken, SourceMissing
from contract.quantiles import QUANTILES
from flows import daily
from monitoring.stock import stock
from ordering.calendar import order_day_of
from queries.day_orders import day_orders
from queries.explain_order import explain_order
from queries.printed import printed_order
from queries.span import SpanQuestion, demand_of_span
from stages.order import order
from stages.rebuild import rebuild
from storage.forecasts import latest_forecasts, latest_spans, newest_runs
from storage.orders import read_orders, spans_of
from storage.runs import read_runs
from storage.series import read_series
from storage.store import open_store
from storage.supply import read_supply

NOW = datetime(2024, 6, 1, 7)
THURSDAY = date(2024, 5, 30)  # the first day of the shop's table; NOW is two days later
SCORES = [NormalDist().inv_cdf(level) for level in QUANTILES.values()]


@pytest.fixture
def ordered(shop):
    """The shop with its proposals of the next day."""
    order(shop.params, shop.paths, now=NOW, order_day=THURSDAY)
    return shop


def _read(shop, read, *arguments):
    with open_store(shop.paths.store, read_only=True) as con:
        return read(con, *arguments)


def _quantile(row: dict, service: float) -> float:
    """Between kept quantiles by hand: linear in the normal score."""
    return float(np.interp(NormalDist().inv_cdf(service), SCORES, [row[q] for q in QUANTILES]))


def test_every_line_again_by_independent_arithmetic(ordered):
    """Of lines with one end of their cover: spans from the store, stock and packs by hand."""
    orders = _read(ordered, read_orders)
    limited = pl.col("flags").fill_null("").str.contains("sales_lost|life|minimum|cut")
    sure = orders.filter(pl.col("units").is_not_null() & ~limited)
    checked = 0
    for line in sure.iter_rows(named=True):
        spans = _read(ordered, spans_of, line["run_id"], line["unique_id"])
        origin = spans["origin"][0]
        to_h = (line["cover_to"] - origin).days
        until = spans.filter(from_h=1, to_h=to_h)
        if line["stock_ds"] != origin or until.height != 1:
            continue
        (row,) = until.to_dicts()
        if not np.isclose(row["mean"], line["demand"]):
            continue  # several ends of the cover
        enough = np.floor(_quantile(row, line["service"]) + 0.5)
        assert line["target"] == enough
        assert line["position"] == max(line["on_hand"], 0) + line["on_order"]
        pack = line["units"] / line["packs"] if line["packs"] else 1.0
        assert line["units"] == pack * np.ceil(max(enough - line["position"], 0) / pack)
        checked += 1
    assert checked >= 3


def test_lines_are_of_series_whose_order_day_it_is(ordered):
    orders = _read(ordered, read_orders)
    assert orders["order_day"].n_unique() == 1
    day = orders["order_day"][0]
    assert day == THURSDAY
    supply = _read(ordered, read_supply).filter(pl.col("order_days").is_not_null())
    with_it = [
        json.loads(scope).get("dept_id")
        for scope, days in supply.select("scope", "order_days").iter_rows()
        if str(day.isoweekday()) in days.split()
    ]
    series = _read(ordered, read_series)
    expected = series.filter(pl.col("dept_id").is_in(with_it))["unique_id"]
    assert set(orders["unique_id"]) == set(expected)


def test_what_was_never_counted_has_a_reason_and_no_units(ordered):
    orders = _read(ordered, read_orders)
    unsaid = orders.filter(pl.col("units").is_null())
    assert unsaid["reason"].null_count() == 0
    assert orders.filter(pl.col("reason").is_not_null())["units"].count() == 0


def test_the_same_question_twice_is_one_proposal(ordered):
    before = _read(ordered, read_orders).drop("created_at")
    later = NOW + timedelta(hours=1)
    order(ordered.params, ordered.paths, now=later, order_day=THURSDAY)
    assert _read(ordered, read_orders).drop("created_at").equals(before)


def test_a_lost_store_has_its_orders_again(ordered):
    orders, spans = _read(ordered, read_orders), _read(ordered, latest_spans)
    ordered.paths.store.unlink()
    rebuild(ordered.params, ordered.paths, now=NOW)
    assert _read(ordered, read_orders).equals(orders)
    assert _read(ordered, latest_spans).equals(spans)


def test_a_dry_run_writes_nothing(shop):
    summary = order(shop.params, shop.paths, now=NOW, dry_run=True)
    assert summary["lines"] > 0
    assert _read(shop, read_orders).is_empty()
    assert not (shop.paths.reports / "orders.html").exists()


def test_the_page_and_the_files_lie_beside_the_report(ordered):
    orders = _read(ordered, read_orders)
    page = (ordered.paths.reports / "orders.html").read_text(encoding="utf-8")
    largest = orders.sort("money", descending=True, nulls_last=True)["unique_id"][0]
    assert largest in page
    assert pl.read_csv(ordered.paths.reports / "orders.csv").height == orders.height
    sheet = pl.read_excel(ordered.paths.reports / "orders.xlsx")
    acted_on = orders.filter(
        (pl.col("units") > 0) | (pl.col("p_out_before") >= 0.1) | pl.col("reason").is_not_null()
    )
    assert set(sheet["unique_id"]) == set(acted_on["unique_id"])


def test_the_order_day_is_today_where_a_feed_is_late_and_the_tables_own_in_the_past():
    origin = datetime(2026, 1, 10).date()
    days = {k: order_day_of(origin, origin + timedelta(days=k)) for k in (0, 1, 3, 400)}
    first = origin + timedelta(days=1)
    assert days == {0: first, 1: first, 3: origin + timedelta(days=3), 400: first}


def test_a_day_the_table_does_not_hold_is_refused(shop):
    with pytest.raises(BadUsage, match="no order day of the newest table"):
        order(shop.params, shop.paths, now=NOW, order_day=NOW.date() + timedelta(days=400))


def test_a_calibration_of_older_code_says_what_to_do(shop):
    _without_spans(shop)
    with pytest.raises(ModelBroken, match="several days together"):
        order(shop.params, shop.paths, now=NOW)


def test_an_explained_line_says_its_steps_and_whose_word_each_term_is(ordered):
    line = _read(ordered, read_orders).filter(pl.col("units") > 0).row(0, named=True)
    explained = explain_order(ordered.params, ordered.paths, line["unique_id"])
    assert explained["line"]["units"] == line["units"]
    assert dict(explained["steps"])["units proposed, whole packs"] == line["units"]
    assert explained["said_by"]["order_days"].startswith('{"dept_id"')
    assert explained["spans"]
    printed = printed_order(explained)
    assert line["unique_id"] in printed["order"]
    with pytest.raises(SourceMissing, match="no order line"):
        explain_order(ordered.params, ordered.paths, "nobody")


def _question(shop, **changes) -> SpanQuestion:
    table = _read(shop, latest_forecasts)
    origin = table["origin"][0]
    fields = {
        "key": table["unique_id"][0],
        "level": None,
        "first": origin + timedelta(days=1),
        "last": origin + timedelta(days=7),
        "service": 0.835,
    }
    return SpanQuestion(**fields | changes)


def test_a_span_by_command_is_the_published_one(shop):
    question = _question(shop)
    found = demand_of_span(shop.params, shop.paths, question)
    published = _read(shop, latest_spans).filter(level="series", key=question.key, from_h=1, to_h=7)
    assert found["mean"] == pytest.approx(published["mean"][0], abs=1e-3)
    assert found["suffices"] == pytest.approx(published["q835"][0], abs=1e-3)
    total = demand_of_span(shop.params, shop.paths, _question(shop, level="total", key="total"))
    whole = _read(shop, latest_spans).filter(level="total", from_h=1, to_h=7)
    assert total["q975"] == pytest.approx(whole["q975"][0], abs=1e-3)


def test_spans_add_up_over_series_as_days_do(shop):
    spans = _read(shop, latest_spans).filter(from_h=1, to_h=7)
    by_level = spans.group_by("level").agg(pl.col("mean").sum())
    series = by_level.filter(level="series")["mean"].item()
    assert by_level["mean"].to_numpy() == pytest.approx(np.full(by_level.height, series))


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"service": 0.9999}, BadUsage, "rarer"),
        ({"key": "nobody"}, SourceMissing, "no series 'nobody'"),
        ({"level": "total", "key": "half"}, SourceMissing, "no group of level 'total'"),
        ({"last": NOW.date() + timedelta(days=900)}, BadUsage, "no days of the newest table"),
    ],
)
def test_questions_nothing_is_known_of_are_refused(shop, changes, error, says):
    with pytest.raises(error, match=says):
        demand_of_span(shop.params, shop.paths, _question(shop, **changes))


def test_the_commands_print_a_line_and_a_span(ordered, capsys):
    line = _read(ordered, read_orders).filter(pl.col("units") > 0)["unique_id"][0]
    assert inference.main(["orders", "--dry-run", *ordered.options]) == 0
    assert inference.main(["explain", "--order", "--series", line, *ordered.options]) == 0
    assert "units proposed" in capsys.readouterr().out
    assert inference.main(["explain", "--series", line, *ordered.options]) == 2


def _without_spans(shop) -> None:
    """Calibrations as code kept them that learned no spans."""
    for kept in shop.paths.root.rglob("calibration.json"):
        plain = json.loads(kept.read_text(encoding="utf-8"))
        del plain["spans"]
        kept.write_text(json.dumps(plain), encoding="utf-8")
        kept.with_name("calibration.sha256").unlink(missing_ok=True)


def test_a_morning_whose_orders_are_refused_has_its_table_its_look_and_its_copy(shop):
    """The last word is what is missing; the look says so, too, until the orders are there."""
    _without_spans(shop)
    with pytest.raises(ModelBroken, match="several days together"):
        daily.plain(shop.params_file, shop.paths.root, NOW)
    assert _read(shop, read_runs, "inference")["status"].to_list()[-1:] == ["done"]
    look = json.loads((shop.paths.reports / "monitor.json").read_text(encoding="utf-8"))
    severities = {one["cause"]: one["severity"] for one in look["findings"]}
    assert severities["stock"] == "error"
    assert "no order was proposed" in look["attention"]
    assert shop.paths.snapshot.exists()


def test_the_look_finds_the_lines_that_are_due_once_they_are_proposed(shop):
    order(shop.params, shop.paths, now=NOW, order_day=THURSDAY)
    with open_store(shop.paths.store, read_only=True) as con:
        origin, series = max(newest_runs(con)), read_series(con)
        of_day = day_orders(con, origin, series, shop.params.ordering, THURSDAY)
    assert of_day.day == THURSDAY
    assert of_day.due == of_day.lines.height > 0
    found = stock(of_day, series, max_unordered=1.0, max_old=1.0)
    assert [one.severity for one in found if one.cause == "stock"] == ["ok"]
