"""The result as a person reads it: a number, how sure it is, what it rests on, what to be careful about."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mistcli.result import Estimate, Terms, Units
from mistcli.text import printable

__all__ = ["explain", "number", "show"]

BOUNDS = {
    "lower": "a lower bound: the truth is likely higher",
    "upper": "an upper bound, if its density is right",
}
ROWS = {"dropped_missing": "dropped for missing values", "duplicate_rows": "duplicated"}
COLUMNS = {"dropped_columns": "left out", "discrete": "discrete", "shifted": "shifted"}
MOST_NAMES = 6
WIDTH = 80


def show(estimate: Estimate, console: Console, *, units: Units = "nats", title: str = "") -> None:
    """Print `estimate` to `console`: in a frame on a terminal, as plain lines elsewhere."""
    plus_minus = "+/-" if console.options.ascii_only else "±"
    body = Group(*_body(estimate, units, plus_minus))
    if console.is_terminal:
        name = Text(title or "Mutual information", style="bold")
        width = min(WIDTH, console.width)
        frame = Panel(body, title=name, title_align="left", box=box.ROUNDED, padding=(1, 2), width=width)
        console.print(frame, highlight=False)
    else:
        with console.capture() as drawn:
            console.print(body, highlight=False, soft_wrap=True)
        console.file.write("".join(f"{line.rstrip()}\n" for line in drawn.get().splitlines()))


def explain(estimate: Estimate, console: Console) -> None:
    """Print what was done to get `estimate`, and why, to `console`, step by step."""
    console.print()
    for line in _steps(estimate.explanation, ""):
        console.print(Text(printable(line, 1000)), highlight=False, soft_wrap=not console.is_terminal)


def _steps(explanation: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield the lines of an explanation; what belongs to a step is set in from it."""
    plain = [key for key, value in explanation.items() if isinstance(value, str | float | int | None)]
    width = max(map(len, plain), default=0)
    for key, value in explanation.items():
        if isinstance(value, Mapping):
            yield f"{indent}{key.replace('_', ' ')}"
            yield from _steps(value, indent + "  ")
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            yield f"{indent}{key.replace('_', ' ')}"
            yield from (f"{indent}  {_value(item)}" for item in value)
        else:
            yield f"{indent}{key.replace('_', ' '):{width}}  {_value(value)}"


def _value(value: Any) -> str:
    """Return a value in words.

    Example:
        >>> _value(0.123456), _value(["a", 2]), _value(None), _value(True), _value({"a": 1, "b": 2})
        ('0.1235', 'a, 2', 'none', 'yes', 'a 1, b 2')
    """
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(item)}" for key, item in value.items())
    return ", ".join(map(_value, value)) if isinstance(value, list | tuple) else str(value)


def number(value: float, stderr: float) -> str:
    """Return `value` with the digits that its standard error leaves it.

    Example:
        >>> number(0.830411, 0.0042), number(12.3456, 0.31), number(0.5, 0.0)
        ('0.8304', '12.35', '0.5000')
    """
    digits = 4 if not 0 < stderr < math.inf else min(max(1 - math.floor(math.log10(stderr)), 2), 6)
    return f"{value:.{digits}f}"


def _body(estimate: Estimate, units: Units, plus_minus: str) -> Iterator[RenderableType]:
    yield _headline(estimate, units, plus_minus)
    yield _interval(estimate, units)
    yield Text("")
    yield _table(_facts(estimate, units))
    if estimate.warnings:
        yield Text("")
        yield _table([("!", warning) for warning in estimate.warnings], style="bold yellow")


def _headline(estimate: Estimate, units: Units, plus_minus: str) -> Text:
    scale = _scale(units)
    value, stderr = estimate.nats * scale, estimate.stderr * scale
    line = Text.assemble(
        (number(value, stderr), "bold green"),
        f" {plus_minus} ",
        number(stderr, stderr),
        (f" {units}", "bold"),
    )
    if not estimate.complete:
        line.append("  interrupted: a partial result", "bold red")
    return line


def _interval(estimate: Estimate, units: Units) -> Text:
    scale, interval = _scale(units), estimate.interval
    low, high = (number(end * scale, estimate.stderr * scale) for end in (interval.low, interval.high))
    return Text(f"{interval.level * 100:g} % interval {low} to {high}", "dim")


def _facts(estimate: Estimate, units: Units) -> Iterator[tuple[str, str]]:
    yield "equals", f"{_elsewhere(estimate, units)}, or a Gaussian correlation of {estimate.correlation:.3f}"
    bound = BOUNDS.get(estimate.bound, "")
    yield "estimator", ", ".join(filter(None, (estimate.estimator, bound)))
    yield "x", _names(estimate.x)
    yield "y", _names(estimate.y)
    if estimate.given:
        yield "given", _names(estimate.given)
    if estimate.terms is not None:
        yield "terms", _difference(estimate, estimate.terms, units)
    yield "rows", ", ".join(_rows(estimate))
    if estimate.p_value is not None:
        permutations = f", from {estimate.permutations:,} permutations" if estimate.permutations else ""
        yield "p-value", f"{estimate.p_value:.3g}{permutations}"
    for key, title in COLUMNS.items():
        if names := estimate.cleaning.get(key):
            yield title, _names(names)
    yield "seed", str(estimate.seed)
    yield "time", f"{estimate.seconds:.1f} s"


def _elsewhere(estimate: Estimate, units: Units) -> str:
    """Return the estimate in the other units."""
    other: Units = "bits" if units == "nats" else "nats"
    scale = _scale(other)
    return f"{number(estimate.nats * scale, estimate.stderr * scale)} {other}"


def _difference(estimate: Estimate, terms: Terms, units: Units) -> str:
    scale = _scale(units)
    joint, given = (number(term * scale, estimate.stderr * scale) for term in (terms.joint, terms.given))
    return f"{joint} less {given}, so that errors weigh {terms.amplification:.3g} times as much"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name, 40) for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more:,} more ({len(names):,} columns)" if more > 0 else shown


def _rows(estimate: Estimate) -> Iterator[str]:
    read = estimate.cleaning.get("rows_read", estimate.n)
    yield f"{estimate.n:,}" if read == estimate.n else f"{estimate.n:,} of {read:,}"
    for key, words in ROWS.items():
        if count := estimate.cleaning.get(key):
            yield f"{count:,} {words}"


def _table(rows: Iterable[tuple[str, str]], style: str = "dim") -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style=style, no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name), Text(printable(text, 1000)))
    return table


def _scale(units: Units) -> float:
    return 1.0 if units == "nats" else 1.0 / math.log(2)
