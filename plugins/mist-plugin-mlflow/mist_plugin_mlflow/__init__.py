"""Keep the runs of mist in MLflow: `--logger mlflow`.

Listing loggers imports this module, so it only describes; the work is done in `logger`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mistcli.plugin import LoggerSpec, hookimpl, option

__all__ = ["MIST_API", "MlflowOptions", "mist_loggers"]

MIST_API = "1.0"


@dataclass(frozen=True)
class MlflowOptions:
    """The options of `--logger mlflow:key=value`."""

    uri: str = option("", help="A store or a server; if empty, $MLFLOW_TRACKING_URI or else sqlite:///mlflow.db.")
    experiment: str = option("mist", help="The experiment that the run belongs to; made where it is not there.")
    per_fit: bool = option(True, help="Keep every fit of a run, beside their mean.")
    timeout: float = option(10.0, help="Seconds that a server may take to answer.", min=0, min_open=True, max=3600)


@hookimpl
def mist_loggers() -> Iterable[LoggerSpec]:
    """Name the one logger that this plugin brings."""
    yield LoggerSpec(
        "mlflow",
        "mist_plugin_mlflow.logger:MlflowLogger",
        "Keeps the run in an MLflow store or server.",
        options=MlflowOptions,
        requires=("mlflow",),
        sink="remote",
    )
