"""Random classes beside continuous columns: columns that differ by class, and classes that depend on columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, log_softmax, softmax, xlogy

from mistcli.benchmark.parts import Part, Truth, channel_information, exact, monte_carlo, part
from mistcli.benchmark.problem import Pair
from mistcli.benchmark.quadrature import normal_density, rule

__all__ = ["class_columns", "constellation", "logistic"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """A distribution of columns within a class, at location 0 and scale 1.

    Arguments:
        draw: Draws values of this shape.
        log_density: The log density.
    """

    draw: Callable[[np.random.Generator, tuple[int, ...]], Floats]
    log_density: Callable[[Floats], Floats]


def _student_log_density(z: Floats, df: float) -> Floats:
    constant = gammaln((df + 1) / 2) - gammaln(df / 2) - math.log(df * math.pi) / 2
    return np.asarray(constant - (df + 1) / 2 * np.log1p(z**2 / df))


def _gamma_log_density(z: Floats, shape: float) -> Floats:
    """Return the log density of a gamma variable at positive places, and a large negative number at others."""
    inside = z > 0
    safe = np.where(inside, z, 1.0)
    return np.where(inside, (shape - 1) * np.log(safe) - safe - gammaln(shape), -1e4)


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "normal": Shape(
            lambda rng, size: rng.standard_normal(size), lambda z: np.asarray(-(z**2) / 2 - math.log(2 * math.pi) / 2)
        ),
        "heavy-tailed": Shape(lambda rng, size: rng.standard_t(3, size), lambda z: _student_log_density(z, 3)),
        "laplace": Shape(lambda rng, size: rng.laplace(size=size), lambda z: np.asarray(-np.abs(z) - math.log(2))),
        "skewed": Shape(lambda rng, size: rng.gamma(2, size=size), lambda z: _gamma_log_density(z, 2)),
    }
)


def class_columns(rng: np.random.Generator) -> Part:
    r"""Return columns that are independent within each class, and the class.

    .. math:: I = H(Y) - \mathbb{E}\Big[H\big(p(y \mid X)\big)\Big]
    """
    k = int(np.exp(rng.uniform(math.log(2), math.log(12.99))))
    dim = int(np.exp(rng.uniform(0, math.log(16.99))))
    shares = rng.dirichlet(np.full(k, 4.0))
    names = (
        [str(name) for name in rng.choice(list(SHAPES), dim)]
        if rng.uniform() < 0.5
        else [str(rng.choice(list(SHAPES)))] * dim
    )
    spread = float(np.exp(rng.uniform(math.log(0.1), math.log(2)))) / dim**0.25
    means = spread * rng.standard_normal((k, dim)) * (rng.uniform(size=dim) < 0.8)
    scales = np.exp(rng.choice([0.0, 0.4]) * rng.standard_normal((k, dim)))
    skewed = np.array([name == "skewed" for name in names])
    scales[:, skewed] *= np.exp(means[:, skewed])
    means[:, skewed] = 0  # a shift of the end of its range would tell classes apart for certain
    key = int(rng.integers(2**31))

    def draw(rng: np.random.Generator, n: int) -> Pair:
        label = rng.choice(k, n, p=shares)
        z = np.stack([SHAPES[name].draw(rng, (n,)) for name in names], 1)
        return means[label] + scales[label] * z, label[:, None]

    def log_posterior(x: Floats) -> Floats:
        log_density = np.empty((len(x), k))
        for c in range(k):
            z = (x - means[c]) / scales[c]
            columns = [SHAPES[name].log_density(z[:, j]) for j, name in enumerate(names)]
            log_density[:, c] = np.sum(columns, 0) - np.log(scales[c]).sum()
        return np.asarray(log_softmax(log_density + np.log(shares), axis=1))

    entropy = -float(xlogy(shares, shares).sum())

    def compute() -> Truth:
        return monte_carlo(lambda rng, n: entropy - _entropies(log_posterior(draw(rng, n)[0])), key)

    summary = f"{k} classes, {dim} columns ({', '.join(sorted(set(names)))})"
    return part("classes", summary, draw, compute, ("continuous", dim), ("levels", 1), levels=k)


def logistic(rng: np.random.Generator) -> Part:
    r"""Return normal columns, and a class by multinomial logistic regression on them.

    .. math:: p(y = k \mid x) \propto \exp(b_k + w_k^\top x)
    """
    k = int(rng.choice([2, 3, 4, 6], p=[0.6, 0.2, 0.1, 0.1]))
    dim = int(np.exp(rng.uniform(0, math.log(20.99))))
    strength = float(np.exp(rng.uniform(math.log(0.2), math.log(4))))
    weights = strength * rng.standard_normal((dim, k)) * (rng.uniform(size=(dim, 1)) < 0.7) / math.sqrt(dim)
    offsets = 0.5 * rng.standard_normal(k)
    key = int(rng.integers(2**31))

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = rng.standard_normal((n, dim))
        gumbel = -np.log(rng.exponential(size=(n, k)))
        return x, (x @ weights + offsets + gumbel).argmax(1)[:, None]

    def scores(rng: np.random.Generator, n: int) -> Floats:
        return np.asarray(rng.standard_normal((n, dim)) @ weights + offsets)

    def compute() -> Truth:
        shares = softmax(scores(np.random.default_rng(key), 200_000), axis=1).mean(0)
        return monte_carlo(lambda rng, n: _divergences(scores(rng, n), shares), key)

    summary = f"{k} classes by logistic regression on {dim} normal columns"
    return part("logistic", summary, draw, compute, ("continuous", dim), ("levels", 1), levels=k)


def constellation(rng: np.random.Generator) -> Part:
    """Return symbols that are sent, 2 to 16 of them on a line, and what is received with normal noise."""
    k = int(rng.integers(2, 17))
    noise = float(np.exp(rng.uniform(math.log(0.15), math.log(4))))
    shares = rng.dirichlet(np.full(k, 5.0))
    symbols = rng.permutation(k)

    def draw(rng: np.random.Generator, n: int) -> Pair:
        sent = rng.choice(k, (n, 1), p=shares)
        return symbols[sent], sent + noise * rng.standard_normal((n, 1))

    def compute() -> Truth:
        nodes, widths = rule(-9 * noise, k - 1 + 9 * noise, 120)
        return exact(channel_information(shares, normal_density(nodes, np.arange(k, dtype=float), noise), widths))

    return part(
        "channel", f"{k} symbols, normal noise {noise:.2f}", draw, compute, ("levels", 1), ("continuous", 1), levels=k
    )


def _entropies(log_posterior: Floats) -> Floats:
    """Return the entropy of each row of log probabilities, (n, K) -> (n,)."""
    return np.asarray(-(np.exp(log_posterior) * log_posterior).sum(1))


def _divergences(scores: Floats, shares: Floats) -> Floats:
    """Return the Kullback-Leibler divergence of each row of probabilities from the mean ones, (n, K) -> (n,)."""
    log_posterior = log_softmax(scores, axis=1)
    return np.asarray((np.exp(log_posterior) * (log_posterior - np.log(shares))).sum(1))
