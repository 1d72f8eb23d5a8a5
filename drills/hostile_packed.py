"""Hostile archives and workbooks: what unpacks to too much, lies, or is cut."""

from __future__ import annotations

import gzip
import random
import struct
import zipfile
import zlib

import polars as pl

from drills.hostile_parts import (
    DAY,
    SEED,
    SERIES,
    Variants,
    frame,
    honest,
    parquet,
    zipped,
)


def swollen() -> Variants:
    """Little that unpacks to more than the limit of these tests, 16 MB."""
    zeros = bytes(40_000_000)
    yield "sales_gz.csv.gz", gzip.compress(zeros)
    yield "sales_gzgz.csv.gz", gzip.compress(gzip.compress(zeros))
    yield "sales_zip.zip", zipped(("sales.csv", zeros))
    yield "sales_zipgz.zip", zipped(("sales.csv.gz", gzip.compress(zeros)))
    yield "sales_hidden.csv.gz", hidden_zip(zeros)
    yield "sales_xlsx.xlsx", zipped(("xl/workbook.xml", b"<x/>"), ("xl/worksheets/s.xml", zeros))
    long = pl.Series(["s" * 4_000_000] * SERIES)
    yield "sales_long.parquet", parquet(frame(note=long), compression="zstd")
    yield "sales_long_id.parquet", parquet(frame(unique_id=long), compression="zstd")
    rows = pl.DataFrame({"unique_id": ["a"], "ds": [DAY], "y": [1]}).select(
        pl.all().repeat_by(3_000_000).explode()
    )
    yield "sales_runs.parquet", parquet(rows, compression="zstd")
    nested = pl.Series([[0] * 3_000_000] * SERIES)
    yield "sales_nested.parquet", parquet(frame(x=nested), compression="zstd")
    yield "sales_gz_parquet.csv.gz", gzip.compress(parquet(rows, compression="zstd"))
    yield "sales_zip_parquet.zip", zipped(("p.parquet", parquet(rows, compression="zstd")))


def hidden_zip(content: bytes) -> bytes:
    """A gz whose header holds a zip: whoever looks for one first takes the wrong size."""
    extra = zipped(("x", b"y"), method=zipfile.ZIP_STORED)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(content) + packer.flush()
    head = b"\x1f\x8b\x08\x04" + bytes(4) + b"\x00\x03" + struct.pack("<H", len(extra)) + extra
    return head + body + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def packed() -> Variants:
    whole, small = honest(), gzip.compress(honest())
    gz = {
        "cut": small[:-9],
        "junk": small + b"junk",
        "twice": small * 2,
        "crc": small[:-8] + bytes(8),
        "empty": gzip.compress(b""),
        "head": small[:10],
        "flags": small[:3] + b"\xff" + small[4:],
        "method": small[:2] + b"\x00" + small[3:],
        "html": gzip.compress(b"<html></html>"),
        "name": b"\x1f\x8b\x08\x08" + bytes(6) + b"../../x\x00" + small[10:],
    }
    for name, content in gz.items():
        yield f"sales_{name}.csv.gz", content
    encrypted = bytearray(zipped(("sales.csv", whole)))
    encrypted[6] |= 1
    central = encrypted.rfind(b"PK\x01\x02")
    encrypted[central + 8] |= 1
    lying = bytearray(zipped(("sales.csv", whole), method=zipfile.ZIP_STORED))
    lying[lying.rfind(b"PK\x01\x02") + 24] ^= 0x7F
    wrong = bytearray(zipped(("sales.csv", whole), method=zipfile.ZIP_STORED))
    wrong[60] ^= 1
    zips = {
        "none": zipped(),
        "dir": zipped(("a/", b"")),
        "nested": zipped(("a.zip", zipped(("s.csv", whole)))),
        "traversal": zipped(("../../../../tmp/x.csv", whole)),
        "absolute": zipped(("/etc/passwd", whole)),
        "many": zipped(*[(f"{k}.csv", b"a") for k in range(300)]),
        "twice": zipped(("a.csv", whole), ("b.csv", whole)),
        "cut": zipped(("sales.csv", whole))[:-30],
        "locked": bytes(encrypted),
        "lying": bytes(lying),
        "wrong": bytes(wrong),
        "junk": zipped(("Thumbs.db", b"x"), ("__MACOSX/._s.csv", b"x")),
        "odd": zipped(("s\n\u202e.csv", whole)),
        "hive": zipped(("ds=2024-02-29/a.csv", whole), ("ds=x/a.csv", whole)),
        "log": zipped(("_delta_log/0.json", b"{}"), ("a.parquet", b"")),
        "empty": zipped(("sales.csv", b"")),
        "blank": zipped(("sales.csv", b"\n"), ("b.csv", b"\n")),
        "key": zipped(("y=1/=/a.csv", whole)),
    }
    for name, content in zips.items():
        yield f"sales_{name}.zip", content


def workbooks() -> Variants:
    bomb = (
        b'<!DOCTYPE x [<!ENTITY a "aaaa">'
        + b"".join(
            f'<!ENTITY a{k} "{f"&a{k - 1 if k else chr(32)};".replace(" ", "") * 9}">'.encode()
            for k in range(9)
        )
        + b"]><x>&a8;</x>"
    )
    book = b'<workbook><sheets><sheet name="s" sheetId="1" r:id="rId1"/></sheets></workbook>'
    links = b'<Relationships><Relationship Id="rId1" Target="worksheets/s.xml"/></Relationships>'
    sheets = {
        "bomb": bomb,
        "empty": b"",
        "noise": bytes(range(256)),
        "cut": b"<worksheet><sheetData><row",
        "far": _sheet(b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        "negative": _sheet(b'<row r="-1"><c r="A-1"><v>1</v></c></row>'),
        "shared": _sheet(b'<row r="1"><c r="A1" t="s"><v>99999</v></c></row>'),
        "date": _sheet(b'<row r="1"><c r="A1" s="14"><v>1e300</v></c></row>'),
    }
    for name, sheet in sheets.items():
        content = zipped(
            ("xl/workbook.xml", book),
            ("xl/_rels/workbook.xml.rels", links),
            ("xl/worksheets/s.xml", sheet),
        )
        yield f"sales_{name}.xlsx", content
    yield "sales_only.xlsx", zipped(("xl/workbook.xml", b""))
    yield "sales_bin.xlsx", zipped(("xl/workbook.bin", b"\x00"))
    yield "sales_ods.ods", zipped(("mimetype", b"x"), ("content.xml", bomb))
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    draw = random.Random(SEED)  # noqa: S311 -- files for tests
    for number, size in enumerate((0, 100, 504, 5000)):
        yield f"sales_ole{number}.xls", ole + draw.randbytes(size)


def _sheet(rows: bytes) -> bytes:
    return b"<worksheet><sheetData>" + rows + b"</sheetData></worksheet>"
