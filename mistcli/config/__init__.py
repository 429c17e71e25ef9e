"""Settings of a run: their schema, the sources they are read from, and how sources are combined.

The classes of the schema can be imported from here.
"""

from mistcli.config.schema import (
    Choice,
    CleaningConfig,
    DataConfig,
    GeneralConfig,
    InferenceConfig,
    RunConfig,
    TrainingConfig,
)

__all__ = [
    "Choice",
    "CleaningConfig",
    "DataConfig",
    "GeneralConfig",
    "InferenceConfig",
    "RunConfig",
    "TrainingConfig",
]
