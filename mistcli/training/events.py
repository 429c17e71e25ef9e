"""What happens in a run, as plain data that loggers receive.

A run is `RunStarted`, then any number of `Evaluated`, `Warned` and `Saved`, then exactly one `RunFinished`. Values are
plain numbers and strings, never tensors. More kinds may come with a later version of mist: a logger ignores what it
does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

__all__ = [
    "COLUMNS",
    "Evaluated",
    "Event",
    "Listener",
    "RunFinished",
    "RunStarted",
    "Saved",
    "Warned",
    "part",
    "rows",
]

COLUMNS = ("name", "split", "fit", "epoch", "iteration", "value")
"""The columns of a history, in order."""


@dataclass(frozen=True)
class Event:
    """The base of all events; `kind` is its name in logs."""

    kind: ClassVar[str] = "event"


@dataclass(frozen=True)
class RunStarted(Event):
    """A run begins.

    Arguments:
        run: A short name for the run, unique enough to tell runs in a list apart.
        parameters: The resolved configuration, nested, of plain values.
        steps: The largest number of training steps; 0 where nothing is trained.
        n: The number of rows used.
    """

    kind: ClassVar[str] = "run_started"
    run: str
    parameters: Mapping[str, Any]
    steps: int
    n: int


@dataclass(frozen=True)
class Evaluated(Event):
    """The fits were evaluated, together, after a training step.

    Arguments:
        step: Training steps done, from 0.
        epoch: Passes over the training rows done; a fraction between two passes.
        split: Which rows: "train" or "valid".
        values: The mean over the fits of each measured quantity: "loss", and "mi" in nats.
        per_fit: The same for each fit, in order.
    """

    kind: ClassVar[str] = "evaluated"
    step: int
    epoch: float
    split: Literal["train", "valid"]
    values: Mapping[str, float]
    per_fit: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Warned(Event):
    """Something that the user should know, in words."""

    kind: ClassVar[str] = "warned"
    message: str


@dataclass(frozen=True)
class Saved(Event):
    """A file of the run was written.

    Arguments:
        path: Where it is.
        role: What it is: "config", "history", "pointwise", "weights" or "result".
    """

    kind: ClassVar[str] = "saved"
    path: str
    role: str


@dataclass(frozen=True)
class RunFinished(Event):
    """The run ended.

    Arguments:
        status: "success", "interrupted" (with a partial result), or "failed".
        result: The result as `Estimate.to_dict` gives it; empty where there is none.
        error: The error in words, where it failed.
    """

    kind: ClassVar[str] = "run_finished"
    status: Literal["success", "interrupted", "failed"]
    result: Mapping[str, Any]
    error: str = ""


class Listener:
    """Whoever is told of events; a logger, in most cases."""

    def emit(self, event: Event) -> None:
        """Take note of `event`."""


class Relay(Listener):
    """Passes events on, and tells the end of a run that was begun, whichever way it comes.

    Arguments:
        listener: Whoever they are passed on to.

    Example:
        >>> with Relay(Listener()) as relay:
        ...     relay.emit(RunStarted("js", {}, steps=0, n=10))
        ...     relay.finish(complete=True, result={"mi": 0.5})
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._running = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._running:
            stopped = isinstance(error, KeyboardInterrupt)
            self.emit(RunFinished("interrupted" if stopped else "failed", {}, str(error)))

    def emit(self, event: Event) -> None:
        """Pass `event` on."""
        self._running = isinstance(event, RunStarted) or (self._running and not isinstance(event, RunFinished))
        self._listener.emit(event)

    def finish(self, *, complete: bool, result: Mapping[str, Any]) -> None:
        """Tell that the run ended with a result."""
        self.emit(RunFinished("success" if complete else "interrupted", result))


def part(event: Evaluated, fits: slice) -> Evaluated:
    """Return what `event` says of some of the fits.

    Example:
        >>> part(Evaluated(10, 0.5, "valid", {"mi": 0.3}, {"mi": (0.2, 0.3, 0.4)}), slice(1, 3)).per_fit
        {'mi': (0.3, 0.4)}
    """
    per_fit = {name: values[fits] for name, values in event.per_fit.items()}
    return replace(event, values={name: sum(v) / len(v) for name, v in per_fit.items()}, per_fit=per_fit)


def rows(event: Evaluated) -> Iterator[dict[str, Any]]:
    """Yield the values of `event` as rows of a history: one mapping a quantity and fit.

    Example:
        >>> event = Evaluated(10, 0.5, "valid", {"mi": 0.3}, {"mi": (0.2, 0.4)})
        >>> [(row["name"], row["fit"], row["iteration"], row["value"]) for row in rows(event)]
        [('mi', 0, 10, 0.2), ('mi', 1, 10, 0.4)]
    """
    for name, values in event.per_fit.items():
        for fit, value in enumerate(values):
            yield {
                "name": name,
                "split": event.split,
                "fit": fit,
                "epoch": event.epoch,
                "iteration": event.step,
                "value": value,
            }
