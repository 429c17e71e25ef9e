from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from mistcli.config.sources import load_yaml
from mistcli.errors import ConfigError, DataError
from mistcli.persistence.run_folder import Kept, RunFolder, read_run
from mistcli.result import Estimate, Interval
from mistcli.training.events import Evaluated, RunStarted, Warned

CONFIG = {"data": {"x": "f1"}, "estimator": {"name": "js", "options": {"neg_samples": 16}}, "seed": 0}
KEPT = Kept({"weight": torch.arange(6.0).reshape(2, 3).T, "count": torch.tensor(3)}, {"estimator": "js"})


def estimate(**changes):
    values = {
        "nats": 0.5,
        "stderr": 0.01,
        "interval": Interval(0.95, 0.48, 0.52),
        "bound": "lower",
        "n": 3,
        "estimator": "js",
        "x": ("f1",),
        "y": ("f2",),
        "pointwise": np.array([0.1, 1 / 3, -2.0]),
        "rows": np.array([0, 2, 5]),
    }
    return Estimate(**(values | changes))


def kept(path, *, force=False, kept=KEPT, **changes):
    with RunFolder(path, force=force) as folder:
        folder.emit(RunStarted("js-1", {}, 10, 3))
        folder.emit(Evaluated(1, 0.1, "valid", {"mi": 0.5}, {"mi": (0.5,)}))
        return folder.keep(CONFIG, estimate(**changes), kept)


def names(path):
    return sorted(item.name for item in path.iterdir())


# --- writing ----------------------------------------------------------------------------------------------


def test_a_kept_run_is_read_back(tmp_path):
    saved = kept(tmp_path / "run")
    run = read_run(tmp_path / "run")
    assert names(tmp_path) == ["run"]
    assert run.config["estimator"] == {"name": "js", "options": {"neg_samples": "16"}}
    assert load_yaml(tmp_path / "run" / "config.yaml").values == run.config
    assert run.result == estimate().to_dict()
    assert run.kept is not None
    assert run.kept.facts == KEPT.facts
    assert all(torch.equal(run.kept.tensors[name], tensor) for name, tensor in KEPT.tensors.items())
    assert {Path(item.path).name: item.role for item in saved} == {
        "config.yaml": "config",
        "history.csv": "history",
        "history.jsonl": "history",
        "pointwise.csv": "pointwise",
        "estimator.json": "weights",
        "estimator.safetensors": "weights",
        "result.json": "result",
    }
    assert all(Path(item.path).is_file() for item in saved)


def test_history_and_pointwise_are_exact(tmp_path):
    kept(tmp_path / "run")
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "run/history.jsonl").read_text().splitlines()]
    assert kinds == ["run_started", "evaluated"]
    with (tmp_path / "run/pointwise.csv").open(newline="") as file:
        found = [(int(row["row"]), float(row["log_ratio"])) for row in csv.DictReader(file)]
    assert found == [(0, 0.1), (2, 1 / 3), (5, -2.0)]
    assert (tmp_path / "run/history.csv").read_text().splitlines()[1] == "mi,valid,0,0.1,1,0.5"


def test_what_is_not_there_is_not_written(tmp_path):
    kept(tmp_path / "run", kept=None, pointwise=None, rows=None, complete=False)
    assert names(tmp_path / "run") == ["config.yaml", "history.csv", "history.jsonl", "result.json"]
    run = read_run(tmp_path / "run")
    assert run.kept is None
    assert run.result["complete"] is False


def test_history_can_be_read_while_the_run_goes_on(tmp_path):
    with RunFolder(tmp_path / "run") as folder:
        folder.emit(Warned("careful"))
        (partial,) = tmp_path.iterdir()
        assert partial.name.startswith("run.partial-")
        assert json.loads((partial / "history.jsonl").read_text())["message"] == "careful"
        folder.close()
        folder.emit(Warned("too late, and harmless"))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_run_that_fails_leaves_nothing(tmp_path, error):
    with pytest.raises(error), RunFolder(tmp_path / "run"):
        raise error
    assert names(tmp_path) == []


def test_permissions_are_those_of_any_new_folder(tmp_path):
    kept(tmp_path / "run")
    (tmp_path / "other").mkdir()
    assert (tmp_path / "run").stat().st_mode == (tmp_path / "other").stat().st_mode


# --- the place --------------------------------------------------------------------------------------------


def test_an_existing_run_is_replaced_only_by_force_and_whole(tmp_path):
    kept(tmp_path / "run")
    with pytest.raises(ConfigError, match=r"'.*run' exists; name another folder, or replace it with --force") as caught:
        RunFolder(tmp_path / "run")
    assert caught.value.exit_code == 2
    with pytest.raises(RuntimeError), RunFolder(tmp_path / "run", force=True):
        raise RuntimeError
    assert read_run(tmp_path / "run").result["n"] == 3
    kept(tmp_path / "run", force=True, kept=None, n=4)
    assert read_run(tmp_path / "run").result["n"] == 4
    assert "estimator.safetensors" not in names(tmp_path / "run")
    assert names(tmp_path) == ["run"]


def test_force_never_removes_what_is_not_a_run(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").touch()
    with pytest.raises(ConfigError, match="is not a run that mist kept"):
        RunFolder(tmp_path / "photos", force=True)
    (tmp_path / "empty").mkdir()
    kept(tmp_path / "empty", force=True)
    assert names(tmp_path) == ["empty", "photos"]


def test_a_link_to_a_run_stays_a_link(tmp_path):
    kept(tmp_path / "run")
    (tmp_path / "latest").symlink_to("run")
    kept(tmp_path / "latest", force=True, n=4)
    assert (tmp_path / "latest").is_symlink()
    assert read_run(tmp_path / "run").result["n"] == 4


@pytest.mark.parametrize("force", [False, True])
def test_a_file_is_in_the_way(tmp_path, force):
    (tmp_path / "run").write_text("precious")
    with pytest.raises(ConfigError, match="is a file; name a folder"):
        RunFolder(tmp_path / "run", force=force)
    assert (tmp_path / "run").read_text() == "precious"


def test_the_parent_is_missing_or_a_file(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no folder '.*nothing' to make the run in"):
        RunFolder(tmp_path / "nothing" / "run")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"there is no folder '.*file' to make the run in"):
        RunFolder(tmp_path / "file" / "run")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_the_parent_is_read_only(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match=r"cannot make the folder '.*run': Permission denied"):
        RunFolder(tmp_path / "run")
    tmp_path.chmod(0o700)


def test_a_parent_that_refuses(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(ConfigError, match=r"cannot make the folder '.*run': Permission denied"):
        RunFolder(tmp_path / "run")


def test_a_full_disk_keeps_the_old_run(tmp_path, monkeypatch):
    kept(tmp_path / "run")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mistcli.persistence.run_folder._write_pointwise", full)
    with pytest.raises(DataError, match=r"cannot keep the run in '.*run': No space left on device"):
        kept(tmp_path / "run", force=True, n=4)
    assert read_run(tmp_path / "run").result["n"] == 3
    assert names(tmp_path) == ["run"]


def test_names_in_messages_cannot_command_the_terminal(tmp_path):
    with pytest.raises(ConfigError) as caught:
        RunFolder(tmp_path / "\x1b[31mred" / "run")
    assert "\x1b" not in str(caught.value)


# --- reading ----------------------------------------------------------------------------------------------


def test_not_a_run(tmp_path):
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(DataError, match=r"is not the folder of a run: it has no result\.json"):
            read_run(folder)


@pytest.mark.parametrize("name", ["result.json", "estimator.json"])
@pytest.mark.parametrize(
    "content", [b"", b'{"a": ', b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"a": 1' + b"0" * 5000 + b"}"]
)
def test_damaged_json(tmp_path, name, content):
    kept(tmp_path / "run")
    (tmp_path / "run" / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"'.*{name}' is damaged \(.*; keep the run again with --out"):
        read_run(tmp_path / "run")


def test_json_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr("mistcli.persistence.run_folder.MAX_JSON", 10)
    kept(tmp_path / "run")
    with pytest.raises(DataError, match="larger than 10 bytes"):
        read_run(tmp_path / "run")


def test_weights_that_are_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr("mistcli.persistence.run_folder.MAX_WEIGHTS", 10)
    kept(tmp_path / "run")
    with pytest.raises(DataError, match="larger than 10 bytes"):
        read_run(tmp_path / "run")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-5],
        lambda content: content[:20],
        lambda content: b"\xff" * 8 + content[8:],
        lambda content: b"\x80\x04" + content,
    ],
    ids=["empty", "truncated", "header only", "header length", "pickle"],
)
def test_damaged_weights(tmp_path, damage):
    kept(tmp_path / "run")
    path = tmp_path / "run" / "estimator.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"estimator\.safetensors' is damaged"):
        read_run(tmp_path / "run")


def test_missing_parts(tmp_path):
    kept(tmp_path / "run")
    (tmp_path / "run" / "estimator.safetensors").unlink()
    with pytest.raises(DataError, match=r"estimator\.safetensors' is damaged"):
        read_run(tmp_path / "run")
    (tmp_path / "run" / "config.yaml").unlink()
    (tmp_path / "run" / "estimator.json").unlink()
    with pytest.raises(ConfigError, match="cannot read the configuration"):
        read_run(tmp_path / "run")


def test_force_refuses_a_run_beside_foreign_files(tmp_path):
    kept(tmp_path / "run")
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds files that are not of a run, such as 'notes\.txt'"):
        kept(tmp_path / "run", force=True)
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"
