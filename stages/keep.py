"""A mapping that stands in shop.yaml already: pointed at its files, and tried."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from contract.errors import Undecided
from contract.params_file import SHOP, load_params, own_of, section_of
from runtime.command_line import Summary
from runtime.paths import Paths
from stages.switch_source import switch_source
from stages.trial import try_mapping


def maps_columns(params_path: Path) -> bool:
    """Whether the shop.yaml beside maps columns of its own."""
    shop = params_path.with_name(SHOP)
    source = section_of(own_of(params_path), "source", shop)
    return bool(section_of(source, "files", shop).get("columns"))


def keep_mapping(data: Path | None, params_path: Path, paths: Paths, now: datetime) -> Summary:
    """The mapping of shop.yaml tried on its files, or on those of `data`, which it then names."""
    own = load_params(params_path).source.path
    summary = switch_source("files", data or (Path(own) if own else None), params_path, paths)
    trial = try_mapping(load_params(params_path), now)
    summary |= {"mapping": "kept", **trial.summary}
    if not trial.runs:
        reasons = "; ".join(f"{name}: {why}" for name, why in trial.why_refused.items())
        raise Undecided(f"the mapping was kept, but no load would pass: {reasons}", summary)
    return summary
