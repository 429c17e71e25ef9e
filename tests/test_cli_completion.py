from __future__ import annotations

import pytest
from click.testing import CliRunner

from mistcli.cli.group import mist as root


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_calls_mist(mist, shell):
    result = mist("completion", shell)
    assert result.exit_code == 0
    assert f"_MIST_COMPLETE={shell}_complete" in result.stdout


def test_an_unknown_shell_is_a_usage_error(mist):
    result = mist("completion", "tcsh")
    assert result.exit_code == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in result.stderr


@pytest.fixture
def complete(monkeypatch):
    """Return what the shell is offered for the last of these words."""

    def run(*words):
        monkeypatch.setenv("_MIST_COMPLETE", "zsh_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(["mist", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        result = CliRunner().invoke(root, [], prog_name="mist")
        assert result.stderr == ""
        lines = result.stdout.splitlines()
        names = [name.replace("\\:", ":") for name in lines[1::3]]  # zsh wants colons escaped
        return dict(zip(names, lines[2::3], strict=True))

    return run


def test_commands_complete_with_their_summaries(complete, site):
    source = "from mistcli.plugin import *\n@hookimpl\ndef mist_commands():\n"
    source += "    yield CommandSpec('list-all', 'no_such_module:command', 'List all.')\n"
    site.add("mist-plugin-all", source)
    found = complete("list-")
    assert found["list-critics"] == "List the critics."
    assert found["list-all"] == "List all."


def test_options_of_the_root_complete(complete):
    assert set(complete("--no")) == {"--no-plugins"}


def test_names_complete(complete, site):
    site.estimator("mist-plugin-foo", "jsx")
    assert set(complete("show", "js")) == {"js", "jsx", "jsonl"}
    assert set(complete("estimate", "--estimator", "")) >= {"js", "nwj", "ksg", "jsx"}
    assert set(complete("estimate", "--critic", "")) == {"joint", "separable"}


def test_options_complete_behind_the_name(complete):
    assert set(complete("estimate", "--logger", "js")) == {"jsonl"}
    assert "jsonl:path=" in complete("estimate", "--logger", "jsonl:")
    assert "csv:delimiter=" in complete("estimate", "--reader", "csv:d")
    assert "csv:header=no,delimiter=" in complete("estimate", "--reader", "csv:header=no,d")


def test_columns_complete_from_the_header(complete, tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("f1,f2,a b,g\n1,2,3,4\n")
    assert set(complete("estimate", str(path), "--x", "")) == {"f1", "f2", "g"}
    assert set(complete("estimate", str(path), "--x", "g,f")) == {"g,f1", "g,f2"}


@pytest.mark.parametrize("path", ["no_such.csv", "no_such.xyz"])
def test_what_cannot_be_read_completes_nothing(complete, path):
    assert complete("estimate", path, "--x", "") == {}


def test_nothing_is_written_to_the_terminal(complete, site):
    site.add("mist-plugin-bad", "print('hello'); raise RuntimeError")
    assert "js" in complete("show", "")
