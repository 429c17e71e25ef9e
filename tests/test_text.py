from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistcli.text import listed, printable


@pytest.mark.parametrize("nasty", ["\x1b]0;title\x07", "a\nb", "a\rb", "\u202ecba", "\ud800", "a\u2028b", "\x9b31m"])
def test_what_a_terminal_obeys_is_escaped(nasty):
    assert printable(nasty).isprintable()
    assert "\\" in printable(nasty)


@given(st.text())
def test_any_text_becomes_one_printable_line(text):
    assert printable(text).isprintable()


def test_long_texts_are_cut():
    assert printable("x" * 100) == "x" * 80 + "…"
    assert printable("x" * 80) == "x" * 80


def test_a_long_list_says_how_many_more():
    assert listed(list("abc")) == "'a', 'b', 'c'"
    assert listed(list("abcdefghij")).endswith("'h' and 2 more")
