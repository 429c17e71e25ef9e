from __future__ import annotations

import json
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mistcli.config.schema import CleaningConfig
from mistcli.data.cleaning import clean
from mistcli.data.tables import pair_table, table_from
from mistcli.errors import ConfigError, DataError

N = 200
RNG = np.random.default_rng(0)


def normal(n=N):
    return RNG.normal(size=n)


def texts(*values):
    return np.array(values, dtype=object)


def cleaned(x, y=None, **config):
    table = {"a": x, "b": normal(len(x)) if y is None else y}
    return clean(table, ["a"], ["b"], CleaningConfig(**config))


def refused(message, x, y=None, error=DataError, **config):
    with pytest.raises(error, match=message):
        cleaned(x, y, **config)


def test_clean_numbers_pass_as_they_are():
    x, y = normal(), normal()
    out = cleaned(x, y)
    assert out.x.names == ("a",)
    assert out.x.values.shape == (N, 1)
    assert out.x.kinds == ("continuous",)
    np.testing.assert_array_equal(out.x.values[:, 0], x)
    np.testing.assert_array_equal(out.rows, np.arange(N))
    assert out.warnings == ()
    assert out.cleaning.to_dict() == {
        "rows_read": N,
        "rows_used": N,
        "dropped_missing": 0,
        "missing_by_column": {},
        "dropped_columns": [],
        "discrete": [],
        "shifted": [],
        "ties": {"a": 0.0, "b": 0.0},
        "duplicate_rows": 0,
        "repeated_rows": 0,
    }


def test_rows_with_gaps_in_selected_columns_are_dropped_and_counted():
    x, y = normal(), normal()
    x[3] = x[5] = y[5] = np.nan
    table = {"a": x, "b": y, "c": np.full(N, np.nan)}
    out = clean(table, ["a"], ["b"], CleaningConfig())
    assert out.cleaning.rows_used == N - 2
    assert out.cleaning.dropped_missing == 2
    assert out.cleaning.missing_by_column == {"a": 2, "b": 1}
    assert out.warnings == ("2 of 200 rows dropped for missing values ('a' 2, 'b' 1).",)
    assert not {3, 5} & set(out.rows.tolist())
    np.testing.assert_array_equal(out.x.values[:, 0], x[out.rows])


def test_gaps_are_an_error_where_that_is_asked_for():
    x = normal()
    x[:3] = np.nan
    refused(r"3 of 200 rows lack a value \('a' 3\); pass --missing drop", x, missing="error")


def test_too_many_gaps_are_an_error_that_names_the_worst_column():
    x, y = normal(), normal()
    x[:60] = np.nan
    y[:5] = np.nan
    refused(r"60 of 200 rows lack a value, most in 'a' \(60\); leave .* or pass --max-missing 0.3 to drop", x, y)
    assert cleaned(x, y, max_missing=0.3).cleaning.rows_used == 140


def test_no_row_without_gaps_is_an_error():
    x, y = normal(), normal()
    x[:100] = np.nan
    y[100:] = np.nan
    refused("only 0 of 200 rows have a value in every column", x, y, max_missing=1.0)


@pytest.mark.parametrize("empty", [np.full(N, np.nan), texts(*[None] * N), np.full(N, "NaT", "M8[s]")])
def test_a_column_of_gaps_is_an_error(empty):
    refused("column 'a' has no values at all; leave it out", empty)


def test_infinity_is_an_error():
    x = normal()
    x[[1, 2]] = np.inf, -np.inf
    refused("column 'a' holds infinity in 2 of 200 rows", x)


@pytest.mark.parametrize(("rows", "word"), [(0, "none"), (1, "one")])
def test_fewer_than_two_rows_are_an_error(rows, word):
    refused(f"expected at least two rows; got {word}", normal(rows))


def test_columns_of_different_lengths_are_an_error():
    refused("expected columns of one length; got 'a' 200, 'b' 100", normal(), normal(100))


def test_a_constant_column_is_left_out_with_a_warning():
    table = {"a": normal(), "b": np.full(N, 7), "c": texts(*["u"] * N), "d": normal()}
    out = clean(table, ["a", "b", "c"], ["d"], CleaningConfig())
    assert out.x.names == ("a",)
    assert out.cleaning.dropped_columns == ("b", "c")
    assert out.warnings == ("'b', 'c' left out: constant in all rows that are used.",)


@pytest.mark.parametrize("x", [np.full(N, 0.1), np.zeros(N, int), texts(*["u"] * N), np.ones(N, bool)])
def test_a_constant_side_is_an_error(x):
    refused("x is constant: 'a' never changes, so nothing can depend on it", x)


def test_texts_are_discrete_and_sorted():
    out = cleaned(texts(*["red", "blue", "green", "blue"] * 50))
    assert out.x.kinds == ("discrete",)
    assert out.x.levels == (("blue", "green", "red"),)
    assert out.x.values[:4, 0].tolist() == [2, 0, 1, 0]
    assert out.cleaning.discrete == ("a",)
    assert "a" not in out.cleaning.ties


def test_truth_values_are_discrete():
    assert cleaned(np.arange(N) % 2 == 0).x.levels == (("False", "True"),)


def test_integers_of_few_values_are_discrete_and_others_continuous():
    assert cleaned(np.arange(N) % 3 - 1).x.levels == (("-1", "0", "1"),)
    assert cleaned(np.arange(N) % 11).x.levels == (None,)  # 11 of 200 is more than 5 %
    assert cleaned(np.arange(1000) % 21).x.levels == (None,)
    assert cleaned(np.arange(1000) % 20).x.kinds == ("discrete",)


def test_integers_with_gaps_are_treated_like_integers():
    x = (np.arange(N) % 3).astype(float)
    x[7] = np.nan
    assert cleaned(x).x.levels == (("0", "1", "2"),)


def test_floats_of_few_values_are_continuous_with_a_warning():
    out = cleaned(np.arange(N) % 2 * 0.5)
    assert out.x.kinds == ("continuous",)
    assert out.warnings == ("'a' has very few different values; pass --discrete 'a' if they are categories.",)
    assert cleaned(np.arange(N) % 2 * 0.5, discrete="a").x.levels == (("0.0", "0.5"),)


def test_kinds_can_be_chosen():
    assert cleaned(np.arange(N) % 3, continuous="a").x.kinds == ("continuous",)
    assert cleaned(np.arange(N) % 2 == 0, continuous="a").x.values[:2, 0].tolist() == [1, 0]
    assert cleaned(np.arange(N) % 50, discrete="a").x.kinds == ("discrete",)


def test_selectors_of_kinds_refer_to_all_columns():
    table = {"b": np.arange(N) % 50, "c": normal()}
    columns = ["a", "b", "c"]
    assert clean(table, ["b"], ["c"], CleaningConfig(discrete="[1]"), columns=columns).x.kinds == ("discrete",)
    with pytest.raises(ConfigError, match="discrete: 'a' matches no column of x or y: 'b', 'c'"):
        clean(table, ["b"], ["c"], CleaningConfig(discrete="a"), columns=columns)


def test_wrong_choices_of_kinds_are_errors():
    refused("column 'a' holds texts, and cannot be continuous", texts(*["u", "v"] * 100), continuous="a")
    refused(
        "'a' cannot be both discrete and continuous",
        normal(),
        error=ConfigError,
        discrete="a",
        continuous="a",
    )
    refused("discrete: no column matches 'z'", normal(), error=ConfigError, discrete="z")
    refused("column 'a' has 200 different values in 200 rows, too many", normal(), discrete="a")


@pytest.mark.parametrize("x", [np.arange(N), np.arange(N)[::-1] + 1000, RNG.permutation(N).astype(np.uint8)])
def test_integers_that_number_the_rows_are_refused(x):
    refused("column 'a' looks like an identifier: it holds each integer from .* once; leave it out", x)
    assert cleaned(x, continuous="a").x.kinds == ("continuous",)


def test_texts_that_name_the_rows_are_refused():
    refused("column 'a' has 200 different values .* looks like an identifier", texts(*map(str, range(N))))


def test_a_few_rows_of_integers_are_no_identifier():
    assert cleaned(np.arange(10)).x.kinds == ("continuous",)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, object])
def test_integers_beyond_float64_keep_their_differences(dtype):
    base = 2**60 if dtype is not object else 2**80
    steps = np.arange(N) * 3
    out = cleaned(np.array([base + int(step) for step in steps], dtype=dtype))
    np.testing.assert_array_equal(np.diff(out.x.values[:, 0]), np.diff(steps))
    assert out.cleaning.shifted == ("a",)


def test_large_integers_that_float64_holds_are_left_alone():
    x = np.arange(N)[::-1] * 2**54 - 2**61
    out = cleaned(x)
    assert out.x.values[:, 0].tolist() == x.tolist()
    assert out.cleaning.shifted == ()


def test_integers_that_cannot_be_told_apart_are_refused():
    x = np.array([*range(N - 1), 2**62, 2**62 + 1])
    refused("holds integers beyond 2\\^53 that float64 cannot tell apart", x)


def test_integers_beyond_all_floats_are_refused():
    refused("holds integers beyond", texts(*[10**400 + index * 7 for index in range(N)], -(10**400)))


def test_extreme_numbers_survive():
    x = normal() * 1e300
    assert cleaned(x).x.values[:, 0].tolist() == x.tolist()
    tiny = normal() * 5e-324
    assert len(cleaned(tiny).rows) == N


@pytest.mark.parametrize("unit", ["D", "s", "ns"])
def test_dates_become_seconds(unit):
    days = np.datetime64("2024-01-01", "D") + (np.arange(N) % 90).astype("m8[D]")
    out = cleaned(days.astype(f"M8[{unit}]"))
    assert out.x.kinds == ("continuous",)
    assert np.diff(out.x.values[:5, 0]).tolist() == [86400.0] * 4


def test_months_become_seconds_too():
    months = (np.datetime64("2024-01") + (np.arange(N) % 12).astype("m8[M]")).astype("M8[M]")
    assert np.diff(cleaned(months).x.values[:3, 0]).tolist() == [31 * 86400.0, 29 * 86400.0]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (normal() + 1j, "column 'a' holds values of type complex128; expected numbers"),
        (texts(*[{}] * N), "column 'a' holds objects of type dict; expected numbers"),
        (texts(*[1, "a"] * 100), "column 'a' holds objects of type int, str"),
        (np.zeros(N, "V4"), "column 'a' holds values of type"),
        (np.array([b"\xff"] * N), "column 'a' holds bytes that are not UTF-8"),
        (np.zeros(N, "m8"), "no unit"),
    ],
)
def test_values_of_no_use_are_refused(x, message):
    refused(message, x)


def test_ties_and_duplicates_are_counted():
    x = np.array([1.5, 1.5, 2.5, 3.5, -0.0, 0.0])
    y = np.array([1.5, 1.5, 2.5, 2.5, 5.5, 5.5])
    out = cleaned(x, y)
    assert out.cleaning.ties == {"a": pytest.approx(4 / 6), "b": 1.0}
    assert out.cleaning.duplicate_rows == 2


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=60))
def test_duplicates_are_counted_like_in_a_set(rows):
    names = ["a", "b", "c"]
    table = {name: np.array(column, float) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    try:
        out = clean(table, ["a", "b"], ["c"], CleaningConfig())
    except DataError:
        return
    kept = [[row[index] for index, name in enumerate(names) if name in (*out.x.names, *out.y.names)] for row in rows]
    assert out.cleaning.duplicate_rows == len(rows) - len(set(map(tuple, kept)))


def test_the_record_is_json():
    x = normal()
    x[0] = np.nan
    table = {"a": x, "b": np.arange(N) % 2, "c": np.full(N, 3)}
    out = clean(table, ["a", "c"], ["b"], CleaningConfig())
    assert json.loads(json.dumps(out.cleaning.to_dict())) == out.cleaning.to_dict()


def test_names_in_messages_are_harmless():
    table = {"\x1b[31m": np.full(N, np.nan), "b": normal()}
    with pytest.raises(DataError, match=r"column '\\x1b\[31m' has no values"):
        clean(table, ["\x1b[31m"], ["b"], CleaningConfig())


def test_a_million_rows_take_seconds():
    n = 10**6
    table = {f"c{index}": RNG.normal(size=n).round(3 if index % 2 else 9) for index in range(9)}
    table["s"] = texts("u", "v", "w")[RNG.integers(0, 3, n)]
    names = list(table)
    start = time.process_time()
    clean(table, names[:5], names[5:], CleaningConfig())
    assert time.process_time() - start < 5  # about one second on a machine that does nothing else


def test_a_frame_becomes_a_table():
    frame = pd.DataFrame(
        {
            "f": [1.5, None],
            "i": [1, 2],
            "s": ["u", None],
            "o": pd.Series(["u", np.nan], dtype=object),
            "c": pd.Categorical(["u", None]),
            "k": pd.Categorical([3, 4]),
            "n": pd.array([1, None], dtype="Int64"),
            "g": pd.array([0.5, None], dtype="Float64"),
            "b": pd.array([True, None], dtype="boolean"),
            "t": pd.to_datetime(["2024-01-01", None]),
            "z": pd.to_datetime(["2024-01-01", None], utc=True),
            5: [True, False],
        }
    )
    table, names = table_from(frame)
    assert names == [*"fisocKngbtz".lower(), "5"]
    assert [table[name].dtype.kind for name in names] == list("fiOOOOOOOMMb")
    assert table["s"].tolist() == ["u", None]
    assert table["c"].tolist() == ["u", None]
    assert table["k"].tolist() == ["3", "4"]
    assert table["n"].tolist() == [1, None]


def test_a_frame_can_be_cleaned():
    frame = pd.DataFrame({"n": pd.array([*range(0, 400, 2)], dtype="Int64"), "s": ["u", "v"] * 100})
    frame.loc[3, "n"] = pd.NA
    table, _ = table_from(frame)
    out = clean(table, ["n"], ["s"], CleaningConfig())
    assert (out.x.kinds, out.y.kinds, len(out.rows)) == (("continuous",), ("discrete",), N - 1)


def test_a_mapping_becomes_a_table():
    table, names = table_from({"a": [1, 2], "b": torch.tensor([1.0, 2.0]), "c": ["u", "v"], 3: np.arange(2)})
    assert names == ["a", "b", "c", "3"]
    assert table["b"].dtype == np.float64
    assert table["c"].tolist() == ["u", "v"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1, 2], "expected a path, a DataFrame, a mapping of columns or a pair; got list"),
        ({"a": [1, 2], "b": [1]}, "expected columns of one length; got 'a' 2, 'b' 1"),
        ({"a": [[1], [2]]}, r"column 'a' has the shape \(2, 1\); expected \(N,\)"),
        ({"a": [[1], [2, 3]]}, "column 'a' is not an array of numbers or texts"),
        ({"a": 3}, r"column 'a' has the shape \(\)"),
        ({"1": [1], 1: [2]}, "several columns are named '1'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "several columns are named 'a'"),
        ({"a": torch.eye(2).to_sparse()}, "column 'a' is not a dense tensor"),
    ],
)
def test_data_of_another_shape_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        table_from(data)


def test_a_pair_of_arrays_becomes_a_table():
    assert list(pair_table(np.zeros(3), np.zeros(3))) == ["x", "y"]
    assert list(pair_table(np.zeros((3, 1)), np.zeros((3, 2)))) == ["x_1", "y_1", "y_2"]
    grown = torch.zeros(3, 2, requires_grad=True, dtype=torch.bfloat16)
    assert list(pair_table(grown, [1, 2, 3])) == ["x_1", "x_2", "y"]
    assert list(pair_table(pd.Series([1, 2]), pd.DataFrame({"a": [1, 2], "b": [3, 4]}))) == [
        "x",
        "y_1",
        "y_2",
    ]


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros(3), np.zeros(4), "expected columns of one length; got 'x' 3, 'y' 4"),
        (np.zeros((3, 2, 2)), np.zeros(3), r"x has the shape \(3, 2, 2\); expected \(N,\) or \(N, D\)"),
        (np.zeros(3), np.float64(1), r"y has the shape \(\)"),
        (np.zeros((3, 0)), np.zeros(3), r"x has the shape \(3, 0\)"),
    ],
)
def test_a_pair_of_another_shape_is_refused(x, y, message):
    with pytest.raises(DataError, match=message):
        pair_table(x, y)


def test_a_pair_of_objects_is_refused():
    with pytest.raises(DataError, match="column 'x' holds objects of type list"):
        clean(pair_table(np.array([[1], [2], None], dtype=object), [1, 2, 3]), ["x"], ["y"], CleaningConfig())


def test_tables_import_neither_pandas_nor_torch(site):
    code = "import sys; from mistcli.data import tables, cleaning; print({'pandas', 'torch'} & set(sys.modules))"
    assert site.python("-c", code).stdout.strip() == "set()"
    assert "pandas" in sys.modules
