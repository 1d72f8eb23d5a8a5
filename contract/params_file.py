"""params.yaml as it ships, and beside it shop.yaml, which is yours and laid over it: read into
Params. The product never edits params.yaml where there is a shop.yaml.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent

from contract.agreement import agree
from contract.errors import BadParams
from contract.params import Params, SourceParams, TrainParams

SHIPPED, SHOP = "params.yaml", "shop.yaml"
AS_SET = "train"  # the recipe that these two state
PROFILES = "profiles"
_MOST_VALUES = 100_000
_MOST_LEVELS = 50
_UNSHOWN = ("url_env", "bucket")
_KINDS = get_args(SourceParams.model_fields["kind"].annotation)


def load_params(path: Path) -> Params:
    """The params in a YAML file, and in the shop.yaml beside a params.yaml. BadParams names the
    place.

    Laid over each other in this order: what ships, `profiles.<source.kind>`, what is yours.
    """
    return load_laid(path, shop_of(path))


def load_laid(path: Path, shop: Path | None) -> Params:
    """The params of one file with those of another laid over; None: of the one alone."""
    where = f"'{path}'" if shop is None else f"'{path}' with '{shop.name}' laid over"
    return params_of(_laid(_read(path), _own(shop), path, shop or path), where)


def kind_of(path: Path) -> str:
    """The source's kind, also of params of older code, which lack newer names."""
    own = section_of(own_of(path), "source", path.with_name(SHOP))
    source = lay_over(section_of(_read(path), "source", path), own)
    return str(source.get("kind"))


def shop_of(path: Path) -> Path | None:
    """The file of what is yours beside a params.yaml; None beside any other, or where none lies."""
    shop = path.with_name(SHOP)
    return shop if path.name == SHIPPED and shop.exists() else None


def own_of(path: Path) -> dict[str, Any]:
    """The sections of what is yours beside a params.yaml; none where nothing is."""
    return _own(shop_of(path))


def section_of(raw: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    """A section of these; BadParams where another thing stands in its place."""
    section = raw.get(name) or {}
    if not isinstance(section, dict):
        raise BadParams(
            f"'{path}' holds {section!r} where '{name}' should hold names and values, "
            "indented below it."
        )
    return section


def params_of(raw: dict[str, Any], where: str = "params") -> Params:
    """The params in a plain mapping. BadParams lists every wrong place."""
    try:
        params = agree(Params.model_validate(raw))
    except ValidationError as error:
        places = "; ".join(_complaint(place) for place in error.errors())
        raise BadParams(
            f"{where} does not fit: {places}. "
            "Each line's comment in params.yaml says what it takes."
        ) from error
    recipes_of(params)  # refused here, not after an hour
    return params


def _complaint(place: ErrorDetails) -> str:
    name = ".".join(str(part) for part in place["loc"])
    # what lacks it is the whole section; what is written in place of a variable may be a password
    is_shown = place["type"] != "missing" and place["loc"][-1] not in _UNSHOWN
    got = f" (got {place['input']!r})" if is_shown else ""
    return f"{name}: {place['msg']}{got}"


def _own(shop: Path | None) -> dict[str, Any]:
    return {} if shop is None else _read(shop, may_be_empty=True)


def _read(path: Path, *, may_be_empty: bool = False) -> dict[str, Any]:
    """The sections of a file. BadParams for one that holds none, unless it may be empty."""
    try:
        text = path.read_text(encoding="utf-8")
        _refuse_deep(text, path)
        raw = YAML(typ="safe").load(text)
    except FileNotFoundError as error:
        raise BadParams(
            f"there is no params file '{path}'. Run from the checkout's root, or pass --params."
        ) from error
    # ValueError: a number of thousands of digits, bytes that are no text
    except (YAMLError, ValueError, IsADirectoryError) as error:
        raise BadParams(f"'{path}' is not YAML: {error}") from error
    if raw is None and may_be_empty:
        return {}
    if _is_endless(raw):
        raise BadParams(
            f"'{path}' holds more than {_MOST_VALUES:,} values: an alias of an alias? Write "
            "out what is meant."
        )
    if not isinstance(raw, dict):
        raise BadParams(f"'{path}' holds no sections; it should hold {list(Params.model_fields)}.")
    return raw


def _refuse_deep(text: str, path: Path) -> None:
    """BadParams for more levels than anybody indents: some thousands of brackets end the process
    that makes values of them.
    """
    level = 0
    for event in YAML(typ="safe").parse(text):
        level += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if level > _MOST_LEVELS:
            raise BadParams(
                f"'{path}' nests more than {_MOST_LEVELS} levels. Params have a handful: is a "
                "bracket not closed?"
            )


def _is_endless(raw: object) -> bool:
    """Whether there are more values than anybody states: aliases of aliases make thousands of
    millions of ten lines.
    """
    waiting, met = [raw], 0
    while waiting and met <= _MOST_VALUES:
        value = waiting.pop()
        met += 1
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return met > _MOST_VALUES


def _laid(
    shipped: dict[str, Any], shop: dict[str, Any], path: Path, shop_path: Path
) -> dict[str, Any]:
    """What ships, the profile of the source's kind, and the shop's own, one over the other.

    A shop that maps columns of its own replaces the example that ships and its profile whole: half
    of another shop's mapping would be worse than none.
    """
    own_source = section_of(shop, "source", shop_path)
    if "columns" in section_of(own_source, "files", shop_path):
        source = section_of(shipped, "source", path) | {"files": own_source["files"]}
        profiles = section_of(shipped, PROFILES, path) | {"files": {}}
        shipped = shipped | {"source": source, PROFILES: profiles}
    sections, top = (
        {name: raw[name] for name in raw if name != PROFILES} for raw in (shipped, shop)
    )
    kind = str(lay_over(section_of(shipped, "source", path), own_source).get("kind"))
    profile = lay_over(_profile_of(kind, shipped, path), _profile_of(kind, shop, shop_path))
    return lay_over(lay_over(sections, profile), top)


def _profile_of(kind: str, raw: dict[str, Any], path: Path) -> dict[str, Any]:
    """What a file lays over its sections for a kind of source. BadParams for a kind there is not,
    whose values nobody would ever read.
    """
    profiles = section_of(raw, PROFILES, path)
    if unknown := [name for name in profiles if name not in _KINDS]:
        raise BadParams(
            f"'{path}' holds {PROFILES} for {unknown}; a source's kind is one of {list(_KINDS)}."
        )
    return section_of(profiles, kind, path)


def recipes_of(params: Params) -> dict[str, TrainParams]:
    """By name what may be trained: `train` as it is set, and what may be laid over it.

    BadParams for a recipe that is none, or that is about other days ahead.
    """
    base, recipes = params.train.model_dump(), {AS_SET: params.train}
    for name, changes in params.evaluate.choose.recipes.items():
        try:
            recipes[name] = TrainParams.model_validate(lay_over(base, changes))
        except ValidationError as error:
            places = "; ".join(_complaint(place) for place in error.errors())
            raise BadParams(
                f"evaluate.choose.recipes.{name} does not fit train: {places}."
            ) from error
        if name == AS_SET or recipes[name].horizon != params.train.horizon:
            raise BadParams(
                f"evaluate.choose.recipes.{name}: '{AS_SET}' is the name of what train says, and "
                "train.horizon the retailer's. Name it otherwise, and leave the horizon out."
            )
    return recipes


def lay_over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """The base with the values of `top` in their places, section by section; an empty section,
    whose lines somebody commented out, changes nothing.
    """
    merged = dict(base)
    for name, value in top.items():
        if not isinstance(merged.get(name), dict) or not isinstance(value, dict | None):
            merged[name] = value
        elif value is not None:
            merged[name] = lay_over(merged[name], value)
    return merged
