from __future__ import annotations

import json

import pytest

from mistcli.plugin.registry import Registry

KINDS = ("estimators", "critics", "readers", "loggers")


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_has_a_row_an_entry(mist, kind):
    result = mist(f"list-{kind}")
    assert result.exit_code == 0
    header, *rows = result.stdout.splitlines()
    assert header.split()[:2] == ["name", "summary"]
    assert [row.split()[0] for row in rows] == Registry(discover=False).names(kind)


def test_the_table_of_estimators(mist):
    header, _, js, *_ = mist("list-estimators").stdout.splitlines()
    assert header.split() == ["name", "summary", "family", "bound", "plugin"]
    assert js.split()[-3:] == ["discriminative", "lower", "mist"]


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_one_object_with_a_schema(mist, kind):
    data = json.loads(mist(f"list-{kind}", "--json").stdout)
    assert data["schema"] == f"mist.{kind}/1"
    assert [entry["name"] for entry in data[kind]] == Registry(discover=False).names(kind)


def test_json_holds_facts_and_options(mist):
    (smile,) = [e for e in json.loads(mist("list-estimators", "--json").stdout)["estimators"] if e["name"] == "smile"]
    assert smile["facts"]["bound"] == "none"
    assert smile["facts"]["needs_critic"] is True
    assert smile["plugin"] == "mist"
    assert smile["options"][1] == {
        "name": "tau",
        "type": "float | None",
        "default": 5.0,
        "help": "Log ratios in the partition are clipped to [-tau, tau]; none does not clip.",
        "min": 0,
        "max": None,
        "range": "x > 0",
        "choices": [],
    }


def test_a_shadowed_name_is_shown_in_full_with_a_note(mist, site):
    site.estimator("mist-plugin-foo", "js")
    result = mist("list-estimators")
    assert result.stdout.splitlines()[0].split()[-1] == "note"
    assert "foo/js" in result.stdout
    assert "'js' is built in; this one is 'foo/js'" in result.stdout


def test_a_failed_plugin_is_told_of_on_stderr_only(mist, site):
    site.add("mist-plugin-bad", "raise RuntimeError")
    result = mist("list-estimators", "--json")
    assert json.loads(result.stdout)
    assert result.stderr == "1 plugin failed to load: mist-plugin-bad (see `mist plugins`)\n"


def test_escapes_and_markup_in_a_summary_are_harmless(mist, site):
    source = "from mistcli.plugin import *\n@hookimpl\ndef mist_critics():\n"
    source += "    yield CriticSpec('odd', 'm:C', '\\x1b[31m[bold]Odd[/bold] :smile:')\n"
    site.add("mist-plugin-odd", source)
    assert r"\x1b[31m[bold]Odd[/bold] :smile:" in mist("list-critics").stdout
