"""The steps in a program's own hands, as users of torch_mist know them."""

import numpy as np
import pandas as pd
import pytest
import torch
from problems import normal, normal_nats
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import mistcli
from mistcli import SampleDataset, estimate_mi, estimators, evaluate_mi, train_mi_estimator
from mistcli.critics import JointCritic
from mistcli.data import tensor_data
from mistcli.data.tensor_data import pairs
from mistcli.errors import ConfigError, DataError
from mistcli.estimators import JS
from mistcli.training.events import Evaluated, Listener

ROWS = (torch.zeros(8, 1), torch.zeros(8, 1))
COLUMNS = ["name", "split", "epoch", "iteration", "value"]
TRUE = normal_nats(0.9)


@pytest.fixture(scope="module")
def data():
    x, y = normal(8000, 0.9)
    return x[:, 0].float(), y[:, 0].float()


def own_net(inputs=2):
    return nn.Sequential(nn.Linear(inputs, 16), nn.ReLU(True), nn.Linear(16, 16), nn.ReLU(True), nn.Linear(16, 1))


def loader(data, **options):
    return DataLoader(SampleDataset({"x": data[0], "y": data[1]}), **({"batch_size": 128, "shuffle": True} | options))


def made(**options):
    return estimators.js(**({"x_dim": 1, "y_dim": 1, "hidden_dims": [16], "neg_samples": 8} | options))


def test_estimate_mi_is_the_estimate_and_its_log(data):
    options = {"hidden_dims": [16], "neg_samples": 8, "batch_size": 128, "max_epochs": 6, "device": "cpu"}
    mi, log = estimate_mi(data, estimator="js", valid_percentage=0.1, evaluation_batch_size=256, **options)
    assert isinstance(mi, float)
    assert mi == pytest.approx(TRUE, abs=0.05)
    assert list(log) == COLUMNS
    assert set(zip(log["name"], log["split"], strict=True)) == {("loss", "train"), ("loss", "valid"), ("mi", "valid")}
    whole = mistcli.estimate(data, estimator="js", valid_fraction=0.1, evaluation_batch_size=256, **options)
    assert whole.nats == mi
    first = whole.history.query("name == 'mi' and iteration == 0")["value"].mean()
    assert log.query("name == 'mi' and iteration == 0")["value"].item() == pytest.approx(first)
    smaller, _ = estimate_mi(data, estimator="js", valid_percentage=0.1, evaluation_batch_size=64, **options)
    assert smaller != mi
    assert smaller == pytest.approx(mi, abs=0.05)


@pytest.mark.parametrize("form", ["mapping", "dataset", "loader", "frame", "arrays"])
def test_estimate_mi_takes_data_of_all_kinds(form, data):
    forms = {
        "mapping": {"x": data[0], "y": data[1]},
        "dataset": SampleDataset({"x": data[0], "y": data[1]}),
        "loader": loader(data, shuffle=False),
        "arrays": (data[0].numpy(), data[1].numpy()),
    }
    if form == "frame":
        mi, log = estimate_mi(pd.DataFrame({"a": data[0], "b": data[1]}), x="a", y="b", estimator="gaussian")
    else:
        mi, log = estimate_mi(forms[form], estimator="gaussian")
    assert mi == pytest.approx(estimate_mi(data, estimator="gaussian")[0], abs=1e-9)
    assert list(log) == COLUMNS
    assert not len(log)


def test_own_network_as_critic(data):
    torch.manual_seed(0)
    estimator = JS(critic=JointCritic(joint_net=own_net()), neg_samples=8)
    assert "(joint_net): Sequential(" in repr(estimator)
    assert not estimator.critic.stackable
    assert JointCritic(1, 1).stackable
    log = train_mi_estimator(estimator=estimator, data=data, max_epochs=3, batch_size=128)
    assert evaluate_mi(estimator, data=data) == pytest.approx(TRUE, abs=0.08)
    assert log.query("name == 'mi'")["value"].iloc[-1] == pytest.approx(TRUE, abs=0.15)


def test_own_network_scores_combinations_and_says_what_it_is():
    f = JointCritic(joint_net=own_net(5))
    x, y = torch.randn(5, 2), torch.randn(7, 3)
    table = f(x[:, None], y[None])
    assert table.shape == (5, 7)
    torch.testing.assert_close(table[2, 3], f(x[2], y[3]))
    torch.testing.assert_close(f.cross(*f.embed(x, y)), table)
    with pytest.raises(ConfigError, match="got both"):
        JointCritic(1, 1, joint_net=own_net())
    with pytest.raises(ConfigError, match="expected x_dim and y_dim of a joint critic, or a network"):
        JointCritic()
    with pytest.raises(ConfigError, match=r"one number a pair; got \(4, 3\)"):
        JointCritic(joint_net=nn.Linear(2, 3))(torch.randn(4, 1), torch.randn(4, 1))


def test_hand_written_loop(data):
    estimator = made()
    optimizer = torch.optim.Adam(estimator.parameters(), lr=1e-2)
    for _ in range(2):
        for batch in loader(data):
            assert set(batch) == {"x", "y"}
            loss = estimator(batch["x"], batch["y"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        values = [estimator.mutual_information(batch["x"], batch["y"]) for batch in loader(data)]
    assert torch.stack(values).mean().item() == pytest.approx(TRUE, abs=0.08)


@pytest.mark.parametrize("form", ["pair", "loader"])
def test_train_and_evaluate(form, data):
    estimator = made()
    given = data if form == "pair" else loader(data)
    log = train_mi_estimator(
        estimator=estimator, data=given, max_epochs=8, valid_percentage=0, optimizer_class=torch.optim.AdamW
    )
    assert list(log) == COLUMNS
    assert set(log["split"]) == {"train"}
    assert set(log["name"]) == {"loss", "mi"}
    assert log["epoch"].max() == pytest.approx(8, abs=0.1)
    assert log["iteration"].max() == 8 * (8000 // (128 if form == "loader" else 256))
    assert evaluate_mi(estimator, data=given, batch_size=128) == pytest.approx(TRUE, abs=0.08)


def test_validation_pairs_of_ones_own_and_early_stopping(data):
    train, valid = tuple(side[:1000] for side in data), tuple(side[1000:3000] for side in data)
    log = train_mi_estimator(made(), train, valid_data=loader(valid), max_epochs=200, patience=2, lr=0.05)
    best = log.query("split == 'valid' and name == 'loss'")["value"]
    assert set(log["split"]) == {"train", "valid"}
    assert log["epoch"].max() < 199
    assert best.iloc[-2:].min() >= best.min()


def test_same_seed_same_weights_and_the_best_are_kept(data):
    one, same, other = made(), made(), made()
    for estimator, seed in ((one, 3), (same, 3), (other, 4)):
        train_mi_estimator(estimator, data, max_steps=20, seed=seed)
    assert evaluate_mi(one, data) == evaluate_mi(same, data) != evaluate_mi(other, data)


def test_a_listener_is_told(data):
    class Heard(Listener):
        def __init__(self):
            self.events = []

        def emit(self, event):
            self.events.append(event)

    heard = Heard()
    train_mi_estimator(made(), data, max_steps=5, listener=heard)
    assert any(isinstance(event, Evaluated) for event in heard.events)


@pytest.mark.parametrize("name", ["gaussian", "ksg"])
def test_estimators_that_are_not_trained_are_evaluated_at_once(name, data):
    few = tuple(side[:2000] for side in data)
    assert evaluate_mi(getattr(estimators, name)(), few) == pytest.approx(TRUE, abs=0.08)
    with pytest.raises(ConfigError, match="leave batch_size out"):
        evaluate_mi(getattr(estimators, name)(), few, batch_size=128)
    with pytest.raises(ConfigError, match="expected an estimator that is trained"):
        train_mi_estimator(getattr(estimators, name)(), few)


def test_batches_of_an_evaluation_are_of_one_size_and_spread():
    x, y = normal(257, 0.9)
    ordered = x.sort(0).values
    estimator = made().double()
    assert np.isfinite(evaluate_mi(estimator, (x, y), batch_size=256))  # no batch of a single pair
    train_mi_estimator(estimator, (x, y), max_steps=20)
    both = [evaluate_mi(estimator, (ordered, ordered), batch_size=size) for size in (64, None)]
    assert both[0] == pytest.approx(both[1], abs=0.2)


def test_a_float64_estimator_stays_one(data):
    estimator = made().double()
    train_mi_estimator(estimator, data, max_steps=5)
    assert next(estimator.parameters()).dtype == torch.float64


def test_data_sets_of_pairs(data):
    one = pairs(TensorDataset(data[0], data[1]))
    torch.testing.assert_close(one[0], data[0][:, None])
    torch.testing.assert_close(pairs(loader(data, shuffle=False))[1], data[1][:, None])
    item = SampleDataset({"x": data[0], "y": torch.ones(8000, 2)})[5]
    assert {key: value.shape for key, value in item.items()} == {"x": (1,), "y": (2,)}


class Odd(torch.utils.data.IterableDataset):
    """Batches as they are listed."""

    def __init__(self, *batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


def odd(*batches):
    return DataLoader(Odd(*batches), batch_size=None)


ONE, TWO = torch.ones(4, 1), torch.ones(4, 2)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (odd(), "the DataLoader yields nothing: expected at least one batch"),
        (
            odd((ONE, ONE), (ONE, TWO)),
            "expected batches of one shape.*x of 1 and y of 1 columns, and later x of 1 and y of 2",
        ),
        (odd((ONE, ONE[:2])), "expected as many rows in x as in y of a batch of the DataLoader; got 4 and 2"),
        (odd(ONE), "expected a batch of the DataLoader to be a pair"),
        (odd({"x": ONE, "z": ONE}), "with 'x' and 'y'; it has 'x', 'z'"),
        (odd((ONE, "text")), "y of a batch of the DataLoader"),
        (odd((torch.ones(2, 3, 4), torch.ones(2))), r"has the shape \(2, 3, 4\); expected numbers, \(N,\) or \(N, D\)"),
        ((ONE, ONE * torch.nan), "y holds NaN or infinite values"),
        ((ONE, torch.ones(3)), "got 4 and 3"),
        ((ONE[:0], ONE[:0]), r"has the shape \(0, 1\)"),
        (5, "expected data to be a pair"),
        ({"x": ONE}, "it has 'x'"),
    ],
)
def test_data_that_is_refused(data, sentence):
    for call in (lambda: evaluate_mi(made(), data), lambda: train_mi_estimator(made(), data)):
        with pytest.raises(DataError, match=sentence):
            call()


def test_a_loader_without_end_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(tensor_data, "LARGEST", 1000)

    class Endless(torch.utils.data.IterableDataset):
        def __iter__(self):
            while True:
                yield ONE, ONE

    with pytest.raises(DataError, match="gives more than 1,000 numbers"):
        pairs(DataLoader(Endless(), batch_size=None))


@pytest.mark.parametrize("call", ["__call__", "mutual_information"])
def test_sides_that_are_no_rows_of_columns_are_refused(call, data):
    for x, y in (data, (data[0][:10, None], data[1][:, None])):
        with pytest.raises(DataError, match=r"expected x of shape \(N, Dx\) and y of shape \(N, Dy\), a row a pair"):
            getattr(made(), call)(x, y)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda d: estimate_mi(d, neg_sampels=16), "Did you mean 'neg_samples'"),
        (lambda d: estimate_mi(d, max_epoch=1), "max_epoch"),
        (lambda d: estimate_mi(d, estimator=made()), "trained by train_mi_estimator"),
        (lambda d: estimate_mi(d, valid_percentage=10), "expected a valid_percentage from 0 to 0.5"),
        (lambda d: estimate_mi(d, optimizer_class="adm"), "expected an optimizer_class among adam, adamw"),
        (lambda d: train_mi_estimator(made(), d, max_epoch=1), "Did you mean 'max_epochs'"),
        (lambda d: train_mi_estimator(made(), d, folds=3), "has no option 'folds'"),
        (lambda d: train_mi_estimator(made(), d, batch_size=1), "batch_size"),
        (lambda d: train_mi_estimator(made(), d, optimizer_class=torch.optim.NAdam), "write the loop by hand"),
        (lambda d: train_mi_estimator(made(), d, valid_data=(TWO, ONE)), "expected valid_data with 1 columns of x"),
        (lambda d: train_mi_estimator(made(x_dim=2), d), "expected 2 columns of a side, which the estimator was made"),
        (lambda d: evaluate_mi(made(y_dim=3), d), "made for; got 1: make it with the x_dim and y_dim of the data"),
        (lambda d: made(y_dim=3)(*ROWS), "expected 3 columns of a side"),
        (
            lambda d: train_mi_estimator(JS(JointCritic(joint_net=own_net(5))), d),
            "does not take x of 1 and y of 1 columns; make it with x_dim=1",
        ),
        (
            lambda d: JS(own_net()),
            "expected a critic, such as mistcli.critics.JointCritic(joint_net=...); got Seq",
        ),
        (lambda d: JointCritic(joint_net="net"), "expected a torch.nn.Module as joint_net; got str"),
        (lambda d: train_mi_estimator("js", d), "expected an estimator that is made already"),
        (lambda d: evaluate_mi("js", d), "for one by its name there is estimate_mi"),
        (lambda d: evaluate_mi(made(), d, batch_size=1), "expected a batch_size of at least 2"),
        (lambda d: train_mi_estimator(made(), d, device="cuda"), "expected a CUDA device"),
    ],
)
def test_what_is_refused(call, sentence, data):
    if "CUDA" in sentence and torch.cuda.is_available():
        pytest.skip("there is one here")
    with pytest.raises(ConfigError) as error:
        call(data)
    assert sentence in str(error.value)
