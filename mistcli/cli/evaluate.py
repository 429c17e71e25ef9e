"""`mist evaluate`: a kept estimator, applied to other data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mistcli.cli.group import Session
from mistcli.cli.result import report
from mistcli.cli.types import ReaderType
from mistcli.config.schema import InferenceConfig
from mistcli.plugin.options import parse
from mistcli.readers.source import open_source

if TYPE_CHECKING:
    from mistcli.result import Units

__all__ = ["evaluate"]


@click.command(short_help="Apply a kept estimator to other data.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("data", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--reader", type=ReaderType(), default="", help="The reader, where the file does not say.")
@click.option("--level", default="0.95", show_default=True, metavar="FLOAT", help="The level of the interval.")
@click.option("--units", type=click.Choice(["nats", "bits"]), default="nats", show_default=True, help="The units.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.pass_obj
def evaluate(
    session: Session, /, *, folder: Path, data: Path, reader: str, level: str, units: Units, as_json: bool
) -> None:
    """Apply the estimator that `mist estimate --out DIR` kept to the same columns of FILE.

    \b
        mist estimate data.csv --x f1 --y f2 --out run
        mist evaluate run other.csv
    """
    checked = parse(InferenceConfig, {"level": level}, owner="inference")
    open_source(data, session.registry, reader).columns()
    from mistcli.pipeline.evaluation import evaluate as apply

    found = apply(folder, data, session.registry, reader=reader, level=checked.level)
    report(found, units, as_json=as_json)
