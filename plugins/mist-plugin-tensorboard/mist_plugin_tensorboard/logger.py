"""From the events of a run to an event file of TensorBoard.

The file is written record by record with TensorBoard's own `RecordWriter`. Its `EventFileWriter` would import
TensorFlow where that is installed, and start a thread.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from mistcli.loggers import Logger
from mistcli.loggers.trackers import figures, flat, measured
from mistcli.training.events import Evaluated, Event, RunFinished, RunStarted, Warned

__all__ = ["TensorBoardLogger"]

STATUS = {
    "success": api_pb2.STATUS_SUCCESS,
    "interrupted": api_pb2.STATUS_UNKNOWN,
    "failed": api_pb2.STATUS_FAILURE,
}


class TensorBoardLogger(Logger):
    """Writes an event file for TensorBoard, in a directory for each run.

    Arguments:
        dir: The directory of all runs.
        per_fit: Whether every fit is charted, beside the mean over fits.
    """

    def __init__(self, *, dir: str = "runs", per_fit: bool = True) -> None:
        self.dir = Path(dir)
        self.per_fit = per_fit
        self._file: BinaryIO | None = None
        self._step = 0

    def emit(self, event: Event) -> None:
        """Write what TensorBoard can show of `event`."""
        match event:
            case RunStarted():
                self._start(event)
            case Evaluated():
                self._evaluated(event)
            case Warned():
                self._write(text_pb("warnings", event.message))
            case RunFinished():
                self._finish(event)

    def close(self) -> None:
        """Close the event file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _start(self, event: RunStarted) -> None:
        self.close()
        folder = self.dir / _file_name(event.run)
        folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard knows an event file by "tfevents" in its name, and reads several in order of name.
        self._file = (folder / f"events.out.tfevents.{time.time_ns()}.{os.getpid()}").open("xb")
        self._step = 0
        self._record(event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2"))
        parameters = dict(flat(event.parameters))
        self._write(hparams_pb(parameters, trial_id=event.run))
        self._write(text_pb("parameters", _as_code(event.parameters)))

    def _evaluated(self, event: Evaluated) -> None:
        self._step = event.step
        for name, value in measured(event, per_fit=self.per_fit).items():
            self._write(scalar_pb(name, value))

    def _finish(self, event: RunFinished) -> None:
        for name, value in figures(event.result).items():
            self._write(scalar_pb(name, value))
        if event.error:
            self._write(text_pb("error", event.error))
        self._write(_session_end(event.status))

    def _write(self, summary: summary_pb2.Summary) -> None:
        self._record(event_pb2.Event(wall_time=time.time(), step=self._step, summary=summary))

    def _record(self, record: event_pb2.Event) -> None:
        if self._file is not None:
            RecordWriter(self._file).write(record.SerializeToString())
            self._file.flush()


def _file_name(run: str) -> str:
    """Make a name of one directory out of the name of a run."""
    return re.sub(r"[^\w.-]+", "-", run).strip(".-") or "run"


def _as_code(parameters: Mapping[str, Any]) -> str:
    """Show parameters as an indented block, which TensorBoard's Markdown leaves as it is."""
    lines = json.dumps(parameters, indent=2, default=str).splitlines()
    return "\n".join("    " + line for line in lines)


def _session_end(status: str) -> summary_pb2.Summary:
    """Tell the HParams page how the run ended."""
    info = plugin_data_pb2.SessionEndInfo(status=STATUS.get(status, api_pb2.STATUS_UNKNOWN), end_time_secs=time.time())
    data = plugin_data_pb2.HParamsPluginData(session_end_info=info)
    summary = summary_pb2.Summary()
    summary.value.add(
        tag=hparams_metadata.SESSION_END_INFO_TAG,
        metadata=hparams_metadata.create_summary_metadata(data),
        tensor=hparams_metadata.NULL_TENSOR,
    )
    return summary
