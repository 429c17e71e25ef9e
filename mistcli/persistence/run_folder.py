"""The folder that keeps a run: written beside its place and moved there whole, and read with suspicion.

| file                                   | what it is                                                  |
|----------------------------------------|-------------------------------------------------------------|
| config.yaml                            | the resolved configuration, which `--config` takes          |
| history.csv, history.jsonl             | what was measured, and everything that happened             |
| pointwise.csv                          | the log ratio of each row that was used                     |
| estimator.json, estimator.safetensors  | the estimator, if it keeps anything, for `mist evaluate`    |
| result.json                            | the result, in the schema `mist.estimate/2`                 |
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from mistcli.errors import ConfigError, DataError
from mistcli.loggers.base import Logger
from mistcli.loggers.csv import CsvLogger
from mistcli.loggers.jsonl import JsonlLogger
from mistcli.text import printable
from mistcli.text.json import to_json
from mistcli.training.events import Event, Saved

if TYPE_CHECKING:
    from torch import Tensor

    from mistcli.result import Estimate, Units

__all__ = ["Kept", "Run", "RunFolder", "read_run"]

CONFIG = "config.yaml"
FACTS = "estimator.json"
POINTWISE = "pointwise.csv"
RESULT = "result.json"
WEIGHTS = "estimator.safetensors"
ROLES: Mapping[str, str] = MappingProxyType(
    {
        CONFIG: "config",
        "history.csv": "history",
        "history.jsonl": "history",
        POINTWISE: "pointwise",
        FACTS: "weights",
        WEIGHTS: "weights",
        RESULT: "result",
    }
)
"""What each file of a run is, as `Saved` says it."""

MAX_JSON = 64 * 2**20
MAX_WEIGHTS = 4 * 2**30


@dataclass(frozen=True)
class Kept:
    """What an estimator needs to be applied again.

    Arguments:
        tensors: Its weights and buffers, by name.
        facts: All else, as JSON knows it.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """A run that was read from its folder.

    Arguments:
        path: The folder.
        config: The configuration, nested as in a configuration file.
        result: The result, in the schema `mist.estimate/2`.
        kept: The estimator; None where it kept nothing.
    """

    path: Path
    config: Mapping[str, Any]
    result: Mapping[str, Any]
    kept: Kept | None


class RunFolder(Logger):
    """The folder of a run that goes on; it logs the history, and goes when the context ends without `keep`.

    Arguments:
        path: Where the folder will be.
        force: Whether to replace a run that is there.

    Raises:
        ConfigError: If the folder is there already, or cannot be made.
    """

    def __init__(self, path: Path, *, force: bool = False) -> None:
        self._path = path.resolve()
        self._shown = _named(path)
        self._check_place(force=force)
        self._partial = self._beside("partial")
        try:
            self._partial.mkdir()
        except OSError as error:
            raise ConfigError(f"cannot make the folder '{self._shown}': {error.strerror}.") from error
        self._history: list[Logger] = [
            CsvLogger(self._partial / "history.csv"),
            JsonlLogger(self._partial / "history.jsonl"),
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        shutil.rmtree(self._partial, ignore_errors=True)

    def emit(self, event: Event) -> None:
        """Add `event` to the history, unless it is closed."""
        for logger in self._history:
            logger.emit(event)

    def close(self) -> None:
        """Close the history."""
        while self._history:
            self._history.pop().close()

    def keep(self, config: dict[str, Any], estimate: Estimate, kept: Kept | None, units: Units = "nats") -> list[Saved]:
        """Close the history, write the other files, put the folder in its place, and return what is in it."""
        from mistcli.config.yaml import dump_yaml

        self.close()
        try:
            (self._partial / CONFIG).write_text(dump_yaml(config), encoding="utf-8")
            _write_pointwise(self._partial / POINTWISE, estimate)
            if kept is not None:
                _write_kept(self._partial, kept)
            _write_json(self._partial / RESULT, estimate.to_dict(units))
            self._move()
        except OSError as error:
            raise DataError(f"cannot keep the run in '{self._shown}': {error.strerror}.") from error
        files = {name: self._path / name for name in ROLES}
        return [Saved(str(path), ROLES[name]) for name, path in files.items() if path.is_file()]

    def _check_place(self, *, force: bool) -> None:
        if not self._path.parent.is_dir():
            raise ConfigError(f"there is no folder '{_named(self._path.parent)}' to make the run in.")
        if not self._path.exists():
            return
        if not self._path.is_dir():
            raise ConfigError(f"'{self._shown}' is a file; name a folder to keep the run in.")
        if not force:
            raise ConfigError(f"'{self._shown}' exists; name another folder, or replace it with --force.")
        if any(self._path.iterdir()) and not (self._path / RESULT).is_file():
            raise ConfigError(f"'{self._shown}' is not a run that mist kept (it has no {RESULT}); remove it yourself.")
        foreign = sorted(path.name for path in self._path.iterdir() if path.name not in ROLES)
        if foreign:
            raise ConfigError(
                f"'{self._shown}' holds files that are not of a run, such as '{printable(foreign[0])}', and --force "
                "would delete them; move them away, or name another folder."
            )

    def _beside(self, role: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{role}-{secrets.token_hex(4)}")

    def _move(self) -> None:
        """Put the folder in its place; one that is there goes only when the new one stands."""
        if not self._path.exists():
            self._partial.rename(self._path)
            return
        aside = self._beside("replaced")
        self._path.rename(aside)
        try:
            self._partial.rename(self._path)
        except OSError:
            aside.rename(self._path)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def read_run(folder: Path) -> Run:
    """Read the run that was kept in `folder`.

    Raises:
        DataError: If there is no run, or one of its files is damaged.
        ConfigError: If its configuration is damaged.
    """
    from mistcli.config.yaml import read_yaml

    if not (folder / RESULT).is_file():
        shown = _named(folder)
        raise DataError(f"'{shown}' is not the folder of a run: it has no {RESULT}; make one with --out.")
    kept = None
    if (folder / FACTS).is_file():
        kept = Kept(_read_weights(folder / WEIGHTS), _read_json(folder / FACTS))
    return Run(folder, read_yaml(folder / CONFIG), _read_json(folder / RESULT), kept)


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(to_json(value, indent=2) + "\n", encoding="utf-8")


def _write_pointwise(path: Path, estimate: Estimate) -> None:
    if estimate.pointwise is None:
        return
    import numpy as np
    import pandas as pd

    rows = np.arange(len(estimate.pointwise)) if estimate.rows is None else estimate.rows
    pd.DataFrame({"row": rows, "log_ratio": estimate.pointwise}).to_csv(path, index=False)


def _write_kept(folder: Path, kept: Kept) -> None:
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in kept.tensors.items()}
    (folder / WEIGHTS).write_bytes(save(tensors))
    _write_json(folder / FACTS, kept.facts)


def _read_weights(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.stat().st_size > MAX_WEIGHTS:
            raise _damaged(path, f"it is larger than {MAX_WEIGHTS} bytes")
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise _damaged(path, str(error)) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_JSON + 1)
        value = json.loads(content) if len(content) <= MAX_JSON else None
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(value, dict):
        raise _damaged(path, f"it is larger than {MAX_JSON} bytes or not a JSON object")
    return value


def _named(path: Path) -> str:
    return printable(str(path), limit=1000)


def _damaged(path: Path, problem: str) -> DataError:
    return DataError(f"'{_named(path)}' is damaged ({printable(problem, 200)}); keep the run again with --out.")
