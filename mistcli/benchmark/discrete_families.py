"""Families with a discrete side, or with atoms in a continuous one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, xlogy

from mistcli.benchmark.problem import Pair, Problem
from mistcli.benchmark.quadrature import latent_information, normal_density, rule, table_information

__all__ = ["classes", "counts", "inflated", "poisson", "rounded", "table"]

Floats = NDArray[np.float64]


def counts() -> Iterator[Problem]:
    """Yield discrete pairs, mixed pairs, and continuous columns with atoms."""
    yield table("discrete-1v1-2x2", "a binary channel, 10 % of errors", np.array([[0.45, 0.05], [0.05, 0.45]]))
    random = np.random.default_rng(0)
    yield table("discrete-1v1-5x8", "a random table", random.dirichlet(np.full(40, 0.5)).reshape(5, 8))
    yield table("discrete-1v1-30x30", "a table that is mostly its diagonal", _diagonal(30, 0.6))
    yield table("discrete-1v1-independent", "independent categories", np.outer(_zipf(6), _zipf(10)))
    yield _noisy_xor(0.1)
    yield classes("mixed-1v1-means", "classes of different means", [0.5, 0.3, 0.2], [0, 2, 4], [1, 1, 1])
    yield classes("mixed-1v1-scales", "classes of different spread", [0.5, 0.5], [0, 0], [1, 5])
    yield classes("mixed-1v1-ten", "ten classes that overlap", [0.1] * 10, range(10), [1.5] * 10)
    yield classes("mixed-1v1-independent", "classes that are all alike", [0.7, 0.3], [0, 0], [1, 1])
    yield poisson(3)
    yield inflated("inflated-1v1", 0.4, 0.9)
    yield rounded("rounded-1v1", 0.8, 0.5)


def table(name: str, summary: str, joint: Floats) -> Problem:
    """Return a pair of categories with these joint probabilities, (A, B)."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        cell = rng.choice(joint.size, (n, 1), p=joint.ravel())
        return cell // joint.shape[1], cell % joint.shape[1]

    return Problem(name, summary, 1, 1, draw, lambda: table_information(joint), "discrete", "discrete")


def classes(
    name: str, summary: str, weights: Sequence[float], means: Sequence[float], scales: Sequence[float]
) -> Problem:
    """Return x = one of K classes, and y = a normal whose mean and spread are those of the class."""
    share, mean, scale = (np.asarray(values, dtype=float) for values in (weights, means, scales))

    def draw(rng: np.random.Generator, n: int) -> Pair:
        k = rng.choice(len(share), (n, 1), p=share)
        return k, mean[k] + scale[k] * rng.standard_normal((n, 1))

    def truth() -> float:
        nodes, width = rule((mean - 9 * scale).min(), (mean + 9 * scale).max(), 80)
        density = normal_density(nodes, mean, scale)
        return latent_information(share, np.eye(len(share)), density, np.ones(len(share)), width)

    return Problem(name, summary, 1, 1, draw, truth, "discrete", "continuous")


def poisson(rate: float) -> Problem:
    """Return x exponential, and y = a count with mean `rate` times x, which is geometric."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = rng.exponential(size=(n, 1))
        return x, rng.poisson(rate * x).astype(float)

    def truth() -> float:
        k = np.arange(400)
        geometric = np.exp(k * math.log(rate / (1 + rate))) / (1 + rate)
        x, width = rule(0, 40, 200)
        mean = rate * x[:, None]
        probability = np.exp(xlogy(k, mean) - mean - gammaln(k + 1))
        within = -xlogy(probability, probability).sum(1) @ (width * np.exp(-x))
        return float(-xlogy(geometric, geometric).sum() - within)

    return Problem("poisson-1v1", f"counts of mean {rate:g} x", 1, 1, draw, truth)


def inflated(name: str, zeros: float, rho: float) -> Problem:
    r"""Return normals of correlation `rho`, where y is 0 in a share of the rows, whatever x is.

    .. math:: I = (1 - p_0) \cdot -\tfrac{1}{2} \log(1 - \rho^2)
    """

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x, noise = rng.standard_normal((2, n, 1))
        y = rho * x + math.sqrt(1 - rho**2) * noise
        return x, np.where(rng.uniform(size=(n, 1)) < zeros, 0.0, y)

    about = f"y is 0 in {zeros:.0%} of the rows"
    return Problem(name, about, 1, 1, draw, lambda: -(1 - zeros) / 2 * math.log(1 - rho**2))


def rounded(name: str, rho: float, step: float) -> Problem:
    """Return normals of correlation `rho`, each rounded to multiples of `step`."""
    spread = math.sqrt(1 - rho**2)

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x, noise = rng.standard_normal((2, n, 1))
        return np.round(x / step) * step, np.round((rho * x + spread * noise) / step) * step

    def truth() -> float:
        edges = (np.arange(-20, 22) - 0.5) * step
        rows = []
        for low, high in itertools.pairwise(edges):
            x, width = rule(low, high, 1)
            cells = np.diff(ndtr((edges[None] - rho * x[:, None]) / spread), axis=1)
            rows.append((width * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)) @ cells)
        return table_information(np.array(rows))

    return Problem(name, f"normal, correlation {rho:g}, rounded to {step:g}", 1, 1, draw, truth)


def _noisy_xor(noise: float) -> Problem:
    """Two fair bits, and their XOR with a share of errors."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = rng.integers(2, size=(n, 2))
        return x, (x.sum(1, keepdims=True) + (rng.uniform(size=(n, 1)) < noise)) % 2

    value = math.log(2) + float(xlogy(noise, noise) + xlogy(1 - noise, 1 - noise))
    about = f"the XOR of two bits, {noise:.0%} of errors"
    return Problem("discrete-2v1-xor", about, 2, 1, draw, lambda: value, "discrete", "discrete")


def _diagonal(size: int, share: float) -> Floats:
    return np.asarray(share * np.eye(size) / size + (1 - share) / size**2)


def _zipf(size: int) -> Floats:
    weights = 1 / np.arange(1, size + 1)
    return np.asarray(weights / weights.sum())
