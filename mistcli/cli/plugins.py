"""`mist plugins`: what is installed, what it brings, and what is wrong with it."""

from __future__ import annotations

import click

from mistcli.cli.group import Session
from mistcli.cli.tables import echo_json, echo_table

__all__ = ["plugins"]

HEADER = ("name", "version", "status", "import ms", "brings", "reason")


@click.command(short_help="List the plugins, and what is wrong with them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def plugins(session: Session, *, as_json: bool) -> None:
    """List the plugins, and what is wrong with them.

    A plugin is "ok"; "missing-deps", "shadowed" or "ambiguous" if something that it brings is; "incompatible"
    if it was made for another version of mist; "broken" if it failed; or "disabled".
    """
    session.quiet = True
    records = session.listed.plugins
    if as_json:
        echo_json({"schema": "mist.plugins/1", "plugins": records})
        return
    rows = [
        (
            record.name,
            record.version,
            record.status,
            f"{record.import_ms:.0f}" + (f" ({', '.join(record.heavy)})" if record.heavy else ""),
            "\n".join(record.provides),
            record.reason,
        )
        for record in records
    ]
    echo_table(HEADER, rows)
