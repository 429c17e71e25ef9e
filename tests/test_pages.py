"""The documentation in docs/: built without a warning, complete, exact, and whatever can run in it runs."""

from __future__ import annotations

import html
import inspect
import os
import re
import shlex
import subprocess
import sys
import tomllib
import typing
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import yaml
from sphinx.util.typing import stringify_annotation

import mistcli
import mistcli.plugin
import mistcli.plugin.hookspecs
from mistcli.config.schema import CleaningConfig, GeneralConfig, InferenceConfig, TrainingConfig
from mistcli.plugin.options import fields
from mistcli.plugin.registry import Registry
from mistcli.testing import all_checks

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
TUTORIAL = DOCS / "tutorial.md"
APART = {"tutorial.md", "migrating-from-torch-mist.md"}
"""The pages with tests of their own, here and in test_tutorial.py."""
HOOKS = [getattr(mistcli.plugin.hookspecs, name) for name in mistcli.plugin.hookspecs.__all__]
SPECS = [found for found in vars(mistcli.plugin).values() if inspect.isclass(found) and found.__name__.endswith("Spec")]
READ = {"toml": tomllib.loads, "yaml": yaml.safe_load}
PLAIN = {"text", "{toctree}", "{eval-rst}", "{include}"}
FOREIGN = {"migrating-from-torch-mist.md": {"py"}}
"""The languages of blocks that are another program's, by page."""


class Block(NamedTuple):
    """A block of a page: the file that the line before it names, its language, and what is in it."""

    file: str
    language: str
    text: str


def blocks(page):
    pattern = r"(?:`([\w./-]+\.\w+)`[^`\n]*:\n\n)?^```(\S*).*\n((?:.*\n)*?)^```$"
    return [Block(*found) for found in re.findall(pattern, page.read_text(encoding="utf-8"), flags=re.MULTILINE)]


def commands(block):
    """The commands of a session at a terminal, each with the output that is shown for it."""
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, flags=re.MULTILINE)


def alike(output, shown):
    """Whether an output is what is shown, where `...` stands for anything."""
    lines = ["\n".join(map(str.rstrip, text.strip().splitlines())) for text in (output, shown)]
    return re.fullmatch(re.escape(lines[1]).replace(r"\.\.\.", ".*"), lines[0], flags=re.DOTALL)


def follow(page, folder, **environment):
    """Do what a page says in a folder: write its files, run its commands in one shell, compare what they print."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MIST_")}
    env |= {"COLUMNS": "80", "OMP_NUM_THREADS": "1", **environment}
    shown, script = [], []
    for block in blocks(page):
        if block.file:
            script.append(f"cat > {shlex.quote(block.file)} <<'END OF FILE'\n{block.text}END OF FILE")
        elif block.language == "console":
            for command, output in commands(block):
                shown.append((command, output))
                script.append(f"{{ {command}\n}} < /dev/null 2>&1; code=$?; printf '\\n=== %s\\n' $code; (exit $code)")
    run = subprocess.run(["bash", "-c", "\n".join(script)], cwd=folder, env=env, capture_output=True, text=True)
    ended = re.findall(r"((?:.*\n)*?)=== (\d+)\n", run.stdout)
    assert len(ended) == len(shown), run.stdout + run.stderr
    for i, ((command, expected), (output, code)) in enumerate(zip(shown, ended, strict=True)):
        fails = i + 1 < len(shown) and shown[i + 1][0] == "echo $?"
        assert fails == (code != "0"), f"$ {command}\n{output}"
        assert not expected or alike(output, expected), f"$ {command}\n{output}"


@pytest.fixture
def folder(tmp_path):
    """A directory that has the examples, and settings that make every run a short one."""
    (tmp_path / "mist.yaml").write_text("training: {max_steps: 20}", encoding="utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples", target_is_directory=True)
    return tmp_path


def here(**more):
    """The environment in which `mist` is the one that is tested, with nothing but what is built in."""
    return {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]), "MIST_PLUGINS": "", **more}


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in APART], ids=lambda page: page.stem)
def test_what_a_page_says_is_so(page, folder):
    follow(page, folder, **here())
    code = "\n".join(block.text for block in blocks(page) if block.language == "python" and not block.file)
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=os.environ | here(), capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.slow
def test_the_ten_minutes_to_the_letter(tmp_path):
    (tmp_path / "mist").symlink_to(ROOT, target_is_directory=True)
    follow(TUTORIAL, tmp_path, PIP_CONSTRAINT=str(ROOT / "constraints.txt"), PIP_DISABLE_PIP_VERSION_CHECK="1")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_block_is_run_or_plain_text(page):
    known = {"python", "console", *READ, *PLAIN, *FOREIGN.get(page.name, ())}
    found = blocks(page)
    assert {block.language for block in found} <= known
    assert page.read_text(encoding="utf-8").count("\n```") == 2 * len(found)
    for block in found:
        assert block.language not in READ or READ[block.language](block.text)
        assert block.language != "console" or block.text.startswith("$ ")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The pages as Sphinx makes them; a warning is an error."""
    out = tmp_path_factory.mktemp("html")
    command = ["-m", "sphinx", "-q", "-W", "--keep-going", "-d", out / "doctrees", DOCS, out / "html"]
    run = subprocess.run([sys.executable, *command], env=os.environ | here(), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return {page.stem: page.read_text(encoding="utf-8") for page in (out / "html").glob("*.html")}


def plain(page):
    """What a page says, as a reader sees it."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", page)))


def shown_signature(page, name):
    """The signature that a page shows for an object, without blanks."""
    (shown,) = re.findall(rf'<dt class="sig[^>]*id="{re.escape(name)}">(.*?)</dt>', page, flags=re.DOTALL)
    return re.sub(r"\s|^class|\u00b6", "", plain(shown).strip()).replace(",)", ")")


def real_signature(called):
    """The signature of a function or class, in the same form."""
    signature = inspect.signature(called)
    hints = typing.get_type_hints(called.__init__ if inspect.isclass(called) else called)
    found = []
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in found:
            found.append("*")
        default = parameter.default
        shown = default.__name__ if inspect.isclass(default) else repr(default)
        found.append(f"{name}: {_type(hints[name])}" + (f" = {shown}" if default is not parameter.empty else ""))
    returns = "" if inspect.isclass(called) else f"\u2192{_type(hints['return'])}"
    return re.sub(r"\s", "", f"{called.__name__}({', '.join(found)}){returns}")


def _type(hint):
    return re.sub(r"~?\b\w+\.(?:\w+\.)*", "", stringify_annotation(hint, "smart")).replace("~", "")


def test_every_page_is_there_and_no_flag_became_a_dash(built):
    assert {page.stem for page in PAGES} <= set(built)
    assert [name for name, page in built.items() if re.search(r"\s\u2013\w", plain(page))] == []


def test_every_spec_is_known():
    assert {spec.__name__ for spec in SPECS} == {name for name in mistcli.plugin.__all__ if name.endswith("Spec")}


@pytest.mark.parametrize("called", [*HOOKS, *SPECS, mistcli.plugin.option], ids=lambda called: called.__name__)
def test_every_hook_and_spec_has_its_exact_signature(built, called):
    page = built["hooks"]
    home = "mistcli.plugin" if called.__name__ in mistcli.plugin.__all__ else called.__module__
    assert shown_signature(page, f"{home}.{called.__name__}") == real_signature(called)
    assert inspect.getdoc(called).splitlines()[0].replace("`", "") in plain(page)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.__name__)
def test_every_fact_of_a_spec_is_explained(built, spec):
    for name in vars(spec).get("__annotations__", {}):
        assert name == "_" or f"{name} \u2013 " in plain(built["hooks"])


def test_every_command_has_its_help(built, mist):
    page = plain(built["commands"])
    registry = Registry(discover=False)
    for entry in registry.entries("commands"):
        command = registry.load(entry)
        parts = command.commands if isinstance(command, click.Group) else {}
        for words in ([entry.spec.name], *([entry.spec.name, part] for part in parts)):
            shown = mist(*words, "--help", terminal_width=80).stdout
            assert plain(html.escape(shown)).strip() in page, words


def test_every_estimator_has_a_section(built):
    text = plain(built["estimators"])
    for entry in Registry(discover=False).entries("estimators"):
        assert f'id="{entry.spec.name.replace("_", "-")}"' in built["estimators"]
        assert entry.spec.reference.split(", ")[-1] in built["estimators"]
        assert f'id="{entry.spec.target.replace(":", ".")}"' in built["estimators"]
        assert entry.spec.summary in text


def test_every_check_is_named(built):
    for check in all_checks():
        assert re.search(rf"<p>{check.id}</p>", built["testing"])


def test_every_setting_is_named(built):
    settings = (CleaningConfig, TrainingConfig, InferenceConfig, GeneralConfig)
    flags = [f"--{item.name.replace('_', '-')}" for setting in settings for item in fields(setting)]
    assert [flag for flag in flags if flag not in plain(built["options"])] == []


def test_every_public_name_is_documented(built):
    names = set(mistcli.__all__) - {"__version__", "hookimpl", "MistError"}
    assert [name for name in sorted(names) if f'id="mistcli.{name}"' not in built["python"]] == []
