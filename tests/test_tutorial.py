"""The tutorial runs and is right, and so does what the page for users of torch_mist says."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "migrating-from-torch-mist.md").read_text(encoding="utf-8")
TRUE = 0.8304


def python(*arguments, cwd):
    env = {**os.environ, "MIST_PLUGINS": "", "OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, "-W", "error", *arguments], cwd=cwd, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def tutorial(folder, rows):
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'examples')!r}); import pathlib, tutorial; "
    shown = python("-c", f"{code} tutorial.ROWS = {rows}; tutorial.main(pathlib.Path('.'))", cwd=folder)
    assert "(joint_net): Sequential(" in shown
    assert (folder / "tutorial.png").read_bytes().startswith(b"\x89PNG")
    return [float(value) for value in re.findall(r"(\d\.\d{4}) nats", shown)]


def test_the_tutorial_runs(tmp_path):
    true, *found = tutorial(tmp_path, 6_000)
    assert true == TRUE
    assert len(found) == 5
    assert found[:-1] == pytest.approx([TRUE] * 4, abs=0.12)  # the last loop is a short one


@pytest.mark.slow
def test_the_tutorial_is_right(tmp_path):
    assert tutorial(tmp_path, 100_000) == pytest.approx([TRUE] * 6, abs=0.03)


def test_the_python_of_the_page_runs(tmp_path):
    shown = python("-c", "\n".join(blocks("python")), cwd=tmp_path)
    assert "(joint_net): Sequential(" in shown


@pytest.mark.parametrize("command", re.findall(r"^\$ mist (.*)$", "".join(blocks("console")), flags=re.MULTILINE))
def test_the_commands_of_the_page_run(command, tmp_path):
    (tmp_path / "mist.yaml").write_text("training: {max_steps: 20}", encoding="utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples", target_is_directory=True)
    assert python("-m", "mistcli", *shlex.split(command), cwd=tmp_path)
