"""What must hold of every logger, from the conformance kit."""

from __future__ import annotations

from typing import ClassVar

import pytest

from mistcli.testing import LoggerConformance

pytest.importorskip("mlflow", reason="needs an environment of its own; `make test-plugins` runs this")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")


class TestMlflow(LoggerConformance):
    name = "mlflow/mlflow"
    options: ClassVar = {"uri": "sqlite:///mlflow.db"}
