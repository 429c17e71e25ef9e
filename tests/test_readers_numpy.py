from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mistcli.errors import DataError, MistError
from mistcli.readers.npy import NpyReader
from mistcli.readers.npz import NpzReader

MATRIX = np.arange(12.0).reshape(4, 3)


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def lying(shape, descr="<f8", payload=b"x" * 80):
    """An NPY file whose header claims this shape."""
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode("latin-1") + payload


def npz(*, compression=zipfile.ZIP_DEFLATED, **arrays):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, array in arrays.items():
            archive.writestr(f"{name}.npy", array if isinstance(array, bytes) else npy(array))
    return file.getvalue()


@pytest.fixture
def read(tmp_path):
    """Write a file, and read all of its columns, or those that are named."""

    def run(content, *names, reader=None):
        path = tmp_path / "data.np"
        path.write_bytes(content)
        reader = reader or (NpzReader() if content.startswith(b"PK") else NpyReader())
        return reader.read(path, names or [column.name for column in reader.columns(path)])

    return run


def test_the_columns_of_a_matrix_are_named_by_position(read):
    table = read(npy(MATRIX))
    assert list(table) == ["[0]", "[1]", "[2]"]
    assert table["[1]"].tolist() == [1, 4, 7, 10]
    assert list(read(npy(MATRIX[:, 0]))) == ["[0]"]
    assert list(read(npy(np.asfortranarray(MATRIX)), "[2]")) == ["[2]"]


def test_a_structured_array_is_read_by_its_fields(read):
    table = read(npy(np.array([(1, 2.5, b"u")], dtype=[("a", ">i4"), ("é", "f4"), ("s", "S2")])))
    assert {name: (values.dtype.str, values.tolist()) for name, values in table.items()} == {
        "a": ("<i4", [1]),
        "é": ("<f8", [2.5]),
        "s": ("|O", ["u"]),
    }


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        ("<f4", "f"),
        (">f8", "f"),
        ("<f2", "f"),
        (">i2", "i"),
        ("u8", "u"),
        ("?", "b"),
        ("<U3", "O"),
        ("S3", "O"),
    ],
)
def test_types(read, dtype, kind):
    column = read(npy(np.array([1, 0, 1]).astype(dtype)))["[0]"]
    assert column.dtype.kind == kind
    assert column.dtype.isnative
    if kind == "f":
        assert column.dtype == np.float64


def test_dates_stay_dates(read):
    days = np.array(["2024-01-01", "NaT"], dtype=">M8[D]")
    assert read(npy(days))["[0]"].dtype == np.dtype("<M8[D]")


def test_an_archive_names_columns_after_its_arrays(read):
    table = read(npz(a=np.arange(4), b=MATRIX, c=np.array(["u", "v", "u", "v"])))
    assert list(table) == ["a", "b_1", "b_2", "b_3", "c"]
    assert table["b_3"].tolist() == [2, 5, 8, 11]
    assert table["c"].tolist() == ["u", "v", "u", "v"]
    assert list(read(npz(a=np.arange(4), b=MATRIX), "b_2", "a")) == ["b_2", "a"]


def test_types_of_columns_come_from_headers(tmp_path):
    path = tmp_path / "data.npz"
    path.write_bytes(npz(a=np.arange(4, dtype="i2"), b=np.zeros((2, 2, 2)), o=npy(np.array([{}]), allow_pickle=True)))
    told = [(column.name, column.dtype) for column in NpzReader().columns(path)]
    assert told == [("a", "int16"), ("b", "float64 (2, 2, 2)"), ("o", "object")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            npy(np.array([{}], dtype=object), allow_pickle=True),
            "'data.np' holds Python objects, which are never loaded",
        ),
        (pickle.dumps([1.0]), r"'data.np' is not a file of NumPy \(pickles are never loaded\)"),
        (
            npy(np.arange(9.0))[:-3],
            "'data.np' is cut off: its header promises more values than the file holds",
        ),
        (npy(np.arange(9.0))[:50], "'data.np' is not a file of NumPy"),
        (lying("(99999999999,)"), "'data.np' is cut off: its header promises more values"),
        (lying("(4611686018427387904, 4)"), "'data.np' is cut off: its header promises more values"),
        (lying("(-1,)"), "'data.np' is not a file of NumPy .* negative dimensions"),
        (lying("(True,)"), "'data.np' is not a file of NumPy"),
        (lying("(" * 90), "'data.np' is not a file of NumPy"),
        (lying("(2, 2)", "<U0"), "'data.np' holds values of no size"),
        (lying("(1, 10)", "|O"), "'data.np' holds Python objects"),
        (npy(np.zeros((1, 100_001), bool)), "'data.np' has 100,001 columns; at most 100,000 are read"),
        (npy(np.float64(3)), r"'data.np' holds an array of shape \(\); expected \(N,\) or \(N, D\)"),
        (npy(np.zeros((2, 2, 2))), r"'data.np' holds an array of shape \(2, 2, 2\)"),
        (lying("(2,)", "<U2", b"\0\0\x7f\x7f" * 4), r"column '\[0\]' holds texts of what are no characters"),
        (npy(np.zeros(3, complex)), r"column '\[0\]' holds values of type complex128"),
        (npy(np.zeros(3, "V4")), r"column '\[0\]' holds values of type"),
        (b"\x93NUMPY\x09\x00", "'data.np' is not a file of NumPy"),
    ],
)
def test_a_bad_array_is_told(read, content, message):
    with pytest.raises(DataError, match=message):
        read(content, reader=NpyReader())


def test_a_header_that_lies_costs_no_memory(read, monkeypatch):
    def never(*_, **__):
        raise AssertionError("an array was allocated")

    monkeypatch.setattr(np, "empty", never)
    with pytest.raises(DataError, match="header promises more values"):
        read(lying("(99999999999,)"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npz(a=np.arange(9.0))[:-30], "'data.np' is not a complete NPZ file: File is not a zip file"),
        (b"PK\x03\x04junk", "'data.np' is not a complete NPZ file"),
        (npz(a=b"no array"), "'data.np' is not a complete NPZ file: .*magic string"),
        (
            npz(a=npy(np.arange(9.0))[:-8]),
            "array 'a' of 'data.np' is damaged: its header promises 200 bytes, it has 192",
        ),
        (npz(a=lying("(99999999999,)")), "array 'a' of 'data.np' is damaged: its header promises"),
        (npz(a=lying("(0, 99999999999)", payload=b"")), "'data.np' has more than 100,000 columns"),
        (npz(a=lying("(9,)", "<U0", b"")), "array 'a' of 'data.np' is damaged"),
        (
            npz(a=npy(np.array([{}]), allow_pickle=True)),
            "array 'a' of 'data.np' holds Python objects, which are never",
        ),
        (
            npz(a=np.zeros((2, 2, 2))),
            r"array 'a' of 'data.np' is float64 \(2, 2, 2\); expected an array \(N,\)",
        ),
        (npz(a=np.zeros(2, [("b", "f4")])), "array 'a' of 'data.np' is .*; expected an array"),
        (npz(a=MATRIX, a_2=np.arange(4)), "'data.np' has several columns named 'a_2'; rename one"),
        (npz(a=np.zeros(3, complex)), "column 'a' holds values of type complex128"),
    ],
)
def test_a_bad_archive_is_told(read, content, message):
    with pytest.raises(DataError, match=message):
        read(content, reader=NpzReader())


def test_damaged_data_are_told(read):
    content = bytearray(npz(a=np.random.default_rng(0).normal(size=500), compression=zipfile.ZIP_STORED))
    content[2000] ^= 1
    with pytest.raises(DataError, match="is not a complete NPZ file: Bad CRC-32"):
        read(bytes(content))


def test_a_bomb_is_refused(read, monkeypatch):
    bomb = npz(a=np.zeros(1 << 20))
    monkeypatch.setattr("mistcli.readers.npz.RATIO_MATTERS", 1 << 20)
    with pytest.raises(DataError, match=r"array 'a' of 'data.np' unpacks to more than 500 times its size"):
        read(bomb)


def test_an_archive_larger_than_memory_is_refused(read, monkeypatch):
    monkeypatch.setattr("mistcli.readers.memory.available", lambda: 1000)
    with pytest.raises(DataError, match=r"'data.np' needs 0.0 GB of memory for the columns that are asked for"):
        read(npz(a=np.zeros(1000)))


ARRAYS = hnp.arrays(
    hnp.integer_dtypes() | hnp.floating_dtypes(endianness=">") | hnp.boolean_dtypes(),
    hnp.array_shapes(min_dims=1, max_dims=2, max_side=4),
)


@given(ARRAYS)
@settings(max_examples=60, deadline=None)
def test_any_array_comes_back(tmp_path_factory, array):
    matrix = array.reshape(len(array), -1)
    for content, reader in ((npy(array), NpyReader()), (npz(a=array), NpzReader())):
        path = tmp_path_factory.getbasetemp() / "any.np"
        path.write_bytes(content)
        table = reader.read(path, [column.name for column in reader.columns(path)])
        for index, values in enumerate(table.values()):
            np.testing.assert_array_equal(values, matrix[:, index].astype(values.dtype))


@given(st.data(), st.sampled_from([npy(MATRIX), npz(a=MATRIX, b=np.arange(4)), lying("(3, 2)")]))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_told(tmp_path_factory, data, good):
    content = bytearray(good)
    for position, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)), min_size=1, max_size=4)
    ):
        content[position] = value
    del content[data.draw(st.integers(1, len(content))) :]
    path = tmp_path_factory.getbasetemp() / "fuzz.np"
    path.write_bytes(content)
    for reader in (NpyReader(), NpzReader()):
        try:
            reader.read(path, [column.name for column in reader.columns(path)])
        except MistError as error:
            message = str(error)
            assert message.isprintable()
