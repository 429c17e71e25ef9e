"""The optimizers of the trainer: torch's own update rules, without the classes around them.

The first step of a `torch.optim.Optimizer` imports torch's compiler, which takes a second: about as long as a whole
training of the size that is usual here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from mistcli.errors import ConfigError

__all__ = ["Optimizer", "OptimizerName", "ScheduleName", "learning_rate"]

OptimizerName = Literal["adam", "adamw", "sgd", "rmsprop"]
ScheduleName = Literal["onecycle", "cosine", "constant"]


ADAM: dict[str, Any] = {"amsgrad": False, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "maximize": False}
RMSPROP: dict[str, Any] = {"alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0, "centered": False}
SGD: dict[str, Any] = {"momentum": 0.9, "weight_decay": 0.0, "dampening": 0.0, "nesterov": False, "maximize": False}


class Optimizer:
    """Moves parameters against their gradients.

    Arguments:
        name: The rule: "adam", "adamw", "sgd" (momentum 0.9) or "rmsprop".
        parameters: What it moves.
        weight_decay: The share of the learning rate by which adamw draws the parameters towards 0 in each step; 0.01 if
            None.

    Raises:
        ConfigError: If a weight decay is given for another rule.
    """

    def __init__(self, name: OptimizerName, parameters: Iterable[Parameter], weight_decay: float | None = None) -> None:
        if weight_decay is not None and name != "adamw":
            raise ConfigError(f"a weight decay is for the optimizer adamw; got {name!r}: pass --optimizer adamw too.")
        self.name = name
        self.weight_decay = (0.01 if weight_decay is None else weight_decay) if name == "adamw" else 0.0
        self.parameters = list(parameters)
        self._first, self._second = ([torch.zeros_like(p) for p in self.parameters] for _ in range(2))
        self._steps = [torch.zeros((), device=p.device) for p in self.parameters]
        self._fused = all(p.device.type in ("cpu", "cuda") for p in self.parameters)

    def step(self, lr: float) -> None:
        """Move the parameters by one step at the learning rate `lr`, and forget their gradients."""
        moved: list[Tensor] = list(self.parameters)
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.parameters]
        with torch.no_grad():
            self._update(moved, gradients, lr)
        for parameter in self.parameters:
            parameter.grad = None

    def _update(self, moved: list[Tensor], gradients: list[Tensor], lr: float) -> None:
        if self.name == "sgd":
            sgd(moved, gradients, list(self._first), lr=lr, **SGD)
        elif self.name == "rmsprop":
            rmsprop(moved, gradients, self._second, [], [], self._steps, lr=lr, **RMSPROP)
        else:
            decay = self.weight_decay
            memory = self._first, self._second, list[Tensor](), self._steps
            settings = ADAM | {"weight_decay": decay, "decoupled_weight_decay": decay > 0, "fused": self._fused}
            adam(moved, gradients, *memory, lr=lr, **settings)


def learning_rate(schedule: ScheduleName, highest: float, step: int, total: int) -> float:
    """Return the learning rate of a step: "onecycle" rises over a tenth of them and falls along a cosine.

    Arguments:
        schedule: How it goes: "onecycle", "cosine" (falls from the start) or "constant".
        highest: Its highest value.
        step: The step, from 0.
        total: The number of steps.

    Example:
        >>> [round(learning_rate("cosine", 1.0, step, 4), 2) for step in range(4)]
        [1.0, 0.85, 0.5, 0.15]
    """
    if schedule == "constant":
        return highest
    done, rising = step / total, 0.1 if schedule == "onecycle" else 0.0
    if done < rising:
        return highest * (step + 1) / (rising * total + 1)
    return highest * 0.5 * (1 + math.cos(math.pi * (done - rising) / (1 - rising)))
