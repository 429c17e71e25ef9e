"""From files, flags and defaults to one resolved, immutable configuration of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mistcli.plugin import option

__all__ = [
    "Choice",
    "CleaningConfig",
    "DataConfig",
    "GeneralConfig",
    "InferenceConfig",
    "RunConfig",
    "TrainingConfig",
]


@dataclass(frozen=True)
class Choice:
    """Something chosen by name, with the options that were given for it (defaults are not repeated)."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DataConfig:
    """Where the columns come from, and which of them are x and y."""

    path: str = option("", help="The file to read.")
    reader: str = option("", help="The reader, as NAME or NAME:key=value; found by the file if empty.")
    x: str = option("", help="The columns that are x, as a selector.")
    y: str = option("", help="The columns that are y, as a selector.")
    given: str = option("", help="The columns that the information of x and y is conditional on, as a selector.")


@dataclass(frozen=True)
class CleaningConfig:
    """What is done to rows and columns before anything is estimated."""

    missing: Literal["drop", "error"] = option(
        "drop", help="What to do with rows that lack a value in a selected column.", choices=("drop", "error")
    )
    max_missing: float = option(
        0.2, help="The largest share of rows that may be dropped for missing values.", min=0, max=1
    )
    discrete: str = option("", help="Columns to take as discrete, as a selector.")
    continuous: str = option("", help="Columns to take as continuous, as a selector.")
    transform: Literal["auto", "none", "standard", "asinh", "smooth", "normal"] = option(
        "auto",
        help="How continuous columns are prepared; auto is what suits the estimator.",
        choices=("auto", "none", "standard", "asinh", "smooth", "normal"),
    )


@dataclass(frozen=True)
class TrainingConfig:
    """How trained estimators are trained."""

    folds: int = option(
        5, help="Folds of cross-fitting: each row is valued by a fit that has not seen it.", min=2, max=100
    )
    valid_fraction: float = option(
        0.15,
        help="Share of the training rows of a fold that decide when to stop; 0 trains to the end.",
        min=0,
        max=0.5,
    )
    batch_size: int = option(256, help="Pairs a training step.", min=2)
    evaluation_batch_size: int | None = option(
        None, help="Pairs valued at once, negatives being drawn from among them; a whole fold if not given.", min=2
    )
    max_epochs: int | None = option(None, help="The most passes over the training rows.", min=1)
    max_steps: int | None = option(None, help="The most training steps.", min=1)
    patience: int = option(5, help="Evaluations without gain after which a fit stops; 0 never stops early.", min=0)
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = option(
        "adam", help="The optimizer.", choices=("adam", "adamw", "sgd", "rmsprop")
    )
    lr: float = option(1.5e-2, help="The learning rate at its highest.", min=0, min_open=True)
    weight_decay: float | None = option(
        None, help="How fast adamw draws the weights towards 0; 0.01 if not given.", min=0
    )
    schedule: Literal["onecycle", "cosine", "constant"] = option(
        "onecycle",
        help="How the learning rate changes over the steps.",
        choices=("onecycle", "cosine", "constant"),
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = option(
        "auto",
        help="Where to compute; auto takes the CPU for networks this small.",
        choices=("auto", "cpu", "cuda", "mps"),
    )


@dataclass(frozen=True)
class InferenceConfig:
    """How the number and its error bar are reported."""

    level: float = option(0.95, help="The level of the interval.", min=0, max=1, min_open=True, max_open=True)
    permutations: int = option(
        0, help="Permutations for a p-value of independence; 0 tests nothing.", min=0, max=1_000_000
    )
    block: int | None = option(
        None, help="The rows are a series: the length of blocks of it that are taken for independent.", min=1
    )
    group: str = option("", help="A column whose values tell which rows belong together, such as a subject.")


@dataclass(frozen=True)
class GeneralConfig:
    """What belongs to no part of a run in particular; these keys stand at the top of a configuration file."""

    seed: int = option(0, help="The seed of every random choice.", min=0, max=10**9)
    units: Literal["nats", "bits"] = option(
        "nats", help="The units in which the result is shown.", choices=("nats", "bits")
    )


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides the outcome of a run, resolved."""

    data: DataConfig = field(default_factory=DataConfig)
    estimator: Choice = field(default_factory=lambda: Choice("auto"))
    critic: Choice | None = None
    cleaning: CleaningConfig = field(default_factory=CleaningConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    inference: InferenceConfig = field(default_factory=InferenceConfig)
    loggers: tuple[Choice, ...] = ()
    seed: int = 0
