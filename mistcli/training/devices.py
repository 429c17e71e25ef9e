"""Which device a run computes on."""

from __future__ import annotations

import torch

from mistcli.errors import ConfigError

__all__ = ["device_of"]


def device_of(asked: str) -> torch.device:
    """Return the device that was asked for; "auto" is the CPU, which networks this small are fastest on.

    Raises:
        ConfigError: If this machine, or this build of torch, does not have it.

    Example:
        >>> device_of("auto")
        device(type='cpu')
    """
    if asked == "cuda" and not torch.cuda.is_available():
        raise ConfigError("expected a CUDA device for --device cuda; torch sees none here: use --device cpu.")
    if asked == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("expected a Metal device for --device mps; torch sees none here: use --device cpu.")
    return torch.device("cpu" if asked == "auto" else asked)
