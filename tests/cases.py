"""One dict of all built-in estimators, and one of all critics: every invariant is tested for each of them."""

from collections.abc import Callable
from typing import Any

import torch
from problems import normal_log_ratio
from torch import Generator, Tensor

from mistcli.auto.estimator import Auto
from mistcli.critics import Critic, JointCritic, SeparableCritic
from mistcli.estimators import (
    BA,
    CLUB,
    DV,
    FLO,
    GM,
    GMM,
    JS,
    KSG,
    MINE,
    NWJ,
    PQ,
    SMILE,
    TUBA,
    AlphaTUBA,
    Anchor,
    Binned,
    CriticEstimator,
    DirectEstimator,
    DoE,
    Gaussian,
    GaussianCopula,
    HybridPQ,
    InfoNCE,
    L1Out,
    MixedKSG,
    PlugIn,
    ResampledHybrid,
    ReweighedHybrid,
    Ross,
    TCopula,
    TrainableEstimator,
)
from mistcli.training.composite import Strategy

CRITICS: dict[str, Callable[..., Critic]] = {"joint": JointCritic, "separable": SeparableCritic}

CRITIC_ESTIMATORS: dict[str, Callable[..., CriticEstimator]] = {
    "alpha_tuba": AlphaTUBA,
    "anchor": Anchor,
    "dv": DV,
    "flo": FLO,
    "infonce": InfoNCE,
    "js": JS,
    "mine": MINE,
    "nwj": NWJ,
    "smile": SMILE,
    "tuba": TUBA,
}


TRAINABLE_ESTIMATORS: dict[str, Callable[..., TrainableEstimator]] = {
    "ba": BA,
    "club": CLUB,
    "doe": DoE,
    "gm": GM,
    "hybrid_pq": HybridPQ,
    "l1out": L1Out,
    "pq": PQ,
    "resampled_hybrid": ResampledHybrid,
    "reweighed_hybrid": ReweighedHybrid,
}

SMALL: dict[str, dict[str, Any]] = {
    **{name: {"hidden_dims": (8, 8)} for name in TRAINABLE_ESTIMATORS},
    "ba": {"hidden_dims": (8, 8), "entropy": 1.5},
    "gm": {"components": 3},
}
"""Options with which an estimator of the dict above is small, and can be made."""

STRATEGIES: dict[str, Callable[..., Strategy]] = {"auto": Auto}

DIRECT_ESTIMATORS: dict[str, Callable[..., DirectEstimator]] = {
    "binned": Binned,
    "gaussian": Gaussian,
    "gaussian_copula": GaussianCopula,
    "gmm": GMM,
    "ksg": KSG,
    "mixed_ksg": MixedKSG,
    "plugin": PlugIn,
    "ross": Ross,
    "t_copula": TCopula,
}

DISCRETE_SIDES = {"plugin": "xy", "ross": "x"}
"""The sides that have to be discrete for an estimator of the dict above."""


class OptimalCritic(Critic):
    """The log ratio of a normal pair: what training tends to. It has a parameter, so that it can be stacked."""

    stackable = True

    def __init__(self, rho: float) -> None:
        super().__init__()
        self.rho = rho
        self.scale = torch.nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.scale * normal_log_ratio(x, y, self.rho)


AT_OPTIMUM: dict[str, dict[str, Any]] = {
    "alpha_tuba": {"baseline": "constant"},
    "flo": {"d": OptimalCritic(0.0)},
    "tuba": {"baseline": "constant"},
}
"""What else is at its optimum where the critic is the log ratio."""


def critic(name: str, x_dim: int = 2, y_dim: int = 3, *, seed: int = 0, perturb: bool = True) -> Critic:
    """Make a critic whose last layer is not zero, as after some training."""
    made = CRITICS[name](x_dim, y_dim, hidden_dims=(8, 8), generator=Generator().manual_seed(seed))
    if perturb:
        generator = Generator().manual_seed(seed + 1)
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return made
