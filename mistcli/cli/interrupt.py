"""Ctrl-C: the first asks a run to stop after its step and to keep what it has, the second ends it."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self

import click

__all__ = ["Interrupt"]


class Interrupt:
    """Within this context, SIGINT is a request; calling the object tells whether one came."""

    def __init__(self) -> None:
        self._requested = False
        self._previous: Any = None

    def __call__(self) -> bool:
        """Return whether a stop was asked for."""
        return self._requested

    def __enter__(self) -> Self:
        self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True
        click.echo("stopping after this step; Ctrl-C again to quit now", err=True)
