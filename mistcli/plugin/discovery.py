"""Finding plugins: the distributions with an entry point in the group `mist`, single files, and objects.

Nothing of a plugin is imported here. `importlib.metadata.entry_points` is not used, because it gives up on
all distributions if one of them has a malformed `entry_points.txt`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Candidate", "PluginRecord", "canonical", "from_file", "from_object", "installed"]

GROUP = "mist"
PREFIX = "mist-plugin-"


@dataclass(frozen=True)
class PluginRecord:
    """What is known of a plugin, whether it works or not.

    Arguments:
        name: Its short name, the word before the slash in `foo/js`.
        distribution: The distribution that brings it, or the file.
        version: The version of the distribution.
        status: "ok"; "missing-deps", "shadowed" or "ambiguous" if something it brings is; "incompatible",
            "broken" or "disabled".
        reason: Why it is not ok, in words.
        provides: What it brings, as "estimators: foo, bar".
        import_ms: How long its import took, in milliseconds.
        heavy: Which of torch, pandas, numpy and scipy its import brought in.
        entry_points: The names of its entry points.
    """

    name: str
    distribution: str
    version: str
    status: str = "ok"
    reason: str = ""
    provides: tuple[str, ...] = ()
    import_ms: float = 0.0
    heavy: tuple[str, ...] = ()
    entry_points: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A plugin that was found and is not imported yet.

    Arguments:
        name: The short name it would like to have.
        distribution: The distribution that brings it, or the file.
        version: The version of the distribution.
        points: The name of each entry point, and a function that imports it.
        fault: Why it cannot be loaded, if that is known already.
        alias: For a file: the module name that targets use, and the one under which it is imported.
        installed: Whether it is installed, rather than given by the user or by a test.
    """

    name: str
    distribution: str
    version: str
    points: tuple[tuple[str, Callable[[], object]], ...]
    fault: str = ""
    alias: tuple[str, str] = ("", "")
    installed: bool = False

    def record(self, status: str, reason: str) -> PluginRecord:
        """Return the record of this plugin, for one that is not loaded."""
        points = tuple(name for name, _ in self.points)
        return PluginRecord(self.name, self.distribution, self.version, status, reason, entry_points=points)


def canonical(name: str) -> str:
    """Return the name of a distribution as packaging tools compare it.

    Example:
        >>> canonical("Mist_Plugin.Foo")
        'mist-plugin-foo'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> list[Candidate]:
    """Return the plugins that are installed: first those called `mist-plugin-*`, then by name.

    A distribution that is found twice counts once, as the one that Python would import.
    """
    names = {canonical(dist.name) for dist in importlib.metadata.distributions() if _declares(dist)}
    ordered = sorted(names, key=lambda name: (not name.startswith(PREFIX), name))
    return [_from_distribution(name) for name in ordered]


def from_file(path: Path) -> Candidate:
    """Return the one-file plugin at `path`, whose targets may say `"STEM:Object"`, its own stem."""
    private = f"_mist_file_{path.stem}_{zlib.crc32(str(path.resolve()).encode()):08x}"
    points = ((path.stem, lambda: _import_file(path, private)),)
    return Candidate(path.stem, str(path), "", points, alias=(path.stem, private))


def from_object(plugin: object) -> Candidate:
    """Return a plugin that is already here, a module or any object with hook implementations."""
    name = getattr(plugin, "__name__", None) or type(plugin).__name__
    short = name.removeprefix("mist_plugin_")
    return Candidate(short, name, "", ((short, lambda: plugin),))


def _declares(dist: importlib.metadata.Distribution) -> bool:
    try:
        return f"[{GROUP}]" in (dist.read_text("entry_points.txt") or "") and bool(dist.metadata["Name"])
    except Exception:
        return False  # somebody else's broken distribution, which is not for us to report


def _from_distribution(name: str) -> Candidate:
    dist = importlib.metadata.distribution(name)
    short, version = name.removeprefix(PREFIX), dist.version or ""
    try:
        points = sorted(dist.entry_points.select(group=GROUP), key=lambda point: point.name)
    except Exception as error:  # which one differs by version of Python
        fault = f"entry_points.txt cannot be read ({error!r})"
        return Candidate(short, name, version, (), fault, installed=True)
    loaders = tuple((point.name, point.load) for point in points)
    return Candidate(short, name, version, loaders, installed=True)


def _import_file(path: Path, private: str) -> object:
    spec = importlib.util.spec_from_file_location(private, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[private] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(private, None)
        raise
    return module
