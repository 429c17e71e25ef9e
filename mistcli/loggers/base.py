"""The one interface of all loggers."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mistcli.training.events import Event

__all__ = ["Logger"]


class Logger(ABC):
    """Receives the events of one run, in order, in the process and thread of the run.

    A logger ignores events that it does not know. What it raises is reported once, and it is switched off for
    the rest of the run. Only a logger whose spec says `sink="stderr"` writes to stderr, and none writes to stdout.
    """

    @abstractmethod
    def emit(self, event: Event) -> None:
        """Take note of `event`."""

    def close(self) -> None:  # noqa: B027 - most loggers have nothing to close
        """Release files and connections; may be called more than once."""
