"""The time that `auto` may take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Budget"]


@dataclass
class Budget:
    """An upper limit of seconds, and what was left out to keep it.

    Arguments:
        seconds: The limit; None for none.
        left_out: The steps that were left out, or cut short.
    """

    seconds: float | None = None
    left_out: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> bool:
        """Whether nothing of it is left."""
        return time.monotonic() - self.began >= (math.inf if self.seconds is None else self.seconds)

    def allows(self, step: str) -> bool:
        """Return whether a step may begin; note it as left out if not."""
        if self.spent:
            self.left_out.append(step)
            return False
        return True

    def stops(self, should_stop: Callable[[], bool]) -> Callable[[], bool]:
        """Return what says whether to stop: since the caller asks for it, or since the time is over."""
        return lambda: should_stop() or self.spent
