"""The checks of everything that a plugin brings, whatever its kind: it can be imported, and its options hold."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mistcli.config.schema import GeneralConfig
from mistcli.config.sources import SECTIONS
from mistcli.plugin.options import fields, parse, plain
from mistcli.testing.check import CheckSkipped, Subject, check, expect
from mistcli.testing.subprocess_import import import_fresh

__all__ = ["CHECKS"]

BASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "estimators": (
            "mistcli.estimators:DirectEstimator",
            "mistcli.estimators:TrainableEstimator",
            "mistcli.training.composite:Strategy",
        ),
        "critics": ("mistcli.critics:Critic",),
        "readers": ("mistcli.readers:Reader",),
        "loggers": ("mistcli.loggers:Logger",),
        "executors": ("mistcli.executors:Executor",),
    }
)
"""What the targets of each kind derive from; a command is an object, and not a class."""

WATCHED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"estimators": ("torch", "numpy"), "critics": ("torch", "numpy")}
)
TAKEN = frozenset({"data", "x", "y", "estimator", "critic", "reader", "registry", "listener", "should_stop"})


@check("S01", "any", "what it needs is installed, and its target is what it should be", see="mistcli.plugin.Spec")
def resolves(subject: Subject) -> None:
    """The target can be imported, and is a subclass of the base of its kind."""
    target, spec = subject.target, subject.spec
    if subject.brought.kind == "commands":
        import click

        expect(isinstance(target, click.Command), f"{spec.target} to be a click.Command", repr(target))
        return
    bases = BASES[subject.brought.kind]
    found = tuple(_imported(base) for base in bases)
    fits = isinstance(target, type) and issubclass(target, found)
    expect(fits, f"{spec.target} to be a subclass of {' or '.join(bases)}", repr(target))


@check("S02", "any", "its options can be written down and read back", see="mistcli.plugin.option", needs=("S01",))
def options_round_trip(subject: Subject) -> None:
    """Through JSON, as a run folder keeps them; the constructor takes each of them by name."""
    options = subject.spec.options
    default = options()
    again = parse(options, json.loads(json.dumps(plain(default))), owner=subject.label)
    expect(again == default, f"the defaults of {options.__name__} back from JSON", repr(again))
    if subject.brought.kind == "commands":
        return
    parameters = inspect.signature(subject.target).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()) and not _of_torch(subject.target):
        return
    lacking = [name for name in plain(default) if name not in parameters]
    expect(not lacking, f"{subject.spec.target} to take its options as keyword arguments", f"no {', '.join(lacking)}")


@check("S03", "any", "its options have names of their own", see="mistcli.estimate")
def no_collision(subject: Subject) -> None:
    """`-o` reaches estimators and critics beside the flags of a run, so a name cannot mean both."""
    if subject.brought.kind not in ("estimators", "critics"):
        raise CheckSkipped("its options are given behind its name, where nothing else is")
    sections = [section for name, section in SECTIONS.items() if name != "data"]
    flags = TAKEN | {item.name for section in (*sections, GeneralConfig) for item in fields(section)}
    taken = [item.name for item in fields(subject.spec.options) if item.name in flags]
    expect(not taken, "options that are no settings of every run", f"{', '.join(taken)}; choose other names")


@check("S04", "any", "the import of its target is not noticed", see="mistcli.plugin.Spec", needs=("S01",))
def harmless_target(subject: Subject) -> None:
    """It prints nothing, and leaves seeds, dtype, threads and folder alone."""
    module = subject.spec.target.partition(":")[0]
    if module.startswith("_mist_file_"):
        raise CheckSkipped("a plugin of one file cannot be imported by name")
    imported = import_fresh([module], preload=WATCHED.get(subject.brought.kind, ()))
    expect(not imported.said, f"the import of {module} to print nothing", repr(imported.said))
    changed = ", ".join(imported.changed)
    expect(not changed, f"the import of {module} to change nothing that belongs to everybody", f"a change of {changed}")


def _of_torch(target: type) -> bool:
    """Return whether a class has the constructor of `nn.Module`, which seems to take anything, and takes nothing."""
    return str(target.__init__.__module__).startswith("torch.")  # type: ignore[misc]


def _imported(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


CHECKS = (resolves, options_round_trip, no_collision, harmless_target)
"""The checks of everything that a plugin brings."""
