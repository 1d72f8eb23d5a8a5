"""M5's own layout: every form the files come in, and the facts that are known about them."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadInput, SourceMissing
from contract.frames import CALENDAR, PRICES, SALES
from sources.finding import files_of
from sources.reading import read_file

CALENDAR_CSV = """date,wm_yr_wk,weekday,wday,month,year,d,\
event_name_1,event_type_1,event_name_2,event_type_2,snap_CA,snap_TX
2015-12-23,11547,Wednesday,5,12,2015,d_1790,,,,,0,0
2015-12-24,11547,Thursday,6,12,2015,d_1791,,,,,0,1
2015-12-25,11547,Friday,7,12,2015,d_1792,Christmas,National,Feast,Religious,1,0
2015-12-26,11548,Saturday,1,12,2015,d_1793,,,,,0,0
2015-12-27,11548,Sunday,2,12,2015,d_1794,,,,,0,0
"""
SALES_CSV = """id,item_id,dept_id,cat_id,store_id,state_id,d_1791,d_1792,d_1793
FOODS_3_090_CA_1_evaluation,FOODS_3_090,FOODS_3,FOODS,CA_1,CA,5,0,7
FOODS_3_091_TX_1_evaluation,FOODS_3_091,FOODS_3,FOODS,TX_1,TX,0,0,2
"""
PRICES_CSV = """store_id,item_id,wm_yr_wk,sell_price
CA_1,FOODS_3_090,11547,1.98
CA_1,FOODS_3_090,11548,1.98
TX_1,FOODS_3_091,11547,2.5
TX_1,FOODS_3_091,11548,2.68
TX_1,FOODS_3_091,99999,2.68
"""
SALES_NAME = "sales_train_evaluation"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "calendar.csv").write_text(CALENDAR_CSV)
    (tmp_path / "sell_prices.csv").write_text(PRICES_CSV)
    (tmp_path / f"{SALES_NAME}.csv").write_text(SALES_CSV)
    return tmp_path


def _zipped(content: str, name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def _parquet(content: str) -> bytes:
    packed = io.BytesIO()
    pl.read_csv(io.StringIO(content), try_parse_dates=True).write_parquet(packed)
    return packed.getvalue()


FORMS: dict[str, Callable[[str, str], bytes]] = {
    ".csv": lambda content, name: content.encode(),
    "_with_bom.csv": lambda content, name: b"\xef\xbb\xbf" + content.encode(),
    ".csv.gz": lambda content, name: gzip.compress(content.encode()),
    ".csv.zip": lambda content, name: _zipped(content, f"{name}.csv"),
    ".parquet": lambda content, name: _parquet(content),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_files_reads_the_same(form: str, tmp_path: Path, source_of):
    for name, content in {
        "calendar": CALENDAR_CSV,
        "sell_prices": PRICES_CSV,
        SALES_NAME: SALES_CSV,
    }.items():
        (tmp_path / f"{name}{form}").write_bytes(FORMS[form](content, name))
    source = source_of("m5", tmp_path)
    facts = [fact for path in files_of(source) for fact in read_file(path, source)]
    assert [fact.fact for fact in facts] == ["calendar", "prices", "sales"]
    assert facts[2].rows.select("unique_id", "ds", "y", "row_number").rows()[:3] == [
        ("FOODS_3_090_CA_1", date(2015, 12, 24), 5.0, 1),
        ("FOODS_3_090_CA_1", date(2015, 12, 25), 0.0, 2),
        ("FOODS_3_090_CA_1", date(2015, 12, 26), 7.0, 3),
    ]
    assert facts[2].series.row(1, named=True) == {
        "unique_id": "FOODS_3_091_TX_1",
        "state_id": "TX",
        "store_id": "TX_1",
        "cat_id": "FOODS",
        "dept_id": "FOODS_3",
        "item_id": "FOODS_3_091",
    }


def test_the_competitions_one_zip_holds_all_three_facts(tmp_path: Path, source_of):
    path = tmp_path / "m5-forecasting-accuracy.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {
            "calendar": CALENDAR_CSV,
            "sell_prices": PRICES_CSV,
            SALES_NAME: SALES_CSV,
        }.items():
            archive.writestr(f"{name}.csv", content)
        archive.writestr("sample_submission.csv", "id,F1\n")
    facts = read_file(path, source_of("m5", path))
    assert [(fact.fact, fact.rows_in) for fact in facts] == [
        ("calendar", 15),
        ("prices", 5),
        ("sales", 6),
    ]


def test_events_hold_everywhere_and_pay_days_in_their_state(folder: Path, source_of):
    (calendar,) = read_file(folder / "calendar.csv", source_of("m5", folder))
    CALENDAR.check_key(calendar.rows)
    christmas = (
        calendar.rows.filter(ds=date(2015, 12, 25)).select(*CALENDAR.schema).drop("known_at").rows()
    )
    assert christmas == [
        ("*", date(2015, 12, 25), "Christmas|Feast", "National|Religious", True, None),
        ("CA", date(2015, 12, 25), None, None, None, True),
        ("TX", date(2015, 12, 25), None, None, None, False),
    ]
    assert calendar.rows.filter(region="*", ds=date(2015, 12, 24))["event"].to_list() == [None]


def test_weeks_of_equal_price_are_one_period_and_a_week_nobody_can_date_is_refused(
    folder: Path, source_of
):
    (prices,) = read_file(folder / "sell_prices.csv", source_of("m5", folder))
    PRICES.check_key(prices.rows)
    assert prices.rows.select("unique_id", "from_ds", "to_ds", "price", "lines").rows() == [
        ("FOODS_3_090_CA_1", date(2015, 12, 23), date(2015, 12, 27), 1.98, 2),
        ("FOODS_3_091_TX_1", date(2015, 12, 23), date(2015, 12, 25), 2.5, 1),
        ("FOODS_3_091_TX_1", date(2015, 12, 26), date(2015, 12, 27), 2.68, 1),
    ]
    assert prices.refused["reason"].to_list() == ["undated_week"]
    assert prices.rows_in == 5


def test_a_daily_extract_finds_the_calendar_beside_it_in_the_source_or_by_hand(
    folder: Path, tmp_path: Path, source_of
):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    extract = inbox / f"{SALES_NAME}_d_1792.csv"
    extract.write_text(
        "\n".join(
            ",".join(line.split(",")[:6] + line.split(",")[7:8]) for line in SALES_CSV.splitlines()
        )
    )
    by_source = read_file(extract, source_of("m5", folder))[0]
    by_hand = read_file(extract, source_of("m5", None), calendar_path=folder / "calendar.csv")[0]
    assert by_source.rows.equals(by_hand.rows)
    assert by_source.rows["ds"].unique().to_list() == [date(2015, 12, 25)]
    assert not by_source.is_history
    with pytest.raises(SourceMissing, match="only M5's calendar can date"):
        read_file(extract, source_of("m5", None))


def test_a_cell_without_a_number_is_refused_with_its_series_and_day(folder: Path, source_of):
    path = folder / f"{SALES_NAME}.csv"
    path.write_text(SALES_CSV.replace("CA,5,0,7", "CA,five,,7"))
    (sales,) = read_file(path, source_of("m5", folder))
    SALES.check_key(sales.rows)
    assert sales.refused.select("row_number", "reason").rows() == [
        (1, "unreadable_number"),
        (2, "missing_value"),
    ]
    assert json.loads(sales.refused["raw"][0]) == {
        "item_id": "FOODS_3_090",
        "store_id": "CA_1",
        "d": "d_1791",
        "y": "five",
    }
    assert sales.rows_in == sales.rows["lines"].sum() + sales.refused.height == 6


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("d_1792", "d_1799", "skips or repeats days"),
        ("d_1793", "d_1794", "skips or repeats days"),
        ("d_1791,d_1792,d_1793", "a,b,c", "no day column"),
        ("store_id", "shop", "has no column \\['store_id'\\]"),
    ],
)
def test_a_wrong_header_is_refused_with_the_reason(
    folder: Path, source_of, old: str, new: str, message: str
):
    path = folder / f"{SALES_NAME}.csv"
    path.write_text(SALES_CSV.replace(old, new, 1))
    with pytest.raises(BadInput, match=message):
        read_file(path, source_of("m5", folder))


def test_days_after_the_calendars_end_are_refused(folder: Path, source_of):
    path = folder / f"{SALES_NAME}.csv"
    path.write_text(SALES_CSV.replace("d_1791,d_1792,d_1793", "d_1794,d_1795,d_1796"))
    with pytest.raises(BadInput, match="does not date; it ends with d_1794"):
        read_file(path, source_of("m5", folder))


def test_evaluation_is_taken_before_validation_and_a_stranger_is_named(folder: Path, source_of):
    (folder / "sales_train_validation.csv").write_text(SALES_CSV)
    names = [path.name for path in files_of(source_of("m5", folder))]
    assert names == ["calendar.csv", "sell_prices.csv", f"{SALES_NAME}.csv"]
    (folder / "weights.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match="none of M5's files"):
        read_file(folder / "weights.csv", source_of("m5", folder))


def test_m5_sold_1231764_units_in_its_last_28_days(shared_data: Path, source_of):
    source = source_of("m5", shared_data / "m5")
    sales = read_file(files_of(source)[2], source)[0]
    assert sales.rows_in == sales.rows.height == 30_490 * 447
    assert sales.rows.filter(pl.col("ds") >= date(2016, 4, 25))["y"].sum() == 1_231_764
    assert sales.rows["ds"].max() == date(2016, 5, 22)
    assert sales.series.height == 30_490
    assert sales.is_history


def test_of_two_files_of_totals_the_one_that_reaches_further_is_taken(folder: Path, source_of):
    for last in ("d1913", "d1941"):
        (folder / f"levels1to9_d1_{last}.csv").write_text("level,agg1,agg2,d_1791\n1,Total,X,5\n")
    names = [path.name for path in files_of(source_of("m5", folder))]
    assert names[3:] == ["levels1to9_d1_d1941.csv"]


TOTALS_CSV = """level,agg1,agg2,d_1791,d_1792,d_1793
1,Total,X,50,0,60
6,CA,FOODS,20,,25
9,CA_1,FOODS_3,9,0,11
12,FOODS_3_090,CA_1,5,0,7
"""


@pytest.mark.parametrize("form", FORMS)
def test_totals_of_groups_beside_the_sales_are_read_by_their_level(form, folder: Path, source_of):
    (folder / f"levels1to9{form}").write_bytes(FORMS[form](TOTALS_CSV, "levels1to9"))
    source = source_of("m5", folder)
    files = files_of(source)
    assert files[-1].name == f"levels1to9{form}"
    [fact] = read_file(files[-1], source)
    assert (fact.fact, fact.rows_in, fact.rows.height) == ("totals", 12, 8)
    day = fact.rows.filter(ds=date(2015, 12, 26)).sort("y", descending=True)
    assert dict(day.select("scope", "y").iter_rows()) == {
        "{}": 60,
        '{"cat_id":"FOODS","state_id":"CA"}': 25,
        '{"dept_id":"FOODS_3","store_id":"CA_1"}': 11,
    }
    refused = fact.refused["reason"].value_counts().rows()
    assert dict(refused) == {"missing_value": 1, "unknown_category": 3}
