"""Makes a plugin that works, for somebody to change into theirs: `mist plugin new`.

The files are `string.Template` texts in `mistcli/plugin/templates/`: the folder `plugin` holds those of every plugin,
and the folder of a kind those of that kind. The names of files are templates too.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from mistcli.__about__ import __version__
from mistcli.errors import ConfigError
from mistcli.plugin import API_VERSION
from mistcli.plugin.loading import NAME
from mistcli.plugin.registry import Registry
from mistcli.text import printable

__all__ = ["scaffold"]

PREFIX = "mist-plugin-"
SUFFIX = ".template"


def scaffold(name: str, kind: str, folder: Path, registry: Registry) -> Path:
    """Write a plugin that brings one thing of a kind, and return its folder, `mist-plugin-NAME`.

    Arguments:
        name: What it is called; `mist-plugin-` before it is left out.
        kind: "estimator", "critic", "reader", "logger", "executor" or "command".
        folder: Where its own folder is made.
        registry: Says which names are taken.

    Raises:
        ConfigError: If the name is no name or is taken, or the folder is there or cannot be written. Nothing is then
            written in part.
    """
    name = name.removeprefix(PREFIX)
    _check_name(name, kind, registry)
    values = _values(name, kind)
    templates = files("mistcli.plugin") / "templates"
    texts = {path: text for part in ("plugin", kind) for path, text in _texts(templates / part)}
    made = folder / f"{PREFIX}{values['dashed']}"
    if made.exists():
        raise ConfigError(f"'{printable(str(made), limit=200)}' is there already; choose another name or --dir.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            whole = Path(temporary) / made.name
            for path, text in texts.items():
                file = whole / Template(path).substitute(values)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(Template(text).substitute(values), encoding="utf-8", newline="\n")
            shutil.move(whole, made)
    except OSError as error:
        where = printable(str(folder), limit=200)
        raise ConfigError(f"cannot write a folder in '{where}': {error.strerror or error}.") from error
    return made


def _check_name(name: str, kind: str, registry: Registry) -> None:
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is not a name; expected a lower-case letter and then letters, digits, '-' or '_', such as 'foo'."
        )
    taken = next((entry for entry in registry.entries(f"{kind}s") if entry.spec.name == name), None)
    if taken is not None:
        raise ConfigError(f"{kind} {name!r} is there already, from {taken.distribution}; choose another name.")
    if name in {record.name for record in registry.plugins}:
        raise ConfigError(f"a plugin {name!r} is there already (see `mist plugins`); choose another name.")


def _values(name: str, kind: str) -> Mapping[str, str]:
    snake = re.sub("[-_]+", "_", name).strip("_")
    major = __version__.split(".")
    return {
        "name": name,
        "dashed": snake.replace("_", "-"),
        "module": f"mist_plugin_{snake}",
        "snake": snake,
        "Class": "".join(part.capitalize() for part in snake.split("_")) + kind.capitalize(),
        "kind": kind,
        "least": ".".join(major[:2]),
        "below": str(int(major[0]) + 1),
        "api": API_VERSION,
    }


def _texts(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path of each file below a folder, and its text."""
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _texts(item, f"{prefix}{item.name}/")
        elif item.name.endswith(SUFFIX):
            yield prefix + item.name.removesuffix(SUFFIX), item.read_text(encoding="utf-8")
