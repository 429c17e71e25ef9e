"""`mist matrix` and `mist rank`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    a, b, c = rng.standard_normal((3, 300))
    angle = rng.uniform(0, 2 * np.pi, 300)
    table = {"f1_1": a, "f1_2": b, "f2_1": a * b + 0.3 * c, "x": np.cos(angle), "y": np.sin(angle) + 0.1 * c}
    pd.DataFrame({**table, "constant": 1.0}).to_csv("data.csv", index=False)
    return tmp_path


def test_a_matrix_is_a_table_of_the_strongest_pairs(mist, here):
    done = mist("matrix", "data.csv", "--top", "2")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].split()[:4] == ["x", "y", "mi", "(nats)"]
    assert lines[1].split()[:2] == ["x", "y"]
    assert "10 pairs of 5, the 2 strongest shown" in done.stdout
    assert "left out: constant (constant: nothing can depend on it)" in done.stdout


def test_a_matrix_is_json(mist, here):
    found = json.loads(mist("matrix", "data.csv", "--json", "--units", "bits", "--fdr", "by", "--level", "0.9").stdout)
    assert found["schema"] == "mist.matrix/1"
    fields = ["x", "y", "mi", "stderr", "low", "high", "p_value", "q_value", "method", "n", "correlation", "normalised"]
    assert list(found["pairs"][0]) == fields
    assert found["skipped"] == [{"column": "constant", "reason": "constant: nothing can depend on it"}]
    assert (found["units"], found["fdr"], found["level"]) == ("bits", "by", 0.9)


def test_groups_rows_and_columns_are_selected(mist, here):
    pairs = json.loads(mist("matrix", "data.csv", "--groups", "f*", "--json").stdout)["pairs"]
    assert [(pair["x"], pair["y"]) for pair in pairs] == [("f1", "f2")]
    pairs = json.loads(mist("matrix", "data.csv", "--cols", "f1", "--rows", "x", "--json").stdout)["pairs"]
    assert [(pair["x"], pair["y"]) for pair in pairs] == [("x", "f1_1"), ("x", "f1_2")]


def test_a_matrix_is_written_and_drawn(mist, here):
    names = ["t.csv", "t.parquet", "t.json", "map.png", "map.svg"]
    outs = [flag for name in names for flag in ("--out", name)]
    assert mist("matrix", "data.csv", *outs).exit_code == 0
    with Path("t.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(pd.read_parquet("t.parquet")) == len(json.loads(Path("t.json").read_text())["pairs"]) == 10
    assert Path("map.png").read_bytes().startswith(b"\x89PNG")
    heat = Path("map.svg").read_text()
    again = mist("matrix", "data.csv", "--out", "map.svg")
    assert again.exit_code == 2
    assert "'map.svg' exists; pass --force" in again.stderr
    assert mist("matrix", "data.csv", "--out", "map.svg", "--network", "--force").exit_code == 0
    assert Path("map.svg").read_text() != heat


def test_a_matrix_goes_on_where_it_stopped(mist, here):
    first = json.loads(mist("matrix", "data.csv", "--out", "run", "--json").stdout)
    kept = Path("run/results.jsonl")
    lines = kept.read_text().splitlines()
    assert lines
    again = json.loads(mist("resume", "run", "--json").stdout)
    assert again["pairs"] == first["pairs"]
    assert kept.read_text().splitlines() == lines
    kept.unlink()
    assert json.loads(mist("resume", "run", "--json").stdout)["pairs"] == first["pairs"]
    assert kept.read_text().splitlines() == lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--cols", "nosuch"), "cols: no column matches 'nosuch'"),
        (("--cols", "x"), "at least two columns"),
        (("--out", "a.xlsx"), "expected --out to end in one of .csv, .parquet"),
        (("--out", "no/a.csv"), "a file in a folder that is there"),
        (("--out", "one", "--out", "two"), "expected one folder among --out"),
        (("--groups", "z"), "'z' matches no group"),
        (("--budget", "-1"), "expected a budget of 0 seconds or more"),
        (("--executor", "nosuch"), "nosuch"),
    ],
)
def test_wrong_arguments_of_a_matrix_are_refused(mist, here, arguments, message):
    done = mist("matrix", "data.csv", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert sorted(path.name for path in here.iterdir()) == ["data.csv"]


def test_very_many_columns_are_refused_with_their_cost(mist, here):
    names = ",".join(f"c{place}" for place in range(20_000))
    Path("wide.csv").write_text(f"{names}\n" + f"{','.join('1' * 20_000)}\n" * 2)
    done = mist("matrix", "wide.csv")
    assert done.exit_code == 2
    assert "199,990,000 pairs of columns take at least" in done.stderr
    assert "--cols" in done.stderr
    assert "--budget" in done.stderr


def test_a_ranking_is_a_table_with_an_order(mist, here):
    done = mist("rank", "data.csv", "--target", "y")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1].split()[0] == "x"
    assert "the column chosen tells" in done.stdout
    assert "the best column that is left adds no more than chance; p of what the next one adds: " in done.stdout
    assert "left out: constant" in done.stdout


def test_a_ranking_is_json_and_written(mist, here):
    done = mist("rank", "data.csv", "--target", "y", "--k", "2", "--method", "mrmr", "--json", "--out", "r.csv")
    found = json.loads(done.stdout)
    assert found["schema"] == "mist.rank/1"
    fields = ["name", "mi", "stderr", "p_value", "q_value", "order", "adds", "total"]
    assert set(fields) <= set(found["features"][0])
    assert [one["order"] for one in found["features"]] == [1, 2, None, None]
    assert pd.read_csv("r.csv")["name"].tolist() == [one["name"] for one in found["features"]]
    assert mist("rank", "data.csv", "--target", "y", "--out", "r.parquet").exit_code == 0
    assert mist("rank", "data.csv", "--target", "y", "--out", "r.json").exit_code == 0
    assert json.loads(Path("r.json").read_text())["schema"] == "mist.rank/1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing option '--target'"),
        (("--target", "y", "--cols", "x,y"), "'y' is the target and a feature too"),
        (("--target", "constant"), "column 'constant' is constant"),
        (("--target", "y", "--out", "r.txt"), "expected --out to end in .csv, .parquet, .json"),
        (("--target", "y", "--given", "x", "--cols", "x"), "'x' is given or the group and a feature too"),
    ],
)
def test_wrong_arguments_of_a_ranking_are_refused(mist, here, arguments, message):
    done = mist("rank", "data.csv", *arguments)
    assert done.exit_code in (1, 2)
    assert message in done.stderr
