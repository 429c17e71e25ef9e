"""The conformance kit: what must hold of a plugin, as one list of checks behind three doors.

`mist plugin check NAME` runs them from a terminal; a class that derives from `EstimatorConformance` (or from that of
another kind) and the decorator `parametrize_with_checks` run them with pytest, which only these two import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mistcli.testing.check import Check, CheckFailed, CheckSkipped, Outcome, Subject, subject
    from mistcli.testing.listing import all_checks, checks_for
    from mistcli.testing.pytest import (
        CommandConformance,
        CriticConformance,
        EstimatorConformance,
        ExecutorConformance,
        LoggerConformance,
        ReaderConformance,
        parametrize_with_checks,
    )

__all__ = [
    "Check",
    "CheckFailed",
    "CheckSkipped",
    "CommandConformance",
    "CriticConformance",
    "EstimatorConformance",
    "ExecutorConformance",
    "LoggerConformance",
    "Outcome",
    "ReaderConformance",
    "Subject",
    "all_checks",
    "checks_for",
    "parametrize_with_checks",
    "subject",
]

_HOME = {
    **dict.fromkeys(("Check", "CheckFailed", "CheckSkipped", "Outcome", "Subject", "subject"), "check"),
    **dict.fromkeys(("all_checks", "checks_for"), "listing"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME.get(name, 'pytest')}"), name)
