"""A fitted estimator as tensors and facts, and back: what `mist estimate --out` keeps and `mist evaluate` applies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from mistcli.config.schema import Choice
from mistcli.data.cleaning import Cleaned
from mistcli.data.transforms import TRANSFORMS, Encoder
from mistcli.errors import DataError
from mistcli.estimators.base import DirectEstimator, Estimator
from mistcli.persistence.run_folder import Kept
from mistcli.plugin.registry import Registry
from mistcli.training.estimator_factory import Blueprint, blueprint

__all__ = ["Applied", "Encoded", "fingerprint", "keep", "restore"]

Floats = NDArray[np.float64]
VERSION = 1


@dataclass(frozen=True)
class Encoded:
    """Both sides as features, (N, D'x) and (N, D'y), and the maps that made them."""

    x: Floats
    y: Floats
    x_encoder: Encoder
    y_encoder: Encoder

    @property
    def continuous(self) -> bool:
        """Whether a column on either side is continuous."""
        return 0 in self.x_encoder.levels + self.y_encoder.levels


@dataclass(frozen=True)
class Applied:
    """A kept estimator, ready to value pairs.

    Arguments:
        blueprint: What it is.
        fits: Its fits, one or one a fold.
        x: The names and levels of the columns of x.
        y: The same for y.
        x_encoder: The map of the columns of x.
        y_encoder: The same for y.
        fitted_to: The fingerprint of the features that it was fitted to.
    """

    blueprint: Blueprint
    fits: Sequence[Estimator]
    x: Mapping[str, Sequence[str] | None]
    y: Mapping[str, Sequence[str] | None]
    x_encoder: Encoder
    y_encoder: Encoder
    fitted_to: str

    def log_ratio(self, x: Floats, y: Floats) -> Floats:
        """Return the mean over the fits of the log ratios of features, (N,) in nats."""
        trained = self.blueprint.trained
        pairs = [torch.from_numpy(side).to(torch.float32 if trained else torch.float64) for side in (x, y)]
        with self.blueprint.blamed(), torch.inference_mode():
            valued = torch.stack([estimator.log_ratio(*pairs).double() for estimator in self.fits])
        return valued.mean(0).numpy()


def fingerprint(x: Floats, y: Floats) -> str:
    """Return a digest of features, by which the data that an estimator was fitted to are known again."""
    digest = hashlib.sha256()
    for side in (x, y):
        digest.update(np.ascontiguousarray(side).tobytes())
    return digest.hexdigest()


def keep(plan: Blueprint, encoded: Encoded, cleaned: Cleaned, fitted: Sequence[Estimator]) -> Kept:
    """Return the fitted estimator as tensors and facts."""
    tensors = {f"fit.{k}.{name}": t for k, e in enumerate(fitted) for name, t in e.state_dict().items()}
    for side, encoder in (("x", encoded.x_encoder), ("y", encoded.y_encoder)):
        tensors |= {name: torch.from_numpy(np.asarray(a)) for name, a in encoder.to_tensors(side).items()}
    critic = plan.critic_entry.label if plan.critic_entry else None
    facts = {
        "version": VERSION,
        "estimator": plan.entry.label,
        "options": _plain(plan.options),
        "critic": critic,
        "critic_options": _plain(plan.critic_options),
        "fits": len(fitted),
        "transform": encoded.x_encoder.transform,
        "x": {name: levels and list(levels) for name, levels in zip(cleaned.x.names, cleaned.x.levels, strict=True)},
        "y": {name: levels and list(levels) for name, levels in zip(cleaned.y.names, cleaned.y.levels, strict=True)},
        "fitted_to": fingerprint(encoded.x, encoded.y),
    }
    return Kept(tensors, facts)


def restore(kept: Kept, registry: Registry) -> Applied:
    """Return the estimator that `keep` gave.

    Raises:
        DataError: If the facts and the tensors do not belong together.
        ConfigError: If a plugin that brings a part of it is not installed.
    """
    facts = kept.facts
    try:
        if facts["version"] != VERSION:
            raise DataError(f"expected a kept estimator of version {VERSION}; got {facts['version']!r}: keep it again.")
        critic = Choice(facts["critic"], facts["critic_options"]) if facts["critic"] else None
        plan = blueprint(Choice(facts["estimator"], facts["options"]), critic, registry)
        x, y = (_encoder(facts, kept.tensors, side) for side in ("x", "y"))
        fits = [_fit(plan, kept.tensors, k, x, y) for k in range(int(facts["fits"]))]
        return Applied(plan, fits, dict(facts["x"]), dict(facts["y"]), x, y, str(facts["fitted_to"]))
    except (KeyError, TypeError, AttributeError, RuntimeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"the kept estimator is damaged ({type(error).__name__}: {error}); keep the run again with --out."
        ) from error


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}


def _encoder(facts: Mapping[str, Any], tensors: Mapping[str, Tensor], side: str) -> Encoder:
    if facts["transform"] not in TRANSFORMS:
        raise KeyError(facts["transform"])
    levels = tuple(len(labels or ()) for labels in facts[side].values())
    arrays = {name: t.double().numpy() for name, t in tensors.items() if name.startswith(f"{side}.")}
    return Encoder.from_tensors(levels, facts["transform"], side, arrays)


def _fit(plan: Blueprint, tensors: Mapping[str, Tensor], k: int, x: Encoder, y: Encoder) -> Estimator:
    prefix = f"fit.{k}."
    state = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    if plan.trained:
        estimator: Estimator = plan.trainable(x.width, y.width)(Generator())
        estimator.load_state_dict(state)
        return estimator
    direct: DirectEstimator = plan.direct().declare_columns(x.levels, y.levels)
    for name, tensor in state.items():
        direct.register_buffer(name, tensor)
    return direct
