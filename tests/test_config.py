from __future__ import annotations

from dataclasses import dataclass

import pytest

from mistcli.config.resolve import DEFAULT, resolve
from mistcli.config.schema import Choice, CleaningConfig, DataConfig, GeneralConfig, InferenceConfig, TrainingConfig
from mistcli.config.sources import Layer, load_yaml, settings
from mistcli.config.yaml import MAX_ALIASES, MAX_BYTES, dump_yaml, read_yaml
from mistcli.errors import ConfigError, MistError, UnknownNameError
from mistcli.plugin import CriticSpec, EstimatorSpec, hookimpl, option
from mistcli.plugin.options import fields
from mistcli.plugin.registry import Registry


@dataclass(frozen=True)
class TwinOptions:
    hidden_dims: tuple[int, ...] = option((8,), help="Sizes.", min=1)
    clip: float | None = option(None, help="Clip.", min=0)


class Plugin:
    """Has an estimator with an option that its critic has too."""

    @hookimpl
    def mist_estimators(self):
        yield EstimatorSpec("twin", "nowhere:Twin", "Twin.", options=TwinOptions, needs_critic=True, trained=True)

    @hookimpl
    def mist_critics(self):
        yield CriticSpec("other", "nowhere:Other", "Other.")


@pytest.fixture(scope="module")
def registry():
    return Registry(discover=False, plugins=(Plugin(),))


def flags(options=(), **values):
    return Layer("flag", values, dict(options))


def file(**values):
    return Layer("mist.yaml", values)


# --- layers -----------------------------------------------------------------------------------------------


def test_names_of_settings_are_unique_across_sections():
    sections = (DataConfig, CleaningConfig, TrainingConfig, InferenceConfig, GeneralConfig)
    names = [item.name for cls in sections for item in fields(cls)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"critc": "joint"}, r"unknown key 'critc'\. Did you mean 'critic'\?"),
        ({"training": {"learning_rate": "1"}}, r"unknown key 'training\.learning_rate'.*lr"),
        ({"training": "fast"}, "'training' takes a mapping"),
        ({"estimator": {"options": {}}}, "'estimator' takes a name, or a mapping"),
        ({"estimator": ["js"]}, "'estimator' takes a name, or a mapping"),
        (
            {"estimator": {"name": "js", "opts": {}}},
            r"unknown key 'estimator\.opts'\. Did you mean 'options'\?",
        ),
        ({"estimator": {"name": "js", "target": "os:system"}}, r"unknown key 'estimator\.target'"),
        ({"estimator": {"name": "js", "options": ["a"]}}, r"'estimator\.options' takes a mapping"),
        ({"loggers": "csv"}, "'loggers' takes a list"),
        ({"loggers": [["csv"]]}, "'loggers' takes a name, or a mapping"),
        ({"plugins": {"disable": []}}, r"unknown key 'plugins\.disable'"),
        ({"plugins": {"prefer": {"foo": ["a"]}}}, r"'plugins\.prefer\.foo' takes the name of a plugin"),
    ],
)
def test_wrong_shapes_are_named_with_their_file(values, message):
    with pytest.raises(ConfigError, match=r"^mist\.yaml: .*" + message):
        settings(file(**values))


def test_errors_of_flags_name_no_file():
    with pytest.raises(ConfigError, match=r"^unknown key"):
        settings(flags(nonsense=1))


def test_a_list_of_selectors_is_one_selector(registry):
    config = resolve([file(data={"x": ["f1", "f2"], "y": "g"})], registry).config
    assert config.data == DataConfig(x="f1,f2", y="g")


# --- precedence -------------------------------------------------------------------------------------------


def test_defaults(registry):
    assert resolve([], registry).config.estimator == Choice("auto")
    assert resolve([], registry).origins == {}
    found = resolve([file(estimator="js")], registry)
    assert found.config.estimator == Choice("js")
    assert found.config.critic == Choice("joint")
    assert found.config.training == TrainingConfig()
    assert found.estimator_options.neg_samples == 2
    assert found.critic_options.hidden_dims == (32, 32, 32)
    origins = {key: origin for key, _, origin in found.rows()}
    assert set(origins.values()) == {DEFAULT, "mist.yaml", "default of js", "default of joint"}
    assert origins["estimator.name"] == "mist.yaml"
    assert origins["critic.name"] == origins["estimator.options.neg_samples"] == "default of js"
    assert origins["critic.options.hidden_dims"] == "default of joint"


def test_the_first_layer_that_has_a_value_wins(registry):
    layers = [
        flags(training={"lr": "1e-3"}),
        Layer("run.yaml", {"training": {"lr": "1", "folds": "3"}, "seed": "7"}),
        Layer("mist.yaml", {"training": {"folds": "4", "patience": "2"}, "seed": "8", "units": "bits"}),
    ]
    found = resolve(layers, registry)
    assert (found.config.training.lr, found.config.training.folds, found.config.training.patience) == (
        1e-3,
        3,
        2,
    )
    assert (found.config.seed, found.units) == (7, "bits")
    origins = {key: origin for key, _, origin in found.rows()}
    assert origins["training.lr"] == "flag"
    assert origins["training.folds"] == origins["seed"] == "run.yaml"
    assert origins["training.patience"] == origins["units"] == "mist.yaml"
    assert origins["training.batch_size"] == DEFAULT


def test_options_of_layers_add_up_for_the_same_estimator_only(registry):
    smile = {"name": "smile", "options": {"tau": "3", "neg_samples": "4"}}
    same = resolve([flags({"tau": "none"}, estimator="smile"), file(estimator=smile)], registry)
    assert same.config.estimator == Choice("smile", {"tau": None, "neg_samples": 4})
    assert same.origins["estimator.options.tau"] == "flag"
    assert same.origins["estimator.options.neg_samples"] == "mist.yaml"
    other = resolve([flags(estimator="js"), file(estimator=smile)], registry)
    assert other.config.estimator == Choice("js")


def test_loggers_of_the_strongest_layer_replace_those_below(registry):
    layers = [flags(loggers=["csv:path=a.csv"]), file(loggers=["jsonl", {"name": "console"}])]
    assert resolve(layers, registry).config.loggers == (Choice("csv", {"path": "a.csv"}),)
    assert resolve(layers[1:], registry).config.loggers == (Choice("jsonl"), Choice("console"))


def test_a_weaker_layer_is_checked_though_it_does_not_count(registry):
    with pytest.raises(ConfigError, match=r"mist\.yaml: option 'lr' of training takes float, x > 0; got '-1'"):
        resolve([flags(training={"lr": "1"}), file(training={"lr": "-1"})], registry)


# --- one namespace of options -----------------------------------------------------------------------------


def test_an_option_goes_to_whoever_has_it(registry):
    config = resolve([flags({"neg_samples": "8", "hidden_dims": "32,32"}, estimator="js")], registry).config
    assert config.estimator == Choice("js", {"neg_samples": 8})
    assert config.critic == Choice("joint", {"hidden_dims": (32, 32)})


def test_an_option_of_both_needs_its_owner(registry):
    with pytest.raises(ConfigError, match=r"'hidden_dims' is an option of both estimator 'twin' and critic 'joint'"):
        resolve([flags({"hidden_dims": "1"}, estimator="twin")], registry)
    given = flags({"estimator.hidden_dims": "1", "critic.hidden_dims": "2"}, estimator="twin")
    config = resolve([given], registry).config
    assert config.estimator.options == {"hidden_dims": (1,)}
    assert config.critic is not None
    assert config.critic.options == {"hidden_dims": (2,)}


@pytest.mark.parametrize(
    ("estimator", "options", "message"),
    [
        ("ksg", {"lr": "1"}, r"'lr' is not an option of estimator 'ksg' but a flag; use --lr\."),
        (
            "js",
            {"max_epochs": "1"},
            r"not an option of estimator 'js' or critic 'joint' but a flag; use --max-epochs",
        ),
        (
            "ksg",
            {"tau": "1"},
            r"an option of smile.*Options of estimator 'ksg': k \(int, x >= 1, default 5\)",
        ),
        ("js", {"neg_sample": "1"}, r"Did you mean 'neg_samples'\?.*neg_samples \(int.*hidden_dims \(tuple"),
        ("js", {"critic.depth": "1"}, r"'depth' is not an option of critic 'joint'"),
        ("ksg", {"critic.hidden_dims": "1"}, r"estimator 'ksg' takes no critic; got its option"),
        ("ksg", {"k": "0"}, r"option 'k' of estimator 'ksg' takes int, x >= 1; got '0'"),
        ("ksg", {"k": "three"}, r"option 'k' of estimator 'ksg' takes int, x >= 1; got 'three'"),
    ],
)
def test_a_wrong_option_says_what_is_right(registry, estimator, options, message):
    with pytest.raises(ConfigError, match=message) as caught:
        resolve([flags(options, estimator=estimator)], registry)
    assert caught.value.exit_code == 2


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"estimator": "infonc"}, r"unknown estimator 'infonc'\. Did you mean 'infonce'\?"),
        ({"critic": "jiont"}, r"unknown critic 'jiont'\. Did you mean 'joint'\?"),
        ({"loggers": ["cvs"]}, r"unknown logger 'cvs'\. Did you mean 'csv'\?"),
        ({"data": {"reader": "cvs"}}, r"unknown reader 'cvs'\. Did you mean 'csv'\?"),
    ],
)
def test_unknown_names(registry, values, message):
    with pytest.raises(UnknownNameError, match=message):
        resolve([flags(**values)], registry)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"loggers": ["csv:file=a"]}, "'file' is not an option of logger 'csv'"),
        ({"seed": "-1"}, "'seed' of the configuration takes int"),
        ({"units": "bats"}, "one of nats, bits"),
        ({"inference": {"level": "1"}}, "0 < x < 1"),
    ],
)
def test_wrong_values_name_their_file(registry, values, message):
    with pytest.raises(ConfigError, match=r"^mist\.yaml: .*" + message):
        resolve([file(**values)], registry)


def test_preferences_reach_the_registry():
    class A:
        __name__ = "mist_plugin_a"

        @hookimpl
        def mist_critics(self):
            yield CriticSpec("same", "nowhere:A", "A.")

    class B(A):
        __name__ = "mist_plugin_b"

    a, b = A(), B()
    registry = Registry(discover=False, plugins=(a, b))
    with pytest.raises(MistError, match="several plugins"):
        resolve([flags(estimator="js", critic="same")], registry)
    found = resolve([flags(critic="same"), file(estimator="js", plugins={"prefer": {"same": "b"}})], registry)
    assert found.registry.get("critics", "same").plugin == "b"
    assert found.values()["plugins"] == {"prefer": {"same": "b"}}
    assert found.origins["plugins.prefer.same"] == "mist.yaml"


def test_options_of_the_reader_are_checked(registry):
    with pytest.raises(ConfigError, match="'nonsense' is not an option of reader 'csv'"):
        resolve([flags(data={"reader": "csv:nonsense=a"})], registry)


# --- what has no effect -----------------------------------------------------------------------------------


def test_a_critic_for_an_estimator_without_one(registry):
    for layers in ([flags(estimator="ksg", critic="joint")], [flags(critic="joint"), file(estimator="ksg")]):
        with pytest.raises(ConfigError, match="estimator 'ksg' takes no critic; got 'joint'; leave it out"):
            resolve(layers, registry)
    found = resolve([flags(estimator="ksg"), file(critic="joint")], registry)
    assert found.config.critic is None
    assert found.warnings == ("estimator 'ksg' takes no critic; got 'joint' in mist.yaml, which has no effect",)


def test_flags_of_training_for_an_estimator_that_is_not_trained(registry):
    found = resolve([flags(estimator="ksg", training={"lr": "1"})], registry)
    assert found.warnings == ("estimator 'ksg' is not trained, so that lr has no effect",)
    assert not resolve([flags(estimator="ksg"), file(training={"lr": "1"})], registry).warnings
    assert not resolve([flags(estimator="js", training={"lr": "1"})], registry).warnings


# --- YAML -------------------------------------------------------------------------------------------------


def test_what_is_kept_can_be_reloaded(registry, tmp_path):
    layers = [
        flags(
            {"tau": "none", "hidden_dims": "3,4"},
            estimator="smile",
            data={"path": "a b.csv", "x": "no, \x1b[1m,null", "y": "[0:3]"},
            loggers=["csv:path=a,b.csv"],
            training={"lr": "1e-5", "max_epochs": "5"},
            seed="3",
        )
    ]
    first = resolve(layers, registry)
    path = tmp_path / "config.yaml"
    path.write_text(dump_yaml(first.values()), encoding="utf-8")
    second = resolve([load_yaml(path), file(training={"max_steps": "7"})], registry)
    assert second.values() == first.values()


def test_scalars_mean_what_their_option_says(registry, tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("data: {x: no, y: 012}\ntraining: {lr: 1e-3, max_epochs: null}\ncritic:\nseed: 012\n")
    config = resolve([load_yaml(path)], registry).config
    assert (config.data.x, config.data.y, config.seed) == ("no", "012", 12)
    assert (config.training.lr, config.training.max_epochs) == (1e-3, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seed: 1\nunits: nats\nseed: 2\n", "line 3, column 1: the key 'seed' is given twice"),
        (b"training: {lr: 1, lr: 1}", "the key 'lr' is given twice"),
        (b"a: &a [x]\nb: [" + b"*a," * (MAX_ALIASES + 1) + b"]", "more than 16 aliases"),
        (b"a: &a [*a]", None),
        (b"[" * 20_000, "nested too deeply"),
        (b"a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        (b"? [a]\n: b", "unhashable"),
        (b"a: !!int x", "invalid literal"),
        (b"a\x00b: 1", "not allowed"),
        (b"a: b: c", "line 1, column 5"),
        (b"a: 1\n---\nb: 2", "another document"),
        (b"a: [1", "line 1"),
        ("é: 1".encode("utf-16"), "not UTF-8"),
        ("é: 1".encode("latin-1"), "not UTF-8"),
        (b"- a\n- b", "holds a list"),
        (b"text", "holds a single value"),
        (b"#" * (MAX_BYTES + 1), "larger than 256 KiB"),
    ],
)
def test_hostile_yaml(tmp_path, registry, content, message):
    path = tmp_path / "run.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        resolve([load_yaml(path)], registry)
    assert "run.yaml" in str(caught.value)


def test_an_alias_bomb_is_refused_before_it_grows(tmp_path):
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 20)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(ConfigError, match="more than 16 aliases"):
        read_yaml(path)


def test_a_few_aliases_and_merges_are_fine(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("training: &t {lr: 1}\ncleaning: {<<: *t, lr: 2}\n")
    assert read_yaml(path) == {"training": {"lr": "1"}, "cleaning": {"lr": "2"}}


def test_missing_file_directory_and_empty_file(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read the configuration .*nothing\.yaml.*No such file"):
        read_yaml(tmp_path / "nothing.yaml")
    with pytest.raises(ConfigError, match="Is a directory"):
        read_yaml(tmp_path)
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert read_yaml(tmp_path / "empty.yaml") == {}
