"""The checks of loggers: they take every event of today and of tomorrow, and write only where they say."""

from __future__ import annotations

import contextlib
import copy
import io
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mistcli.loggers import Logger
from mistcli.testing.check import CheckSkipped, Subject, check, expect
from mistcli.training.events import Evaluated, Event, Listener, RunFinished, RunStarted, Saved, Warned

__all__ = ["CHECKS", "events"]

BASE = "mistcli.loggers.Logger"


@dataclass(frozen=True)
class FromTheFuture(Event):
    """A kind of event that no logger can know."""

    kind: ClassVar[str] = "from_the_future"
    payload: tuple[int, ...] = (1, 2)


def events(run: str = "js-1") -> list[Event]:
    """Return a run: every kind of event, in the order of a run."""
    parameters = {
        "seed": 0,
        "critic": None,
        "estimator": {"name": "js", "options": {"neg_samples": 16, "hidden_dims": (32, 32), "clip": True}},
    }
    result = {"mi": 0.82, "stderr": 0.01, "interval": {"level": 0.95, "low": 0.8, "high": 0.84}, "warnings": []}
    return [
        RunStarted(run, parameters, 100, 1000),
        Evaluated(0, 0.0, "valid", {"loss": 1.4, "mi": 0.0}, {"loss": (1.3, 1.5), "mi": (0.0, 0.0)}),
        Evaluated(50, 1.5, "train", {"loss": 1.1}, {"loss": (1.0, 1.2)}),
        Evaluated(50, 1.5, "valid", {"loss": 1.0, "mi": 0.7}, {"loss": (0.9, 1.1), "mi": (0.6, 0.8)}),
        Warned("Too <b>few</b> rows, [red]maybe[/red]."),
        Saved("out/result.json", "result"),
        RunFinished("success", result),
    ]


@contextlib.contextmanager
def _opened(subject: Subject) -> Iterator[Logger]:
    """Yield a logger that writes into a folder that is thrown away."""
    if subject.spec.sink == "remote" and not subject.options:
        raise CheckSkipped("it writes to another machine: give a LoggerConformance options with which it does not")
    keywords = subject.keywords()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        inner = Path(folder) / "here"
        inner.mkdir()
        with contextlib.chdir(inner), contextlib.redirect_stderr(io.StringIO()):
            logger = subject.target(**keywords)
            try:
                yield logger
            finally:
                logger.close()


@check("L01", "loggers", "it takes every event of a run", see="mistcli.training.events", needs=("S02",))
def every_event(subject: Subject) -> None:
    """In order, to a good end."""
    with _opened(subject) as logger:
        for event in events():
            logger.emit(event)


@check("L02", "loggers", "it ignores events that it does not know", see=BASE, needs=("L01",))
def future(subject: Subject) -> None:
    """More kinds may come with a later version of mist."""
    with _opened(subject) as logger:
        for event in events():
            logger.emit(event)
            logger.emit(FromTheFuture())


@check("L03", "loggers", "it may be closed twice", see=BASE, needs=("L01",))
def close_twice(subject: Subject) -> None:
    """After a run, before one, and in the middle of one."""
    for until in (len(events()), 0, 2):
        with _opened(subject) as logger:
            for event in events()[:until]:
                logger.emit(event)
            logger.close()
            logger.close()


@check("L04", "loggers", "it takes a run that ends badly", see="mistcli.training.events", needs=("L01",))
def bad_ends(subject: Subject) -> None:
    """Interrupted, with a partial result; failed, with none."""
    for end in (RunFinished("interrupted", {"mi": 0.5, "complete": False}), RunFinished("failed", {}, "It diverged.")):
        with _opened(subject) as logger:
            for event in (*events()[:3], end):
                logger.emit(event)


@check("L05", "loggers", "it takes a real run", see="mistcli.training.events", needs=("L01",))
def real_run(subject: Subject) -> None:
    """With the configuration and the result as they are, of an estimator that trains and of one that does not."""
    from mistcli.api import estimate
    from mistcli.testing.problems import normal

    pairs = normal(200, 0.5)
    for estimator, options in (("js", {"max_steps": 10, "folds": 2}), ("gaussian", {})):
        with _opened(subject) as logger:
            listener = _Listening(logger)
            given: dict[str, Any] = dict(options)
            estimate((pairs.x, pairs.y), estimator=estimator, registry=subject.registry, listener=listener, **given)


@check("L06", "loggers", "it prints nothing, but on stderr if it says so", see=BASE, needs=("S02", "L03"))
def quiet(subject: Subject) -> None:
    """Stdout is for the result alone."""
    out, err = io.StringIO(), io.StringIO()
    with _opened(subject) as logger, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        for event in events():
            with contextlib.suppress(Exception):
                logger.emit(event)
        with contextlib.suppress(Exception):
            logger.close()
    expect(not out.getvalue(), "nothing on stdout", repr(out.getvalue()[:200]))
    wanted = f"nothing on stderr, for its spec says sink={subject.spec.sink!r}"
    expect(subject.spec.sink == "stderr" or not err.getvalue(), wanted, repr(err.getvalue()[:200]))


@check("L07", "loggers", "it takes odd values, and stays in its folder", see=BASE, needs=("L03",))
def odd_values(subject: Subject) -> None:
    """NaN, infinities, nothing at all, and names that look like paths."""
    odd = (
        RunStarted("../../\u00e9/..", {}, 0, 10),
        Evaluated(0, 0.0, "valid", {"loss": math.nan, "mi": math.inf}, {"loss": (math.nan,), "mi": (-math.inf,)}),
        Evaluated(1, 0.5, "valid", {}, {}),
        Warned("\x1b[31mline\nbreak"),
        RunFinished("success", {"mi": None, "interval": None}),
    )
    with _opened(subject) as logger:
        outside = Path.cwd().parent
        for event in odd:
            logger.emit(event)
        logger.close()
        strays = [path.name for path in outside.iterdir() if path.name != "here"]
    expect(not strays, "files in the working folder alone, whatever a run is called", ", ".join(strays))


@check("L08", "loggers", "it leaves events as they are", see="mistcli.training.events", needs=("L01",))
def untouched(subject: Subject) -> None:
    """Others are told of them too."""
    run = events()
    before = copy.deepcopy(run)
    with _opened(subject) as logger:
        for event in run:
            logger.emit(event)
    expect(run == before, "events as they were before", "other values in them")


class _Listening(Listener):
    """Tells a logger what happens."""

    def __init__(self, logger: Logger) -> None:
        self.logger = logger

    def emit(self, event: Event) -> None:
        """Pass the event on."""
        self.logger.emit(event)


CHECKS = (every_event, future, close_twice, bad_ends, real_run, quiet, odd_values, untouched)
"""The checks of loggers."""
