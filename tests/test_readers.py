from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mistcli.errors import ConfigError, DataError, PluginError
from mistcli.plugin import ReaderSpec, hookimpl, option
from mistcli.plugin.registry import Registry
from mistcli.readers import Column, Reader
from mistcli.readers.memory import available
from mistcli.readers.source import open_source

REGISTRY = Registry(discover=False)
FRAME = pd.DataFrame({"a": [1.5, 2.5], "b": [3, 4], "s": ["u", "v"]})


class WordsReader(Reader):
    """Reads nothing, in many ways."""

    def __init__(self, *, fail=""):
        self.fail = fail

    def columns(self, path):
        return [] if self.fail == "columns" else [Column("a"), Column("b")]

    def read(self, path, names):
        if self.fail == "read":
            raise KeyError("oops")
        return {"a": np.zeros(2), "b": np.zeros(3 if self.fail == "length" else 2)}


class Plugin:
    """A plugin that brings readers."""

    def __init__(self, *specs):
        self.specs = specs

    @hookimpl
    def mist_readers(self):
        return self.specs


def words(name="words", **facts):
    from dataclasses import make_dataclass

    options = make_dataclass("Options", [("fail", str, option("", help="How to fail."))], frozen=True)
    return ReaderSpec(name, f"{__name__}:WordsReader", "Words.", options=options, **facts)


def with_plugins(*specs):
    return Registry(discover=False, plugins=[Plugin(*specs)])


def write(folder, name):
    path = folder / name
    if name.endswith(".npz"):
        np.savez(path, **{name: FRAME[name].to_numpy(str if name == "s" else None) for name in FRAME})
    elif ".parquet" in name:
        FRAME.to_parquet(path)
    elif ".feather" in name:
        FRAME.to_feather(path)
    else:
        FRAME.to_csv(path, index=False, sep="\t" if ".tsv" in name else ",")
    return path


@pytest.mark.parametrize("name", ["a.csv", "A.CSV", "a.tsv", "a.txt", "a.csv.gz", "a.npz", "a.parquet", "a.feather"])
def test_the_same_table_comes_from_every_format(tmp_path, name):
    source = open_source(write(tmp_path, name), REGISTRY)
    assert [column.name for column in source.columns()] == ["a", "b", "s"]
    table = source.read(["s", "a", "b"])
    assert list(table) == ["s", "a", "b"]
    assert [values.tolist() for values in table.values()] == [["u", "v"], [1.5, 2.5], [3, 4]]
    assert [values.dtype.kind for values in table.values()] == ["O", "f", "i"]


@pytest.mark.parametrize(("name", "reader"), [("a.npz", "npz"), ("a.parquet", "parquet"), ("a.feather", "feather")])
def test_a_file_is_known_by_how_it_begins(tmp_path, name, reader):
    path = write(tmp_path, name).rename(tmp_path / "data.unknown")
    assert open_source(path, REGISTRY).describe()["name"] == reader


def test_a_reader_can_be_chosen_with_options(tmp_path):
    path = tmp_path / "data.unknown"
    path.write_text("a;b\n1,5;2\n")
    source = open_source(path, REGISTRY, "csv:delimiter=;,decimal=,")
    assert source.read(["a"])["a"].tolist() == [1.5]
    assert source.describe()["name"] == "csv"
    assert source.describe()["options"]["decimal"] == ","
    assert source.describe()["encoding"] == "utf-8"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dta.csv", "there is no file '.*dta.csv'. Did you mean 'data.csv'?"),
        ("data.csv/x", "there is no file '.*data.csv/x'"),
        ("nope/data.csv", "there is no file"),
        (".", "is a directory; name a file in it"),
        ("empty.csv", "'.*empty.csv' is empty"),
        ("x" * 300, "cannot be read: File name too long"),
        ("nul\0l.csv", r"'.*nul\\x00l.csv' cannot be read"),
        ("\x1b[31m.csv", r"there is no file '.*\\x1b\[31m.csv'"),
    ],
)
def test_a_path_without_a_file_is_told(tmp_path, name, message):
    (tmp_path / "data.csv").write_text("a\n1\n")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(DataError, match=message):
        open_source(tmp_path / name, REGISTRY)


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="is not a regular file; save it as one"):
        open_source(tmp_path / "pipe.csv", REGISTRY)


def test_a_file_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, "a.csv")
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(DataError, match=r"'.*a.csv' cannot be read: Permission denied"):
        open_source(path, REGISTRY)


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        ("", "no reader knows 'data.unknown' by its name or its first bytes; .* one of: csv, npy, npz"),
        ("cvs", "unknown reader 'cvs'. Did you mean 'csv'?"),
        ("csv:sep=;", "'sep' is not an option of reader 'csv'"),
        ("csv:header=maybe", "option 'header' of reader 'csv' takes bool; got 'maybe'"),
        ("csv:encoding=nope", "unknown encoding 'nope'"),
        (":", "expected NAME or NAME:key=value"),
    ],
)
def test_a_reader_that_is_wrong_is_told(tmp_path, reader, message):
    path = tmp_path / "data.unknown"
    path.write_text("a\n1\n")
    with pytest.raises(ConfigError, match=message):
        open_source(path, REGISTRY, reader).columns()


def test_the_most_specific_pattern_wins(tmp_path):
    registry = with_plugins(words(patterns=("*.words.csv",)))
    path = write(tmp_path, "a.words.csv")
    assert open_source(path, registry).describe()["name"] == "words"
    assert open_source(write(tmp_path, "a.csv"), registry).describe()["name"] == "csv"


def test_a_built_in_reader_keeps_its_files(tmp_path):
    registry = with_plugins(words(patterns=("*.csv",)))
    assert open_source(write(tmp_path, "a.csv"), registry).describe()["name"] == "csv"


def test_readers_of_strangers_for_one_file_are_told(tmp_path):
    registry = with_plugins(words(patterns=("*.w",)), words("other", magic=(b"a,",), patterns=("*.w",)))
    path = write(tmp_path, "a.csv").rename(tmp_path / "a.w")
    with pytest.raises(ConfigError, match=r"several readers know 'a.w'; choose with --reader, one of: other, words"):
        open_source(path, registry)
    assert open_source(path, registry, "other").describe()["name"] == "other"
    assert open_source(path.rename(tmp_path / "a.z"), registry).describe()["name"] == "other"


@pytest.mark.parametrize(
    ("fail", "error", "message"),
    [
        ("columns", DataError, "'a.csv' has no columns"),
        ("read", PluginError, "reader 'words' failed on 'a.csv': KeyError: 'oops'"),
        ("length", DataError, "expected columns of one length; got 'a' 2, 'b' 3"),
    ],
)
def test_a_reader_that_fails_is_told(tmp_path, fail, error, message):
    source = open_source(write(tmp_path, "a.csv"), with_plugins(words()), f"words:fail={fail}")
    with pytest.raises(error, match=message):
        source.columns() and source.read(["a", "b"])


def test_arrays_of_different_lengths_are_no_table(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.zeros(3), b=np.zeros(4), c=np.zeros(3))
    source = open_source(tmp_path / "a.npz", REGISTRY)
    assert list(source.read(["a", "c"])) == ["a", "c"]
    with pytest.raises(DataError, match="expected columns of one length; got 'a' 3, 'b' 4"):
        source.read(["a", "b"])


def test_some_memory_is_available():
    assert available() > 1 << 20
