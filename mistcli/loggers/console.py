"""Progress for a person who waits: a bar on a terminal, or a plain line now and then."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, Literal, TextIO

from mistcli.loggers.base import Logger
from mistcli.training.events import Evaluated, Event, RunFinished, RunStarted

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["ConsoleLogger"]


class ConsoleLogger(Logger):
    """Shows on stderr how far the training is, the held-out mutual information, and the time left.

    Arguments:
        style: "bar", "plain" (lines), or "auto": a bar if stderr is a terminal, else nothing.
        every: The seconds between two plain lines.
        stream: Where to write; stderr if None.
    """

    def __init__(
        self,
        style: Literal["auto", "bar", "plain"] = "auto",
        every: float = 5.0,
        *,
        stream: TextIO | None = None,
    ) -> None:
        self._view: _Bar | _Lines | None = None
        stream = sys.stderr if stream is None else stream
        if style == "plain":
            self._view = _Lines(stream, every)
        elif style == "bar" or stream.isatty():
            self._view = _Bar(stream)

    def emit(self, event: Event) -> None:
        """Show `event` if it says how far the run is."""
        if self._view is None:
            return
        if isinstance(event, RunStarted):
            self._view.start(event)
        elif isinstance(event, Evaluated) and "mi" in event.values:
            self._view.update(event)
        elif isinstance(event, RunFinished):
            self._view.stop()

    def close(self) -> None:
        """Take the bar away, if the run did not finish."""
        if self._view is not None:
            self._view.stop()


class _Bar:
    """A bar that vanishes when the run is over, so that the result stands alone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def start(self, event: RunStarted) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[status]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=Console(file=self._stream),
            transient=True,
            refresh_per_second=4,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        description = "training" if event.steps else "estimating"
        self._task = self._progress.add_task(description, total=event.steps or None, status="")
        self._progress.start()

    def update(self, event: Evaluated) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=event.step, status=_status(event), refresh=True)

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


class _Lines:
    """A line every few seconds, for a log file."""

    def __init__(self, stream: TextIO, every: float) -> None:
        self._stream = stream
        self._every = every
        self._steps = 0
        self._last = -math.inf

    def start(self, event: RunStarted) -> None:
        self._steps = event.steps
        steps = f", at most {event.steps} steps" if event.steps else ""
        self._write(f"{event.run}: {event.n:,} rows{steps}")

    def update(self, event: Evaluated) -> None:
        if time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            of = f" of {self._steps}" if self._steps else ""
            self._write(f"step {event.step}{of}, {_status(event)}")

    def stop(self) -> None:
        """Lines need no end."""

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


def _status(event: Evaluated) -> str:
    """Return the epoch and the mutual information that was seen.

    Example:
        >>> _status(Evaluated(10, 1.25, "valid", {"mi": 0.3}, {}))
        'epoch 1.2, held-out MI 0.300 nats'
    """
    mi = event.values.get("mi", math.nan)
    rows = "held-out" if event.split == "valid" else "training"
    return f"epoch {event.epoch:.1f}" + (f", {rows} MI {mi:.3f} nats" if math.isfinite(mi) else "")
