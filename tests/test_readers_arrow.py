from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mistcli.errors import DataError, MistError
from mistcli.readers.feather import FeatherReader
from mistcli.readers.parquet import ParquetReader

KINDS = {"parquet": ParquetReader, "feather": FeatherReader}
DAY = datetime.date(2024, 1, 2)
TIME = datetime.datetime(2024, 1, 2, 3, 4, 5)


def write(table, path):
    table = pa.table(table) if isinstance(table, dict) else table
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path)
    else:
        pyarrow.feather.write_feather(table, path)
    return path


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def read(tmp_path, kind):
    """Write a file of either kind, and read all of its columns, or those that are named."""

    def run(table, *names):
        path = write(table, tmp_path / f"data.{kind}")
        reader = KINDS[kind]()
        return reader.read(path, names or [column.name for column in reader.columns(path)])

    return run


@pytest.mark.parametrize(
    ("values", "kind_of", "expected"),
    [
        (pa.array([1, 2], pa.int8()), "i", [1, 2]),
        (pa.array([1, 2**64 - 1], pa.uint64()), "u", [1, 2**64 - 1]),
        (pa.array([1, None], pa.int32()), "f", [1.0, None]),
        (pa.array([2**53 + 1, None], pa.int64()), "O", [2**53 + 1, None]),
        (pa.array([0.5, None], pa.float32()), "f", [0.5, None]),
        (pa.array(np.array([0.5, 1], np.float16)), "f", [0.5, 1.0]),
        (pa.array([decimal.Decimal("1.25"), None]), "f", [1.25, None]),
        (pa.array([True, False]), "b", [True, False]),
        (pa.array([True, None]), "O", ["True", None]),
        (pa.array(["u", None]), "O", ["u", None]),
        (pa.array(["u", "v"], pa.large_string()), "O", ["u", "v"]),
        (pa.array([b"u", b"v"]), "O", ["u", "v"]),
        (pa.array(["u", None]).dictionary_encode(), "O", ["u", None]),
        (pa.array([DAY, DAY]), "M", [DAY, DAY]),
        (pa.array([TIME, TIME]), "M", [TIME, TIME]),
        (pa.array([TIME, TIME], pa.timestamp("us", "UTC")), "M", [TIME, TIME]),
        (pa.array([datetime.time(0, 1), None]), "f", [60.0, None]),
        (pa.array([datetime.timedelta(1), None], pa.duration("ms")), "f", [86400.0, None]),
        (pa.nulls(2), "f", [None, None]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_types(read, values, kind_of, expected):
    column = read({"a": values})["a"]
    assert column.dtype.kind == kind_of
    got = column.astype("M8[us]").tolist() if kind_of == "M" else column.tolist()
    assert [None if value != value else value for value in got] == [
        datetime.datetime(2024, 1, 2) if value == DAY else value for value in expected
    ]


def test_categories_of_numbers_stay_categories(tmp_path):
    path = write({"a": pa.array([3, 4, 3]).dictionary_encode()}, tmp_path / "data.feather")
    assert FeatherReader().read(path, ["a"])["a"].tolist() == ["3", "4", "3"]


def test_gaps_in_dates(read):
    assert np.isnat(read({"a": pa.array([TIME, None])})["a"]).tolist() == [False, True]


def test_only_named_columns_are_read_in_the_order_that_is_asked_for(read):
    table = read({"a": [1, 2], "b.c": [3, 4], "d": [[1], [2]], "e": ["u", "v"]}, "e", "b.c", "a")
    assert {name: values.tolist() for name, values in table.items()} == {
        "e": ["u", "v"],
        "b.c": [3, 4],
        "a": [1, 2],
    }


def test_chunks_are_joined(read):
    table = pa.table({"a": pa.chunked_array([[1.5, 2.5], [3.5]]), "b": pa.chunked_array([["u"], ["v", "w"]])})
    assert read(table)["b"].tolist() == ["u", "v", "w"]


def test_a_frame_of_pandas_comes_back(tmp_path, kind):
    frame = pd.DataFrame({"f": [0.5, np.nan], "c": pd.Categorical(["u", "v"]), "n": pd.array([1, None], "Int64")})
    path = tmp_path / f"data.{kind}"
    getattr(frame, f"to_{kind}")(path)
    table = KINDS[kind]().read(path, ["f", "c", "n"])
    assert table["c"].tolist() == ["u", "v"]
    assert np.isnan(table["n"][1])


def test_columns_have_types(tmp_path, kind):
    path = write({"a": [1, 2], "b": ["u", "v"], "c": [[1], [2]]}, tmp_path / f"data.{kind}")
    types = [column.dtype for column in KINDS[kind]().columns(path)]
    assert types[:2] == ["int64", "string"]
    assert types[2].startswith("list<")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array([[1], [2]]), "column 'a' holds values of type list<.*>; expected numbers"),
        (pa.array([{"b": 1}, {"b": 2}]), "column 'a' holds values of type struct<b: int64>"),
        (pa.array([b"\xff", b"\xfe"]), "column 'a' holds values of type binary"),
    ],
)
def test_values_of_no_use_are_refused(read, values, message):
    with pytest.raises(DataError, match=message):
        read({"a": values, "b": [1, 2]}, "a", "b")


def test_names_that_come_twice_are_refused(read, kind):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises((DataError, ValueError), match=r"several columns named 'a'|duplicate"):
        read(table)


@pytest.mark.parametrize("part", [0.3, 0.9, 0.99])
def test_a_file_that_is_cut_off_is_told(tmp_path, kind, part):
    path = write({"a": np.arange(1000.0)}, tmp_path / f"data.{kind}")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(DataError, match=f"'data.{kind}' is not a complete {kind.title()} file: .*; write it again"):
        KINDS[kind]().columns(path)


def test_a_file_larger_than_memory_is_refused(read, monkeypatch):
    monkeypatch.setattr("mistcli.readers.memory.available", lambda: 1000)
    monkeypatch.setattr("mistcli.readers.feather.available", lambda: 1000)
    with pytest.raises(DataError, match=r"needs 0.0 GB of memory for the columns that are asked for"):
        read({"a": np.arange(1000.0)})


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_any_damage_is_survived(tmp_path_factory, kind, data):
    path = tmp_path_factory.getbasetemp() / f"fuzz.{kind}"
    table = {"a": np.arange(20.0), "b": list("abcdefghijklmnopqrst"), "c": [None, *range(19)]}
    content = bytearray(write(table, path).read_bytes())
    for position, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), min_size=1, max_size=4)
    ):
        content[position] = value
    path.unlink()
    path.write_bytes(content)
    reader = KINDS[kind]()
    try:
        reader.read(path, [column.name for column in reader.columns(path)])
    except MistError as error:
        message = str(error)
        assert message.isprintable()


def test_neither_needs_pandas(site, tmp_path, kind):
    path = write({"a": [1, None], "b": ["u", None], "c": [TIME, None]}, tmp_path / f"data.{kind}")
    name = KINDS[kind].__name__
    code = (
        f"import sys; from pathlib import Path; from mistcli.readers.{kind} import {name}; "
        f"{name}().read(Path({str(path)!r}), ['a', 'b', 'c']); "
        "print({'pandas', 'torch'} & set(sys.modules))"
    )
    assert site.python("-c", code).stdout.strip() == "set()"
