"""A lag profile as a person reads it: a row a lag, with a bar as long as its estimate."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mistcli.report.terminal import number
from mistcli.result import LagProfile, Units
from mistcli.text import printable

__all__ = ["show"]

BAR = 24
EIGHTHS = " ▏▎▍▌▋▊▉█"


def show(profile: LagProfile, console: Console, *, units: Units = "nats") -> None:
    """Print `profile` to `console`: a table of lags, the lag of the peak, and what it rests on."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    level = profile.estimates[0].interval.level
    tested = any(estimate.p_value is not None for estimate in profile.estimates)
    for name in ("lag", f"mi ({units})", "stderr", f"{level * 100:g} % interval", *(["p-value"] if tested else [])):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    highest = max(mi for _, mi, *_ in profile.rows(units))
    for lag, mi, stderr, low, high, p_value in profile.rows(units):
        interval = f"{number(low, stderr)} to {number(high, stderr)}"
        bar = _bar(mi / highest if highest > 0 else 0.0, plain=console.options.ascii_only)
        p_values = ["" if p_value is None else f"{p_value:.3g}"] if tested else []
        cells = (str(lag), number(mi, stderr), number(stderr, stderr), interval, *p_values, bar)
        table.add_row(*map(Text, cells), style="bold green" if lag == profile.peak else "dim" if low <= 0 else "")
    with console.capture() as drawn:
        console.print(table)
        for line in _words(profile):
            console.print(Text(line), soft_wrap=True)
    console.file.write("".join(f"{line.rstrip()}\n" for line in drawn.get().splitlines()))


def _words(profile: LagProfile) -> Iterator[str]:
    first = profile.estimates[0]
    sides = (", ".join(printable(name, 40) for name in side) for side in (first.x, first.y))
    yield ""
    yield "x {}; y {}, as many rows later; estimator {}; {:,} rows at every lag".format(
        *sides, first.estimator, first.n
    )
    apart = f"fits see nothing within {profile.gap} rows of what they value; " if profile.gap else ""
    yield f"{apart}errors by blocks of {profile.block} rows"
    if profile.given_past:
        yield f"transfer entropy, given {profile.given_past} rows of the past of y; bias removed by shifted surrogates"
        found = ", ".join(map(str, profile.found)) or "none"
        yield f"lags with a p-value below 0.05 after Holm's correction: {found}"
        return
    if all(found.interval.low <= 0 for found in profile.estimates):
        yield "no lag is distinguishable from 0"
    else:
        yield f"highest at lag {profile.peak}"
    if not profile.complete:
        yield "interrupted: a partial result"


def _bar(share: float, *, plain: bool = False) -> str:
    """Return a bar of that share of the full length.

    Example:
        >>> _bar(0.25, plain=True), _bar(-0.1, plain=True)
        ('######', '')
    """
    eighths = round(max(share, 0.0) * BAR * 8)
    if plain:
        return "#" * round(eighths / 8)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()
