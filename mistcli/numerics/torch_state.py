"""The state of torch that belongs to the caller: set as a computation needs it, and put back when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

__all__ = ["at_most_threads", "own_state"]


@contextmanager
def own_state() -> Iterator[None]:
    """Compute with gradients, in float32 and on the CPU by default, and without autocast, whatever the caller has set.

    A program may call mist inside `torch.no_grad()`, `torch.inference_mode()` or `torch.autocast()`, or after
    `torch.set_default_dtype` or `torch.set_default_device`. All of these are as before at the end, also after an error.

    Example:
        >>> with torch.no_grad(), own_state():
        ...     torch.is_grad_enabled()
        True
    """
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.enable_grad())
        if torch.is_autocast_enabled("cpu"):
            stack.enter_context(torch.autocast("cpu", enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if dtype != torch.float32:
            stack.callback(torch.set_default_dtype, dtype)
            torch.set_default_dtype(torch.float32)
        yield


@contextmanager
def at_most_threads(count: int) -> Iterator[None]:
    """Compute with at most so many threads of torch, and with as many as before at the end.

    Example:
        >>> before = torch.get_num_threads()
        >>> with at_most_threads(1):
        ...     torch.get_num_threads()
        1
        >>> torch.get_num_threads() == before
        True
    """
    before = torch.get_num_threads()
    if before <= count:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
