"""Estimators made of densities: at the optimum they are the closed form, bounds bound, and hybrids mend."""

import json
import math
from functools import partial

import numpy as np
import pytest
import torch
from problems import normal, normal_log_ratio, normal_nats
from torch import Generator

import mistcli
from mistcli.config.schema import TrainingConfig
from mistcli.data.splitting import cross_fitting
from mistcli.distributions import Gaussian
from mistcli.errors import ConfigError, DataError
from mistcli.estimators import BA, CLUB, GM, DoE, L1Out, ResampledHybrid, ReweighedHybrid
from mistcli.estimators.hybrid import DISCRIMINATIVE, GENERATIVE
from mistcli.training.crossfit import DataSet, cross_fit

RHO = 0.9
ENTROPY = 0.5 * math.log(2 * math.pi * math.e)
HYBRIDS = {"resampled_hybrid": ResampledHybrid, "reweighed_hybrid": ReweighedHybrid}
ESTIMATORS = {"ba": partial(BA, entropy=ENTROPY), "club": CLUB, "doe": DoE, "gm": GM, "l1out": L1Out, **HYBRIDS}
NORMAL = {
    **{name: {"conditional": "gaussian", "hidden_dims": ()} for name in ESTIMATORS},
    "doe": {"conditional": "gaussian", "marginal": "gaussian", "hidden_dims": ()},
    "gm": {"joint": "gaussian", "marginal": "gaussian"},
    **{
        name: {"conditional": "gaussian", "marginal": "gaussian", "hidden_dims": (8,), "discriminative": "js"}
        for name in HYBRIDS
    },
}


def optimal(name, rho=RHO, *, scale=1.0):
    """An estimator with the densities of `normal`; `scale` makes the conditional too wide or too narrow."""
    estimator = ESTIMATORS[name](1, 1, **NORMAL[name]).double()
    log_scale = -0.5 * math.log(1 - rho**2) - math.log(scale)
    ratio = estimator.generative.critic if name in HYBRIDS else estimator.critic
    with torch.no_grad():
        if name == "gm":
            ratio.joint.below.fill_(-rho)
            ratio.joint.values[-1] = log_scale
        elif name in HYBRIDS:  # a layer that gives x back, of silu(x) - silu(-x)
            first, last = ratio.conditional.net.layers
            for tensor in (first.weight, first.bias, last.weight):
                tensor.zero_()
            first.weight[0, :2] = torch.tensor([1.0, -1.0])
            last.weight[:2, 0] = torch.tensor([rho, -rho])
            last.bias[1] = log_scale
        else:
            ratio.conditional.net.layers[0].weight[0, 0] = rho
            ratio.conditional.net.layers[0].bias[1] = log_scale
    return estimator


def trained(make, x, y, *, seed=0, **options):
    """The out-of-fold mean of an estimator trained as on the command line."""
    config = TrainingConfig(**options)
    folds = cross_fitting(len(x), config.folds, config.valid_fraction, np.random.default_rng(seed))
    return cross_fit(make, [DataSet(x.float(), y.float(), folds)], config, seed=seed)[0].log_ratio.mean()


@pytest.mark.parametrize("name", ["doe", "gm", "resampled_hybrid", "reweighed_hybrid"])
def test_optimal_densities_give_the_log_ratio_of_each_pair(name):
    x, y = normal(4000, RHO)
    ratio = optimal(name).log_ratio(x, y)
    if name in HYBRIDS:  # js is valued with its partition, which is 1 within sampling error
        assert ratio.mean().item() == pytest.approx(normal_log_ratio(x, y, RHO).mean().item(), abs=0.03)
    else:
        torch.testing.assert_close(ratio, normal_log_ratio(x, y, RHO))


def test_an_optimal_conditional_and_the_entropy_give_the_closed_form():
    x, y = normal(4000, RHO)
    assert optimal("ba").mutual_information(x, y).item() == pytest.approx(normal_nats(RHO), abs=0.03)


@pytest.mark.parametrize("rho", [0.0, 0.5, RHO])
def test_upper_bounds_lie_above_at_the_true_conditional(rho):
    x, y = normal(4000, rho)
    truth = normal_log_ratio(x, y, rho).mean().item()
    paper, club, l1out = (optimal(name, rho) for name in ("club", "club", "l1out"))
    paper.tau = None
    paper, club, l1out = (estimator.mutual_information(x, y).item() for estimator in (paper, club, l1out))
    assert truth - 1e-3 < l1out < truth + 0.03
    assert l1out - 1e-9 <= club <= min(paper, l1out + 3)
    assert paper == pytest.approx(rho**2 / (1 - rho**2), rel=0.1, abs=1e-9)


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.25, 2.0])
def test_lower_bounds_lie_below_at_any_conditional(scale):
    x, y = normal(4000, RHO)
    truth = normal_log_ratio(x, y, RHO).mean().item()
    assert optimal("ba", scale=scale).mutual_information(x, y).item() < truth - 0.01
    for name in HYBRIDS:  # a critic of js that corrects nothing is valued by the bound of NWJ
        assert optimal(name, scale=scale).mutual_information(x, y).item() < truth + 0.02


def test_swapping_sides_changes_nothing_at_the_optimum_of_gm():
    x, y = normal(500, RHO)
    torch.testing.assert_close(optimal("gm").log_ratio(y, x), optimal("gm").log_ratio(x, y))


@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - {"ba"}))
def test_untrained_densities_say_independent(name):
    x, y = normal(300, RHO)
    ratio = ESTIMATORS[name](1, 1, **NORMAL[name]).double().log_ratio(x, y)
    torch.testing.assert_close(ratio, torch.zeros_like(ratio))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_training_finds_what_there_is(name):
    for rho in (0.0, 0.8):
        x, y = normal(4000, rho)
        value = trained(lambda g: ESTIMATORS[name](1, 1, generator=g), x, y, folds=2, max_steps=200)
        truth = normal_log_ratio(x, y, rho).mean().item() if rho else 0.0
        assert truth - 0.04 < value
        assert value < (1.9 if name == "club" and rho else truth + 0.06)


@pytest.mark.parametrize("conditional", ["gaussian", "diagonal", "mixture", "maf", "nsf"])
def test_any_density_serves(conditional):
    x, y = normal(2000, 0.8, dim=2)
    make = partial(DoE, 2, 2, conditional=conditional, marginal=conditional, hidden_dims=(16,))
    value = trained(lambda g: make(generator=g), x, y, folds=2, max_steps=120)
    assert value == pytest.approx(normal_log_ratio(x, y, 0.8).mean().item(), abs=0.1)


def test_columns_of_y_that_hang_together_need_a_covariance():
    generator = Generator().manual_seed(0)
    x, a, b = torch.randn(3, 3000, 1, generator=generator)
    y = torch.cat([a + 0.3 * x, a + 0.3 * b], 1)  # their difference tells of x
    full, diagonal = (
        trained(lambda g, c=c: DoE(1, 2, conditional=c, marginal=c, generator=g), x, y, folds=2, max_steps=200)
        for c in ("gaussian", "diagonal")
    )
    truth = mistcli.estimate((x, y), estimator="gaussian").nats
    assert full == pytest.approx(truth, abs=0.05)
    assert diagonal < truth - 0.15


@pytest.mark.parametrize("hybrid", HYBRIDS)
@pytest.mark.parametrize("discriminative", DISCRIMINATIVE)
@pytest.mark.parametrize("generative", GENERATIVE)
def test_any_two_estimators_make_a_hybrid(hybrid, discriminative, generative):
    entropy = {"entropy": ENTROPY} if generative == "ba" else {}
    made = HYBRIDS[hybrid](
        2, 3, discriminative=discriminative, generative=generative, hidden_dims=(8,), components=3, **entropy
    )
    assert isinstance(made.discriminative, DISCRIMINATIVE[discriminative])
    assert isinstance(made.generative, GENERATIVE[generative])
    x, y = torch.randn(40, 2), torch.randn(40, 3)
    made.loss(x, y).backward()
    assert all(p.grad is not None for p in made.parameters())
    assert made.log_ratio(x, y).isfinite().all()
    assert len({id(t) for t in made.state_dict().values()}) == len(made.state_dict())


@pytest.mark.parametrize("hybrid", HYBRIDS)
def test_the_critic_does_not_train_the_densities(hybrid):
    x, y = normal(50, RHO)
    made = HYBRIDS[hybrid](1, 1).double()
    made.discriminative.loss(x, y).backward()
    assert all(p.grad is None for p in made.generative.parameters())


@pytest.mark.parametrize("hybrid", HYBRIDS)
def test_a_hybrid_mends_densities_that_do_not_fit(hybrid):
    x = torch.randn(6000, 1, generator=Generator().manual_seed(0))
    side = torch.randint(2, x.shape, generator=Generator().manual_seed(1)) * 2.0 - 1
    y = side * x + 0.3 * torch.randn(x.shape, generator=Generator().manual_seed(2))  # a cross
    fits = {"conditional": "gaussian", "marginal": "gaussian", "hidden_dims": (16, 16)}
    options = {"folds": 2, "max_steps": 300}
    plain = trained(lambda g: DoE(1, 1, generator=g, **fits), x, y, **options)
    good = trained(lambda g: DoE(1, 1, generator=g, hidden_dims=(16, 16)), x, y, **options)
    mended = trained(lambda g: HYBRIDS[hybrid](1, 1, generator=g, **fits), x, y, **options)
    assert plain < good - 0.25
    assert mended == pytest.approx(good, abs=0.1)


def test_samples_are_new_in_each_step_and_the_same_in_each_value():
    x, y = normal(50, RHO)
    made = ResampledHybrid(1, 1, generator=Generator().manual_seed(0)).double()
    made.discriminative.critic.net.layers[-1].weight.data.fill_(0.1)
    assert torch.equal(made.log_ratio(x, y), made.log_ratio(x, y))
    assert not torch.equal(made.loss(x, y), made.loss(x, y))


def test_samples_in_parts_are_as_good(monkeypatch):
    x, y = normal(400, RHO)
    made = optimal("resampled_hybrid")
    made.discriminative.critic.net.layers[-1].weight.data.fill_(0.1)
    whole = made.mutual_information(x, y).item()
    monkeypatch.setattr("mistcli.estimators.resampled_hybrid.CHUNK", 50_000)
    assert made.mutual_information(x, y).item() == pytest.approx(whole, abs=0.02)


@pytest.mark.parametrize("options", [{}, {"generative": "gm"}, {"generative": "l1out"}])
def test_reweighed_hybrids_of_a_wide_y_start_from_normal_densities(options):
    def components(made):
        return {part.components for part in made.modules() if isinstance(part, Gaussian)}

    assert components(ReweighedHybrid(1, 11, **options)) == {1}
    assert components(ReweighedHybrid(1, 10, **options)) == {8}
    assert components(ReweighedHybrid(1, 11, components=3, **options)) == {3}
    assert components(ResampledHybrid(1, 11, **options)) == {8}


@pytest.mark.parametrize("transform", ["none", "standard", "asinh", "smooth"])
def test_the_entropy_is_that_of_the_columns_as_they_are(transform):
    x, y = (side.numpy() for side in normal(3000, RHO, dim=1))
    found = mistcli.estimate(
        (x, 3 * y + 5), estimator="ba", entropy=ENTROPY + math.log(3), transform=transform, max_steps=300, folds=2
    )
    assert found.nats == pytest.approx(normal_nats(RHO), abs=0.08)
    assert found.bound == "lower"


def test_a_kept_estimator_knows_the_entropy_of_its_features(tmp_path, mist):
    x, y = (100 * side.flatten().numpy() for side in normal(600, RHO))
    for name, rows in (("one", slice(300)), ("other", slice(300, 600))):
        np.savetxt(tmp_path / f"{name}.csv", np.stack([x, y], 1)[rows], delimiter=",", header="x,y", comments="")
    entropy = ENTROPY + math.log(100)
    options = ["--x", "x", "--y", "y", "--estimator", "ba", "-o", f"entropy={entropy}", "--max-steps", 150]
    run = mist("estimate", tmp_path / "one.csv", *options, "--out", tmp_path / "run")
    assert run.exit_code == 0, run.output
    again = mist("evaluate", tmp_path / "run", tmp_path / "other.csv", "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["mi"] == pytest.approx(normal_nats(RHO), abs=0.25)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BA(1, 1), "ba needs the entropy of y, in nats; got None: pass it"),
        (lambda: BA(1, 1, entropy=math.nan), "ba needs the entropy of y, in nats; got nan"),
        (lambda: DoE(1, 1, marginal="nfs"), "unknown density 'nfs'. Did you mean 'nsf'?"),
        (
            lambda: DoE(1, 1, conditional="gaussian", marginal="nsf", components=3),
            "no components with gaussian and nsf",
        ),
        (lambda: CLUB(1, 1, tau=0.0), "expected tau > 0, or None; got 0.0"),
        (lambda: GM(1, 1, hidden_dims=(8,)), "no hidden_dims with mixture, for it belongs to maf and nsf"),
        (lambda: ResampledHybrid(1, 1, discriminative="nwy"), "unknown discriminative estimator 'nwy'. Did you mean"),
        (lambda: ReweighedHybrid(1, 1, generative="does"), "unknown generative estimator 'does'. Did you mean 'doe'?"),
        (lambda: ResampledHybrid(1, 1, generative="ba"), "ba needs the entropy of y"),
        (
            lambda: ResampledHybrid(1, 1, joint="nsf"),
            "expected no joint with doe, for it belongs to gm; got nsf: leave",
        ),
        (lambda: ReweighedHybrid(1, 1, generative="gm", conditional="nsf"), "belongs to ba and club and doe and l1out"),
        (lambda: ReweighedHybrid(1, 1, hidden_dims=()), "at least one hidden layer in a joint critic"),
    ],
)
def test_what_there_is_not_is_refused(make, message):
    with pytest.raises(ConfigError) as error:
        make()
    assert message in str(error.value)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_other_columns_than_it_was_made_for_are_refused(name):
    with pytest.raises((DataError, ConfigError, RuntimeError), match=r"columns|shape|size"):
        ESTIMATORS[name](1, 1).log_ratio(torch.randn(20, 1), torch.randn(20, 2))
    with pytest.raises((DataError, ConfigError), match="columns"):
        mistcli.evaluate_mi(ESTIMATORS[name](1, 1), (torch.randn(20, 2), torch.randn(20, 1)))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_discrete_y_is_refused(name):
    entropy = {"entropy": 0.7} if name == "ba" else {}
    table = {"a": np.random.default_rng(0).standard_normal(200), "b": ["u", "v"] * 100}
    with pytest.raises(
        DataError, match="takes continuous columns as y, and 'b' is not continuous: use one that takes it"
    ):
        mistcli.estimate(table, x="a", y="b", estimator=name, **entropy)


def test_a_discrete_x_is_a_context_as_any_other():
    rng = np.random.default_rng(0)
    levels = rng.integers(3, size=1500)
    table = {"a": np.array(["u", "v", "w"])[levels], "b": 8 * levels + rng.standard_normal(1500)}
    found = mistcli.estimate(table, x="a", y="b", estimator="doe", transform="standard")
    assert found.nats == pytest.approx(math.log(3), abs=0.05)
    with pytest.raises(DataError, match="'gm' takes continuous columns as x, and 'a' is not continuous"):
        mistcli.estimate(table, x="a", y="b", estimator="gm")


def test_an_entropy_does_not_go_with_normal_scores():
    with pytest.raises(ConfigError, match="a transform of none, standard, asinh, smooth beside an entropy"):
        mistcli.estimate(normal(200, RHO), estimator="ba", entropy=ENTROPY, transform="normal")


def test_an_entropy_does_not_go_with_what_is_given():
    table = dict(zip("abc", np.random.default_rng(0).standard_normal((3, 200)), strict=True))
    with pytest.raises(ConfigError, match="no entropy of y beside --given"):
        mistcli.estimate(table, x="a", y="b", given="c", estimator="ba", entropy=ENTROPY)
