"""The checks of a plugin as a whole: that it is found, loads, and costs nobody anything who does not use it."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Sequence

from mistcli.builtin import HOOKS
from mistcli.plugin import API_VERSION
from mistcli.testing.check import CheckSkipped, Subject, check, expect
from mistcli.testing.subprocess_import import Imported, import_fresh

__all__ = ["CHECKS", "modules"]

PREFIX = "mist-plugin-"
LIMIT = 0.5
"""The most seconds that the import of a hook module may add to every `mist` command."""
HOPELESS = 5.0
"""The seconds from which on no busy machine is an excuse, and the import is not tried again."""


def modules(subject: Subject) -> Sequence[str]:
    """Return the hook modules of a plugin, by the names under which they are imported.

    Raises:
        CheckSkipped: If it is not installed.
    """
    if subject.record.distribution == "mistcli":
        return [name for names in HOOKS.values() for name in names]
    try:
        points = importlib.metadata.distribution(subject.record.distribution).entry_points
    except importlib.metadata.PackageNotFoundError:
        raise CheckSkipped("the plugin is not installed, so its entry points are not known") from None
    return sorted({point.module for point in points.select(group="mist")})


def _imported(subject: Subject) -> Imported:
    return subject.once("hook modules", lambda: import_fresh(modules(subject)))


@check("P01", "plugin", "the plugin is found, and loads", see="mistcli.plugin.hookspecs")
def loads(subject: Subject) -> None:
    """Neither broken nor made for another version of mist."""
    record = subject.record
    lame = record.status in ("broken", "incompatible", "disabled")
    expect(not lame, f"plugin {record.distribution} to load", f"that it is {record.status}: {record.reason}")


@check("P02", "plugin", "the distribution is named mist-plugin-*", see="mistcli.plugin.discovery.installed")
def named(subject: Subject) -> None:
    """So that people find it, and mist knows its short name."""
    name = subject.record.distribution
    if name == "mistcli":
        raise CheckSkipped("what is built in has no distribution of its own")
    modules(subject)
    expect(name.startswith(PREFIX), f"a distribution named {PREFIX}*", repr(name))


@check(
    "P03",
    "plugin",
    "the hook module says for which version of the interface it was made",
    see="mistcli.plugin",
    level="recommended",
    needs=("P01",),
)
def declares_api(subject: Subject) -> None:
    """`MIST_API = "1.0"`: without it, 1.0 is assumed."""
    if subject.record.distribution == "mistcli":
        raise CheckSkipped("what is built in has the version of mist")
    lacking = [name for name in modules(subject) if not hasattr(importlib.import_module(name), "MIST_API")]
    expect(not lacking, f'MIST_API = "{API_VERSION}" in every hook module', f"none in {', '.join(lacking)}")


@check("P04", "plugin", "the hook module imports nothing heavy", see="mistcli.plugin", needs=("P01",))
def thin(subject: Subject) -> None:
    """Every `mist` command imports it, `mist --help` too."""
    heavy = _imported(subject).heavy
    where = ", ".join(modules(subject))
    expect(not heavy, f"{where} to import no torch, pandas, numpy or scipy", f"{', '.join(heavy)}; move it to a target")


@check("P05", "plugin", "the hook module is imported quickly", see="mistcli.plugin", needs=("P01", "P04"))
def quick(subject: Subject) -> None:
    """The better of two tries counts, for a machine may be busy."""
    seconds = _imported(subject).seconds
    if LIMIT < seconds < HOPELESS:
        seconds = min(seconds, import_fresh(modules(subject)).seconds)
    where = ", ".join(modules(subject))
    expect(seconds <= LIMIT, f"the import of {where} to take at most {LIMIT:g} s", f"{seconds:.1f} s")


@check("P06", "plugin", "the import of the hook module is not noticed", see="mistcli.plugin", needs=("P01",))
def harmless(subject: Subject) -> None:
    """It prints nothing, and changes nothing that belongs to everybody."""
    _expect_harmless(_imported(subject), ", ".join(modules(subject)))


@check(
    "P07",
    "plugin",
    "the names that the plugin brings are its own",
    see="mistcli.plugin.registry",
    level="recommended",
    needs=("P01",),
)
def own_names(subject: Subject) -> None:
    """One that is taken is reached by its qualified name only."""
    lame = subject.record.status in ("shadowed", "ambiguous")
    expect(not lame, "names that no other plugin brings", subject.record.reason)


@check(
    "P08",
    "plugin",
    "the distribution is on the path once",
    see="mistcli.plugin.discovery.installed",
    level="recommended",
)
def once(subject: Subject) -> None:
    """Of several copies, Python imports the first, which may not be the one that was meant."""
    modules(subject)
    name = subject.record.distribution
    copies = {str(dist.locate_file("")) for dist in importlib.metadata.distributions(name=name)}
    expect(len(copies) <= 1, f"one copy of {name} on sys.path", f"{len(copies)}: {', '.join(sorted(copies))}")


def _expect_harmless(imported: Imported, where: str) -> None:
    expect(not imported.said, f"the import of {where} to print nothing", repr(imported.said))
    changed = ", ".join(imported.changed)
    expect(not changed, f"the import of {where} to change nothing that belongs to everybody", f"a change of {changed}")


CHECKS = (loads, named, declares_api, thin, quick, harmless, own_names, once)
"""The checks of a plugin as a whole."""
