"""Further families of known mutual information, most of which no other benchmark has."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from mistcli.benchmark.beyond_normal import normal, student
from mistcli.benchmark.copulas import clayton, copulas, frank, gumbel
from mistcli.benchmark.discrete_families import counts
from mistcli.benchmark.problem import Array, Pair, Problem, lifted, mapped, padded, product, rotated
from mistcli.benchmark.shapes import regressions, shapes, sine

__all__ = ["further"]


def further() -> Iterator[Problem]:
    """Yield all families beyond the 40 tasks."""
    plain = [*copulas(), *regressions(), *shapes()]
    yield from plain
    yield from _products({problem.name: problem for problem in plain})
    yield from counts()
    yield from _series()
    yield from _deterministic()
    yield from _independent()


def _products(by_name: dict[str, Problem]) -> Iterator[Problem]:
    """Yield products, rotations and embeddings."""
    wave, ring, cross = (by_name[name] for name in ("sine-1v1-2", "ring-1v1-0.1", "mixture-cross-1v1"))
    four = product("product-4v4", "sine, Clayton, ring and cross side by side", wave, clayton(2), ring, cross)
    yield four
    yield rotated(four, "rotated-product-4v4", "these, rotated")
    weak = (clayton(0.5), frank(3), gumbel(1.3), by_name["ring-1v1-0.4"])
    yield product("product-12v12", "twelve pairs that share a little each", *weak * 3)
    yield rotated(product("", "", *[clayton(1)] * 5), "rotated-clayton-5v5", "five Clayton pairs, rotated")
    yield rotated(product("", "", *[sine("", 2, 0.7)] * 3), "rotated-sine-3v3", "three sines, rotated")
    yield rotated(product("", "", gumbel(2), frank(6)), "rotated-copulas-2v2", "a Gumbel and a Frank pair, rotated")
    yield padded(by_name["clusters-1v1-4"], "clusters-3v2-4", "four clusters among noise", 3, 2)
    yield padded(wave, "padded-sine-5v5", "a sine among noise", 5, 5)
    yield padded(ring, "padded-ring-10v10", "a ring among noise", 10, 10)
    pairs = normal("", "", _correlated([0.9, 0.8]), 2)
    yield padded(pairs, "padded-normal-30v30", "two normal pairs among noise", 30, 30)
    yield padded(pairs, "padded-normal-100v100", "two normal pairs among noise", 100, 100)
    yield padded(by_name["xor-2v1"], "padded-xor-10v5", "XOR among noise", 10, 5)
    yield lifted(wave, "lifted-sine-20v20", "a sine through 20 columns", 20, 20)
    yield lifted(four, "lifted-product-50v50", "four families through 50 columns", 50, 50)
    yield lifted(pairs, "lifted-normal-100v100", "two normal pairs through 100 columns", 100, 100)
    decaying = normal("", "", _correlated([0.9**k for k in range(1, 11)]), 10)
    yield rotated(decaying, "rotated-normal-10v10", "ten correlations from 0.9 to 0.35, rotated")
    one = np.full((11, 11), 0.25) + 0.75 * np.eye(11)
    yield normal("normal-10v1", "ten columns that share a little with one", one, 10)
    yield student("student-4v2-4", "Student, 4 degrees of freedom", 4, 2, 4)


def _series() -> Iterator[Problem]:
    """Yield series, whose rows are not independent; the information is that of x and y of one row."""
    yield _autoregressive("series-1v1-0.9", 0.9, 0.7)
    yield _autoregressive("series-1v1-0.99", 0.99, 0.7)
    yield _autoregressive("series-independent-1v1-0.9", 0.9, 0.0)


def _autoregressive(name: str, memory: float, rho: float) -> Problem:
    r"""Return two autoregressive series whose shocks are correlated.

    .. math:: x_t = \phi x_{t-1} + \sqrt{1 - \phi^2} \, \epsilon_t, \quad I = -\tfrac{1}{2} \log(1 - \rho^2)
    """

    def draw(rng: np.random.Generator, n: int) -> Pair:
        from scipy.signal import lfilter

        x, noise = rng.standard_normal((2, n))
        shocks = np.stack([x, rho * x + math.sqrt(1 - rho**2) * noise])
        shocks[:, 1:] *= math.sqrt(1 - memory**2)
        both = lfilter([1.0], [1.0, -memory], shocks)
        return both[0][:, None], both[1][:, None]

    about = f"series with memory {memory:g}, correlation {rho:g}"
    return Problem(name, about, 1, 1, draw, lambda: -0.5 * math.log(1 - rho**2))


def _deterministic() -> Iterator[Problem]:
    """Yield relations that are nearly deterministic."""
    yield normal("near-normal-1v1-0.999", "normal, correlation 0.999", _correlated([0.999]), 1)
    close = normal("", "", _correlated([1 / math.sqrt(1 + 1e-4)]), 1)
    yield mapped(close, "near-cubic-1v1", "y = x^3, but for 1 % of noise", None, lambda y: y**3)
    yield padded(close, "near-normal-3v3", "a near-deterministic pair among noise", 3, 3)


def _independent() -> Iterator[Problem]:
    """Yield x and y that share nothing."""
    for x_dim, y_dim in ((1, 1), (5, 5), (30, 30), (100, 1)):
        yield normal(f"independent-{x_dim}v{y_dim}-normal", "independent normals", np.eye(x_dim + y_dim), x_dim)
    square = normal("", "", np.eye(2), 1)
    yield mapped(square, "independent-1v1-heavy", "independent, heavy tails", _heavy, _heavy)
    yield mapped(square, "independent-1v1-ties", "independent, rounded to halves", _rounded, _rounded)
    ring = padded(normal("", "", np.eye(3), 2), "", "", 3, 2)
    yield mapped(ring, "independent-3v2-curved", "independent, each side curved", _curved, _curved)


def _correlated(rhos: list[float]) -> Array:
    """Return the covariance of pairs of standard normals with these correlations, x first."""
    diagonal = np.diag(rhos)
    eye = np.eye(len(rhos))
    return np.block([[eye, diagonal], [diagonal, eye]])


def _heavy(z: Array) -> Array:
    return np.asarray(np.sinh(2 * z))


def _rounded(z: Array) -> Array:
    return np.asarray(np.round(2 * z) / 2)


def _curved(z: Array) -> Array:
    return np.asarray(np.concatenate([z[:, :1], z[:, 1:] + z[:, :1] ** 2], 1))
