"""What the documents say is so: commands and code run, tables equal the registry, links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path for folder in (".", "docs", "examples", "examples/*", "plugins/*") for path in ROOT.glob(f"{folder}/*.md")
)
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(text, language):
    """The fenced blocks of `language` in a document."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def elsewhere(tmp_path):
    """A directory that has the examples, and settings that make every run a short one."""
    (tmp_path / "mist.yaml").write_text("training: {max_steps: 20}", encoding="utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples", target_is_directory=True)
    return tmp_path


def python(*arguments, cwd):
    env = {**os.environ, "MIST_PLUGINS": "", "COLUMNS": "80", "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=env, capture_output=True, text=True)


def mist(command, cwd):
    return python("-m", "mistcli", *shlex.split(command), cwd=cwd)


def sessions():
    """The sessions at a terminal in the README: lists of commands with the output shown for each."""
    command = re.compile(r"^\$ mist (.*)\n((?:(?!\$ ).*\n)*)", flags=re.MULTILINE)
    return [command.findall(block) for block in blocks(README, "console")]


def untimed(output):
    """The lines of an output, without trailing blanks, and without the time it took."""
    return [line.rstrip() for line in output.splitlines() if not line.startswith("time ")]


@pytest.mark.parametrize("session", sessions(), ids=lambda session: session[-1][0].split()[0])
def test_sessions_in_the_readme_are_real(session, elsewhere):
    for command, shown in session:
        run = mist(command, elsewhere)
        assert run.returncode == 0, run.stderr
        assert run.stdout
        assert not shown or untimed(run.stdout) == untimed(shown)


def test_python_of_the_readme_runs(elsewhere):
    run = python("-W", "error", "-c", "\n".join(blocks(README, "python")), cwd=elsewhere)
    assert run.returncode == 0, run.stderr
    assert re.search(r"nats, standard error \d", run.stdout)


def test_table_of_estimators_equals_the_registry(elsewhere):
    rows = re.findall(r"^\| `(\w+)` \| (lower|upper|none) \|.*\]\((\S+)\) \|$", README, flags=re.MULTILINE)
    listed = json.loads(mist("list-estimators --json", elsewhere).stdout)["estimators"]
    facts = [(e["name"], e["facts"]["bound"], e["reference"].split(", ")[-1]) for e in listed]
    assert rows == facts


def test_every_command_is_in_the_readme(elsewhere):
    lines = mist("--help", elsewhere).stdout.split("Commands:")[1]
    commands = re.findall(r"^  ([a-z][a-z-]+)  ", lines, flags=re.MULTILINE)
    assert "estimate" in commands
    assert [command for command in commands if not re.search(rf"(mist |`){command}\b", README)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_targets_of_make_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = re.findall(r"^make ([a-z -]+?)(?:  |$)", "".join(blocks(README + CONTRIBUTING, "sh")), flags=re.MULTILINE)
    assert {"demo", "install", "lint", "test"} <= set(" ".join(named).split()) <= targets


def test_map_of_the_code_is_complete_and_right():
    section = CONTRIBUTING.split("## The map")[1].split("\n## ")[0]
    named = set(re.findall(r"`(mistcli/[\w/.]*)`", section))
    assert {path for path in named if not (ROOT / path).exists()} == set()
    rooms = {
        path
        for path in (ROOT / "mistcli").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and not path.stem.startswith("__")
    }
    unnamed = {p.name for p in rooms if not any(n.startswith(f"mistcli/{p.name}") for n in named)}
    assert unnamed == set()
