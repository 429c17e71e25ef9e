"""Finds what a name or a folder means, and runs all checks of it: the door of `mist plugin check`."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mistcli.errors import ConfigError
from mistcli.plugin.discovery import PluginRecord, canonical
from mistcli.plugin.loading import KINDS
from mistcli.plugin.options import fields
from mistcli.plugin.registry import Entry, Registry
from mistcli.testing.check import Check, Outcome, Subject, plugin_of
from mistcli.testing.listing import checks_for
from mistcli.text import printable

__all__ = ["Report", "run_checks"]

NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Report:
    """What came of all checks.

    Arguments:
        name: What was checked, as it was asked for.
        outcomes: What came of each check.
    """

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether no required check failed."""
        return not any(outcome.status == "failed" for outcome in self.outcomes)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {
            "name": self.name,
            "passed": self.passed,
            "checks": [outcome.to_dict() for outcome in self.outcomes],
        }


def run_checks(
    name: str,
    registry: Registry,
    *,
    only: Sequence[str] = (),
    fast: bool = False,
    options: Mapping[str, str] = NONE,
    told: Callable[[Outcome], None] | None = None,
) -> Report:
    """Run the checks of a plugin, or of one thing that it brings, and those of the plugin with it.

    Arguments:
        name: A plugin, its distribution, the folder of a plugin, or something that plugins bring.
        registry: Where names are looked up.
        only: The ids of the checks to do; all if empty.
        fast: Whether checks that train to the end are left out.
        options: Options for what is checked; each must be one of something that is.
        told: Is told of each outcome as it comes.

    Raises:
        UnknownNameError: If nothing has the name.
        PluginError: If it looks like the name of something that a broken plugin brings.
        ConfigError: If there is no such check or option, or the folder is that of no installed plugin.
    """
    record, entries = _found(name, registry)
    _refuse_unknown(options, entries)
    plan = list(_planned(record, entries, registry, fast=fast, options=options))
    known = {check.id for _, check, _ in plan}
    unknown = [wanted for wanted in only if wanted not in known]
    if unknown:
        raise ConfigError(f"there is no check {unknown[0]!r} of this; there are {', '.join(sorted(known))}.")
    outcomes: list[Outcome] = []
    for subject, check, checks in plan:
        if not only or check.id in only:
            outcomes.append(subject.run(check, checks))
            if told is not None:
                told(outcomes[-1])
    return Report(name, tuple(outcomes))


def _planned(
    record: PluginRecord, entries: Sequence[Entry], registry: Registry, *, fast: bool, options: Mapping[str, str]
) -> Iterator[tuple[Subject, Check, Mapping[str, Check]]]:
    plan: list[tuple[Subject, Sequence[Check]]] = [(Subject(record, registry), checks_for("plugin"))]
    for entry in entries:
        own = {item.name for item in fields(entry.spec.options)}
        given = {key: value for key, value in options.items() if key in own}
        plan.append((Subject(record, registry, entry, options=given, fast=fast), checks_for(entry.kind)))
    for subject, checks in plan:
        known = {check.id: check for check in checks}
        yield from ((subject, check, known) for check in checks)


def _found(name: str, registry: Registry) -> tuple[PluginRecord, list[Entry]]:
    """Return the plugin that is meant, and what of it."""
    name = _distribution(Path(name)) if Path(name).is_dir() and _is_path(name) else name
    wanted = canonical(name)
    for record in registry.plugins:
        if wanted in (canonical(record.name), canonical(record.distribution)):
            every = [entry for kind in KINDS for entry in registry.entries(kind)]
            return record, [entry for entry in every if entry.plugin == record.name]
    found = registry.find(name)
    owners = {entry.plugin for entry in found}
    if len(owners) > 1:
        own = [entry for entry in found if name in (entry.label, entry.qualified)]
        found = own if len({entry.plugin for entry in own}) == 1 else []
    if not found:
        raise ConfigError(f"{name!r} is brought by several plugins: {', '.join(sorted(owners))}; name one of them.")
    return plugin_of(found[0], registry), found


def _is_path(name: str) -> bool:
    return "/" in name or "\\" in name or name in (".", "..") or (Path(name) / "pyproject.toml").is_file()


def _distribution(folder: Path) -> str:
    """Return the distribution whose source is in a folder.

    Raises:
        ConfigError: If there is none, it is not installed, or what is installed is something else.
    """
    shown = printable(str(folder), limit=200)
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        name = str(project["name"])
        points = project["entry-points"]["mist"]
    except (OSError, KeyError, TypeError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"expected the folder of a plugin, with a pyproject.toml that names it and an entry point in the group "
            f"'mist'; got '{shown}' ({type(error).__name__}: {error})."
        ) from error
    advice = f"pip install --editable '{shown}'"
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise ConfigError(f"{name} is not installed, and it is checked as it is installed: {advice}.") from None
    for target in points.values():
        if not _is_source(folder, str(target).partition(":")[0]):
            raise ConfigError(f"the {name} that is installed is not what is in '{shown}': {advice}.")
    return name


def _is_source(folder: Path, module: str) -> bool:
    """Return whether the files of a module, as they are installed, are those in a folder."""
    spec = importlib.util.find_spec(module.partition(".")[0])
    if spec is None or spec.origin is None:
        return False
    origin = Path(spec.origin)
    base = origin.parent if spec.submodule_search_locations else origin
    local = [path for path in (folder / base.name, folder / "src" / base.name) if path.exists()]
    if not local:
        return False
    files = sorted(local[0].rglob("*.py")) if local[0].is_dir() else [local[0]]
    return all(_equal(path, base / path.relative_to(local[0]) if local[0].is_dir() else base) for path in files)


def _equal(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def _refuse_unknown(options: Mapping[str, str], entries: Sequence[Entry]) -> None:
    known = {item.name for entry in entries for item in fields(entry.spec.options)}
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ConfigError(
            f"{unknown[0]!r} is no option of what is checked; there are {', '.join(sorted(known)) or 'none'}."
        )
