"""How a result is shown."""

from __future__ import annotations

__all__: list[str] = []
