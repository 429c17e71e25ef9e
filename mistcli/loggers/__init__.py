"""Loggers write down what happens in a run; they never change it."""

from mistcli.loggers.base import Logger

__all__ = ["Logger"]
