"""Both sides cut into cells, and a table of them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from torch import Generator, Tensor

from mistcli.distributions.fixed import FixedQuantizer
from mistcli.distributions.kmeans import KMeansQuantizer
from mistcli.distributions.quantizer import Quantizer
from mistcli.errors import ConfigError, DataError
from mistcli.estimators.plug_in import PlugIn

__all__ = ["Binned", "Binning"]

Binning: TypeAlias = Literal["kmeans", "equal_mass", "equal_width"]

ROWS = 5
"""The rows a combination of cells has at least, on average, where the number of bins is not given."""


class Binned(PlugIn):
    r"""Plug-in estimator of binned columns.

    .. math:: I(X; Y) \geq I(Q_x(X); Q_y(Y))

    Each side is cut into cells, and the mutual information of the cells is estimated from their table, as by `PlugIn`.
    What is lost is what rows of a cell tell beyond it: the value of many rows is lower than the truth. Few rows in many
    cells exceed it, though, by what the correction leaves of the bias, so that it is not a bound.

    References:
        | Independent coordinates for strange attractors from mutual information (Fraser and Swinney, 1986)
        | https://doi.org/10.1103/PhysRevA.33.1134
        | Estimation of entropy and mutual information (Paninski, 2003)
        | https://doi.org/10.1162/089976603321780272

    Arguments:
        quantizer: "kmeans" (the cells of nearest centres), "equal_mass" or "equal_width" (a grid).
        bins: The number of cells of each side, or for a grid of bins of each column; as many as leave five rows a
            combination of cells if None.
        correction: "miller_madow" or "none".

    Raises:
        ConfigError: If there is no such quantizer or correction.
        DataError: If there are more bins, or more cells of a grid, than rows.

    Example:
        >>> import torch
        >>> x = torch.linspace(0, 1, 100, dtype=torch.float64)[:, None]
        >>> round(Binned(quantizer="equal_mass", bins=4, correction="none").fit_log_ratio(x, -x).mean().item(), 4)
        1.3863
    """

    def __init__(
        self,
        *,
        quantizer: Binning = "kmeans",
        bins: int | None = None,
        correction: Literal["miller_madow", "none"] = "miller_madow",
    ) -> None:
        super().__init__(correction=correction)
        if quantizer not in ("kmeans", "equal_mass", "equal_width"):
            raise ConfigError(f"unknown quantizer {quantizer!r}; expected kmeans, equal_mass or equal_width.")
        self.quantizer, self.bins = quantizer, bins

    def fit_log_ratio(self, x: Tensor, y: Tensor, *, generator: Generator | None = None) -> Tensor:
        """Find the cells of both sides, and return the log ratio of each pair, (N,) in nats."""
        for side, values in (("x", x), ("y", y)):
            self.register_buffer(f"{side}_cuts", self._cuts(values, generator))
        return super().fit_log_ratio(self._binned(x, "x"), self._binned(y, "y"))

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the log ratios of other pairs, (N,) in nats."""
        return super().log_ratio(self._binned(x, "x"), self._binned(y, "y"))

    def _cuts(self, side: Tensor, generator: Generator | None) -> Tensor:
        """Return the centres or edges of the cells of a side, (K, D) or (D, B - 1)."""
        n, dim = side.shape
        most = max(2.0, (n / ROWS) ** 0.5)
        if self.quantizer == "kmeans":
            bins = self.bins or int(most)
            _refuse_many(bins, n, f"{bins} bins")
            centred = KMeansQuantizer(dim, bins)
            centred.fit(side, generator=generator)
            return centred.centres
        bins = self.bins or max(2, int(most ** (1 / dim)))
        _refuse_many(bins**dim, n, f"{bins} bins of each of {dim} columns")
        grid = FixedQuantizer(dim, bins, spacing="mass" if self.quantizer == "equal_mass" else "width")
        grid.fit(side)
        return grid.edges

    def _binned(self, side: Tensor, name: str) -> Tensor:
        """Return the cell of each row as a column, (N, D) -> (N, 1)."""
        cuts = self.get_buffer(f"{name}_cuts")
        made: Quantizer
        if self.quantizer == "kmeans":
            made = KMeansQuantizer.around(cuts)
        else:
            made = FixedQuantizer(len(cuts), cuts.shape[1] + 1)
            made.edges = cuts
        cells: Tensor = made(side.to(cuts.dtype))
        return cells[:, None].double()


def _refuse_many(cells: int, rows: int, told: str) -> None:
    if cells > rows:
        raise DataError(f"expected no more bins than rows; got {told} and {rows} rows: ask for fewer bins.")
