"""Six invented exports, as tills, shops and warehouses write them. `python
tests/sources/invented_exports.py FOLDER` writes them; docs/tutorial.md says what became of each.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import polars as pl

FIRST = date(2023, 1, 2)
_WEEK = (0.8, 0.9, 1.0, 1.0, 1.3, 1.6, 0.5)


def days(count: int) -> list[date]:
    """So many days from FIRST on."""
    return [FIRST + timedelta(days=k) for k in range(count)]


def german_pos(folder: Path) -> Path:
    """Semicolons, decimal commas, cp1252, a title above the header, a total below."""
    draw = np.random.default_rng(1)
    lines = ["Umsatzbericht aller Filialen;;;;;;;;", "Stand 31.12.2024;;;;;;;;", ""]
    head = "Datum;Filiale;Artikelnr;Artikelbezeichnung;Warengruppe;Menge;VK-Preis;Umsatz;Aktion"
    lines.append(head)
    for ds in days(420):
        for store in ("Köln Süd", "Bonn", "Düren"):
            for item in range(12):
                on_promo = draw.random() < 0.1
                price = (0.5 + item % 7 * 0.75) * (0.8 if on_promo else 1)
                units = _units(draw, ds, (1 + item % 5 * 3) * (1.6 if on_promo else 1))
                group = ("Brötchen", "Kuchen", "Getränke")[item % 3]
                sold = f"{units};{_german(price)};{_german(units * price * 100)}"
                lines.append(
                    f"{ds:%d.%m.%Y};{store};{10_000 + item};Brötchen Nr. {item};{group};{sold};"
                    f"{'ja' if on_promo else 'nein'}"
                )
    lines.append("Summe;;;;;999999;;;")
    return _written(folder / "Umsatzbericht_2024.csv", lines, "cp1252")


def us_wide(folder: Path) -> Path:
    """A workbook with a column per day."""
    draw, headed = np.random.default_rng(2), days(400)
    rows: list[list[object]] = [
        ["Item", "Store", "Category", *(f"{d.month}/{d.day}/{d.year}" for d in headed)]
    ]
    for item in range(12):
        for store in ("NYC", "LA"):
            units = [_units(draw, ds, 2 + item % 7) for ds in headed]
            rows.append([f"SKU{item:03d}", store, ("Dry", "Fresh")[item % 2], *units])
    return _workbook(folder / "daily_sales.xlsx", rows)


def shopify_orders(folder: Path) -> Path:
    """Order lines with moments of the shop's clock, and columns about customers."""
    draw = np.random.default_rng(3)
    head = (
        "Name,Email,Financial Status,Paid at,Currency,Subtotal,Total,Discount Code,Created at,"
        "Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Name,Billing Phone,"
        "Vendor"
    )
    lines, order = [head], 1000
    for ds in days(300):
        sold = [item for item in range(25) for _ in range(_units(draw, ds, 2))]
        draw.shuffle(sold)
        for place, item in enumerate(sold):
            order += place % 2 == 0
            first = place % 2 == 0
            at = f"{ds} {draw.integers(8, 22):02d}:{draw.integers(0, 60):02d}:10 -0500"
            own = ("paid", at, "USD", "30.00", "37.10") if first else ("", "", "", "", "")
            who = ("Ann Smith", "'+1 555 0100") if first else ("", "")
            lines.append(
                f"#{order},c{order % 97}@example.com,{','.join(own)},,{at},"
                f"{1 + (draw.random() < 0.3)},T-Shirt {item},{15 + item}.00,TEE-{item:03d},"
                f"{','.join(who)},Acme"
            )
    return _written(folder / "orders_export_1.csv", lines, "utf8")


def sap_extract(folder: Path) -> Path:
    """Technical names, leading zeros, a minus behind the number, three digits behind the comma."""
    draw = np.random.default_rng(4)
    lines = ["WERKS|MATNR|MAKTX|MATKL|FKDAT|FKIMG|VRKME|NETWR|WAERK"]
    for ds in days(400):
        for plant in ("1000", "2000"):
            for item in range(15):
                units = _units(draw, ds, 2 + item % 6)
                came_back = draw.random() < 0.005
                sign, units = ("-", 1) if came_back else ("", units)
                group = ("FG1", "FG2")[item % 2]
                lines.append(
                    f"{plant}|{100_200 + item:018d}|MATERIAL {item}|{group}|{ds:%d.%m.%Y}|"
                    f"{units},000{sign}|ST|{_german(units * 9.9)}{sign}|EUR"
                )
    return _written(folder / "ZSD_SALES.txt", lines, "utf8")


def spark_parts(folder: Path) -> Path:
    """A folder of Parquet parts with types of their own."""
    draw = np.random.default_rng(5)
    rows = [
        (
            ds,
            f"S{s}",
            f"P{i:04d}",
            float(_units(draw, ds, 1 + i % 5)),
            1.5 + i % 4,
            draw.random() < 0.1,
        )
        for ds in days(380)
        for s in range(3)
        for i in range(14)
    ]
    names = ["dt", "store_id", "product_id", "units_sold", "unit_price", "on_promo"]
    table = pl.DataFrame(rows, schema=names, orient="row")
    target = folder / "sales_daily"
    target.mkdir(parents=True, exist_ok=True)
    for part in range(4):
        mark = f"part-{part:05d}-a1b2c3d4-e5f6-7890-abcd-ef0123456789-c000"
        table[part::4].write_parquet(target / f"{mark}.snappy.parquet")
    (target / "_SUCCESS").touch()
    return target


def kiosk(folder: Path) -> Path:
    """One store, five products, 90 days, American days."""
    draw = np.random.default_rng(6)
    lines = ["date,product,sold,price"]
    for ds in days(90):
        for item, name in enumerate(("Coffee", "Croissant", "Newspaper", "Water", "Sandwich")):
            lines.append(f"{ds:%m/%d/%Y},{name},{_units(draw, ds, 3 + 2 * item)},{2 + item * 0.5}")
    return _written(folder / "kiosk.csv", lines, "utf8")


EXPORTS: dict[str, Callable[[Path], Path]] = {
    make.__name__: make
    for make in (german_pos, us_wide, shopify_orders, sap_extract, spark_parts, kiosk)
}


def _units(draw: np.random.Generator, ds: date, mean: float) -> int:
    """Units of a day, more on Saturdays."""
    return int(draw.poisson(mean * _WEEK[ds.weekday()]))


def _german(number: float) -> str:
    return f"{number:,.2f}".translate(str.maketrans(",.", ".,"))


def _written(path: Path, lines: list[str], encoding: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))
    return path


def _workbook(path: Path, rows: list[list[object]]) -> Path:
    """A workbook of one sheet, in the fewest parts that readers ask for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    office = "http://schemas.openxmlformats.org"
    main = f'xmlns="{office}/spreadsheetml/2006/main"'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    relations = f'xmlns="{office}/package/2006/relationships"'
    office_relations = f"{office}/officeDocument/2006/relationships"
    cells = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{office}/package/2006/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships {relations}><Relationship Id="rId1" '
        f'Type="{office_relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{office_relations}"><sheets>'
        '<sheet name="Daily" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships {relations}><Relationship Id="rId1" '
        f'Type="{office_relations}/worksheet" Target="sheet1.xml"/></Relationships>',
        "xl/sheet1.xml": f"<worksheet {main}><sheetData>{cells}</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return path


def _cell(value: object) -> str:
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


if __name__ == "__main__":
    for name, make in EXPORTS.items():
        print(make(Path(sys.argv[1]) / name))
