"""What plugin authors import: specifications of components, `option` and `hookimpl`. Imports nothing heavy."""

from mistcli.plugin.specs import (
    API_VERSION,
    Bound,
    CommandSpec,
    CriticSpec,
    EstimatorSpec,
    ExecutorSpec,
    LoggerSpec,
    NoOptions,
    OptionInfo,
    ReaderSpec,
    Spec,
    hookimpl,
    option,
)
from mistcli.plugin.specs import (
    Kind as Kind,
)
from mistcli.plugin.specs import (
    Transform as Transform,
)

__all__ = [
    "API_VERSION",
    "Bound",
    "CommandSpec",
    "CriticSpec",
    "EstimatorSpec",
    "ExecutorSpec",
    "LoggerSpec",
    "NoOptions",
    "OptionInfo",
    "ReaderSpec",
    "Spec",
    "hookimpl",
    "option",
]
