"""Twenty plugins in a folder, as if installed: fifteen that work, and five that are broken, each in its way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from mistcli.plugin.registry import Registry
from mistcli.plugin.scaffold import scaffold

__all__ = ["BROKEN", "WORKING", "install"]

COUNTS = {"estimator": 5, "critic": 2, "reader": 2, "logger": 2, "executor": 1, "command": 3}
WORKING = {f"{kind}-{i}": kind for kind, count in COUNTS.items() for i in range(count)}
"""The names of the working ones, and the kind of the one thing, of the same name, that each brings."""
BROKEN = {
    "broken-import": ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
    "broken-exit": ("raise SystemExit(7)", "SystemExit: 7"),
    "broken-syntax": ("def (", "SyntaxError: invalid syntax"),
    "broken-version": ("MIST_API = '9.0'", "it needs plugin interface 9.0, and this mist has 1.0"),
    "broken-hook": (
        "from mistcli.plugin import hookimpl\n\n@hookimpl\ndef mist_estimators():\n    return [1 / 0]\n",
        "mist_estimators() raised ZeroDivisionError: division by zero",
    ),
}
"""The names of the broken ones, the source of each, and the reason that is told."""


def install(site: Path) -> Iterator[str]:
    """Lay modules and `*.dist-info` folders into a folder, and yield the names of the distributions."""
    builtin = Registry(discover=False)
    for name, kind in WORKING.items():
        made = scaffold(name, kind, site / "made", builtin)
        (package,) = made.glob("mist_plugin_*")
        shutil.move(package, site)
        yield _declare(site, name, package.name)
    for name, (source, _) in BROKEN.items():
        module = f"mist_plugin_{name.replace('-', '_')}"
        (site / f"{module}.py").write_text(source, encoding="utf-8")
        yield _declare(site, name, module)
    shutil.rmtree(site / "made")


def _declare(site: Path, name: str, module: str) -> str:
    info = site / f"{module}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: mist-plugin-{name}\nVersion: 0.1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(f"[mist]\n{name} = {module}\n", encoding="utf-8")
    return f"mist-plugin-{name}"
