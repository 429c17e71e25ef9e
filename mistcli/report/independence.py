"""The result of a test of independence as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from mistcli.independence.result import IndependenceTest
from mistcli.result import Units
from mistcli.text import printable

__all__ = ["show"]

LEVEL = 0.05


def show(found: IndependenceTest, console: Console, *, units: Units = "nats") -> None:
    """Print the p-value, the statistic that it rests on, and the mutual information."""
    rejected = found.p_value <= LEVEL
    words = "not independent at 5 %" if rejected else "no dependence found at 5 %"
    console.print(Text.assemble((f"p = {found.p_value:.4g}", "bold"), f"   {words}"), highlight=False)
    console.print()
    for name, value in _facts(found, units):
        console.print(Text(f"{name:<18}  {value}"), highlight=False, soft_wrap=True)
    for warning in found.warnings:
        console.print(
            Text(f"!  {printable(warning, len(warning))}", style="bold yellow"), highlight=False, soft_wrap=True
        )


def _facts(found: IndependenceTest, units: Units) -> Iterator[tuple[str, str]]:
    yield "x", _names(found.x)
    yield "y", _names(found.y)
    if found.given:
        yield "given", _names(found.given)
    yield "statistic", f"{found.method}: {found.statistic:.6g}, the smallest p-value of {len(found.p_values)}"
    yield "permutations", f"{found.permutations:,}"
    yield "rows", f"{found.n:,}, {found.rows}"
    yield "mutual information", f"{found.to_dict(units)['mi']:.4f} {units}, by {found.estimator}"


def _names(names: tuple[str, ...]) -> str:
    shown = [printable(name, 40) for name in names[:6]]
    return ", ".join(shown) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
