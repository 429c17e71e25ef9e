"""What must hold of every command, from the conformance kit."""

from __future__ import annotations

from mistcli.testing import CommandConformance


class TestTune(CommandConformance):
    name = "optuna/tune"
