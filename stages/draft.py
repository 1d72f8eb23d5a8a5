"""Files nobody has described: a mapping of them drafted, written where there is none, and tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from contract.errors import BadInput, BadUsage, Undecided
from contract.params import FilesParams, Params
from contract.params_file import SHIPPED, SHOP, load_laid, own_of, section_of
from contract.params_lines import with_source
from runtime.command_line import Summary
from runtime.disk import write_whole
from sources.draft.doubts import Doubt, doubt_of
from sources.draft.findings import Draft
from sources.draft.mapping import KEYS, ROLES, find_mapping
from sources.finding import companions_of, content_hash, files_of
from stages.draft_text import text_of
from stages.trial import Trial, try_mapping

DRAFT = "shop.draft.yaml"
_POINTERS = ("kind", "path", "sha256")  # of source: which files, not what they mean


@dataclass(frozen=True)
class Drafted:
    """A draft, its text, where it belongs, and what a first load by it would be (None: nothing can
    be read yet).
    """

    draft: Draft
    text: str
    file: Path
    trial: Trial | None

    @property
    def doubts(self) -> list[Doubt]:
        """What a person must say, found in the columns or by the reader."""
        found = list(self.draft.needs_a_person)
        for reason in self.trial.why_refused.values() if self.trial else ():
            doubt = doubt_of(BadInput(reason), "")
            if doubt and doubt.setting not in {one.setting for one in found}:
                found.append(doubt)
        return found

    @property
    def runs(self) -> bool:
        """Whether a first load by it would pass."""
        return self.trial is not None and self.trial.runs

    def write(self) -> None:
        """The text, put where it belongs in one step."""
        write_whole(self.file, self.text)


def draft_mapping(
    files: Sequence[Path], choices: Mapping[str, str], params_path: Path, now: datetime
) -> Drafted:
    """The mapping of these files, tried, and not written yet.

    It belongs in shop.yaml, if that maps no columns and a first load would pass; else beside it.
    """
    draft = find_mapping(files, choices)
    shop, kept = _target(params_path, draft)
    root = files[0] if len(files) == 1 else files[0].parent
    source: dict[str, str | None] = {"kind": "files", "path": str(root), "sha256": None}
    params = _loaded(kept + text_of(draft, source), params_path)
    source["sha256"] = content_hash([*files_of(params.source), *companions_of(params.source)])
    text = kept + text_of(draft, source)
    params = _loaded(text, params_path)
    trial = None if draft.needs_a_person or draft.obstacles else try_mapping(params, now)
    drafted = Drafted(draft, text, shop, trial)
    return drafted if drafted.runs else replace(drafted, file=shop.with_name(DRAFT))


def _loaded(text: str, params_path: Path) -> Params:
    """The params with this text laid over them."""
    with TemporaryDirectory() as folder:
        shop = Path(folder) / SHOP
        shop.write_text(text, encoding="utf-8")
        return load_laid(params_path, shop)


def decided(texts: Sequence[str]) -> dict[str, str]:
    """What `--answer` says, by key. BadUsage for a key nobody knows, and for a value that the
    setting does not take.
    """
    choices = {}
    for text in texts:
        key, mark, value = text.partition("=")
        if not mark or key not in KEYS:
            raise BadUsage(f"--answer takes KEY=VALUE; KEY is one of {list(KEYS)}, not {text!r}.")
        choices[key] = value if key in ROLES else _as_setting(key, value)
    return choices


def _as_setting(key: str, value: str) -> str:
    try:
        if key == "encoding":
            " ".encode(value)  # a name like hex is a codec, too, but of no text
        taken = getattr(FilesParams.model_validate({"sales": "", key: value}), key)
    except (ValidationError, LookupError) as error:
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise BadUsage(f"--answer {key}={value}: {why}.") from error
    return str(taken).lower() if isinstance(taken, bool) else str(taken)


def summary_of(drafted: Drafted) -> Summary:
    """For people and scripts. Undecided where nothing runs without a person."""
    draft, trial = drafted.draft, drafted.trial
    summary: Summary = {
        "mapping": str(drafted.file),
        "columns": draft.values["source"]["files"].get("columns", {}),
        "to_decide": {one.setting: one.question for one in (*drafted.doubts, *_optional(draft))},
        "not_mapped": draft.unused,
        **(trial.summary if trial else {}),
        "drafting_notes": list(draft.notes),
        "next": _next(drafted),
    }
    if draft.obstacles:
        raise Undecided(f"no forecast can be made of this: {' '.join(draft.obstacles)}", summary)
    if drafted.doubts:
        asks = "; ".join(f"{one.question} (--answer {one.setting}=...)" for one in drafted.doubts)
        raise Undecided(f"a person must decide first: {asks}", summary)
    if trial is None or not trial.runs:
        whole = trial.why_refused if trial else {}
        reasons = "; ".join(f"{name}: {why}" for name, why in whole.items()) or "no row is accepted"
        raise Undecided(f"'{drafted.file}' was written, but no load would pass: {reasons}", summary)
    return summary


def _optional(draft: Draft) -> list[Doubt]:
    return [doubt for doubt in draft.doubts if not doubt.is_needed]


def _next(drafted: Drafted) -> str:
    if not drafted.runs:
        return f"draft again with --answer KEY=VALUE; or mend {DRAFT}, then mv {DRAFT} {SHOP}"
    if drafted.file.name == SHOP:
        return "dvc repro && python inference.py publish"
    return f"{SHOP} has a mapping of its own, which was left. To take this one: mv {DRAFT} {SHOP}"


def _target(params_path: Path, draft: Draft) -> tuple[Path, str]:
    """Where the draft is written, and what stays above it: a shop.yaml's own lines."""
    if params_path.name != SHIPPED:
        return params_path.with_name(DRAFT), ""
    shop = params_path.with_name(SHOP)
    own = own_of(params_path)
    source = section_of(own, "source", shop)
    others = {name for name in own if name != "source"} | (set(source) - set(_POINTERS))
    if not others:
        return shop, ""
    if others & {*draft.values, "files", "levels", "region", "profiles"}:
        return shop.with_name(DRAFT), ""
    text = shop.read_text(encoding="utf-8")
    return shop, with_source(text, {}, [name for name in _POINTERS if name in source])
