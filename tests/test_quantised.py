"""Cells: quantizers do what they say, and what is estimated from cells is what theory says of cells."""

import math

import numpy as np
import pytest
import torch
from problems import normal, normal_nats
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal
from torch import Generator

import mistcli
from mistcli.config.schema import TrainingConfig
from mistcli.data.splitting import cross_fitting
from mistcli.distributions.fixed import FixedQuantizer
from mistcli.distributions.kmeans import KMeansQuantizer
from mistcli.distributions.vqvae import VQVAEQuantizer
from mistcli.errors import ConfigError, DataError
from mistcli.estimators import PQ, Binned, HybridPQ
from mistcli.estimators.hybrid import DISCRIMINATIVE
from mistcli.estimators.hybrid_pq import _mates
from mistcli.training.crossfit import DataSet, cross_fit

RHO = 0.9


def both_binned_nats(bins, rho=RHO):
    """The mutual information of two normal columns in bins of equal mass, by the distribution function."""
    edges = np.clip(ndtri(np.arange(bins + 1) / bins), -8, 8)
    corners = np.stack(np.meshgrid(edges, edges, indexing="ij"), -1)
    below = multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf(corners)
    shares = np.clip(np.diff(np.diff(below, axis=0), axis=1), 1e-300, None)
    return float((shares * np.log(shares * bins**2)).sum())


def one_binned_nats(bins, rho=RHO):
    """The same where only y is in bins, by an average over x."""
    x = ndtri((np.arange(4000) + 0.5) / 4000)[:, None]
    edges = ndtri(np.arange(bins + 1) / bins)
    shares = np.clip(np.diff(ndtr((edges - rho * x) / math.sqrt(1 - rho**2)), axis=1), 1e-300, None)
    return float((shares * np.log(shares * bins)).sum(1).mean())


def trained(make, x, y, *, seed=0, **options):
    """The out-of-fold mean of an estimator trained as on the command line."""
    config = TrainingConfig(**options)
    folds = cross_fitting(len(x), config.folds, config.valid_fraction, np.random.default_rng(seed))
    return cross_fit(make, [DataSet(x.float(), y.float(), folds)], config, seed=seed)[0].log_ratio.mean()


def test_a_grid_has_bins_of_one_mass_or_width():
    y, _ = normal(1000, 0, dim=2)
    mass = FixedQuantizer(2, 4)
    mass.fit(y)
    counts = torch.bincount(mass(y), minlength=16)
    assert counts.view(4, 4).sum(0).tolist() == counts.view(4, 4).sum(1).tolist() == [250] * 4
    width = FixedQuantizer(2, 4, spacing="width")
    width.fit(y)
    torch.testing.assert_close(width.edges.diff(dim=1)[:, 0], (y.amax(0) - y.amin(0)) / 4)
    assert width(y.amin(0)[None]).item() == 0
    assert width(y.amax(0)[None]).item() == 15


def test_a_grid_that_is_not_fitted_suits_normal_columns():
    y, _ = normal(20_000, 0)
    counts = torch.bincount(FixedQuantizer(1, 8)(y), minlength=8)
    assert (counts / 20_000 - 1 / 8).abs().max() < 0.01


def test_kmeans_finds_clusters_and_keeps_empty_centres():
    generator = Generator().manual_seed(0)
    centres = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], dtype=torch.float64)
    y = centres.repeat(50, 1) + 0.1 * torch.randn(150, 2, generator=generator, dtype=torch.float64)
    quantizer = KMeansQuantizer(2, 3)
    quantizer.fit(y, generator=generator)
    assert len(set(quantizer(centres).tolist())) == 3
    torch.testing.assert_close(quantizer.lookup(quantizer(centres)), centres, rtol=0, atol=0.1)
    more = KMeansQuantizer(2, 8)
    more.fit(centres.repeat(50, 1), generator=generator)
    assert more.centres.isfinite().all()
    assert len(set(more(centres).tolist())) == 3


def test_kmeans_follows_batches_in_every_replica():
    y = torch.stack([normal(64, 0, dim=2, seed=s)[0] + 10 * s for s in range(3)])
    whole = KMeansQuantizer(2, 4).double()
    whole.sums, whole.sizes, whole.told = (t.repeat(3, *[1] * t.dim()) for t in (whole.sums, whole.sizes, whole.told))
    alone = [KMeansQuantizer(2, 4).double() for _ in range(3)]
    predicted = y.new_zeros(3, 64, 4).exponential_(generator=Generator().manual_seed(0)).softmax(-1)
    for _ in range(3):
        whole.follow(y)
        whole.heed(y, predicted)
        for quantizer, rows, told in zip(alone, y, predicted, strict=True):
            quantizer.follow(rows)
            quantizer.heed(rows, told)
    assert torch.equal(whole(y), torch.stack([q(rows) for q, rows in zip(alone, y, strict=True)]))
    assert abs(alone[2].centres.mean().item() - 20) < 1


def test_kmeans_in_parts_changes_nothing(monkeypatch):
    y, _ = normal(200, 0, dim=2)
    quantizer = KMeansQuantizer(2, 4)
    quantizer.fit(y, generator=Generator().manual_seed(0))
    whole = quantizer(y)
    monkeypatch.setattr("mistcli.distributions.kmeans.CHUNK", 50)
    assert torch.equal(quantizer(y), whole)


def test_an_autoencoder_learns_codes_of_rows():
    y, _ = normal(512, 0, dim=2)
    quantizer = VQVAEQuantizer(2, 16, generator=Generator().manual_seed(0)).double()
    optimizer = torch.optim.Adam(quantizer.parameters(), lr=0.01)
    losses = []
    for _ in range(100):
        quantizer.follow(y)
        loss = quantizer.loss(y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.4 < losses[0]
    assert len(set(quantizer(y).tolist())) > 8


@pytest.mark.parametrize("bins", [4, 16])
def test_binned_is_what_theory_says_of_bins(bins):
    theory = both_binned_nats(bins)
    assert theory < normal_nats(RHO)
    values = [Binned(quantizer="equal_mass", bins=bins).fit_log_ratio(*normal(20_000, RHO, seed=s)) for s in range(3)]
    assert torch.stack(values).mean().item() == pytest.approx(theory, abs=0.012)


@pytest.mark.parametrize("quantizer", ["kmeans", "equal_mass", "equal_width"])
def test_binned_corrects_the_bias_of_few_rows(quantizer):
    values = {"miller_madow": [], "none": []}
    for correction, found in values.items():
        for s in range(30):
            estimator = Binned(quantizer=quantizer, bins=6, correction=correction)
            ratio = estimator.fit_log_ratio(*normal(300, 0, seed=s), generator=Generator().manual_seed(s))
            found.append(ratio.mean().item())
    assert np.mean(values["none"]) > 0.02
    assert abs(np.mean(values["miller_madow"])) < 0.4 * np.mean(values["none"])


@pytest.mark.parametrize(
    ("options", "dim", "told"),
    [
        ({"bins": 60}, 1, "60 bins and 50 rows"),
        ({"bins": 60, "quantizer": "equal_mass"}, 1, "60 bins of each of 1 columns and 50 rows"),
        ({"bins": 8, "quantizer": "equal_width"}, 2, "8 bins of each of 2 columns and 50 rows"),
        ({"quantizer": "equal_mass"}, 6, "2 bins of each of 6 columns and 50 rows"),
    ],
)
def test_more_bins_than_rows_is_an_error(options, dim, told):
    with pytest.raises(DataError, match=f"expected no more bins than rows; got {told}: ask for fewer bins"):
        Binned(**options).fit_log_ratio(*normal(50, 0, dim=dim))


@pytest.mark.parametrize("quantizer", ["fixed", "kmeans", "vqvae"])
def test_pq_is_below_what_theory_says_of_cells_and_near_it(quantizer):
    x, y = normal(6000, RHO)
    value = trained(lambda g: PQ(1, 1, quantizer=quantizer, cells=8, generator=g), x, y, folds=2, max_steps=300)
    theory = one_binned_nats(8)  # the most that eight cells can tell is a little more
    assert theory - 0.1 < value < normal_nats(RHO)


@pytest.mark.parametrize("quantizer", ["fixed", "kmeans", "vqvae"])
def test_pq_finds_nothing_where_there_is_nothing(quantizer):
    x, y = normal(3000, 0)
    value = trained(lambda g: PQ(1, 1, quantizer=quantizer, generator=g), x, y, folds=2, max_steps=100)
    assert -0.06 < value < 0.01  # a bound that few steps leave too low


def test_rounding_does_not_choose_among_centres_in_one_place():
    place = torch.tensor([[0.3, 0.7]])
    centres = torch.cat([place * 3, place, place * (1 + 1e-7), place * (1 - 1e-7)])
    quantizer = KMeansQuantizer.around(centres)
    for told in ([0.0, 0.0], [0.3, 0.1], [0.1, 0.9]):
        quantizer.told = torch.tensor(told)
        assert quantizer(place.repeat(7, 1)).tolist() == [1] * 7


def test_pq_finds_what_there_is_in_few_levels():
    x, y = (side.mul(1.5).round().clamp(-2, 2) for side in normal(4000, RHO))
    table = Binned(bins=5).fit_log_ratio(x, y).mean().item()
    value = trained(lambda g: PQ(1, 1, generator=g), x, y, folds=2, max_steps=300)
    assert table - 0.06 < value < table + 0.03


def test_kmeans_spends_no_cells_on_columns_that_x_tells_nothing_of():
    x, y = normal(6000, RHO)
    noise, _ = normal(6000, 0, dim=4, seed=1)
    options = {"folds": 2, "max_steps": 300}
    alone = trained(lambda g: PQ(1, 1, generator=g), x, y, **options)
    beside = trained(lambda g: PQ(1, 5, generator=g), x, torch.cat([noise, y], -1), **options)
    assert alone - 0.15 < beside < normal_nats(RHO)


def test_kmeans_heeds_the_columns_that_are_told_in_every_replica():
    quantizer = KMeansQuantizer.around(torch.tensor([[-1.0, -1.0], [1.0, 1.0]]))
    y = torch.tensor([[-1.0, -2.0], [-1.0, 2.0], [1.0, -2.0], [1.0, 2.0]])
    assert quantizer(y).tolist() == [0, 1, 0, 1]
    quantizer.heed(y, torch.eye(2)[[0, 0, 1, 1]])
    torch.testing.assert_close(quantizer.told, torch.tensor([0.1, 0.025]))
    for _ in range(20):
        quantizer.heed(y * torch.tensor([1.0, 100.0]), torch.eye(2)[[0, 0, 1, 1]])
    assert quantizer(y).tolist() == [0, 0, 1, 1]


def test_pq_never_exceeds_its_ceiling():
    y = torch.randn(200, 1, generator=Generator().manual_seed(0))
    estimator = PQ(1, 1, quantizer="fixed", cells=4)
    with torch.no_grad():
        estimator.net.layers[-1].bias.copy_(torch.tensor([0.0, 50.0, 0.0, 0.0]))
    assert estimator.mutual_information(y, y).item() < estimator.ceiling(200) == math.log(4)


def test_the_cells_of_the_negatives_are_those_of_the_pairs():
    generator = Generator().manual_seed(0)
    cells = torch.randint(5, (2, 40), generator=generator)
    cells[0, 7] = 5  # alone
    mates = _mates(cells, 6)
    assert mates.shape == (2, 40, 6)
    assert (cells.gather(-1, mates.flatten(-2)).view(mates.shape) == cells[..., None]).all()
    own = mates == torch.arange(40)[:, None]
    assert own[0, 7].all()
    assert own.sum() == 6


@pytest.mark.parametrize("name", DISCRIMINATIVE)
def test_any_discriminative_estimator_serves_within_cells(name):
    hybrid = HybridPQ(2, 3, discriminative=name, cells=4, hidden_dims=(8,), generator=Generator().manual_seed(0))
    x, y = torch.randn(50, 2), torch.randn(50, 3)
    hybrid.loss(x, y).backward()
    assert isinstance(hybrid.discriminative, DISCRIMINATIVE[name])
    assert hybrid.log_ratio(x, y).isfinite().all()
    assert all(p.grad is not None for p in hybrid.parameters())


def test_hybrid_pq_makes_up_for_what_cells_lose():
    x, y = normal(6000, RHO)
    options = {"cells": 4, "hidden_dims": (16, 16)}
    pq = trained(lambda g: PQ(1, 1, generator=g, **options), x, y, folds=2, max_steps=250)
    hybrid = trained(lambda g: HybridPQ(1, 1, generator=g, **options), x, y, folds=2, max_steps=250)
    assert pq < normal_nats(RHO) - 0.12
    assert abs(hybrid - normal_nats(RHO)) < 0.06


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PQ(1, 1, quantizer="kmean"), "unknown quantizer 'kmean'"),
        (
            lambda: PQ(1, 5, quantizer="fixed"),
            "at least two cells a column of y for a grid; got cells=16 and 5 columns",
        ),
        (lambda: FixedQuantizer(40, 2), "a grid of fewer cells; got 2 bins of each of 40 columns"),
        (lambda: HybridPQ(1, 1, discriminative="nwy"), "unknown discriminative estimator 'nwy'. Did you mean 'nwj'?"),
        (lambda: Binned(quantizer="kmean"), "unknown quantizer 'kmean'"),
    ],
)
def test_what_there_is_not_is_refused(make, message):
    with pytest.raises(ConfigError) as error:
        make()
    assert message in str(error.value)


def test_more_cells_than_rows_of_a_batch_is_an_error():
    with pytest.raises(DataError, match="at least as many rows as cells; got 10 rows and 16 cells"):
        PQ(1, 1).loss(*normal(10, 0))


def test_discrete_columns_from_the_outside():
    found = mistcli.estimate(
        {"a": ["x", "y"] * 200, "b": ["u", "v"] * 200}, x="a", y="b", estimator="pq", max_steps=60, folds=2
    )
    assert found.nats == pytest.approx(math.log(2), abs=0.05)
