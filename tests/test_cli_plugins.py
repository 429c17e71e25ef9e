from __future__ import annotations

import json


def test_every_plugin_has_a_row(mist, site):
    site.estimator("mist-plugin-foo", "foo")
    site.add("mist-plugin-bad", "raise ImportError('no fooling')")
    result = mist("plugins")
    assert result.exit_code == 0
    assert result.stderr == ""
    header, *rows = result.stdout.splitlines()
    assert header.split() == ["name", "version", "status", "import", "ms", "brings", "reason"]
    by_name = {row.split()[0]: row for row in rows}
    assert by_name["mist"].split()[2] == "ok"
    assert by_name["foo"].split()[1:3] == ["0.1", "ok"]
    assert "estimators: foo" in by_name["foo"]
    assert by_name["bad"].split()[1:3] == ["0.1", "broken"]
    assert by_name["bad"].rstrip().endswith("ImportError: no fooling")


def test_json(mist, site):
    site.estimator("mist-plugin-foo", "js")
    site.add("mist-plugin-old", "MIST_API = '0.1'")
    data = json.loads(mist("plugins", "--json").stdout)
    assert data["schema"] == "mist.plugins/1"
    by_name = {plugin["name"]: plugin for plugin in data["plugins"]}
    assert by_name["foo"]["status"] == "shadowed"
    assert by_name["foo"]["provides"] == ["estimators: js"]
    assert by_name["foo"]["entry_points"] == ["mist_plugin_foo"]
    assert by_name["old"]["status"] == "incompatible"
    assert by_name["old"]["reason"] == "it needs plugin interface 0.1, and this mist has 1.0"


def test_plugins_that_are_switched_off_are_listed(mist, site, monkeypatch):
    site.estimator("mist-plugin-foo", "foo")
    monkeypatch.setenv("MIST_PLUGINS", "foo")
    data = json.loads(mist("--no-plugins", "plugins", "--json").stdout)
    assert {plugin["name"]: plugin["status"] for plugin in data["plugins"]}["foo"] == "disabled"


def test_what_mist_yaml_prefers_is_heeded_as_by_a_run(mist, site, tmp_path, monkeypatch):
    site.estimator("mist-plugin-a", "same")
    site.estimator("mist-plugin-b", "same")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mist.yaml").write_text("plugins: {prefer: {same: b}}")
    found = {plugin["name"]: plugin for plugin in json.loads(mist("plugins", "--json").stdout)["plugins"]}
    assert (found["a"]["status"], found["b"]["status"]) == ("shadowed", "ok")
    listed = json.loads(mist("list-estimators", "--json").stdout)["estimators"]
    assert [entry["name"] for entry in listed[-2:]] == ["a/same", "same"]
    assert "shadowed: 'same' means 'b/same' by preference" in mist("show", "a/same").stdout
