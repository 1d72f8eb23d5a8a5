"""Tables of what the work costs in seconds and memory, each from the result file of its benchmark."""

from __future__ import annotations

from typing import Any

from benchmarks.markdown import markdown_table


def daily_path(told: dict[str, Any]) -> str:
    rows = [
        [f"`{step['step']}`" if "cpu_s" in step and "runs" in step else step["step"], f"{step['seconds']:.1f}",
         f"{step['cpu_s']:.1f}", f"{step['peak_mb']:,}"]
        for step in [*told["steps"], told["total"]]
    ]  # fmt: skip
    return markdown_table(["step", "seconds", "CPU seconds", "peak MB"], rows)


MILLION = 1_000_000


def growth(told: dict[str, Any]) -> str:
    """One row per size, one column per stage; the slopes below."""
    stages = list(told["slopes"]["s"])
    rows = [
        [f"{int(size):,}", *(f"{at[stage]['s']:.1f} s, {at[stage]['mb']:,} MB" for stage in stages)]
        for size, at in told["sizes"].items()
    ]
    slopes = [
        [f"slope of {name}", *(f"{told['slopes'][what][stage]:.2f}" for stage in stages)]
        for what, name in (("s", "seconds"), ("mb", "memory"))
    ]
    last = list(told["sizes"])[-1]
    times = MILLION / int(last)
    beyond = [
        f"{at['s'] * times ** told['slopes']['s'][stage]:.0f} s, {at['mb'] * times ** told['slopes']['mb'][stage]:,.0f} MB"
        for stage, at in told["sizes"][last].items()
    ]
    return markdown_table(["series", *stages], [*rows, *slopes, [f"{MILLION:,}, drawn out by the slopes", *beyond]])


def engine(told: dict[str, Any]) -> str:
    """One row per data set and side."""
    words = {"mlforecast": "mlforecast", "ours": "ours, held to the end", "ours_in_pieces": "ours, in pieces"}
    rows = []
    for made in told["compared"]:
        for side, name in words.items():
            ratios = (
                [f"{made['times_faster'][side]}x", str(made["share_of_memory"][side])]
                if side != "mlforecast"
                else ["", ""]
            )
            seconds, mb = f"{made[side]['median_s']:.2f}", f"{made[side]['took_mb']:,}"
            rows.append([f"{made['ours']['told']['rows']:,}", name, seconds, mb, *ratios])
    return markdown_table(["rows", "side", "seconds", "MB taken", "times faster", "of its memory"], rows)


def costs(told: dict[str, Any]) -> str:
    rows = [[f"a fit: {name}", f"{seconds:.1f}"] for name, seconds in told["steps"].items()]
    over = f"the whole fit ({told['overhead']:.0%} over training alone)"
    wholes = [[over, f"{told['fit_s']:.1f}"], ["a forecast", f"{told['forecast_s']:.1f}"]]
    backtests = [
        [
            f"{told['cutoffs']} cutoffs, {made['fits']} fits ({made['ratio']} times one fit and {told['cutoffs']} forecasts)",
            f"{made['seconds']:.1f}",
        ]
        for made in told["backtests"]
    ]
    return markdown_table(["M5", "seconds"], [*rows, *wholes, *backtests])


def where_time_goes(told: dict[str, Any]) -> str:
    rows = [
        [f"`{door}`, {made['seconds']:.1f} s", f"`{place}`" if "." in place else place, f"{seconds:.1f}",
         f"{seconds / made['seconds']:.0%}"]
        for door, made in told["doors"].items()
        for place, seconds in made["by"].items()
    ]  # fmt: skip
    return markdown_table(["door", "in", "seconds", "share"], rows)


def budget(told: dict[str, Any]) -> str:
    rows = [
        [row["world"], f"`{row['door']}.py`", f"{row['budget_mb']:,}" if row["budget_mb"] else "none",
         f"{row['said_mb']:,.0f}" if row["said_mb"] else "more", f"{row['peak_mb']:,}", row["ended"], f"{row['seconds']:.0f}"]
        for row in told["rows"]
    ]  # fmt: skip
    return markdown_table(["world", "door", "budget", "said", "held", "ended", "seconds"], rows)
