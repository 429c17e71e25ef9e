"""The root command `mist`. It names its commands without importing them, and turns errors into messages.

Commands are plugins like everything else: their specs carry the one-line help, so that `mist --help` and
completion import none of them. Here, and only here, an exception becomes a line on stderr and an exit code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from functools import cached_property
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import click

from mistcli.__about__ import __version__
from mistcli.errors import MistError, PluginError
from mistcli.plugin.registry import Entry, Registry
from mistcli.text import printable

__all__ = ["MistGroup", "Session", "mist", "session"]

INTERRUPTED = 130
SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("list-estimators", "list-critics", "list-readers"), "What there is"),
        **dict.fromkeys(("list-loggers", "list-executors", "show", "plugins"), "What there is"),
        **dict.fromkeys(("config", "completion"), "Set-up"),
    }
)
"""The section of help of each built-in command; "Commands" for those that are not named."""


class Session:
    """What one run of `mist` shares between the root command and the command that was called.

    Arguments:
        no_plugins: Whether installed plugins are left alone.
        files: One-file plugins.
        debug: Whether tracebacks are shown.
        registry: The registry to use, in place of one made from the environment.

    Attributes:
        quiet: Set it before the registry is used, to not be told of plugins that failed to load.
    """

    def __init__(
        self,
        *,
        no_plugins: bool = False,
        files: Sequence[Path] = (),
        debug: bool = False,
        registry: Registry | None = None,
    ) -> None:
        self.debug = debug
        self.quiet = False
        self._no_plugins = no_plugins
        self._files = tuple(files)
        self._registry = registry

    @cached_property
    def registry(self) -> Registry:
        """Everything that can be chosen by name."""
        return self._registry or Registry.from_environment(
            no_plugins=self._no_plugins, files=self._files, report=self._report
        )

    @cached_property
    def listed(self) -> Registry:
        """The same, with the names that `./mist.yaml` gives to one of several plugins, as a run would have it."""
        from mistcli.config.sources import PROJECT_FILE, load_yaml, settings

        prefer = settings(load_yaml(PROJECT_FILE)).prefer if PROJECT_FILE.is_file() else {}
        return self.registry.preferring(prefer) if prefer else self.registry

    def _report(self, line: str) -> None:
        if not self.quiet:
            click.echo(_safe(line), err=True)


def session(ctx: click.Context) -> Session:
    """Return the session of a context; help and completion ask for it before the root command has run."""
    root = ctx.find_root()
    if root.obj is None:
        options = root.params
        root.obj = Session(
            no_plugins=bool(options.get("no_plugins")),
            files=options.get("plugin") or (),
            debug=bool(options.get("debug")),
        )
    found: Session = root.obj
    return found


class MistGroup(click.Group):
    """A group whose commands are found by name in the registry, and imported when they are called."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line; nothing may be written to the terminal during completion."""
        if os.environ.get("_MIST_COMPLETE", "").endswith("_complete"):
            with redirect_stderr(StringIO()):
                return super().main(*args, **extra)
        return super().main(*args, **extra)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return `--help`, made to come after the options that say which plugins there are."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.is_eager = False
        return option

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return session(ctx).registry.names("commands")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        registry = session(ctx).registry
        try:
            entry = registry.get("commands", cmd_name)
            command = registry.load(entry)
            if not isinstance(command, click.Command):
                raise PluginError(
                    f"command {entry.label!r} of plugin {entry.distribution} {entry.version} is no command: "
                    f"expected {entry.spec.target} to be a click.Command, got {command!r}."
                )
        except MistError:
            if ctx.resilient_parsing:
                return None
            raise
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, from their specs."""
        sections: dict[str, list[tuple[str, str]]] = {"Commands": []}
        entries = session(ctx).registry.entries("commands")
        width = max(len(entry.label) for entry in entries)
        for entry in entries:
            row = (entry.label.ljust(width), _safe(entry.spec.summary))
            sections.setdefault(_section(entry), []).append(row)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete the name of a command, from the specs, or of an option."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(entry.label, help=_safe(entry.spec.summary))
            for entry in session(ctx).registry.entries("commands")
            if entry.label.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and turn what it raises into a message and an exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:
            if session(ctx).debug:
                _print_traceback(error)
            raise _failure(ctx, error) from error


class _Failure(click.ClickException):
    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"error: {_safe(self.message)}", file=file or sys.stderr)


def _failure(ctx: click.Context, error: Exception) -> _Failure:
    if isinstance(error, MistError):
        return _Failure(str(error), error.exit_code)
    what = f"{type(error).__name__}: {error}"
    name = ctx.invoked_subcommand or ""
    owner = next((e for e in _foreign(ctx) if name in (e.label, e.qualified)), None)
    if owner is not None:
        return _Failure(f"plugin {owner.distribution} {owner.version} failed: {what}", PluginError.exit_code)
    return _Failure(f"internal: {what} (run `mist --debug {name} ...` for the traceback)", 1)


def _foreign(ctx: click.Context) -> list[Entry]:
    return [entry for entry in session(ctx).registry.entries("commands") if entry.plugin != "mist"]


def _section(entry: Entry) -> str:
    return SECTIONS.get(entry.spec.name, "Commands") if entry.plugin == "mist" else "Plugin commands"


def _safe(text: str) -> str:
    return "\n".join(printable(line, limit=len(line)) for line in text.splitlines())


def _print_traceback(error: Exception) -> None:
    import traceback

    click.echo("".join(traceback.format_exception(error)), err=True, nl=False)


@click.group(cls=MistGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mist")
@click.option("--no-plugins", is_flag=True, is_eager=True, help="Load no installed plugin.")
@click.option(
    "--plugin",
    multiple=True,
    is_eager=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Load a plugin from a Python file; may be given several times.",
)
@click.option("--debug", is_flag=True, is_eager=True, help="Show the traceback of an error.")
@click.pass_context
def mist(ctx: click.Context, *, no_plugins: bool, plugin: tuple[Path, ...], debug: bool) -> None:
    """Estimate how much information columns of a table share, and how sure that is.

    The value is the mutual information, in nats, with its standard error and interval:

    \b
        mist estimate data.csv --x f1 --y f2
        mist show js
    """
    if ctx.obj is None:
        ctx.obj = Session(no_plugins=no_plugins, files=plugin, debug=debug)
