"""The versions of what a number depends on."""

from __future__ import annotations

import platform

import numpy as np
import torch

from mistcli.__about__ import __version__

__all__ = ["versions"]


def versions() -> dict[str, str]:
    """Return the versions of mist and of what it computes with.

    Example:
        >>> sorted(versions())
        ['mistcli', 'numpy', 'python', 'torch']
    """
    return {
        "mistcli": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
