"""The built-in estimators made of a critic, as data: what each is, where it comes from, and its options."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mistcli.plugin import EstimatorSpec, hookimpl, option

__all__ = [
    "InfoNCEOptions",
    "NegativesOptions",
    "SMILEOptions",
    "mist_estimators",
]

NEGATIVES = "Negatives per pair; 0 takes all others in the batch, -k all but k others."


@dataclass(frozen=True)
class NegativesOptions:
    """The options of `js` and `nwj`."""

    neg_samples: int = option(2, help=NEGATIVES)


@dataclass(frozen=True)
class InfoNCEOptions:
    """The options of `infonce`, which is bounded by the logarithm of its negatives, and so takes more."""

    neg_samples: int = option(16, help=NEGATIVES)


@dataclass(frozen=True)
class SMILEOptions:
    """The options of `smile`."""

    neg_samples: int = option(2, help=NEGATIVES)
    tau: float | None = option(
        5.0,
        help="Log ratios in the partition are clipped to [-tau, tau]; none does not clip.",
        min=0,
        min_open=True,
    )


@hookimpl
def mist_estimators() -> Iterable[EstimatorSpec]:
    """Yield the estimators made of the scores of a critic."""
    yield EstimatorSpec(
        "js",
        "mistcli.estimators.js:JS",
        "Jensen-Shannon critic, valued by the NWJ lower bound.",
        options=NegativesOptions,
        reference="Learning deep representations by mutual information estimation and maximization "
        "(Hjelm et al., 2019), https://arxiv.org/abs/1808.06670",
        family="discriminative",
        bound="lower",
        x="any",
        y="any",
        needs_critic=True,
        trained=True,
        transform="normal",
    )
    yield EstimatorSpec(
        "nwj",
        "mistcli.estimators.nwj:NWJ",
        "Nguyen-Wainwright-Jordan lower bound.",
        options=NegativesOptions,
        reference="Estimating divergence functionals and the likelihood ratio by convex risk minimization "
        "(Nguyen et al., 2010), https://arxiv.org/abs/0809.0853",
        family="discriminative",
        bound="lower",
        x="any",
        y="any",
        needs_critic=True,
        trained=True,
        transform="normal",
    )
    yield EstimatorSpec(
        "infonce",
        "mistcli.estimators.infonce:InfoNCE",
        "Contrastive lower bound, of low variance, at most the logarithm of its negatives.",
        options=InfoNCEOptions,
        reference="Representation learning with contrastive predictive coding (van den Oord et al., 2018), "
        "https://arxiv.org/abs/1807.03748",
        family="discriminative",
        bound="lower",
        x="any",
        y="any",
        needs_critic=True,
        trained=True,
        transform="normal",
    )
    yield EstimatorSpec(
        "smile",
        "mistcli.estimators.smile:SMILE",
        "Donsker-Varadhan estimate with a clipped partition: less variance, some bias.",
        options=SMILEOptions,
        reference="Understanding the limitations of variational mutual information estimators "
        "(Song and Ermon, 2020), https://arxiv.org/abs/1910.06222",
        family="discriminative",
        bound="none",
        x="any",
        y="any",
        needs_critic=True,
        trained=True,
        transform="normal",
    )
