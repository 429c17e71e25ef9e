"""Everything that holds for every estimator holds for `foo`: each check of `mist plugin check foo` is a test."""

from typing import ClassVar

from mistcli.testing import EstimatorConformance


class TestFoo(EstimatorConformance):
    name = "foo"
    options: ClassVar = {"max_steps": 200, "folds": 2}  # shorter than a real training, so that the tests are quick
