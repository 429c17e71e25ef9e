"""The trainer: what it learns, that replicas do not mix, that seeds decide, that it stops when told."""

import dataclasses

import numpy as np
import pytest
import torch
from problems import normal, normal_nats

from mistcli.config.schema import TrainingConfig
from mistcli.critics import Critic, JointCritic
from mistcli.data.splitting import cross_fitting
from mistcli.errors import FitError, PluginError
from mistcli.estimators import JS, NWJ
from mistcli.training.events import Evaluated, Listener
from mistcli.training.stopping import EarlyStopping
from mistcli.training.trainer import fit, generator, steps

CONFIG = TrainingConfig(folds=3, batch_size=64, max_steps=60, lr=1e-2)


def make(generator):
    return JS(JointCritic(1, 1, hidden_dims=(16,), generator=generator), neg_samples=4)


class Plain(Critic):
    """A stranger's critic: an ordinary module, with one loss and no replicas."""

    def __init__(self, generator):
        super().__init__()
        self.first = torch.nn.Linear(2, 16)
        self.last = torch.nn.Linear(16, 1)
        with torch.no_grad():
            for p in self.parameters():
                p.copy_(torch.randn(p.shape, generator=generator) * 0.3)

    def forward(self, x, y):
        x, y = torch.broadcast_tensors(x, y)
        return self.last(torch.tanh(self.first(torch.cat([x, y], -1)))).squeeze(-1)


class PlainJS(JS):
    stackable = False


def trained(make=make, config=CONFIG, *, n=600, which=slice(None), **options):
    x, y = (side.float() for side in normal(n, 0.9))
    folds = cross_fitting(n, config.folds, config.valid_fraction, np.random.default_rng(0))[which]
    fits = fit(make, x, y, folds, config, seed=options.pop("seed", 0), **options)
    with torch.inference_mode():
        return fits, [fits.stack[k].log_ratio(x[f.test], y[f.test]) for k, f in enumerate(folds)]


class Heard(Listener):
    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event)


def test_it_learns():
    config = dataclasses.replace(CONFIG, max_steps=400)
    _, ratios = trained(config=config, n=3000)
    assert torch.cat(ratios).mean().item() == pytest.approx(normal_nats(0.9), abs=0.1)


def test_same_seed_same_bits():
    first, again, other = (trained(seed=s)[1] for s in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("n", [600, 601])
def test_a_replica_alone_is_the_replica_beside_others(n):
    _, together = trained(n=n)
    for k in range(3):
        _, alone = trained(n=n, which=slice(k, k + 1))
        assert alone[0].mean().item() == pytest.approx(together[k].mean().item(), abs=1e-4)


def test_an_estimator_without_replica_axis_is_trained_in_a_loop_with_the_same_result():
    plain = lambda g: PlainJS(JointCritic(1, 1, hidden_dims=(16,), generator=g), neg_samples=4)  # noqa: E731
    for one, other in zip(trained()[1], trained(plain)[1], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


def test_a_plain_critic_is_trained_in_a_loop():
    def make_plain(generator):
        return PlainJS(Plain(generator), neg_samples=4)

    _, ratios = trained(make_plain, dataclasses.replace(CONFIG, max_steps=150))
    assert torch.cat(ratios).mean().item() > 0.4


def test_the_global_state_is_left_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype()
    trained()
    after = torch.random.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype()
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


def test_events_are_ordered_and_hold_plain_numbers():
    heard = Heard()
    trained(listener=heard)
    valid = [e for e in heard.events if e.split == "valid"]
    assert all(isinstance(e, Evaluated) for e in heard.events)
    assert [e.step for e in valid] == sorted({e.step for e in valid})
    assert valid[0].step == 0
    assert valid[0].values["mi"] == pytest.approx(0, abs=1e-6)
    assert all(len(e.per_fit["loss"]) == 3 and type(e.values["loss"]) is float for e in heard.events)
    assert valid[-1].epoch == pytest.approx(valid[-1].step / (len(range(600)) * 2 / 3 * 0.85 / 64), rel=0.05)


def test_told_to_stop_it_keeps_what_it_learnt():
    asked = iter([False] * 9 + [True])
    fits, ratios = trained(should_stop=lambda: next(asked))
    assert not fits.complete
    assert fits.steps == 10
    assert torch.cat(ratios).isfinite().all()


def test_best_weights_are_copies_and_are_restored():
    config = dataclasses.replace(CONFIG, lr=0.05, max_steps=300, patience=0, schedule="constant")
    heard = Heard()
    x, y = (side.float() for side in normal(120, 0.9))
    folds = cross_fitting(120, 3, 0.3, np.random.default_rng(0))
    fits = fit(make, x, y, folds, config, seed=0, listener=heard)
    seen = torch.tensor([e.per_fit["loss"] for e in heard.events if e.split == "valid"])
    assert (seen[-1] > seen.min(0).values).any(), "the case is too easy to tell best from last"
    now = [fits.stack[k].loss(x[f.valid], y[f.valid]).item() for k, f in enumerate(folds)]
    assert now == pytest.approx(seen.min(0).values.tolist(), abs=1e-5)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
@pytest.mark.parametrize("schedule", ["onecycle", "cosine", "constant"])
def test_every_optimizer_and_schedule_learns(optimizer, schedule):
    lr = 0.1 if optimizer == "sgd" else 1e-2
    heard = Heard()
    trained(config=dataclasses.replace(CONFIG, optimizer=optimizer, schedule=schedule, lr=lr), listener=heard)
    losses = [e.values["loss"] for e in heard.events if e.split == "valid"]
    assert min(losses) < losses[0] - 0.05


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, 500), ({"max_epochs": 3}, 30), ({"max_steps": 7}, 7), ({"max_epochs": 3, "max_steps": 7}, 7)],
)
def test_steps(given, expected):
    assert steps(TrainingConfig(batch_size=100, **given), 1000) == expected


def test_a_loss_that_is_never_finite_is_an_error():
    class Broken(NWJ):
        def log_partition(self, pos, neg):
            return super().log_partition(pos, neg) * float("nan")

    with pytest.raises(FitError, match="no finite loss"):
        trained(lambda g: Broken(JointCritic(1, 1, generator=g)))


def test_a_fit_that_diverges_keeps_its_best_and_spares_its_neighbours():
    class Diverging(JS):
        calls = 0

        def objective(self, pos, neg):
            type(self).calls += 1
            value = super().objective(pos, neg)
            if type(self).calls > 40 and value.dim():
                value = value * torch.tensor([1.0, float("nan"), 1.0])
            return value

    _, ratios = trained(lambda g: Diverging(JointCritic(1, 1, hidden_dims=(16,), generator=g), neg_samples=4))
    assert all(r.isfinite().all() for r in ratios)


def test_a_loss_of_the_wrong_shape_is_the_plugins_fault():
    class Wrong(JS):
        def objective(self, pos, neg):
            return pos

    with pytest.raises(PluginError, match="expected a loss of shape"):
        trained(lambda g: Wrong(JointCritic(1, 1, generator=g)))


def test_generators_of_different_purposes_differ():
    seeds = {generator(s, p, r).initial_seed() for s in (0, 1) for p in ("weights", "batches") for r in (0, 1)}
    assert len(seeds) == 8


def test_patience_counts_per_fit():
    stopping = EarlyStopping(2, patience=2)
    for losses in ([1.0, 1.0], [0.9, 1.1], [0.8, 1.2]):
        stopping.update(torch.tensor(losses))
    assert stopping.done.tolist() == [False, True]
    assert stopping.update(torch.tensor([2.0, 0.1])).tolist() == [False, False]


def test_patience_of_zero_never_stops():
    stopping = EarlyStopping(1, patience=0)
    for _ in range(50):
        stopping.update(torch.tensor([1.0]))
    assert not stopping.done.any()
