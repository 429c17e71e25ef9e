"""Random copulas: normal and Student in several columns, Archimedean ones in two, and these with merged values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from mistcli.benchmark.beyond_normal import student_information
from mistcli.benchmark.copulas import (
    clayton,
    clayton_log_density,
    frank,
    frank_log_density,
    gumbel,
    gumbel_log_density,
)
from mistcli.benchmark.parts import ColumnKind, Part, Truth, exact, merged_information, part
from mistcli.benchmark.problem import Pair
from mistcli.benchmark.quadrature import copula_information, rule

__all__ = ["categorised", "censored", "copula", "factors", "linear_channel", "rounded_pair", "student_factors"]

Floats: TypeAlias = NDArray[np.float64]
Cells: TypeAlias = NDArray[np.int64]

REACH = 9.0
"""Normal scores beyond this have a probability below 1e-18."""


@dataclass(frozen=True)
class Scores:
    """A copula of two columns in normal scores.

    Arguments:
        summary: Its name and parameter.
        draw: Draws n pairs of normal scores, (n, 1) each.
        log_density: Returns log c at normal scores of x and y.
    """

    summary: str
    draw: Callable[[np.random.Generator, int], Pair]
    log_density: Callable[[Floats, Floats], Floats]


def copula(rng: np.random.Generator) -> Part:
    """Return a copula of two columns."""
    scores = _scores(rng)
    return part("copula", scores.summary, scores.draw, lambda: exact(copula_information(scores.log_density)))


def factors(rng: np.random.Generator) -> Part:
    r"""Return normal columns that share a few factors.

    .. math:: I = \tfrac{1}{2} \log \frac{\det \Sigma_{xx} \det \Sigma_{yy}}{\det \Sigma}
    """
    x_dim, y_dim = rng.integers(1, 7, 2)
    root = _loadings(rng, x_dim, y_dim)

    def draw(rng: np.random.Generator, n: int) -> Pair:
        both = rng.standard_normal((n, root.shape[1])) @ root.T
        return both[:, :x_dim], both[:, x_dim:]

    value = _normal_information(root @ root.T, x_dim)
    summary = f"normal columns with shared factors, {x_dim} and {y_dim}"
    return part("normal", summary, draw, lambda: exact(value), ("continuous", x_dim), ("continuous", y_dim))


def student_factors(rng: np.random.Generator) -> Part:
    """Return Student columns that share factors and the scale; the information is that of the normal plus a term."""
    x_dim, y_dim = rng.integers(1, 4, 2)
    df = float(np.exp(rng.uniform(math.log(2), math.log(12))))
    root = _loadings(rng, x_dim, y_dim)

    def draw(rng: np.random.Generator, n: int) -> Pair:
        both = rng.standard_normal((n, root.shape[1])) @ root.T / np.sqrt(rng.chisquare(df, (n, 1)) / df)
        return both[:, :x_dim], both[:, x_dim:]

    value = _normal_information(root @ root.T, x_dim) + student_information(x_dim, y_dim, df)
    summary = f"Student columns, {df:.1f} degrees of freedom, {x_dim} and {y_dim}"
    return part("student", summary, draw, lambda: exact(value), ("continuous", x_dim), ("continuous", y_dim))


def linear_channel(rng: np.random.Generator) -> Part:
    r"""Return a linear channel whose normal noise is such that 0.02 to 2 nats pass.

    .. math:: y = H x + \sigma e, \quad I = \tfrac{1}{2} \log \det (1 + H H^\top / \sigma^2)
    """
    x_dim, y_dim = rng.integers(1, 9, 2)
    matrix = rng.standard_normal((y_dim, x_dim)) / math.sqrt(x_dim)
    eigenvalues = np.linalg.svd(matrix, compute_uv=False) ** 2
    value = float(np.exp(rng.uniform(math.log(0.02), math.log(2))))
    log_sigma = brentq(lambda log: np.log1p(eigenvalues * math.exp(-2 * log)).sum() / 2 - value, -20, 20)
    sigma = math.exp(log_sigma)

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = rng.standard_normal((n, x_dim))
        return x, x @ matrix.T + sigma * rng.standard_normal((n, y_dim))

    summary = f"linear channel with {x_dim} inputs and {y_dim} outputs, noise {sigma:.2f}"
    return part("channel", summary, draw, lambda: exact(value), ("continuous", x_dim), ("continuous", y_dim))


def rounded_pair(rng: np.random.Generator) -> Part:
    """Return a copula of two columns, one or both rounded."""
    sides = [_rounding(rng), _rounding(rng)]
    if rng.uniform() < 0.4:
        sides[rng.integers(2)] = None
    return _merged("rounded", "rounded", _scores(rng), sides, "atoms")


def censored(rng: np.random.Generator) -> Part:
    """Return a copula of two columns, one or both cut off below, above, or on both ends."""
    sides = [_limits(rng), _limits(rng)]
    if rng.uniform() < 0.3:
        sides[rng.integers(2)] = None
    return _merged("censored", "censored", _scores(rng), sides, "atoms")


def categorised(rng: np.random.Generator) -> Part:
    """Return a copula of two columns, one or both cut into ordered levels, which are declared discrete."""
    sides: list[Merging | None] = [_quantiles(rng), _quantiles(rng)]
    if rng.uniform() < 0.5:
        sides[rng.integers(2)] = None
    return _merged("ordinal", "cut into levels", _scores(rng), sides, "levels")


@dataclass(frozen=True)
class Merging:
    """A function of normal scores that merges intervals of them.

    Arguments:
        edges: The ends of the intervals, increasing, (E,); those between -9 and 9 are where the function may jump.
        merged: Whether each interval is merged to one value, (E + 1,).
        apply: The function, (n, 1) -> (n, 1).
    """

    edges: Floats
    merged: NDArray[np.bool_]
    apply: Callable[[Floats], NDArray[np.float64] | Cells]


def _merged(family: str, what: str, scores: Scores, sides: list[Merging | None], kind: ColumnKind) -> Part:
    """Return the copula with values merged; the information is a sum over the cells that are left."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x, y = (
            side if merging is None else merging.apply(side)
            for side, merging in zip(scores.draw(rng, n), sides, strict=True)
        )
        return x, y

    def compute() -> Truth:
        (s, mass_s, cells_s), (t, mass_t, cells_t) = map(_nodes, sides)
        density = np.exp(scores.log_density(s[:, None], t[None]))
        return exact(merged_information(mass_s[:, None] * density * mass_t[None], cells_s, cells_t))

    kinds: list[tuple[ColumnKind, int]] = [("continuous" if merging is None else kind, 1) for merging in sides]
    both = "both columns" if None not in sides else "one column"
    return part(family, f"{scores.summary}, {both} {what}", draw, compute, *kinds)


def _nodes(merging: Merging | None) -> tuple[Floats, Floats, Cells]:
    """Return nodes of normal scores, their probabilities and their cells, (n,) each."""
    edges = np.array([]) if merging is None else merging.edges
    merged = np.array([False]) if merging is None else merging.merged
    ends = np.unique(np.concatenate([np.linspace(-REACH, REACH, 37), edges[np.abs(edges) < REACH]]))
    nodes, weights = [], []
    for low, high in itertools.pairwise(ends):
        found = rule(low, high, 1, 12 if high - low > 0.2 else 6)
        nodes.append(found[0])
        weights.append(found[1])
    s = np.concatenate(nodes)
    interval = np.searchsorted(edges, s)
    starts = np.diff(interval, prepend=-1) > 0
    cells = np.cumsum(starts | ~merged[interval]) - 1
    return s, np.concatenate(weights) * np.exp(-(s**2) / 2) / math.sqrt(2 * math.pi), cells


def _scores(rng: np.random.Generator) -> Scores:
    """Return a copula with a Kendall's tau between 0.05 and 0.75, weak ones more often, either sign."""
    tau = float(rng.beta(1.3, 2) * 0.7 + 0.05)
    kind = str(rng.choice(["normal", "clayton", "gumbel", "frank"], p=[0.4, 0.2, 0.2, 0.2]))
    flip_x, flip_y = rng.choice([-1.0, 1.0], 2)
    if kind == "normal":
        rho = math.sin(math.pi / 2 * tau) * flip_x
        return Scores(f"normal copula, correlation {rho:.2f}", _normal_draw(rho), _normal_log_density(rho))
    theta = {"clayton": 2 * tau / (1 - tau), "gumbel": 1 / (1 - tau), "frank": _frank_parameter(tau)}[kind]
    problem = {"clayton": clayton, "gumbel": gumbel, "frank": frank}[kind](theta)
    log_density = {"clayton": clayton_log_density, "gumbel": gumbel_log_density, "frank": frank_log_density}[kind]

    def draw(rng: np.random.Generator, n: int) -> Pair:
        u, v = (np.clip(side, 1e-16, 1 - 1e-16) for side in problem.draw(rng, n))
        return flip_x * ndtri(u), flip_y * ndtri(v)

    def density(s: Floats, t: Floats) -> Floats:
        return log_density(flip_x * s, flip_y * t, theta)

    turned = "" if flip_x == flip_y == 1 else ", turned"
    return Scores(f"{kind.capitalize()} copula, parameter {theta:.2f}{turned}", draw, density)


def _frank_parameter(tau: float) -> float:
    """Return the parameter of the Frank copula whose Kendall's tau is about `tau`, within 15 %."""
    return 9 * tau / math.sqrt(1 - tau)


def _normal_draw(rho: float) -> Callable[[np.random.Generator, int], Pair]:
    def draw(rng: np.random.Generator, n: int) -> Pair:
        x, noise = rng.standard_normal((2, n, 1))
        return x, rho * x + math.sqrt(1 - rho**2) * noise

    return draw


def _normal_log_density(rho: float) -> Callable[[Floats, Floats], Floats]:
    def density(s: Floats, t: Floats) -> Floats:
        square = (rho**2 * (s**2 + t**2) - 2 * rho * s * t) / (2 * (1 - rho**2))
        return np.asarray(-0.5 * math.log(1 - rho**2) - square)

    return density


def _rounding(rng: np.random.Generator) -> Merging | None:
    step = float(np.exp(rng.uniform(math.log(0.1), math.log(2))))
    edges = np.asarray((np.arange(-math.ceil(REACH / step), math.ceil(REACH / step)) + 0.5) * step, dtype=np.float64)
    merged = np.ones(len(edges) + 1, dtype=bool)
    return Merging(edges, merged, lambda s: np.asarray(np.round(s / step) * step))


def _limits(rng: np.random.Generator) -> Merging | None:
    """Censor 5 to 70 % of a column below, above or on both ends."""
    share = rng.uniform(0.05, 0.7)
    low, high = [(share, 0.0), (0.0, share), (share / 2, share / 2)][rng.integers(3)]
    ends = float(ndtri(low)), float(ndtri(1 - high))
    edges = np.array([end for end in ends if math.isfinite(end)])
    merged = np.array([math.isfinite(ends[0])] * (low > 0) + [False] + [True] * (high > 0))
    return Merging(edges, merged, lambda s: np.clip(s, *ends))


def _quantiles(rng: np.random.Generator) -> Merging:
    """Cut a column into 2 to 12 levels of random probabilities."""
    k = int(np.exp(rng.uniform(math.log(2), math.log(12.99))))
    edges = ndtri(np.cumsum(rng.dirichlet(np.full(k, 3.0)))[:-1])
    return Merging(edges, np.ones(k, dtype=bool), lambda s: np.searchsorted(edges, s))


def _loadings(rng: np.random.Generator, x_dim: int, y_dim: int) -> Floats:
    """Return a root of the covariance of x and y, (Dx + Dy, Dx + Dy + K), with K factors."""
    k = int(rng.integers(1, 4))
    strength = float(np.exp(rng.uniform(math.log(0.2), math.log(1.5))))
    shared = strength * rng.standard_normal((x_dim + y_dim, k)) * (rng.uniform(size=(x_dim + y_dim, k)) < 0.7)
    own = rng.uniform(0.5, 1, x_dim + y_dim)
    root = np.concatenate([np.diag(own), shared], 1)
    return np.asarray(root / np.sqrt((root**2).sum(1, keepdims=True)))


def _normal_information(covariance: Floats, x_dim: int) -> float:
    parts = (covariance[:x_dim, :x_dim], covariance[x_dim:, x_dim:], covariance)
    x, y, both = (float(np.linalg.slogdet(block)[1]) for block in parts)
    return (x + y - both) / 2
