"""Densities that are trained by their likelihood, log ratios made of them, and quantizers."""

from mistcli.distributions.density import Density
from mistcli.distributions.density_factory import DensityMaker
from mistcli.distributions.fixed import FixedQuantizer
from mistcli.distributions.flow import Flow
from mistcli.distributions.gaussian import Gaussian
from mistcli.distributions.kmeans import KMeansQuantizer
from mistcli.distributions.quantizer import Quantizer
from mistcli.distributions.ratio import ConditionalRatio, DensityRatio, JointRatio
from mistcli.distributions.vqvae import VQVAEQuantizer

__all__ = [
    "ConditionalRatio",
    "Density",
    "DensityMaker",
    "DensityRatio",
    "FixedQuantizer",
    "Flow",
    "Gaussian",
    "JointRatio",
    "KMeansQuantizer",
    "Quantizer",
    "VQVAEQuantizer",
]
