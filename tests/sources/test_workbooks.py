"""Workbooks: the sheet that fits is read with its cells' own types; several are refused."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from contract.errors import BadInput
from contract.received import Received
from sources.reading import read_file

MAPPING = {
    "columns": {"unique_id": ["shop", "item"], "ds": "day", "y": "sold"},
    "hierarchy": {"store_id": "shop"},
}
HEAD = ["shop", "item", "day", "sold"]
ROWS = [
    ["A", 1001, date(2024, 3, 1), 3],
    ["A", 1002, date(2024, 3, 1), 4.5],
    ["A", 1001, date(2024, 3, 2), 1],
]
Sheet = list[list[object]]
_KINDS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def xlsx(sheets: dict[str, Sheet]) -> bytes:
    """The smallest workbook Excel would open: inline text, numbers, and days as numbers in a format
    of days.
    """
    names = list(sheets)
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KINDS}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        + "".join(
            f'<sheet name="{name}" sheetId="{k}" r:id="r{k}"/>' for k, name in enumerate(names, 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="r{k}" Type="{_OFFICE}/worksheet" Target="worksheets/{k}.xml"/>'
            for k in range(1, len(names) + 1)
        )
        + f'<Relationship Id="s" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs><xf numFmtId="0"/>'
        '<xf numFmtId="14"/></cellXfs></styleSheet>',
    }
    for k, rows in enumerate(sheets.values(), 1):
        files[f"xl/worksheets/{k}.xml"] = (
            f'<worksheet xmlns="{_MAIN}"><sheetData>'
            + "".join(_row(number, row) for number, row in enumerate(rows, 1))
            + "</sheetData></worksheet>"
        )
    return _zipped(files)


def _row(number: int, row: list[object]) -> str:
    cells = [_cell(f"{chr(65 + k)}{number}", value) for k, value in enumerate(row)]
    return f'<row r="{number}">{"".join(cells)}</row>'


def _cell(place: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return f'<c r="{place}" s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, (int, float)):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


def ods(rows: Sheet, more: str = "") -> bytes:
    space = "urn:oasis:names:tc:opendocument:xmlns"
    cells = [
        "".join(
            f'<table:table-cell office:value-type="float" office:value="{value}"{more}/>'
            if isinstance(value, (int, float))
            else f'<table:table-cell office:value-type="date" office:date-value="{value}"/>'
            if isinstance(value, date)
            else '<table:table-cell office:value-type="string">'
            f"<text:p>{value}</text:p></table:table-cell>"
            for value in row
        )
        for row in rows
    ]
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in cells)
    content = (
        f'<office:document-content xmlns:office="{space}:office:1.0" '
        f'xmlns:table="{space}:table:1.0" xmlns:text="{space}:text:1.0"><office:body>'
        f'<office:spreadsheet><table:table table:name="S">{body}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        f'<m:manifest xmlns:m="{space}:manifest:1.0">'
        f'<m:file-entry m:full-path="/" m:media-type="{kind}"/></m:manifest>'
    )
    return _zipped({"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest})


def _zipped(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path: Path, source_of):
    """Reads a workbook as one of your files; more arguments are lines of source.files."""

    def from_content(content: bytes, name: str = "sales.xlsx", **files: object) -> Received:
        path = tmp_path / name
        path.write_bytes(content)
        return read_file(path, source_of("files", tmp_path, **{**MAPPING, **files}))[0]

    return from_content


WHOLE = {
    "one sheet": xlsx({"Sales": [HEAD, *ROWS]}),
    "below a title, above a total": xlsx(
        {"Sales": [[None], ["March"], [], HEAD, *ROWS, ["Total", None, None, 8.5]]}
    ),
    "beside notes and an empty sheet": xlsx({"Info": [["hello"]], "E": [], "S": [HEAD, *ROWS]}),
    "columns without a name": xlsx({"S": [[None, *HEAD, None], *([None, *r, "x"] for r in ROWS)]}),
    "a column per day": xlsx(
        {
            "S": [
                [*HEAD[:2], date(2024, 3, 1), date(2024, 3, 2)],
                ["A", 1001, 3, 1],
                ["A", 1002, 4.5],
            ]
        }
    ),
    "ods": ods([HEAD, *ROWS]),
}


@pytest.mark.parametrize("shape", list(WHOLE))
def test_a_workbook_is_read_with_the_types_of_its_cells(read, shape: str):
    """A decimal mark of texts does not touch them."""
    rows = read(WHOLE[shape], decimal=",").rows
    assert rows.sort("unique_id", "ds").select("unique_id", "ds", "y").rows() == [
        ("A_1001", date(2024, 3, 1), 3.0),
        ("A_1001", date(2024, 3, 2), 1.0),
        ("A_1002", date(2024, 3, 1), 4.5),
    ]


def test_several_sheets_that_fit_are_refused(read):
    two = xlsx({"Jan": [HEAD, *ROWS[:2]], "Feb": [HEAD, *ROWS[2:]]})
    with pytest.raises(BadInput, match=r"\['Jan', 'Feb'\].*source\.files\.sheet"):
        read(two)
    assert read(two, sheet="Feb").rows["y"].to_list() == [1.0]
    assert read(two, sheet="*").rows["y"].sum() == 8.5
    with pytest.raises(BadInput, match=r"no sheet like 'März' \(source\.files\.sheet\)"):
        read(two, sheet="März")


def test_workbooks_of_several_sheets_in_a_zip_are_one_table(read):
    north = xlsx({"March": [HEAD, *ROWS[:2]], "April": [HEAD, ROWS[2]]})
    south = xlsx({"March": [HEAD, ["B", 1001, date(2024, 3, 1), 2]]})
    whole = read(_zipped({"north.xlsx": north, "south.xlsx": south}), "sales.zip", sheet="*")
    assert whole.rows["y"].to_list() == [3, 4.5, 1, 2]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (xlsx({"S": [HEAD, *ROWS]})[:700], "cannot be unpacked"),
        (xlsx({"S": []}), "has no sheet with the columns"),
        (xlsx({"S": [["shop", "item", "day", "units"], *ROWS]}), "has no column ..sold"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "with a password"),
    ],
)
def test_a_workbook_without_such_a_table_is_refused(read, content: bytes, sentence: str):
    with pytest.raises(BadInput, match=sentence):
        read(content)


def test_a_stray_cell_in_the_far_corner_is_refused_before_it_takes_all_memory(read):
    with zipfile.ZipFile(io.BytesIO(xlsx({"S": [HEAD, *ROWS]}))) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    files["xl/worksheets/1.xml"] = files["xl/worksheets/1.xml"].replace('"A4"', '"XFD1048576"')
    with pytest.raises(BadInput, match="up to row 1048576 and column 16384"):
        read(_zipped(files))
    with pytest.raises(BadInput, match="repeats over 100,000 times"):
        read(ods([HEAD, *ROWS], more=' table:number-columns-repeated="16000000"'))


def test_a_sheet_that_ends_with_its_header_has_no_rows(read):
    assert read(xlsx({"S": [HEAD]})).rows.height == 0
