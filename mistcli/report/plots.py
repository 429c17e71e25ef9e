"""Pictures of many fits, as files; they need matplotlib, which `pip install 'mistcli[plot]'` brings."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mistcli.errors import ConfigError, DataError
from mistcli.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mistcli.benchmark.runner import Row
    from mistcli.sweeping.running import Swept

__all__ = ["check_picture", "draw_benchmark", "draw_sweep"]

LIMIT = 0.3
FEW = 4
"""The number of values up to which an axis shows these, and no others."""
SPREAD = 50
"""The ratio of the largest to the smallest value above which an axis is logarithmic."""


def check_picture(path: Path) -> None:
    """Find out before anything is run whether a picture can be drawn at `path`.

    Raises:
        ConfigError: If matplotlib is missing, the ending is not one it writes, or there is no such folder.
    """
    if find_spec("matplotlib") is None:
        raise ConfigError("a picture needs matplotlib, which is not installed: pip install 'mistcli[plot]'.")
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise ConfigError(f"a picture is a .png, .svg or .pdf file; got '{printable(str(path))}'.")
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder '{printable(str(path.parent))}' to put the picture in.")


def draw_benchmark(rows: Sequence[Row], path: Path) -> None:
    """Draw the mean error of each estimator on each problem, as a heat map.

    Raises:
        DataError: If the file cannot be written.
    """
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row.task for row in rows))
    columns = list(dict.fromkeys((row.estimator, _size(row)) for row in rows))
    errors: dict[tuple[str, tuple[str, str]], list[float]] = {}
    for row in rows:
        if row.mi is not None:
            errors.setdefault((row.task, (row.estimator, _size(row))), []).append(row.mi - row.true)
    grid = [[_mean(errors.get((name, column), [])) for column in columns] for name in names]
    figure = Figure(figsize=(4.5 + 0.8 * len(columns), 1.6 + 0.24 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(grid, cmap="RdBu_r", vmin=-LIMIT, vmax=LIMIT, aspect="auto")
    axes.set_facecolor("0.8")  # what was not run, or failed
    axes.set_yticks(range(len(names)), names, fontsize=7)
    labels = [f"{estimator}\n{size}" for estimator, size in columns]
    axes.set_xticks(range(len(columns)), labels, fontsize=7, rotation=45, ha="right")
    for down, line in enumerate(grid):
        for across, error in enumerate(line):
            shade = "white" if abs(error) > 0.7 * LIMIT else "black"
            text = f"{error:+.2f}" if error == error else "-"
            axes.text(across, down, text, ha="center", va="center", fontsize=6, color=shade)
    figure.colorbar(image, ax=axes, label="mean error, nats", shrink=0.6)
    _save(figure, path)


def _size(row: Row) -> str:
    return "own sizes" if row.pooled else f"n = {row.n:,}"


def draw_sweep(swept: Swept, path: Path) -> None:
    """Draw the estimates of a sweep against each option that it varies, the selected ones marked.

    Raises:
        DataError: If the file cannot be written.
    """
    from matplotlib.figure import Figure

    keys = list(swept.points[0])
    figure = Figure(figsize=(1 + 3.2 * len(keys), 3.6), layout="constrained")
    panels = figure.subplots(1, len(keys), sharey=True, squeeze=False)[0]
    good = [(point, done.result) for point, done in zip(swept.points, swept.done, strict=True) if done.result]
    for axes, key in zip(panels, keys, strict=True):
        places = _places(axes, [_shown(point[key]) for point, _ in good])
        values = [result["mi"] for _, result in good]
        axes.errorbar(places, values, [result["stderr"] for _, result in good], fmt="o", color="C0", alpha=0.6)
        of_point = {id(point): place for (point, _), place in zip(good, places, strict=True)}
        for one in swept.selected:
            best = swept.points[one.best]
            result = swept.done[one.best].result
            axes.plot(
                of_point[id(best)],
                result["mi"] if result else None,
                "*",
                color="C3",
                markersize=12,
                label="lowest loss",
            )
        axes.set_xlabel(key)
    if swept.selected:
        lines, names = panels[0].get_legend_handles_labels()
        figure.legend(lines[:1], names[:1], loc="outside upper right", frameon=False)
    panels[0].set_ylabel("estimate, nats")
    _save(figure, path)


def _places(axes: Axes, texts: Sequence[str]) -> list[float]:
    """Return where values stand on the axis: at themselves if all are numbers, else side by side, by name."""
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        names = list(dict.fromkeys(texts))
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
        return [float(names.index(text)) for text in texts]
    if numbers and min(numbers) > 0 and max(numbers) / min(numbers) > SPREAD:
        axes.set_xscale("log")
    elif len(set(numbers)) <= FEW:
        axes.set_xticks(sorted(set(numbers)), [f"{number:g}" for number in sorted(set(numbers))])
    return numbers


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def _save(figure: Figure, path: Path) -> None:
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise DataError(f"cannot write the picture '{printable(str(path), 1000)}': {error.strerror}.") from error
