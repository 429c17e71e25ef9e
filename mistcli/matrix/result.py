"""The result of a matrix: the mutual information of many pairs of columns, as a table and as a square matrix."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mistcli.errors import ConfigError
from mistcli.matrix.columns import Skipped
from mistcli.matrix.ranks import Floats, Ints
from mistcli.matrix.settings import Fdr
from mistcli.result import Units

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["COLUMNS", "MATRIX_SCHEMA", "MutualInformationMatrix", "ends", "listed_methods", "q_values"]

MATRIX_SCHEMA = "mist.matrix/1"
COLUMNS = ("x", "y", "mi", "stderr", "low", "high", "p_value", "q_value", "method", "n", "correlation", "normalised")
"""The columns of the table of a matrix."""

INFORMATION = ("mi", "stderr", "low", "high")


@dataclass(frozen=True)
class MutualInformationMatrix:
    """The mutual information of all pairs of columns, or of groups of columns.

    Arguments:
        names: The columns, or the groups of columns, in the order of the data.
        x: The place in `names` of one side of each pair, (M,).
        y: The place of the other side, (M,).
        mi: The mutual information of each pair, in nats, (M,).
        stderr: Its standard error, in nats, (M,).
        low: The lower end of its interval, in nats, (M,).
        high: The upper end, in nats, (M,).
        p_value: The p-value of independence, (M,).
        q_value: The smallest false discovery rate at which the pair is still reported, (M,).
        method: What settled the pair: "copula", "cells", "table", "neighbours" or "auto", (M,).
        n: The number of rows of the pair, (M,).
        normalised: The mutual information over the smaller entropy, of two discrete columns; NaN for others, (M,).
        skipped: The columns that are left out, with the reason.
        level: The level of the intervals.
        fdr: How the q-values were found: "bh" (Benjamini-Hochberg) or "by" (Benjamini-Yekutieli).
        seed: The seed of every random choice.
        seconds: Wall time.
        warnings: What the reader should know, in sentences.
        levels: How many pairs each method settled.
    """

    names: tuple[str, ...]
    x: Ints
    y: Ints
    mi: Floats
    stderr: Floats
    low: Floats
    high: Floats
    p_value: Floats
    q_value: Floats
    method: NDArray[np.str_]
    n: Ints
    normalised: Floats
    skipped: tuple[Skipped, ...] = ()
    level: float = 0.95
    fdr: Fdr = "bh"
    seed: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    levels: Mapping[str, int] = field(default_factory=dict)

    @property
    def correlation(self) -> Floats:
        r"""The correlation of two normal columns with as much information, :math:`\sqrt{1 - e^{-2 I}}`, (M,)."""
        return np.asarray(np.sqrt(-np.expm1(-2 * np.maximum(self.mi, 0.0))))

    @property
    def table(self) -> pd.DataFrame:
        """A row a pair, with the columns of `COLUMNS`, in nats, in the order of the data."""
        import pandas as pd

        return pd.DataFrame(self.columns())

    def columns(self, units: Units = "nats", order: Ints | None = None) -> dict[str, Any]:
        """Return the columns of the table as arrays of one length.

        Arguments:
            units: The units of the mutual information, its error and its interval.
            order: The places of the pairs to return; all by default.
        """
        names, scale = np.array(self.names, dtype=object), 1.0 if units == "nats" else 1.0 / math.log(2)
        chosen = np.arange(len(self.mi)) if order is None else order
        found: dict[str, Any] = {"x": names[self.x[chosen]], "y": names[self.y[chosen]]}
        for name in COLUMNS[2:]:
            values = getattr(self, name)[chosen]
            found[name] = values * scale if name in INFORMATION else values
        return found

    @property
    def strongest(self) -> Ints:
        """The places of the pairs, those with the most mutual information first, (M,)."""
        return np.lexsort((self.p_value, -self.mi))

    def matrix(self, value: str = "mi") -> pd.DataFrame:
        """Return one value of all pairs as a square table; NaN on the diagonal and for pairs that were not asked for.

        Raises:
            ConfigError: If there is no such value.
        """
        import pandas as pd

        numbers = [name for name in COLUMNS[2:] if name != "method"]
        if value not in numbers:
            known = ", ".join(numbers)
            raise ConfigError(f"expected a value out of {known}; got {value!r}.")
        square = np.full((len(self.names), len(self.names)), np.nan)
        square[self.x, self.y] = square[self.y, self.x] = getattr(self, value)
        return pd.DataFrame(square, index=list(self.names), columns=list(self.names))

    def plot(self, kind: Literal["heatmap", "network"] = "heatmap", path: str | Path | None = None) -> Figure:
        """Return a figure of the matrix, and write it to a file if `path` is given; it needs matplotlib.

        Arguments:
            kind: "heatmap", the columns ordered by hierarchical clustering, or "network", the pairs found at a false
                discovery rate of 5 %, as lines whose width grows with the Gaussian-equivalent correlation.
            path: A .png, .svg or .pdf file.

        Raises:
            ConfigError: If matplotlib is missing, or `kind` or the ending of the file is not known.
        """
        from mistcli.matrix.drawing import draw

        return draw(self, kind, None if path is None else Path(path))

    def to_dict(self, units: Units = "nats") -> dict[str, Any]:
        """Return the matrix as plain values, in the schema `mist.matrix/1`, with no NaN in it."""
        columns = {name: values.tolist() for name, values in self.columns(units).items()}
        columns["normalised"] = [value if math.isfinite(value) else None for value in columns["normalised"]]
        return {
            "schema": MATRIX_SCHEMA,
            "units": units,
            "level": self.level,
            "fdr": self.fdr,
            "pairs": [dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns.values(), strict=True)],
            "skipped": [{"column": one.column, "reason": one.reason} for one in self.skipped],
            "levels": dict(self.levels),
            "seed": self.seed,
            "seconds": self.seconds,
            "warnings": list(self.warnings),
        }


def ends(mi: Floats, stderr: Floats, closed: NDArray[np.bool_], n: Ints, level: float) -> tuple[Floats, Floats]:
    r"""Return the ends of the intervals, in nats, (M,) each.

    Where the closed form is all that is needed, they come from Fisher's :math:`z` of the correlation,
    :math:`\operatorname{artanh} r \pm q / \sqrt{N - 3}`; else they are normal, :math:`I \pm q \, \mathrm{SE}`.

    Example:
        >>> low, high = ends(np.array([0.0]), np.array([0.01]), np.array([True]), np.array([100]), 0.95)
        >>> float(low[0]), round(float(high[0]), 4)
        (0.0, 0.0197)
    """
    reach = NormalDist().inv_cdf(0.5 + level / 2)
    r = np.sqrt(-np.expm1(-2 * np.maximum(mi, 0.0)))
    z = np.arctanh(np.minimum(r, 1 - 1e-12))
    step = reach / np.sqrt(np.maximum(n - 3, 1))
    # I = -log(1 - tanh(z)^2) / 2 = log cosh z
    closed_low, closed_high = (np.log(np.cosh(np.minimum(at, 300.0))) for at in (np.maximum(z - step, 0.0), z + step))
    low = np.where(closed, closed_low, mi - reach * stderr)
    return low, np.where(closed, closed_high, mi + reach * stderr)


def q_values(p_value: Floats, fdr: Fdr) -> Floats:
    """Return the smallest false discovery rate at which each pair is reported, (M,).

    References:
        | Controlling the false discovery rate: a practical and powerful approach to multiple testing (Benjamini and
          Hochberg, 1995)
        | https://doi.org/10.1111/j.2517-6161.1995.tb02031.x
        | The control of the false discovery rate in multiple testing under dependency (Benjamini and Yekutieli, 2001)
        | https://doi.org/10.1214/aos/1013699998

    Arguments:
        p_value: The p-values, (M,).
        fdr: "bh", for independent or positively dependent pairs, or "by", for any.

    Raises:
        ConfigError: If `fdr` is neither.

    Example:
        >>> q_values(np.array([0.01, 0.04]), "bh").tolist()
        [0.02, 0.04]
    """
    from scipy.stats import false_discovery_control

    if fdr not in ("bh", "by"):
        raise ConfigError(f"expected fdr 'bh' or 'by'; got {fdr!r}.")
    if not len(p_value):
        return p_value
    return np.asarray(false_discovery_control(p_value, method=fdr), dtype=np.float64)


def listed_methods(method: Sequence[str] | NDArray[np.str_]) -> dict[str, int]:
    """Return how many pairs each method settled."""
    names, counts = np.unique(np.asarray(method), return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}
