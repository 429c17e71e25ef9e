"""From the texts of a CSV column to numbers, truth values or dates, if all of them are."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mistcli.readers.arrays import EXACT, objects
from mistcli.readers.arrow import from_arrow

__all__ = ["odd_one_out", "parse"]

NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
INTEGER = r"^[+-]?\d+$"
TYPES = (
    pa.int64(),
    pa.uint64(),
    pa.float64(),
    pa.bool_(),
    pa.timestamp("us"),
    pa.timestamp("us", "UTC"),
)
MOSTLY = 0.9


def parse(texts: pa.Array, name: str, decimal: str = ".") -> NDArray[Any]:
    """Return a column of texts as integers, numbers, truth values or dates, the first that all of them are.

    Arguments:
        texts: The column; missing values are null. Space around a text is no part of it.
        name: What the column is called.
        decimal: The decimal mark of numbers.
    """
    trimmed = pc.utf8_trim_whitespace(texts)
    pointed = trimmed if decimal == "." else pc.replace_substring(trimmed, pattern=decimal, replacement=".")
    head = pointed.slice(0, 100)
    for kind in TYPES:
        try:
            head.cast(kind)  # fails fast, where a cast of the whole column fails slowly
            typed = pointed.cast(kind)
        except pa.ArrowInvalid:
            continue
        if pa.types.is_floating(kind) and _beyond(typed, pointed):
            return objects([None if text is None else int(text) for text in pointed.to_pylist()])
        return from_arrow(typed, name)
    return from_arrow(trimmed, name)


def odd_one_out(texts: pa.Array, decimal: str = ".") -> tuple[int, str, int] | None:
    """Return the row of the first text that is no number, that text, and how many there are.

    Return None if the column has too few numbers for the others to look like mistakes.
    """
    pattern = NUMBER.replace(r"\.", f"[{decimal}]")
    odd = pc.indices_nonzero(pc.invert(pc.match_substring_regex(texts, pattern=pattern)))
    numbers = len(texts) - texts.null_count - len(odd)
    if not len(odd) or numbers <= MOSTLY * (numbers + len(odd)):
        return None
    row = odd[0].as_py()
    return row, texts[row].as_py(), len(odd)


def _beyond(numbers: pa.Array, texts: pa.Array) -> bool:
    """Return whether these are integers, of which some are too large for any integer type."""
    largest = pc.max(pc.abs(numbers)).as_py()
    if largest is None or not largest > EXACT:
        return False
    return bool(pc.all(pc.match_substring_regex(texts, pattern=INTEGER)).as_py())
