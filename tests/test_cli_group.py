from __future__ import annotations

import os
import signal
import subprocess
import sys

import click
import pytest

from mistcli.cli.group import Session
from mistcli.cli.group import mist as root
from mistcli.errors import DataError
from mistcli.plugin.registry import Registry

BUILT_IN = Registry(discover=False).names("commands")
COMMAND = """
    import click
    from mistcli.plugin import CommandSpec, hookimpl

    @hookimpl
    def mist_commands():
        yield CommandSpec("{name}", "{target}", "{summary}")

    @click.command()
    @click.pass_obj
    def command(session):
        {body}
"""


def command(site, body, *, name="greet", distribution="mist-plugin-greet", target="", summary="Say something."):
    module = distribution.replace("-", "_")
    target = target or f"{module}:command"
    site.add(distribution, COMMAND.format(name=name, target=target, summary=summary, body=body))


class TestHelp:
    def test_commands_stand_in_sections(self, mist):
        result = mist("--help")
        assert result.exit_code == 0
        assert result.stderr == ""
        for line in ("Commands:\n  estimate ", "What there is:\n  list-estimators ", "Set-up:\n  config "):
            assert line in result.stdout

    def test_plugin_commands_stand_below(self, mist, site):
        command(site, "pass", target="no_such_module:command")
        assert "Plugin commands:\n  greet            Say something.\n" in mist("--help").stdout

    @pytest.mark.parametrize("args", [("--no-plugins", "--help"), ("--help", "--no-plugins")])
    def test_help_heeds_no_plugins(self, mist, site, args):
        command(site, "pass")
        assert "greet" not in mist(*args).stdout

    def test_help_tells_of_failed_plugins_on_stderr(self, mist, site):
        site.add("mist-plugin-bad", "raise RuntimeError")
        result = mist("--help")
        assert result.exit_code == 0
        assert result.stderr == "1 plugin failed to load: mist-plugin-bad (see `mist plugins`)\n"

    def test_nothing_to_do_is_a_usage_error(self, mist):
        assert mist().exit_code == 2

    @pytest.mark.parametrize("entry", Registry(discover=False).entries("commands"), ids=lambda e: e.spec.name)
    def test_static_summaries_are_the_real_ones(self, entry):
        loaded = Registry(discover=False).load(entry)
        assert loaded.get_short_help_str(limit=200) == entry.spec.summary
        assert loaded.help

    def test_escapes_in_a_summary_are_harmless(self, mist, site):
        command(site, "pass", summary="Red \\x1b[31m [bold]")
        assert r"Red \x1b[31m [bold]" in mist("--help").stdout

    def test_version(self, mist):
        result = mist("--version")
        assert result.stdout.startswith("mist, version 0.")


class TestPluginCommands:
    def test_run(self, mist, site):
        command(site, "click.echo(session.registry.names('critics'))")
        result = mist("greet")
        assert (result.exit_code, result.stdout) == (0, "['joint', 'separable']\n")

    def test_cannot_override_a_builtin(self, mist, site):
        command(site, "click.echo('mine')", name="completion")
        assert mist("completion", "fish").stdout.startswith("function _mist_completion")
        assert mist("greet/completion").stdout == "mine\n"
        assert "greet/completion" in mist("--help").stdout

    @pytest.mark.parametrize(
        ("body", "target", "message"),
        [
            (
                "1 / 0",
                "",
                "error: plugin mist-plugin-greet 0.1 failed: ZeroDivisionError: division by zero\n",
            ),
            (
                "pass",
                "no_such_module:command",
                "error: command 'greet' cannot be loaded: plugin mist-plugin-greet 0.1 failed: "
                "ModuleNotFoundError: No module named 'no_such_module'.\n",
            ),
            (
                "pass",
                "json:dumps",
                "error: command 'greet' of plugin mist-plugin-greet 0.1 is no command: "
                "expected json:dumps to be a click.Command, got <function dumps",
            ),
        ],
    )
    def test_that_fail_exit_with_3(self, mist, site, body, target, message):
        command(site, body, target=target)
        result = mist("greet")
        assert result.exit_code == 3
        assert result.stdout == ""
        assert result.stderr.startswith(message)

    def test_of_a_broken_plugin_exit_with_3(self, mist, site):
        site.add("mist-plugin-greet", "raise ImportError('no fooling')")
        result = mist("greet")
        assert result.exit_code == 3
        assert "command 'greet' is not available: plugin mist-plugin-greet 0.1 is broken" in result.stderr

    def test_that_are_unknown_exit_with_2(self, mist):
        result = mist("estimat")
        assert result.exit_code == 2
        assert result.stderr.startswith("error: unknown command 'estimat'. Did you mean 'estimate'?")


class TestErrors:
    @pytest.fixture
    def failing(self, monkeypatch):
        def make(error):
            @click.command()
            def fail():
                raise error

            monkeypatch.setattr(Registry, "load", lambda self, entry: fail)

        return make

    @pytest.mark.parametrize(
        ("error", "code", "message"),
        [
            (DataError("a.csv has no rows."), 1, "error: a.csv has no rows.\n"),
            (DataError("odd \x1b[2J name"), 1, "error: odd \\x1b[2J name\n"),
            (
                KeyError("x"),
                1,
                "error: internal: KeyError: 'x' (run `mist --debug show ...` for the traceback)\n",
            ),
            (click.UsageError("no."), 2, "Usage: mist show [OPTIONS]"),
            (KeyboardInterrupt(), 130, "interrupted\n"),
            (click.exceptions.Exit(4), 4, ""),
            (SystemExit(7), 7, ""),
        ],
    )
    def test_become_a_message_and_an_exit_code(self, mist, failing, error, code, message):
        failing(error)
        result = mist("show")
        assert result.exit_code == code
        assert result.stdout == ""
        assert result.stderr.startswith(message)
        assert "Traceback" not in result.stderr

    def test_have_a_traceback_with_debug(self, mist, failing):
        failing(DataError("a.csv has no rows."))
        result = mist("--debug", "show")
        assert result.exit_code == 1
        assert result.stderr.startswith("Traceback (most recent call last):")
        assert result.stderr.endswith("error: a.csv has no rows.\n")

    @pytest.mark.parametrize("args", [("--no-such",), ("--plugin", "no_such.py", "show", "js"), ("show",)])
    def test_of_usage_exit_with_2(self, mist, args):
        assert mist(*args).exit_code == 2

    def test_a_closed_pipe_is_quiet(self):
        process = subprocess.Popen(
            [sys.executable, "-m", "mistcli", "list-estimators", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait() in (1, -signal.SIGPIPE)


def test_one_session_serves_the_whole_run(mist):
    registry = Registry(discover=False)
    result = mist("list-critics", obj=Session(registry=registry))
    assert result.exit_code == 0
    assert "separable" in result.stdout


def test_a_file_is_a_plugin(mist, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from mistcli.plugin import EstimatorSpec, hookimpl\n@hookimpl\ndef mist_estimators():\n"
        "    yield EstimatorSpec('own', 'mine:Own', 'My own.')\n"
    )
    assert "own " in mist("--plugin", file, "list-estimators").stdout


def test_the_program_is_called_mist():
    assert root.name == "mist"


@pytest.mark.parametrize("command", BUILT_IN)
def test_help_is_whole_and_clean(command, mist):
    run = mist(command, "--help")
    assert run.exit_code == 0
    assert "\\b" not in run.stdout
    assert "Usage:" in run.stdout
