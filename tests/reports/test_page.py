"""The page: offline, escaped, the same bytes each time, whole in spite of nasty data."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import polars as pl
import pytest

from contract.frames import FORECAST_LEVELS, FORECASTS
from contract.quantiles import QUANTILES
from forecasting.leaderboard import leaderboard_of
from reports.page import OfflineResults, render
from reports.series_files import PER_FILE, series_files, write_series_files
from reports.tables import drills_table, leaderboard_table

NASTY = "</script><script>alert(1)</script>"


def results_of(panel) -> OfflineResults:
    """Flat forecasts of a panel, with made-up scores."""
    origin = panel.last_day
    forecasts = forecasts_of(panel)
    scores = scores_of(origin)
    return OfflineResults(
        panel=panel,
        forecasts=forecasts,
        levels=levels_of(panel, forecasts),
        backtest=panel.sales.filter(pl.col("ds") > origin - timedelta(days=14)).select(
            "unique_id",
            "ds",
            "y",
            cutoff=origin - timedelta(days=14),
            global_lightgbm=pl.lit(2.0),
            seasonal_naive=pl.lit(1.0),
        ),
        scores=scores,
        leaderboard=leaderboard_of(scores),
        decision={
            "promote": True,
            "candidate": "global_lightgbm",
            "incumbent": "seasonal_naive",
            "reasons": ["better"],
        },
        card={
            "kind": "global_lightgbm",
            "model_id": "m1",
            "cutoff": str(origin),
            "rows_used": {"7": 100},
            "columns": ["x", "y"],
            "panel_hash": "p",
            "params_hash": "q",
            "importance": {NASTY: 0.7, "lag_0": 0.3},
            "left_out": [],
        },
        validation={"sales": panel.sales.height, "broken_rows": 0},
    )


def forecasts_of(panel) -> pl.DataFrame:
    """Two units a day of every series, for two weeks."""
    steps = pl.DataFrame({"h": range(1, 15)}, schema={"h": pl.Int32})
    rows = panel.series.select("unique_id").join(steps, how="cross")
    return FORECASTS.conform(
        rows.with_columns(
            ds=pl.lit(panel.last_day) + pl.duration(days="h"),
            run_id=pl.lit("r"),
            origin=panel.last_day,
            y_hat=2.0,
            method=pl.lit("global_lightgbm"),
            **dict.fromkeys(QUANTILES, pl.lit(2.0)),
        )
    )


def levels_of(panel, forecasts: pl.DataFrame) -> pl.DataFrame:
    """The forecasts' sums of the total and of each store."""
    placed = forecasts.join(panel.series, on="unique_id")
    tables = [
        placed.group_by("run_id", "origin", "ds", "h", group_key=key)
        .agg(pl.col("y_hat", *QUANTILES).sum())
        .with_columns(level=pl.lit(level))
        for level, key in {"total": pl.lit("total"), "store_id": pl.col("store_id")}.items()
    ]
    return FORECAST_LEVELS.conform(pl.concat(tables))


def scores_of(origin, coverage: bool = True) -> pl.DataFrame:
    names = ["wrmsse", "wape", "bias", "rmsse", "mase", "wspl"]
    names += ["coverage_50", "coverage_95"] if coverage else []
    levels = [
        ("total", "all"),
        ("store_id", "all"),
        ("series", "all"),
        ("average", "all"),
        ("series", "week_1"),
        ("series", "velocity_fast"),
    ]
    rows = [
        (model, origin - timedelta(days=28 * k), level, part, name, 0.5 + 0.1 * k)
        for model in ("seasonal_naive", "global_lightgbm")
        for k in (1, 2)
        for level, part in levels
        for name in names
    ]
    return pl.DataFrame(
        rows, schema=["model", "cutoff", "level", "slice", "metric", "value"], orient="row"
    )


@pytest.fixture
def results(make_panel) -> OfflineResults:
    return results_of(make_panel(series=8, days=120))


def test_a_plan_left_out_is_named_beside_the_scores(results):
    assert "Left out:" not in render(results)
    assert "<b>Left out:</b> promo, school." in render(
        replace(results, card=results.card | {"left_out": ["promo", "school"]})
    )


def test_what_the_gate_held_back_and_what_serves_instead_stand_at_the_top(results):
    refused = results.decision | {"promote": False, "reasons": ["too few cutoffs"]}
    serves = {"method": "window_average", "reason": "window_average serves, the best"}
    for more, said in (
        ({"serves": serves}, "No model has passed the gate:</b> window_average serves, the best."),
        ({"serves": None}, "the champion serves on"),
    ):
        top = render(replace(results, decision=refused | more)).partition('id="overview"')[0]
        assert said in top
        assert "too few cutoffs" in top
    assert "too few cutoffs" not in render(results).partition('id="overview"')[0]


def test_the_same_files_give_the_same_bytes(results):
    assert render(results) == render(results)


def test_nothing_is_fetched_from_anywhere(results):
    outside = re.sub(r"<script>.*?</script>", "", render(results), flags=re.DOTALL)
    assert re.findall(r"""(?:src|href)=["']?(?:https?:)?//[^"' >]+""", outside) == []
    assert "vegaEmbed" in render(results)


def test_every_chart_has_its_specification_and_the_other_way_round(results):
    page = render(results)
    specs = json.loads(
        re.search(
            r'<script type="application/json" id="specs">(.*?)</script>', page, flags=re.DOTALL
        )[1]
    )
    assert set(re.findall(r'data-chart="(\w+)"', page)) == set(specs)
    assert {"coverage", "by_level", "week_bias", "fan_0_0"} <= set(specs)


def test_features_are_ranked_though_a_card_lists_them_by_name():
    from reports.charts import importance

    values = importance({"a": 0.1, "b": 0.7, "c": 0.2}, 2)["data"]["values"]
    assert [row["feature"] for row in values] == ["b", "c"]


def test_a_nasty_item_name_is_text_wherever_it_stands(results):
    ids = results.panel.series["unique_id"].to_list()
    rename = {ids[0]: NASTY}

    def renamed(frame: pl.DataFrame) -> pl.DataFrame:
        return (
            frame.with_columns(pl.col("unique_id").replace(rename))
            if "unique_id" in frame.columns
            else frame
        )

    frames = {name: renamed(getattr(results.panel, name)) for name in ("sales", "series", "prices")}
    nasty = replace(
        results,
        panel=replace(results.panel, **frames),
        forecasts=renamed(results.forecasts),
        backtest=renamed(results.backtest),
    )
    page = render(nasty)
    assert NASTY not in page
    assert "alert(1)" in page


def test_what_things_are_called_stands_beside_their_codes_as_text(results):
    series = results.panel.series
    first, store = series.row(0, named=True)["unique_id"], series["store_id"][0]
    names = pl.DataFrame(
        {
            "unique_id": [first],
            "name_of_unique_id": [f"Rye {NASTY}"],
            "name_of_store_id": ["Berlin"],
        }
    )
    named = replace(results, panel=replace(results.panel, names=names))
    page = render(named)
    assert NASTY not in page
    assert f"<bdi>Berlin</bdi> · {store}</td>" in page
    assert f"<figcaption><bdi>Berlin</bdi> · {store}</figcaption>" in page
    assert "of its id or name" in page
    assert "of its id or name" not in render(results)
    text = dict(series_files(named.panel, named.forecasts))["index.js"]
    assert "<" not in text
    labels = json.loads(text.removeprefix("tillcast.index(").rstrip().removesuffix(");"))["labels"]
    assert labels[0] == f"Rye {NASTY} · Berlin"
    assert labels[1:] == [None] * (series.height - 1)


def test_every_table_and_figure_can_be_reached_by_keyboard_and_every_tag_is_closed(results):
    page = render(results)
    assert page.count("<figure ") == page.count('<figure tabindex="0"')
    assert page.count('<div class="scroll"') == page.count('<div class="scroll" tabindex="0"')
    assert _unclosed(re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)) == []


def test_without_prices_intervals_or_a_year_the_page_still_stands(results):
    bare = replace(
        results,
        panel=replace(results.panel, prices=results.panel.prices.clear()),
        scores=scores_of(results.origin, coverage=False),
    )
    page = render(bare)
    assert "money ahead" not in page
    assert "says nothing about intervals" in page


def test_the_page_is_light_enough_for_a_phone(results):
    assert len(render(results).encode()) < 1_500_000


def test_the_terminal_shows_bias_beside_every_score(results):
    table = leaderboard_table(results.leaderboard)
    assert "global LightGBM" in table
    assert "+65.0% ± 7.1%" in table
    row = {
        "fault": "no_prices",
        "strength": "1",
        "outcome": "published",
        "loss": 0.1,
        "bias": None,
        "grade": "degraded",
        "seen_by": "x",
    }
    assert "+10.0%" in drills_table([row])


def _unclosed(page: str) -> list[str]:
    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "input", "br", "link"):
                self.open_tags.append(tag)

        def handle_endtag(self, tag):
            assert self.open_tags.pop() == tag

    reader = Reader()
    reader.open_tags = []
    reader.feed(page)
    return reader.open_tags


def test_the_legend_names_the_models_of_the_chart_and_each_keeps_its_colour(results):
    from reports.charts import by_week
    from reports.scores import by_week as weeks_of
    from reports.scores import mean_over_cutoffs

    def colours(weeks: pl.DataFrame) -> dict[str, str]:
        scale = by_week(weeks, "wape", "WAPE")["encoding"]["color"]["scale"]
        return dict(zip(scale["domain"], scale["range"], strict=True))

    weeks = weeks_of(mean_over_cutoffs(results.scores))
    both, one = colours(weeks), colours(weeks.filter(model="seasonal_naive"))
    assert set(both) == {"global LightGBM", "seasonal naive (baseline)"}
    assert one == {"seasonal naive (baseline)": both["seasonal naive (baseline)"]}
    added = colours(
        pl.concat([weeks, weeks.filter(model="seasonal_naive").with_columns(model=pl.lit("mine"))])
    )
    assert added == both | {"mine": "var(--soft)"}


def test_the_most_changed_series_are_drawn_and_every_series_named_leads_to_its_picture(results):
    page = render(results)
    assert "<h3>Most changed series</h3>" in page
    first = results.panel.series["unique_id"][0]
    assert f'<a href="#series={first}">{first}</a>' in page
    assert 'addEventListener("hashchange"' in page


def test_every_score_of_the_leaderboard_is_explained_beside_it(results):
    words = re.search(
        r"What the scores mean</summary>(.*?)</details>", render(results), flags=re.DOTALL
    )[1]
    for name in ("WRMSSE", "bias", "WSPL", "WAPE", "RMSSE", "MASE"):
        assert f"<dt>{name}</dt>" in words


def test_every_series_can_be_found_and_drawn_from_files_beside_the_page(make_panel, tmp_path):
    """The names are in order, and the file of a name holds its days: what find.js computes."""
    results = results_of(make_panel(series=6, days=100))
    assert write_series_files(results.panel, results.forecasts, tmp_path) > 0
    index = _call(tmp_path / "series" / "index.js", "tillcast.index(")
    (rows,) = (_call(path, "tillcast.got(0,") for path in sorted(tmp_path.glob("series/0*.js")))
    assert index["ids"] == results.panel.series["unique_id"].to_list()
    assert index["per_file"] == PER_FILE
    one = results.panel.series["unique_id"][3]
    sold = results.panel.sales.filter(unique_id=one, ds=results.origin)["y"].item()
    drawn = rows[index["ids"].index(one) % PER_FILE]
    assert (len(drawn["y"]), len(drawn["y_hat"])) == (index["history"], 14)
    assert drawn["y"][-1] == sold
    assert drawn["y_hat"] == [2] * 14


def test_series_files_are_the_same_twice_and_no_name_breaks_out(make_panel):
    panel = make_panel(series=4, days=100)
    named = pl.col("unique_id") + NASTY
    panel = replace(
        panel,
        **{
            name: getattr(panel, name).with_columns(unique_id=named)
            for name in ("series", "sales", "prices")
        },
    )
    results = results_of(panel)
    files = series_files(results.panel, results.forecasts)
    assert files == series_files(results.panel, results.forecasts)
    assert not any("<" in text for _, text in files)


def test_a_file_more_is_begun_every_two_hundred_series(make_panel, monkeypatch):
    monkeypatch.setattr("reports.series_files.PER_FILE", 4)
    results = results_of(make_panel(series=10, days=60))
    assert [name for name, _ in series_files(results.panel, results.forecasts)] == [
        "index.js",
        "0000.js",
        "0001.js",
        "0002.js",
    ]


def _call(path, head: str):
    text = path.read_text(encoding="utf-8")
    assert text.startswith(head), text[:40]
    return json.loads(text.removeprefix(head).rstrip().removesuffix(");"))
