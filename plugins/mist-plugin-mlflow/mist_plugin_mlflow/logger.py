"""From the events of a run to a run of MLflow.

All goes through a client of our own: MLflow's fluent functions keep an active run, which may be somebody else's.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from mistcli.loggers import Logger
from mistcli.loggers.trackers import figures, measured, parameters, quiet
from mistcli.training.events import Evaluated, Event, RunFinished, RunStarted, Saved, Warned

# Importing MLflow starts its telemetry, a thread that talks to the network, unless the environment says not to.
NO_TELEMETRY: Mapping[str, str] = MappingProxyType({"MLFLOW_DISABLE_TELEMETRY": "true"})
with quiet(NO_TELEMETRY):
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

__all__ = ["MlflowLogger"]

STORE = "sqlite:///mlflow.db"
STATUS: Mapping[str, str] = MappingProxyType({"success": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"})
MAX_PARAMETERS = 100
"""The most parameters that MLflow takes at once."""

MAX_METRICS = 1000
"""The most metrics that it takes at once."""

MAX_TEXT = 5000
"""The longest text that it takes as a tag."""

ItemT = TypeVar("ItemT")


class MlflowLogger(Logger):
    """Keeps a run as a run of MLflow: parameters, losses, mutual information, result and files.

    Arguments:
        uri: A store or a server; if empty, what `MLFLOW_TRACKING_URI` says, or else `sqlite:///mlflow.db`.
        experiment: The experiment that the run belongs to.
        per_fit: Whether every fit is kept, beside the mean over fits.
        timeout: The seconds that a server may take to answer; it is asked twice.
    """

    def __init__(self, *, uri: str = "", experiment: str = "mist", per_fit: bool = True, timeout: float = 10.0) -> None:
        uri = _absolute(uri or os.environ.get("MLFLOW_TRACKING_URI") or STORE)
        self._environment = {
            **NO_TELEMETRY,
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
            "MLFLOW_HTTP_REQUEST_TIMEOUT": str(math.ceil(timeout)),
        }
        with quiet(self._environment):
            self._client = MlflowClient(tracking_uri=uri)
        self._experiment = experiment
        self._per_fit = per_fit
        self._run = ""
        self._step = 0
        self._warnings: list[str] = []

    def emit(self, event: Event) -> None:
        """Hand on what MLflow can keep of `event`."""
        with quiet(self._environment):
            if isinstance(event, RunStarted):
                self._start(event)
            elif self._run:
                self._keep(event)

    def close(self) -> None:
        """Mark the run as killed if nobody told its end."""
        if self._run:
            with quiet(self._environment):
                self._end("interrupted")

    def _keep(self, event: Event) -> None:
        match event:
            case Evaluated():
                self._step = event.step
                self._metrics(measured(event, per_fit=self._per_fit))
            case Warned():
                self._warnings.append(event.message)
                self._tag("mist.warnings", "\n".join(self._warnings))
            case Saved() if Path(event.path).is_file():
                self._client.log_artifact(self._run, event.path, "run")
            case RunFinished():
                self._finish(event)

    def _start(self, event: RunStarted) -> None:
        found = self._client.get_experiment_by_name(self._experiment)
        experiment = found.experiment_id if found else self._client.create_experiment(self._experiment)
        run = self._client.create_run(experiment, run_name=event.run, tags={"mlflow.source.name": "mist"})
        self._run, self._step = run.info.run_id, 0
        self._warnings.clear()
        given = [Param(name, str(value)) for name, value in parameters(event).items()]
        for some in _parts(given, MAX_PARAMETERS):
            self._client.log_batch(self._run, params=some)

    def _finish(self, event: RunFinished) -> None:
        self._metrics(figures(event.result))
        if event.result:
            self._client.log_dict(self._run, dict(event.result), "result.json")
        if event.error:
            self._tag("mist.error", event.error)
        self._end(event.status)

    def _metrics(self, values: Mapping[str, float]) -> None:
        now = time.time_ns() // 1_000_000
        metrics = [Metric(name, value, now, self._step) for name, value in values.items()]
        for some in _parts(metrics, MAX_METRICS):
            self._client.log_batch(self._run, metrics=some)

    def _tag(self, name: str, text: str) -> None:
        self._client.set_tag(self._run, name, text[:MAX_TEXT])

    def _end(self, status: str) -> None:
        run, self._run = self._run, ""
        self._client.set_terminated(run, STATUS[status])


def _absolute(uri: str) -> str:
    """Return the place of a store in full: MLflow keeps stores by their names, as if the directory never changed."""
    scheme, found, path = uri.partition("sqlite:///")
    return f"{found}{Path.cwd() / path}" if found and not scheme and path else uri


def _parts(items: Sequence[ItemT], size: int) -> Iterator[Sequence[ItemT]]:
    for first in range(0, len(items), size):
        yield items[first : first + size]
