"""JSON that every parser reads: numbers that JSON does not have (NaN, infinities) become null."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["plain_json", "to_json"]


def plain_json(value: Any) -> Any:
    """Return `value` as JSON's own kinds: dataclasses and mappings as objects, other iterables as arrays.

    Example:
        >>> plain_json({"mi": float("nan"), "x": ("a", "b")})
        {'mi': None, 'x': ['a', 'b']}
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain_json(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_json(item) for item in value]
    return str(value)


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Return `value` as JSON text, on one line unless `indent` is given.

    Example:
        >>> to_json({"mi": float("inf")})
        '{"mi": null}'
    """
    return json.dumps(plain_json(value), indent=indent, allow_nan=False)
