"""The 40 tasks of "Beyond Normal", drawn by samplers of our own; their names are those of the paper's package.

References:
    Beyond Normal: On the Evaluation of Mutual Information Estimators (Czyz, Grabowski, Vogt, Beerenwinkel and Marx,
    2023), https://arxiv.org/abs/2306.11078
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
from scipy.special import digamma, gammaln, ndtr

from mistcli.benchmark.problem import Array, Map, Pair, Problem, mapped

__all__ = ["beyond_normal", "normal", "student", "student_information"]

RHO = 0.75
PAIR = 0.8


def beyond_normal() -> Iterator[Problem]:
    """Yield the 40 tasks, in the order of the paper."""
    for problem in _tasks():
        yield dataclasses.replace(problem, suite="beyond-normal")


def normal(name: str, summary: str, covariance: Array, x_dim: int) -> Problem:
    r"""Return the problem of normal columns, the first `x_dim` of them x.

    .. math:: I = \tfrac{1}{2} \log \frac{\det \Sigma_{xx} \det \Sigma_{yy}}{\det \Sigma}
    """
    factor = np.linalg.cholesky(covariance)

    def draw(rng: np.random.Generator, n: int) -> Pair:
        both = rng.standard_normal((n, len(covariance))) @ factor.T
        return both[:, :x_dim], both[:, x_dim:]

    def truth() -> float:
        parts = (covariance[:x_dim, :x_dim], covariance[x_dim:, x_dim:], covariance)
        x, y, both = (float(np.linalg.slogdet(part)[1]) for part in parts)
        return (x + y - both) / 2

    return Problem(name, summary, x_dim, len(covariance) - x_dim, draw, truth)


def student_information(x_dim: int, y_dim: int, df: float) -> float:
    r"""Return the mutual information of x and y that are jointly Student, with the identity as dispersion, in nats.

    .. math:: I = f(\nu) + f(\nu + m + n) - f(\nu + m) - f(\nu + n),
              \quad f(a) = \log \Gamma(a/2) - \tfrac{a}{2} \psi(a/2)

    Example:
        >>> round(student_information(1, 1, 1), 4)
        0.2242
    """

    def f(a: float) -> float:
        return float(gammaln(a / 2) - a / 2 * digamma(a / 2))

    return f(df) + f(df + x_dim + y_dim) - f(df + x_dim) - f(df + y_dim)


def student(name: str, summary: str, x_dim: int, y_dim: int, df: int) -> Problem:
    """Return the problem of columns that share nothing but the heavy tails of a Student distribution."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        both = rng.standard_normal((n, x_dim + y_dim)) / np.sqrt(rng.chisquare(df, (n, 1)) / df)
        return both[:, :x_dim], both[:, x_dim:]

    return Problem(name, summary, x_dim, y_dim, draw, lambda: student_information(x_dim, y_dim, df))


def _tasks() -> Iterator[Problem]:
    base = _pairs("1v1-normal-0.75", 1, 1, RHO, 1)
    uniform = mapped(base, "normal_cdf-1v1-normal-0.75", "uniform margins, 1v1", ndtr, ndtr)
    cauchy = student("student-identity-1-1-1", "Student, 1 degree of freedom", 1, 1, 1)
    yield base
    yield uniform
    yield _additive(0.1)
    yield _additive(0.75)
    yield mapped(base, "1v1-bimodal-0.75", "two modes on each side, 1v1", _two_modes(0.3, 0, 5), _two_modes(0.5, -1, 3))
    yield mapped(base, "wiggly-1v1-normal-0.75", "wiggly margins, 1v1", _wiggly_x, _wiggly_y)
    yield _half_cube(base)
    yield cauchy
    yield _asinh(cauchy)
    yield dataclasses.replace(
        mapped(uniform, "swissroll_x-normal_cdf-1v1-normal-0.75", "x on a Swiss roll", _swiss_roll), x_dim=2
    )
    for dim in (2, 3, 5, 25, 50):
        covariance = 0.5 + 0.5 * np.eye(2 * dim)
        yield normal(f"multinormal-dense-{dim}-{dim}-0.5", "normal, all correlations 0.5", covariance, dim)
    sparse = {dim: _pairs(f"multinormal-sparse-{dim}-{dim}-2-2.0", dim, dim, PAIR, 2) for dim in (2, 3, 5, 25)}
    yield from sparse.values()
    students = {
        (dim, df): student(f"student-identity-{dim}-{dim}-{df}", f"Student, {df} degrees of freedom", dim, dim, df)
        for dim, df in ((2, 1), (2, 2), (3, 2), (3, 3), (5, 2), (5, 3))
    }
    yield from students.values()
    wide = [sparse[dim] for dim in (3, 5, 25)]
    uniforms = [mapped(one, f"normal_cdf-{one.name}", "two pairs, uniform margins", ndtr, ndtr) for one in wide]
    yield from uniforms
    yield from map(_half_cube, wide)
    yield from map(_spiral, wide)
    yield from map(_spiral, uniforms)
    yield from (_asinh(students[key]) for key in ((2, 1), (3, 2), (5, 2)))


def _pairs(name: str, x_dim: int, y_dim: int, rho: float, pairs: int) -> Problem:
    """Standard normal columns; the first of x and of y are correlated, pair by pair."""
    covariance = np.eye(x_dim + y_dim)
    for k in range(pairs):
        covariance[k, x_dim + k] = covariance[x_dim + k, k] = rho
    summary = f"normal, {pairs} correlated pair{'s' if pairs > 1 else ''}"
    return normal(name, summary, covariance, x_dim)


def _additive(epsilon: float) -> Problem:
    """X uniform on (0, 1), and Y = X + noise that is uniform on (-epsilon, epsilon)."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x = rng.uniform(0, 1, (n, 1))
        return x, x + rng.uniform(-epsilon, epsilon, (n, 1))

    value = 1 / (4 * epsilon) if epsilon > 0.5 else epsilon - math.log(2 * epsilon)
    return Problem(f"1v1-additive-{epsilon}", "uniform, plus uniform noise", 1, 1, draw, lambda: value)


def _half_cube(problem: Problem) -> Problem:
    def power(z: Array) -> Array:
        return np.asarray(np.sign(z) * np.abs(z) ** 1.5)

    return mapped(problem, f"half_cube-{problem.name}", "long tails: sign(z) |z|^1.5", power, power)


def _asinh(problem: Problem) -> Problem:
    return mapped(problem, f"asinh-{problem.name}", "Student, tails pulled in by asinh", np.arcsinh, np.arcsinh)


def _spiral(problem: Problem) -> Problem:
    """Turn the first two columns of x by the mean of its squares; of y, the second and third."""
    return mapped(problem, f"spiral-{problem.name}", "spirals: turned by the mean square", _turned(0, 1), _turned(1, 2))


def _turned(i: int, j: int) -> Map:
    def turn(z: Array) -> Array:
        angle = (z**2).mean(1)
        turned = z.copy()
        turned[:, i] = np.cos(angle) * z[:, i] - np.sin(angle) * z[:, j]
        turned[:, j] = np.sin(angle) * z[:, i] + np.cos(angle) * z[:, j]
        return turned

    return turn


def _two_modes(weight: float, first: float, second: float) -> Map:
    """Map a standard normal to the mixture of a normal at `first`, with that weight, and one at `second`."""
    grid = np.linspace(first - 9, second + 9, 200_001)
    cdf = weight * ndtr(grid - first) + (1 - weight) * ndtr(grid - second)
    return lambda z: np.interp(ndtr(z), cdf, grid)


def _wiggly_x(z: Array) -> Array:
    return np.asarray(z + 0.4 * np.sin(z) + 0.2 * np.sin(1.7 * z + 1) + 0.03 * np.sin(3.3 * z - 2.5))


def _wiggly_y(z: Array) -> Array:
    return np.asarray(z - 0.4 * np.sin(0.4 * z) + 0.17 * np.sin(1.3 * z + 3.5) + 0.02 * np.sin(4.3 * z - 2.5))


def _swiss_roll(u: Array) -> Array:
    angle = 1.5 * np.pi * (1 + 2 * u[:, 0])
    return np.column_stack([angle * np.cos(angle), angle * np.sin(angle)]) / 21
