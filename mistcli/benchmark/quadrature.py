"""Mutual information by quadrature, where it has no closed form: accurate to 1e-5 nats or better."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

__all__ = [
    "Rule",
    "copula_information",
    "density_information",
    "latent_information",
    "normal_density",
    "regression_information",
    "rule",
    "table_information",
]

Floats: TypeAlias = NDArray[np.float64]
Rule: TypeAlias = tuple[Floats, Floats]
"""Nodes (n,) and their weights (n,)."""


def rule(low: float, high: float, panels: int, order: int = 16) -> Rule:
    """Return a composite Gauss-Legendre rule.

    Example:
        >>> nodes, weights = rule(0, np.pi, 2)
        >>> round(float(weights @ np.sin(nodes)), 12)
        2.0
    """
    base, weight = np.polynomial.legendre.leggauss(order)
    edges = np.linspace(low, high, panels + 1)
    half = np.diff(edges)[:, None] / 2
    nodes = edges[:-1, None] + half * (base + 1)
    return nodes.ravel(), (half * weight).ravel()


def normal_density(at: Floats, mean: Floats, scale: Floats | float) -> Floats:
    """Return the density of normals, (K, n): each of K at each of n places."""
    mean, scale = np.broadcast_arrays(np.atleast_1d(np.asarray(mean)), np.asarray(scale))
    z = (at[None] - mean[:, None]) / scale[:, None]
    return np.asarray(np.exp(-(z**2) / 2) / (scale[:, None] * math.sqrt(2 * math.pi)))


def table_information(table: Floats) -> float:
    r"""Return the mutual information of a joint table of probabilities, (A, B), in nats.

    .. math:: I = \sum_{ab} p_{ab} \log \frac{p_{ab}}{p_a p_b}

    Example:
        >>> round(table_information(np.eye(2) / 2), 6)
        0.693147
    """
    return float(xlogy(table, table).sum() - sum(xlogy(p, p).sum() for p in (table.sum(0), table.sum(1))))


def latent_information(weights: Floats, x: Floats, y: Floats, x_weights: Floats, y_weights: Floats) -> float:
    r"""Return the mutual information of x and y that are independent given a hidden class, in nats.

    .. math:: p(x, y) = \sum_k w_k \, p_k(x) \, q_k(y)

    Arguments:
        weights: The probability of each class, (K,).
        x: The density (or probability) of x in each class, (K, n) at n nodes.
        y: The same for y, (K, m).
        x_weights: The weights of the nodes of x, (n,); ones where x is discrete.
        y_weights: The same for y, (m,).
    """
    joint = (weights[:, None] * x).T @ y
    return _information(joint, np.outer(weights @ x, weights @ y), x_weights, y_weights)


def density_information(density: Callable[[Floats, Floats], Floats], x: Rule, y: Rule) -> float:
    """Return the mutual information of a joint density, given at nodes (n, 1) and (1, m), in nats."""
    joint = density(x[0][:, None], y[0][None])
    return _information(joint, np.outer(joint @ y[1], x[1] @ joint), x[1], y[1])


def copula_information(log_density: Callable[[Floats, Floats], Floats]) -> float:
    """Return the mutual information of a copula, in nats.

    Arguments:
        log_density: Takes normal scores s and t, with u = Phi(s) and v = Phi(t), and gives log c(u, v).
    """
    nodes, weights = rule(-9, 9, 40)
    mass = weights * np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi)
    log_c = log_density(nodes[:, None], nodes[None])
    return float(mass @ (np.exp(log_c) * log_c) @ mass)


def regression_information(mean: Floats, scale: Floats, weights: Floats) -> float:
    r"""Return the mutual information of x and y = m(x) + s(x) times standard normal noise, in nats.

    .. math:: I = h(Y) - \mathbb{E}[\log s(X)] - \tfrac{1}{2} \log(2 \pi e)

    Arguments:
        mean: m at nodes of x, (K,).
        scale: s at these nodes, (K,), positive.
        weights: The probability of each node, (K,).
    """
    low, high = float((mean - 9 * scale).min()), float((mean + 9 * scale).max())
    smallest = float(scale.min())
    places, width = rule(low, high, min(600, max(100, math.ceil((high - low) / smallest / 2))))
    entropy = 0.0
    for part in _chunks(len(places)):
        density = weights @ normal_density(places[part], mean, scale)
        entropy -= float(width[part] @ xlogy(density, density))
    return entropy - float(weights @ np.log(scale)) - 0.5 * math.log(2 * math.pi * math.e)


def _information(joint: Floats, apart: Floats, x_weights: Floats, y_weights: Floats) -> float:
    """Return the mean log ratio of a joint density and the product of its margins, (n, m) each."""
    ratio = np.maximum(joint, 1e-300) / np.maximum(apart, 1e-300)
    return float(x_weights @ (joint * np.log(ratio)) @ y_weights)


def _chunks(n: int, size: int = 512) -> Sequence[slice]:
    return [slice(first, first + size) for first in range(0, n, size)]
