"""Objects of somebody else's bucket, through fsspec: listed, brought, written; never deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec

from contract.errors import BadInput, BadParams, RemoteUnreachable, SourceMissing, TillcastError
from remote.environment import without_secrets
from runtime.disk import disk_refusals, flush_to_disk

_CHUNK = 1 << 22
_MB = 1 << 20
_LONGEST_NAME = 255  # bytes of a file's name


class ObjectChanged(BadInput):
    """An object was overwritten while it was read: the next run takes it."""


@dataclass(frozen=True)
class Object:
    """One version of an object: its key, its version, its size in bytes, when it was written."""

    key: str
    version: str
    size: int
    written_at: datetime | None

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]


@dataclass(frozen=True)
class Bucket:
    """A place in a store of objects: its file system, the path of the prefix, its url."""

    files: Any
    prefix: str
    url: str

    def objects(self) -> tuple[list[Object], int]:
        """What lies directly under the prefix, oldest first, and how many lie deeper. Names of
        files that a file system cannot hold are BadInput when they are brought.
        """
        with _errors_of(self.url):
            if self._moves and not self.files.exists(self.prefix):
                raise FileNotFoundError(self.prefix)  # of a folder nothing is found, and no error
            found = self.files.find(self.prefix, detail=True, refresh=True)
        inside = {
            key: details
            for key, details in found.items()
            if key.startswith(f"{self.prefix}/") and details.get("type", "file") == "file"
        }
        direct = [
            _object(key, details)
            for key, details in inside.items()
            if "/" not in key.removeprefix(f"{self.prefix}/") and not key.endswith("/")
        ]
        direct.sort(key=lambda one: (str(one.written_at), one.key))
        return direct, len([key for key in inside if "/" in key.removeprefix(f"{self.prefix}/")])

    def bring(self, wanted: Object, target: Path, most_mb: float) -> None:
        """One version of an object as a file. BadInput, before a byte is read, for one that is too
        large or whose name no file can have; ObjectChanged for one that is not that version any
        more.
        """
        _refuse_name(wanted)
        if wanted.size > most_mb * _MB:
            raise BadInput(
                f"'{wanted.name}' has {wanted.size / _MB:,.0f} MB; source.max_unpacked_mb is "
                f"{most_mb:g}. Send it in parts, or raise the limit if it is honest."
            )
        size = 0
        with disk_refusals(target.parent), target.open("wb") as file:
            for chunk in self._chunks(wanted):
                size += len(chunk)
                file.write(chunk)
        with _errors_of(self.url):
            self.files.invalidate_cache()
            now = _object(wanted.key, self.files.info(wanted.key))
        if (now.version, size) != (wanted.version, wanted.size):
            raise ObjectChanged(
                f"'{wanted.name}' was overwritten while it was read; it is left to the next run."
            )

    def _chunks(self, wanted: Object) -> Iterator[bytes]:
        """The content piece by piece, and no more than one piece beyond its size."""
        with _errors_of(self.url), self.files.open(wanted.key, "rb") as source:
            left = wanted.size
            while left >= 0 and (chunk := source.read(_CHUNK)):
                left -= len(chunk)
                yield chunk

    def write(self, name: str, path: Path) -> None:
        """A file as an object, whole or not at all."""
        target = self._at(name)
        unfinished = f"{target}.part" if self._moves else target
        with _errors_of(self.url):
            if self._moves:
                self.files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self.files.put_file(str(path), unfinished)
            if self._moves:
                flush_to_disk(Path(unfinished))
                self.files.mv(unfinished, target)
                flush_to_disk(Path(target).parent)

    def read(self, name: str) -> bytes | None:
        """The content of an object; None where there is none."""
        try:
            with _errors_of(self.url):
                self.files.invalidate_cache()
                return bytes(self.files.cat_file(self._at(name)))
        except SourceMissing:
            return None

    def holds(self, name: str) -> bool:
        """Whether there is an object of this name."""
        with _errors_of(self.url):
            self.files.invalidate_cache()
            return bool(self.files.exists(self._at(name)))

    @property
    def _moves(self) -> bool:
        """Whether a file half written would be seen: in a folder. An object appears whole."""
        return "file" in self.files.protocol

    def _at(self, name: str) -> str:
        return f"{self.prefix}/{name}"


def bucket_at(url: str) -> Bucket:
    """The bucket and prefix of a url; keys and endpoint come from the environment. BadParams where
    nothing here speaks its protocol.
    """
    try:
        files, prefix = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise BadParams(
            f"{without_secrets(url)} cannot be used: {without_secrets(str(error))}. `make extras` "
            "brings what speaks to S3."
        ) from None
    return Bucket(files, prefix.rstrip("/"), without_secrets(url))


def _object(key: str, details: dict[str, Any]) -> Object:
    written_at = details.get("LastModified") or details.get("mtime") or details.get("last_modified")
    if isinstance(written_at, int | float):
        written_at = datetime.fromtimestamp(written_at)
    # not VersionId: a bucket with versions names it beside one object, and not in a list
    version = details.get("ETag") or details.get("etag")
    size = int(details.get("size") or details.get("Size") or 0)
    return Object(key, str(version or f"{written_at} {size}"), size, written_at)


def _refuse_name(wanted: Object) -> None:
    """BadInput for a name that a file cannot have."""
    name = wanted.name
    if "\0" in name or name in ("", ".", "..") or len(name.encode()) > _LONGEST_NAME:
        raise BadInput(
            f"an object is called {name[:80]!r}, which no file can be. Rename it in the bucket."
        )


@contextmanager
def _errors_of(url: str) -> Iterator[None]:
    """What the store of objects says, as an error of ours without secrets."""
    try:
        yield
    except TillcastError:
        raise
    except FileNotFoundError:
        raise SourceMissing(f"there is no '{url}', or nothing under that name.") from None
    except PermissionError as error:
        raise SourceMissing(
            f"'{url}' refuses: {without_secrets(str(error))}. May these keys read and list it?"
        ) from None
    except Exception as error:
        if not _is_of_the_store(error):
            raise
        raise RemoteUnreachable(
            f"'{url}' does not respond or broke off ({type(error).__name__}: "
            f"{without_secrets(str(error))}). Check endpoint and keys in the environment, then run "
            "the same command again."
        ) from None


def _is_of_the_store(error: Exception) -> bool:
    """Whether an error is the store's or the network's: the clients of each store have their own,
    and none of them is imported here.
    """
    home = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError | TimeoutError) or home in (
        "botocore", "aiobotocore", "aiohttp", "s3fs", "gcsfs", "adlfs", "azure", "google",
    )  # fmt: skip
