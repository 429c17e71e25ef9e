"""All that the author of a plugin imports to describe it: the hook marker, the specs, and `option`.

A spec is plain data. It names what a plugin brings, says in one line what it is, declares facts about it, and
points with `target` at the object that does the work, which is imported when it is used and not before. That
is why this module needs nothing but the standard library and pluggy, and why a plugin's own hook module should
import nothing more than this one.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import pluggy

__all__ = [
    "API_VERSION",
    "Bound",
    "CommandSpec",
    "CriticSpec",
    "EstimatorSpec",
    "ExecutorSpec",
    "LoggerSpec",
    "NoOptions",
    "OptionInfo",
    "ReaderSpec",
    "Spec",
    "hookimpl",
    "option",
]

API_VERSION = "1.0"
"""What a plugin names in `MIST_API`: another major number is refused, a larger minor number too."""

hookimpl = pluggy.HookimplMarker("mist")
"""Marks a function of a plugin module as the implementation of a hook in `mistcli.plugin.hookspecs`."""

Bound: TypeAlias = Literal["lower", "upper", "none"]
Kind: TypeAlias = Literal["continuous", "discrete", "any"]
Transform: TypeAlias = Literal["none", "standard", "asinh", "smooth", "normal"]


@dataclass(frozen=True)
class OptionInfo:
    """What `option` says of a field, beside its type and default."""

    help: str
    min: float | None = None
    max: float | None = None
    min_open: bool = False
    max_open: bool = False
    choices: tuple[Any, ...] = ()


def option(
    default: Any,
    *,
    help: str,
    min: float | None = None,
    max: float | None = None,
    min_open: bool = False,
    max_open: bool = False,
    choices: tuple[Any, ...] = (),
) -> Any:
    """Declare one option as a field of a frozen dataclass.

    The field's annotation is its type: `bool`, `int`, `float`, `str`, `tuple[int, ...]`, `tuple[float, ...]`,
    `tuple[str, ...]`, or one of these `| None`. `min` and `max` are inclusive unless they are declared open.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class FooOptions:
        ...     clip: float = option(5.0, help="Clip scores at this value.", min=0, min_open=True)
        >>> FooOptions().clip
        5.0
    """
    info = OptionInfo(help, min, max, min_open, max_open, tuple(choices))
    return dataclasses.field(default=default, metadata={"mist": info})


@dataclass(frozen=True)
class NoOptions:
    """The options of what has none."""


@dataclass(frozen=True)
class Spec:
    """What every plugin object declares.

    Arguments:
        name: The word a user types, `^[a-z][a-z0-9_-]*$`; unique within a plugin.
        target: `"package.module:Object"`, imported on use.
        summary: One line for lists and help.
        options: A frozen dataclass whose fields are made by `option`, passed to the target as keyword arguments.
        requires: Importable names that the target needs; looked for without importing them.
        reference: Title (authors, year), link.
    """

    name: str
    target: str
    summary: str
    _: dataclasses.KW_ONLY
    options: type = NoOptions
    requires: tuple[str, ...] = ()
    reference: str = ""


@dataclass(frozen=True)
class EstimatorSpec(Spec):
    """An estimator of mutual information; its target is a subclass of `mistcli.estimators.Estimator`.

    Arguments:
        family: How it works: "discriminative", "generative", "neighbours", "parametric", "quantised", ...
        bound: Whether its expectation is a "lower" or "upper" bound of the mutual information, or "none".
        x: The kind of columns that it takes as x: "continuous", "discrete" or "any".
        y: The same for y.
        multivariate: Whether x and y may have several columns.
        symmetric: Whether swapping x and y leaves the estimate as it is, up to rounding.
        needs_critic: Whether it takes a critic as its first argument.
        critic: The critic it is given when none is named.
        trained: Whether it is trained, so that the flags of training matter to it.
        transform: How continuous columns are prepared for it: "none", "standard", "asinh", "smooth" or "normal".
        min_samples: The smallest number of rows it takes.
        tolerance: The error, in nats, that its author allows on the reference Gaussians of the conformance kit.
    """

    family: str = "other"
    bound: Bound = "none"
    x: Kind = "continuous"
    y: Kind = "continuous"
    multivariate: bool = True
    symmetric: bool = False
    needs_critic: bool = False
    critic: str = "joint"
    trained: bool = False
    transform: Transform = "standard"
    min_samples: int = 10
    tolerance: float = 0.1


@dataclass(frozen=True)
class CriticSpec(Spec):
    """A critic f(x, y); its target is a subclass of `mistcli.critics.Critic`.

    Arguments:
        kind: "joint" if x and y meet in one network, "separable" if each has its own.
    """

    kind: Literal["joint", "separable"] = "joint"


@dataclass(frozen=True)
class ReaderSpec(Spec):
    """A reader of files; its target is a subclass of `mistcli.readers.Reader`.

    Arguments:
        patterns: The file names it reads, as globs that are matched without regard to case.
        magic: The bytes with which its files begin, for a file whose name says nothing.
    """

    patterns: tuple[str, ...] = ()
    magic: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class LoggerSpec(Spec):
    """A logger of runs; its target is a subclass of `mistcli.loggers.Logger`.

    Arguments:
        sink: Where it writes: "stderr", "file" or "remote".
    """

    sink: Literal["stderr", "file", "remote"] = "file"


@dataclass(frozen=True)
class ExecutorSpec(Spec):
    """An executor, which runs many independent fits; its target is a subclass of `mistcli.executors.Executor`.

    Arguments:
        remote: Whether it leaves this machine.
    """

    remote: bool = False


@dataclass(frozen=True)
class CommandSpec(Spec):
    """A command `mist NAME`; its target is a `click.Command`."""
