"""Look-up by name of everything that plugins bring, and the policy for names that several of them want.

`foo/js` always means the `js` of the plugin `foo`. A bare name belongs to the built-ins first; one that two
strangers bring is ambiguous until the user prefers one of them. The order of installation never matters.
Built-in names are found without loading any other plugin.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mistcli.__about__ import __version__
from mistcli.errors import ConfigError, MistError, PluginError, UnknownNameError, did_you_mean
from mistcli.plugin import Spec
from mistcli.plugin.discovery import Candidate, PluginRecord, canonical, from_file, from_object, installed
from mistcli.plugin.loading import KINDS, Plugin, collect, describe, load

__all__ = ["KINDS", "Entry", "PluginRecord", "Registry"]

BUILTIN = "mist"
FAILED = ("broken", "incompatible")
SLOW = 5.0
"""How many seconds the import of a plugin may take before it is told of."""


@dataclass(frozen=True)
class Entry:
    """Something that a plugin brings, and whether its bare name reaches it.

    Arguments:
        kind: One of `KINDS`.
        spec: What the plugin says of it.
        plugin: The short name of the plugin.
        distribution: The distribution that brings it.
        version: The version of the distribution.
        status: "ok", "missing-deps", "shadowed" (the bare name is another's), or "ambiguous".
        reason: Why it is not ok, in words.
    """

    kind: str
    spec: Spec
    plugin: str
    distribution: str
    version: str
    status: str = "ok"
    reason: str = ""

    @property
    def qualified(self) -> str:
        """The name that always reaches it, such as `foo/js`."""
        return f"{self.plugin}/{self.spec.name}"

    @property
    def label(self) -> str:
        """The shortest name that reaches it."""
        return self.qualified if self.status in ("shadowed", "ambiguous") else self.spec.name


class Registry:
    """Everything that can be chosen by name.

    Arguments:
        discover: Whether to look for installed plugins.
        allow: The distributions, or short names, of the installed plugins that may be loaded; all if None.
        files: One-file plugins to load as well.
        prefer: The plugin, or its distribution, that gets a bare name that several bring.
        plugins: Plugin objects that are here already.
        report: Called after discovery with a line on the plugins that failed to load, and on each that was slow to.
    """

    def __init__(
        self,
        *,
        discover: bool = True,
        allow: frozenset[str] | None = None,
        files: Sequence[Path] = (),
        prefer: Mapping[str, str] = MappingProxyType({}),
        plugins: Sequence[object] = (),
        report: Callable[[str], None] | None = None,
    ) -> None:
        self._discover = discover
        self._allow = None if allow is None else frozenset(map(canonical, allow))
        self._files = tuple(files)
        self._prefer = dict(prefer)
        self._objects = tuple(plugins)
        self._report = report
        self._builtin: dict[str, list[Entry]] = {}

    @classmethod
    def from_environment(
        cls,
        *,
        no_plugins: bool = False,
        files: Sequence[Path] = (),
        prefer: Mapping[str, str] = MappingProxyType({}),
        report: Callable[[str], None] | None = None,
    ) -> Registry:
        """Return a registry that heeds `MIST_PLUGINS`, a comma list of the plugins that may be loaded."""
        listed = os.environ.get("MIST_PLUGINS")
        allow = None if listed is None else frozenset(filter(None, map(str.strip, listed.split(","))))
        return cls(allow=frozenset() if no_plugins else allow, files=files, prefer=prefer, report=report)

    def preferring(self, prefer: Mapping[str, str]) -> Registry:
        """Return this registry with further preferences; plugins that are loaded are not loaded again."""
        other = copy.copy(self)
        other._prefer = {**self._prefer, **prefer}
        return other

    def __copy__(self) -> Registry:
        """Return another registry with all that this one knows, plugins that are loaded included."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        return other

    def __getstate__(self) -> dict[str, Any]:
        """Return what makes this registry anew in another process, where plugins are loaded again.

        Raises:
            ConfigError: If a plugin is an object that only this process has.
        """
        if self._objects:
            raise ConfigError("a plugin that is only an object of this process cannot go to another; install it.")
        state = {**vars(self), "_report": None, "_builtin": {}}
        state.pop("_plugins", None)
        return state

    @property
    def plugins(self) -> tuple[PluginRecord, ...]:
        """All plugins that were found, the built-in one first, with what is wrong with each."""
        brings = {kind: [entry.spec.name for entry in self._builtins(kind)] for kind in _builtin_hooks()}
        builtin = PluginRecord(
            BUILTIN, "mistcli", __version__, provides=tuple(f"{k}: {', '.join(n)}" for k, n in brings.items())
        )
        entries = [entry for kind in KINDS for entry in self.entries(kind)]
        return (builtin, *(_with_clashes(plugin.record, entries) for plugin in self._plugins))

    def entries(self, kind: str) -> list[Entry]:
        """Return all that is brought of one kind: built-ins in their order, then the others by name."""
        builtin = self._builtins(kind)
        owned = {entry.spec.name for entry in builtin}
        others = [
            Entry(kind, spec, plugin.record.name, plugin.record.distribution, plugin.record.version)
            for plugin in self._plugins
            for spec in plugin.specs.get(kind, ())
        ]
        judged = (self._judged(entry, owned, others) for entry in others)
        return builtin + sorted(judged, key=lambda entry: (entry.spec.name, entry.plugin))

    def names(self, kind: str) -> list[str]:
        """Return the shortest name of everything of one kind."""
        return [entry.label for entry in self.entries(kind)]

    def find(self, name: str, kinds: Iterable[str] = KINDS) -> list[Entry]:
        """Return everything of these kinds that has the name, bare or qualified; at least one.

        Raises:
            UnknownNameError: If nothing has it.
            PluginError: If nothing has it, and it looks like the name of a plugin that failed to load.
        """
        entries = [entry for kind in kinds for entry in self.entries(kind)]
        found = [entry for entry in entries if name in (entry.spec.name, entry.qualified)]
        return found or self._refuse(name, entries, tuple(kinds))

    def get(self, kind: str, name: str) -> Entry:
        """Return what has the name, bare or qualified.

        Raises:
            UnknownNameError: If nothing has it, or several plugins do.
            PluginError: If it needs something that is not installed, or its plugin failed to load.
        """
        for entry in self._builtins(kind):
            if name in (entry.spec.name, entry.qualified):
                return _usable(entry)
        found = self.find(name, (kind,))
        reached = [entry for entry in found if name in (entry.label, entry.qualified)]
        if not reached:
            choices = ", ".join(entry.qualified for entry in found)
            raise UnknownNameError(f"{_word(kind)} {name!r} is brought by several plugins; name one: {choices}.")
        return _usable(reached[0])

    def load(self, entry: Entry) -> Any:
        """Import what an entry points to, and return it.

        Raises:
            PluginError: If that fails.
        """
        try:
            with redirect_stdout(sys.stderr):
                return EntryPoint(entry.spec.name, entry.spec.target, entry.kind).load()
        except MistError:
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{_word(entry.kind)} {entry.label!r} cannot be loaded: plugin {entry.distribution} "
                f"{entry.version} failed: {describe(error)}."
            ) from error

    @cached_property
    def _plugins(self) -> tuple[Plugin, ...]:
        found = [*map(from_object, self._objects), *map(from_file, self._files)]
        found += installed() if self._discover else []
        taken = {BUILTIN: "the built-in plugin"}
        plugins = []
        for candidate in found:
            plugins.append(self._loaded(candidate, taken))
            taken.setdefault(candidate.name, candidate.distribution)
        if self._report:
            for line in _worth_telling([plugin.record for plugin in plugins]):
                self._report(line)
        return tuple(plugins)

    def _loaded(self, candidate: Candidate, taken: Mapping[str, str]) -> Plugin:
        if candidate.name in taken:
            owner = taken[candidate.name]
            return Plugin(candidate.record("broken", f"the name {candidate.name!r} is taken by {owner}"))
        names = {canonical(candidate.distribution), canonical(candidate.name)}
        if candidate.installed and self._allow is not None and not names & self._allow:
            return Plugin(candidate.record("disabled", "switched off by MIST_PLUGINS or --no-plugins"))
        return load(candidate)

    def _builtins(self, kind: str) -> list[Entry]:
        if kind not in self._builtin:
            self._builtin[kind] = [
                _checked(Entry(kind, spec, BUILTIN, "mistcli", __version__)) for spec in _builtin_specs(kind)
            ]
        return list(self._builtin[kind])

    def _judged(self, entry: Entry, owned: set[str], others: Sequence[Entry]) -> Entry:
        name = entry.spec.name
        if name in owned:
            reason = f"{name!r} is built in; this one is {entry.qualified!r}"
            return dataclasses.replace(entry, status="shadowed", reason=reason)
        rivals = [other for other in others if other.spec.name == name]
        wanted = canonical(self._prefer.get(name, ""))
        preferred = [r for r in rivals if wanted in (canonical(r.plugin), canonical(r.distribution))]
        if len(rivals) == 1 or entry in preferred:
            return _checked(entry)
        if preferred:
            reason = f"{name!r} means {preferred[0].qualified!r} by preference; this one is {entry.qualified!r}"
            return dataclasses.replace(entry, status="shadowed", reason=reason)
        reason = f"{name!r} is also brought by {', '.join(r.plugin for r in rivals if r is not entry)}"
        return dataclasses.replace(entry, status="ambiguous", reason=reason)

    def _refuse(self, name: str, entries: Sequence[Entry], kinds: Sequence[str]) -> list[Entry]:
        known = [entry.label for entry in entries]
        lame = [plugin.record for plugin in self._plugins if plugin.record.status in (*FAILED, "disabled")]
        what = _word(kinds[0]) if len(kinds) == 1 else "name"
        culprit = self._culprit(name, known, [record for record in lame if record.status in FAILED])
        if culprit:
            raise PluginError(f"{what} {name!r} is not available: {_told(culprit)}.")
        sentence = f"unknown {what} {name!r}.{did_you_mean(name, known)} Available: {', '.join(known) or 'none'}."
        raise UnknownNameError(" ".join([sentence, *(f"Not available: {_told(record)}." for record in lame)]))

    def _culprit(self, name: str, known: Sequence[str], failed: Sequence[PluginRecord]) -> PluginRecord | None:
        wanted = {canonical(name), canonical(name.partition("/")[0])}
        owner = {
            canonical(alias): record
            for record in failed
            for alias in (record.distribution, record.name, *record.entry_points)
        }
        near = difflib.get_close_matches(canonical(name), [*known, *owner], n=1, cutoff=0.6)
        for word in (*wanted, *near):
            if word in owner:
                return owner[word]
        asked_for = {str(path) for path in self._files}
        return next((record for record in failed if record.distribution in asked_for), None)


@cache
def _builtin_specs(kind: str) -> tuple[Spec, ...]:
    """Return the built-in specs of one kind, checked once a process."""
    specs: dict[str, tuple[Spec, ...]] = {}
    faults = [
        fault for name in _builtin_hooks().get(kind, ()) for fault in collect(importlib.import_module(name), specs)
    ]
    if faults:
        raise RuntimeError("; ".join(faults))
    return specs.get(kind, ())


def _word(kind: str) -> str:
    return kind.removesuffix("s")


def _told(record: PluginRecord) -> str:
    title = f"{record.distribution} {record.version}".strip()
    return f"plugin {title} is {record.status} ({record.reason})"


def _worth_telling(records: Sequence[PluginRecord]) -> Iterator[str]:
    """Yield a line on the plugins that failed to load, and one on each that was slow to."""
    failed = [record.distribution for record in records if record.status in FAILED]
    if failed:
        count = f"{len(failed)} plugin{'s' if len(failed) > 1 else ''}"
        yield f"{count} failed to load: {', '.join(failed)} (see `mist plugins`)"
    for record in records:
        if record.import_ms > SLOW * 1e3:
            told = f"plugin {record.distribution} took {record.import_ms / 1e3:.0f} s to be imported"
            yield f"{told}, as it does in every command (see `mist plugins`)"


def _missing(spec: Spec) -> list[str]:
    # Only the top package is looked for: to look for more would import it.
    return [name for name in spec.requires if not _importable(name.partition(".")[0])]


def _importable(name: str) -> bool:
    try:
        return name in sys.modules or find_spec(name) is not None
    except ValueError:
        return False


def _checked(entry: Entry) -> Entry:
    missing = _missing(entry.spec)
    if not missing:
        return entry
    return dataclasses.replace(entry, status="missing-deps", reason=f"it needs {', '.join(missing)}")


def _usable(entry: Entry) -> Entry:
    missing = _missing(entry.spec)
    if missing:
        raise PluginError(
            f"{_word(entry.kind)} {entry.label!r} needs {', '.join(missing)}, which is not installed: "
            f"pip install {' '.join(missing)} (or the extra of {entry.distribution} that brings it)."
        )
    return entry


def _with_clashes(record: PluginRecord, entries: Sequence[Entry]) -> PluginRecord:
    if record.status != "ok":
        return record
    lame = [entry for entry in entries if entry.plugin == record.name and entry.status != "ok"]
    if not lame:
        return record
    reason = "; ".join(f"{entry.kind}: {entry.reason}" for entry in lame)
    return dataclasses.replace(record, status=lame[0].status, reason=reason)


def _builtin_hooks() -> Mapping[str, tuple[str, ...]]:
    """Return the modules that implement each hook in the built-in plugin, which is imported by name as any other."""
    hooks: Mapping[str, tuple[str, ...]] = importlib.import_module("mistcli.builtin").HOOKS
    return hooks
