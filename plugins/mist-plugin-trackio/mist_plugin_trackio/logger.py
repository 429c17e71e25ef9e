"""From the events of a run to a run of Trackio, in its database on this machine.

`trackio.init` would end a run of somebody else's, and stay behind until the program exits; a `Run` of our
own does neither.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from mistcli.loggers import Logger
from mistcli.loggers.trackers import figures, measured, parameters, quiet
from mistcli.training.events import Evaluated, Event, RunFinished, RunStarted, Saved, Warned

_state = random.getstate()
from trackio import Artifact, Run  # noqa: E402

random.setstate(_state)  # Trackio draws from everybody's generator when it is imported

__all__ = ["TrackioLogger"]


class _LocalRun(Run):  # type: ignore[misc]  # Trackio has no types
    """A run that asks nobody for the name of the user, and keeps its failures instead of warning of them."""

    def __init__(self, **given: Any) -> None:
        self.failures: list[str] = []
        super().__init__(url=None, client=None, **given)

    def _get_username(self) -> None:
        """Return None: Trackio would ask the network."""

    def _warn_once(self, key: str, message: str) -> None:
        self.failures.append(message)


class TrackioLogger(Logger):
    """Keeps a run as a run of Trackio: parameters, losses, mutual information, result and files.

    Arguments:
        project: The project that the run belongs to.
        per_fit: Whether every fit is kept, beside the mean over fits.
    """

    def __init__(self, *, project: str = "mist", per_fit: bool = True) -> None:
        self._project = project
        self._per_fit = per_fit
        self._run: _LocalRun | None = None
        self._artifact: Artifact | None = None
        self._step = 0

    def emit(self, event: Event) -> None:
        """Hand on what Trackio can keep of `event`."""
        with quiet({}):
            if isinstance(event, RunStarted):
                self._start(event)
            elif self._run is not None:
                self._keep(self._run, event)

    def close(self) -> None:
        """End the run if nobody told its end."""
        with quiet({}):
            self._end()

    def _start(self, event: RunStarted) -> None:
        self._end()
        self._step = 0
        self._artifact = None
        self._run = _LocalRun(project=self._project, name=event.run, config=parameters(event), existing_runs=[])

    def _keep(self, run: _LocalRun, event: Event) -> None:
        match event:
            case Evaluated():
                self._step = event.step
                run.log(measured(event, per_fit=self._per_fit), step=event.step)
            case Warned():
                run.log({"warning": event.message}, step=self._step)
            case Saved() if Path(event.path).is_file():
                self._artifact = self._artifact or Artifact(name=run.name, type="run")
                self._artifact.add_file(event.path)
            case RunFinished():
                if self._artifact is not None:
                    run.log_artifact(self._artifact)
                error = {"error": event.error} if event.error else {}
                run.log({"status": event.status, **figures(event.result), **error}, step=self._step)
                self._end()
        if run.failures:
            raise RuntimeError(run.failures[0])

    def _end(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.finish()
