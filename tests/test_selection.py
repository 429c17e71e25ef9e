from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mistcli.data.selection import quote, resolve, select
from mistcli.errors import ConfigError, MistError

COLUMNS = ["id", "f1_2", "f1_1", "f1_10", "f2", "gene_a", "gene_b", "age", "a,b", "x y"]
ODD = ["2019", "a", "a:b", "b", "gene_*", "gene_1", "[0]", "!a", '"q"', "q", "/a/", "f1", "f1_1", " pad "]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("age", ["age"]),
        (" age , id ", ["age", "id"]),
        ("age,age", ["age"]),
        ("age,", ["age"]),
        ("f1", ["f1_1", "f1_2", "f1_10"]),
        ("gene_*", ["gene_a", "gene_b"]),
        ("f1_[12]", ["f1_2", "f1_1"]),
        ("gene_?,f2", ["gene_a", "gene_b", "f2"]),
        ("f2:age", ["f2", "gene_a", "gene_b", "age"]),
        ("f2:f2", ["f2"]),
        (":f1_2", ["id", "f1_2"]),
        ("age:", ["age", "a,b", "x y"]),
        ('age:"a,b"', ["age", "a,b"]),
        ('"a,b":"x y"', ["a,b", "x y"]),
        ("/^f/", ["f1_2", "f1_1", "f1_10", "f2"]),
        ("/_(a|b)$/", ["gene_a", "gene_b"]),
        ("/,/", ["a,b"]),
        ('"a,b"', ["a,b"]),
        ("x y", ["x y"]),
        ("[0]", ["id"]),
        ("[-1]", ["x y"]),
        ("[0:2]", ["id", "f1_2"]),
        ("[-2:]", ["a,b", "x y"]),
        ("[::4]", ["id", "f2", "a,b"]),
        ("[::-1],!f1,!/gene/", ["x y", "a,b", "age", "f2", "id"]),
        ("!f1", ["id", "f2", "gene_a", "gene_b", "age", "a,b", "x y"]),
        ("f1,!f1_2", ["f1_1", "f1_10"]),
        ("!f1_2,f1", ["f1_1", "f1_10"]),
        ("! f1 , ! /./,age", None),
    ],
)
def test_the_grammar(selector, expected):
    if expected is None:
        with pytest.raises(ConfigError, match="takes all of them away again"):
            select(COLUMNS, selector)
    else:
        assert select(COLUMNS, selector) == expected


@pytest.mark.parametrize("name", ODD)
def test_the_name_of_a_column_wins_over_what_it_could_mean(name):
    others = [other for other in ODD if other != name.strip('"')] if name == '"q"' else ODD
    selector = quote(name) if name != name.strip() else name
    assert select(others, selector) == [name]


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("", "x selects no column"),
        ("  ", "x selects no column"),
        (",", "x selects no column"),
        ("agee", "x: no column matches 'agee'; nearest: 'age'"),
        ("AGE", "x: no column matches 'AGE'; nearest: 'age'"),
        ("genea", "nearest: 'gene_a', 'gene_b'"),
        ("zzzzzz", "the columns are 'id', 'f1_2', .* and 2 more"),
        ("zzz*", "no column matches 'zzz\\*'"),
        ("/zzz/", "no column matches '/zzz/'"),
        ("!zzz", "no column matches 'zzz'"),
        ("[10]", r"no column is at \[10\]; the last is \[9\]"),
        ("[3:3]", r"no column matches '\[3:3\]'"),
        ("[::0]", "step of .* cannot be 0"),
        ("[" + "9" * 5000 + "]", "expected at most 1000 characters"),
        ("age:f2", "'age' comes after 'f2' in the file; swap them"),
        ("agee:f2", "no column matches 'agee'; nearest: 'age'"),
        ('"agee"', "no column matches 'agee'; nearest: 'age'"),
        ('"age', "a quote is left open in '\"age'"),
        ("/(/", r"'\(' is not a regular expression: missing \)"),
        ("/[[a]/", "not a regular expression"),
        (f"/{'a' * 1001}/", "expected at most 1000 characters"),
        ("\x1b[31m", r"no column matches '\\x1b\[31m'"),
        ("age,!age", "takes all of them away again"),
    ],
)
def test_a_selector_that_is_wrong_is_told(selector, message):
    with pytest.raises(ConfigError, match=message):
        select(COLUMNS, selector)


def test_both_sides():
    assert resolve(COLUMNS, "f1", "f2") == (["f1_1", "f1_2", "f1_10"], ["f2"])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ("age,f2", "age", "x and y share 'age': a column can be on one side only; .* '!age'"),
        ("f1", "", "y selects no column: expected names out of 'id'"),
        ("nope", "age", "x: no column matches 'nope'"),
        ("age", "nope", "y: no column matches 'nope'"),
    ],
)
def test_sides_that_do_not_go_together_are_told(x, y, message):
    with pytest.raises(ConfigError, match=message):
        resolve(COLUMNS, x, y)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=6, unique=True), st.data())
@example(['"q"', "q"], None)
def test_a_quoted_name_selects_itself(names, data):
    chosen = names if data is None else data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    assert select(names, ",".join(map(quote, chosen))) == chosen


@given(st.text(alphabet='ab_12,:!*?[]()"/\\ -|+^$.', max_size=20))
def test_any_selector_selects_or_is_told(selector):
    try:
        found = select(["a", "b", "a_1", "a_2", "a:b", "[0]"], selector)
    except MistError:
        return
    assert found
    assert len(set(found)) == len(found)


def test_a_hundred_thousand_columns_are_no_trouble():
    names = [f"c_{index}" for index in range(100_000)]
    assert len(select(names, "c,!/9$/")) == 90_000
    with pytest.raises(ConfigError, match="nearest: 'c_1'"):
        select(names, "c-1")
