"""How much information do these columns share, and how sure are we?

The public interface is `estimate`, which returns an `Estimate`, and its relatives. Everything is imported on first use,
so that `import mistcli` costs nothing, and above all does not import torch.
"""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mistcli.__about__ import __version__
from mistcli.compat import moved

if TYPE_CHECKING:
    from mistcli.api import estimate, estimate_lags, estimate_many, independence_test
    from mistcli.compat.torch_mist import estimate_mi, evaluate_mi, train_mi_estimator
    from mistcli.data.tensor_data import SampleDataset
    from mistcli.errors import MistError
    from mistcli.independence.result import IndependenceTest
    from mistcli.matrix.public import mi_matrix
    from mistcli.matrix.result import MutualInformationMatrix
    from mistcli.plugin import hookimpl
    from mistcli.ranking.public import rank_features
    from mistcli.ranking.result import Ranking
    from mistcli.result import Estimate, Interval, LagProfile

__all__ = [
    "Estimate",
    "IndependenceTest",
    "Interval",
    "LagProfile",
    "MistError",
    "MutualInformationMatrix",
    "Ranking",
    "SampleDataset",
    "__version__",
    "estimate",
    "estimate_lags",
    "estimate_many",
    "estimate_mi",
    "evaluate_mi",
    "hookimpl",
    "independence_test",
    "mi_matrix",
    "rank_features",
    "train_mi_estimator",
]

_HOME = MappingProxyType(
    {
        "Estimate": "mistcli.result",
        "IndependenceTest": "mistcli.independence.result",
        "Interval": "mistcli.result",
        "LagProfile": "mistcli.result",
        "MistError": "mistcli.errors",
        "MutualInformationMatrix": "mistcli.matrix.result",
        "Ranking": "mistcli.ranking.result",
        "SampleDataset": "mistcli.data.tensor_data",
        "estimate": "mistcli.api",
        "estimate_lags": "mistcli.api",
        "estimate_many": "mistcli.api",
        "estimate_mi": "mistcli.compat.torch_mist",
        "evaluate_mi": "mistcli.compat.torch_mist",
        "hookimpl": "mistcli.plugin",
        "independence_test": "mistcli.api",
        "mi_matrix": "mistcli.matrix.public",
        "rank_features": "mistcli.ranking.public",
        "train_mi_estimator": "mistcli.compat.torch_mist",
    }
)


moved.install()


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
