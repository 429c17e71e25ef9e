"""Random columns with atoms: zeros on one side or both, and counts whose mean depends on other columns."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from mistcli.benchmark.parts import Part, Truth, channel_information, exact, part
from mistcli.benchmark.problem import Pair
from mistcli.benchmark.quadrature import normal_density, rule, table_information

__all__ = ["counts", "hurdle", "shared_counts", "shared_zeros"]

Floats: TypeAlias = NDArray[np.float64]


def shared_zeros(rng: np.random.Generator) -> Part:
    r"""Return two columns that are 0 in rows that have to do with each other, and normal elsewhere.

    .. math:: I = I_{00} - \frac{p_{11}}{2} \log(1 - \rho^2)

    where :math:`I_{00}` is the information that the two events of being 0 share, :math:`p_{11}` the share of rows in
    which neither is 0, and :math:`\rho` the correlation in these.
    """
    x_zero, y_zero = rng.uniform(0.1, 0.9, 2)
    joint = np.outer([x_zero, 1 - x_zero], [y_zero, 1 - y_zero])
    shift = rng.choice([-0.9, 0.9, 0.5, 0.2, 0.0]) * min(joint[0, 1], joint[1, 0])
    if shift < 0:
        shift *= min(joint[0, 0], joint[1, 1]) / min(joint[0, 1], joint[1, 0])
    if rng.uniform() < 0.25:  # both are 0 in the same rows
        joint, shift = np.diag([x_zero, 1 - x_zero]), 0.0
    joint = joint + shift * np.array([[1, -1], [-1, 1]])
    rho = float(rng.choice([0.0, rng.uniform(0.2, 0.95)]))

    def draw(rng: np.random.Generator, n: int) -> Pair:
        cell = rng.choice(4, (n, 1), p=joint.ravel())
        x, noise = rng.standard_normal((2, n, 1))
        y = rho * x + math.sqrt(1 - rho**2) * noise
        return np.where(cell < 2, 0.0, np.exp(x)), np.where(cell % 2 == 0, 0.0, np.exp(y))

    value = table_information(joint) - joint[1, 1] / 2 * math.log(1 - rho**2)
    summary = f"zeros in {joint[0].sum():.0%} and {joint[:, 0].sum():.0%}, {joint[0, 0]:.0%} together, else {rho:.2f}"
    return part("zeros", summary, draw, lambda: exact(value), ("atoms", 1), ("atoms", 1))


def hurdle(rng: np.random.Generator) -> Part:
    """Return normal columns x, and y that is 0 with a probability that depends on x, and else log-normal around it."""
    dim = int(rng.integers(1, 4))
    offset, slope = rng.uniform(-2, 2), rng.uniform(0, 2)
    effect, noise = rng.uniform(0, 1.5), rng.uniform(0.3, 1)

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = rng.standard_normal((n, dim))
        s = x.sum(1, keepdims=True) / math.sqrt(dim)
        y = np.exp(effect * s + noise * rng.standard_normal((n, 1)))
        return x, np.where(rng.uniform(size=(n, 1)) < expit(offset + slope * s), 0.0, y)

    def compute() -> Truth:
        s, weights = _normal_rule()
        zero = expit(offset + slope * s)
        reach = 9 * (effect + noise)
        nodes, widths = rule(-reach, reach, 100)
        density = (1 - zero)[:, None] * normal_density(nodes, effect * s, noise)
        return exact(channel_information(weights, np.c_[zero, density], np.r_[1.0, widths]))

    summary = f"y is 0 with logit {offset:.1f} + {slope:.1f} x, else log-normal around {effect:.1f} x"
    return part("zeros", summary, draw, compute, ("continuous", dim), ("atoms", 1))


def counts(rng: np.random.Generator) -> Part:
    """Return normal columns x, and a Poisson, negative binomial or binomial count whose mean depends on x."""
    dim = int(rng.choice([1, 2, 3, 5], p=[0.6, 0.2, 0.1, 0.1]))
    level, effect = rng.uniform(-1, 3), float(np.exp(rng.uniform(math.log(0.1), math.log(1))))
    form, size = str(rng.choice(["Poisson", "negative binomial", "binomial"])), int(rng.integers(2, 20))
    curved = bool(rng.uniform() < 0.25)

    def law(s: Floats) -> Any:
        t = s**2 - 1 if curved else s
        mean = np.exp(np.minimum(level + effect * t, 6))
        if form == "Poisson":
            return stats.poisson(mean)
        return (
            stats.nbinom(size, size / (size + mean))
            if form == "negative binomial"
            else stats.binom(size, expit(level - 1 + 2 * effect * t))
        )

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = rng.standard_normal((n, dim))
        y = law(x.sum(1, keepdims=True) / math.sqrt(dim)).rvs(random_state=rng)
        return x, y.astype(float)

    def compute() -> Truth:
        s, weights = _normal_rule()
        places = np.arange(size + 1 if form == "binomial" else 4000 if form == "negative binomial" else 700)
        return exact(channel_information(weights, law(s[:, None]).pmf(places[None])))

    about = "the square of x" if curved else "x"
    summary = f"{form} counts that depend on {about}, {dim} columns, effect {effect:.2f}"
    return part("counts", summary, draw, compute, ("continuous", dim), ("atoms", 1))


def shared_counts(rng: np.random.Generator) -> Part:
    """Return two Poisson counts with a common summand."""
    common, x_own, y_own = np.exp(rng.uniform(math.log(0.2), math.log(6), 3))

    def draw(rng: np.random.Generator, n: int) -> Pair:
        shared = rng.poisson(common, (n, 1))
        return (shared + rng.poisson(x_own, (n, 1))).astype(float), (shared + rng.poisson(y_own, (n, 1))).astype(float)

    def compute() -> Truth:
        places = np.arange(80)
        mass = stats.poisson(common).pmf(places)
        x, y = (stats.poisson(own).pmf(places[None] - places[:, None]) for own in (x_own, y_own))
        return exact(table_information((mass[:, None] * x).T @ y))

    summary = f"Poisson counts, {common:.1f} in common, {x_own:.1f} and {y_own:.1f} of their own"
    return part("counts", summary, draw, compute, ("atoms", 1), ("atoms", 1))


def _normal_rule() -> tuple[Floats, Floats]:
    """Return nodes and probabilities of a standard normal."""
    nodes, weights = rule(-8.5, 8.5, 40)
    return nodes, weights * np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi)
