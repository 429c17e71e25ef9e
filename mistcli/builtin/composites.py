"""The built-in estimators that choose and combine others, as data."""

from __future__ import annotations

from collections.abc import Iterable

from mistcli.plugin import EstimatorSpec, hookimpl

__all__ = ["mist_estimators"]


@hookimpl
def mist_estimators() -> Iterable[EstimatorSpec]:
    """Yield the strategies."""
    yield EstimatorSpec(
        "auto",
        "mistcli.auto.auto:Auto",
        "A copula, critics and neighbours, or a table: the default, for columns of any kind.",
        family="strategy",
        reference="Hybrid mutual information estimators (Federici et al., 2023), https://arxiv.org/abs/2306.00608",
        x="any",
        y="any",
        trained=True,
        transform="none",
        min_samples=20,
        tolerance=0.05,
    )
