"""A problem whose mutual information is known, and ways to make further ones of it that leave it known."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Draw", "Map", "Pair", "Problem", "lifted", "mapped", "padded", "product", "rotated", "rotation"]

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Pair: TypeAlias = tuple[Array, Array]
Draw: TypeAlias = Callable[[np.random.Generator, int], Pair]
Map: TypeAlias = Callable[[Floats], Floats]
Kind: TypeAlias = Literal["continuous", "discrete", "mixed"]


@dataclass(frozen=True)
class Problem:
    """A distribution of pairs (x, y) that one can draw from, and whose mutual information is known.

    Arguments:
        name: Its name, unique among all problems.
        summary: What it is, in one line.
        x_dim: The columns of x.
        y_dim: The columns of y.
        draw: Draws n pairs, (n, x_dim) and (n, y_dim), by a generator; whole numbers where a side is discrete.
        truth: Computes the mutual information, in nats.
        x_kind: Whether x is continuous, discrete, or has columns of both kinds.
        y_kind: The same for y.
        suite: The collection it belongs to: "beyond-normal", "further" or "random".
        rows: The number of pairs to draw where none is asked for.
        x_discrete: The positions of the discrete columns of x, where it is mixed; all or none of them otherwise.
        y_discrete: The same for y.
    """

    name: str
    summary: str
    x_dim: int
    y_dim: int
    draw: Draw
    truth: Callable[[], float]
    x_kind: Kind = "continuous"
    y_kind: Kind = "continuous"
    suite: str = "further"
    rows: int = 10_000
    x_discrete: tuple[int, ...] = ()
    y_discrete: tuple[int, ...] = ()

    @cached_property
    def mi(self) -> float:
        """The mutual information of x and y, in nats."""
        return float(self.truth()) + 0.0  # never -0.0

    @property
    def discrete(self) -> str:
        """The columns that are discrete, as the option `discrete` of `mistcli.estimate` takes them.

        Example:
            >>> def nothing(rng: np.random.Generator, n: int) -> Pair:
            ...     return np.zeros((n, 2)), np.zeros((n, 1))
            >>> Problem("", "", 2, 1, nothing, float, x_kind="mixed", y_kind="discrete", x_discrete=(1,)).discrete
            'x_2,y_*'
        """
        names: list[str] = []
        for side, kind, places in (("x", self.x_kind, self.x_discrete), ("y", self.y_kind, self.y_discrete)):
            names += [f"{side}_*"] if kind == "discrete" else [f"{side}_{k + 1}" for k in places]
        return ",".join(names)

    def sample(self, n: int, seed: int) -> Pair:
        """Draw n pairs, (n, x_dim) and (n, y_dim), the same for the same seed and of their own for each problem."""
        rng = np.random.default_rng([seed, zlib.crc32(self.name.encode())])
        return self.draw(rng, n)


def mapped(problem: Problem, name: str, summary: str, x: Map | None = None, y: Map | None = None) -> Problem:
    """Return the problem with x and y mapped by functions that can be undone, (n, d) -> (n, d')."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        drawn_x, drawn_y = problem.draw(rng, n)
        return (x(drawn_x) if x else drawn_x), (y(drawn_y) if y else drawn_y)

    return _derived(problem, name, summary, draw)


def product(name: str, summary: str, *problems: Problem) -> Problem:
    """Return the problem of all of them side by side, independent of each other: the informations add up."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        pairs = [problem.draw(rng, n) for problem in problems]
        return np.concatenate([x for x, _ in pairs], 1), np.concatenate([y for _, y in pairs], 1)

    return Problem(
        name,
        summary,
        sum(problem.x_dim for problem in problems),
        sum(problem.y_dim for problem in problems),
        draw,
        lambda: math.fsum(problem.mi for problem in problems),
    )


def rotated(problem: Problem, name: str, summary: str) -> Problem:
    """Return the problem with x and y rotated, each by a rotation that the name decides."""
    x, y = (rotation(dim, f"{name}/{side}") for dim, side in ((problem.x_dim, "x"), (problem.y_dim, "y")))
    return mapped(problem, name, summary, lambda drawn: drawn @ x.T, lambda drawn: drawn @ y.T)


def padded(problem: Problem, name: str, summary: str, x_dim: int, y_dim: int) -> Problem:
    """Return the problem among columns of standard normal noise, all of them rotated together."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        x, y = problem.draw(rng, n)
        noise_x = rng.standard_normal((n, x_dim - problem.x_dim))
        noise_y = rng.standard_normal((n, y_dim - problem.y_dim))
        return np.concatenate([x, noise_x], 1), np.concatenate([y, noise_y], 1)

    wide = Problem(name, summary, x_dim, y_dim, draw, lambda: problem.mi)
    return rotated(wide, name, summary)


def lifted(problem: Problem, name: str, summary: str, x_dim: int, y_dim: int) -> Problem:
    """Return the problem seen through more columns than it has: x beside cosines of it, rotated; y likewise."""
    sides = (("x", problem.x_dim, x_dim), ("y", problem.y_dim, y_dim))
    x, y = (_lift(few, many, f"{name}/{side}") for side, few, many in sides)
    wide = mapped(problem, name, summary, x, y)
    return Problem(name, summary, x_dim, y_dim, wide.draw, wide.truth)


def rotation(dim: int, name: str) -> Floats:
    """Return a rotation (or reflection), (dim, dim), of uniform distribution, that the name decides."""
    normal = np.random.default_rng(zlib.crc32(name.encode())).standard_normal((dim, dim))
    q, r = np.linalg.qr(normal)
    return np.asarray(q * np.sign(np.diag(r)))


def _lift(few: int, many: int, name: str) -> Map:
    rng = np.random.default_rng(zlib.crc32(f"{name}/lift".encode()))
    weights, phases = rng.standard_normal((few, many - few)), rng.uniform(0, 2 * np.pi, many - few)
    turn = rotation(many, name)
    return lambda drawn: np.concatenate([drawn, np.cos(drawn @ weights + phases)], 1) @ turn.T


def _derived(problem: Problem, name: str, summary: str, draw: Draw) -> Problem:
    return Problem(name, summary, problem.x_dim, problem.y_dim, draw, lambda: problem.mi)
