"""Everything that holds for every logger holds for `tensorboard`."""

from mistcli.testing import LoggerConformance


class TestTensorBoard(LoggerConformance):
    name = "tensorboard"
