from __future__ import annotations

import codecs
import csv
import gzip
import io
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mistcli.errors import ConfigError, DataError, MistError
from mistcli.readers import csv as csv_reader
from mistcli.readers.csv import CsvReader

NUMBERS = [1.5, -2.25, 1e300, 5e-324, 0.1, 123456789.123456789]


@pytest.fixture
def read(tmp_path):
    """Write a file and read all of its columns, or those that are named."""

    def run(content, *names, name="data.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        reader = CsvReader(**options)
        return reader.read(path, names or [column.name for column in reader.columns(path)])

    return run


def lists(table):
    return {name: values.tolist() for name, values in table.items()}


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(read, mark):
    assert lists(read(f"a{mark}b\n1{mark}2.5\n3{mark}4\n")) == {"a": [1, 3], "b": [2.5, 4.0]}


@pytest.mark.parametrize(("word", "mark"), [("tab", "\t"), ("\\t", "\t"), ("space", " "), ("x", "x")])
def test_the_delimiter_can_be_said(read, word, mark):
    assert lists(read(f"a{mark}b\n1{mark}2\n", delimiter=word)) == {"a": [1], "b": [2]}


@pytest.mark.parametrize("mark", ["ab", '"', "\n", "é"])
def test_a_wrong_delimiter_is_told(mark):
    with pytest.raises(ConfigError, match="expected one character, tab or space as the delimiter"):
        CsvReader(delimiter=mark)


def test_commas_as_decimal_marks(read):
    assert lists(read("a;b\n1,5;2\n3;-4,5e1\n", decimal=",")) == {"a": [1.5, 3.0], "b": [2, -45]}


def test_only_named_columns_are_read_in_the_order_that_is_asked_for(read):
    assert list(read("a,b,c\n1,2,3\n", "c", "a")) == ["c", "a"]


def test_numbers_keep_every_bit(read):
    assert read("a\n" + "\n".join(map(repr, NUMBERS)) + "\n")["a"].tolist() == NUMBERS


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["1", "-2", "003"], "i", [1, -2, 3]),
        (["1", "18446744073709551615"], "u", [1, 2**64 - 1]),
        (["9007199254740993", "1"], "i", [2**53 + 1, 1]),
        (["9007199254740993", ""], "O", [2**53 + 1, None]),
        (["36893488147419103233", "5"], "O", [2**65 + 1, 5]),
        (["36893488147419103233", "NA"], "O", [2**65 + 1, None]),
        ([" 1.5", "2 "], "f", [1.5, 2.0]),
        ([".5", "5.", "1E5", "+1"], "f", [0.5, 5.0, 1e5, 1.0]),
        (["inf", "-Infinity"], "f", [np.inf, -np.inf]),
        (["True", "false", "TRUE"], "b", [True, False, True]),
        (["True", ""], "O", ["True", None]),
        (["u", "", "v", "null"], "O", ["u", None, "v", None]),
        ([" u ", "u"], "O", ["u", "u"]),
        (["1", "u"], "O", ["1", "u"]),
        (['"a,b"', '"c\nd"', '"e""f"'], "O", ["a,b", "c\nd", 'e"f']),
        (['5" pipe', "6"], "O", ['5" pipe', "6"]),
    ],
)
def test_the_type_of_a_column_is_that_of_all_its_values(read, values, kind, expected):
    column = read("a,z\n" + "".join(f"{value},0\n" for value in values))["a"]
    assert column.dtype.kind == kind
    assert column.tolist() == expected


@pytest.mark.parametrize("value", ["", "NA", "nan", "NaN", "null", "None", "N/A", "#N/A", '""', '"NA"'])
def test_missing_values(read, value):
    column = read(f"a,b\n1.5,2\n{value},3\n")["a"]
    assert np.isnan(column[1])


def test_more_texts_can_mean_missing(read):
    assert np.isnan(read("a,b\n1,2\n?,3\n", missing=("?",))["a"][1])


def test_dates(read):
    table = read("a,b,c\n2024-01-02,2024-01-02 03:04:05,2024-01-02T03:04:05Z\n,2024-01-02T03:04:05.5,\n")
    assert {values.dtype.kind for values in table.values()} == {"M"}
    assert np.isnat(table["a"][1])
    assert table["c"][0] == np.datetime64("2024-01-02T03:04:05")


def test_a_type_found_late_holds_for_all(read):
    column = read("a\n" + "1\n" * 5000 + "1.5\n")["a"]
    assert column.dtype == np.float64
    assert column[0] == 1.0


def test_headers_of_any_kind(read):
    table = read('"a,b","c\nd","\x1b[31me","[bold]f[/bold]","g""h", i ,\n1,2,3,4,5,6,7\n')
    assert list(table) == ["a,b", "c\nd", "\x1b[31me", "[bold]f[/bold]", 'g"h', "i", "[6]"]
    assert [values.tolist() for values in table.values()] == [[number] for number in range(1, 8)]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_header_of_any_names_comes_back(tmp_path_factory, data):
    allowed = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1, max_size=6)
    names = data.draw(st.lists(allowed.filter(str.strip), min_size=1, max_size=6, unique_by=str.strip))
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([names, range(len(names))])
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    reader = CsvReader(delimiter=",")
    assert [column.name for column in reader.columns(path)] == [name.strip() for name in names]
    table = reader.read(path, [name.strip() for name in names])
    assert [values.tolist() for values in table.values()] == [[number] for number in range(len(names))]


def test_a_header_of_many_columns(read):
    names = [f"gene_{index}" for index in range(30_000)]
    rows = ",".join(names) + "\n" + ",".join(map(str, range(30_000))) + "\n"
    assert lists(read(rows, "gene_7", "gene_29999")) == {"gene_7": [7], "gene_29999": [29999]}


def test_no_header(read):
    assert lists(read("1,2\n3,4\n", header=False)) == {"[0]": [1, 3], "[1]": [2, 4]}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blank_lines_and_line_ends(read, end):
    assert lists(read(end.join(["", "a,b", "1,2", "", "3,4"]))) == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding(read, encoding):
    assert lists(read("é,b\nü,2\n".encode(encoding))) == {"é": ["ü"], "b": [2]}
    assert lists(read(gzip.compress("é,b\nü,2\n".encode(encoding)))) == {"é": ["ü"], "b": [2]}


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le", "cp1252"])
def test_the_encoding_can_be_said(read, encoding):
    assert lists(read("é,b\nü,2\n".encode(encoding), encoding=encoding)) == {"é": ["ü"], "b": [2]}


@pytest.mark.parametrize("encoding", ["nope", "zlib", "hex"])
def test_an_unknown_encoding_is_told(read, encoding):
    with pytest.raises(ConfigError, match=f"unknown encoding '{encoding}'; expected one such as utf-8"):
        read("a\n1\n", encoding=encoding)


@pytest.mark.parametrize("name", ["data.csv.gz", "data.csv"])
def test_gzip(read, name):
    assert lists(read(gzip.compress(b"a,b\n1,2\n"), name=name)) == {"a": [1], "b": [2]}


def test_what_was_decided_is_described(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(codecs.BOM_UTF8 + b"a;b\n1;2\n")
    reader = CsvReader()
    reader.read(path, ["a"])
    assert reader.describe() == {"delimiter": ";", "encoding": "utf-8-sig"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\n\n", "'data.csv' is empty; expected a header that names the columns"),
        ("\ufeff", "'data.csv' is empty; expected a header"),
        ("a,b\n", "'data.csv' has a header and no rows"),
        ("a,b", "'data.csv' has a header and no rows"),
        ("a,b\n\n\n", "'data.csv' has a header and no rows"),
        ("a,b\n1,2\n\n3\n", "'data.csv' is ragged: expected 2 values a row, got 1 in line 4"),
        ("a,b\n1,2\n3,4,5\n", "'data.csv' is ragged: expected 2 values a row, got 3 in line 3"),
        ('"a\na",b\n"1\n1",2\n3\n', "is ragged: expected 2 values a row, got 1 in line 5"),
        ("a,a,b,b\n1,2,3,4\n", "'data.csv' has several columns named 'a', 'b'; rename one"),
        ("a, a\n1,2\n", "'data.csv' has several columns named 'a'"),
        ("a,b\n1,\0\n", "'data.csv' is not a text file: it has a NUL byte in line 2; if it is UTF-16, pass"),
        ("a,\0b\n1,2\n", "has a NUL byte in line 1"),
        ("a,b\n1,2\n".encode("utf-16-le"), "NUL byte in line 1; if it is UTF-16, .* csv:encoding=utf-16-le"),
        (
            "a,b\n1,2\n2,é\n".encode("latin-1"),
            "'data.csv' is not UTF-8: byte 0xe9 in line 3; save it as UTF-8",
        ),
        ("é,b\n1,2\n".encode("latin-1"), "byte 0xe9 in line 1; .* --reader csv:encoding=latin-1"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], "'data.csv' is not UTF-16"),
        (
            "a,b\r1,2\r",
            "'data.csv' cannot be read as CSV: new-line character seen in unquoted field in the header",
        ),
        (
            gzip.compress(b"a,b\n1,2\n" * 9999)[:-20],
            "'data.csv' is cut off or damaged: Compressed file ended",
        ),
        (gzip.compress(b"a,b\n1,2\n")[:5], "'data.csv' is cut off or damaged"),
        (b"\x1f\x8b" + b"x" * 50, "'data.csv' is cut off or damaged: Unknown compression method"),
        (
            "a\n" + "1\n" * 20 + "oops\n2\nx\n",
            "column 'a' holds numbers, but 'oops' in line 22, and 1 more like it",
        ),
        (
            "a\n" + "1\n" * 20 + '"\x1b[31m"\n',
            r"but '\\x1b\[31m' in line 22; correct it, or pass --reader 'csv:miss",
        ),
        ("a," * 100_000 + "a\n", "'data.csv' has 100,001 columns; at most 100,000 are read"),
    ],
)
def test_a_bad_file_is_told(read, content, message):
    with pytest.raises(DataError, match=message):
        read(content)


def test_texts_that_look_like_numbers_can_be_read_as_texts(read):
    column = read("a\n" + "401\n" * 20 + "V45\n", text=("a",))["a"]
    assert set(column.tolist()) == {"401", "V45"}


def test_one_endless_line_is_refused_in_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_reader, "LONGEST_LINE", 1 << 20)
    path = tmp_path / "data.csv"
    with path.open("wb") as file:
        for _ in range(16):
            file.write(b"1," * (1 << 19))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"'data.csv' has a line of more than 1 MiB; expected a row a line"):
            CsvReader().columns(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


@pytest.mark.parametrize("start", ["a,b\n", 'a,b\n1,"'])
def test_an_endless_line_after_the_header_is_refused(read, monkeypatch, start):
    monkeypatch.setattr(csv_reader, "LONGEST_LINE", 1 << 16)
    with pytest.raises(DataError, match=r"'data.csv' (has a line of more than|cannot be read as CSV|is ragged)"):
        read(start + "1" * (1 << 18) + ",2\n")


def test_a_bomb_is_refused(read, monkeypatch):
    monkeypatch.setattr("mistcli.readers.decoding.RATIO_MATTERS", 1 << 20)
    bomb = gzip.compress(b"a\n" + b"1\n" * (1 << 22))
    with pytest.raises(DataError, match="unpacks to more than 500 times its size, which no table does"):
        read(bomb)


def test_a_file_larger_than_memory_is_refused(read, monkeypatch):
    monkeypatch.setattr("mistcli.readers.memory.available", lambda: 1000)
    with pytest.raises(DataError, match=r"'data.csv' needs more than the 0.0 GB of memory that are free"):
        read("a\n" + "12345\n" * 1000)


@given(content=st.binary(max_size=200) | st.text('ab,;"\n\r\t 1.', max_size=60).map(str.encode))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_told(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(content)
    reader = CsvReader()
    try:
        names = [column.name for column in reader.columns(path)]
        table = reader.read(path, names)
    except MistError as error:
        message = str(error)
        assert message.isprintable()
        return
    assert list(table) == names
    assert len({len(values) for values in table.values()}) == 1


def test_pandas_reads_the_same(read, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"f": rng.normal(size=500), "i": rng.integers(-9, 9, 500), "s": rng.choice(["u", "v"], 500)})
    frame.loc[3, "f"] = np.nan
    table = read(frame.to_csv(index=False))
    np.testing.assert_array_equal(table["f"], frame["f"])
    np.testing.assert_array_equal(table["i"], frame["i"])
    assert table["s"].tolist() == frame["s"].tolist()


def test_the_header_needs_nothing_heavy_and_the_rows_no_pandas(site, tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b,c\n1,x,2.5\n,y,1\n")
    code = (
        "import sys; from pathlib import Path; from mistcli.readers.csv import CsvReader; "
        f"reader, path = CsvReader(), Path({str(path)!r}); "
        "reader.columns(path); print({'numpy', 'pyarrow'} & set(sys.modules)); "
        "reader.read(path, ['a', 'b', 'c']); print({'pandas', 'torch'} & set(sys.modules))"
    )
    assert site.python("-c", code).stdout.splitlines() == ["set()", "set()"]
