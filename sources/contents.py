"""What lies in a file: itself, or the parts of a zip, by what its first bytes say it is."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from contract.errors import BadInput
from sources.encodings import BOM

MOST_PARTS = 20_000
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_TABLES = (".csv", ".txt", ".tsv", ".parquet", ".pq", ".xlsx", ".xlsm", ".xls", ".ods", ".gz", "")
_FOREIGN = {
    b"%PDF": "a PDF",
    b"{\\rtf": "a text document",
    b"<": "a web page or XML (some systems call theirs .xls)",
    b"{": "JSON",
    b"[{": "JSON",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"7z\xbc\xaf": "packed with 7-Zip",
    b"Rar!": "packed with RAR",
    b"Obj\x01": "an Avro file",
    b"ARROW1": "an Arrow (Feather) file",
    b"SQLite format 3": "a database",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
_BROKEN = (
    OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One content: what messages call it, what its folders say (day=2026-01-01), what it is:
    parquet, workbook or csv.
    """

    name: str
    kind: str
    content: bytes | Path
    keys: dict[str, str | None] = field(default_factory=dict)

    @property
    def in_memory(self) -> bytes:
        """The content, read if it lies in a file of its own."""
        return self.content.read_bytes() if isinstance(self.content, Path) else self.content

    @property
    def is_blank(self) -> bool:
        """Whether nothing stands in it."""
        return self.kind == "csv" and not self.in_memory.strip()


def parts_of(path: Path) -> Iterator[Part]:
    """The parts of a file, one after the other, by their names; a mere file is its only part.

    BadInput for what cannot be unpacked, and for a kind that is no table.
    """
    name = path.name
    try:
        with path.open("rb") as file:
            head = file.read(8)
        is_zip = head.startswith(b"PK\x03\x04")
        if head.startswith(b"PAR1") or (_is_named_parquet(name) and not is_zip):
            yield Part(name, "parquet", path)
        elif is_zip and not _is_workbook(path):
            yield from _members(path)
        else:
            yield _part(path.read_bytes(), name)
    except BadInput:
        raise
    except _BROKEN as error:
        raise BadInput(
            f"'{name}' cannot be unpacked or read ({error}). Copy it again from where it came."
        ) from error


def bytes_of(path: Path) -> bytes:
    """The content of a file, unpacked if it is packed; BadInput where several lie in it."""
    parts = list(parts_of(path))
    if len(parts) != 1:
        names = [part.name for part in parts[:20]]
        raise BadInput(f"'{path.name}' holds {names}; one file is needed. Unpack it first.")
    return parts[0].in_memory


def is_junk(name: str) -> bool:
    """Whether a file beside tables is a system's own: __MACOSX, ._sales.csv, _SUCCESS, .crc."""
    segments = PurePosixPath(name.replace("\\", "/")).parts
    return (
        not segments
        or any(part.startswith("__MACOSX") for part in segments)
        or (segments[-1].startswith((".", "_", "~$")))
        or segments[-1].lower() in ("thumbs.db", "desktop.ini")
    )


def is_left_alone(name: str) -> bool:
    """Whether a file of the inbox is a system's own; `_sales.csv` is somebody's there."""
    return is_junk(name) and not (name.startswith("_") and PurePosixPath(name).suffix)


def is_table_name(name: str) -> bool:
    """Whether a name is one that tables have."""
    return PurePosixPath(name).suffix.lower() in _TABLES


def keys_in(name: str) -> dict[str, str | None]:
    """What the folders of a part say of its rows: a column and its value each, as Spark and Hive
    write them.
    """
    pairs = [part.split("=", 1) for part in PurePosixPath(name).parts[:-1] if "=" in part[1:]]
    return {
        unquote(key): None if value == _NO_PARTITION else unquote(value) for key, value in pairs
    }


def refuse_versioned(names: list[str], folder: str) -> None:
    """BadInput for the folder of a Delta or Iceberg table: its files hold old versions of rows,
    too.
    """
    logs = [name for name in names if "_delta_log/" in name or name.endswith(".metadata.json")]
    if logs:
        raise BadInput(
            f"'{folder}' is a Delta or Iceberg table ('{logs[0]}'): its files hold rows that were "
            "deleted since. Export the rows that count, as Parquet or CSV."
        )


def _members(path: Path) -> Iterator[Part]:
    with zipfile.ZipFile(path) as archive:
        entries = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
        refuse_versioned(entries, path.name)
        names = sorted(name for name in entries if not is_junk(name))
        if not names or len(names) > MOST_PARTS:
            raise BadInput(
                f"the zip '{path.name}' holds {len(names)} files; 1 to {MOST_PARTS} are read."
            )
        short = Counter(PurePosixPath(name).name for name in names)
        for name in names:
            if len(names) == 1 or is_table_name(name):
                own = PurePosixPath(name).name  # of two folders' a.csv both count
                shown = own if "=" not in name and short[own] == 1 else name
                yield _part(archive.read(name), f"{path.name}: {shown}", keys_in(name))
            else:
                yield Part(f"{path.name}: {name}", "other", b"")


def _part(content: bytes, name: str, keys: dict[str, str | None] | None = None) -> Part:
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    return Part(name, _kind(content, name), content, keys or {})


def _kind(content: bytes, name: str) -> str:
    if content.startswith(b"PAR1") or _is_named_parquet(name):
        return "parquet"
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return "workbook"
    if content.startswith(b"PK\x03\x04"):
        if _is_workbook(io.BytesIO(content)):
            return "workbook"
        raise BadInput(f"'{name}' is a zip in a zip. Unpack it first.")
    start = content[:64].removeprefix(BOM).lstrip()
    foreign = next((what for mark, what in _FOREIGN.items() if start.startswith(mark)), None)
    if foreign:
        raise BadInput(
            f"'{name}' is {foreign}, no table. Save it as CSV, xlsx, ods or Parquet "
            "(gz and zip are unpacked)."
        )
    if content.startswith(b"PK"):
        raise BadInput(f"'{name}' is an empty or damaged zip. Copy it again.")
    return "csv"


def _is_named_parquet(name: str) -> bool:
    """A cut Parquet file is to be refused as such."""
    return name.lower().endswith((".parquet", ".pq"))


def _is_workbook(source: Path | io.BytesIO) -> bool:
    with zipfile.ZipFile(source) as archive:
        names = set(archive.namelist())
        if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
            return True
        return "mimetype" in names and "content.xml" in names
