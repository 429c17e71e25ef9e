"""Pictures of a matrix: a clustered heat map, and the network of dependent columns; they need matplotlib."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from mistcli.errors import ConfigError
from mistcli.matrix.ranks import Floats, Ints
from mistcli.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PICTURES", "Drawable", "check_drawing", "draw"]

PICTURES = (".png", ".svg", ".pdf")
RATE = 0.05
"""The false discovery rate of the lines of a network."""

MOST_LABELS, MOST_LINES = 120, 400
"""The most names and lines that can still be told apart."""


class Drawable(Protocol):
    """What is drawn of a matrix; see `MutualInformationMatrix`."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""

    @property
    def x(self) -> Ints:
        """The place of one column of each pair, (M,)."""

    @property
    def y(self) -> Ints:
        """The place of the other, (M,)."""

    @property
    def q_value(self) -> Floats:
        """The false discovery rate at which each pair is reported, (M,)."""

    @property
    def correlation(self) -> Floats:
        """What each pair shares, 0 to 1, (M,)."""

    @property
    def strongest(self) -> Ints:
        """The places of the pairs, the strongest first, (M,)."""


def check_drawing(path: Path | None) -> None:
    """Find out before anything is computed whether a picture can be drawn.

    Raises:
        ConfigError: If matplotlib is missing, or the ending is not one that it writes.
    """
    if find_spec("matplotlib") is None:
        raise ConfigError("a picture needs matplotlib, which is not installed: pip install 'mistcli[plot]'.")
    if path is not None and path.suffix.lower() not in PICTURES:
        raise ConfigError(f"a picture is a {', '.join(PICTURES)} file; got '{printable(str(path))}'.")


def draw(result: Drawable, kind: Literal["heatmap", "network"] = "heatmap", path: Path | None = None) -> Figure:
    """Return a figure of a matrix, and write it to `path` if one is given.

    Raises:
        ConfigError: If matplotlib is missing, `kind` is not known, or the file cannot be written.
    """
    check_drawing(path)
    from matplotlib.figure import Figure

    if kind not in ("heatmap", "network"):
        raise ConfigError(f"expected kind 'heatmap' or 'network'; got {kind!r}.")
    size = float(np.clip(2.5 + 0.16 * len(result.names), 5, 20))
    figure = Figure(figsize=(size * 1.15, size), layout="constrained")
    (_heatmap if kind == "heatmap" else _network)(result, figure.add_subplot())
    if path is not None:
        try:
            figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
        except OSError as error:
            raise ConfigError(f"cannot write '{printable(str(path), 1000)}': {error.strerror}.") from error
    return figure


def _heatmap(result: Drawable, axes: Axes) -> None:
    square, order = _square(result), _clustered(_square(result))
    shown = np.where(np.eye(len(order), dtype=bool), np.nan, square[np.ix_(order, order)])
    image = axes.imshow(shown, cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
    axes.set_facecolor("0.85")  # the diagonal, and pairs that were not asked for
    if len(order) <= MOST_LABELS:
        names = [printable(result.names[place], 24) for place in order]
        axes.set_xticks(range(len(order)), names, rotation=90, fontsize=7, parse_math=False)
        axes.set_yticks(range(len(order)), names, fontsize=7, parse_math=False)
    axes.set_title("Mutual information as a correlation of normal columns", fontsize=9)
    axes.figure.colorbar(image, ax=axes, shrink=0.7, label=r"$\sqrt{1 - e^{-2I}}$")


def _network(result: Drawable, axes: Axes) -> None:
    order = _clustered(_square(result))
    angle = np.empty(len(order))
    angle[order] = 2 * np.pi * np.arange(len(order)) / len(order)
    x, y = np.cos(angle), np.sin(angle)
    found = [place for place in result.strongest if result.q_value[place] <= RATE][:MOST_LINES]
    for place in reversed(found):
        ends = [result.x[place], result.y[place]]
        strength = float(result.correlation[place])
        axes.plot(
            x[ends], y[ends], color="tab:blue", linewidth=0.3 + 4 * strength, alpha=0.2 + 0.7 * strength, zorder=1
        )
    axes.scatter(x, y, s=18, color="black", zorder=2)
    if len(order) <= MOST_LABELS:
        for place, name in enumerate(result.names):
            turned = float(np.degrees(angle[place]))
            left = 90 < turned < 270
            axes.text(
                1.05 * x[place],
                1.05 * y[place],
                printable(name, 24),
                rotation=turned - 180 if left else turned,
                rotation_mode="anchor",
                ha="right" if left else "left",
                va="center",
                fontsize=7,
                parse_math=False,
            )
    axes.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal")
    axes.axis("off")
    axes.set_title(f"{len(found)} pairs at a false discovery rate of {100 * RATE:g} %", fontsize=9)


def _square(result: Drawable) -> Floats:
    """Return the correlations as a square, NaN for pairs that were not asked for."""
    square = np.full((len(result.names), len(result.names)), np.nan)
    square[result.x, result.y] = square[result.y, result.x] = result.correlation
    return square


def _clustered(square: Floats) -> Ints:
    """Return the order of the columns in which those that go together are neighbours, (M,)."""
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    if len(square) < 3:
        return np.arange(len(square))
    apart = 1 - np.nan_to_num(square)
    np.fill_diagonal(apart, 0)
    condensed = squareform(apart, checks=False)
    tree = linkage(condensed, "average")
    if len(square) <= MOST_LABELS:
        tree = optimal_leaf_ordering(tree, condensed)
    return np.asarray(leaves_list(tree), dtype=np.int64)
