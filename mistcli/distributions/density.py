"""The one interface of all densities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

__all__ = ["Density"]


class Density(nn.Module, ABC):
    r"""A density :math:`q(y \mid c)` that is trained by its likelihood; without a context it is :math:`q(y)`.

    One that is applied to many combinations of the same rows splits its work: `prepare` and `embed` are what each y and
    each context need once, `score` is what each combination needs, and `log_prob` is all in a row.

    Attributes:
        stackable: Whether every parameter may carry a leading axis of replicas :math:`(R, ...)`, which then meets the
            first axis of y and c.

    Arguments:
        dim: The number :math:`D` of columns of y.
        context_dim: The number :math:`C` of columns of the context; 0 for a marginal.
    """

    stackable: ClassVar[bool] = False

    def __init__(self, dim: int, context_dim: int = 0) -> None:
        super().__init__()
        self.dim, self.context_dim = dim, context_dim

    def log_prob(self, y: Tensor, context: Tensor | None = None) -> Tensor:
        r"""Return the log density.

        Arguments:
            y: Where, :math:`(*, D)`.
            context: Under which conditions, :math:`(*, C)`; not needed for a marginal.

        Returns:
            :math:`\log q(y \mid c)`, :math:`(*,)` in nats.
        """
        return self.score(self.prepare(y), self.embed(y[..., :0] if context is None else context))

    def prepare(self, y: Tensor) -> Tensor:
        r"""Return what `score` needs of y, :math:`(*, D) \to (*, V)`; most need it as it is."""
        return y

    @abstractmethod
    def embed(self, context: Tensor) -> Tensor:
        r"""Return what `score` needs of the context, :math:`(*, C) \to (*, H)`."""

    @abstractmethod
    def score(self, y: Tensor, embedded: Tensor) -> Tensor:
        r"""Return the log density of prepared y, :math:`(*, V), (*, H) \to (*,)` in nats; leading axes broadcast."""

    @property
    def noise_dim(self) -> int:
        """The numbers of normal noise that `draw` needs for each sample."""
        return self.dim

    @abstractmethod
    def draw(self, noise: Tensor, embedded: Tensor) -> Tensor:
        r"""Turn standard normal noise into samples.

        Arguments:
            noise: The noise, :math:`(*, E)` with :math:`E` the `noise_dim`.
            embedded: The embedded contexts, :math:`(*, H)`, whose leading axes broadcast with those of the noise.

        Returns:
            Samples of y, :math:`(*, D)`.
        """
