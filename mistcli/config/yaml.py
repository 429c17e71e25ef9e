"""Reads the YAML of a configuration file, which may come from anyone, into plain values.

Every scalar but null stays the text that was written: `1e-3`, `no` and `012` mean what the option they are
given to takes them for, and not what YAML 1.1 does. Custom tags, duplicate keys and piles of aliases are
refused.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from mistcli.errors import ConfigError

__all__ = ["MAX_ALIASES", "MAX_BYTES", "dump_yaml", "read_yaml"]

MAX_BYTES = 256 * 1024
MAX_ALIASES = 16
"""Few enough that no nesting of aliases within aliases grows beyond a few hundred copies."""

_KEPT_TAGS = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")


class _Loader(yaml.SafeLoader):
    """The safe loader with scalars left as text, unique keys, and a budget of aliases."""

    aliases = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            self.aliases += 1
            if self.aliases > MAX_ALIASES:
                raise yaml.YAMLError(f"more than {MAX_ALIASES} aliases")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {key.value!r} is given twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT_TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in the YAML file at `path`; an empty file is an empty mapping.

    Raises:
        ConfigError: If there is no such file, or it is not UTF-8, not YAML, too large, or not a mapping.
    """
    text = _text(path)
    try:
        values = yaml.load(text, _Loader)  # noqa: S506 - a subclass of the safe loader
    except RecursionError:
        raise ConfigError(f"{path}: the values are nested too deeply to be a configuration") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{path} is not YAML that mist reads: {_problem(error)}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        kind = "a list" if isinstance(values, list) else "a single value"
        raise ConfigError(f"{path} holds {kind}; a configuration is `key: value` lines")
    return values


def dump_yaml(values: dict[str, Any]) -> str:
    """Return `values`, of plain kinds, as YAML that `read_yaml` reads."""
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, default_flow_style=False, width=100)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {str(path)!r}: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_BYTES // 1024} KiB, too large for a configuration")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 (at byte {error.start}); save it as UTF-8") from error


def _problem(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return where + str(getattr(error, "problem", None) or error).splitlines()[0]
