"""Text of any encoding and line end as UTF-8 with line ends that every reader knows."""

from __future__ import annotations

import codecs

from contract.errors import BadInput, BadParams

_CHUNK = 1 << 24
_BYTE_A_LETTER = ("iso8859", "cp125", "mac")
BOM = codecs.BOM_UTF8
# the longer marks first: UTF-32's begins with UTF-16's
_WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def as_utf8(content: bytes, name: str, encoding: str) -> bytes:
    """The content in UTF-8. A byte order mark says its encoding whatever is stated, and so do the
    zero bytes of UTF-16; clean UTF-8 is not copied.
    """
    kind = wide_kind(content) or encoding
    if content.startswith(BOM):
        kind = "utf8"
    try:
        if codecs.lookup(kind).name != "utf-8":
            _refuse_utf8(content, name, kind)
            return content.decode(kind).encode()
        return content if content.isascii() else _checked(content)
    except UnicodeDecodeError as error:
        raise BadInput(_not_in(name, kind, content, error)) from error
    except LookupError as error:
        raise BadParams(
            f"source.files.encoding: nobody knows the encoding '{encoding}'; try utf8 or latin-1."
        ) from error


def wide_kind(content: bytes) -> str | None:
    """UTF-16 or UTF-32, by its byte order mark or its zero bytes; None for any other text."""
    marked = next((kind for mark, kind in _WIDE_MARKS if content.startswith(mark)), None)
    return marked or _unmarked(content)


def with_newlines(content: bytes) -> bytes:
    """The content with line ends that every reader knows: old Macs end lines by a carriage return
    alone, and joined files in several ways. Inside quotes one may be part of a text.
    """
    alone = b"\r" in content and content.count(b"\r") > content.count(b"\r\n")
    if alone and (b'"' not in content or b"\n" not in content):
        return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content


def _refuse_utf8(content: bytes, name: str, kind: str) -> None:
    """BadInput for UTF-8 that is stated to have a byte a letter: `ü` would come out as `Ã¼`, and a
    series with it as another one.
    """
    if content.isascii() or not codecs.lookup(kind).name.startswith(_BYTE_A_LETTER):
        return
    try:
        _checked(content)
    except UnicodeDecodeError:
        return
    raise BadInput(
        f"'{name}' is UTF-8, but shop.yaml says source.files.encoding: {kind}. Set it to utf8."
    )


def _unmarked(content: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of its Latin letters, digits and marks is zero."""
    head = content[:4096]
    for kind, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if zeros.count(0) > 0.6 * len(zeros) and head.count(0) < 0.6 * len(head):
            return kind
    return None


def _checked(content: bytes) -> bytes:
    """The content, if it is UTF-8: checked piece by piece, as text would take up to four times its
    memory. A mark in its middle, where files were joined, is left out.
    """
    decoder, view = codecs.getincrementaldecoder("utf8")(), memoryview(content)
    for start in range(0, len(content), _CHUNK):
        try:
            decoder.decode(view[start : start + _CHUNK], start + _CHUNK >= len(content))
        except UnicodeDecodeError:
            content.decode()  # says the place in the whole
    if content.find(BOM, 1) > 0:
        return content.replace(BOM, b"")
    return content


def _not_in(name: str, kind: str, content: bytes, error: UnicodeDecodeError) -> str:
    return (
        f"'{name}' is not {kind}: byte {error.start} is 0x{content[error.start]:02x}. "
        "Set source.files.encoding in shop.yaml, for example cp1252, latin-1 or utf-16."
    )
