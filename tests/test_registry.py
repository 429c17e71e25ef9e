from __future__ import annotations

import sys
from textwrap import dedent
from types import SimpleNamespace

import pytest

from mistcli.errors import PluginError, UnknownNameError
from mistcli.plugin import EstimatorSpec, hookimpl
from mistcli.plugin.registry import KINDS, Registry

HEAD = "from mistcli.plugin import *\n"


def plugin(name, *names, **declared):
    specs = [EstimatorSpec(each, f"{name}:Target", "For tests.", **declared) for each in names]
    return SimpleNamespace(__name__=name, mist_estimators=hookimpl(lambda: specs))


def record(registry, name):
    return next(record for record in registry.plugins if record.name == name)


class TestBuiltins:
    def test_come_in_their_declared_order(self):
        registry = Registry(discover=False)
        assert registry.names("estimators") == [
            "auto",
            "js",
            "nwj",
            "infonce",
            "smile",
            "dv",
            "mine",
            "tuba",
            "alpha_tuba",
            "flo",
            "anchor",
            "gaussian",
            "gaussian_copula",
            "t_copula",
            "gmm",
            "ksg",
            "mixed_ksg",
            "ross",
            "plugin",
            "binned",
            "pq",
            "hybrid_pq",
            "ba",
            "doe",
            "gm",
            "l1out",
            "club",
            "resampled_hybrid",
            "reweighed_hybrid",
        ]
        assert registry.names("critics") == ["joint", "separable"]
        assert registry.names("executors") == ["serial", "process"]

    def test_are_found_by_both_names(self):
        registry = Registry(discover=False)
        assert registry.get("estimators", "js") == registry.get("estimators", "mist/js")
        assert registry.get("estimators", "js").qualified == "mist/js"

    def test_are_found_without_loading_another_plugin(self, site):
        module = site.add("mist-plugin-loud", "raise RuntimeError('loaded')")
        registry = Registry.from_environment()
        assert registry.get("estimators", "js").plugin == "mist"
        assert registry.get("critics", "joint").plugin == "mist"
        assert module not in sys.modules
        assert record(registry, "loud").status == "broken"

    def test_are_a_plugin_among_others(self):
        (builtin,) = Registry(discover=False).plugins
        assert (builtin.name, builtin.status) == ("mist", "ok")
        assert builtin.provides[0].startswith("estimators: auto, js, nwj")

    @pytest.mark.parametrize("kind", KINDS)
    def test_their_targets_exist(self, kind):
        registry = Registry(discover=False)
        for entry in registry.entries(kind):
            assert registry.load(entry) is not None


class TestDiscovery:
    def test_an_installed_plugin_is_found(self, site):
        site.estimator("mist-plugin-foo", "foo")
        registry = Registry.from_environment()
        entry = registry.get("estimators", "foo")
        assert (entry.plugin, entry.distribution, entry.version) == ("foo", "mist-plugin-foo", "0.1")
        assert entry.qualified == "foo/foo"
        assert registry.load(entry).__name__ == "Target"
        found = record(registry, "foo")
        assert (found.status, found.provides, found.heavy) == ("ok", ("estimators: foo",), ())
        assert found.import_ms > 0

    def test_a_distribution_without_the_prefix_has_its_whole_name(self, site):
        site.estimator("other_dist", "foo")
        assert Registry.from_environment().get("estimators", "other-dist/foo")

    def test_a_distribution_found_twice_counts_once(self, site, tmp_path, monkeypatch):
        site.estimator("mist-plugin-foo", "foo")
        monkeypatch.syspath_prepend(str(tmp_path / "twin"))
        site.path = tmp_path / "twin"
        site.declare("mist_plugin.foo", "[mist]\nfoo = mist_plugin_foo\n", version="0.2")
        registry = Registry.from_environment()
        assert registry.names("estimators").count("foo") == 1
        assert record(registry, "foo").version == "0.2"

    def test_several_entry_points_are_one_plugin(self, site):
        site.add("mist-plugin-foo", HEAD, points="a = part_a\nb = part_b\nc = part_c")
        for part, name in (("a", "one"), ("b", "one"), ("c", "two")):
            (site.path / f"part_{part}.py").write_text(
                f"{HEAD}@hookimpl\ndef mist_critics():\n    return [CriticSpec('{name}', 'm:C', 'One.')]\n"
            )
        registry = Registry.from_environment()
        assert record(registry, "foo").provides == ("critics: one, two",)
        assert "'one' is brought twice" in record(registry, "foo").reason

    def test_an_entry_point_may_name_an_object(self, site):
        source = HEAD + "class Plugin:\n    @hookimpl\n    def mist_estimators(self):\n"
        source += "        return [EstimatorSpec('foo', 'm:C', 'An estimator.')]\nplugin = Plugin()\n"
        site.add("mist-plugin-foo", source, points="foo = mist_plugin_foo:plugin")
        assert "foo" in Registry.from_environment().names("estimators")

    def test_what_heavy_modules_a_plugin_imports_is_noted(self, site, monkeypatch):
        monkeypatch.delitem(sys.modules, "scipy", raising=False)
        (site.path / "scipy.py").write_text("")
        site.add("mist-plugin-heavy", "import scipy")
        assert record(Registry.from_environment(), "heavy").heavy == ("scipy",)
        del sys.modules["scipy"]

    def test_printing_goes_to_stderr(self, site, capsys):
        source = "print('imported')\n" + HEAD
        source += "@hookimpl\ndef mist_critics():\n    print('called')\n    return ()\n"
        site.add("mist-plugin-chatty", source)
        assert record(Registry.from_environment(), "chatty").status == "ok"
        out, err = capsys.readouterr()
        assert out == ""
        assert err == "imported\ncalled\n"

    def test_a_malformed_distribution_of_somebody_else_harms_nobody(self, site):
        site.estimator("mist-plugin-foo", "foo")
        site.declare("stranger", "[console_scripts]\nno equals sign\n")
        (site.path / "latin.dist-info").mkdir()
        (site.path / "latin.dist-info" / "entry_points.txt").write_bytes(b"[mist]\n\xff = x\n")
        assert "foo" in Registry.from_environment().names("estimators")

    @pytest.mark.parametrize("allowed", ["mist-plugin-foo", "foo", "Mist_Plugin_Foo, bar"])
    def test_the_allow_list_takes_distributions_and_short_names(self, site, monkeypatch, allowed):
        site.estimator("mist-plugin-foo", "foo")
        site.estimator("mist-plugin-baz", "baz")
        monkeypatch.setenv("MIST_PLUGINS", allowed)
        registry = Registry.from_environment()
        assert "foo" in registry.names("estimators")
        assert record(registry, "baz").status == "disabled"
        assert "mist_plugin_baz" not in sys.modules

    @pytest.mark.parametrize("no_plugins", [True, False])
    def test_plugins_that_are_switched_off_are_told_of(self, site, monkeypatch, no_plugins):
        site.estimator("mist-plugin-foo", "foo")
        if not no_plugins:
            monkeypatch.setenv("MIST_PLUGINS", "")
        registry = Registry.from_environment(no_plugins=no_plugins)
        with pytest.raises(UnknownNameError, match=r"unknown estimator 'foo'.*mist-plugin-foo 0.1 is disabled"):
            registry.get("estimators", "foo")
        assert "mist_plugin_foo" not in sys.modules

    def test_one_line_tells_of_those_that_failed(self, site):
        site.add("mist-plugin-a", "raise RuntimeError")
        site.add("mist-plugin-b", "MIST_API = '9.0'")
        lines = []
        registry = Registry.from_environment(report=lines.append)
        registry.names("estimators"), registry.names("critics")
        assert lines == ["2 plugins failed to load: mist-plugin-a, mist-plugin-b (see `mist plugins`)"]

    def test_a_line_tells_of_one_that_is_slow_to_import(self, site, monkeypatch):
        site.add("mist-plugin-a", "import time; time.sleep(0.3)")
        monkeypatch.setattr("mistcli.plugin.registry.SLOW", 0.25)
        lines = []
        Registry.from_environment(report=lines.append).names("estimators")
        (told,) = [line for line in lines if "mist-plugin-a" in line]
        assert told.startswith("plugin mist-plugin-a took 0 s to be imported, as it does in every command")


BAD = {
    "raises": ("raise ImportError('no fooling')", "broken", "ImportError: no fooling"),
    "exits": ("import sys; sys.exit(7)", "broken", "SystemExit: 7"),
    "syntax": ("def (", "broken", "SyntaxError"),
    "misspelt": (
        "@hookimpl\ndef mist_estimator(): return ()",
        "broken",
        "'mist_estimator' is not a hook. Did you mean 'mist_estimators'?",
    ),
    "unmarked": (
        "def mist_estimators(): return ()",
        "broken",
        "'mist_estimators' is not marked with @hookimpl",
    ),
    "argument": ("@hookimpl\ndef mist_estimators(pm): return ()", "broken", "PluginValidationError"),
    "raising-hook": (
        "@hookimpl\ndef mist_critics(): 1 / 0",
        "broken",
        "mist_critics() raised ZeroDivisionError",
    ),
    "exiting-hook": (
        "@hookimpl\ndef mist_critics(): raise SystemExit",
        "broken",
        "mist_critics() raised SystemExit",
    ),
    "returns-none": ("@hookimpl\ndef mist_critics(): pass", "broken", "mist_critics() raised TypeError"),
    "no-spec": ("@hookimpl\ndef mist_critics(): return ['x']", "broken", "expected an CriticSpec, got 'x'"),
    "major": ("MIST_API = '2.0'", "incompatible", "needs plugin interface 2.0, and this mist has 1.0"),
    "minor": ("MIST_API = '1.9'", "incompatible", "needs plugin interface 1.9"),
    "api-type": ("MIST_API = 1.0", "incompatible", "MIST_API is 1.0; expected a string"),
}


class TestBadPlugins:
    @pytest.mark.parametrize(("source", "status", "reason"), BAD.values(), ids=BAD)
    def test_the_reason_is_kept_and_the_others_work(self, site, source, status, reason):
        site.add("mist-plugin-bad", f"{HEAD}{source}\n")
        site.estimator("mist-plugin-foo", "foo")
        site.estimator("a-first", "first")
        registry = Registry.from_environment()
        bad = record(registry, "bad")
        assert bad.status == status
        assert reason in bad.reason
        assert {"foo", "first"} <= set(registry.names("estimators"))

    @pytest.mark.parametrize("name", ["bad", "mist-plugin-bad", "mist_plugin_bad", "bad/any", "baad"])
    def test_asking_for_what_it_might_have_brought_tells_the_reason(self, site, name):
        site.add("mist-plugin-bad", "raise ImportError('no fooling')")
        with pytest.raises(PluginError, match=r"plugin mist-plugin-bad 0.1 is broken \(ImportError: no fooling\)"):
            Registry.from_environment().get("estimators", name)

    def test_asking_for_something_else_tells_it_too(self, site):
        site.add("mist-plugin-bad", "raise ImportError('no fooling')")
        with pytest.raises(UnknownNameError, match=r"unknown estimator 'zzz'. Available: auto.*no fooling"):
            Registry.from_environment().get("estimators", "zzz")

    def test_a_malformed_entry_points_file_is_told(self, site):
        site.declare("mist-plugin-bad", "[mist]\nno equals sign\n")
        site.estimator("mist-plugin-foo", "foo")
        registry = Registry.from_environment()
        assert "entry_points.txt cannot be read" in record(registry, "bad").reason
        assert "foo" in registry.names("estimators")

    def test_what_is_in_order_in_a_bad_plugin_works(self, site):
        source = "@hookimpl\ndef mist_estimators():\n    yield EstimatorSpec('good', 'm:C', 'Good.')\n"
        source += "    yield EstimatorSpec('Bad', 'm:C', 'Bad.')\n"
        site.add("mist-plugin-half", HEAD + source)
        registry = Registry.from_environment()
        assert registry.get("estimators", "good").plugin == "half"
        assert record(registry, "half").provides == ("estimators: good",)
        assert "'Bad' is not a name" in record(registry, "half").reason

    def test_an_interrupt_is_not_swallowed(self):
        def interrupt():
            raise KeyboardInterrupt

        registry = Registry(discover=False, plugins=[SimpleNamespace(mist_critics=hookimpl(interrupt))])
        with pytest.raises(KeyboardInterrupt):
            registry.names("critics")

    def test_a_hook_of_a_later_mist_may_be_optional(self, site):
        site.add("mist-plugin-new", f"{HEAD}@hookimpl(optionalhook=True)\ndef mist_quantizers(): return ()\n")
        assert record(Registry.from_environment(), "new").status == "ok"

    def test_the_name_of_the_builtin_plugin_is_taken(self, site):
        site.estimator("mist-plugin-mist", "foo")
        plugins = Registry.from_environment().plugins
        broken = next(found for found in plugins if found.distribution == "mist-plugin-mist")
        assert (broken.status, broken.reason) == ("broken", "the name 'mist' is taken by the built-in plugin")

    @pytest.mark.parametrize("order", [1, -1])
    def test_two_distributions_with_one_short_name(self, site, order):
        for name in ("foo", "mist-plugin-foo")[::order]:
            site.estimator(name, "foo")
        registry = Registry.from_environment()
        assert registry.get("estimators", "foo").distribution == "mist-plugin-foo"
        loser = next(found for found in registry.plugins if found.distribution == "foo")
        assert (loser.status, loser.reason) == ("broken", "the name 'foo' is taken by mist-plugin-foo")


BAD_SPECS = {
    "name": ("EstimatorSpec('Foo', 'm:C', 'S.')", "'Foo' is not a name; expected a lower-case word"),
    "newline": ("EstimatorSpec('foo\\n', 'm:C', 'S.')", "is not a name"),
    "slash": ("EstimatorSpec('foo/js', 'm:C', 'S.')", "is not a name"),
    "no-text": ("EstimatorSpec(None, 'm:C', 'S.')", "None is not a name"),
    "target": ("EstimatorSpec('foo', 'm.C', 'S.')", "expected 'package.module:Object'"),
    "summary": ("EstimatorSpec('foo', 'm:C', '')", "needs a summary of one line"),
    "lines": ("EstimatorSpec('foo', 'm:C', 'a\\nb')", "needs a summary of one line"),
    "fact": (
        "EstimatorSpec('foo', 'm:C', 'S.', bound='Lower')",
        "has bound='Lower'; expected one of 'lower'",
    ),
    "requires": ("EstimatorSpec('foo', 'm:C', 'S.', requires='scipy')", "expected a tuple"),
    "kind": ("CriticSpec('foo', 'm:C', 'S.')", "expected an EstimatorSpec, got CriticSpec"),
    "options": ("EstimatorSpec('foo', 'm:C', 'S.', options=dict)", "options that are not a dataclass"),
    "plain-field": ("EstimatorSpec('foo', 'm:C', 'S.', options=Plain)", "Plain.k is not made by option()"),
    "default": (
        "EstimatorSpec('foo', 'm:C', 'S.', options=Out)",
        "option 'k' of 'foo' takes int, x >= 1; got 0",
    ),
    "help": ("EstimatorSpec('foo', 'm:C', 'S.', options=Silent)", "option 'k' of 'foo' needs help"),
    "type": ("EstimatorSpec('foo', 'm:C', 'S.', options=Odd)", "Odd.k has the type"),
}
OPTIONS = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Plain:
    k: int = 1

@dataclass(frozen=True)
class Out:
    k: int = option(0, help="K.", min=1)

@dataclass(frozen=True)
class Silent:
    k: int = option(0, help=" ")

@dataclass(frozen=True)
class Odd:
    k: dict = option((), help="K.")
"""


@pytest.mark.parametrize(("spec", "reason"), BAD_SPECS.values(), ids=BAD_SPECS)
def test_a_spec_that_is_not_right_is_dropped(site, spec, reason):
    site.add("mist-plugin-bad", f"{HEAD}{OPTIONS}\n@hookimpl\ndef mist_estimators():\n    yield {spec}\n")
    registry = Registry.from_environment()
    assert reason in record(registry, "bad").reason
    assert record(registry, "bad").provides == ()


class TestClashes:
    @pytest.mark.parametrize("order", [1, -1])
    def test_a_builtin_owns_its_name(self, order):
        registry = Registry(discover=False, plugins=[plugin("foo", "js"), plugin("bar", "own")][::order])
        assert registry.get("estimators", "js").plugin == "mist"
        assert registry.get("estimators", "foo/js").plugin == "foo"
        assert "foo/js" in registry.names("estimators")
        assert record(registry, "foo").status == "shadowed"
        assert record(registry, "foo").reason == "estimators: 'js' is built in; this one is 'foo/js'"

    @pytest.mark.parametrize("order", [1, -1])
    def test_two_strangers_are_ambiguous(self, order):
        registry = Registry(discover=False, plugins=[plugin("a", "same"), plugin("b", "same")][::order])
        with pytest.raises(UnknownNameError, match=r"'same' is brought by several plugins; name one: a/same, b/same"):
            registry.get("estimators", "same")
        assert registry.get("estimators", "b/same").plugin == "b"
        assert registry.names("estimators")[-2:] == ["a/same", "b/same"]
        assert record(registry, "a").status == "ambiguous"

    @pytest.mark.parametrize("order", [1, -1])
    def test_the_preferred_one_gets_the_name(self, order):
        plugins = [plugin("a", "same"), plugin("b", "same")][::order]
        registry = Registry(discover=False, plugins=plugins).preferring({"same": "b"})
        assert registry.get("estimators", "same").plugin == "b"
        assert registry.get("estimators", "a/same").plugin == "a"
        assert registry.names("estimators")[-2:] == ["a/same", "same"]
        assert record(registry, "a").reason.endswith("'same' means 'b/same' by preference; this one is 'a/same'")

    def test_a_distribution_may_be_preferred(self, site):
        site.estimator("mist-plugin-a", "same")
        site.estimator("mist-plugin-b", "same")
        registry = Registry.from_environment(prefer={"same": "mist-plugin-b"})
        assert registry.get("estimators", "same").plugin == "b"

    def test_nobody_is_preferred_to_a_builtin(self):
        registry = Registry(discover=False, plugins=[plugin("a", "js")], prefer={"js": "a"})
        assert registry.get("estimators", "js").plugin == "mist"

    def test_a_preference_for_a_plugin_that_is_not_there_decides_nothing(self):
        plugins = [plugin("a", "same"), plugin("b", "same")]
        with pytest.raises(UnknownNameError, match="name one"):
            Registry(discover=False, plugins=plugins, prefer={"same": "c"}).get("estimators", "same")

    def test_preferring_leaves_the_first_registry_alone(self):
        registry = Registry(discover=False, plugins=[plugin("a", "same"), plugin("b", "same")])
        registry.preferring({"same": "a"})
        with pytest.raises(UnknownNameError, match="name one"):
            registry.get("estimators", "same")

    def test_find_returns_all_of_a_name(self):
        registry = Registry(discover=False, plugins=[plugin("a", "js", "joint")])
        assert [entry.qualified for entry in registry.find("js")] == ["mist/js", "a/js"]
        assert [entry.kind for entry in registry.find("joint")] == ["estimators", "critics"]
        with pytest.raises(UnknownNameError, match=r"unknown name 'jss'\. Did you mean 'js'\?"):
            registry.find("jss")


class TestLookUp:
    @pytest.mark.parametrize(
        ("kind", "name", "message"),
        [
            (
                "estimators",
                "infonc",
                "unknown estimator 'infonc'. Did you mean 'infonce'? Available: auto, js, nwj, ",
            ),
            ("critics", "zzz", "unknown critic 'zzz'. Available: joint, separable."),
            ("executors", "zzz", "unknown executor 'zzz'. Available: serial, process."),
            ("estimators", "nobody/js", "unknown estimator 'nobody/js'."),
            ("estimators", "", "unknown estimator ''."),
        ],
    )
    def test_an_unknown_name_lists_what_there_is(self, kind, name, message):
        with pytest.raises(UnknownNameError) as error:
            Registry(discover=False).get(kind, name)
        assert str(error.value).startswith(message)

    def test_what_is_missing_is_told_without_importing_anything(self):
        registry = Registry(discover=False, plugins=[plugin("foo", "foo", requires=("no_such_module", "json"))])
        assert record(registry, "foo").status == "missing-deps"
        assert registry.names("estimators")[-1] == "foo"
        with pytest.raises(PluginError, match=r"estimator 'foo' needs no_such_module, .*pip install no_such_module"):
            registry.get("estimators", "foo")

    def test_a_missing_package_is_looked_for_by_its_top(self):
        registry = Registry(discover=False, plugins=[plugin("foo", "foo", requires=("no_such.part", "json.tool"))])
        with pytest.raises(PluginError, match=r"needs no_such\.part, which"):
            registry.get("estimators", "foo")

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("raise SystemExit(2)", "SystemExit: 2"),
            ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
            ("", "AttributeError: module 'heart' has no attribute 'Target'"),
        ],
    )
    def test_a_target_that_cannot_be_loaded(self, site, source, reason):
        source_of_hooks = HEAD + "@hookimpl\ndef mist_estimators():\n"
        source_of_hooks += "    yield EstimatorSpec('foo', 'heart:Target', 'S.')\n"
        site.add("mist-plugin-foo", source_of_hooks)
        (site.path / "heart.py").write_text(source)
        registry = Registry.from_environment()
        entry = registry.get("estimators", "foo")
        with pytest.raises(PluginError) as error:
            registry.load(entry)
        assert str(error.value) == (f"estimator 'foo' cannot be loaded: plugin mist-plugin-foo 0.1 failed: {reason}.")


class TestFiles:
    SOURCE = """
        from mistcli.plugin import EstimatorSpec, hookimpl

        @hookimpl
        def mist_estimators():
            yield EstimatorSpec("homemade", "{stem}:Mine", "My own.")

        class Mine:
            value = {value}
    """

    def write(self, path, stem="my_own", value=1):
        path.mkdir(exist_ok=True)
        file = path / f"{stem}.py"
        file.write_text(dedent(self.SOURCE.format(stem=stem, value=value)))
        return file

    def test_a_file_is_a_plugin(self, tmp_path):
        registry = Registry(discover=False, files=[self.write(tmp_path)])
        entry = registry.get("estimators", "homemade")
        assert entry.qualified == "my_own/homemade"
        assert registry.load(entry).value == 1
        assert "my_own" not in sys.modules

    def test_equal_stems_do_not_meet(self, tmp_path):
        registries = [Registry(discover=False, files=[self.write(tmp_path / name, value=name)]) for name in "12"]
        entries = [registry.get("estimators", "homemade") for registry in registries]
        assert [r.load(e).value for r, e in zip(registries, entries, strict=True)] == [1, 2]

    def test_it_wins_over_an_installed_plugin_of_its_name(self, tmp_path, site):
        site.estimator("mist-plugin-foo", "foo")
        registry = Registry.from_environment(files=[self.write(tmp_path, stem="foo")])
        assert registry.get("estimators", "homemade").plugin == "foo"
        loser = next(found for found in registry.plugins if found.distribution == "mist-plugin-foo")
        assert "is taken by" in loser.reason

    def test_it_is_loaded_where_installed_plugins_are_not(self, tmp_path):
        registry = Registry.from_environment(no_plugins=True, files=[self.write(tmp_path)])
        assert "homemade" in registry.names("estimators")

    @pytest.mark.parametrize(
        ("name", "source", "reason"),
        [
            ("bad.py", "raise ValueError('no')", "ValueError: no"),
            ("bad.txt", "", "bad.txt is not a Python file"),
        ],
    )
    def test_one_that_fails_is_why_a_name_is_unknown(self, tmp_path, name, source, reason):
        (tmp_path / name).write_text(source)
        with pytest.raises(PluginError, match=reason):
            Registry(discover=False, files=[tmp_path / name]).get("estimators", "homemade")
        assert not [module for module in sys.modules if module.startswith("_mist_file_bad")]
