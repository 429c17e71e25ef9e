"""The built-in estimators that need no training, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mistcli.plugin import EstimatorSpec, hookimpl, option

__all__ = ["GMMOptions", "KSGOptions", "NeighboursOptions", "PlugInOptions", "mist_estimators"]


@dataclass(frozen=True)
class NeighboursOptions:
    """The options of `mixed_ksg` and `ross`."""

    k: int = option(5, help="Neighbours.", min=1)


@dataclass(frozen=True)
class KSGOptions:
    """The options of `ksg`."""

    k: int = option(5, help="Neighbours.", min=1)
    algorithm: Literal[1, 2] = option(
        1, help="The first, with one distance for both sides, or the second, with one for each."
    )


@dataclass(frozen=True)
class PlugInOptions:
    """The options of `plugin`."""

    correction: Literal["miller_madow", "shrinkage", "none"] = option(
        "miller_madow", help="What is done about the bias of few rows."
    )


@dataclass(frozen=True)
class GMMOptions:
    """The options of `gmm`."""

    components: int | None = option(
        None, help="Components of the mixture; none chooses by the Bayesian information criterion.", min=1
    )


@hookimpl
def mist_estimators() -> Iterable[EstimatorSpec]:
    """Yield the estimators that look at the data once."""
    yield from _parametric()
    yield from _neighbours()
    yield EstimatorSpec(
        "plugin",
        "mistcli.estimators.plug_in:PlugIn",
        "Shares of a table, for discrete columns; bias corrected.",
        options=PlugInOptions,
        reference="Estimation of entropy and mutual information (Paninski, 2003), "
        "https://doi.org/10.1162/089976603321780272",
        family="table",
        x="discrete",
        y="discrete",
        symmetric=True,
    )


def _parametric() -> Iterable[EstimatorSpec]:
    yield EstimatorSpec(
        "gaussian",
        "mistcli.estimators.gaussian:Gaussian",
        "Closed form for jointly Gaussian columns, finite-sample bias removed.",
        reference="Elements of Information Theory (Cover and Thomas, 2006), https://doi.org/10.1002/047174882X",
        family="parametric",
        symmetric=True,
    )
    yield EstimatorSpec(
        "gaussian_copula",
        "mistcli.estimators.gaussian_copula:GaussianCopula",
        "Closed form for a normal copula: the normal scores of ranks.",
        reference="A statistical framework for neuroimaging data analysis based on mutual information estimated via a "
        "Gaussian copula (Ince et al., 2017), https://doi.org/10.1002/hbm.23471",
        family="parametric",
        symmetric=True,
    )
    yield EstimatorSpec(
        "t_copula",
        "mistcli.estimators.t_copula:TCopula",
        "A Student copula, its degrees of freedom by likelihood; heavy tails.",
        reference="The t copula and related copulas (Demarta and McNeil, 2005), "
        "https://doi.org/10.1111/j.1751-5823.2005.tb00254.x",
        family="parametric",
        symmetric=True,
    )
    yield EstimatorSpec(
        "gmm",
        "mistcli.estimators.gmm:GMM",
        "A mixture of normals on normal scores; clusters and curves.",
        options=GMMOptions,
        reference="A robust estimator of mutual information for deep learning interpretability (Piras et al., 2023), "
        "https://arxiv.org/abs/2211.00024",
        family="parametric",
    )


def _neighbours() -> Iterable[EstimatorSpec]:
    yield EstimatorSpec(
        "ksg",
        "mistcli.estimators.ksg:KSG",
        "Nearest neighbours (Kraskov, Stoegbauer and Grassberger, both algorithms).",
        options=KSGOptions,
        reference="Estimating mutual information (Kraskov et al., 2004), https://arxiv.org/abs/cond-mat/0305641",
        family="neighbours",
        transform="normal",
        symmetric=True,
    )
    yield EstimatorSpec(
        "mixed_ksg",
        "mistcli.estimators.mixed_ksg:MixedKSG",
        "Nearest neighbours for any mixture of atoms and densities.",
        options=NeighboursOptions,
        reference="Estimating mutual information for discrete-continuous mixtures (Gao et al., 2017), "
        "https://arxiv.org/abs/1709.06212",
        family="neighbours",
        transform="normal",
        x="any",
        y="any",
        symmetric=True,
    )
    yield EstimatorSpec(
        "ross",
        "mistcli.estimators.ross:Ross",
        "Nearest neighbours between a discrete and a continuous side.",
        options=NeighboursOptions,
        reference="Mutual information between discrete and continuous data sets (Ross, 2014), "
        "https://doi.org/10.1371/journal.pone.0087357",
        family="neighbours",
        x="any",
        y="any",
        symmetric=True,
    )
