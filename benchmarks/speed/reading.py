"""A file of sales read as params map it, by what it looks like, beside Polars' own reader.

Reading here is all that stands between a file and the rules: encoding, header, totals, ids, days
and numbers made of their texts, facts apart. Polars reads what it can of the same rows: the clean
CSV for every CSV, the parts for every Parquet; it leaves texts as texts where they are not plain.
"""

from __future__ import annotations

import gzip
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.harness.params import params_here
from benchmarks.harness.process import measured
from benchmarks.harness.registry import Benchmark, Context, Option
from benchmarks.harness.results import Result
from benchmarks.render.markdown import markdown_table
from contract.params import FilesParams, SourceParams
from sources.reading import read_file

RUNS = 2
STORES, DAYS, PARTS = 50, 400, 8
FIRST = date(2023, 1, 2)
COLUMNS = {"unique_id": ["item", "store"], "ds": "day", "y": "units"}
CLEAN, PARQUET = "clean.csv", "clean.parquet"
GERMAN, WIDE = "german.csv", "wide.csv"
SHAPES = {  # file: what it looks like
    CLEAN: "CSV, plain",
    PARQUET: "Parquet",
    "clean.csv.gz": "CSV in gz",
    "clean.zip": "CSV in zip",
    GERMAN: "CSV in cp1252, title lines, semicolons, 31.12.2024 and 1,50, a total",
    WIDE: "CSV, a column per day, units alone",
    "parts.zip": "Parquet, eight parts as one delivery",
}


def measure(context: Context) -> Result:
    """Both readers, each file in processes of its own."""
    rows = int(context.options.rows)
    with tempfile.TemporaryDirectory(prefix="reading-") as scratch:
        folder = Path(scratch)
        _write(folder, rows)
        result: Result = {"rows": rows}
        for reader, names in (("polars", (CLEAN, PARQUET)), ("ours", SHAPES)):
            for name in names:
                took = asdict(measured(prepared, RUNS, reader, str(folder / name)))
                result[f"{reader} {name}"] = took
                context.keep(result)
    return result


def prepared(reader: str, path: str) -> Callable[[], Result]:
    """In the measured process: one file by one reader."""
    source = _source(Path(path))

    def ours() -> Result:
        facts = read_file(Path(path), source)
        return {"rows": facts[0].rows.height, "refused": facts[0].refused.height}

    def polars() -> Result:
        read = pl.read_parquet if path.endswith(".parquet") else pl.read_csv
        return {"rows": read(path).height}

    return ours if reader == "ours" else polars


def table(result: Result) -> str:
    """One row per shape: rows a second and peak memory of both readers."""
    rows = []
    for name, shape in SHAPES.items():
        ours = result.get(f"ours {name}")
        if ours is None:
            continue
        theirs = result[f"polars {PARQUET if 'arquet' in shape else CLEAN}"]
        count = ours["result"]["rows"]
        rows.append(
            [
                shape,
                *(f"{count / one['median_s'] / 1e6:.2f}" for one in (ours, theirs)),
                f"{ours['median_s'] / theirs['median_s']:.1f}",
                *(f"{one['rss_mb']:,}" for one in (ours, theirs)),
                f"{ours['rss_mb'] / theirs['rss_mb']:.1f}",
            ]
        )
    head = ["million rows a second", "ours", "Polars", "times", "peak MB, ours", "Polars", "times"]
    return markdown_table(head, rows)


def _source(path: Path) -> SourceParams:
    files = FilesParams.model_validate(
        {
            "sales": path.name,
            "columns": COLUMNS if path.name == WIDE else COLUMNS | {"price": "price"},
            "hierarchy": {"store_id": "store", "item_id": "item"},
            "encoding": "cp1252" if path.name == GERMAN else "utf8",
        }
    )
    shipped = params_here().source
    changes = {"kind": "files", "path": str(path.parent), "files": files, "max_unpacked_mb": 8192}
    return shipped.model_copy(update=changes)


def _write(folder: Path, rows: int) -> None:
    """The same rows in every shape."""
    items = max(rows // (STORES * DAYS), 1)
    draw = np.random.default_rng(3)
    series = pl.DataFrame({"item": [f"i{k:05d}" for k in range(items)]}).join(
        pl.DataFrame({"store": [f"Köln {k:02d}" for k in range(STORES)]}), how="cross"
    )
    days = pl.DataFrame({"day": [FIRST + timedelta(days=k) for k in range(DAYS)]})
    sold = series.join(days, how="cross").with_columns(
        units=pl.Series(draw.poisson(3.0, items * STORES * DAYS)),
        price=pl.Series(draw.integers(1, 40, items * STORES * DAYS) / 4),
    )
    sold.write_csv(folder / CLEAN)
    sold.write_parquet(folder / PARQUET)
    clean = (folder / CLEAN).read_bytes()
    (folder / "clean.csv.gz").write_bytes(gzip.compress(clean, compresslevel=3))
    with zipfile.ZipFile(
        folder / "clean.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=3
    ) as packed:
        packed.write(folder / CLEAN, CLEAN)
    _write_german(sold, folder / GERMAN)
    wide = sold.with_columns(pl.col("day").cast(pl.String))
    wide.pivot(on="day", index=["item", "store"], values="units").write_csv(folder / WIDE)
    _write_parts(sold, folder / "parts.zip")


def _write_german(sold: pl.DataFrame, path: Path) -> None:
    text = sold.with_columns(
        pl.col("day").dt.strftime("%d.%m.%Y"),
        pl.col("price").cast(pl.String).str.replace(".", ",", literal=True),
    ).write_csv(separator=";")
    total = f"Summe;;;{sold['units'].sum()};\n"
    path.write_bytes(f"Umsatzbericht;;;;\n\n{text}{total}".encode("cp1252"))


def _write_parts(sold: pl.DataFrame, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as packed:
        for k, part in enumerate(sold.iter_slices(-(-sold.height // PARTS))):
            one = path.with_name(f"part-{k:04d}.parquet")
            part.write_parquet(one)
            packed.write(one, one.name)
            one.unlink()


BENCHMARK = Benchmark(
    question="How fast, and in how much memory, is a file of each shape read?",
    needs="nothing; ten minutes and 5 GB for ten million rows",
    measure=measure,
    options=(Option("rows", "rows of each file", "10000000"),),
    table=table,
)
