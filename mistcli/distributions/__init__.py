"""What estimators are made of beside critics: densities, and quantizers that cut rows into cells."""

from mistcli.distributions.fixed import FixedQuantizer
from mistcli.distributions.kmeans import KMeansQuantizer
from mistcli.distributions.quantizer import Quantizer
from mistcli.distributions.vqvae import VQVAEQuantizer

__all__ = [
    "FixedQuantizer",
    "KMeansQuantizer",
    "Quantizer",
    "VQVAEQuantizer",
]
