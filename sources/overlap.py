"""Parts of invoice lines that hold the same lines: summed, they would count twice."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from contract.errors import BadInput

_MOST_SHARED = 0.5  # of a part's lines on the days that others state, too


def refuse_overlap(tables: Mapping[str, pl.DataFrame], day: str | None) -> None:
    """BadInput where half of a part's lines on its shared days stand in another part, too: tills
    do not print the same receipts, two exports of one till do.
    """
    if day is None or any(day not in table.columns for table in tables.values()):
        return
    lines = pl.concat(
        [
            table.select(
                day=pl.col(day).cast(pl.String).str.extract(r"^([^T\s]+)"),
                line=table.hash_rows(),
                part=pl.lit(name),
            )
            for name, table in tables.items()
        ]
    )
    days = lines.group_by("day").agg(pl.col("part").n_unique()).filter(pl.col("part") > 1)
    shared = lines.join(days.select("day"), on="day", how="semi")
    parts_of_line = shared.group_by("line").agg(parts=pl.col("part").n_unique())
    shares = (
        shared.join(parts_of_line, on="line")
        .group_by("part")
        .agg(share=(pl.col("parts") > 1).mean(), lines=pl.len())
        .filter(pl.col("share") >= _MOST_SHARED)
        .sort("share", "part", descending=[True, False])
    )
    if shares.height:
        part, share, count = shares.row(0)
        others = [name for name in tables if name != part][:5]
        raise BadInput(
            f"'{part}' holds lines that another file has, too: {share:.0%} of its {count} lines on "
            f"the days it shares with {others}. Summed, they would count twice. Leave the older "
            "file out, or name the columns that make a line in source.files.deduplicate_on."
        )
