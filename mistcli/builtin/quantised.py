"""The built-in estimators that cut y, or both sides, into cells, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mistcli.plugin import EstimatorSpec, hookimpl, option

__all__ = ["BinnedOptions", "HybridPQOptions", "PQOptions", "mist_estimators"]

FEDERICI = (
    "On the effectiveness of hybrid mutual information estimation (Federici et al., 2023), "
    "https://arxiv.org/abs/2306.00608"
)


@dataclass(frozen=True)
class BinnedOptions:
    """The options of `binned`."""

    quantizer: Literal["kmeans", "equal_mass", "equal_width"] = option(
        "kmeans", help="How cells are made: around centres, or as a grid of bins of one mass or width."
    )
    bins: int | None = option(
        None, help="Cells a side, or bins a column of a grid; none takes as many as five rows a pair allow.", min=2
    )
    correction: Literal["miller_madow", "none"] = option(
        "miller_madow", help="What is done about the bias of few rows."
    )


@dataclass(frozen=True)
class PQOptions:
    """The options of `pq`."""

    quantizer: Literal["fixed", "kmeans", "vqvae"] = option(
        "kmeans", help="How cells are made: a grid, around centres, by an autoencoder."
    )
    cells: int = option(16, help="Cells of y.", min=2)
    hidden_dims: tuple[int, ...] = option((32, 32), help="Sizes of the hidden layers.", min=1)
    nonlinearity: Literal["relu", "silu", "elu", "gelu", "tanh", "leaky_relu", "softplus"] = option(
        "silu", help="The nonlinearity between the layers."
    )


@dataclass(frozen=True)
class HybridPQOptions:
    """The options of `hybrid_pq`."""

    discriminative: Literal["alpha_tuba", "anchor", "dv", "flo", "infonce", "js", "mine", "nwj", "smile", "tuba"] = (
        option("js", help="The estimator within the cells.")
    )
    neg_samples: int = option(4, help="Its negatives per pair; 0 takes as many as there are others in the batch.")
    quantizer: Literal["fixed", "kmeans", "vqvae"] = option(
        "kmeans", help="How cells are made: a grid, around centres, by an autoencoder."
    )
    cells: int = option(16, help="Cells of y.", min=2)
    hidden_dims: tuple[int, ...] = option((32, 32), help="Sizes of the hidden layers.", min=1)
    nonlinearity: Literal["relu", "silu", "elu", "gelu", "tanh", "leaky_relu", "softplus"] = option(
        "silu", help="The nonlinearity between the layers."
    )


@hookimpl
def mist_estimators() -> Iterable[EstimatorSpec]:
    """Yield the estimators that are made of cells."""
    yield EstimatorSpec(
        "binned",
        "mistcli.estimators.binned:Binned",
        "Both sides cut into cells, and a table of them.",
        options=BinnedOptions,
        reference="Estimation of entropy and mutual information (Paninski, 2003), "
        "https://doi.org/10.1162/089976603321780272",
        family="quantised",
    )
    yield EstimatorSpec(
        "pq",
        "mistcli.estimators.pq:PQ",
        "Predictive quantization: a network of x predicts the cell of y.",
        options=PQOptions,
        reference=FEDERICI,
        family="quantised",
        bound="lower",
        x="any",
        y="any",
        trained=True,
        transform="normal",
        min_samples=50,
    )
    yield EstimatorSpec(
        "hybrid_pq",
        "mistcli.estimators.hybrid_pq:HybridPQ",
        "Predictive quantization, and a critic within the cells.",
        options=HybridPQOptions,
        reference=FEDERICI,
        family="hybrid",
        x="any",
        y="any",
        trained=True,
        transform="normal",
        min_samples=50,
    )
