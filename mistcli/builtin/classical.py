"""The built-in estimators that need no training, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mistcli.plugin import EstimatorSpec, hookimpl, option

__all__ = ["KSGOptions", "mist_estimators"]


@dataclass(frozen=True)
class KSGOptions:
    """The options of `ksg`."""

    k: int = option(5, help="Neighbours.", min=1)


@hookimpl
def mist_estimators() -> Iterable[EstimatorSpec]:
    """Yield the estimators that look at the data once."""
    yield EstimatorSpec(
        "gaussian",
        "mistcli.estimators.gaussian:Gaussian",
        "Closed form for jointly Gaussian columns, finite-sample bias removed.",
        reference="Elements of Information Theory (Cover and Thomas, 2006), https://doi.org/10.1002/047174882X",
        family="parametric",
        symmetric=True,
    )
    yield EstimatorSpec(
        "ksg",
        "mistcli.estimators.ksg:KSG",
        "Nearest neighbours (Kraskov, Stoegbauer and Grassberger, algorithm 1).",
        options=KSGOptions,
        reference="Estimating mutual information (Kraskov et al., 2004), https://arxiv.org/abs/cond-mat/0305641",
        family="neighbours",
        symmetric=True,
    )
