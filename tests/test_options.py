from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional

import numpy as np
import pytest

from mistcli.errors import ConfigError
from mistcli.plugin import NoOptions, OptionInfo, option
from mistcli.plugin.options import assignment, fields, parse, plain, range_text, reference


@dataclass(frozen=True)
class Options:
    flag: bool = option(False, help="A flag.")
    count: int = option(3, help="A count.", min=1, max=10)
    rate: float = option(1e-3, help="A rate.", min=0, min_open=True)
    share: float = option(0.5, help="A share.", min=0, max=1, max_open=True)
    word: str = option("", help="A word.")
    mode: Literal["fast", "slow"] = option("fast", help="A mode.", choices=("fast", "slow"))
    power: int = option(1, help="A power.", choices=(1, 2))
    clip: float | None = option(None, help="A clip.", min=0)
    dims: tuple[int, ...] = option((64, 64), help="Sizes.", min=1)
    rates: tuple[float, ...] = option((), help="Rates.")
    words: tuple[str, ...] | None = option(None, help="Words.")


def parsed(**given):
    return parse(Options, given, owner="estimator 'js'")


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        *[("flag", text, True) for text in ("true", "Yes", "ON", True)],
        *[("flag", text, False) for text in ("false", "no", " off ", False)],
        ("count", "7", 7),
        ("count", 7.0, 7),
        ("count", "7.0", 7),
        ("count", "1e1", 10),
        ("count", np.int32(4), 4),
        ("rate", "1e-3", 1e-3),
        ("rate", 2, 2.0),
        ("rate", np.float32(0.5), 0.5),
        ("share", 0, 0.0),
        ("word", "a b", "a b"),
        ("mode", "slow", "slow"),
        ("power", "2", 2),
        ("clip", "none", None),
        ("clip", None, None),
        ("clip", "2", 2.0),
        ("dims", "32,32", (32, 32)),
        ("dims", " 32 , 16 ", (32, 16)),
        ("dims", [32, "16"], (32, 16)),
        ("dims", 32, (32,)),
        ("dims", "", ()),
        ("rates", "0.5,1e-1", (0.5, 0.1)),
        ("words", "a,b", ("a", "b")),
        ("words", "none", None),
    ],
)
def test_values_are_coerced_by_the_declared_type(name, given, value):
    found = getattr(parsed(**{name: given}), name)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("flag", "maybe", "takes bool; got 'maybe'"),
        ("flag", 1, "takes bool; got 1"),
        ("count", True, r"takes int, 1 <= x <= 10; got True"),
        ("count", 16.5, "got 16.5"),
        ("count", "16.5", "got '16.5'"),
        ("count", "many", "got 'many'"),
        ("count", 0, "got 0"),
        ("count", 11, "got 11"),
        ("count", float("inf"), "got inf"),
        ("count", "9" * 5000, "takes int"),
        ("count", None, "got None"),
        ("count", [1], r"got \[1\]"),
        ("rate", True, "takes float, x > 0; got True"),
        ("rate", 0, "got 0"),
        ("rate", "nan", "got 'nan'"),
        ("rate", "inf", "got 'inf'"),
        ("rate", float("nan"), "got nan"),
        ("rate", 10**400, "takes float"),
        ("share", 1, r"takes float, 0 <= x < 1; got 1"),
        ("word", 1, "takes str; got 1"),
        ("mode", "medium", "one of fast, slow; got 'medium'"),
        ("power", 3, "one of 1, 2; got 3"),
        ("clip", -1, r"takes float \| None, x >= 0; got -1"),
        ("dims", "32,0", r"takes tuple\[int, ...\], x >= 1; got '32,0'"),
        ("dims", "32,,32", "got '32,,32'"),
        ("dims", {"a": 1}, "takes tuple"),
        ("rates", "none", "got 'none'"),
    ],
)
def test_what_does_not_fit_is_refused(name, given, expected):
    with pytest.raises(ConfigError, match=f"option '{name}' of estimator 'js' .*{expected}"):
        parsed(**{name: given})


def test_an_unknown_option_lists_the_right_ones():
    with pytest.raises(ConfigError) as error:
        parsed(cout=1)
    message = str(error.value)
    assert message.startswith("'cout' is not an option of estimator 'js'. Did you mean 'count'?")
    assert "count (int, 3), rate (float, 0.001)" in message
    assert "dims (tuple[int, ...], 64,64)" in message


def test_what_has_no_options_says_so():
    with pytest.raises(ConfigError, match="estimator 'gaussian' has no options; got 'k'"):
        parse(NoOptions, {"k": 1}, owner="estimator 'gaussian'")


def test_defaults_stay_and_survive_json():
    assert parse(Options, {}, owner="x") == Options()
    assert plain(Options())["dims"] == [64, 64]
    assert parse(Options, plain(Options(count=5)), owner="x") == Options(count=5)


def test_fields_name_their_types():
    names = {declared.name: declared.type_name for declared in fields(Options)}
    assert names["flag"] == "bool"
    assert names["mode"] == "str"
    assert names["power"] == "int"
    assert names["clip"] == "float | None"
    assert names["words"] == "tuple[str, ...] | None"


def test_literals_are_choices_without_being_repeated():
    @dataclass(frozen=True)
    class Short:
        mode: Literal["a", "b"] = option("a", help="A mode.")

    assert fields(Short)[0].info.choices == ("a", "b")


def test_optional_is_known_under_its_old_name():
    @dataclass(frozen=True)
    class Old:
        clip: Optional[float] = option(None, help="A clip.")  # noqa: UP045 - what is tested

    assert fields(Old)[0].type_name == "float | None"


@pytest.mark.parametrize(
    ("annotation", "default", "expected"),
    [
        (int, 3, "is not made by option"),
        (dict, option((), help="A mapping."), "has the type"),
        (list[int], option((), help="A list."), "has the type"),
        (tuple[int, int], option((1, 2), help="A pair."), "has the type"),
        (int | str, option(1, help="Either."), "has the type"),
    ],
)
def test_options_that_cannot_be_are_refused(annotation, default, expected):
    namespace = {"__annotations__": {"a": annotation}, "a": default}
    with pytest.raises(TypeError, match=f"Bad.a {expected}"):
        fields(dataclass(frozen=True)(type("Bad", (), namespace)))


@pytest.mark.parametrize(
    ("text", "pair"),
    [("a=1", ("a", "1")), ("a=b=c", ("a", "b=c")), (" a = 1 ", ("a", "1")), ("a=", ("a", ""))],
)
def test_assignment(text, pair):
    assert assignment(text) == pair


@pytest.mark.parametrize("text", ["a", "=1", "", " =1"])
def test_what_is_no_assignment_is_refused(text):
    with pytest.raises(ConfigError, match=f"expected key=value, got '{text}'"):
        assignment(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jsonl", ("jsonl", {})),
        ("jsonl:", ("jsonl", {})),
        ("foo/jsonl:path=a", ("foo/jsonl", {"path": "a"})),
        ("mlflow:uri=sqlite:///m.db,run=a", ("mlflow", {"uri": "sqlite:///m.db", "run": "a"})),
        ("csv:missing=a,b,header=no", ("csv", {"missing": "a,b", "header": "no"})),
        ("csv:query=a=b", ("csv", {"query": "a=b"})),
    ],
)
def test_reference(text, expected):
    assert reference(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", "expected NAME"), (":a=1", "expected NAME"), ("a:b", "expected key=value"), ("a:b=1,b=2", "twice")],
)
def test_what_is_no_reference_is_refused(text, expected):
    with pytest.raises(ConfigError, match=expected):
        reference(text)


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ({}, ""),
        ({"min": 0}, "x >= 0"),
        ({"min": 0, "min_open": True}, "x > 0"),
        ({"max": 1}, "x <= 1"),
        ({"max": 1, "max_open": True}, "x < 1"),
        ({"min": 0, "max": 1}, "0 <= x <= 1"),
        ({"choices": ("a", "b"), "min": 0}, "one of a, b"),
    ],
)
def test_range_text(declared, text):
    assert range_text(OptionInfo("", **declared)) == text
