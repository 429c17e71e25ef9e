"""Maps of columns that leave the mutual information as it is and make it easier to estimate.

Each continuous column goes through an increasing function of its own, each discrete column becomes one indicator a
level. Both are one-to-one, so that no information is lost or made. All is computed in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from mistcli.errors import ConfigError, DataError

if TYPE_CHECKING:
    from scipy.interpolate import CubicHermiteSpline

__all__ = ["TRANSFORMS", "Encoder"]

Floats = NDArray[np.float64]
State = dict[str, Floats]

KNOTS = 4096
"""The most points that the map to normal scores is kept by: half of them in the tails, where values lie far apart."""

STRAIGHT = 3.0
"""The deviations from the median within which asinh is nearly straight, so that what is normal stays nearly so."""

EDGE = 0.005
"""The share of values beyond the last knot of a smooth map on either side, where it goes on straight."""


@dataclass(frozen=True)
class Encoder:
    """The fitted maps of the columns of one side.

    Arguments:
        levels: The number of levels of each column; 0 for a continuous one.
        states: The state of each column's map; empty for a discrete one.
        transform: The name of the map of continuous columns.
    """

    levels: tuple[int, ...]
    states: tuple[State, ...]
    transform: str

    @classmethod
    def fit(cls, values: Floats, levels: tuple[int, ...], transform: str) -> Encoder:
        """Fit the maps to the columns of `values` (N, D), of which those with levels hold codes from 0."""
        fit = TRANSFORMS[transform][0]
        columns = zip(values.T, levels, strict=True)
        return cls(levels, tuple({} if count else fit(column) for column, count in columns), transform)

    def encode(self, values: Floats) -> Floats:
        """Map columns (N, D) to features (N, D'), D' counting one feature a level of a discrete column.

        Raises:
            DataError: If a value cannot be mapped to a finite number.
        """
        apply = TRANSFORMS[self.transform][1]
        parts = [
            _indicators(column, count) if count else apply(column, state)[:, None]
            for column, count, state in zip(values.T, self.levels, self.states, strict=True)
        ]
        features = np.concatenate(parts, axis=1)
        if not np.isfinite(features).all():
            raise DataError("expected values that can be standardised; got some out of the range of 64-bit numbers.")
        return features

    def log_volume(self, values: Floats) -> float:
        r"""Return how much more entropy the features of continuous columns have than the columns, in nats.

        .. math:: h(T(V)) - h(V) = \sum_d \mathbb{E}[\log T_d'(V_d)]

        Arguments:
            values: The columns, (N, D).

        Raises:
            ConfigError: If the maps have no slope that is known: normal scores are of ranks.
        """
        if self.transform not in LOG_SLOPES:
            raise ConfigError(
                f"expected a transform of {', '.join(LOG_SLOPES)} beside an entropy, which is that of the columns as "
                f"they are; the entropy of {self.transform} scores is another."
            )
        slope = LOG_SLOPES[self.transform]
        return float(sum(slope(c, state).mean() for c, state in zip(values.T, self.states, strict=True)))

    @property
    def width(self) -> int:
        """The number of features D'."""
        return sum(count or 1 for count in self.levels)

    def to_tensors(self, side: str) -> dict[str, Floats]:
        """Return the states as named arrays, to be kept in a file."""
        return {f"{side}.{i}.{key}": a for i, state in enumerate(self.states) for key, a in state.items()}

    @classmethod
    def from_tensors(cls, levels: tuple[int, ...], transform: str, side: str, kept: Mapping[str, Floats]) -> Encoder:
        """Return the encoder whose states `to_tensors` gave."""
        states: tuple[State, ...] = tuple({} for _ in levels)
        for name, array in kept.items():
            where, column, key = name.split(".", 2)
            if where == side and column.isdigit() and int(column) < len(states):
                states[int(column)][key] = array
        return cls(levels, states, transform)


def _indicators(codes: Floats, count: int) -> Floats:
    """Return one centred indicator a level, (N,) -> (N, L)."""
    indicators: Floats = (codes[:, None] == np.arange(count)).astype(np.float64) - 1.0 / count
    return indicators


def _fit_none(column: Floats) -> State:
    return {}


def _apply_none(column: Floats, state: Mapping[str, Floats]) -> Floats:
    return column


def _fit_standard(column: Floats) -> State:
    """Mean and standard deviation, computed so that neither 1e300 nor 1e-300 over- or underflows."""
    centre = np.median(column)
    rest = column / 2 - centre / 2
    scale = np.abs(rest).max() or 1.0
    centre = centre + 2 * scale * np.mean(rest / scale)
    spread = np.std(rest / scale) or 1.0
    return {"centre": np.atleast_1d(centre), "scale": np.atleast_1d(scale), "spread": np.atleast_1d(spread)}


def _apply_standard(column: Floats, state: Mapping[str, Floats]) -> Floats:
    halves = column / 2 - state["centre"] / 2
    return halves / state["scale"] / state["spread"]


def _fit_asinh(column: Floats) -> State:
    """Median and quartile range, then mean and deviation of what asinh leaves."""
    low, middle, high = np.quantile(column, [0.25, 0.5, 0.75])
    width = STRAIGHT * (high / 2 - low / 2) / 1.349
    if not width > 0:
        width = np.std(column / np.abs(column).max()) * np.abs(column).max() / 2
    state = {"middle": np.atleast_1d(middle), "width": np.atleast_1d(width if width > 0 else 1.0)}
    return state | _fit_standard(_squashed(column, state))


def _apply_asinh(column: Floats, state: Mapping[str, Floats]) -> Floats:
    return _apply_standard(_squashed(column, state), state)


def _squashed(column: Floats, state: Mapping[str, Floats]) -> Floats:
    return np.arcsinh((column / 2 - state["middle"] / 2) / state["width"])


def _fit_smooth(column: Floats) -> State:
    """Normal scores by a cubic curve through few quantiles of what asinh leaves: it has a slope, where ranks have none.

    The slope at a knot is the harmonic mean of those beside it, so that the curve rises (Fritsch and Butland, 1984).
    """
    from scipy.special import ndtr, ndtri

    state = _fit_asinh(column)
    edge = ndtri(min(max(EDGE, 5 / len(column)), 0.25))
    scores = np.linspace(edge, -edge, min(max(len(column) // 100, 3), 16))
    places, first = np.unique(np.quantile(_apply_asinh(column, state), ndtr(scores)), return_index=True)
    scores = scores[first]
    if len(places) < 2:
        places = scores = np.array([-1.0, 1.0])
    rises = np.diff(scores) / np.diff(places)
    between = 2 / (1 / rises[1:] + 1 / rises[:-1])
    return state | {"places": places, "scores": scores, "slopes": np.concatenate([rises[:1], between, rises[-1:]])}


def _apply_smooth(column: Floats, state: Mapping[str, Floats]) -> Floats:
    curve, bent, inside = _curve(column, state)
    scores: Floats = curve(inside) + curve(inside, 1) * (bent - inside)
    return scores


def _curve(column: Floats, state: Mapping[str, Floats]) -> tuple[CubicHermiteSpline, Floats, Floats]:
    """Return the curve, what asinh leaves of the values, and that again as far as the knots reach."""
    from scipy.interpolate import CubicHermiteSpline  # slow to import, and most estimates need none

    places, bent = state["places"], _apply_asinh(column, state)
    return CubicHermiteSpline(places, state["scores"], state["slopes"]), bent, np.clip(bent, places[0], places[-1])


def _fit_normal(column: Floats) -> State:
    """The normal score of each distinct value, that of its mean rank."""
    knots, counts = np.unique(column, return_counts=True)
    scores = torch.special.ndtri(torch.from_numpy((np.cumsum(counts) - counts / 2) / len(column))).numpy()
    if len(knots) > KNOTS:
        place = np.arange(len(knots))
        within = np.linspace(0, len(knots) - 1, KNOTS // 2).round().astype(np.int64)
        kept = np.unique(np.concatenate([place[: KNOTS // 4], within, place[-KNOTS // 4 :]]))
        knots, scores = knots[kept], scores[kept]
    return {"knots": knots, "scores": scores}


def _apply_normal(column: Floats, state: Mapping[str, Floats]) -> Floats:
    return np.interp(column, state["knots"], state["scores"])


TRANSFORMS: dict[str, tuple[Callable[[Floats], State], Callable[[Floats, Mapping[str, Floats]], Floats]]] = {
    "none": (_fit_none, _apply_none),
    "standard": (_fit_standard, _apply_standard),
    "asinh": (_fit_asinh, _apply_asinh),
    "smooth": (_fit_smooth, _apply_smooth),
    "normal": (_fit_normal, _apply_normal),
}
"""How continuous columns may be prepared: for each name, how to fit the map and how to apply it."""


def _slope_none(column: Floats, state: Mapping[str, Floats]) -> Floats:
    return np.zeros_like(column)


def _slope_standard(column: Floats, state: Mapping[str, Floats]) -> Floats:
    return np.full_like(column, (-np.log(2 * state["scale"]) - np.log(state["spread"]))[0])


def _slope_asinh(column: Floats, state: Mapping[str, Floats]) -> Floats:
    squashed = _squashed(column, state)
    slope: Floats = -np.log(np.cosh(squashed)) - np.log(2 * state["width"])
    return slope + _slope_standard(squashed, state)


def _slope_smooth(column: Floats, state: Mapping[str, Floats]) -> Floats:
    curve, _, inside = _curve(column, state)
    slope: Floats = np.log(curve(inside, 1)) + _slope_asinh(column, state)
    return slope


LOG_SLOPES: dict[str, Callable[[Floats, Mapping[str, Floats]], Floats]] = {
    "none": _slope_none,
    "standard": _slope_standard,
    "asinh": _slope_asinh,
    "smooth": _slope_smooth,
}
"""The logarithms of the slopes of those maps that have one."""
