"""Options of everything that is chosen by name: from `key=value` and YAML to a frozen dataclass, and back.

The dataclass is the schema: its annotations are the types, its defaults the defaults, and `option` adds help
and range. Values are coerced by the declared type, since a shell gives only strings and YAML 1.1 reads `1e-3`
as one.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
import types
import typing
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from mistcli.errors import ConfigError, did_you_mean
from mistcli.plugin import OptionInfo

__all__ = ["OptionField", "assignment", "fields", "parse", "plain", "range_text", "reference"]

TRUE = frozenset({"true", "yes", "on"})
FALSE = frozenset({"false", "no", "off"})


@dataclass(frozen=True)
class OptionField:
    """One option, with everything that is declared about it.

    Arguments:
        name: Its name.
        type_name: Its type, as one writes it: `int`, `tuple[int, ...]`, `float | None`.
        default: Its default.
        info: Its help and range.
    """

    name: str
    type_name: str
    default: Any
    info: OptionInfo


@dataclass(frozen=True)
class _Shape:
    """A declared type, taken apart: a scalar, or a tuple of one, and whether None is allowed."""

    scalar: type
    many: bool = False
    optional: bool = False

    @property
    def name(self) -> str:
        base = f"tuple[{self.scalar.__name__}, ...]" if self.many else self.scalar.__name__
        return f"{base} | None" if self.optional else base


def fields(options: type) -> tuple[OptionField, ...]:
    """Return the options that a dataclass declares, in order.

    Raises:
        TypeError: If a field was not made by `option`, or has a type that options cannot have.

    Example:
        >>> from mistcli.config.schema import InferenceConfig
        >>> [(field.name, field.type_name, field.default) for field in fields(InferenceConfig)][:1]
        [('level', 'float', 0.95)]
    """
    return tuple(field for field, _ in _schema(options))


def parse(options: type, given: Mapping[str, Any], *, owner: str) -> Any:
    """Return an instance of the dataclass `options` with the values that are given, coerced and checked.

    Arguments:
        options: A frozen dataclass whose fields are made by `option`.
        given: The values, as a shell, YAML or Python gives them; what is not given keeps its default.
        owner: Whose options they are, in words, for messages: `"estimator 'js'"`.

    Raises:
        ConfigError: If a name is unknown, or a value has the wrong type or is out of range.

    Example:
        >>> from mistcli.config.schema import InferenceConfig
        >>> parse(InferenceConfig, {"level": "9e-1"}, owner="inference").level
        0.9
    """
    schema = {field.name: (field, shape) for field, shape in _schema(options)}
    for name in given:
        if name not in schema:
            raise ConfigError(_unknown(str(name), [field for field, _ in schema.values()], owner))
    values = {name: _value(*schema[name], value, owner) for name, value in given.items()}
    return options(**values)


def plain(instance: Any) -> dict[str, Any]:
    """Return the values of an options dataclass as JSON knows them: tuples become lists.

    Example:
        >>> from mistcli.config.schema import InferenceConfig
        >>> plain(InferenceConfig(block=50))
        {'level': 0.95, 'permutations': 0, 'block': 50, 'group': ''}
    """
    values = {field.name: getattr(instance, field.name) for field in dataclasses.fields(instance)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def assignment(text: str) -> tuple[str, str]:
    """Split `key=value`.

    Example:
        >>> assignment("hidden_dims=32,32")
        ('hidden_dims', '32,32')
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"expected key=value, got {text!r}.")
    return key.strip(), value.strip()


def reference(text: str) -> tuple[str, dict[str, str]]:
    """Split `NAME` or `NAME:key=value,key=value`; a part without `=` belongs to the value before it.

    Example:
        >>> reference("mlflow:uri=sqlite:///m.db,run=a")
        ('mlflow', {'uri': 'sqlite:///m.db', 'run': 'a'})
        >>> reference("csv:columns=a,b")
        ('csv', {'columns': 'a,b'})
    """
    name, _, rest = text.partition(":")
    name = name.strip()
    if not name:
        raise ConfigError(f"expected NAME or NAME:key=value, got {text!r}.")
    given: dict[str, str] = {}
    for part in rest.split(",") if rest else ():
        if "=" not in part and given:
            key = next(reversed(given))
            given[key] += f",{part}"
            continue
        key, value = assignment(part)
        if key in given:
            raise ConfigError(f"option {key!r} is given twice in {text!r}.")
        given[key] = value
    return name, given


def range_text(info: OptionInfo) -> str:
    """Return the range of an option in words, or an empty string if it has none.

    Example:
        >>> range_text(OptionInfo("", min=0, min_open=True)), range_text(OptionInfo("", min=0, max=1))
        ('x > 0', '0 <= x <= 1')
    """
    if info.choices:
        return f"one of {', '.join(map(str, info.choices))}"
    if info.min is not None and info.max is not None:
        left, right = "<" if info.min_open else "<=", "<" if info.max_open else "<="
        return f"{info.min:g} {left} x {right} {info.max:g}"
    if info.min is not None:
        return f"x {'>' if info.min_open else '>='} {info.min:g}"
    if info.max is not None:
        return f"x {'<' if info.max_open else '<='} {info.max:g}"
    return ""


@lru_cache(maxsize=256)
def _schema(options: type) -> tuple[tuple[OptionField, _Shape], ...]:
    hints = typing.get_type_hints(options)
    return tuple(_declared(options, field, hints[field.name]) for field in dataclasses.fields(options))


def _declared(options: type, field: dataclasses.Field[Any], hint: Any) -> tuple[OptionField, _Shape]:
    where = f"{options.__name__}.{field.name}"
    info = field.metadata.get("mist")
    if not isinstance(info, OptionInfo):
        raise TypeError(f"{where} is not made by option().")
    shape = _shape(hint)
    if shape is None:
        raise TypeError(
            f"{where} has the type {hint}; expected bool, int, float or str, a tuple of one of them such as "
            "tuple[int, ...], or one of these | None."
        )
    if typing.get_origin(hint) is Literal and not info.choices:
        info = dataclasses.replace(info, choices=typing.get_args(hint))
    return OptionField(field.name, shape.name, field.default, info), shape


def _shape(hint: Any) -> _Shape | None:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint in _COERCE:
        return _Shape(hint)
    if origin is Literal and len({type(value) for value in args}) == 1:
        return _shape(type(args[0]))
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis and args[0] in _COERCE:
        return _Shape(args[0], many=True)
    if origin in (types.UnionType, typing.Union) and len(args) == 2 and types.NoneType in args:
        inner = _shape(args[0] if args[1] is types.NoneType else args[1])
        return dataclasses.replace(inner, optional=True) if inner else None
    return None


def _value(field: OptionField, shape: _Shape, given: Any, owner: str) -> Any:
    if shape.optional and (given is None or (isinstance(given, str) and given.strip().lower() == "none")):
        return None
    try:
        items = [_COERCE[shape.scalar](item) for item in (_items(given) if shape.many else [given])]
    except (TypeError, ValueError, OverflowError):
        items = []
        fits = False
    else:
        fits = all(_within(item, field.info) for item in items)
    if not fits:
        expected = ", ".join(filter(None, (field.type_name, range_text(field.info))))
        raise ConfigError(f"option {field.name!r} of {owner} takes {expected}; got {given!r}.")
    return tuple(items) if shape.many else items[0]


def _items(given: Any) -> list[Any]:
    if isinstance(given, str):
        return [part.strip() for part in given.split(",")] if given.strip() else []
    return list(given) if isinstance(given, list | tuple) else [given]


def _within(value: Any, info: OptionInfo) -> bool:
    if info.choices:
        return value in info.choices
    if info.min is not None and (value <= info.min if info.min_open else value < info.min):
        return False
    return info.max is None or not (value >= info.max if info.max_open else value > info.max)


def _unknown(name: str, known: list[OptionField], owner: str) -> str:
    if not known:
        return f"{owner} has no options; got {name!r}."
    listed = ", ".join(f"{field.name} ({field.type_name}, {_shown(field.default)})" for field in known)
    hint = did_you_mean(name, [field.name for field in known])
    return f"{name!r} is not an option of {owner}.{hint} Options of {owner}: {listed}."


def _shown(default: Any) -> str:
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in TRUE | FALSE:
        raise ValueError(value)
    return word in TRUE


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, numbers.Real | str):
        raise TypeError(value)
    return value


def _int(value: Any) -> int:
    number = _number(value)
    if isinstance(number, numbers.Integral):
        return int(number)
    with suppress(ValueError):
        return int(str(number))
    real = float(number)
    if not real.is_integer():
        raise ValueError(value)
    return int(real)


def _float(value: Any) -> float:
    number = float(_number(value))
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


_Coerce: TypeAlias = Callable[[Any], Any]
_COERCE: Mapping[type, _Coerce] = types.MappingProxyType({bool: _bool, int: _int, float: _float, str: _str})
