"""`mist list-estimators`, `list-critics` and so on: what can be chosen by name."""

from __future__ import annotations

from typing import Any

import click

from mistcli.cli.group import Session
from mistcli.cli.tables import echo_json, echo_table, entry_data, facts
from mistcli.plugin.registry import Entry

__all__ = ["list_critics", "list_estimators", "list_executors", "list_loggers", "list_readers"]


def listing(kind: str, what: str, columns: tuple[str, ...]) -> click.Command:
    """Return the command that lists all of one kind, with these facts as columns."""

    @click.command(f"list-{kind}", help=f"List the {what}.", short_help=f"List the {what}.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON, with all facts and options.")
    @click.pass_obj
    def command(session: Session, *, as_json: bool) -> None:
        entries = session.listed.entries(kind)
        if as_json:
            echo_json({"schema": f"mist.{kind}/1", kind: [entry_data(entry) for entry in entries]})
            return
        noted = any(entry.reason for entry in entries)
        header = ("name", "summary", *columns, "plugin", *(["note"] if noted else []))
        echo_table(header, [_row(entry, columns, noted=noted) for entry in entries])

    return command


def _row(entry: Entry, columns: tuple[str, ...], *, noted: bool) -> list[str]:
    declared = facts(entry.spec)
    row = [entry.label, entry.spec.summary, *(_cell(declared[name]) for name in columns), entry.plugin]
    return [*row, entry.reason] if noted else row


def _cell(fact: Any) -> str:
    return " ".join(map(str, fact)) if isinstance(fact, list) else str(fact)


list_estimators = listing("estimators", "estimators", ("family", "bound"))
list_critics = listing("critics", "critics", ("kind",))
list_readers = listing("readers", "readers of files", ("patterns",))
list_loggers = listing("loggers", "loggers", ("sink",))
list_executors = listing("executors", "executors", ("remote",))
