"""The store's and the rules' results as lines of the table, ratios side by side."""

from __future__ import annotations

from typing import Any

Results = dict[str, dict[str, Any]]


def store_lines(results: Results) -> list[list[str]]:
    """History, daily batch, readings, growth."""
    history, daily, read, grown = (results[name]["told"] for name in ("history", "daily", "readings", "growth"))
    plain, restated = read["plain_current_s"], read["restated_current_s"]
    earlier = max(read["restated_as_of_before_restatements_s"], read["restated_as_of_in_between_s"])
    sizes = [f"{grown[f'after_{days}_mb']:.0f}" for days in (30, 180, 365)]
    return [
        [
            f"history into the store, {history['rows']:,} rows",
            f"{history['rows_per_s'] / 1e6:.1f}M rows/s, {history['write_s']:.1f} s (target 1M); {results['history']['rss_mb']} MB",
        ],
        ["  judged before, by Polars", f"{history['judge_s']:.1f} s"],
        [
            "a day of 30,490 rows, inbox to archive",
            f"{daily['take_s']:.2f} s (target 5); read {daily['read_s']:.2f}, past {daily['past_s']:.2f}, "
            f"judge {daily['judge_great_s']:.2f} (Polars alone {daily['judge_polars_s']:.2f})",
        ],
        [
            f"current read of {read['rows']:,} rows",
            f"{plain:.2f} s; half of them restated three times: {restated:.2f} s, {restated / plain:.2f}x",
        ],
        ["  as of an earlier moment", f"{earlier:.2f} s: {earlier / restated:.2f}x of current (target 2x)"],
        [
            "365 daily batches of 1,000 series, 1% restated",
            f"{' / '.join(sizes)} MB after 30 / 180 / 365; one load {grown['one_load_mb']:.0f} MB",
        ],
    ]


def judging_lines(results: Results) -> list[list[str]]:
    """Great Expectations against the same rules in Polars, by rows."""
    lines = []
    for rows in sorted({int(name.split()[1]) for name in results}):
        great, polars = results[f"great {rows}"], results[f"polars {rows}"]
        lines.append(
            [
                f"21 rules on {rows:,} rows",
                f"Great Expectations {great['median_s']:.2f} s, {great['rss_mb']} MB; Polars {polars['median_s']:.2f} s, "
                f"{polars['rss_mb']} MB: {great['median_s'] / polars['median_s']:.0f}x",
            ]
        )
    return lines
