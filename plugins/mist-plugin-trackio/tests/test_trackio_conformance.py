"""What must hold of every logger, from the conformance kit."""

from __future__ import annotations

import pytest

from mistcli.testing import LoggerConformance

pytest.importorskip("trackio", reason="needs an environment of its own; `make test-plugins` runs this")


class TestTrackio(LoggerConformance):
    name = "trackio/trackio"
