"""What a part learns of the whole, through files: totals that are known, its own to be added up,
and what it keeps from one run to the next.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import polars as pl

from contract.whole import Arrays, Made, Table, Whole, as_texts, from_texts
from runtime.array_files import read_arrays, write_arrays
from scaling.parts import Parts

_KEYS = "keys"


class NotSummedYet(Exception):
    """This run of a part ends: a total it needs is known once all parts have handed in theirs."""


@dataclass
class PartOfWhole:
    """As contract.whole.Whole, of one part."""

    parts: Parts
    number: int
    work: str  # names whose totals these are
    waits: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    read: dict[str, pl.DataFrame] = field(default_factory=dict)  # of the whole
    step: str = ""  # stands before the names of what a step hands in

    is_part = True

    @property
    def folder(self) -> Path:
        """Where the part's own results lie."""
        return self.parts.results(self.work, self.number)

    def within(self, name: str) -> PartOfWhole:
        """As Whole.within; what it waits for is noted in the same list."""
        return replace(self, step=f"{self.step}{name} ")

    def series(self, own: pl.DataFrame) -> pl.DataFrame:
        """As Whole.series."""
        if "series" not in self.read:
            self.read["series"] = self.parts.series()
        return self.read["series"]

    def totals(self, own: Mapping[str, Table]) -> dict[str, Table]:
        """As Whole.totals."""
        files = {name: _total(self.parts, self.work, self.step + name) for name in own}
        if all(file.exists() for file in files.values()):
            return {name: _read(file) for name, file in files.items()}
        for name, table in own.items():
            if self.step + name not in self.waits:
                self._hand_in(name, table, self.waits)
        raise NotSummedYet

    def report(self, own: Mapping[str, Table]) -> None:
        """As Whole.report."""
        for name, table in own.items():
            self._hand_in(name, table, self.reported)

    def _hand_in(self, name: str, table: Table, noted: list[str]) -> None:
        _write(_file(self.folder / "own", self.step + name), table)
        noted.append(self.step + name)

    def kept(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """As Whole.kept."""
        return _made_once(_file(self.folder / "kept", self.step + name), make)

    def once(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """As Whole.once. Two workers may both make it: they make the same."""
        return _made_once(_file(self.parts.folder / self.work / "once", self.step + name), make)

    def attempt(self, make: Callable[[], Made]) -> Callable[[], Made]:
        """As Whole.attempt."""
        try:
            made = make()
        except NotSummedYet:
            return _not_summed_yet
        return lambda: made


def _not_summed_yet() -> NoReturn:
    raise NotSummedYet


def summed(parts: Parts, work: str) -> Whole:
    """What any part knows once all totals of some work are there, for whoever asks afterwards."""
    return PartOfWhole(parts, 0, work)


def add_up(parts: Parts, work: str, name: str) -> Table:
    """The sums by key over what the parts handed in, in their order."""
    files = [_file(folder / "own", name) for folder in parts.all_results(work)]
    keys = pl.concat([_keys(file) for file in files]).unique().sort()
    sums: dict[str, np.ndarray] = {}
    for file in files:
        own = _read(file)
        at = Table(keys, {}).at(own.keys)
        for column, values in own.values.items():
            if column not in sums:
                kind = np.int64 if values.dtype == np.bool_ else values.dtype
                sums[column] = np.zeros((len(keys), *values.shape[1:]), dtype=kind)
            sums[column][at] += values
    return Table(keys, sums)


def add_up_all(parts: Parts, work: str, names: Iterable[str]) -> None:
    """Write the sums of these names as totals that every part may read."""
    for name in names:
        _write(_total(parts, work, name), add_up(parts, work, name))


def _total(parts: Parts, work: str, name: str) -> Path:
    return _file(parts.folder / work / "totals", name)


def _made_once(file: Path, make: Callable[[], Arrays]) -> Arrays:
    if not file.exists():
        _save(file, make())
    return read_arrays(file)


def _file(folder: Path, name: str) -> Path:
    plain = "".join(letter if letter.isalnum() else "_" for letter in name)[:60]
    return folder / f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:12]}.npz"


def _write(file: Path, table: Table) -> None:
    _save(file, {_KEYS: as_texts(table.keys), **table.values})


def _save(file: Path, arrays: Arrays) -> None:
    """Whole or not at all: a killed worker leaves no half of it under the name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.stem}-{os.getpid()}.npz")
    write_arrays(unfinished, arrays)
    unfinished.replace(file)


def _read(file: Path) -> Table:
    arrays = read_arrays(file)
    return Table(from_texts(arrays.pop(_KEYS)), arrays)


def _keys(file: Path) -> pl.Series:
    return from_texts(read_arrays(file, [_KEYS])[_KEYS])
