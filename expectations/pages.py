"""Validation pages: one offline HTML file per batch, its JSON beside it, and an index of the
newest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from expectations.judge import Judgement
from runtime.disk import write_whole

_JSON = ".batch.json"
_SHOWN_REFUSALS = 50


def write_page(
    folder: Path,
    name: str,
    judgement: Judgement,
    head: dict[str, Any],
    sentences: Mapping[str, str],
    keep: int,
) -> Path:
    """The page of a judgement, its JSON, and the index anew; the oldest beyond `keep` go. Names
    sort by time.

    `head` holds name, fact, received_at and rows_in of the batch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = head | _content(judgement, sentences)
    path = folder / f"{name}.html"
    write_whole(path, _render("page", page=page, title=page["name"]))
    write_whole(folder / f"{name}{_JSON}", json.dumps(page, indent=1, default=str))
    _prune_and_index(folder, keep)
    return path


def read_pages(folder: Path) -> list[dict[str, Any]]:
    """What the kept pages say, the newest first."""
    paths = sorted(folder.glob(f"*{_JSON}"), reverse=True)
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def _content(judgement: Judgement, sentences: Mapping[str, str]) -> dict[str, Any]:
    reasons = judgement.refused.group_by("reason").agg(pl.col("lines").sum()).sort("reason")
    return {
        "judged_by": judgement.judged_by,
        "reason": judgement.reason,
        "rows_accepted": int(judgement.accepted["lines"].sum()),
        "rows_refused": int(judgement.refused["lines"].sum()),
        "reasons": [
            row | {"sentence": sentences.get(row["reason"], "")} for row in reasons.to_dicts()
        ],
        "notes": list(judgement.notes),
        "rules": [asdict(result) for result in judgement.results],
        "refused": judgement.refused.head(_SHOWN_REFUSALS).to_dicts(),
    }


def _prune_and_index(folder: Path, keep: int) -> None:
    newest = sorted(
        (path.name.removesuffix(_JSON) for path in folder.glob(f"*{_JSON}")), reverse=True
    )
    for name in newest[keep:]:
        (folder / f"{name}{_JSON}").unlink()
        (folder / f"{name}.html").unlink(missing_ok=True)
    pages = read_pages(folder)
    links = [f"{name}.html" for name in newest[:keep]]
    index = _render("index", pages=list(zip(links, pages, strict=True)), title="Validation")
    write_whole(folder / "index.html", index)


def _render(template: str, **values: Any) -> str:
    from jinja2 import DictLoader, Environment, StrictUndefined

    folder = Path(__file__).parent / "templates"
    sources = {
        path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.html"))
    }
    environment = Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(**values)
