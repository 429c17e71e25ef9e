"""Estimators of mutual information, one file each, named as on the command line."""

from mistcli.estimators.base import CriticEstimator, DirectEstimator, Estimator, TrainableEstimator
from mistcli.estimators.gaussian import Gaussian
from mistcli.estimators.infonce import InfoNCE
from mistcli.estimators.js import JS
from mistcli.estimators.ksg import KSG
from mistcli.estimators.nwj import NWJ
from mistcli.estimators.smile import SMILE

__all__ = [
    "JS",
    "KSG",
    "NWJ",
    "SMILE",
    "CriticEstimator",
    "DirectEstimator",
    "Estimator",
    "Gaussian",
    "InfoNCE",
    "TrainableEstimator",
]
