from __future__ import annotations

import json

import pytest


def test_an_estimator_is_shown_with_facts_options_and_reference(mist):
    result = mist("show", "smile")
    assert result.exit_code == 0
    assert result.stdout.startswith("smile - estimator of mistcli ")
    assert "bound         none" in result.stdout
    assert "needs_critic  yes" in result.stdout
    text = " ".join(result.stdout.split())
    assert "none does not clip. [float | None; x > 0; default 5.0]" in text
    assert "Reference: Understanding the limitations" in text
    assert "https://arxiv.org/abs/1910.06222" in text


def test_choices_and_tuples_are_shown_as_one_types_them(mist):
    text = " ".join(mist("show", "joint").stdout.split())
    assert "hidden_dims Sizes of the hidden layers. [tuple[int, ...]; x >= 1; default 32,32,32]" in text
    assert "one of relu, silu, elu, gelu, tanh, leaky_relu, softplus; default silu" in text


def test_all_that_have_the_name_are_shown(mist):
    titles = [line for line in mist("show", "csv").stdout.splitlines() if " - " in line and line[0] != " "]
    assert [title.split()[2] for title in titles] == ["reader", "logger"]


def test_a_qualified_name_is_one(mist, site):
    site.estimator("mist-plugin-foo", "js")
    assert mist("show", "foo/js").stdout.startswith("foo/js - estimator of mist-plugin-foo 0.1\n")
    assert "shadowed: 'js' is built in" in mist("show", "js").stdout


def test_what_is_missing_is_shown(mist, site):
    source = "from mistcli.plugin import *\n@hookimpl\ndef mist_critics():\n"
    source += "    yield CriticSpec('far', 'm:C', 'Far.', requires=('no_such_module',))\n"
    site.add("mist-plugin-far", source)
    result = mist("show", "far")
    assert result.exit_code == 0
    assert "missing-deps: it needs no_such_module" in result.stdout


def test_json(mist):
    data = json.loads(mist("show", "csv", "--json").stdout)
    assert data["schema"] == "mist.show/1"
    assert [found["kind"] for found in data["found"]] == ["reader", "logger"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("jss", "error: unknown name 'jss'. Did you mean 'js'? Available: "),
        ("foo/js", "error: unknown name 'foo/js'."),
    ],
)
def test_an_unknown_name_exits_with_2(mist, name, message):
    result = mist("show", name, "--json")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(message)


def test_a_broken_plugin_exits_with_3(mist, site):
    site.add("mist-plugin-broken-one", "raise ImportError('no fooling')")
    result = mist("show", "broken_one")
    assert result.exit_code == 3
    assert "plugin mist-plugin-broken-one 0.1 is broken (ImportError: no fooling)" in result.stderr
