"""The built-in estimators that choose and combine others, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mistcli.plugin import EstimatorSpec, hookimpl, option

__all__ = ["AutoOptions", "mist_estimators"]


@dataclass(frozen=True)
class AutoOptions:
    """The options of `auto`."""

    effort: Literal["quick", "normal", "thorough"] = option(
        "normal",
        help="How much to try: quick trains nothing, normal trains critics where something is left to learn, thorough "
        "always does.",
    )
    budget: float | None = option(
        None, help="The seconds after which no further step is begun and training ends.", min=0
    )


@hookimpl
def mist_estimators() -> Iterable[EstimatorSpec]:
    """Yield the strategies."""
    yield EstimatorSpec(
        "auto",
        "mistcli.auto.estimator:Auto",
        "A copula, critics and neighbours, or a table: the default, for columns of any kind.",
        family="strategy",
        reference="Hybrid mutual information estimators (Federici et al., 2023), https://arxiv.org/abs/2306.00608",
        x="any",
        y="any",
        trained=True,
        transform="none",
        min_samples=20,
        tolerance=0.05,
        options=AutoOptions,
    )
