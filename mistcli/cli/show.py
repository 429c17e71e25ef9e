"""`mist show NAME`: everything that is declared about an estimator, a critic, a reader, a logger ..."""

from __future__ import annotations

import click

from mistcli.cli.group import Session
from mistcli.cli.tables import default_text, echo_json, entry_data, facts, options_data
from mistcli.cli.types import AnyType
from mistcli.plugin.registry import Entry
from mistcli.text import printable

__all__ = ["show"]


@click.command(short_help="Show one of them: facts, options, reference.")
@click.argument("name", type=AnyType())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(session: Session, *, name: str, as_json: bool) -> None:
    """Show one of them: facts, options, reference.

    NAME is that of an estimator, critic, reader, logger, executor or command. Where several have the name,
    all are shown; PLUGIN/NAME is always the one of that plugin.
    """
    found = session.listed.find(name)
    if as_json:
        echo_json({"schema": "mist.show/1", "found": [entry_data(entry) for entry in found]})
        return
    click.echo("\n".join(_described(entry) for entry in found), nl=False)


def _described(entry: Entry) -> str:
    formatter = click.HelpFormatter()
    title = f"{entry.label} - {entry.kind.removesuffix('s')} of {entry.distribution} {entry.version}".rstrip()
    formatter.write(f"{_safe(title)}\n")
    formatter.indent()
    formatter.write_text(_safe(entry.spec.summary))
    if entry.reason:
        formatter.write_text(_safe(f"{entry.status}: {entry.reason}"))
    formatter.dedent()
    rows = [(name, _fact(value)) for name, value in facts(entry.spec).items()]
    if entry.spec.requires:
        rows.append(("requires", ", ".join(entry.spec.requires)))
    _section(formatter, "Facts", rows)
    _section(formatter, "Options", _options(entry.spec.options))
    if entry.spec.reference:
        with formatter.section("Reference"):
            formatter.write_text(_safe(entry.spec.reference))
    return formatter.getvalue()


def _section(formatter: click.HelpFormatter, title: str, rows: list[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(title):
            formatter.write_dl([(_safe(left), _safe(right)) for left, right in rows])


def _options(options: type) -> list[tuple[str, str]]:
    return [(option["name"], _option(option)) for option in options_data(options)]


def _option(option: dict[str, object]) -> str:
    declared = [str(option["type"]), f"default {default_text(option['default'])}"]
    if option["range"]:
        declared.insert(1, str(option["range"]))
    return f"{option['help']} [{'; '.join(declared)}]"


def _fact(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _safe(text: str) -> str:
    return printable(text, limit=len(text))
