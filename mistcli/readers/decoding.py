"""The bytes of a text file, unpacked and decoded: a stream of valid UTF-8 that is never held as a whole."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from mistcli.errors import ConfigError, DataError
from mistcli.text import printable

__all__ = ["Utf8Stream", "encoding_of", "open_utf8"]

CHUNK = 1 << 18
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
GZIP = b"\x1f\x8b"
MOST_RATIO = 500
RATIO_MATTERS = 1 << 26
READ_ERRORS = (OSError, EOFError, zlib.error)


def open_utf8(path: Path, encoding: str = "") -> io.BufferedReader:
    """Open a text file, gzipped or not, as UTF-8.

    Arguments:
        path: The file.
        encoding: Its encoding; by its byte order mark, and UTF-8 without one, if empty.
    """
    return io.BufferedReader(Utf8Stream(path, encoding), CHUNK)


def encoding_of(path: Path) -> str:
    """Return the encoding that the byte order mark of a file stands for; UTF-8 if it has none."""
    with path.open("rb") as raw:
        start = _head(raw, path)
    return next((name for mark, name in MARKS if start.startswith(mark)), "utf-8")


class Utf8Stream(io.RawIOBase):
    """Decodes a file as it is read; refuses what is no text: NUL, wrong bytes, a broken or absurd archive."""

    def __init__(self, path: Path, encoding: str = "") -> None:
        self._raw = path.open("rb")
        self._name = printable(path.name)
        self._given = encoding
        self._encoding = encoding or encoding_of(path)
        try:
            "".encode(self._encoding)
            self._decoder = codecs.getincrementaldecoder(self._encoding)()
        except LookupError:
            raise ConfigError(
                f"unknown encoding '{printable(encoding)}'; expected one such as utf-8, utf-16 or latin-1."
            ) from None
        packed = self._raw.read(2) == GZIP
        self._raw.seek(0)
        self._source: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=self._raw) if packed else self._raw
        self._packed = packed
        self._pending = memoryview(b"")
        self._lines = 0
        self._bytes = 0
        self._ended = False

    def readable(self) -> bool:
        """Return True: this is all that it is for."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill `buffer` from the start, and return how many bytes were put into it; 0 at the end."""
        while not self._pending and not self._ended:
            self._pending = memoryview(self._decoded(self._chunk()))
        count = min(len(buffer), len(self._pending))
        buffer[:count] = self._pending[:count]
        self._pending = self._pending[count:]
        return count

    def close(self) -> None:
        """Close the file."""
        self._raw.close()
        super().close()

    def _chunk(self) -> bytes:
        try:
            chunk = self._source.read(CHUNK)
        except READ_ERRORS as error:
            what = "is cut off or damaged" if self._packed else "cannot be read"
            raise DataError(f"'{self._name}' {what}: {error}.") from error
        self._ended = not chunk
        self._bytes += len(chunk)
        if self._packed and self._bytes > max(RATIO_MATTERS, MOST_RATIO * self._raw.tell()):
            raise DataError(
                f"'{self._name}' unpacks to more than {MOST_RATIO} times its size, which no table does; "
                "unpack it yourself if you trust it."
            )
        return chunk

    def _decoded(self, chunk: bytes) -> bytes:
        try:
            text = self._decoder.decode(chunk, final=self._ended).encode()
        except UnicodeError as error:
            raise DataError(self._undecodable(error)) from None
        if b"\0" in text:
            line = self._lines + text[: text.index(b"\0")].count(b"\n") + 1
            hint = "" if self._given else "; if it is UTF-16, pass --reader csv:encoding=utf-16-le"
            raise DataError(f"'{self._name}' is not a text file: it has a NUL byte in line {line}{hint}.")
        self._lines += text.count(b"\n")
        return text

    def _undecodable(self, error: UnicodeError) -> str:
        where = f"after line {self._lines}"
        if isinstance(error, UnicodeDecodeError) and error.start < len(error.object):
            line = self._lines + error.object[: error.start].count(b"\n") + 1
            where = f"byte 0x{error.object[error.start]:02x} in line {line}"
        hint = "" if self._given else "; save it as UTF-8, or pass its encoding, as in --reader csv:encoding=latin-1"
        return f"'{self._name}' is not {self._encoding.removesuffix('-sig').upper()}: {where}{hint}."


def _head(raw: BinaryIO, path: Path) -> bytes:
    if raw.read(2) != GZIP:
        raw.seek(0)
        return raw.read(4)
    raw.seek(0)
    try:
        return gzip.GzipFile(fileobj=raw).read(4)
    except READ_ERRORS as error:
        raise DataError(f"'{printable(path.name)}' is cut off or damaged: {error}.") from error
