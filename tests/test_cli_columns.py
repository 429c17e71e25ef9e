from __future__ import annotations

import json

import numpy as np
import pytest


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("id,f1_1,f1_2,f2\n1,2,3,4\n")
    return path


def test_columns_are_listed_by_position_and_name(mist, table):
    result = mist("columns", table)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["[0]  id", "[1]  f1_1", "[2]  f1_2", "[3]  f2"]
    assert result.stderr == ""


def test_what_selectors_take_is_marked(mist, table):
    lines = mist("columns", table, "--x", "f1", "--y", "f2").stdout.splitlines()
    assert lines == ["[0]     id", "[1]  x  f1_1", "[2]  x  f1_2", "[3]  y  f2"]
    assert "[1]  x  f1_1" in mist("columns", table, "--x", "f1").stdout


def test_types_are_shown_where_the_file_says_them(mist, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 2), dtype=np.float32))
    assert mist("columns", tmp_path / "a.npy").stdout.splitlines() == [
        "[0]  float32  [0]",
        "[1]  float32  [1]",
    ]


def test_json(mist, table):
    data = json.loads(mist("columns", table, "--json", "--y", "f2").stdout)
    assert data["schema"] == "mist.columns/1"
    assert data["columns"][0] == {"position": 0, "name": "id", "type": None, "side": None}
    assert data["columns"][3] == {"position": 3, "name": "f2", "type": None, "side": "y"}


def test_names_cannot_write_to_the_terminal(mist, tmp_path):
    path = tmp_path / "data.csv"
    path.write_text('"\x1b[31mred","[bold]b[/bold]","two\nlines"\n1,2,3\n')
    lines = mist("columns", path).stdout.splitlines()
    assert lines == [r"[0]  \x1b[31mred", "[1]  [bold]b[/bold]", r"[2]  two\nlines"]
    names = [column["name"] for column in json.loads(mist("columns", path, "--json").stdout)["columns"]]
    assert names == ["\x1b[31mred", "[bold]b[/bold]", "two\nlines"]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["nope.csv"], 1, "there is no file"),
        (["data.csv", "--x", "f3"], 2, "x: no column matches 'f3'; nearest: 'f2'"),
        (["data.csv", "--x", "f1", "--y", "f1_1"], 2, "x and y share 'f1_1'"),
        (["data.csv", "--reader", "nope"], 2, "unknown reader 'nope'"),
        (["data.csv", "--reader", "csv:sep=;"], 2, "'sep' is not an option of reader 'csv'"),
        (["data.csv", "--reader", "csv:decimal=x"], 2, "'decimal' of reader 'csv' takes str, one of"),
        (["data.csv", "--reader", "npy"], 1, "is not a file of NumPy"),
    ],
)
def test_errors(mist, table, monkeypatch, args, code, message):
    monkeypatch.chdir(table.parent)
    result = mist("columns", *args)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_csv_is_listed_without_anything_heavy(site, table):
    code = (
        "import sys; from mistcli.cli.group import mist; "
        f"mist(['columns', {str(table)!r}, '--x', 'f1'], standalone_mode=False); "
        "print([name for name in ('torch', 'pandas', 'numpy', 'scipy', 'pyarrow') if name in sys.modules])"
    )
    assert site.python("-c", code).stdout.splitlines()[-1] == "[]"
