"""Holds the shape of the project: imports go one way, modules say why they exist, nothing grows too large."""

from __future__ import annotations

import ast
import graphlib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mistcli"
MODULES = sorted(PACKAGE.rglob("*.py"))

# From the bottom to the top: a module imports from its own layer and those before it, never from a later one.
LAYERS = (
    "__about__",
    "errors",
    "text",
    "plugin",
    "builtin",
    "result",
    "config",
    "readers",
    "data",
    "numerics",
    "critics",
    "distributions",
    "estimators",
    "training",
    "inference",
    "auto",
    "loggers",
    "executors",
    "persistence",
    "pipeline",
    "independence",
    "api",
    "compat",
    "benchmark",
    "sweeping",
    "matrix",
    "ranking",
    "sklearn",
    "report",
    "testing",
    "cli",
    "__init__",
    "__main__",
)
LAYER_OF = {name: layer for layer, name in enumerate(LAYERS)}


def label(path):
    return str(path.relative_to(PACKAGE))


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def dotted(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path):
    """The modules of the package that `path` imports, anywhere in it, other than the package itself."""
    known = {dotted(module) for module in MODULES} - {"mistcli"}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written out in full"
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name in known)


every_module = pytest.mark.parametrize("path", MODULES, ids=label)


@every_module
def test_imports_go_one_way(path):
    own = LAYER_OF[room(path)]
    upward = [name for name in imported(path) if LAYER_OF[name.split(".")[1]] > own]
    assert not upward


def test_no_module_imports_itself_by_a_detour():
    graph = {dotted(path): set(imported(path)) - {dotted(path)} for path in MODULES}
    graphlib.TopologicalSorter(graph).prepare()


def test_every_room_has_one_layer():
    assert {room(path) for path in MODULES} == LAYER_OF.keys()


@every_module
def test_a_module_says_why_it_exists_and_what_is_public(path):
    assert ast.get_docstring(tree(path))
    assigned = {
        node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    only_a_docstring = len(tree(path).body) == 1
    assert only_a_docstring or "__all__" in assigned


@every_module
def test_only_the_command_line_prints(path):
    calls = [node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    assert room(path) == "cli" or not [f for f in calls if isinstance(f, ast.Name) and f.id == "print"]


@every_module
def test_a_module_is_small_and_in_its_place(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 400
    assert len(path.relative_to(PACKAGE).parts) <= 2
    assert path.stem not in {"utils", "helpers", "common", "misc"}


@every_module
def test_functions_are_short(path):
    functions = [n for n in ast.walk(tree(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {f.name: code_lines(f) for f in functions if code_lines(f) > 40}
    assert room(path) == "builtin" or not long  # what is built in is data, in the form of a function


def code_lines(function):
    """The lines of a function without its docstring and its signature."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0
