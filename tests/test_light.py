"""What must be quick imports nothing heavy: seen in fresh processes, for pytest has torch loaded itself."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "pandas", "numpy", "scipy"}
ROOT = Path(__file__).parent.parent
PLUGIN = """
    from mistcli.plugin import CommandSpec, EstimatorSpec, LoggerSpec, ReaderSpec, hookimpl

    @hookimpl
    def mist_estimators():
        yield EstimatorSpec("foo", "mist_foo_heavy:Foo", "An estimator.", requires=("torch", "pandas"))

    @hookimpl
    def mist_readers():
        yield ReaderSpec("foo", "mist_foo_heavy:Foo", "A reader.", patterns=("*.foo",))

    @hookimpl
    def mist_loggers():
        yield LoggerSpec("foo", "mist_foo_heavy:Foo", "A logger.")

    @hookimpl
    def mist_commands():
        yield CommandSpec("foo", "mist_foo_heavy:foo", "A command.")
"""
COMMANDS = [
    ("--help",),
    ("--version",),
    ("list-estimators",),
    ("list-estimators", "--json"),
    ("list-critics",),
    ("list-readers",),
    ("list-loggers",),
    ("plugin", "--help"),
    ("plugin", "new", "--help"),
    ("plugin", "check", "--help"),
    ("plugins",),
    ("plugins", "--json"),
    ("show", "js"),
    ("show", "foo", "--json"),
    ("columns", "data.csv"),
    ("columns", "data.csv.gz"),
    ("estimate", "--help"),
    ("evaluate", "--help"),
    ("bench", "--help"),
    ("sweep", "--help"),
    ("resume", "--help"),
    ("list-executors",),
    ("lag", "--help"),
    ("test", "--help"),
    ("matrix", "--help"),
    ("rank", "--help"),
    ("config", "show"),
    ("completion", "fish"),
]
WORDS = ["", "list-", "show j", "estimate --estimator j", "estimate --critic ", "estimate data.csv --x f"]
MODULES = [
    "mistcli",
    "mistcli.plugin",
    "mistcli.plugin.registry",
    "mistcli.plugin.options",
    "mistcli.config.schema",
    "mistcli.result",
    "mistcli.readers",
    "mistcli.loggers",
    "mistcli.training.events",
    "mistcli.data.selection",
]
RUN = """
import sys
from mistcli.__main__ import main
try:
    main()
finally:
    print("MODULES", *sys.modules, file=sys.stderr)
"""


@pytest.fixture
def installed(site, tmp_path, monkeypatch):
    """A site with a plugin whose hooks are light and whose targets raise when they are imported."""
    site.add("mist-plugin-foo", PLUGIN)
    (site.path / "mist_foo_heavy.py").write_text("raise RuntimeError('imported')")
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("f1,f2\n1,2\n3,4\n")
    Path("data.csv.gz").write_bytes(gzip.compress(b"f1,f2\n1,2\n"))
    return site


def imported(process):
    """Return the heavy modules that a process ended with."""
    *_, modules = process.stderr.partition("MODULES")
    assert "mistcli.cli.group" in modules
    return HEAVY & set(modules.split())


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_import_nothing_heavy(installed, command):
    process = installed.python("-c", RUN, *command)
    assert process.stdout
    assert imported(process) == set()


@pytest.mark.parametrize("estimator", ["gaussian", "ksg", "js"])
def test_an_estimate_imports_what_it_needs(installed, estimator):
    Path("data.csv").write_text("f1,f2\n" + "".join(f"{i},{(i * i) % 41}.5\n" for i in range(60)))
    options = ["--x", "f1", "--y", "f2", "--continuous", "f1", "--estimator", estimator]
    options += ["--max-steps", "2", "--folds", "2"] if estimator == "js" else []
    process = installed.python("-c", RUN, "estimate", "data.csv", *options)
    modules = set(process.stderr.partition("MODULES")[2].split())
    assert "torch" in modules
    # the compiler of torch, and what its optimizers and `Tensor.backward(gradient)` import, take up to a second
    assert not modules & {"torch._dynamo", "torch._inductor", "sympy", "pandas", "scipy", "sklearn", "matplotlib"}


@pytest.mark.parametrize("words", WORDS)
def test_completion_imports_nothing_heavy(installed, words):
    process = installed.python(
        "-c",
        RUN,
        _MIST_COMPLETE="bash_complete",
        COMP_WORDS=f"mist {words}",
        COMP_CWORD=str(len(words.split(" "))),
    )
    assert process.stdout
    assert imported(process) == set()


@pytest.mark.parametrize("module", MODULES)
def test_modules_import_nothing_heavy(module):
    code = f"import sys, {module}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert found.stdout.strip() == ""


def test_the_public_names_are_there():
    code = "import mistcli, mistcli.pipeline.estimation; print(callable(mistcli.estimate), *dir(mistcli))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert found.stdout.split() == [
        "True",
        *["Estimate", "IndependenceTest", "Interval", "LagProfile", "MistError", "MutualInformationMatrix", "Ranking"],
        *["SampleDataset", "__version__", "estimate", "estimate_lags", "estimate_many", "estimate_mi", "evaluate_mi"],
        *["hookimpl", "independence_test", "mi_matrix", "rank_features", "train_mi_estimator"],
    ]
