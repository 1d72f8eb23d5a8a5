"""The shapes in which people have their tables: each is read as the table it holds, or refused in a
sentence that says what helps.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from contract.errors import BadInput
from contract.received import TOTAL_LINE, Received
from sources.files import read_sales
from sources.reading import read_file

MAPPING = {
    "columns": {"unique_id": ["shop", "item"], "ds": "day", "y": "sold"},
    "hierarchy": {"store_id": "shop"},
}
LINES = [
    ("A", "tea", "2024-03-01", "3"),
    ("A", "milk", "2024-03-01", "4"),
    ("B", "tea", "2024-03-01", "5"),
    ("A", "tea", "2024-03-02", "6"),
    ("A", "milk", "2024-03-02", "7"),
    ("B", "tea", "2024-03-02", "8"),
]
UNITS = 33.0
HEAD = "shop,item,day,sold\n"
FRAME = pl.DataFrame(LINES, schema=["shop", "item", "day", "sold"], orient="row").with_columns(
    pl.col("day").str.to_date(), pl.col("sold").cast(pl.Int64)
)


def csv(lines: list[tuple[str, ...]] = LINES, separator: str = ",", head: str = HEAD) -> str:
    rows = [separator.join(line) for line in lines]
    return head.replace(",", separator) + "\n".join(rows) + "\n"


def zipped(members: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path: Path, source_of):
    """Reads a content as one of your files; more arguments are lines of source.files."""

    def from_content(content: str | bytes, name: str = "sales.csv", **files: object) -> Received:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_file(path, source_of("files", tmp_path, **{**MAPPING, **files}))[0]

    return from_content


WHOLE: dict[str, str | bytes] = {
    "a hint for Excel": "sep=;\n" + csv(separator=";"),
    "a quoted hint": '"sep=\t"\r\n' + csv(separator="\t"),
    "title lines": "Sales by item, all shops\n\nMarch;2024\n" + csv(separator=";"),
    "a title of two lines": '"Sales\nof March"\n,,,\n' + csv(),
    "nameless columns at the end": csv(
        [(*k, "", "") for k in LINES], head="shop,item,day,sold,,\n"
    ),
    "a nameless index": csv([("7", *k) for k in LINES], head=",shop,item,day,sold\n"),
    "a name twice that nobody maps": csv(
        [(*k, "x", "y") for k in LINES], head="shop,item,day,sold,note,note\n"
    ),
    "UTF-16 with a mark": csv(separator="\t").encode("utf-16"),
    "UTF-16 without": csv().encode("utf-16-le"),
    "UTF-16, the other end first": csv().encode("utf-16-be"),
    "UTF-32": csv().encode("utf-32"),
    "a mark where files were joined": csv(LINES[:3]) + "\ufeff" + csv(LINES[3:], head=""),
    "old Mac": csv().replace("\n", "\r"),
    "line ends of three kinds": csv(LINES[:2]).replace("\n", "\r\n")
    + csv(LINES[2:4], head="")
    + csv(LINES[4:], head="").replace("\n", "\r"),
    "notes of several lines": csv(
        [(*k, '"two, three,\nor four, five, six"') for k in LINES], head="shop,item,day,sold,n\n"
    ),
    "a header of 200,000 characters": csv(
        [("-", *k) for k in LINES], head=f"{'x' * 200_000},shop,item,day,sold\n"
    ),
    "a column per day": "shop,item,2024-03-01,2024-03-02,Total\n"
    "A,tea,3,6,9\nA,milk,4,7,11\nB,tea,5,8,13\n",
    "a column per day, below a title": "Units\n\nshop;item;14.03.2024;15.03.2024\n"
    "A;tea;3;6\nA;milk;4;7\nB;tea;5;8\n",
    "gz": gzip.compress(csv().encode()),
    "a zip of macOS": zipped({"s.csv": csv(), "__MACOSX/._s.csv": b"\0\5\x16\7", "._s.csv": b"\0"}),
    "a zip of two": zipped({"b.csv": csv(LINES[:3]), "a.csv": csv(LINES[3:]), "READ.md": "hello"}),
    "a zip that climbs": zipped({"../../etc/a.csv": csv(LINES[:3]), "/b.csv": csv(LINES[3:])}),
    "a zip of gz": zipped({"a.csv.gz": gzip.compress(csv().encode())}),
    "parts of Spark, some without rows": zipped(
        {
            "part-0": csv(LINES[:3]),
            "part-1": "",
            "part-2": HEAD,
            "part-3": HEAD,
            "p-4": csv(LINES[3:]),
        }
    ),
    "folders that say the day": zipped(
        {
            f"day=2024-03-0{d}/part-0.parquet": parquet(
                FRAME.filter(day=date(2024, 3, d)).drop("day")
            )
            for d in (1, 2)
        }
        | {"_SUCCESS": b"", "day=2024-03-01/.part-0.parquet.crc": b"x"}
    ),
    "Parquet under another name": parquet(FRAME),
    "Parquet, binary": parquet(FRAME.with_columns(pl.col("shop", "item").cast(pl.Binary))),
    "Parquet, dictionaries": parquet(
        FRAME.with_columns(pl.col("shop", "item").cast(pl.Categorical))
    ),
    "Parquet, decimals": parquet(FRAME.with_columns(pl.col("sold").cast(pl.Decimal(18, 3)))),
    "Parquet, nested columns beside": parquet(
        FRAME.with_columns(all=pl.struct("shop", "sold"), none=pl.lit(None))
    ),
    "Parquet, a column per day": parquet(FRAME.pivot("day", index=["shop", "item"], values="sold")),
}


@pytest.mark.parametrize("shape", list(WHOLE))
def test_a_table_is_read_in_whatever_shape_it_comes(read, shape: str):
    sales = read(WHOLE[shape])
    assert (sales.rows["y"].sum(), sales.rows.height, sales.refused.height) == (UNITS, 6, 0)
    assert set(sales.rows["unique_id"]) == {"A_tea", "A_milk", "B_tea"}


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "a PDF": (b"%PDF-1.7 x", "is a PDF"),
    "a web page called xls": ("<html><table>", "is a web page"),
    "zero bytes": (b"\0" * 900, "zero bytes"),
    "no line end": (b"x" * 3_000_000, "no line end"),
    "UTF-16 cut in a letter": (csv().encode("utf-16")[:-1], "is not utf-16"),
    "cp1252": (csv([("Ä", *LINES[0][1:])]).encode("cp1252"), "source.files.encoding"),
    "a zip cut": (zipped({"a.csv": csv()})[:-9], "cannot be unpacked"),
    "a zip in a zip": (zipped({"a.zip": zipped({"a.csv": csv()})}), "zip in a zip"),
    "a zip of nothing": (zipped({"__MACOSX/x": ""}), "holds 0 files"),
    "the same part twice": (zipped({"a.csv": csv(), "b.csv": csv()}), "same content twice"),
    "a part with a column renamed": (
        zipped({"a.csv": csv(LINES[:3]), "b.csv": csv(LINES[3:]).replace("sold", "units")}),
        "no column \\['sold'\\]",
    ),
    "a Delta table": (zipped({"_delta_log/0.json": "{}", "a.csv": csv()}), "Delta"),
    "Parquet cut": (parquet(FRAME)[:-4], "Parquet"),
    "binary that is no text": (parquet(FRAME.with_columns(item=pl.lit(b"\xff"))), "column 'item'"),
    "two columns of one day": (
        "shop,item,2024-03-01,2024-03-01\nA,tea,1,2\n",
        "two columns called",
    ),
    "a quote left open": (
        csv([(*k, '"n' if k == LINES[1] else "n") for k in LINES], head="shop,item,day,sold,n\n"),
        "opens a quote in row 2",
    ),
    "a carriage return in a line, beside quotes": (
        csv(LINES[:3]) + 'A,"milk",2024-03-03,1\rB,tea,2024-03-03,2\n',
        "ends its lines in several ways",
    ),
}


@pytest.mark.parametrize("shape", list(REFUSED))
def test_what_is_no_table_is_refused_in_a_sentence(read, tmp_path: Path, shape: str):
    content, sentence = REFUSED[shape]
    with pytest.raises(BadInput, match=sentence) as refused:
        read(content, name="sales.parquet" if shape == "Parquet cut" else "sales.csv")
    assert str(tmp_path) not in str(refused.value)


def test_what_was_left_out_and_joined_is_noted(read):
    notes = read(WHOLE["a zip of two"]).notes
    assert [note.split(":")[0] for note in notes] == ["parts_joined", "left_out"]
    (note,) = read(WHOLE["a column per day"]).notes
    assert note.startswith("wide_table:")
    assert "['Total']" in note


def test_large_decimals_of_ids_keep_every_digit(read):
    frame = FRAME.with_columns(item=pl.lit(Decimal(10**20 + 7)).cast(pl.Decimal(38, 10)))
    assert set(read(parquet(frame)).series["unique_id"]) == {f"{s}_{10**20 + 7}" for s in "AB"}


def test_a_total_is_refused_as_such_and_counts_as_no_fault(read):
    below = read(csv(LINES[:2]) + "Total,,,7\n")
    assert below.refused["reason"].to_list() == [TOTAL_LINE]
    days = {day: sum(float(k[3]) for k in LINES if k[2] == day) for day in {k[2] for k in LINES}}
    every_day = read(csv([*LINES, *(("Summe", "alle", d, str(y)) for d, y in days.items())]))
    assert every_day.rows["y"].sum() == UNITS
    assert every_day.refused["reason"].to_list() == [TOTAL_LINE] * 2
    assert "Summe_alle" in every_day.notes[0]
    by_shop = read(
        csv([*LINES, ("A", "Total", "2024-03-01", "7"), ("A", "Total", "2024-03-02", "13")])
    )
    assert by_shop.refused["reason"].to_list() == [TOTAL_LINE] * 2
    assert "A_Total" in by_shop.notes[0]


def test_an_item_that_is_merely_called_a_total_stays(read):
    sales = read(csv([*LINES, ("A", "Total Flakes", "2024-03-01", "2")]))
    assert (sales.rows["y"].sum(), sales.refused.height, sales.notes) == (UNITS + 2, 0, ())


def test_a_sum_that_is_not_called_a_total_is_noted(read):
    items = [
        ("A", f"i{k}", f"2024-03-{d:02}", str(k + d % 3)) for k in range(5) for d in range(1, 9)
    ]
    sums = [
        ("A", "999", f"2024-03-{d:02}", str(sum(k + d % 3 for k in range(5)))) for d in range(1, 9)
    ]
    (note,) = read(csv([*items, *sums])).notes
    assert note.startswith("total_suspected: A_999")


def test_lines_that_two_parts_hold_are_refused_and_tills_are_summed(read):
    lines = [("A", "tea", f"2024-03-01 10:{k:02}:00", "1") for k in range(20)]
    other = [("A", "tea", f"2024-03-01 11:{k:02}:00", "1") for k in range(20)]
    sales = read(zipped({"till1.csv": csv(lines), "till2.csv": csv(other)}), transactions=True)
    assert sales.rows.select("y", "lines").rows() == [(40.0, 40)]
    again = zipped({"till1.csv": csv(lines), "till1 (1).csv": csv([*lines, *other[:3]])})
    with pytest.raises(BadInput, match=r"till1\.csv' holds lines that another file has"):
        read(again, transactions=True)


@pytest.mark.parametrize(
    "form",
    ["%m/%d/%Y", "%d/%m/%Y", "%d.%m.%y", "%Y%m%d", "%d-%b-%Y", "Mo %d.%m.%Y", "%Y-%m-%d 00:00:00"],
)
def test_days_in_a_row_say_how_they_are_written(read, form: str):
    """None of them alone would: 2/1 and 1/2 are both days."""
    days = [date(2024, 2, d) for d in (1, 2, 3)]
    head = ",".join(["shop", "item", *(day.strftime(form) for day in days)])
    assert read(f"{head}\nA,tea,1,2,3\n").rows.select("ds", "y").rows() == [
        (day, float(k)) for k, day in enumerate(days, 1)
    ]


def test_a_first_load_needs_no_setting_for_its_sheet_or_header(tmp_path: Path, source_of):
    """The mapping alone says which line is the header: a setting is needed nowhere."""
    path = tmp_path / "sales.csv"
    path.write_text("shop\nall of March\n" + csv())
    files = source_of("files", tmp_path, **MAPPING).files
    assert read_sales(path, files, None, 31)[0].rows.height == 6
