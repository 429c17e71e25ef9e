"""The result of a ranking: columns by their information about a target, alone and in a greedy order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mistcli.matrix.columns import Skipped
from mistcli.matrix.settings import Fdr
from mistcli.result import Interval, Units

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "RANK_SCHEMA", "RankedFeature", "Ranking"]

RANK_SCHEMA = "mist.rank/1"
COLUMNS = ("name", "mi", "stderr", "low", "high", "p_value", "q_value", "order", "adds", "p_adds", "total")
"""The columns of the table of a ranking."""

INFORMATION = ("mi", "stderr", "low", "high", "adds", "total")


@dataclass(frozen=True)
class RankedFeature:
    """What one column, or a group of columns, tells of the target.

    Arguments:
        name: Its name.
        mi: Its mutual information with the target, given what is given, in nats.
        stderr: Its standard error, in nats.
        low: The lower end of its interval, in nats.
        high: The upper end, in nats.
        p_value: The p-value of independence.
        q_value: The smallest false discovery rate at which it is reported.
        order: Its place in the greedy order, from 1; None if it was not chosen.
        adds: By how much it raised the total when it was chosen, in nats.
        p_adds: The p-value of what it adds: how often the best of all candidates adds as much by chance.
        total: What it and those chosen before tell of the target together, in nats.
    """

    name: str
    mi: float
    stderr: float
    low: float
    high: float
    p_value: float
    q_value: float
    order: int | None = None
    adds: float | None = None
    p_adds: float | None = None
    total: float | None = None

    def to_dict(self, scale: float = 1.0) -> dict[str, Any]:
        """Return the values, those of information multiplied by `scale`."""
        values = {name: getattr(self, name) for name in COLUMNS}
        return {
            name: value * scale if name in INFORMATION and value is not None else value
            for name, value in values.items()
        }


@dataclass(frozen=True)
class Ranking:
    """Columns by their information about a target.

    Arguments:
        target: The target.
        features: The columns: those chosen in their order, then the others, those that tell most first.
        total: What those chosen tell of the target together, out of fold, in nats: a lower bound.
        stderr: Its standard error, in nats.
        interval: Its interval, in nats.
        next_p_value: The p-value of the best column that was not chosen; None where none was left to test.
        given: What the information is conditional on.
        method: How the next column is chosen: "cmi", "jmi", "mrmr" or "mim".
        n: The number of rows of the order.
        leaks: Columns that determine the target.
        skipped: Columns that are left out, with the reason.
        fdr: How the q-values were found.
        seed: The seed of every random choice.
        seconds: Wall time.
        warnings: What the reader should know, in sentences.
    """

    target: str
    features: tuple[RankedFeature, ...]
    total: float
    stderr: float
    interval: Interval
    next_p_value: float | None
    given: tuple[str, ...] = ()
    method: str = "cmi"
    n: int = 0
    leaks: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    fdr: Fdr = "bh"
    seed: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def selected(self) -> list[str]:
        """The names of the columns that were chosen, in order."""
        return [one.name for one in self.features if one.order is not None]

    @property
    def table(self) -> pd.DataFrame:
        """A row a column, with the columns of `COLUMNS`, in nats; order, adds and total are missing if not chosen."""
        import pandas as pd

        frame = pd.DataFrame([one.to_dict() for one in self.features], columns=list(COLUMNS))
        return frame.astype({"order": "Int64", "adds": float, "p_adds": float, "total": float})

    def to_dict(self, units: Units = "nats") -> dict[str, Any]:
        """Return the ranking as plain values, in the schema `mist.rank/1`, with no NaN in it."""
        scale = 1.0 if units == "nats" else 1.0 / math.log(2)
        return {
            "schema": RANK_SCHEMA,
            "units": units,
            "target": self.target,
            "given": list(self.given),
            "method": self.method,
            "n": self.n,
            "features": [one.to_dict(scale) for one in self.features],
            "selected": self.selected,
            "total": self.total * scale,
            "stderr": self.stderr * scale,
            "interval": {
                "level": self.interval.level,
                "low": self.interval.low * scale,
                "high": self.interval.high * scale,
            },
            "next_p_value": self.next_p_value,
            "leaks": list(self.leaks),
            "skipped": [{"column": one.column, "reason": one.reason} for one in self.skipped],
            "fdr": self.fdr,
            "seed": self.seed,
            "seconds": self.seconds,
            "warnings": list(self.warnings),
        }
