"""The result of a test of independence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["TEST_SCHEMA", "IndependenceTest"]

TEST_SCHEMA = "mist.test/1"


@dataclass(frozen=True)
class IndependenceTest:
    """The result of a test of independence.

    Arguments:
        p_value: The probability under independence of a smallest p-value as small as the observed one.
        statistic: The value of the statistic with the smallest p-value.
        method: The name of that statistic.
        mi: The estimated mutual information, in nats, conditional on what is given.
        n: The number of rows.
        permutations: The number of permutations.
        x: The columns of x.
        y: The columns of y.
        given: The columns that the test is conditional on.
        p_values: The approximate p-value of each statistic alone, by its name; they are not corrected for their number.
        estimator: The estimator of `mi`.
        rows: What the rows were taken for.
        seed: The seed of every random choice.
        seconds: How long it took.
        complete: Whether all permutations were computed.
        warnings: What to know of the result.
    """

    p_value: float
    statistic: float
    method: str
    mi: float
    n: int
    permutations: int
    x: tuple[str, ...]
    y: tuple[str, ...]
    given: tuple[str, ...] = ()
    p_values: Mapping[str, float] = field(default_factory=dict)
    estimator: str = "mixed_ksg"
    rows: str = "independent"
    seed: int = 0
    seconds: float = 0.0
    complete: bool = True
    warnings: tuple[str, ...] = ()

    def to_dict(self, units: str = "nats") -> dict[str, Any]:
        """Return the result as JSON knows it.

        Arguments:
            units: The unit of `mi`, nats or bits.
        """
        return {
            "schema": TEST_SCHEMA,
            "p_value": self.p_value,
            "statistic": self.statistic,
            "method": self.method,
            "mi": self.mi / (math.log(2) if units == "bits" else 1.0),
            "units": units,
            "estimator": self.estimator,
            "n": self.n,
            "permutations": self.permutations,
            "complete": self.complete,
            "x": list(self.x),
            "y": list(self.y),
            "given": list(self.given),
            "rows": self.rows,
            "p_values": dict(self.p_values),
            "seed": self.seed,
            "seconds": self.seconds,
            "warnings": list(self.warnings),
        }
