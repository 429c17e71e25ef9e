"""The answer: an `Estimate`, which holds everything that is known about one number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

from mistcli.plugin import Bound

__all__ = ["LAG_COLUMNS", "LAG_SCHEMA", "SCHEMA", "Estimate", "Interval", "LagProfile", "Terms", "Units"]

SCHEMA = "mist.estimate/2"
LAG_SCHEMA = "mist.lag/2"
LAG_KEYS = ("mi", "stderr", "interval", "p_value", "verdict", "warnings")
"""What differs from lag to lag."""
LAG_COLUMNS = ("lag", "mi", "stderr", "low", "high", "p_value")
"""The columns of the table of a lag profile."""

Units = Literal["nats", "bits"]


@dataclass(frozen=True)
class Interval:
    """A confidence interval of the mutual information, in nats.

    Arguments:
        level: The share of repetitions of the experiment in which such an interval holds the true value.
        low: Its lower end, in nats.
        high: Its upper end, in nats.
    """

    level: float
    low: float
    high: float


@dataclass(frozen=True)
class Terms:
    """The terms of a conditional mutual information, I(X; Y | Z) = I(X; (Y, Z)) - I(X; Z).

    Arguments:
        joint: The mutual information of x with y and what is given, in nats.
        given: That of x with what is given alone, in nats.
        amplification: By how much the errors of the terms weigh more in their difference.
    """

    joint: float
    given: float
    amplification: float


@dataclass(frozen=True)
class Estimate:
    """The mutual information of x and y, and how sure we are.

    Arguments:
        nats: The estimate, in nats; it may be negative, by chance, where the truth is near 0.
        stderr: Its standard error, in nats.
        interval: Its confidence interval, in nats.
        bound: Whether the estimator aims at a "lower" or "upper" bound, or at the value itself ("none").
        n: The number of rows that the estimate rests on.
        estimator: The name of the estimator.
        x: The names of the columns on one side.
        y: The names of the columns on the other side.
        given: The names of the columns that the information is conditional on.
        terms: The terms of a conditional mutual information; None where nothing is given.
        p_value: The p-value of a test of independence; None where none was asked for.
        permutations: The number of permutations that the p-value rests on.
        verdict: Identifiers of diagnostics, such as "lower_bound_only", "saturated", "too_few_rows",
            "not_distinguishable_from_zero" or "deterministic"; docs/uncertainty.md lists them.
        seed: The seed from which every random choice was drawn.
        seconds: Wall time of the whole estimation.
        complete: False where it was interrupted, and so rests on fits that were not finished.
        cleaning: What was done to the rows and columns, with counts.
        warnings: What the reader of the number should know, in sentences.
        explanation: What was done to get it, and why, as plain values, in the order in which it was done.
        versions: The versions of the software that made it.
        config: The resolved configuration.
        pointwise: The log ratio log p(x,y)/p(x)p(y) of each row that was used, (N,) in nats.
        rows: The positions of those rows in the data, (N,).
        records: The history of training: one mapping a measured value.
        folds: The fold whose fit valued each of those rows, (N,); None where nothing was trained.
    """

    nats: float
    stderr: float
    interval: Interval
    bound: Bound
    n: int
    estimator: str
    x: tuple[str, ...]
    y: tuple[str, ...]
    given: tuple[str, ...] = ()
    terms: Terms | None = None
    p_value: float | None = None
    permutations: int = 0
    verdict: tuple[str, ...] = ()
    seed: int = 0
    seconds: float = 0.0
    complete: bool = True
    cleaning: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    explanation: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    pointwise: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)
    rows: NDArray[np.int64] | None = field(default=None, repr=False, compare=False)
    records: Sequence[Mapping[str, Any]] = field(default=(), repr=False, compare=False)
    folds: NDArray[np.int64] | None = field(default=None, repr=False, compare=False)

    @property
    def bits(self) -> float:
        """The estimate in bits.

        Example:
            >>> import math
            >>> Estimate(math.log(2), 0.1, Interval(0.95, 0.5, 0.9), "none", 10, "ksg", ("a",), ("b",)).bits
            1.0
        """
        return self.nats / math.log(2)

    @property
    def correlation(self) -> float:
        r"""The correlation of two normal columns with as much information: :math:`\sqrt{1 - e^{-2 I}}`, 0 to 1.

        Example:
            >>> found = Estimate(0.8304, 0.1, Interval(0.95, 0.6, 1.0), "none", 10, "ksg", ("a",), ("b",))
            >>> round(found.correlation, 4)
            0.9
        """
        return math.sqrt(-math.expm1(-2 * max(self.nats, 0.0)))

    @property
    def history(self) -> pd.DataFrame:
        """The history of training, a row a measured value, as `name, split, fit, epoch, iteration, value`."""
        import pandas as pd

        return pd.DataFrame(list(self.records), columns=["name", "split", "fit", "epoch", "iteration", "value"])

    def to_dict(self, units: Units = "nats") -> dict[str, Any]:
        """Return the estimate as plain values, in the schema `mist.estimate/2`, with no NaN in it."""
        scale = 1.0 if units == "nats" else 1.0 / math.log(2)
        return {
            "schema": SCHEMA,
            "mi": self.nats * scale,
            "units": units,
            "stderr": self.stderr * scale,
            "interval": {
                "level": self.interval.level,
                "low": self.interval.low * scale,
                "high": self.interval.high * scale,
            },
            "bits": self.bits,
            "correlation": self.correlation,
            "p_value": self.p_value,
            "permutations": self.permutations,
            "bound": self.bound,
            "estimator": self.estimator,
            "n": self.n,
            "x": list(self.x),
            "y": list(self.y),
            "given": list(self.given),
            "terms": self._terms(scale),
            "complete": self.complete,
            "cleaning": dict(self.cleaning),
            "verdict": list(self.verdict),
            "warnings": list(self.warnings),
            "explanation": dict(self.explanation),
            "seed": self.seed,
            "seconds": self.seconds,
            "versions": dict(self.versions),
        }

    def _terms(self, scale: float) -> dict[str, float | None] | None:
        if self.terms is None:
            return None
        joint, given, amplification = self.terms.joint, self.terms.given, self.terms.amplification
        finite = amplification if math.isfinite(amplification) else None
        return {"joint": joint * scale, "given": given * scale, "amplification": finite}


@dataclass(frozen=True)
class LagProfile:
    """The mutual information of x and of y some steps later, lag by lag.

    Arguments:
        lags: The lags, increasing: y comes `lag` rows after x, or before it where the lag is negative.
        estimates: The estimate at each, all from the same rows of x.
        gap: The rows left out between those that a fit was trained on and those that it values; 0 where nothing is
            trained.
        block: The length of the blocks of time by which the standard errors were found.
        warnings: What the reader should know of all lags, in words; each estimate has its own as well.
        given_past: The rows of the past of y that the estimates are conditional on; they are then transfer entropies.
    """

    lags: tuple[int, ...]
    estimates: tuple[Estimate, ...]
    gap: int
    block: int
    warnings: tuple[str, ...] = ()
    given_past: int = 0

    @property
    def found(self) -> tuple[int, ...]:
        """The lags whose p-values are below 0.05 after Holm's correction for the number of lags."""
        tested = [(one.p_value, lag) for lag, one in zip(self.lags, self.estimates, strict=True)]
        ordered = sorted((p_value, lag) for p_value, lag in tested if p_value is not None)
        kept = []
        for place, (p_value, lag) in enumerate(ordered):
            if p_value * (len(ordered) - place) > 0.05:
                break
            kept.append(lag)
        return tuple(sorted(kept))

    @property
    def peak(self) -> int:
        """The lag with the highest estimate."""
        return max(zip(self.lags, self.estimates, strict=True), key=lambda pair: pair[1].nats)[0]

    @property
    def complete(self) -> bool:
        """False where the training was interrupted."""
        return all(estimate.complete for estimate in self.estimates)

    @property
    def table(self) -> pd.DataFrame:
        """A row a lag, as `lag, mi, stderr, low, high, p_value`, in nats; the last where it was tested."""
        import pandas as pd

        return pd.DataFrame(list(self.rows()), columns=list(LAG_COLUMNS))

    def rows(self, units: Units = "nats") -> Iterator[tuple[int, float, float, float, float, float | None]]:
        """Yield the lag, the estimate, its standard error, the ends of its interval and its p-value, lag by lag."""
        scale = 1.0 if units == "nats" else 1.0 / math.log(2)
        for lag, found in zip(self.lags, self.estimates, strict=True):
            low, high = found.interval.low, found.interval.high
            yield lag, found.nats * scale, found.stderr * scale, low * scale, high * scale, found.p_value

    def to_dict(self, units: Units = "nats") -> dict[str, Any]:
        """Return the profile as plain values, in the schema `mist.lag/2`, with no NaN in it."""
        whole = self.estimates[0].to_dict(units)
        shared = ("units", "bound", "estimator", "n", "x", "y", "cleaning", "seed", "versions")
        own = [
            {"lag": lag, **{key: found.to_dict(units)[key] for key in LAG_KEYS}}
            for lag, found in zip(self.lags, self.estimates, strict=True)
        ]
        return {
            "schema": LAG_SCHEMA,
            **{key: whole[key] for key in shared},
            "gap": self.gap,
            "block": self.block,
            "peak": self.peak,
            "given_past": self.given_past,
            "found": list(self.found),
            "lags": own,
            "warnings": list(self.warnings),
            "complete": self.complete,
            "seconds": max(found.seconds for found in self.estimates),
        }
