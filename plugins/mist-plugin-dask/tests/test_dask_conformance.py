"""What must hold of every executor, from the conformance kit."""

from __future__ import annotations

from typing import ClassVar

import pytest

from mistcli.testing import ExecutorConformance

pytest.importorskip("distributed", reason="needs Dask; `make install` installs it")

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


class TestDask(ExecutorConformance):
    name = "dask/dask"
    options: ClassVar = {"workers": 1}
