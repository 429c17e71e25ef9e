from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from mistcli.report.terminal import number, show
from mistcli.result import Estimate, Interval


def estimate(**changes):
    values = {
        "nats": 0.83041,
        "stderr": 0.0042,
        "interval": Interval(0.95, 0.822, 0.8386),
        "bound": "lower",
        "n": 99_950,
        "estimator": "js",
        "x": ("f1_1", "f1_2"),
        "y": ("f2",),
        "seconds": 2.345,
    }
    return Estimate(**(values | changes))


def shown(found, *, terminal=False, width=80, **options):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=width, color_system=None, emoji=False)
    show(found, console, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("value", "stderr", "text"),
    [
        (0.83041, 0.0042, "0.8304"),
        (12.3456, 0.31, "12.35"),
        (1234.5, 20.0, "1234.50"),
        (0.5, 1e-12, "0.500000"),
        (0.5, 0.0, "0.5000"),
        (0.5, math.inf, "0.5000"),
        (0.5, math.nan, "0.5000"),
        (-0.0012, 0.003, "-0.0012"),
    ],
)
def test_digits_follow_the_error(value, stderr, text):
    assert number(value, stderr) == text


def test_the_number_comes_first():
    lines = [line.rstrip() for line in shown(estimate()).splitlines()]
    assert lines[:2] == ["0.8304 ± 0.0042 nats", "95 % interval 0.8220 to 0.8386"]
    assert "estimator  js, a lower bound: the truth is likely higher" in lines
    assert "x          f1_1, f1_2" in lines
    assert "rows       99,950" in lines
    assert "time       2.3 s" in lines


def test_bits():
    assert shown(estimate(), units="bits").startswith("1.1980 ± 0.0061 bits\n95 % interval 1.1859 to 1.2098\n")


@pytest.mark.parametrize(("bound", "words"), [("upper", "an upper bound, if its density is right"), ("none", None)])
def test_only_bounds_are_called_bounds(bound, words):
    text = shown(estimate(bound=bound))
    assert (words in text) if words else ("bound" not in text)


def test_cleaning_is_told_where_there_was_any():
    cleaning = {
        "rows_read": 100_000,
        "dropped_missing": 50,
        "duplicate_rows": 2,
        "dropped_columns": ["c", "d"],
    }
    lines = [line.rstrip() for line in shown(estimate(cleaning=cleaning)).splitlines()]
    assert "rows       99,950 of 100,000, 50 dropped for missing values, 2 duplicated" in lines
    assert "left out   c, d" in lines
    assert "discrete" not in shown(estimate(cleaning={"rows_read": 99_950, "discrete": []}))


def test_a_partial_result_says_so():
    assert "interrupted: a partial result" in shown(estimate(complete=False))
    assert "interrupted" not in shown(estimate())


def test_p_value_and_warnings():
    text = shown(estimate(p_value=0.00990099, warnings=("50 rows were dropped.", "Two words.")))
    assert "p-value    0.0099" in text
    assert "!  50 rows were dropped." in text
    assert "!  Two words." in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_frame_fits(width):
    found = estimate(x=tuple(f"a_very_long_name_of_a_column_{i}" * 3 for i in range(2000)), warnings=("word " * 100,))
    lines = shown(found, terminal=True, width=width).splitlines()
    assert lines[0].startswith("╭─ Mutual information")
    assert {len(line) for line in lines} == {min(width, 80)}
    assert "and 1,994 more (2,000 columns)" in " ".join(" ".join(lines).replace("│", "").split())


def test_names_cannot_command_the_terminal_or_rich():
    text = shown(estimate(x=("[red]a[/red]", "\x1b[31mb", "c\nd", ":smile:", "\u202ee")), terminal=True)
    assert "[red]a[/red], \\x1b[31mb, c\\nd, :smile:, \\u202ee" in text
    assert "\x1b" not in text


def test_no_colour_is_respected(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = io.StringIO()
    show(estimate(), Console(file=stream, force_terminal=True, width=80))
    assert "\x1b[3" not in stream.getvalue()


def test_no_frame_where_there_is_no_terminal():
    assert "╭" not in shown(estimate())


def test_a_terminal_that_knows_only_ascii():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace", write_through=True)
    show(estimate(x=("größe",)), Console(file=stream, force_terminal=True, width=80, color_system=None))
    text = raw.getvalue().decode("ascii")
    assert "0.8304 +/- 0.0042 nats" in text
    assert "gr\\xf6\\xdfe" in text
