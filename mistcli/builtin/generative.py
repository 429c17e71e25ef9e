"""The built-in estimators that are made of densities, alone or with a critic, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mistcli.plugin import EstimatorSpec, hookimpl, option

__all__ = [
    "BAOptions",
    "CLUBOptions",
    "ConditionalOptions",
    "DoEOptions",
    "GMOptions",
    "HybridOptions",
    "mist_estimators",
]

DENSITIES = ("gaussian", "diagonal", "mixture", "maf", "nsf")
NONLINEARITIES = ("relu", "silu", "elu", "gelu", "tanh", "leaky_relu", "softplus")

CONDITIONAL = "The density of y given x: normal (full or diagonal), a mixture of normals, or a flow."
HIDDEN = "Sizes of the hidden layers."
NONLINEARITY = "The nonlinearity between the layers."
COMPONENTS = "Components of mixtures; none takes 8."
TRANSFORMS = "Transformations of flows; none takes 2."
ENTROPY = "The differential entropy of y, as it is in the data, in nats."

FEDERICI = (
    "On the effectiveness of hybrid mutual information estimation (Federici et al., 2023), "
    "https://arxiv.org/abs/2306.00608"
)


@dataclass(frozen=True)
class ConditionalOptions:
    """The options of `l1out`."""

    conditional: Literal["gaussian", "diagonal", "mixture", "maf", "nsf"] = option("mixture", help=CONDITIONAL)
    hidden_dims: tuple[int, ...] = option((32, 32), help=HIDDEN, min=1)
    nonlinearity: Literal["relu", "silu", "elu", "gelu", "tanh", "leaky_relu", "softplus"] = option(
        "silu", help=NONLINEARITY
    )
    components: int | None = option(None, help=COMPONENTS, min=2)
    transforms: int | None = option(None, help=TRANSFORMS, min=1)


@dataclass(frozen=True)
class BAOptions(ConditionalOptions):
    """The options of `ba`."""

    entropy: float | None = option(None, help=f"{ENTROPY} It has to be given.")


@dataclass(frozen=True)
class CLUBOptions(ConditionalOptions):
    """The options of `club`."""

    tau: float | None = option(
        3.0,
        help="The most a negative counts for, in nats; none has no limit, as in the paper.",
        min=0,
        min_open=True,
    )


@dataclass(frozen=True)
class DoEOptions(ConditionalOptions):
    """The options of `doe`."""

    marginal: Literal["gaussian", "diagonal", "mixture", "maf", "nsf"] = option(
        "mixture", help="The density of y alone, one of the same."
    )


@dataclass(frozen=True)
class GMOptions:
    """The options of `gm`."""

    joint: Literal["gaussian", "diagonal", "mixture", "maf", "nsf"] = option(
        "mixture", help="The density of x and y together, of the same names as for doe."
    )
    marginal: Literal["gaussian", "diagonal", "mixture", "maf", "nsf"] = option(
        "mixture", help="The densities of x and of y alone."
    )
    hidden_dims: tuple[int, ...] | None = option(None, help="Sizes of the hidden layers of flows.", min=1)
    nonlinearity: str | None = option(
        None, help="The nonlinearity between the layers of flows.", choices=NONLINEARITIES
    )
    components: int | None = option(None, help=COMPONENTS, min=2)
    transforms: int | None = option(None, help=TRANSFORMS, min=1)


@dataclass(frozen=True)
class HybridOptions:
    """The options of `resampled_hybrid` and `reweighed_hybrid`."""

    discriminative: Literal["alpha_tuba", "anchor", "dv", "flo", "infonce", "js", "mine", "nwj", "smile", "tuba"] = (
        option("smile", help="The estimator made of a critic.")
    )
    neg_samples: int = option(2, help="Its negatives per pair; 0 takes as many as there are others in the batch.")
    generative: Literal["doe", "gm", "ba", "l1out", "club"] = option("doe", help="The estimator made of densities.")
    entropy: float | None = option(None, help=f"{ENTROPY} For ba.")
    conditional: str | None = option(None, help=CONDITIONAL, choices=DENSITIES)
    marginal: str | None = option(None, help="The density of each side alone, for doe and gm.", choices=DENSITIES)
    joint: str | None = option(None, help="The density of both sides together, for gm.", choices=DENSITIES)
    components: int | None = option(None, help=COMPONENTS, min=2)
    transforms: int | None = option(None, help=TRANSFORMS, min=1)
    hidden_dims: tuple[int, ...] = option((32, 32), help=HIDDEN, min=1)
    nonlinearity: Literal["relu", "silu", "elu", "gelu", "tanh", "leaky_relu", "softplus"] = option(
        "silu", help=NONLINEARITY
    )


@hookimpl
def mist_estimators() -> Iterable[EstimatorSpec]:
    """Yield the estimators that are made of densities."""
    yield EstimatorSpec(
        "ba",
        "mistcli.estimators.ba:BA",
        "Barber and Agakov's lower bound, where the entropy of y is known.",
        options=BAOptions,
        reference="The IM algorithm: a variational approach to information maximization (Barber and Agakov, 2003), "
        "https://aivalley.com/Papers/MI_NIPS_final.pdf",
        family="generative",
        bound="lower",
        x="any",
        trained=True,
        transform="smooth",
        min_samples=50,
    )
    yield EstimatorSpec(
        "doe",
        "mistcli.estimators.doe:DoE",
        "Difference of the entropies of y, and of y given x.",
        options=DoEOptions,
        reference="Formal limitations on the measurement of mutual information (McAllester and Stratos, 2020), "
        "https://arxiv.org/abs/1811.04251",
        family="generative",
        x="any",
        trained=True,
        transform="normal",
        min_samples=50,
    )
    yield EstimatorSpec(
        "gm",
        "mistcli.estimators.gm:GM",
        "Densities of both sides together and of each alone.",
        options=GMOptions,
        reference="Understanding the limitations of variational mutual information estimators "
        "(Song and Ermon, 2020), https://arxiv.org/abs/1910.06222",
        family="generative",
        trained=True,
        transform="normal",
        min_samples=50,
    )
    yield EstimatorSpec(
        "l1out",
        "mistcli.estimators.l1out:L1Out",
        "Leave-one-out upper bound, of a density that is learnt: often below the truth.",
        options=ConditionalOptions,
        reference="On variational bounds of mutual information (Poole et al., 2019), https://arxiv.org/abs/1905.06922",
        family="generative",
        bound="upper",
        x="any",
        trained=True,
        transform="normal",
        min_samples=50,
    )
    yield EstimatorSpec(
        "club",
        "mistcli.estimators.club:CLUB",
        "Contrastive log-ratio upper bound; a loose one, meant to be minimised.",
        options=CLUBOptions,
        reference="CLUB: a contrastive log-ratio upper bound of mutual information (Cheng et al., 2020), "
        "https://arxiv.org/abs/2006.12013",
        family="generative",
        bound="upper",
        x="any",
        trained=True,
        transform="normal",
        min_samples=50,
        tolerance=3.0,
    )
    yield EstimatorSpec(
        "resampled_hybrid",
        "mistcli.estimators.resampled_hybrid:ResampledHybrid",
        "Densities, and a critic that tells pairs from samples of them.",
        options=HybridOptions,
        reference=FEDERICI,
        family="hybrid",
        trained=True,
        transform="normal",
        min_samples=50,
    )
    yield EstimatorSpec(
        "reweighed_hybrid",
        "mistcli.estimators.reweighed_hybrid:ReweighedHybrid",
        "A critic that starts from the log ratio of densities.",
        options=HybridOptions,
        reference=FEDERICI,
        family="hybrid",
        trained=True,
        transform="normal",
        min_samples=50,
    )
