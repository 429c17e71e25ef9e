"""Continuous families with no copula in them: regressions, mixtures, clusters, rings, boards and XOR."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mistcli.benchmark.problem import Pair, Problem
from mistcli.benchmark.quadrature import (
    density_information,
    latent_information,
    normal_density,
    regression_information,
    rule,
)

__all__ = ["board", "clusters", "mixture", "regression", "regressions", "shapes", "sine", "xor"]

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]


def regressions() -> Iterator[Problem]:
    """Yield y = m(x) + s(x) times noise, with x uniform."""
    yield sine("sine-1v1-2", 2, 0.3)
    yield sine("sine-1v1-6", 6, 0.3)
    yield sine("near-sine-1v1", 1, 0.02)
    yield regression("parabola-1v1", "a parabola, noise 0.3", lambda u: 4 * (2 * u - 1) ** 2, _constant(0.3))
    yield regression("steps-1v1-5", "five steps, noise 0.3", lambda u: np.floor(5 * u), _constant(0.3), 5)
    yield regression("sawtooth-1v1-4", "four teeth of a saw, noise 0.15", lambda u: 4 * u % 1, _constant(0.15), 4)
    yield regression("heteroscedastic-1v1-wedge", "noise that grows with x", _constant(0), lambda u: 0.1 + 2 * u)
    yield regression("heteroscedastic-1v1-wave", "noise that swells and fades", _sine(1), lambda u: np.exp(_sine(2)(u)))


def shapes() -> Iterator[Problem]:
    """Yield mixtures, clusters, rings, boards and XOR."""
    cross = np.array([[[1, 0.95], [0.95, 1]], [[1, -0.95], [-0.95, 1]]])
    yield mixture("mixture-cross-1v1", "two normals of opposite correlation", [0.5, 0.5], np.zeros((2, 2)), cross)
    means = np.array([[-2.0, -1], [0, 2], [2, -1]])
    spread = np.array([[[0.5, 0.3], [0.3, 1]], [[1, -0.6], [-0.6, 0.5]], [[0.3, 0], [0, 0.8]]])
    yield mixture("mixture-three-1v1", "three normals", [0.2, 0.5, 0.3], means, spread)
    line = np.array([0.0, 1, 2, 3])[:, None]
    yield clusters("clusters-1v1-4", "four clusters", line, line[[2, 0, 3, 1]], 0.25)
    corners = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1], [0, 0]])
    yield clusters("clusters-2v2-5", "five clusters in the plane", 1.5 * corners, 1.5 * corners[[4, 0, 3, 1, 2]], 0.7)
    yield clusters("ring-1v1-0.1", "a circle, noise 0.1", *_circle(), 0.1)
    yield clusters("ring-1v1-0.4", "a circle, noise 0.4", *_circle(), 0.4)
    yield board(4)
    yield xor()


def sine(name: str, periods: int, noise: float) -> Problem:
    """Return some periods of a sine, with noise."""
    return regression(name, f"{periods} periods of a sine, noise {noise:g}", _sine(periods), _constant(noise))


def regression(name: str, summary: str, mean: Function, scale: Function, steps: int = 1) -> Problem:
    """Return y = m(u) + s(u) times standard normal noise, u uniform on (0, 1); `steps` equal parts of it are smooth."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        u = rng.uniform(size=(n, 1))
        return u, mean(u) + scale(u) * rng.standard_normal((n, 1))

    def truth() -> float:
        u, weights = rule(0, 1, 60 * steps if steps > 1 else 120)
        return regression_information(mean(u), scale(u), weights)

    return Problem(name, summary, 1, 1, draw, truth)


def mixture(name: str, summary: str, weights: Sequence[float], means: Floats, covariances: Floats) -> Problem:
    """Return a mixture of bivariate normals, with means (K, 2) and covariances (K, 2, 2)."""
    factors = np.linalg.cholesky(covariances)

    def draw(rng: np.random.Generator, n: int) -> Pair:
        k = rng.choice(len(weights), n, p=weights)
        both = means[k] + np.einsum("nij,nj->ni", factors[k], rng.standard_normal((n, 2)))
        return both[:, :1], both[:, 1:]

    def density(x: Floats, y: Floats) -> Floats:
        total = np.zeros(np.broadcast_shapes(x.shape, y.shape))
        for weight, mean, covariance in zip(weights, means, covariances, strict=True):
            precision = np.linalg.inv(covariance)
            a, b = x - mean[0], y - mean[1]
            square = precision[0, 0] * a**2 + 2 * precision[0, 1] * a * b + precision[1, 1] * b**2
            total += weight * np.exp(-square / 2) * math.sqrt(np.linalg.det(precision)) / (2 * math.pi)
        return total

    def truth() -> float:
        reach = 9 * np.sqrt(covariances[:, [0, 1], [0, 1]])
        (x_low, y_low), (x_high, y_high) = (means - reach).min(0), (means + reach).max(0)
        return density_information(density, rule(x_low, x_high, 40), rule(y_low, y_high, 40))

    return Problem(name, summary, 1, 1, draw, truth)


def clusters(name: str, summary: str, x: Floats, y: Floats, noise: float) -> Problem:
    """Return K equally likely places in x, (K, Dx), each with a place in y, (K, Dy), plus noise."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        k = rng.integers(len(x), size=n)
        drawn_x, drawn_y = (side[k] + noise * rng.standard_normal((n, side.shape[1])) for side in (x, y))
        return drawn_x, drawn_y

    def truth() -> float:
        weights = np.full(len(x), 1 / len(x))
        (px, wx), (py, wy) = (_at_nodes(side, noise) for side in (x, y))
        return latent_information(weights, px, py, wx, wy)

    return Problem(name, summary, x.shape[1], y.shape[1], draw, truth)


def board(size: int) -> Problem:
    """Return points on the black squares of a board: two columns that are uniform, and share one bit."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = rng.integers(size, size=(n, 1))
        y = 2 * rng.integers(size // 2, size=(n, 1)) + x % 2
        return x + rng.uniform(size=(n, 1)), y + rng.uniform(size=(n, 1))

    return Problem(f"board-1v1-{size}", f"the black squares of a board of {size}", 1, 1, draw, lambda: math.log(2))


def xor(noise: float = 0.4) -> Problem:
    """Return x = two noisy signs, and y = their product with noise: neither column of x alone says anything of y."""
    signs = np.array(list(itertools.product([-1.0, 1], repeat=2)))
    return clusters("xor-2v1", f"y is the XOR of two columns, noise {noise:g}", signs, signs.prod(1)[:, None], noise)


def _at_nodes(centres: Floats, noise: float) -> tuple[Floats, Floats]:
    """Return the density around each of K centres, (K, n), at the nodes of a grid, and their weights (n,)."""
    dim = centres.shape[1]
    panels = 40 if dim == 1 else 3
    rules = [rule(c.min() - 8 * noise, c.max() + 8 * noise, panels) for c in centres.T]
    densities = [normal_density(nodes, c, noise) for (nodes, _), c in zip(rules, centres.T, strict=True)]
    density, weights = densities[0], rules[0][1]
    for other, (_, more) in zip(densities[1:], rules[1:], strict=True):
        density = (density[:, :, None] * other[:, None]).reshape(len(centres), -1)
        weights = np.outer(weights, more).ravel()
    kept = weights * density.max(0) > 1e-14
    return density[:, kept], weights[kept]


def _circle() -> tuple[Floats, Floats]:
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    return np.cos(angle)[:, None], np.sin(angle)[:, None]


def _sine(periods: int) -> Function:
    return lambda u: np.sin(2 * np.pi * periods * u)


def _constant(value: float) -> Function:
    return lambda u: np.full_like(u, value)
