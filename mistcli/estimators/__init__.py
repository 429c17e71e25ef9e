"""Estimators of mutual information, one file each, named as on the command line.

The name of each is also a factory: `estimators.js(x_dim=1, y_dim=1, neg_samples=16)`.
"""

import importlib
from typing import Any

from mistcli.estimators.alpha_tuba import AlphaTUBA
from mistcli.estimators.anchor import Anchor
from mistcli.estimators.ba import BA
from mistcli.estimators.base import CriticEstimator, DirectEstimator, Estimator, TrainableEstimator
from mistcli.estimators.binned import Binned
from mistcli.estimators.club import CLUB
from mistcli.estimators.doe import DoE
from mistcli.estimators.dv import DV
from mistcli.estimators.flo import FLO
from mistcli.estimators.gaussian import Gaussian
from mistcli.estimators.gaussian_copula import GaussianCopula
from mistcli.estimators.gm import GM
from mistcli.estimators.gmm import GMM
from mistcli.estimators.hybrid_pq import HybridPQ
from mistcli.estimators.infonce import InfoNCE
from mistcli.estimators.js import JS
from mistcli.estimators.ksg import KSG
from mistcli.estimators.l1out import L1Out
from mistcli.estimators.mine import MINE
from mistcli.estimators.mixed_ksg import MixedKSG
from mistcli.estimators.nwj import NWJ
from mistcli.estimators.plug_in import PlugIn
from mistcli.estimators.pq import PQ
from mistcli.estimators.resampled_hybrid import ResampledHybrid
from mistcli.estimators.reweighed_hybrid import ReweighedHybrid
from mistcli.estimators.ross import Ross
from mistcli.estimators.smile import SMILE
from mistcli.estimators.t_copula import TCopula
from mistcli.estimators.tuba import TUBA

__all__ = [
    "BA",
    "CLUB",
    "DV",
    "FLO",
    "GM",
    "GMM",
    "JS",
    "KSG",
    "MINE",
    "NWJ",
    "PQ",
    "SMILE",
    "TUBA",
    "AlphaTUBA",
    "Anchor",
    "Binned",
    "CriticEstimator",
    "DirectEstimator",
    "DoE",
    "Estimator",
    "Gaussian",
    "GaussianCopula",
    "HybridPQ",
    "InfoNCE",
    "L1Out",
    "MixedKSG",
    "PlugIn",
    "ResampledHybrid",
    "ReweighedHybrid",
    "Ross",
    "TCopula",
    "TrainableEstimator",
]

_calls = importlib.import_module("mistcli.training.estimator_calls")
_calls.make_callable(__name__)


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _calls.factory(name)
