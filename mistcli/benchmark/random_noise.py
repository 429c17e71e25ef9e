"""Random signals with noise, added or multiplied, and mixtures of normals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.special import logsumexp, ndtr, ndtri, xlogy
from scipy.stats import qmc

from mistcli.benchmark.parts import Part, Truth, exact, monte_carlo, part
from mistcli.benchmark.problem import Pair
from mistcli.benchmark.shapes import clusters

__all__ = ["additive", "mixture", "multiplicative", "noisy_information", "ring"]

Floats: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[[Floats], Floats]

SOBOL_POWER = 16
"""2^16 quasi-random points give the density of a signal; the truth changes by less than 0.001 nats with 2^18."""

CURVES: Mapping[str, Function] = MappingProxyType(
    {
        "linear": lambda z: z,
        "square": lambda z: z**2,
        "cubic": lambda z: z**3 / 3 - z,
        "absolute": np.abs,
        "sine": lambda z: np.sin(2 * z),
        "fast sine": lambda z: np.sin(6 * z),
        "step": lambda z: np.floor(z),
        "threshold": lambda z: np.maximum(z, 0),
    }
)
"""What a signal may do to one input, which is standard normal or uniform with variance 1."""

JOINT: Mapping[str, Function] = MappingProxyType(
    {
        "product": lambda z: z[:, 0] * z[:, 1],
        "switch": lambda z: z[:, 0] * np.sign(z[:, 1]),
        "radius": lambda z: np.sqrt(z[:, 0] ** 2 + z[:, 1] ** 2),
        "maximum": lambda z: np.maximum(z[:, 0], z[:, 1]),
    }
)
"""What a signal may do to two inputs together."""


@dataclass(frozen=True)
class Noise:
    """A distribution of noise with scale 1.

    Arguments:
        draw: Draws noise of this shape.
        cdf: Its distribution function.
        reach: The interval that holds all but 1e-9 of it.
    """

    draw: Callable[[np.random.Generator, tuple[int, ...]], Floats]
    cdf: Function
    reach: tuple[float, float]


NOISES: Mapping[str, Noise] = MappingProxyType(
    {
        "normal": Noise(lambda rng, shape: rng.standard_normal(shape), ndtr, (-7, 7)),
        "laplace": Noise(lambda rng, shape: rng.laplace(size=shape), lambda z: _laplace(z), (-21, 21)),
        "uniform": Noise(lambda rng, shape: rng.uniform(-1, 1, shape), lambda z: np.clip((z + 1) / 2, 0, 1), (-1, 1)),
        "skewed": Noise(
            lambda rng, shape: -np.log(rng.exponential(size=shape)), lambda z: np.exp(-np.exp(-z)), (-4, 21)
        ),
    }
)
"""Noise that is added; the skewed one is Gumbel's."""

LOG_NORMAL_SIZE = Noise(
    lambda rng, shape: np.log(np.abs(rng.standard_normal(shape))), lambda z: 2 * ndtr(np.exp(z)) - 1, (-21, 2)
)
"""The logarithm of the absolute value of a standard normal."""


def additive(rng: np.random.Generator) -> Part:
    r"""Return y = f(x) + noise.

    .. math:: I = h(f(X) + E) - h(E)
    """
    about, dim, inputs, signal = _signal(rng)
    name = str(rng.choice(list(NOISES), p=[0.5, 0.2, 0.15, 0.15]))
    noise, scale = NOISES[name], float(np.exp(rng.uniform(math.log(0.15), math.log(4))))

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = inputs(rng.uniform(size=(n, dim)))
        return x, signal(x)[:, None] + scale * noise.draw(rng, (n, 1))

    def compute() -> Truth:
        return exact(noisy_information(signal(inputs(_sobol(dim))), noise, scale))

    return part("additive", f"{about} + {name} noise, {scale:.2f}", draw, compute, ("continuous", dim))


def multiplicative(rng: np.random.Generator) -> Part:
    r"""Return y = exp(f(x)) e with normal e, or with positive e, whose logarithm is the noise.

    .. math:: I = h(f(X) + \log |E|) - h(\log |E|)
    """
    about, dim, inputs, signal = _signal(rng)
    signed = bool(rng.uniform() < 0.5)
    noise = LOG_NORMAL_SIZE if signed else NOISES[str(rng.choice(["normal", "skewed"]))]
    spread = float(np.exp(rng.uniform(math.log(0.3), math.log(3))))

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = inputs(rng.uniform(size=(n, dim)))
        y = np.exp(spread * signal(x)[:, None] + noise.draw(rng, (n, 1)))
        return x, y * rng.choice([-1.0, 1.0], (n, 1)) if signed else y

    def compute() -> Truth:
        return exact(noisy_information(spread * signal(inputs(_sobol(dim))), noise, 1.0))

    what = "normal noise times" if signed else "positive noise times"
    return part("multiplicative", f"{what} exp({about}), {spread:.2f}", draw, compute, ("continuous", dim))


def noisy_information(signal: Floats, noise: Noise, scale: float) -> float:
    r"""Return the mutual information of a signal and the sum of it and noise, in nats.

    Both entropies of :math:`h(S + E) - h(E)` are sums over the same narrow cells, whose width cancels.

    Arguments:
        signal: Values of the signal, (N,), that represent its distribution.
        noise: The distribution of the noise.
        scale: The factor of the noise.
    """
    low, high = float(signal.min()), float(signal.max())
    extent = scale * (noise.reach[1] - noise.reach[0])
    width = max(scale / 200, (high - low + extent) / 2**18)
    cells = math.ceil((high - low) / width) + 1
    mass = np.bincount(((signal - low) / width).astype(np.int64), minlength=cells) / len(signal)
    edges = np.arange(noise.reach[0] * scale, noise.reach[1] * scale + 2 * width, width)
    kernel = np.diff(noise.cdf(edges / scale))
    both = np.maximum(fftconvolve(mass, kernel), 0)
    return float(-xlogy(both, both).sum() + xlogy(kernel, kernel).sum())


def ring(rng: np.random.Generator) -> Part:
    """Return two columns on a circle, with normal noise."""
    noise = float(np.exp(rng.uniform(math.log(0.05), math.log(0.8))))
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    problem = clusters("", "", np.cos(angle)[:, None], np.sin(angle)[:, None], noise)
    return part("ring", f"circle, noise {noise:.2f}", problem.draw, lambda: exact(problem.mi))


def mixture(rng: np.random.Generator) -> Part:
    """Return a mixture of 2 to 5 normals, within each of which x and y are independent or not."""
    k, x_dim, y_dim = int(rng.integers(2, 6)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    dim = x_dim + y_dim
    shares = rng.dirichlet(np.full(k, 3.0))
    means = rng.standard_normal((k, dim)) * np.exp(rng.uniform(math.log(0.3), math.log(2)))
    roots = rng.standard_normal((k, dim, dim)) / math.sqrt(dim) * 0.6 + np.eye(dim) * 0.5
    apart = bool(rng.uniform() < 0.5)
    if apart:
        roots[:, :x_dim, x_dim:] = 0
        roots[:, x_dim:, :x_dim] = 0
    covariances = roots @ roots.transpose(0, 2, 1)
    key = int(rng.integers(2**31))

    def draw(rng: np.random.Generator, n: int) -> Pair:
        component = rng.choice(k, n, p=shares)
        both = means[component] + np.einsum("nij,nj->ni", roots[component], rng.standard_normal((n, dim)))
        return both[:, :x_dim], both[:, x_dim:]

    def log_ratio(rng: np.random.Generator, n: int) -> Floats:
        both = np.concatenate(draw(rng, n), 1)
        sides = (slice(None), slice(x_dim), slice(x_dim, None))
        joint, x, y = (
            logsumexp([_log_normal(both[:, s], means[c, s], covariances[c, s, s]) for c in range(k)], 0, np.c_[shares])
            for s in sides
        )
        return np.asarray(joint - x - y)

    what = "clusters" if apart else "mixture of normals"
    summary = f"{what}, {k} components, {x_dim} and {y_dim} columns"
    compute = lambda: monte_carlo(log_ratio, key)  # noqa: E731
    return part("mixture", summary, draw, compute, ("continuous", x_dim), ("continuous", y_dim))


def _signal(rng: np.random.Generator) -> tuple[str, int, Function, Function]:
    """Return a description, the number of inputs, what makes them of uniforms, and the signal, of spread 1."""
    uniform = bool(rng.uniform() < 0.4)
    inputs: Function = (
        (lambda u: math.sqrt(12) * (u - 0.5)) if uniform else (lambda u: ndtri(np.clip(u, 1e-9, 1 - 1e-9)))
    )
    if rng.uniform() < 0.25:
        name = str(rng.choice(list(JOINT)))
        about, dim, raw = name, 2, JOINT[name]
    else:
        dim = int(rng.choice([1, 2, 3, 4, 6], p=[0.6, 0.15, 0.1, 0.1, 0.05]))
        names = [str(name) for name in rng.choice(list(CURVES), dim)]
        weights = rng.uniform(0.4, 1, dim) * rng.choice([-1.0, 1.0], dim)
        about = " + ".join(names)

        def raw(z: Floats) -> Floats:
            columns = [w * CURVES[name](z[:, j]) for j, (w, name) in enumerate(zip(weights, names, strict=True))]
            return np.asarray(np.sum(columns, 0))

    values = raw(inputs(_sobol(dim, 12)))
    centre, spread = float(values.mean()), float(values.std())
    what = f"{about} of {'uniform' if uniform else 'normal'} x"
    return what, dim, inputs, lambda z: (raw(z) - centre) / spread


def _sobol(dim: int, power: int = SOBOL_POWER) -> Floats:
    """Return quasi-random points in the unit cube, (2^power, dim)."""
    points: Floats = qmc.Sobol(dim, scramble=True, rng=np.random.default_rng(dim)).random_base2(power)
    return points


def _laplace(z: Floats) -> Floats:
    return np.where(z < 0, 0.5 * np.exp(np.minimum(z, 0)), 1 - 0.5 * np.exp(-np.maximum(z, 0)))


def _log_normal(at: Floats, mean: Floats, covariance: Floats) -> Floats:
    """Return the log density of a normal distribution at places (n, d)."""
    root = np.linalg.cholesky(covariance)
    z = np.linalg.solve(root, (at - mean).T)
    return np.asarray(-(z**2).sum(0) / 2 - np.log(np.diag(root)).sum() - len(mean) / 2 * math.log(2 * math.pi))
