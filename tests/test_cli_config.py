from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mistcli.cli.group import mist


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIST_PLUGINS", "")
    return tmp_path


def show(*arguments):
    return CliRunner().invoke(mist, ["config", "show", *arguments])


def test_every_value_has_its_origin(here):
    (here / "mist.yaml").write_text("training: {lr: 1e-3, folds: 3}\nseed: 4\n")
    (here / "run.yaml").write_text("training: {lr: 1e-2}\nestimator: {name: js, options: {neg_samples: 4}}\n")
    done = show("data.csv", "--config", "run.yaml", "--units", "bits", "-o", "hidden_dims=8", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["schema"] == "mist.config/1"
    settings = found["settings"]
    assert settings["data.path"] == {"value": "data.csv", "origin": "flag"}
    assert settings["critic.options.hidden_dims"] == {"value": [8], "origin": "flag"}
    assert settings["training.lr"] == {"value": 0.01, "origin": "run.yaml"}
    assert settings["estimator.options.neg_samples"] == {"value": 4, "origin": "run.yaml"}
    assert settings["training.folds"] == {"value": 3, "origin": "mist.yaml"}
    assert settings["seed"] == {"value": 4, "origin": "mist.yaml"}
    assert settings["units"] == {"value": "bits", "origin": "flag"}
    assert settings["critic.name"] == {"value": "joint", "origin": "default of js"}


def test_as_a_table():
    done = show("--seed", "3", "--logger", "csv:path=a.csv", "--logger", "jsonl")
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert rows["key"] == ["value", "origin"]
    assert rows["seed"] == ["3", "flag"]
    assert rows["loggers"] == ["csv:path=a.csv,", "jsonl", "flag"]
    assert rows["inference.level"] == ["0.95", "default"]


def test_what_has_no_effect_is_told():
    done = show("-e", "ksg", "--lr", "1")
    assert done.stderr == "warning: estimator 'ksg' is not trained, so that lr has no effect\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("trainng: {}", "mist.yaml: unknown key 'trainng'. Did you mean 'training'?"),
        ("seed: 1\nseed: 2", "the key 'seed' is given twice"),
        ("estimator: jss", "mist.yaml: unknown estimator 'jss'"),
    ],
)
def test_a_wrong_file(here, content, message):
    (here / "mist.yaml").write_text(content)
    done = show()
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stdout == ""
