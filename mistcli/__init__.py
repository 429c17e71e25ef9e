"""How much information do these columns share, and how sure are we?

The public interface is `estimate`, which returns an `Estimate`. Everything is imported on first use, so that
`import mistcli` costs nothing, and above all does not import torch.
"""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mistcli.version import __version__

if TYPE_CHECKING:
    from mistcli.api import estimate
    from mistcli.errors import MistError
    from mistcli.plugin import hookimpl
    from mistcli.result import Estimate, Interval

__all__ = ["Estimate", "Interval", "MistError", "__version__", "estimate", "hookimpl"]

_HOME = MappingProxyType(
    {
        "Estimate": "mistcli.result",
        "Interval": "mistcli.result",
        "MistError": "mistcli.errors",
        "estimate": "mistcli.api",
        "hookimpl": "mistcli.plugin",
    }
)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
