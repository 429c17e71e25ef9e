"""The built-in estimators made of a critic, as data: what each is, where it comes from, and its options."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mistcli.plugin import EstimatorSpec, hookimpl, option

__all__ = [
    "AlphaTUBAOptions",
    "AnchorOptions",
    "InfoNCEOptions",
    "MINEOptions",
    "NegativesOptions",
    "SMILEOptions",
    "TUBAOptions",
    "mist_estimators",
]

NEGATIVES = "Negatives per pair; 0 takes all others in the batch, -k all but k others."


@dataclass(frozen=True)
class NegativesOptions:
    """The options of `js`, `nwj`, `dv` and `flo`."""

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


@dataclass(frozen=True)
class MINEOptions:
    """The options of `mine`."""

    neg_samples: int = option(2, help=NEGATIVES)
    decay: float = option(
        0.9,
        help="Share that the moving average of the partition keeps in a step.",
        min=0,
        max=1,
        min_open=True,
        max_open=True,
    )


@dataclass(frozen=True)
class TUBAOptions:
    """The options of `tuba`."""

    neg_samples: int = option(2, help=NEGATIVES)
    baseline: Literal["learnable", "constant", "batch", "moving_average"] = option(
        "learnable",
        help="What scores are measured from: a network of x, 0, or the mean of the batch or of the last batches.",
        choices=("learnable", "constant", "batch", "moving_average"),
    )


@dataclass(frozen=True)
class AlphaTUBAOptions:
    """The options of `alpha_tuba`."""

    neg_samples: int = option(2, help=NEGATIVES)
    alpha: float = option(
        0.01,
        help="Weight of the mean over negatives in the baseline, between tuba at 0 and infonce at 1.",
        min=0,
        max=1,
        min_open=True,
        max_open=True,
    )
    baseline: Literal["learnable", "constant"] = option(
        "learnable",
        help="What the mean over negatives is interpolated with: a network of x, or 0.",
        choices=("learnable", "constant"),
    )


@dataclass(frozen=True)
class AnchorOptions:
    """The options of `anchor`."""

    neg_samples: int = option(16, help=NEGATIVES)
    nu: float = option(1.0, help="Weight of the class that none is the partner.", min=0, min_open=True)


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
    yield EstimatorSpec(
        "dv",
        "mistcli.estimators.dv:DV",
        "Donsker-Varadhan lower bound.",
        options=NegativesOptions,
        reference="Asymptotic evaluation of certain Markov process expectations for large time, IV "
        "(Donsker and Varadhan, 1983), https://doi.org/10.1002/cpa.3160360204",
        family="discriminative",
        bound="lower",
        x="any",
        y="any",
        needs_critic=True,
        trained=True,
        transform="normal",
    )
    yield EstimatorSpec(
        "mine",
        "mistcli.estimators.mine:MINE",
        "Donsker-Varadhan lower bound, its gradient corrected by a moving average.",
        options=MINEOptions,
        reference="Mutual information neural estimation (Belghazi et al., 2018), https://arxiv.org/abs/1801.04062",
        family="discriminative",
        bound="lower",
        x="any",
        y="any",
        needs_critic=True,
        trained=True,
        transform="normal",
    )
    yield EstimatorSpec(
        "tuba",
        "mistcli.estimators.tuba:TUBA",
        "NWJ lower bound with scores above a baseline: a network of x, by default.",
        options=TUBAOptions,
        reference="On variational bounds of mutual information (Poole et al., 2019), https://arxiv.org/abs/1905.06922",
        family="discriminative",
        bound="lower",
        x="any",
        y="any",
        needs_critic=True,
        trained=True,
        transform="normal",
    )
    yield EstimatorSpec(
        "alpha_tuba",
        "mistcli.estimators.alpha_tuba:AlphaTUBA",
        "Lower bound between the variance of tuba and the bias of infonce.",
        options=AlphaTUBAOptions,
        reference="On variational bounds of mutual information (Poole et al., 2019), https://arxiv.org/abs/1905.06922",
        family="discriminative",
        bound="lower",
        x="any",
        y="any",
        needs_critic=True,
        trained=True,
        transform="normal",
    )
    yield EstimatorSpec(
        "flo",
        "mistcli.estimators.flo:FLO",
        "Contrastive lower bound with a second critic in place of the logarithm.",
        options=NegativesOptions,
        reference="Tight mutual information estimation with contrastive Fenchel-Legendre optimization "
        "(Guo et al., 2022), https://arxiv.org/abs/2107.01131",
        family="discriminative",
        bound="lower",
        x="any",
        y="any",
        needs_critic=True,
        trained=True,
        transform="normal",
    )
    yield EstimatorSpec(
        "anchor",
        "mistcli.estimators.anchor:Anchor",
        "Density ratio learnt by a classifier with an extra class; neither bound nor ceiling.",
        options=AnchorOptions,
        reference="Contrastive predictive coding done right for mutual information estimation "
        "(Ryu et al., 2025), https://arxiv.org/abs/2510.25983",
        family="discriminative",
        bound="none",
        x="any",
        y="any",
        needs_critic=True,
        trained=True,
        transform="normal",
    )
