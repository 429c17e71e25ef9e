"""The parts of the pages that are made from the program, so that they cannot differ from it.

A line `<!-- program: NAME -->` in a page is replaced by what the function of that name below returns, as Markdown.
Only what is built in is told of, whatever else is installed where the documentation is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.testing import CliRunner

from mistcli.cli.flags import SECTIONS
from mistcli.cli.group import Session, mist
from mistcli.cli.tables import default_text, facts, options_data
from mistcli.config.schema import GeneralConfig
from mistcli.plugin.loading import KINDS
from mistcli.plugin.options import fields
from mistcli.plugin.registry import Entry, Registry
from mistcli.testing import checks_for

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["PARTS", "WIDTH", "filled", "setup"]

DOCS = Path(__file__).parent
WIDTH = 80
PLACE = re.compile(r"^<!-- program: ([\w-]+) -->$", flags=re.MULTILINE)


@cache
def registry() -> Registry:
    """Return everything that is built in, and nothing else."""
    return Registry(discover=False)


def filled(text: str) -> str:
    """Return the text of a page with the parts that come from the program in their places."""
    return PLACE.sub(lambda place: PARTS[place[1]](), text)


def hooks() -> str:
    """Return a section a hook: its signature and what it is for."""
    return _rst("automodule", "mistcli.plugin.hookspecs", ":members:")


def estimators() -> str:
    """Return a table of all estimators, then a section each: facts, options, formula, paper."""
    entries = registry().entries("estimators")
    rows = ((f"[`{e.spec.name}`](#{e.spec.name})", *_estimator(e)) for e in entries)
    parts = [_table(("name", "bound", "x", "y", "trained", "what it is"), rows)]
    families = list(dict.fromkeys(_family(entry) for entry in entries))
    for family in families:
        parts.append(f"## {family.capitalize()}")
        parts += [_section(entry) for entry in entries if _family(entry) == family]
    return "\n\n".join(parts)


def others() -> str:
    """Return a section for each critic, reader, logger and executor, with its options."""
    parts = []
    for kind in ("critics", "readers", "loggers", "executors"):
        parts.append(f"## {kind.capitalize()}")
        parts += [_described(entry) for entry in registry().entries(kind)]
    return "\n\n".join(parts)


def commands() -> str:
    """Return a section a command with its help, as the program prints it."""
    return "\n\n".join(f"## `{' '.join(('mist', *path))}`\n\n```text\n{text}```" for path, text in helps())


def settings() -> str:
    """Return a table of every setting of a run: its flag, its place in a configuration file, its default."""
    sections: dict[str, type] = {**SECTIONS, "": GeneralConfig}
    rows = [
        (
            f"`--{item.name.replace('_', '-')}`",
            f"`{section}: {{{item.name}: ...}}`" if section else f"`{item.name}: ...`",
            f"`{default_text(item.default)}`" if item.default not in ("", None) else "",
            item.info.help,
        )
        for section, cls in sections.items()
        for item in fields(cls)
    ]
    return _table(("flag", "in a file", "default", "what it says"), rows)


def measured() -> str:
    """Return a list of the pages that the front page does not name: what was measured, as far as it is there."""
    front = (DOCS / "index.md").read_text(encoding="utf-8").splitlines()
    pages = [page.stem for page in sorted(DOCS.glob("*.md")) if page.stem not in (*front, "index")]
    return "\n".join(["```{toctree}", ":caption: How good it is", ":hidden:", "", *pages, "```"]) if pages else ""


def checks() -> str:
    """Return a table of the checks of each kind."""
    anywhere = {check.id for check in checks_for(KINDS[0]) if check.kind == "any"}
    every = [check for check in checks_for(KINDS[0]) if check.id in anywhere]
    groups = {"Every plugin": checks_for("plugin"), "Everything that a plugin brings": every}
    for kind in KINDS:
        groups[kind.capitalize()] = [check for check in checks_for(kind) if check.id not in anywhere]
    return "\n\n".join(f"## {title}\n\n{_checks(found)}" for title, found in groups.items())


def helps() -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the words of each command, commands of groups too, and its help."""
    yield (), _help(())
    for entry in registry().entries("commands"):
        yield from _helps((entry.spec.name,), registry().load(entry))


def _helps(path: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], str]]:
    yield path, _help(path)
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _helps((*path, name), child)


def _help(path: Sequence[str]) -> str:
    runner = CliRunner(env={"COLUMNS": str(WIDTH)})
    session = Session(registry=registry())
    result = runner.invoke(mist, [*path, "--help"], prog_name="mist", obj=session, terminal_width=WIDTH)
    if result.exit_code:
        raise RuntimeError(result.output)
    return result.stdout


def _estimator(entry: Entry) -> tuple[str, ...]:
    spec: Any = entry.spec
    return spec.bound, spec.x, spec.y, "yes" if spec.trained else "", spec.summary


def _family(entry: Entry) -> str:
    spec: Any = entry.spec
    return str(spec.family)


def _section(entry: Entry) -> str:
    told = [f"{name} {_plain(value)}" for name, value in facts(entry.spec).items() if name in ("bound", "x", "y")]
    told += [name for name in ("trained", "symmetric", "needs_critic") if getattr(entry.spec, name)]
    words = ", ".join(told).replace("needs_critic", f"critic `{getattr(entry.spec, 'critic', '')}`")
    target = _rst("autoclass", entry.spec.target.replace(":", "."))
    return "\n\n".join([f"### {entry.spec.name}", entry.spec.summary, words, target, _options(entry)])


def _described(entry: Entry) -> str:
    told = ", ".join(f"{name}: {_plain(value)}" for name, value in facts(entry.spec).items())
    return "\n\n".join([f"### `{entry.spec.name}`", entry.spec.summary, f"{told}.", _options(entry)])


def _options(entry: Entry) -> str:
    rows = [
        (f"`{option['name']}`", option["type"], f"`{default_text(option['default'])}`", option["help"])
        for option in options_data(entry.spec.options)
    ]
    return _table(("option", "type", "default", "what it says"), rows) if rows else ""


def _checks(found: Iterable[Any]) -> str:
    rows = [(check.id, check.level, check.title, " ".join((check.fn.__doc__ or "").split())) for check in found]
    return _table(("id", "level", "what holds", ""), rows)


def _rst(directive: str, argument: str, *options: str) -> str:
    lines = "".join(f"   {option}\n" for option in options)
    return f"```{{eval-rst}}\n.. {directive}:: {argument}\n{lines}```"


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|")


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(f"`{item}`" for item in value) or "none"
    return f"`{value}`" if isinstance(value, str) else str(value)


PARTS: dict[str, Callable[[], str]] = {
    "checks": checks,
    "commands": commands,
    "estimators": estimators,
    "hooks": hooks,
    "measured": measured,
    "others": others,
    "settings": settings,
}
"""What a page can ask for, by name."""


def _filled_pages(app: Sphinx, env: Any, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Return the pages that are made again although their files are as they were."""
    return [page.stem for page in DOCS.glob("*.md") if PLACE.search(page.read_text(encoding="utf-8"))]


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = filled(source[0])


def _shorten(app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: Any) -> Any:
    """Write the default of an option class by its name, and not as Python prints a class."""
    return (re.sub(r"<class '[\w.]*?(\w+)'>", r"\1", signature), returns) if signature else None


def _keep_colon(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep napoleon from taking "The history: so and so" for a type and what is of that type."""
    if what in ("property", "attribute", "data") and lines and ": " in lines[0]:
        before, _, after = lines[0].partition(": ")
        lines[:1] = [f"{before}:", after]


def setup(app: Sphinx) -> dict[str, Any]:
    """Make Sphinx fill the pages."""
    app.connect("env-get-outdated", _filled_pages)
    app.connect("source-read", _fill)
    app.connect("autodoc-process-signature", _shorten)
    app.connect("autodoc-process-docstring", _keep_colon, priority=400)
    return {"parallel_read_safe": True}
