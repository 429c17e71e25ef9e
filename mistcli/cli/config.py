"""`mist config show`: every setting of a run, and where it comes from."""

from __future__ import annotations

from typing import Any

import click

from mistcli.cli.flags import SectionedCommand, layers, option, run_flags
from mistcli.cli.group import Session
from mistcli.cli.result import warn
from mistcli.cli.tables import echo_json, echo_table
from mistcli.config.resolve import resolve

__all__ = ["config"]


@click.group(short_help="Show the configuration, and where it comes from.")
def config() -> None:
    """Show the configuration of a run, and where it comes from."""


@config.command(cls=SectionedCommand)
@run_flags
@option("Output", "--json", "as_json", is_flag=True, help="Print one JSON object, a key a setting.")
@click.pass_obj
def show(session: Session, /, *, as_json: bool, **params: Any) -> None:
    """Show every setting that `mist estimate` would use with these flags, and its origin."""
    resolved = resolve(layers(params), session.registry)
    warn(resolved.warnings)
    rows = list(resolved.rows())
    if as_json:
        settings = {key: {"value": value, "origin": origin} for key, value, origin in rows}
        echo_json({"schema": "mist.config/1", "settings": settings})
        return
    echo_table(("key", "value", "origin"), [(key, _shown(value), origin) for key, value, origin in rows])


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    if isinstance(value, dict):  # a logger
        options = ",".join(f"{key}={item}" for key, item in value["options"].items())
        return f"{value['name']}:{options}" if options else str(value["name"])
    return "" if value is None else str(value)
