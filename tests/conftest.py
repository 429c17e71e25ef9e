"""Fixtures that several test modules share: plugins without pip, and the command line in this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).parent.parent

ESTIMATOR = """
    from mistcli.plugin import EstimatorSpec, hookimpl

    @hookimpl
    def mist_estimators():
        yield EstimatorSpec("{name}", "{module}:Target", "An estimator for tests.")

    class Target:
        pass
"""


def pytest_configure():
    """Heed Ctrl-C, which a job in the background ignores, and with it all that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Site:
    """A folder that looks like `site-packages`: modules, and `*.dist-info` folders that declare them."""

    def __init__(self, path, monkeypatch):
        self.path = path
        self.allowed = []
        self._monkeypatch = monkeypatch
        path.mkdir(exist_ok=True)

    def add(self, distribution, source, *, module=None, points=None, version="0.1"):
        """Install a plugin: one module with this source, and an entry point for it."""
        module = module or distribution.replace("-", "_")
        (self.path / f"{module}.py").write_text(dedent(source))
        points = points or f"{module} = {module}"
        self.declare(distribution, f"[mist]\n{points}\n", version=version)
        return module

    def estimator(self, distribution, name):
        """Install a plugin that brings one estimator."""
        module = distribution.replace("-", "_")
        return self.add(distribution, ESTIMATOR.format(name=name, module=module))

    def declare(self, distribution, entry_points, *, version="0.1"):
        """Write the `*.dist-info` folder alone."""
        info = self.path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points)
        self.allowed.append(distribution)
        self._monkeypatch.setenv("MIST_PLUGINS", ",".join(self.allowed))

    def python(self, *args, check=True, **environment):
        """Run Python in a fresh process, which sees this folder."""
        path = os.pathsep.join([str(self.path), str(ROOT)])
        return subprocess.run(
            [sys.executable, *args],
            env={**os.environ, "PYTHONPATH": path, "COLUMNS": "80", **environment},
            check=check,
            capture_output=True,
            text=True,
        )


@pytest.fixture(autouse=True)
def _no_installed_plugins(monkeypatch):
    """Keep the plugins that the developer has installed out of the tests."""
    monkeypatch.setenv("MIST_PLUGINS", "")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A place to install plugins in, without pip; what it holds is forgotten after the test."""
    before = set(sys.modules)
    site = Site(tmp_path / "site", monkeypatch)
    monkeypatch.syspath_prepend(str(site.path))
    yield site
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def mist():
    """Run the command line in this process: `mist("show", "js")`."""

    def run(*args, **options):
        from mistcli.cli.group import mist as command

        return CliRunner().invoke(command, [str(arg) for arg in args], prog_name="mist", **options)

    return run
