"""From the events of a run to a run of Weights & Biases.

wandb keeps its runs in a service, a process of its own. It replaces `sys.exit` and `sys.excepthook` when it starts one;
they are put back, and the service is ended, when the logger is closed.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import wandb

from mistcli.loggers import Logger
from mistcli.loggers.trackers import figures, measured, parameters, quiet
from mistcli.text.json import to_json
from mistcli.training.events import Evaluated, Event, RunFinished, RunStarted, Saved, Warned

__all__ = ["WandbLogger"]

# Without this, wandb reports on itself to its makers, offline too.
ENVIRONMENT: Mapping[str, str] = MappingProxyType({"WANDB_ERROR_REPORTING": "false"})
SERVICE = "WANDB_SERVICE"
"""The variable in which wandb names the service that is running."""


class WandbLogger(Logger):
    """Keeps a run as a run of Weights & Biases: parameters, losses, mutual information, result and files.

    Arguments:
        project: The project that the run belongs to.
        entity: The user or team that the project belongs to; wandb's default if empty.
        mode: "offline" or "online".
        dir: The directory in which the folder `wandb` is made.
        per_fit: Whether every fit is kept, beside the mean over fits.
        timeout: The seconds to wait for the server when the run begins.
    """

    def __init__(
        self,
        *,
        project: str = "mist",
        entity: str = "",
        mode: Literal["offline", "online"] = "offline",
        dir: str = ".",
        per_fit: bool = True,
        timeout: float = 30.0,
    ) -> None:
        self._place: dict[str, Any] = {"project": project, "entity": entity or None, "mode": mode, "dir": dir}
        self._per_fit = per_fit
        self._timeout = timeout
        self._run: wandb.Run | None = None
        self._replaced: tuple[Any, Any] | None = None
        self._warnings: list[str] = []

    def emit(self, event: Event) -> None:
        """Hand on what wandb can keep of `event`."""
        with quiet(ENVIRONMENT):
            if isinstance(event, RunStarted):
                self._start(event)
            elif self._run is not None:
                self._keep(self._run, event)

    def close(self) -> None:
        """End the run if nobody told its end, and the service if this logger started it."""
        with quiet(ENVIRONMENT):
            try:
                self._end(exit_code=1)
            finally:
                self._end_service()

    def _keep(self, run: wandb.Run, event: Event) -> None:
        match event:
            case Evaluated():
                run.log({"step": event.step, **measured(event, per_fit=self._per_fit)})
            case Warned():
                self._warnings.append(event.message)
                run.summary["warnings"] = list(self._warnings)
            case Saved() if Path(event.path).is_file():
                self._save(run, Path(event.path))
            case RunFinished():
                self._finish(run, event)

    def _start(self, event: RunStarted) -> None:
        self._end(exit_code=1)
        self._warnings.clear()
        # Where it cannot write, wandb would silently take a temporary directory.
        Path(self._place["dir"], "wandb").mkdir(parents=True, exist_ok=True)
        if SERVICE not in os.environ:
            self._replaced = sys.exit, sys.excepthook
        settings = wandb.Settings(
            console="off",
            silent=True,
            disable_code=True,
            disable_git=True,
            init_timeout=self._timeout,
            x_disable_machine_info=True,
            x_disable_meta=True,
            x_disable_stats=True,
        )
        self._run = wandb.init(
            name=event.run, config=parameters(event), reinit="create_new", settings=settings, **self._place
        )
        # wandb's own steps may not go back; those of several trainings do.
        self._run.define_metric("*", step_metric="step")

    def _save(self, run: wandb.Run, path: Path) -> None:
        """Copy a file into the folder of the run; wandb itself would only link to it."""
        kept = Path(run.dir) / "run" / path.name
        kept.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, kept)
        run.save(kept, base_path=run.dir, policy="now")

    def _finish(self, run: wandb.Run, event: RunFinished) -> None:
        run.summary.update({"status": event.status, **figures(event.result)})
        if event.error:
            run.summary["error"] = event.error
        if event.result:
            result = Path(run.dir, "result.json")
            result.write_text(to_json(event.result, indent=2) + "\n", encoding="utf-8")
            run.save(result, base_path=run.dir, policy="now")
        self._end(exit_code=0 if event.status == "success" else 1)

    def _end(self, *, exit_code: int) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.finish(exit_code=exit_code)

    def _end_service(self) -> None:
        replaced, self._replaced = self._replaced, None
        if replaced is not None:
            try:
                wandb.teardown()
            finally:
                os.environ.pop(SERVICE, None)
                sys.exit, sys.excepthook = replaced
