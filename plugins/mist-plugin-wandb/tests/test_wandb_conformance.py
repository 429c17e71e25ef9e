"""What must hold of every logger, from the conformance kit."""

from __future__ import annotations

from typing import ClassVar

from mistcli.testing import LoggerConformance


class TestWandb(LoggerConformance):
    name = "wandb/wandb"
    options: ClassVar = {"mode": "offline"}
